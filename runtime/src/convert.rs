//! The named conversions of the mapping language.
//!
//! Each takes a slot and gives a slot: absent stays absent and null stays null, unless it says otherwise.
//! What cannot be converted is an error that names the rule, never the value, which may be personal data.

mod named;

use jiff::civil::Date;

use crate::entity::Slot;

pub use named::{Convert, Named, named};

/// Why a value could not be converted; whole sentences follow "field X: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConvertError(pub &'static str);

/// The value as it is.
pub fn same<T>(slot: Slot<T>) -> Result<Slot<T>, ConvertError> {
    Ok(slot)
}

/// Trimmed and in lower case, with exactly one `@` that has something on both sides. Blank text becomes null.
pub fn email(slot: Slot<String>) -> Result<Slot<String>, ConvertError> {
    slot.try_map(|text| {
        // Nearly all are so already, and keep their text.
        let is_small = |byte: u8| byte.is_ascii_graphic() && !byte.is_ascii_uppercase();
        let plain = text.bytes().all(is_small);
        let trimmed = if plain { text.as_str() } else { text.trim() };
        if trimmed.is_empty() {
            return Ok(Slot::Null);
        }
        let mut parts = trimmed.split('@');
        let whole = matches!(
            (parts.next(), parts.next(), parts.next()),
            (Some(local), Some(domain), None) if !local.is_empty() && domain.contains('.')
        );
        if !whole || (!plain && trimmed.contains(char::is_whitespace)) {
            return Err(ConvertError("the value is not an e-mail address"));
        }
        if plain {
            return Ok(Slot::Value(text));
        }
        Ok(Slot::Value(trimmed.to_lowercase()))
    })
}

/// Trimmed, inner white space made one space. Blank text becomes null.
pub fn phone(slot: Slot<String>) -> Result<Slot<String>, ConvertError> {
    slot.try_map(|text| {
        if is_joined(&text) {
            return Ok(Slot::Value(text));
        }
        let mut joined = String::with_capacity(text.len());
        for word in text.split_whitespace() {
            if !joined.is_empty() {
                joined.push(' ');
            }
            joined.push_str(word);
        }
        Ok(if joined.is_empty() {
            Slot::Null
        } else {
            Slot::Value(joined)
        })
    })
}

/// Is it plain text whose words have one space between them? Nearly every number is.
fn is_joined(text: &str) -> bool {
    let mut before = b' ';
    for byte in text.bytes() {
        let fits = byte.is_ascii_graphic() || (byte == b' ' && before != b' ');
        if !fits {
            return false;
        }
        before = byte;
    }
    before != b' '
}

/// `2001-02-03`; of a date-time with a zone, the date as it is written. Blank text becomes null.
pub fn date(slot: Slot<String>) -> Result<Slot<Date>, ConvertError> {
    slot.try_map(|text| {
        if let Some(date) = plain_date(text.as_bytes()) {
            return Ok(Slot::Value(date));
        }
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Ok(Slot::Null);
        }
        trimmed
            .parse::<Date>()
            .map(Slot::Value)
            .map_err(|_| ConvertError("the value is not a date such as 2001-02-03"))
    })
}

/// Ten letters that are a day; everything else is for the parser to say.
fn plain_date(text: &[u8]) -> Option<Date> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else {
        return None;
    };
    let digit = |letter: u8| letter.is_ascii_digit().then(|| i16::from(letter - b'0'));
    let year = digit(y1)? * 1_000 + digit(y2)? * 100 + digit(y3)? * 10 + digit(y4)?;
    let month = digit(m1)? * 10 + digit(m2)?;
    let day = digit(d1)? * 10 + digit(d2)?;
    Date::new(year, month as i8, day as i8).ok()
}

/// The opposite truth: what Ticketure says as "wants mail" Salesforce says as "wants none".
pub fn not(slot: Slot<bool>) -> Result<Slot<bool>, ConvertError> {
    slot.try_map(|truth| Ok(Slot::Value(!truth)))
}

/// The way back of each conversion. Two laws hold of every pair, which the tests try: `to(from(to x)) = to x` and
/// `from(to(from y)) = from y`.
pub mod back {
    use jiff::civil::Date;

    use super::{ConvertError, Slot};

    pub use super::{email, not, phone, same};

    /// `2001-02-03`.
    pub fn date(slot: Slot<Date>) -> Result<Slot<String>, ConvertError> {
        slot.try_map(|date| Ok(Slot::Value(date.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Slot<String> {
        Slot::Value(value.to_owned())
    }

    #[test]
    fn an_email_is_trimmed_and_lower_case() {
        assert_eq!(
            email(text(" Ada@Example.org ")),
            Ok(text("ada@example.org"))
        );
        assert_eq!(email(text("  ")), Ok(Slot::Null));
        for wrong in [
            "ada",
            "ada@",
            "@example.org",
            "a@b@c.org",
            "a b@c.org",
            "ada@home",
        ] {
            assert!(email(text(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_date_is_read_and_nonsense_is_refused() {
        let expected = Slot::Value(jiff::civil::date(2001, 2, 3));
        assert_eq!(date(text("2001-02-03")), Ok(expected.clone()));
        assert_eq!(date(text("2001-02-03T23:30:00")), Ok(expected));
        assert!(date(text("2001-02-30")).is_err());
        assert!(date(text("soon")).is_err());
    }

    /// Both laws for one pair of conversions and one value of each side.
    fn laws<A: Clone + PartialEq + std::fmt::Debug, B: Clone + PartialEq + std::fmt::Debug>(
        to: fn(Slot<A>) -> Result<Slot<B>, ConvertError>,
        from: fn(Slot<B>) -> Result<Slot<A>, ConvertError>,
        x: &Slot<A>,
        y: &Slot<B>,
    ) {
        if let Ok(there) = to(x.clone()) {
            let back = from(there.clone()).unwrap();
            assert_eq!(to(back), Ok(there), "to(from(to {x:?}))");
        }
        if let Ok(back) = from(y.clone()) {
            let there = to(back.clone()).unwrap();
            assert_eq!(from(there), Ok(back), "from(to(from {y:?}))");
        }
    }

    proptest::proptest! {
        #[test]
        fn both_laws_hold(one in ".*", other in ".*", mail in " ?[A-Za-z.]{1,6}@[A-Za-z]{1,6}\\.org ?", truth: bool, days in 0..40_000_i32) {
            let (one, other, mail) = (text(&one), text(&other), text(&mail));
            laws(same, back::same, &one, &other);
            laws(phone, back::phone, &one, &other);
            laws(email, back::email, &one, &mail);
            laws(email, back::email, &mail, &other);
            laws(not, back::not, &Slot::Value(truth), &Slot::Value(!truth));
            let day = jiff::civil::date(1950, 1, 1).saturating_add(jiff::Span::new().days(days));
            laws(date, back::date, &text(&day.to_string()), &Slot::Value(day));
            laws(date, back::date, &one, &Slot::Value(day));
        }
    }

    proptest::proptest! {
        /// The short ways say what the long ones say.
        #[test]
        fn what_is_plain_is_converted_the_same(word in "[0-9]{4}-[0-9]{2}-[0-9]{2}|[ a-z@.\t]{0,12}") {
            let parsed = word.trim().parse::<Date>().ok();
            proptest::prop_assert_eq!(date(text(&word)).ok().and_then(|slot| slot.value().copied()), parsed);
            let joined = word.split_whitespace().collect::<Vec<_>>().join(" ");
            let expected = if joined.is_empty() { Slot::Null } else { text(&joined) };
            proptest::prop_assert_eq!(phone(text(&word)), Ok(expected));
            let small = word.trim().to_lowercase();
            let is_address = small.matches('@').count() == 1
                && !small.starts_with('@')
                && small.split('@').nth(1).is_some_and(|domain| domain.contains('.'))
                && !small.contains(char::is_whitespace);
            proptest::prop_assert_eq!(email(text(&word)).is_ok(), is_address || small.is_empty());
        }
    }

    #[test]
    fn absent_and_null_stay_what_they_are() {
        assert_eq!(email(Slot::Absent), Ok(Slot::Absent));
        assert_eq!(phone(Slot::Null), Ok(Slot::Null));
        assert_eq!(not(Slot::Value(true)), Ok(Slot::Value(false)));
        assert_eq!(not(Slot::Null), Ok(Slot::Null));
    }
}
