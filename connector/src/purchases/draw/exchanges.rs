//! Exchanges for another session, for a new ticket or into another cart, and corrections of prices after the payment.

use serde_json::{Value, json};

use super::Maker;
use super::carts::Cart;
use super::lines::{Kind, Line};
use crate::purchases::money;

impl Maker<'_> {
    /// In seven of 60 carts, exchanges a ticket or corrects a line, and settles the difference.
    pub(super) fn exchange(&mut self, lines: &mut Vec<Line>) {
        let tickets = lines.iter().enumerate();
        let tickets = tickets.filter(|(_, line)| line.kind == Kind::Ticket);
        let places: Vec<usize> = tickets.map(|(place, _)| place).collect();
        let place = self.random.usize(..places.len().max(1));
        let Some(place) = places.get(place).copied() else {
            return;
        };
        match self.random.u8(..60) {
            0 | 1 => self.transfer(lines, place),
            2 | 3 => self.buy_anew(lines, place),
            4 | 5 => self.move_out(lines.remove(place)),
            6 => {
                let before: i64 = lines.iter().map(|line| line.cents).sum();
                self.correct(lines);
                let after: i64 = lines.iter().map(|line| line.cents).sum();
                self.settle(after - before);
            }
            _ => {}
        }
    }

    /// Moves a ticket to another session, at another price.
    fn transfer(&mut self, lines: &mut [Line], place: usize) {
        let cents = self.one_of(&[0, 1_000, 3_500, 12_000]);
        let Some(line) = lines.get_mut(place) else {
            return;
        };
        self.audit(line, "transfer_from");
        let difference = cents - line.cents;
        line.cents = cents;
        line.row["price_paid"] = json!(money(cents));
        line.row["session_start_datetime"] = json!("2026-03-09T18:00:00Z");
        self.audit(line, "transfer_to");
        self.cart.books.lines.insert(line.id.clone(), cents);
        self.settle(difference);
    }

    /// Refunds a ticket and buys a new one. Only the difference moves as money.
    fn buy_anew(&mut self, lines: &mut [Line], place: usize) {
        let mut new = self.ticket();
        let Some(line) = lines.get_mut(place) else {
            return;
        };
        self.refund(line);
        self.purchase(&mut new);
        let difference = new.cents - line.cents;
        *line = new;
        self.settle(difference);
    }

    /// Moves a ticket with its id into a new cart: refunded or transferred here, bought or transferred there.
    fn move_out(&mut self, mut line: Line) {
        match self.random.u8(..3) {
            0 => drop(self.audit_row(
                json!({ "ticket_id": line.id, "cart_id": self.cart.id }),
                "refunded",
            )),
            1 => drop(self.audit(&line, "refunded")),
            _ => drop(self.audit(&line, "transfer_from")),
        }
        self.cart.books.lines.remove(&line.id);
        let paid = line.cents;
        // Either the old cart refunds the whole price, or the new cart takes only the difference.
        let is_paid_back = self.random.bool();
        if is_paid_back {
            self.pay_back(paid);
        }
        let other = Cart::new(format!("{}-x", self.cart.id));
        let first = std::mem::replace(&mut self.cart, other);
        self.come_in(&mut line);
        let mut lines = vec![line];
        if self.random.bool() {
            let mut more = self.ticket();
            self.purchase(&mut more);
            lines.push(more);
        }
        let total: i64 = lines.iter().map(|line| line.cents).sum();
        self.cart.total = total;
        self.cart_row("open", total);
        let due = total - if is_paid_back { 0 } else { paid };
        if due > 0 {
            self.pay(due);
        }
        self.cart_row("checked_out", 0);
        for line in &lines {
            self.visit(line);
        }
        if self.one_in(3) {
            self.give_back(&lines);
        }
        let other = std::mem::replace(&mut self.cart, first);
        self.others.push((other.id, other.books));
    }

    /// Adds the row that brings a ticket into this cart. A transfer may leave out the price and the kind.
    fn come_in(&mut self, line: &mut Line) {
        line.row["cart_id"] = json!(self.cart.id);
        line.row["cart_number"] = json!(format!("N-{}", self.cart.id));
        if self.random.bool() {
            line.cents = self.one_of(&[0, 1_250, 4_000]);
            line.row["price_paid"] = json!(money(line.cents));
            return self.purchase(line);
        }
        if let (Value::Object(row), true) = (&mut line.row, self.random.bool()) {
            row.remove("price_paid");
            row.remove("item_kind");
        }
        self.audit(line, "transfer_to");
        self.cart.books.lines.insert(line.id.clone(), line.cents);
        self.cart.books.bought = true;
    }

    /// Charges or refunds a difference in price.
    fn settle(&mut self, difference: i64) {
        if difference > 0 {
            let reference = self.id("ch");
            self.charge("card", &reference, difference);
        } else {
            self.pay_back(-difference);
        }
    }
}
