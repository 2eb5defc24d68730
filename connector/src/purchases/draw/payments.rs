//! Rows of the gateway: charges, voids, refunds and chargebacks, and rows that move no money.

use serde_json::{Value, json};

use super::Maker;
use super::lines::Line;
use crate::purchases::{Part, money};

/// A charge that refunds may name.
pub(super) struct Charge {
    reference: String,
    cents: i64,
    /// Cents of the charge that no refund has named yet.
    left: i64,
}

impl Maker<'_> {
    /// Pays by one charge or two, with a card or a gift card. Rare further rows change no sum.
    pub(super) fn pay(&mut self, total: i64) {
        self.cart.has_minus = self.one_in(20);
        let first = if self.random.bool() { total } else { total / 2 };
        let is_one_reference = self.one_in(25);
        let mut named: Option<String> = None;
        for cents in [first, total - first]
            .into_iter()
            .filter(|cents| *cents > 0)
        {
            let is_gift_card = self.one_in(12);
            let reference = match named.take().filter(|_| is_one_reference) {
                Some(reference) => reference,
                // A small range, so that several carts pay with the same gift card.
                None if is_gift_card => format!("GC-{}", self.random.u8(..50)),
                None => self.id("ch"),
            };
            let method = if is_gift_card { "gift_card" } else { "card" };
            if !is_gift_card && !is_one_reference && self.one_in(40) {
                self.charge_too_much(&reference, cents);
            } else {
                let row = self.charge(method, &reference, cents);
                if self.one_in(40) {
                    self.tell_twice(row);
                }
            }
            named = Some(reference);
        }
        if self.random.u8(..5) == 0 {
            let reference = self.id("ch");
            let charge = self.gateway("charge", "card", &reference, 777);
            self.void("card", &reference, 777, &charge);
        }
        match self.random.u8(..120) {
            0 => self.bounced_check(),
            1 => self.refund_of_what_is_voided(),
            2 => self.wrong_charges(),
            3 => self.fits_nothing(),
            4 | 5 => {
                let reference = self.id("ch");
                self.gateway("authorize", "card", &reference, total);
                self.gateway("decline", "card", &reference, total);
            }
            6 => {
                let reference = self.id("ch");
                self.gateway("capture", "card", &reference, 250);
                self.cart.books.words.insert("capture".to_owned());
            }
            7 | 8 => self.free(),
            _ if total == 0 => self.free(),
            _ => {}
        }
    }

    /// Adds a charge that stays paid until a refund reduces it. Returns its row.
    pub(super) fn charge(&mut self, method: &str, reference: &str, cents: i64) -> Value {
        let row = self.gateway_row("charge", method, reference, cents);
        self.tell("gateway_audit", row.clone());
        self.book(&row, cents, 0);
        self.cart.left += cents;
        self.cart.charges.push(Charge {
            reference: reference.to_owned(),
            cents,
            left: cents,
        });
        row
    }

    fn book(&mut self, row: &Value, booked: i64, voided: i64) {
        let part = Part {
            booked,
            voided,
            ..Part::default()
        };
        self.part(row, part);
    }

    fn part(&mut self, row: &Value, part: Part) {
        let id = row.get("id").and_then(Value::as_str).unwrap_or_default();
        self.cart.books.parts.insert(id.to_owned(), part);
    }

    /// Charges 4.00 more than the cart costs, and voids them before settlement.
    fn charge_too_much(&mut self, reference: &str, cents: i64) {
        let row = self.gateway("charge", "card", reference, cents + 400);
        let void = self.gateway("void", "card", reference, 400);
        self.book(&row, cents, 400);
        self.book(&void, 0, 400);
        self.cart.is_part_voided = true;
        self.cart.left += cents;
        self.cart.charges.push(Charge {
            reference: reference.to_owned(),
            cents,
            left: cents,
        });
    }

    /// Repeats the charge under another id. The smaller id becomes its key.
    fn tell_twice(&mut self, mut row: Value) {
        let first = row["id"].as_str().unwrap_or_default().to_owned();
        let again = self.id("g");
        row["id"] = json!(again);
        self.tell("gateway_audit", row);
        if again < first
            && let Some(part) = self.cart.books.parts.remove(&first)
        {
            self.cart.books.parts.insert(again, part);
        }
    }

    /// Voids all of a charge.
    fn void(&mut self, method: &str, reference: &str, cents: i64, charge: &Value) {
        let void = self.gateway("void", method, reference, cents);
        self.book(charge, 0, cents);
        self.book(&void, 0, cents);
    }

    /// Adds a check and its void, both without a reference.
    fn bounced_check(&mut self) {
        let charge = self.gateway("charge", "check", "", 888);
        self.void("check", "", 888, &charge);
    }

    /// Refunds a charge that is voided afterwards. The refund waits, since usher takes it from no other charge.
    fn refund_of_what_is_voided(&mut self) {
        let reference = self.id("ch");
        let charge = self.gateway("charge", "card", &reference, 333);
        let refund = self.refund_row("refund", &reference, 300);
        self.part(
            &refund,
            Part {
                is_refund: true,
                waits: 300,
                ..Part::default()
            },
        );
        self.void("card", &reference, 333, &charge);
    }

    /// Adds a charge below 0 and a charge without an amount.
    fn wrong_charges(&mut self) {
        let reference = self.id("ch");
        let below = self.gateway("charge", "card", &reference, -500);
        let mut without = self.gateway_row("charge", "card", &reference, 0);
        without["amount"] = Value::Null;
        self.tell("gateway_audit", without.clone());
        for (row, waits) in [(below, 500), (without, 1)] {
            let part = Part {
                waits,
                ..Part::default()
            };
            self.part(&row, part);
        }
    }

    fn fits_nothing(&mut self) {
        let reference = self.id("ch");
        let void = self.gateway("void", "card", &reference, 444);
        let part = Part {
            waits: 444,
            ..Part::default()
        };
        self.part(&void, part);
    }

    fn free(&mut self) {
        let mut row = self.gateway_row("charge", "free", "", 0);
        row["gateway_id"] = json!("free");
        self.tell("gateway_audit", row);
    }

    /// Refunds some lines, at times less a fee or with goodwill, and may add a chargeback.
    pub(super) fn give_back(&mut self, lines: &[Line]) {
        let all = self.random.u8(..6) == 0;
        let mut back = 0;
        for line in lines {
            if all || self.random.u8(..4) == 0 {
                self.refund(line);
                back += line.cents;
            }
        }
        if all && self.random.u8(..3) > 0 {
            back += self.cart.fees + self.cart.taxes;
        }
        if back > 0 {
            let status = if all { "refunded" } else { "part_refunded" };
            match self.random.u8(..10) {
                // The museum retains a fee.
                0 => back -= 1 + back / 10,
                // The museum adds 2.50 as goodwill.
                1 => back += 250,
                _ => {}
            }
            self.pay_back(back);
            self.cart_row(status, 0);
        } else if self.one_in(10) {
            // Refund of money alone: the lines stay.
            self.pay_back(self.cart.left / 3);
        }
        if self.one_in(40) {
            self.pay_back(self.cart.left + 500);
        }
        self.charge_back();
    }

    /// Charges back at most the rest of the last charge.
    fn charge_back(&mut self) {
        let is_part_voided = self.cart.is_part_voided;
        let kept = self.cart.left;
        let Some(last) = self.cart.charges.last() else {
            return;
        };
        let most = if is_part_voided {
            last.left
        } else {
            last.cents
        };
        let (reference, taken) = (last.reference.clone(), kept.min(most));
        if taken > 0 && self.random.u8(..8) == 0 {
            self.send_back("chargeback", &reference, taken);
        }
    }

    /// Refunds an amount from the charges in turn, or under a reference that no charge has. The amount beyond all
    /// charges waits.
    pub(super) fn pay_back(&mut self, mut back: i64) {
        if back <= 0 {
            return;
        }
        let names_charges = self.cart.is_part_voided;
        if !names_charges && self.random.u8(..4) == 0 {
            let reference = self.id("re");
            return self.send_back("refund", &reference, back);
        }
        for place in 0..self.cart.charges.len() {
            let Some(charge) = self.cart.charges.get_mut(place) else {
                continue;
            };
            let part = back.min(charge.left);
            charge.left -= part;
            back -= part;
            let reference = charge.reference.clone();
            if part > 0 {
                self.send_back("refund", &reference, part);
            }
        }
        let beyond = self.cart.charges.last();
        let beyond = beyond.filter(|_| back > 0 && !names_charges);
        if let Some(reference) = beyond.map(|charge| charge.reference.clone()) {
            self.send_back("refund", &reference, back);
        }
    }

    fn send_back(&mut self, action: &str, reference: &str, cents: i64) {
        let booked = cents.min(self.cart.left);
        self.cart.left -= booked;
        let row = self.refund_row(action, reference, cents);
        let part = Part {
            is_refund: true,
            booked,
            waits: cents - booked,
            ..Part::default()
        };
        self.part(&row, part);
    }

    fn refund_row(&mut self, action: &str, reference: &str, cents: i64) -> Value {
        let cents = if self.cart.has_minus { -cents } else { cents };
        self.gateway(action, "card", reference, cents)
    }

    fn gateway(&mut self, action: &str, method: &str, reference: &str, cents: i64) -> Value {
        let row = self.gateway_row(action, method, reference, cents);
        self.tell("gateway_audit", row.clone());
        row
    }

    fn gateway_row(&mut self, action: &str, method: &str, reference: &str, cents: i64) -> Value {
        let reference = (!reference.is_empty()).then_some(reference);
        json!({
            "id": self.id("g"), "cart_id": self.cart.id, "action": action, "gateway_id": "stripe",
            "gateway_reference": reference, "amount": money(cents), "currency": "USD", "method": method,
            "occurred_at": self.now(),
        })
    }
}
