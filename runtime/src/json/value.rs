//! Numbers and times have one spelling, so that equal values are equal texts.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use crate::entity::{ANY_SCALE, Kind};

/// The one spelling of a text of this kind; nothing where it is none of it.
pub(crate) fn canonical(kind: Kind, text: &str) -> Option<String> {
    match kind {
        Kind::Decimal { scale } => decimal(text, scale),
        Kind::DateTime => moment(text),
        Kind::Text | Kind::Boolean | Kind::Date | Kind::Reference { .. } | Kind::Lookup(_) => {
            Some(text.to_owned())
        }
    }
}

/// `25` is `25.00` at two digits; `25.001` is no amount of two digits, and nothing is rounded away.
fn decimal(text: &str, scale: u32) -> Option<String> {
    let number: Decimal = text.trim().parse().ok()?;
    let mut number = number.normalize();
    if scale < ANY_SCALE {
        if number.scale() > scale {
            return None;
        }
        number.rescale(scale);
    }
    Some(number.to_string())
}

/// In UTC, with a fraction only where there is one. Salesforce writes `+0000` without a colon.
fn moment(text: &str) -> Option<String> {
    Some(parse_moment(text)?.to_string())
}

/// RFC 3339, or as Salesforce writes it; to the millisecond, as Salesforce keeps it.
pub fn parse_moment(text: &str) -> Option<Timestamp> {
    let time = match text.parse::<Timestamp>() {
        Ok(time) => time,
        Err(_) => {
            let (rest, zone) = text.split_at_checked(text.len().checked_sub(5)?)?;
            let (hours, minutes) = zone.split_at_checked(3)?;
            format!("{rest}{hours}:{minutes}").parse().ok()?
        }
    };
    Timestamp::from_millisecond(time.as_millisecond()).ok()
}

/// A decimal as JSON has it.
pub(super) fn number(text: &str) -> Result<Box<RawValue>, serde_json::Error> {
    RawValue::from_string(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_equal_texts() {
        let money = Kind::Decimal { scale: 2 };
        for text in ["25", "25.0", "25.00", " 25.000 "] {
            assert_eq!(canonical(money, text).as_deref(), Some("25.00"));
        }
        assert_eq!(canonical(money, "25.001"), None);
        assert_eq!(canonical(money, "-0").as_deref(), Some("0.00"));
        assert_eq!(canonical(money, "much"), None);
        for text in ["2026-03-01T18:04:05Z", "2026-03-01T18:04:05.000+0000"] {
            assert_eq!(
                canonical(Kind::DateTime, text).as_deref(),
                Some("2026-03-01T18:04:05Z")
            );
        }
    }
}
