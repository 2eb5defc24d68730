//! Random histories of carts with purchases, payments, scans, exchanges and refunds. Each step also updates the
//! expected books, in cents.
//!
//! No two rows have the same time, so that the result does not depend on the order of ties.

mod carts;
mod exchanges;
mod lines;
mod members;
mod payments;

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::Books;
use super::memberships::Terms;
use carts::Cart;

/// The rows of one cart, and of the cart that one of its tickets may have moved into.
pub(crate) struct History {
    /// In the order in which it happened.
    pub(crate) told: Vec<Told>,
    /// The carts with their books; the first is the cart that the history began with.
    pub(crate) carts: Vec<(String, Books)>,
    /// Of the membership that was bought with it, where one was.
    pub(crate) terms: Terms,
}

/// A row as Ticketure has it at one time.
pub(crate) struct Told {
    /// `identity`, `cart`, `ticket_audit`, `gateway_audit` or `membership`.
    pub(crate) entity: &'static str,
    pub(crate) row: Map<String, Value>,
    at: String,
}

/// Buyer of a cart by Ticketure's ids: a person, an organization, or nobody.
#[derive(Debug, Default, Clone)]
pub(crate) struct Buyer {
    pub(crate) person: Option<String>,
    pub(crate) organization: Option<String>,
}

impl History {
    /// The ids of the carts, and their books.
    #[cfg(test)]
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Books)> {
        self.carts
            .iter()
            .map(|(cart, books)| (cart.as_str(), books))
    }

    /// Webhooks of the history, one for each row.
    pub(crate) fn webhooks(&self) -> Vec<Value> {
        let name = self.carts.first().map_or("", |(cart, _)| cart);
        let each = self.told.iter().enumerate();
        each.map(|(number, told)| {
            let event = match told.entity {
                "identity" => "identity_changed",
                "cart" => "cart_changed",
                "membership" => "membership_changed",
                audit => audit,
            };
            json!({
                "event_type": event, "event_id": format!("{name}-e{number}"), "occurred_at": told.at,
                "data": { told.entity: { "_data": [told.row] } },
            })
        })
        .collect()
    }
}

struct Maker<'r> {
    random: &'r mut Rng,
    buyer: Buyer,
    told: Vec<Told>,
    /// The cart that the next rows belong to.
    cart: Cart,
    /// Finished carts.
    others: Vec<(String, Books)>,
    second: u32,
    number: u32,
    /// A membership is bought as well.
    joins: bool,
    terms: Terms,
}

/// The history of a customer of this number, mostly one who is known, and who is told of first: a person, or one in nine
/// times an organization.
pub(crate) fn customer(random: &mut Rng, number: usize) -> History {
    let person = (random.u8(..10) > 0).then(|| format!("i-{number}"));
    let buyer = Buyer {
        person: person.clone(),
        organization: None,
    };
    let joins = person.is_some() && random.u8(..3) == 0;
    let mut history = drawn(random, format!("c-{number}"), buyer, joins);
    if let Some(id) = person {
        let at = "2026-03-01T17:59:00Z".to_owned();
        let row = match number % 9 {
            // An organization acts with an identity of its own.
            4 => {
                json!({ "id": id, "identity_type": "organization", "name": format!("Buyers {id}"), "updated_at": at })
            }
            _ => json!({
                "id": id, "identity_type": "person", "first_name": "Ada", "last_name": format!("Buyer {id}"),
                "email": format!("{id}@example.org"), "updated_at": at,
            }),
        };
        history.told.insert(0, told("identity", row, at));
    }
    history
}

/// The history of a cart. The ids of its rows begin with the cart's.
pub(crate) fn draw(random: &mut Rng, cart: String, buyer: Buyer) -> History {
    drawn(random, cart, buyer, false)
}

/// `joins`: a membership is bought with it.
fn drawn(random: &mut Rng, cart: String, buyer: Buyer, joins: bool) -> History {
    let mut maker = Maker {
        random,
        buyer,
        told: Vec::new(),
        cart: Cart::new(cart),
        others: Vec::new(),
        second: 0,
        number: 0,
        joins,
        terms: Terms::new(),
    };
    maker.all();
    let mut carts = vec![(maker.cart.id, maker.cart.books)];
    carts.extend(maker.others);
    History {
        told: maker.told,
        carts,
        terms: maker.terms,
    }
}

impl Maker<'_> {
    fn all(&mut self) {
        let mut lines = self.buy();
        if self.one_in(20) {
            self.correct(&mut lines);
        }
        self.cart.fees = i64::from(self.random.u8(..3)) * 150;
        self.cart.taxes = i64::from(self.random.u8(..3)) * 37;
        let prices: i64 = lines.iter().map(|line| line.cents).sum();
        let total = prices + self.cart.fees + self.cart.taxes;
        self.cart.total = total;
        self.cart_row("open", total);
        self.pay(total);
        self.cart_row("checked_out", 0);
        self.exchange(&mut lines);
        for line in &lines {
            self.visit(line);
        }
        if self.joins {
            let mut member = self.member();
            self.first_term(&mut member);
            self.later_terms(&mut member);
        }
        if self.one_in(25) {
            self.open_again();
        }
        if self.one_in(40) {
            self.cart_row("on_hold", 0);
        }
        self.give_back(&lines);
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.random.u32(..count.max(1)) == 0
    }

    fn one_of(&mut self, cents: &[i64]) -> i64 {
        let place = self.random.usize(..cents.len().max(1));
        cents.get(place).copied().unwrap_or_default()
    }

    fn tell(&mut self, entity: &'static str, row: Value) {
        let at = self.now();
        self.told.push(told(entity, row, at));
    }

    fn id(&mut self, kind: &str) -> String {
        self.number += 1;
        format!("{}-{kind}{}", self.cart.id, self.number)
    }

    /// A second later each time it is asked for.
    fn now(&mut self) -> String {
        self.second += 1;
        format!(
            "2026-03-01T18:{:02}:{:02}Z",
            self.second / 60,
            self.second % 60
        )
    }
}

fn told(entity: &'static str, row: Value, at: String) -> Told {
    let row = match row {
        Value::Object(row) => row,
        _ => Map::new(),
    };
    Told { entity, row, at }
}

#[cfg(test)]
mod tests;
