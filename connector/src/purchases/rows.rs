//! The books of a cart from the rows that Ticketure has of it.

mod carts;
mod gateway;
mod tickets;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use simulator::Simulator;

use super::{Books, Record, text};

/// Everything that Ticketure has of carts.
pub(crate) struct Rows {
    /// States of cart rows, in the order in which Ticketure told them.
    carts: Vec<Record>,
    /// In the order in which it happened.
    tickets: Vec<Record>,
    payments: Vec<Record>,
}

impl Rows {
    pub(crate) fn read(simulator: &Simulator) -> Rows {
        Rows::new(
            states(simulator),
            simulator.rows("ticket_audit"),
            simulator.rows("gateway_audit"),
        )
    }

    /// Rows as they were told: those of carts in order; a later row of one id corrects the earlier one.
    pub(crate) fn new(carts: Vec<Record>, tickets: Vec<Record>, payments: Vec<Record>) -> Rows {
        let mut tickets = corrected(tickets);
        // At a till everything happens within one second, and a cart's story has one order all the same.
        tickets.sort_by_cached_key(|row| (at(row), tickets::rank(row), text(row, "id").to_owned()));
        Rows {
            carts,
            tickets,
            payments: corrected(payments),
        }
    }

    /// The ids of all carts that any row speaks of.
    pub(crate) fn ids(&self) -> BTreeSet<String> {
        let own = self.carts.iter().map(|row| text(row, "id"));
        let audits = self.tickets.iter().chain(&self.payments);
        let all = own.chain(audits.map(|row| text(row, "cart_id")));
        all.filter(|id| !id.is_empty()).map(str::to_owned).collect()
    }

    /// The row that a cart goes by: what its rows said since it was checked out.
    pub(crate) fn cart(&self, id: &str) -> Option<Record> {
        carts::sold(self, id, &mut BTreeSet::new())
    }

    /// Rows of the tickets of a cart, in the order in which they happened.
    pub(crate) fn tickets_of<'r>(&'r self, cart: &'r str) -> impl Iterator<Item = &'r Record> {
        let mut rows = self.tickets.iter();
        std::iter::from_fn(move || rows.find(|row| text(row, "cart_id") == cart))
    }

    pub(crate) fn books(&self, cart: &str) -> Books {
        let mut books = Books::default();
        carts::enter(self, cart, &mut books);
        tickets::enter(self, cart, &mut books);
        let payments = self.payments.iter();
        let payments: Vec<&Record> = payments
            .filter(|row| text(row, "cart_id") == cart)
            .collect();
        gateway::enter(&payments, &mut books);
        books
    }
}

/// States that each cart row had, by what was written to it.
fn states(simulator: &Simulator) -> Vec<Record> {
    let mut latest: BTreeMap<String, Record> = BTreeMap::new();
    let mut states = Vec::new();
    for write in simulator.tenant_log() {
        if write.object == "cart" {
            let row = latest.entry(write.id.clone()).or_default();
            row.extend(write.fields);
            row.insert("id".to_owned(), Value::from(write.id));
            states.push(row.clone());
        }
    }
    states
}

/// Rows with one id each: the later one lies over the earlier one.
fn corrected(rows: Vec<Record>) -> Vec<Record> {
    let mut kept: Vec<Record> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        let id = text(&row, "id").to_owned();
        let place = places.get(&id).copied().filter(|_| !id.is_empty());
        let Some(there) = place.and_then(|place| kept.get_mut(place)) else {
            places.insert(id, kept.len());
            kept.push(row);
            continue;
        };
        if at(&row) >= at(there) {
            lay_over(there, row);
        } else {
            let later = std::mem::replace(there, row);
            lay_over(there, later);
        }
    }
    kept
}

/// Members that the later row leaves out stay; the two words for funds replace each other.
fn lay_over(earlier: &mut Record, later: Record) {
    for (one, other) in [("fund_code", "funds"), ("funds", "fund_code")] {
        if later.contains_key(one) {
            earlier.remove(other);
        }
    }
    earlier.extend(later.into_iter().filter(|(_, value)| !value.is_null()));
}

/// When it happened, in nanoseconds; rows without a time come first.
fn at(row: &Record) -> i128 {
    let time: Option<jiff::Timestamp> = text(row, "occurred_at").parse().ok();
    time.map_or(i128::MIN, jiff::Timestamp::as_nanosecond)
}

/// The action, in small letters as it is compared.
fn action(row: &Record) -> String {
    text(row, "action").to_lowercase()
}

#[cfg(test)]
mod tests;
