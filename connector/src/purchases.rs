//! Carts as customers buy them, and their expected books, for the demo, the simulation and tests of trees.
//!
//! Shares no code with the writing of carts (mappings, `trees`, `runtime::row`), so that a mistake cannot hide in both.

pub(crate) mod books;
pub(crate) mod draw;
pub(crate) mod heard;
pub(crate) mod memberships;
mod reckoning;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

pub(crate) use rows::Rows;

/// Facts of one cart, amounts in cents.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Books {
    /// Price of each line that was not refunded, by ticket id.
    pub(crate) lines: BTreeMap<String, i64>,
    /// Price of each refunded line, by ticket id.
    pub(crate) refunded: BTreeMap<String, i64>,
    /// Shares of the funds in each gift that was not refunded: by ticket id, then by the fund's lower-case name.
    pub(crate) gifts: BTreeMap<String, BTreeMap<String, Share>>,
    /// Outcome of each row of the gateway, by the row's id. A charge that two rows report has one outcome.
    pub(crate) parts: BTreeMap<String, Part>,
    pub(crate) fees: i64,
    pub(crate) taxes: i64,
    /// Latest known status of the cart since its sale; empty before the sale.
    pub(crate) status: String,
    pub(crate) owed: i64,
    pub(crate) checked_out: bool,
    /// True if a ticket was bought in this cart or moved into it.
    pub(crate) bought: bool,
    /// Statuses and actions that no mapping knows, in lower case.
    pub(crate) words: BTreeSet<String>,
}

/// Share of one fund in one gift.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) cents: i64,
    /// Cents that rounding may move to or from another fund.
    pub(crate) slack: i64,
}

/// Outcome of one row of the gateway. Its amount is the sum of `booked`, `voided` and `waits`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) is_refund: bool,
    /// Cents that Salesforce has as a payment; positive for refunds too.
    pub(crate) booked: i64,
    /// Cents that a void deducts from a charge.
    pub(crate) voided: i64,
    /// Cents that wait for a charge or are refused. An entry of the queue or the error log has to name the row.
    pub(crate) waits: i64,
}

type Record = Map<String, Value>;

/// `12.50`, as the wire has it.
pub(crate) fn money(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

/// Stands for an unreadable amount, so that it equals no amount of a record.
const NO_AMOUNT: i64 = i64::MIN / 4;

/// An amount of either system in cents; 0 if it is missing.
fn cents(value: Option<&Value>) -> i64 {
    match value {
        None | Some(Value::Null) => 0,
        given => amount(given).unwrap_or(NO_AMOUNT),
    }
}

/// An amount in cents; `None` if it is no number.
fn amount(value: Option<&Value>) -> Option<i64> {
    let hundredths = decimal(value)? * rust_decimal::Decimal::ONE_HUNDRED;
    hundredths.normalize().to_string().parse().ok()
}

fn decimal(value: Option<&Value>) -> Option<rust_decimal::Decimal> {
    let text = match value? {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.parse().ok()
}

fn text<'r>(record: &'r Record, field: &str) -> &'r str {
    record
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_are_read_and_written_to_the_cent() {
        for (given, expected) in [
            (json!("25"), Some(2_500)),
            (json!("49.50"), Some(4_950)),
            (json!(49.5), Some(4_950)),
            (json!("-0.05"), Some(-5)),
            (json!("0.00"), Some(0)),
            (json!(null), None),
            (json!("a lot"), None),
        ] {
            assert_eq!(amount(Some(&given)), expected, "{given}");
        }
        assert_eq!(cents(None), 0);
        assert_eq!(cents(Some(&json!("a lot"))), NO_AMOUNT);
        assert_eq!(
            [money(1_205), money(-5), money(-1_205)],
            ["12.05", "-0.05", "-12.05"]
        );
    }
}
