//! The membership that is bought with a cart, and what becomes of it.

use serde_json::{Value, json};

use super::Maker;
use super::lines::{Kind, Line};
use crate::purchases::memberships::Term;
use crate::purchases::money;

const LEVELS: [&str; 3] = ["Individual", "Dual", "Family"];

/// A membership as Ticketure has it.
pub(super) struct Member {
    id: String,
    row: Value,
}

impl Maker<'_> {
    fn membership_id(&self) -> String {
        format!("{}-m", self.cart.id)
    }

    /// The line of the cart that it is sold by.
    pub(super) fn membership(&mut self) -> Line {
        let cents = self.one_of(&[0, 4_999, 12_000]);
        let more = json!({
            "ticket_type": "Membership", "ticket_type_id": "tt-membership", "item_kind": "membership",
            "membership_id": self.membership_id(),
        });
        self.line("t", cents, Kind::Membership, more)
    }

    pub(super) fn member(&mut self) -> Member {
        let id = self.membership_id();
        let level = self.level();
        let row = json!({
            "id": id, "member_number": format!("M-{}", self.cart.id), "level_name": level, "status": "active", "action": "new",
            "valid_from": "2026-03-01", "valid_until": "2027-02-28", "auto_renew": false, "price_paid": money(12_000),
            "currency": "USD", "cart_id": self.cart.id, "primary_identity_id": self.buyer.person, "is_gift": false,
            "members": [{ "identity_id": self.buyer.person, "role": "primary" }],
        });
        Member { id, row }
    }

    fn level(&mut self) -> &'static str {
        let place = self.random.usize(..LEVELS.len());
        LEVELS.get(place).copied().unwrap_or_default()
    }

    /// Bought, and then perhaps extended, on another level, renewed by itself, or cancelled.
    pub(super) fn first_term(&mut self, member: &mut Member) {
        self.tell_member(member);
        self.changes(member, "2027-05-31");
    }

    /// Now and then it is renewed, without a cart.
    pub(super) fn later_terms(&mut self, member: &mut Member) {
        if self.random.u8(..3) > 0 {
            return;
        }
        for (name, value) in [
            ("action", json!("renewal")),
            ("status", json!("active")),
            ("valid_from", json!("2027-06-01")),
            ("valid_until", json!("2028-05-31")),
            ("cart_id", Value::Null),
        ] {
            member.row[name] = value;
        }
        self.tell_member(member);
        self.changes(member, "2028-08-31");
    }

    fn changes(&mut self, member: &mut Member, longer: &str) {
        if self.random.u8(..3) == 0 {
            member.row["action"] = json!("upgrade");
            member.row["level_name"] = json!(self.level());
            self.tell_member(member);
        }
        if self.random.u8(..3) == 0 {
            member.row["action"] = json!("extension");
            member.row["valid_until"] = json!(longer);
            self.tell_member(member);
        }
        if self.random.u8(..6) == 0 {
            member.row["action"] = json!("cancel");
            member.row["status"] = json!("cancelled");
            self.tell_member(member);
        }
    }

    fn tell_member(&mut self, member: &Member) {
        let mut row = member.row.clone();
        row["updated_at"] = json!(self.now());
        let of = |name: &str| {
            row.get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let term = Term {
            start: of("valid_from"),
            end: of("valid_until"),
            level: of("level_name"),
            status: if of("status") == "cancelled" {
                "Cancelled"
            } else {
                "Active"
            }
            .to_owned(),
            cart: of("cart_id"),
        };
        self.terms
            .insert(format!("{}:{}", member.id, term.start), term);
        self.tell("membership", row);
    }
}
