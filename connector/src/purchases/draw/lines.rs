//! Lines: bought, corrected, scanned and refunded.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Maker;
use crate::purchases::{Share, money};

const FUNDS: [&str; 3] = ["Conservation", "Education", "Building"];

/// A line as it was bought.
pub(super) struct Line {
    pub(super) id: String,
    pub(super) cents: i64,
    pub(super) kind: Kind,
    pub(super) row: Value,
    /// Id of the row that bought the line.
    bought: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ticket,
    Donation,
    Membership,
}

impl Maker<'_> {
    pub(super) fn buy(&mut self) -> Vec<Line> {
        let count = 1 + self.random.usize(..5);
        let mut lines: Vec<Line> = (0..count).map(|_| self.ticket()).collect();
        if self.random.bool() {
            lines.push(self.donation());
        }
        if self.joins {
            lines.push(self.membership());
        }
        for line in &mut lines {
            self.purchase(line);
        }
        lines
    }

    /// Buys the line with its present price and funds.
    pub(super) fn purchase(&mut self, line: &mut Line) {
        self.cart.books.lines.insert(line.id.clone(), line.cents);
        self.cart.books.bought = true;
        line.bought = self.audit(line, "purchased");
    }

    pub(super) fn ticket(&mut self) -> Line {
        let cents = self.one_of(&[0, 1, 1_250, 2_599, 10_000]);
        let kind = self.random.usize(..3);
        let more = json!({
            "ticket_type": format!("Type {kind}"), "ticket_type_id": format!("tt-{kind}"), "item_kind": "admission",
            "session_start_datetime": "2026-03-08T07:30:00Z", "session_timezone": "America/New_York",
        });
        self.line("t", cents, Kind::Ticket, more)
    }

    pub(super) fn line(&mut self, id: &str, cents: i64, kind: Kind, more: Value) -> Line {
        let id = self.id(id);
        let mut row = json!({
            "ticket_id": id, "cart_id": self.cart.id, "cart_number": format!("N-{}", self.cart.id), "channel_id": "web",
            "price_paid": money(cents), "currency": "USD", "identity_id": self.buyer.person,
        });
        if let (Value::Object(row), Value::Object(more)) = (&mut row, more) {
            row.extend(more);
        }
        Line {
            id,
            cents,
            kind,
            row,
            bought: String::new(),
        }
    }

    fn donation(&mut self) -> Line {
        let cents = self.one_of(&[5, 1_000, 3_333, 50_001]);
        let more = json!({ "ticket_type": "Donation", "ticket_type_id": "tt-donation", "item_kind": "donation" });
        let mut line = self.line("d", cents, Kind::Donation, more);
        self.give_to_funds(&mut line);
        line
    }

    /// Replaces the funds of a gift, so that they add up to its price.
    fn give_to_funds(&mut self, line: &mut Line) {
        if let Value::Object(row) = &mut line.row {
            row.remove("fund_code");
            row.remove("funds");
        }
        let cents = line.cents;
        let mut shares: BTreeMap<String, Share> = BTreeMap::new();
        let mut give = |fund: &str, cents: i64, slack: i64| {
            let share = shares.entry(fund.to_lowercase()).or_default();
            share.cents += cents;
            share.slack += slack;
        };
        let first = match self.one_in(8) {
            true => FUNDS[0].to_lowercase(),
            false => FUNDS[0].to_owned(),
        };
        match self.random.u8(..3) {
            0 => {
                line.row["fund_code"] = json!(first);
                give(&first, cents, 0);
            }
            1 => {
                let part = cents / 3;
                // In one of six lists both parts go to the same fund.
                let other = match self.one_in(6) {
                    true => FUNDS[0],
                    false => FUNDS[1],
                };
                line.row["funds"] = json!([{ "code": first, "amount": money(part) }, { "code": other, "amount": money(cents - part) }]);
                give(&first, part, 0);
                give(other, cents - part, 0);
            }
            _ => {
                line.row["funds"] = json!([
                    { "code": FUNDS[0], "percent": "33.333333" }, { "code": FUNDS[1], "percent": "33.333333" },
                    { "code": FUNDS[2], "percent": "33.333334" },
                ]);
                // Largest remainder: the cents beyond the thirds go to the largest percentage first.
                let (third, over) = (cents / 3, cents % 3);
                for (fund, more) in FUNDS
                    .iter()
                    .zip([i64::from(over > 1), 0, i64::from(over > 0)])
                {
                    give(fund, third + more, 1);
                }
            }
        }
        self.cart.books.gifts.insert(line.id.clone(), shares);
    }

    /// Corrects a line: its price, or the funds of a gift.
    pub(super) fn correct(&mut self, lines: &mut [Line]) {
        let place = self.random.usize(..lines.len().max(1));
        let Some(line) = lines.get_mut(place) else {
            return;
        };
        if line.kind == Kind::Donation {
            self.give_to_funds(line);
            return self.purchase(line);
        }
        line.cents = self.one_of(&[0, 999, 2_000, 3_000]);
        line.row["price_paid"] = json!(money(line.cents));
        if self.random.bool() {
            return self.purchase(line);
        }
        // The correction repeats the row's id with another price.
        let mut row = line.row.clone();
        row["id"] = json!(line.bought);
        row["action"] = json!("purchased");
        row["occurred_at"] = json!(self.now());
        self.cart.books.lines.insert(line.id.clone(), line.cents);
        self.tell("ticket_audit", row);
    }

    pub(super) fn visit(&mut self, line: &Line) {
        if line.kind == Kind::Donation || self.random.bool() {
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
        if self.one_in(150) {
            self.audit(line, "upgraded");
            self.cart.books.words.insert("upgraded".to_owned());
        }
    }

    /// Refunds the line. A quarter of the rows have no members but the ids.
    pub(super) fn refund(&mut self, line: &Line) {
        if self.one_in(4) {
            let row = json!({ "ticket_id": line.id, "cart_id": self.cart.id });
            self.audit_row(row, "refunded");
        } else {
            self.audit(line, "refunded");
        }
        self.cart.books.lines.remove(&line.id);
        self.cart.books.gifts.remove(&line.id);
        let books = &mut self.cart.books;
        books.refunded.insert(line.id.clone(), line.cents);
    }

    /// Adds a row about the line and returns the row's id.
    pub(super) fn audit(&mut self, line: &Line, action: &str) -> String {
        self.audit_row(line.row.clone(), action)
    }

    pub(super) fn audit_row(&mut self, mut row: Value, action: &str) -> String {
        let id = self.id("a");
        row["id"] = json!(id);
        row["action"] = json!(action);
        row["occurred_at"] = json!(self.now());
        self.tell("ticket_audit", row);
        id
    }
}
