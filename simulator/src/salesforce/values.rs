//! Reading the fields of a record, and money in cents.

use serde_json::Value;

use super::table::Record;

pub(super) fn text<'r>(record: &'r Record, field: &str) -> Option<&'r str> {
    record.get(field)?.as_str()
}

/// The text, owned; empty when there is none.
pub(super) fn owned(record: &Record, field: &str) -> String {
    text(record, field).unwrap_or_default().to_owned()
}

pub(super) fn holds(record: &Record, field: &str) -> bool {
    record.get(field) == Some(&Value::Bool(true))
}

pub(super) fn number(record: &Record, field: &str) -> Option<f64> {
    record.get(field)?.as_f64()
}

/// Money in cents.
pub(super) fn cents(record: &Record, field: &str) -> Option<i64> {
    number(record, field).map(|amount| (amount * 100.0).round() as i64)
}

/// Cents as a field holds money.
pub(super) fn money(cents: i64) -> Value {
    Value::from(cents as f64 / 100.0)
}

/// Is the value of this field another one now? Nothing and null are the same.
pub(super) fn differs(old: &Record, new: &Record, field: &str) -> bool {
    let value = |record: &Record| record.get(field).cloned().unwrap_or(Value::Null);
    value(old) != value(new)
}

/// A share of an amount in cents. A half cent goes to the even side, as Apex rounds.
pub(super) fn share(cents: i64, percent: f64) -> i64 {
    // Percentages have six decimals: in millionths the product is exact.
    let millionths = (percent * 1_000_000.0).round() as i128;
    let (product, whole) = (i128::from(cents) * millionths, 100_000_000_i128);
    let (floor, rest) = (product.div_euclid(whole), product.rem_euclid(whole));
    let up = match (rest * 2).cmp(&whole) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Greater => 1,
        std::cmp::Ordering::Equal => floor & 1,
    };
    i64::try_from(floor + up).unwrap_or(i64::MAX)
}
