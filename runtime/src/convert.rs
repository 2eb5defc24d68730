//! The named conversions of the mapping language.
//!
//! Each takes a slot and gives a slot: absent stays absent and null stays null, unless it says otherwise.
//! What cannot be converted is an error that names the rule, never the value, which may be personal data.

use jiff::civil::Date;

use crate::entity::Slot;

/// Why a value could not be converted; whole sentences follow "field X: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConvertError(pub &'static str);

/// The value as it is.
pub fn same<T: Clone>(slot: &Slot<T>) -> Result<Slot<T>, ConvertError> {
    Ok(slot.clone())
}

/// Trimmed and in lower case, with exactly one `@` that has something on both sides. Blank text becomes null.
pub fn email(slot: &Slot<String>) -> Result<Slot<String>, ConvertError> {
    slot.try_map(|text| {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Ok(Slot::Null);
        }
        let mut parts = trimmed.split('@');
        let whole = matches!(
            (parts.next(), parts.next(), parts.next()),
            (Some(local), Some(domain), None) if !local.is_empty() && domain.contains('.')
        );
        if whole && !trimmed.contains(char::is_whitespace) {
            Ok(Slot::Value(trimmed.to_lowercase()))
        } else {
            Err(ConvertError("the value is not an e-mail address"))
        }
    })
}

/// Trimmed, inner white space made one space. Blank text becomes null.
pub fn phone(slot: &Slot<String>) -> Result<Slot<String>, ConvertError> {
    slot.try_map(|text| {
        let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(if joined.is_empty() {
            Slot::Null
        } else {
            Slot::Value(joined)
        })
    })
}

/// `2001-02-03`; of a date-time with a zone, the date as it is written. Blank text becomes null.
pub fn date(slot: &Slot<String>) -> Result<Slot<Date>, ConvertError> {
    slot.try_map(|text| {
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

/// The opposite truth: what Ticketure says as "wants mail" Salesforce says as "wants none".
pub fn not(slot: &Slot<bool>) -> Result<Slot<bool>, ConvertError> {
    slot.try_map(|truth| Ok(Slot::Value(!truth)))
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
            email(&text(" Ada@Example.org ")),
            Ok(text("ada@example.org"))
        );
        assert_eq!(email(&text("  ")), Ok(Slot::Null));
        for wrong in [
            "ada",
            "ada@",
            "@example.org",
            "a@b@c.org",
            "a b@c.org",
            "ada@home",
        ] {
            assert!(email(&text(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_date_is_read_and_nonsense_is_refused() {
        let expected = Slot::Value(jiff::civil::date(2001, 2, 3));
        assert_eq!(date(&text("2001-02-03")), Ok(expected.clone()));
        assert_eq!(date(&text("2001-02-03T23:30:00")), Ok(expected));
        assert!(date(&text("2001-02-30")).is_err());
        assert!(date(&text("soon")).is_err());
    }

    #[test]
    fn absent_and_null_stay_what_they_are() {
        assert_eq!(email(&Slot::Absent), Ok(Slot::Absent));
        assert_eq!(phone(&Slot::Null), Ok(Slot::Null));
        assert_eq!(not(&Slot::Value(true)), Ok(Slot::Value(false)));
        assert_eq!(not(&Slot::Null), Ok(Slot::Null));
    }
}
