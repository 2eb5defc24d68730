//! The books of a cart: which charge each void and refund is about, where each ticket is, what the line `CART:kept`
//! says, and what is left of gifts.
//!
//! The rows of a cart come in, and go on to the mappings as the books have them: a charge with what voids leave of it, a
//! refund in one row for each payment that it gives back, under that payment's key, and the line that evens the sums.
//! docs/org.md has the equations.

mod allocations;
mod exchanges;
mod kept;
pub(crate) mod keys;
pub(crate) mod money;
mod problems;
pub(crate) mod summary;

use std::collections::BTreeMap;

use runtime::json::text_at;
use runtime::queue::{Problem, TreeRow};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

pub(crate) use allocations::lower;
pub(crate) use kept::{Refunds, Sums};
use money::{Charge, Entry, Money, Part};

/// The mapping at the root of the trees that have books.
pub(crate) const CART: &str = "cart";
/// The object of the lines that the books add up.
pub(crate) const LINE: &str = "OpportunityLineItem";
/// The mapping of the line that the books make, which is none of those that they add up.
pub(crate) const KEPT: &str = "kept";
/// The action of the row that becomes that line. Ticketure has none of this name.
const ADJUSTS: &str = "usher_adjustment";

/// Marks payments of a cart that has no lines. Mappings read it.
const NO_LINES: &str = "$no_lines";

const TICKETS: &str = "ticket_audit";
pub(crate) const PAYMENTS: &str = "gateway_audit";
const CARTS: &str = "cart_changed";

/// The members that say whose a gift is.
const FUNDS: [&str; 2] = ["fund_code", "funds"];

/// Rows by payload type.
type Rows = BTreeMap<String, Vec<Value>>;

/// The books of one cart, as far as its rows tell.
pub(crate) struct Books {
    money: Money,
    refunds: Refunds,
    /// Payments are written, by us: what cannot be booked waits.
    pub(crate) books_payments: bool,
    /// Something went back: the lines have to be added up.
    pub(crate) went_back: bool,
}

/// The record that a row of another cart may speak of as well: a ticket, or a payment whose cart is corrected.
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

/// The records that the rows of a cart speak of, and that others may speak of.
pub(crate) fn subjects(root: &str, rows: &Rows) -> Vec<String> {
    let types = [TICKETS, PAYMENTS].into_iter().filter(|_| root == CART);
    let all = types.flat_map(|payload_type| {
        let rows = rows.get(payload_type).into_iter().flatten();
        rows.filter_map(move |row| subject_of(payload_type, row))
    });
    let all: std::collections::BTreeSet<String> = all.collect();
    all.into_iter().collect()
}

/// A row as it came. One about a ticket or a payment says which arrived first, since two carts may tell of one event.
pub(crate) fn arrived(root: &str, row: &TreeRow) -> Option<Value> {
    let mut value = serde_json::from_str(&row.row).ok()?;
    let is_shared = matches!(row.payload_type.as_str(), TICKETS | PAYMENTS);
    if let (CART, true, Value::Object(members)) = (root, is_shared, &mut value) {
        members.insert(exchanges::ARRIVED.to_owned(), Value::from(row.arrived));
    }
    Some(value)
}

impl Books {
    /// Opens the books of a cart: its rows are as the mappings read them from then on. `others` are rows about tickets
    /// from other carts.
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
        }
    }

    /// The sums of the cart, with those of its lines.
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

    /// Amounts that are not booked, each with its reason.
    pub(crate) fn problems(&self, cart: &str) -> Vec<Problem> {
        let faults = self.money.faults.iter();
        faults
            .filter_map(|fault| problems::of(cart, fault, self.books_payments))
            .collect()
    }
}

/// The setting that decides about refunded lines.
fn refunds(settings: &Map<String, Value>) -> Refunds {
    match settings.get("refund").and_then(Value::as_str) {
        Some("negative_payment") => Refunds::NegativePayment,
        _ => Refunds::ReduceLines,
    }
}

/// Did a ticket, or the whole cart, go back?
fn says_refunded(rows: &Rows) -> bool {
    let says = |payload_type: &str, member: &'static str| {
        let rows = rows.get(payload_type).into_iter().flatten();
        rows.filter_map(move |row| text_at(row, &[member]))
            .any(|word| word.trim().eq_ignore_ascii_case("refunded"))
    };
    says(TICKETS, "action") || says(CARTS, "status")
}

/// Is the line of this row a gift?
pub(crate) fn is_gift(row: &Value) -> bool {
    text_at(row, &["item_kind"]).is_some_and(|kind| kind.trim().eq_ignore_ascii_case("donation"))
}

/// A fund and a list of funds replace each other: the row that gives one clears the other.
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

/// The gateway rows as they are booked.
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

/// The reference is the key of the payment that the part gives back.
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

/// An amount with two digits behind the point.
pub(crate) fn amount(mut amount: Decimal) -> String {
    amount.rescale(2);
    amount.to_string()
}
