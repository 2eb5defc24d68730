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
    /// Each version of the cart rows, in the order in which Ticketure sent them.
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

    /// Sorts and merges rows. `carts` has to be in the order of sending; of two rows of one id the later corrects the
    /// earlier.
    pub(crate) fn new(carts: Vec<Record>, tickets: Vec<Record>, payments: Vec<Record>) -> Rows {
        let mut tickets = corrected(tickets);
        // At a till all rows of a cart may share one second, so the action's rank decides.
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

    /// The members of a cart's rows since its sale, merged.
    pub(crate) fn cart(&self, id: &str) -> Option<Record> {
        carts::sold(self, id, &mut BTreeSet::new())
    }

    /// Rows of the cart's tickets, oldest first.
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

/// All versions of the cart rows, rebuilt from the writes to the simulator.
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

/// Merges rows of one id: the members of the later row replace those of the earlier.
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

/// Keeps members that the later row leaves out. A fund and a list of funds replace each other.
fn lay_over(earlier: &mut Record, later: Record) {
    for (one, other) in [("fund_code", "funds"), ("funds", "fund_code")] {
        if later.contains_key(one) {
            earlier.remove(other);
        }
    }
    earlier.extend(later.into_iter().filter(|(_, value)| !value.is_null()));
}

/// Time of the row in nanoseconds. Rows without a time come first.
fn at(row: &Record) -> i128 {
    let time: Option<jiff::Timestamp> = text(row, "occurred_at").parse().ok();
    time.map_or(i128::MIN, jiff::Timestamp::as_nanosecond)
}

/// The action in lower case, since Ticketure's spelling varies.
fn action(row: &Record) -> String {
    text(row, "action").to_lowercase()
}

#[cfg(test)]
mod tests;
