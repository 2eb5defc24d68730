//! Carts as they are bought, and what the books have to say of them: for the demo, the simulation and tests of trees.
//!
//! It shares nothing with what writes carts: no mapping, none of `trees`, none of `runtime::row`.

pub(crate) mod books;
pub(crate) mod draw;
pub(crate) mod memberships;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

pub(crate) use rows::Rows;

/// What is so of one cart, amounts in cents.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Books {
    /// What was bought, by ticket id, with its price.
    pub(crate) lines: BTreeMap<String, i64>,
    /// Lines that were refunded.
    pub(crate) refunded: BTreeSet<String>,
    /// Charges less refunds, chargebacks and what was voided.
    pub(crate) paid: i64,
    /// Donations that were kept, by fund; empty where a part of them is only known as a whole, split by percent.
    pub(crate) funds: BTreeMap<String, i64>,
    pub(crate) donated: i64,
    pub(crate) fees: i64,
    pub(crate) taxes: i64,
    /// What the cart says itself, empty where it is not heard of: its status, and what is still owed.
    pub(crate) status: String,
    pub(crate) owed: i64,
    pub(crate) checked_out: bool,
}

type Record = Map<String, Value>;

/// `12.50`, as the wire has it.
pub(crate) fn money(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// Nobody's amount is so wrong that it would be this one.
const NO_AMOUNT: i64 = i64::MIN / 4;

/// An amount of either system's; none is zero.
fn cents(value: Option<&Value>) -> i64 {
    let text = match value {
        None | Some(Value::Null) => return 0,
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let amount: Option<rust_decimal::Decimal> = text.parse().ok();
    let cents = amount.map(|amount| amount * rust_decimal::Decimal::ONE_HUNDRED);
    cents
        .and_then(|cents| cents.normalize().to_string().parse().ok())
        .unwrap_or(NO_AMOUNT)
}

fn text<'r>(record: &'r Record, field: &str) -> &'r str {
    record
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
