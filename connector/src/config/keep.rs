//! How long things are kept: the section `keep`.

use runtime::queue::Keep;
use serde::Deserialize;
use toml::Spanned;

use super::Reader;

const DAY_MS: i64 = 24 * 3_600_000;
/// Ten years: longer is a slip of the hand.
const DAYS_MAX: i64 = 3_650;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    done_days: Option<Spanned<i64>>,
    event_log_days: Option<Spanned<i64>>,
    event_log_megabytes: Option<Spanned<i64>>,
    parked_days: Option<Spanned<i64>>,
}

impl Reader<'_> {
    pub(super) fn keep(&mut self, section: &Section) -> Keep {
        let usual = Keep::default();
        let mut days = |name: &str, value: &Option<Spanned<i64>>, usual: i64| {
            self.number(name, value, DAYS_MAX)
                .map_or(usual, |days| days * DAY_MS)
        };
        let (done_ms, events_ms, parked_ms) = (
            days("done_days", &section.done_days, usual.done_ms),
            days("event_log_days", &section.event_log_days, usual.events_ms),
            days("parked_days", &section.parked_days, usual.parked_ms),
        );
        let megabytes = self.number(
            "event_log_megabytes",
            &section.event_log_megabytes,
            1_000_000,
        );
        Keep {
            done_ms,
            events_ms,
            parked_ms,
            events_bytes: megabytes.map_or(usual.events_bytes, |size| size.unsigned_abs() << 20),
        }
    }

    fn number(&mut self, name: &str, value: &Option<Spanned<i64>>, most: i64) -> Option<i64> {
        let value = value.as_ref()?;
        let number = *value.get_ref();
        if !(1..=most).contains(&number) {
            let message = format!("{name} is {number}; it is a number from 1 to {most}");
            self.fault(Some(value.span().start), message);
        }
        Some(number.clamp(1, most))
    }
}
