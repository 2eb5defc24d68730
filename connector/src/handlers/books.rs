//! The books of a cart: matching of voids and refunds with charges, of tickets with carts, and the line `CART:kept`.
//!
//! Rewrites the rows of a cart before the mappings read them. A charge gets the amount that voids leave. A refund
//! becomes one row for each payment that it reduces, keyed by that payment. A further row makes the line that evens the
//! sums. docs/org.md has the equations.

mod allocations;
mod exchanges;
mod kept;
pub(crate) mod keys;
pub(crate) mod money;
mod problems;
mod readable;
pub(crate) mod summary;

use std::collections::BTreeMap;

use runtime::json::text_at;
use runtime::queue::{Problem, TreeRow};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

pub(crate) use allocations::lower;
pub(crate) use kept::{Refunds, Sums};
use money::{Charge, Entry, Money, Part};
pub(crate) use problems::{PAYMENT, foreign};
pub(crate) use readable::Misread;

/// The mapping at the root of the trees that have books.
pub(crate) const CART: &str = "cart";
/// The object of the lines that the books add up.
pub(crate) const LINE: &str = "OpportunityLineItem";
/// The mapping of the line that the books add. The sums of lines leave it out.
pub(crate) const KEPT: &str = "kept";
/// The action of the row that becomes the line `CART:kept`. Ticketure sends no action of this name.
const ADJUSTS: &str = "usher_adjustment";

/// Member that marks the payments of a cart without lines. Mappings read it.
const NO_LINES: &str = "$no_lines";

const TICKETS: &str = "ticket_audit";
pub(crate) const PAYMENTS: &str = "gateway_audit";
const CARTS: &str = "cart_changed";

/// The members that name the funds of a gift: one code, or a list.
const FUNDS: [&str; 2] = ["fund_code", "funds"];

/// Rows by payload type.
type Rows = BTreeMap<String, Vec<Value>>;

/// The books of one cart, from the rows that have arrived so far.
pub(crate) struct Books {
    money: Money,
    refunds: Refunds,
    /// True where usher writes the payments. Without payments of usher's, no refund waits for a charge.
    pub(crate) books_payments: bool,
    /// True if a ticket or money was refunded, so that the sums need the cart's lines.
    pub(crate) went_back: bool,
    /// Values that cannot be read, while the rest of the cart goes on.
    pub(crate) misread: Vec<Misread>,
}

/// Names the ticket or payment of a row. Rows of other carts may describe it too, after an exchange or a correction.
pub(crate) fn subject(root: &str, payload_type: &str, row: &str) -> Option<String> {
    if root != CART {
        return None;
    }
    let member = match payload_type {
        TICKETS => "ticket_id",
        PAYMENTS => "id",
        _ => return None,
    };
    subject_of(payload_type, &runtime::json::members(row, &[member]))
}

fn subject_of(payload_type: &str, row: &Value) -> Option<String> {
    match payload_type {
        TICKETS => text_at(row, &["ticket_id"]),
        _ => Some(format!("payment {}", text_at(row, &["id"])?)),
    }
}

/// The tickets and payments in the rows of a cart, each once. Rows of other carts may describe them too.
pub(crate) fn subjects(root: &str, rows: &Rows) -> Vec<String> {
    let types = [TICKETS, PAYMENTS].into_iter().filter(|_| root == CART);
    let all = types.flat_map(|payload_type| {
        let rows = rows.get(payload_type).into_iter().flatten();
        rows.filter_map(move |row| subject_of(payload_type, row))
    });
    let all: std::collections::BTreeSet<String> = all.collect();
    all.into_iter().collect()
}

/// Parses a stored row. A ticket or payment row gets its number of arrival, since two carts may have rows of one event.
pub(crate) fn arrived(root: &str, row: &TreeRow) -> Option<Value> {
    let mut value = serde_json::from_str(&row.row).ok()?;
    let is_shared = matches!(row.payload_type.as_str(), TICKETS | PAYMENTS);
    if let (CART, true, Value::Object(members)) = (root, is_shared, &mut value) {
        members.insert(exchanges::ARRIVED.to_owned(), Value::from(row.arrived));
    }
    Some(value)
}

impl Books {
    /// Opens the books of a cart and rewrites `rows` as the mappings shall read them. `others` holds the rows that
    /// other carts have of the same tickets and payments.
    pub(crate) fn open(
        cart: &str,
        rows: &mut Rows,
        others: &BTreeMap<String, Vec<Value>>,
        settings: &Map<String, Value>,
        npsp: bool,
    ) -> Books {
        let is = |name: &str, word: &str| settings.get(name).and_then(Value::as_str) == Some(word);
        if let Some(tickets) = rows.get_mut(TICKETS) {
            exchanges::settle(tickets, cart, others);
            exchanges::of_one_kind(tickets);
            tickets.iter_mut().for_each(one_kind_of_fund);
        }
        let misread = readable::settle(rows, refunds(settings));
        if let Some(payments) = rows.get_mut(PAYMENTS) {
            exchanges::settle_payments(payments, others);
        }
        let told = money::told(rows.get(PAYMENTS).map_or(&[], Vec::as_slice));
        let entries: Vec<Entry> = told.iter().map(|(entry, _)| entry.clone()).collect();
        let money = money::settle(&entries);
        let went_back = !money.parts.is_empty() || says_refunded(rows);
        if rows.contains_key(PAYMENTS) {
            rows.insert(PAYMENTS.to_owned(), as_booked(cart, told, &money));
        }
        Books {
            money,
            refunds: refunds(settings),
            books_payments: npsp && !is("payments", "npsp"),
            went_back,
            misread,
        }
    }

    /// Completes the sums of the lines with the charged and the refunded amount.
    pub(crate) fn sums(&self, lines: Sums) -> Sums {
        Sums {
            charged: self.money.charged(),
            refunded: self.money.refunded(),
            ..lines
        }
    }

    /// Adds the row that becomes the line `CART:kept`, and marks payments of a cart that has no lines.
    pub(crate) fn adjust(&self, cart: &str, rows: &mut Rows, sums: Sums) {
        if sums.lines == 0 {
            let payments = rows.get_mut(PAYMENTS).into_iter().flatten();
            payments.for_each(|row| *row = with(row, [(NO_LINES, Value::Bool(true))]));
        }
        if let Some(line) = sums.line(self.refunds) {
            let row = json!({
                "id": format!("{cart}:kept"), "cart_id": cart, "action": ADJUSTS,
                "amount": amount(line.amount), "method": line.word,
            });
            rows.entry(PAYMENTS.to_owned()).or_default().push(row);
        }
    }

    /// A problem for each amount that is not booked.
    pub(crate) fn problems(&self, cart: &str) -> Vec<Problem> {
        let faults = self.money.faults.iter();
        faults
            .filter_map(|fault| problems::of(cart, fault, self.books_payments))
            .collect()
    }
}

/// Reads the setting `refund`; `reduce_lines` is the default.
fn refunds(settings: &Map<String, Value>) -> Refunds {
    match settings.get("refund").and_then(Value::as_str) {
        Some("negative_payment") => Refunds::NegativePayment,
        _ => Refunds::ReduceLines,
    }
}

/// Returns whether a ticket, or the whole cart, is refunded.
fn says_refunded(rows: &Rows) -> bool {
    let says = |payload_type: &str, member: &'static str| {
        let rows = rows.get(payload_type).into_iter().flatten();
        rows.filter_map(move |row| text_at(row, &[member]))
            .any(|word| word.trim().eq_ignore_ascii_case("refunded"))
    };
    says(TICKETS, "action") || says(CARTS, "status")
}

/// Returns whether the row sells a gift.
pub(crate) fn is_gift(row: &Value) -> bool {
    text_at(row, &["item_kind"]).is_some_and(|kind| kind.trim().eq_ignore_ascii_case("donation"))
}

/// Clears the fund where the row gives a list of funds, and the list where the row gives a fund.
fn one_kind_of_fund(row: &mut Value) {
    let is_given = |member: &Value| !member.is_null() && member.as_str() != Some("");
    let Value::Object(members) = row else { return };
    let given = FUNDS.map(|name| members.get(name).is_some_and(is_given));
    for (place, name) in FUNDS.iter().enumerate() {
        let replaced = given
            .iter()
            .enumerate()
            .any(|(other, given)| other != place && *given);
        if replaced && given.get(place) == Some(&false) {
            members.insert((*name).to_owned(), Value::Null);
        }
    }
}

/// Builds the gateway rows that the mappings read: one for each charge, and one for each part of a refund.
fn as_booked(cart: &str, told: Vec<(Entry, Value)>, money: &Money) -> Vec<Value> {
    let mut rows = Vec::with_capacity(told.len());
    for (entry, row) in told {
        let charge = money.charges.iter().find(|charge| charge.id == entry.id);
        rows.extend(charge.map(|charge| of_charge(charge, &row)));
        let parts = money.parts.iter().filter(|part| part.row == entry.id);
        rows.extend(parts.map(|part| of_part(cart, part, &row)));
    }
    rows
}

fn of_charge(charge: &Charge, row: &Value) -> Value {
    with(
        row,
        [
            ("amount", Value::from(amount(charge.paid()))),
            (keys::ALSO, Value::from(charge.also.clone())),
        ],
    )
}

/// Makes the row of a part. The mapping of refunds finds the reduced payment by `gateway_reference`, so it holds that
/// payment's key.
fn of_part(cart: &str, part: &Part, row: &Value) -> Value {
    with(
        row,
        [
            ("id", Value::from(part.id.as_str())),
            ("amount", Value::from(amount(part.amount))),
            (
                "gateway_reference",
                Value::from(format!("{cart}:{}", part.charge)),
            ),
        ],
    )
}

fn with<const N: usize>(row: &Value, members: [(&str, Value); N]) -> Value {
    let mut row = row.clone();
    if let Value::Object(known) = &mut row {
        let members = members.into_iter();
        known.extend(members.map(|(name, value)| (name.to_owned(), value)));
    }
    row
}

/// Formats an amount with two decimals.
pub(crate) fn amount(mut amount: Decimal) -> String {
    amount.rescale(2);
    amount.to_string()
}
