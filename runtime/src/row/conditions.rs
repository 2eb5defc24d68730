//! Conditions on the members of a row.

use rust_decimal::Decimal;
use serde_json::Value;

use crate::mapping::{Condition, Constant, Is};

/// Do all of them hold?
pub fn hold(conditions: &[Condition], row: &Value) -> bool {
    conditions.iter().all(|condition| holds(condition, row))
}

/// Does it hold?
pub fn holds(condition: &Condition, row: &Value) -> bool {
    condition.is.holds(super::at(row, condition.path))
}

/// Returns whether the row decides the condition itself. See [`Is::is_said`].
pub(super) fn says(condition: &Condition, row: &Value) -> bool {
    let mut path = condition.path.iter();
    let value = path.try_fold(row, |value, name| value.get(name));
    condition.is.is_said(value)
}

impl Is {
    /// Returns whether a member with this value decides the condition. `None` is a member that the row leaves out.
    ///
    /// If the condition asks for a word, null counts as left out.
    pub fn is_said(self, value: Option<&Value>) -> bool {
        let asks_for_null = |constants: &[Constant]| constants.contains(&Constant::Null);
        let counts_blank = match self {
            Is::Equal(constant) => constant == Constant::Null,
            Is::OneOf(constants) | Is::NoneOf(constants) => asks_for_null(constants),
            Is::Given(_) => true,
            Is::Above(_) => false,
        };
        is_given(value) || (counts_blank && value.is_some())
    }

    /// Returns whether the condition asks for a number and the value is none.
    pub fn is_unreadable(self, value: Option<&Value>) -> bool {
        matches!(self, Is::Above(_)) && is_given(value) && number(value).is_none()
    }

    /// Returns whether the condition holds for this value. A missing value counts as null, an unreadable number as
    /// above.
    pub fn holds(self, value: Option<&Value>) -> bool {
        let is_one = |constants: &[Constant]| constants.iter().any(|constant| is(*constant, value));
        match self {
            Is::Equal(constant) => is(constant, value),
            Is::OneOf(constants) => is_one(constants),
            Is::NoneOf(constants) => !is_one(constants),
            // Holds, so that the record is made and reading the value reports the error. Without a record the error
            // would be lost.
            Is::Above(_) if self.is_unreadable(value) => true,
            Is::Above(least) => number(value)
                .zip(least.parse().ok())
                .is_some_and(|(number, least): (Decimal, Decimal)| number > least),
            Is::Given(given) => is_given(value) == given,
        }
    }
}

/// Words of the wire are compared without regard to case: it is published of none of them.
pub(super) fn is(constant: Constant, value: Option<&Value>) -> bool {
    match (constant, value.and_then(Value::as_str)) {
        (Constant::Text(word), Some(written)) => word.eq_ignore_ascii_case(written.trim()),
        _ => constant.is(value),
    }
}

/// Neither null nor blank.
fn is_given(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.trim().is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Bool(_) | Value::Number(_) | Value::Object(_)) => true,
    }
}

/// A number, or a text that is one.
pub(super) fn number(value: Option<&Value>) -> Option<Decimal> {
    match value? {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_word_says_what_it_means() {
        let row = json!({ "status": "open", "owed": "0.00", "list": [], "more": { "owed": 2.5 } });
        let at = |path, is| holds(&Condition { path, is }, &row);
        assert!(at(&["status"], Is::Equal(Constant::Text("open"))));
        assert!(at(
            &["status"],
            Is::OneOf(&[Constant::Null, Constant::Text("open")])
        ));
        assert!(!at(&["status"], Is::NoneOf(&[Constant::Text("open")])));
        assert!(at(&["other"], Is::NoneOf(&[Constant::Text("open")])));
        assert!(at(&["other"], Is::Equal(Constant::Null)));
        assert!(at(&["more", "owed"], Is::Above("2")));
        assert!(!at(&["owed"], Is::Above("0")));
        assert!(at(&["status"], Is::Above("0")));
        assert!(!at(&["list"], Is::Above("0")));
        assert!(!at(&["other"], Is::Above("0")));
        assert!(at(&["status"], Is::Given(true)));
        assert!(at(&["list"], Is::Given(false)));
        assert!(at(&["other"], Is::Given(false)));
    }
}
