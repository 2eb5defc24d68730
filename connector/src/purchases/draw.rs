//! Random histories of carts: what is bought, paid, used and given back, and the books after it as they are kept here,
//! in cents, while it happens.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::memberships::Terms;
use super::{Books, money};

/// One cart and everything that happened to it.
pub(crate) struct History {
    pub(crate) cart: String,
    /// In the order in which it happened.
    pub(crate) told: Vec<Told>,
    pub(crate) books: Books,
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

/// Who buys: a person, an organization, or nobody that is known; ids of Ticketure's.
#[derive(Debug, Default, Clone)]
pub(crate) struct Buyer {
    pub(crate) person: Option<String>,
    pub(crate) organization: Option<String>,
}

impl History {
    /// The cart, and its books.
    #[cfg(test)]
    pub(crate) fn entry(&self) -> (&str, &Books) {
        (&self.cart, &self.books)
    }

    /// What Ticketure sends of it, each row by itself.
    pub(crate) fn webhooks(&self) -> Vec<Value> {
        let each = self.told.iter().enumerate();
        each.map(|(number, told)| {
            let event = match told.entity {
                "identity" => "identity_changed",
                "cart" => "cart_changed",
                "membership" => "membership_changed",
                audit => audit,
            };
            json!({
                "event_type": event, "event_id": format!("{}-e{number}", self.cart), "occurred_at": told.at,
                "data": { told.entity: { "_data": [told.row] } },
            })
        })
        .collect()
    }
}

mod members;

const FUNDS: [&str; 3] = ["Conservation", "Education", "Building"];

/// A line as it was bought.
struct Line {
    id: String,
    cents: i64,
    donation: bool,
    row: Value,
}

struct Maker<'r> {
    random: &'r mut Rng,
    cart: String,
    buyer: Buyer,
    told: Vec<Told>,
    books: Books,
    second: u32,
    number: u32,
    /// A membership is bought as well.
    joins: bool,
    terms: Terms,
}

/// The history of a customer of this number, mostly one who is known, and who is told of first.
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
        let row = json!({
            "id": id, "identity_type": "person", "first_name": "Ada", "last_name": format!("Buyer {id}"),
            "email": format!("{id}@example.org"), "updated_at": at,
        });
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
        cart,
        buyer,
        told: Vec::new(),
        books: Books::default(),
        second: 0,
        number: 0,
        joins,
        terms: Terms::new(),
    };
    maker.all();
    History {
        cart: maker.cart,
        told: maker.told,
        books: maker.books,
        terms: maker.terms,
    }
}

impl Maker<'_> {
    fn all(&mut self) {
        let lines = self.buy();
        let fees = i64::from(self.random.u8(..3)) * 150;
        let taxes = i64::from(self.random.u8(..3)) * 37;
        self.books.fees = fees;
        self.books.taxes = taxes;
        let total: i64 = lines.iter().map(|line| line.cents).sum::<i64>() + fees + taxes;
        self.cart_row("open", total, fees, taxes, total);
        let charges = self.pay(total);
        self.cart_row("checked_out", total, fees, taxes, 0);
        for line in &lines {
            self.visit(line);
        }
        if self.joins {
            let mut member = self.member();
            self.first_term(&mut member);
            self.later_terms(&mut member);
        }
        self.give_back(&lines, &charges, total, fees, taxes);
    }

    fn buy(&mut self) -> Vec<Line> {
        let count = 1 + self.random.usize(..5);
        let mut lines: Vec<Line> = (0..count).map(|_| self.ticket()).collect();
        if self.random.bool() {
            lines.push(self.donation());
        }
        if self.joins {
            lines.push(self.membership());
        }
        for line in &lines {
            self.books.lines.insert(line.id.clone(), line.cents);
            self.audit(line, "purchased");
        }
        lines
    }

    fn ticket(&mut self) -> Line {
        let cents = self.one_of(&[0, 1, 1_250, 2_599, 10_000]);
        let kind = self.random.usize(..3);
        let id = self.id("t");
        Line {
            row: self.row(&id, cents, json!({
                "ticket_type": format!("Type {kind}"), "ticket_type_id": format!("tt-{kind}"), "item_kind": "admission",
                "session_start_datetime": "2026-03-08T07:30:00Z", "session_timezone": "America/New_York",
            })),
            id,
            cents,
            donation: false,
        }
    }

    fn donation(&mut self) -> Line {
        let cents = self.one_of(&[5, 1_000, 3_333, 50_001]);
        let id = self.id("d");
        self.books.donated += cents;
        let mut more = json!({ "ticket_type": "Donation", "ticket_type_id": "tt-donation", "item_kind": "donation" });
        match self.random.u8(..3) {
            0 => {
                more["fund_code"] = json!(FUNDS[0]);
                *self.books.funds.entry(FUNDS[0].to_owned()).or_default() += cents;
            }
            1 => {
                let first = cents / 3;
                more["funds"] = json!([{ "code": FUNDS[0], "amount": money(first) }, { "code": FUNDS[1], "amount": money(cents - first) }]);
                *self.books.funds.entry(FUNDS[0].to_owned()).or_default() += first;
                *self.books.funds.entry(FUNDS[1].to_owned()).or_default() += cents - first;
            }
            _ => {
                more["funds"] = json!([
                    { "code": FUNDS[0], "percent": "33.333333" }, { "code": FUNDS[1], "percent": "33.333333" },
                    { "code": FUNDS[2], "percent": "33.333334" },
                ]);
            }
        }
        Line {
            row: self.row(&id, cents, more),
            id,
            cents,
            donation: true,
        }
    }

    fn row(&self, id: &str, cents: i64, more: Value) -> Value {
        let mut row = json!({
            "ticket_id": id, "cart_id": self.cart, "cart_number": format!("N-{}", self.cart), "channel_id": "web",
            "price_paid": money(cents), "currency": "USD", "identity_id": self.buyer.person,
        });
        if let (Value::Object(row), Value::Object(more)) = (&mut row, more) {
            row.extend(more);
        }
        row
    }

    /// One charge or two, now and then one that is voided.
    fn pay(&mut self, total: i64) -> Vec<(String, i64)> {
        let first = if self.random.bool() { total } else { total / 2 };
        let mut charges = Vec::new();
        for cents in [first, total - first] {
            if cents == 0 {
                continue;
            }
            let reference = self.id("ch");
            self.gateway("charge", &reference, cents);
            self.books.paid += cents;
            charges.push((reference, cents));
        }
        if self.random.u8(..5) == 0 {
            let reference = self.id("ch");
            self.gateway("charge", &reference, 777);
            self.gateway("void", &reference, 777);
        }
        charges
    }

    fn visit(&mut self, line: &Line) {
        if line.donation || self.random.bool() {
            return;
        }
        if self.random.u8(..3) == 0 {
            self.audit(line, "transfer_from");
            self.audit(line, "transfer_to");
        }
        for action in [
            "redeemed",
            "unredeemed",
            "Force_redeemed",
            "redeemed",
            "invalidated",
            "revalidated",
        ] {
            if self.random.bool() {
                self.audit(line, action);
            }
        }
    }

    /// Some lines come back with their money, or a bank takes it.
    fn give_back(
        &mut self,
        lines: &[Line],
        charges: &[(String, i64)],
        total: i64,
        fees: i64,
        taxes: i64,
    ) {
        let all = self.random.u8(..6) == 0;
        let mut back = 0;
        for line in lines {
            if all || self.random.u8(..4) == 0 {
                self.audit(line, "refunded");
                self.books.refunded.insert(line.id.clone());
                back += line.cents;
                if line.donation {
                    self.books.donated -= line.cents;
                    self.books.funds.clear();
                }
            }
        }
        if back > 0 {
            self.pay_back(charges, back);
            let status = if all { "refunded" } else { "part_refunded" };
            self.cart_row(status, total, fees, taxes, 0);
        }
        let (kept, last) = (self.books.paid, charges.last());
        if let (Some((reference, cents)), true) = (last, self.random.u8(..8) == 0 && kept > 0) {
            // A bank takes what is left of a charge, at most.
            let taken = kept.min(*cents);
            self.gateway("chargeback", reference, taken);
            self.books.paid -= taken;
        }
    }

    /// The gateway gives back to what was charged, one charge after the other, or does not say to which.
    fn pay_back(&mut self, charges: &[(String, i64)], mut back: i64) {
        self.books.paid -= back;
        if self.random.u8(..4) == 0 {
            let reference = self.id("re");
            return self.gateway("refund", &reference, back);
        }
        for (reference, cents) in charges {
            let part = back.min(*cents);
            back -= part;
            if part > 0 {
                self.gateway("refund", reference, part);
            }
        }
    }

    fn audit(&mut self, line: &Line, action: &str) {
        let mut row = line.row.clone();
        row["id"] = json!(self.id("a"));
        row["action"] = json!(action);
        row["occurred_at"] = json!(self.now());
        self.tell("ticket_audit", row);
    }

    fn gateway(&mut self, action: &str, reference: &str, cents: i64) {
        let row = json!({
            "id": self.id("g"), "cart_id": self.cart, "action": action, "gateway_id": "stripe", "gateway_reference": reference,
            "amount": money(cents), "currency": "USD", "method": "card", "occurred_at": self.now(),
        });
        self.tell("gateway_audit", row);
    }

    fn cart_row(&mut self, status: &str, total: i64, fees: i64, taxes: i64, owed: i64) {
        let checked_out = (status != "open").then_some("2026-03-01T18:05:00Z");
        let row = json!({
            "id": self.cart, "cart_number": format!("N-{}", self.cart), "status": status, "channel_id": "web",
            "identity_id": self.buyer.person, "organization_id": self.buyer.organization, "currency": "USD", "created_at": "2026-03-01T18:00:00Z",
            "checked_out_at": checked_out, "total_before_fees_price": money(total - fees - taxes),
            "total_fee_fixed_outside": money(fees), "total_fee_percent_outside": money(taxes),
            "total_after_fees_price": money(total), "total_outstanding": money(owed),
        });
        self.books.status = status.to_owned();
        self.books.owed = owed;
        self.books.checked_out |= status != "open";
        self.tell("cart", row);
    }

    fn tell(&mut self, entity: &'static str, row: Value) {
        let at = self.now();
        self.told.push(told(entity, row, at));
    }

    fn one_of(&mut self, cents: &[i64]) -> i64 {
        let place = self.random.usize(..cents.len().max(1));
        cents.get(place).copied().unwrap_or_default()
    }

    fn id(&mut self, kind: &str) -> String {
        self.number += 1;
        format!("{}-{kind}{}", self.cart, self.number)
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
