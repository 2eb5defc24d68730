//! The books of a cart from the rows that Ticketure has of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use simulator::Simulator;

use super::{Books, Record, cents, text};

/// Everything that Ticketure has of carts.
pub(crate) struct Rows {
    pub(crate) carts: Vec<Record>,
    /// In the order in which it happened.
    pub(crate) tickets: Vec<Record>,
    payments: Vec<Record>,
}

impl Rows {
    pub(crate) fn read(simulator: &Simulator) -> Rows {
        Rows::new(
            simulator.rows("cart"),
            simulator.rows("ticket_audit"),
            simulator.rows("gateway_audit"),
        )
    }

    fn new(carts: Vec<Record>, mut tickets: Vec<Record>, payments: Vec<Record>) -> Rows {
        tickets.sort_by(|one, other| {
            let at = |row| (text(row, "occurred_at"), text(row, "id"));
            at(one).cmp(&at(other))
        });
        Rows {
            carts,
            tickets,
            payments,
        }
    }

    /// The ids of all carts that any row speaks of.
    pub(crate) fn ids(&self) -> BTreeSet<String> {
        let own = self.carts.iter().map(|row| text(row, "id"));
        let audits = self.tickets.iter().chain(&self.payments);
        let all = own.chain(audits.map(|row| text(row, "cart_id")));
        all.filter(|id| !id.is_empty()).map(str::to_owned).collect()
    }

    pub(crate) fn cart(&self, id: &str) -> Option<&Record> {
        self.carts.iter().find(|row| text(row, "id") == id)
    }

    /// What happened to the tickets of a cart.
    pub(crate) fn tickets_of<'r>(&'r self, cart: &'r str) -> impl Iterator<Item = &'r Record> {
        let mut rows = self.tickets.iter();
        std::iter::from_fn(move || rows.find(|row| text(row, "cart_id") == cart))
    }

    pub(crate) fn books(&self, cart: &str) -> Books {
        let mut books = Books::default();
        if let Some(row) = self.cart(cart) {
            text(row, "status").clone_into(&mut books.status);
            books.owed = cents(row.get("total_outstanding"));
            books.fees = cents(row.get("total_fee_fixed_outside"));
            books.taxes = cents(row.get("total_fee_percent_outside"));
            books.checked_out = books.status != "open" && !text(row, "checked_out_at").is_empty();
        }
        let is_refund = |row: &&Record| text(row, "action") == "refunded";
        let refunded = self.tickets_of(cart).filter(is_refund);
        books.refunded = refunded
            .map(|row| text(row, "ticket_id").to_owned())
            .collect();
        let mut split = false;
        for row in self
            .tickets_of(cart)
            .filter(|row| text(row, "action") == "purchased")
        {
            let (ticket, price) = (text(row, "ticket_id"), cents(row.get("price_paid")));
            if books.lines.contains_key(ticket) {
                continue;
            }
            books.lines.insert(ticket.to_owned(), price);
            if text(row, "item_kind") == "donation" && !books.refunded.contains(ticket) {
                split |= !donated(&mut books, row, price);
            }
        }
        if split {
            books.funds.clear();
        }
        books.paid = self.paid(cart);
        books
    }

    fn paid(&self, cart: &str) -> i64 {
        let mine = || {
            self.payments
                .iter()
                .filter(|row| text(row, "cart_id") == cart)
        };
        let of = |row: &Record| match text(row, "gateway_reference") {
            "" => text(row, "id").to_owned(),
            reference => reference.to_owned(),
        };
        let is = |row: &&Record, action: &str| text(row, "action") == action;
        let voided: BTreeSet<String> = mine().filter(|row| is(row, "void")).map(of).collect();
        let amounts = mine().map(|row| match text(row, "action") {
            "charge" if !voided.contains(&of(row)) => cents(row.get("amount")),
            "refund" | "chargeback" => -cents(row.get("amount")),
            _ => 0,
        });
        amounts.sum()
    }
}

/// A donation that was kept. Says whether it is known how much each fund has of it.
fn donated(books: &mut Books, row: &Record, price: i64) -> bool {
    let parts = row.get("funds").and_then(Value::as_array);
    let mut funds: BTreeMap<String, i64> = BTreeMap::new();
    match (parts, text(row, "fund_code")) {
        (Some(parts), _) => {
            for part in parts.iter().filter_map(Value::as_object) {
                if part.contains_key("percent") {
                    books.donated += price;
                    return false;
                }
                *funds.entry(text(part, "code").to_owned()).or_default() +=
                    cents(part.get("amount"));
            }
        }
        (None, "") => return true,
        (None, fund) => drop(funds.insert(fund.to_owned(), price)),
    }
    for (fund, cents) in funds {
        books.donated += cents;
        *books.funds.entry(fund).or_default() += cents;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purchases::draw::{self, Buyer};

    #[test]
    fn what_rows_come_to_is_what_was_kept_while_they_were_drawn() {
        let mut random = fastrand::Rng::with_seed(1);
        for number in 0..2_000 {
            let history = draw::draw(&mut random, format!("c-{number}"), Buyer::default());
            let of = |entity: &str| {
                let told = history.told.iter().filter(|told| told.entity == entity);
                told.map(|told| told.row.clone()).collect::<Vec<_>>()
            };
            let carts = of("cart").pop().into_iter().collect();
            let rows = Rows::new(carts, of("ticket_audit"), of("gateway_audit"));
            assert_eq!(rows.books(&history.cart), history.books);
        }
    }
}
