//! Rows of the cart itself: opened, checked out, reopened, and with an unknown status.

use serde_json::{Value, json};

use super::Maker;
use super::payments::Charge;
use crate::purchases::{Books, money};

/// A cart while it is drawn.
pub(super) struct Cart {
    pub(super) id: String,
    pub(super) books: Books,
    /// Amounts of the cart's row, in cents.
    pub(super) total: i64,
    pub(super) fees: i64,
    pub(super) taxes: i64,
    /// Charges that refunds may name.
    pub(super) charges: Vec<Charge>,
    /// Cents of all charges that neither a void nor a refund has taken.
    pub(super) left: i64,
    /// True after a partial void. From then on refunds name their charge and stay within its rest.
    pub(super) is_part_voided: bool,
    /// True if the gateway writes refunds as negative amounts.
    pub(super) has_minus: bool,
}

impl Cart {
    pub(super) fn new(id: String) -> Cart {
        Cart {
            id,
            books: Books::default(),
            total: 0,
            fees: 0,
            taxes: 0,
            charges: Vec::new(),
            left: 0,
            is_part_voided: false,
            has_minus: false,
        }
    }
}

const KNOWN: &[&str] = &["checked_out", "part_refunded", "refunded", "cancelled"];

impl Maker<'_> {
    pub(super) fn cart_row(&mut self, status: &str, owed: i64) {
        let checked_out = (status != "open").then_some("2026-03-01T18:05:00Z");
        let Cart {
            id,
            total,
            fees,
            taxes,
            ..
        } = &self.cart;
        let row = json!({
            "id": id, "cart_number": format!("N-{id}"), "status": status, "channel_id": "web",
            "identity_id": self.buyer.person, "organization_id": self.buyer.organization, "currency": "USD",
            "created_at": "2026-03-01T18:00:00Z", "checked_out_at": checked_out,
            "total_before_fees_price": money(total - fees - taxes),
            "total_fee_fixed_outside": money(*fees), "total_fee_percent_outside": money(*taxes),
            "total_after_fees_price": money(*total), "total_outstanding": money(owed),
        });
        self.note(status, owed);
        self.tell("cart", row);
    }

    /// Updates the books. Only rows with a known status since the sale count.
    fn note(&mut self, status: &str, owed: i64) {
        let books = &mut self.cart.books;
        if KNOWN.contains(&status) {
            status.clone_into(&mut books.status);
            books.owed = owed;
            books.fees = self.cart.fees;
            books.taxes = self.cart.taxes;
            books.checked_out = true;
            // A known status settles the error of the unknown one before it.
            books.words.remove("on_hold");
        } else if status != "open" {
            books.words.insert(status.to_owned());
        }
    }

    /// Reopens a sold cart with fees and a debt that usher has to ignore. Half of them are checked out again.
    pub(super) fn open_again(&mut self) {
        let mut row = json!({ "id": self.cart.id, "status": "open", "total_outstanding": "99.00" });
        if self.random.bool() {
            row["total_fee_fixed_outside"] = json!("77.00");
            row["identity_id"] = Value::from(self.buyer.person.clone());
        }
        self.tell("cart", row);
        if self.random.bool() {
            self.cart.fees += self.one_of(&[0, 200]);
            self.cart_row("checked_out", 0);
        }
    }
}
