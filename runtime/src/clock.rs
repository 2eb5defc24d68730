//! Time: ours, and how far another system's is from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use http::HeaderMap;

/// Where time comes from, in milliseconds since 1970.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The clock of this machine.
pub fn wall() -> Now {
    Arc::new(|| jiff::Timestamp::now().as_millisecond())
}

/// Measures another system's clock by the `Date` of its answers.
pub struct Meter {
    now: Now,
    offset_ms: AtomicI64,
}

impl Meter {
    pub fn new(now: Now) -> Self {
        Meter {
            now,
            offset_ms: AtomicI64::new(0),
        }
    }

    pub fn now_ms(&self) -> i64 {
        (self.now)()
    }

    /// Their clock minus ours; 0 until an answer has told.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Relaxed)
    }

    /// An answer to a request that was sent at `sent_ms`. `Date` has whole seconds: its middle is taken, and the middle
    /// of the time that the call took.
    pub fn note(&self, sent_ms: i64, headers: &HeaderMap) {
        let date = headers.get("date").and_then(|value| value.to_str().ok());
        let Some(theirs) = date.and_then(seconds_of) else {
            return;
        };
        let ours = sent_ms + (self.now_ms() - sent_ms) / 2;
        self.offset_ms
            .store(theirs * 1_000 + 500 - ours, Ordering::Relaxed);
    }
}

/// `Tue, 24 Nov 2026 20:00:54 GMT` in seconds since 1970.
fn seconds_of(date: &str) -> Option<i64> {
    let parsed = jiff::fmt::rfc2822::parse(date).ok()?;
    Some(parsed.timestamp().as_second())
}

/// The second of a time in milliseconds since 1970 as headers write it: `Tue, 24 Nov 2026 20:00:54 GMT`.
pub fn http_date(ms: i64) -> Option<String> {
    let time = jiff::Timestamp::from_millisecond(ms).ok()?;
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    printer.timestamp_to_rfc9110_string(&time).ok()
}

/// A time as Salesforce or Ticketure writes it (`2026-11-24T15:41:49.000+0000`, `...Z`) in milliseconds since 1970.
pub fn parse_ms(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_millisecond());
    }
    // Salesforce writes its zone without a colon.
    let (rest, zone) = text.split_at_checked(text.len().checked_sub(5)?)?;
    let (hours, minutes) = zone.split_at_checked(3)?;
    let time: jiff::Timestamp = format!("{rest}{hours}:{minutes}").parse().ok()?;
    Some(time.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_both_systems_are_read() {
        let expected = Some(1_795_535_709_000);
        assert_eq!(parse_ms("2026-11-24T15:55:09.000+0000"), expected);
        assert_eq!(parse_ms("2026-11-24T15:55:09Z"), expected);
        assert_eq!(parse_ms("2026-11-24T16:55:09.000+0100"), expected);
        assert_eq!(parse_ms("soon"), None);
        let date = http_date(1_795_535_709_999).unwrap();
        assert_eq!(date, "Tue, 24 Nov 2026 15:55:09 GMT");
        assert_eq!(seconds_of(&date), Some(1_795_535_709));
        assert_eq!(parse_ms("é"), None);
    }

    #[test]
    fn an_offset_is_measured_from_the_middle_of_the_call() {
        let meter = Meter::new(Arc::new(|| 1_795_535_710_000));
        let mut headers = HeaderMap::new();
        headers.insert("date", "Tue, 24 Nov 2026 15:55:19 GMT".parse().unwrap());
        meter.note(1_795_535_708_000, &headers);
        assert_eq!(meter.offset_ms(), 10_500);
    }
}
