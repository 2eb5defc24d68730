//! What is written when a membership is sold: itself, a cart that is paid for, and the one line of that cart.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::Tenant;
use super::super::rows::{Row, given, text};
use super::term::Term;
use crate::write_log::Actor;

impl Tenant {
    /// The membership, the cart and its one line. No payment: whoever asks for it has the money.
    pub(super) fn sell(&mut self, mut membership: Row, term: Term) -> String {
        let (id, cart_id, ticket_id) = (self.uuid(), self.uuid(), self.uuid());
        let sold = self.rows.get("membership").map_or(0, BTreeMap::len);
        let number = format!("M{:06}", sold + 1);
        let primary = membership.get("primary_identity_id").cloned();
        let gift = given(&membership, "gift_giver_identity_id").is_some();
        membership.remove("updated_at");
        for (name, value) in [
            ("id", json!(id)),
            ("cart_id", json!(cart_id)),
            ("ticket_id", json!(ticket_id)),
            ("valid_from", json!(term.from.to_string())),
            ("valid_until", json!(term.until.to_string())),
            ("status", json!(term.status(self.today()))),
            ("action", json!("new")),
        ] {
            membership.insert(name.to_owned(), value);
        }
        for (name, value) in [
            ("member_number", json!(number)),
            ("auto_renew", json!(false)),
            ("is_gift", json!(gift)),
            ("price_paid", json!("0.00")),
            ("currency", json!("USD")),
            (
                "members",
                json!([{ "identity_id": primary, "role": "primary" }]),
            ),
        ] {
            let kept = membership.entry(name).or_insert(Value::Null);
            if kept.is_null() {
                *kept = value;
            }
        }
        let now = self.stamp();
        let (cart, ticket) = (cart_of(&membership, &now), ticket_of(&membership, &now));
        self.write_row("membership", membership, Actor::Api);
        self.write_row("cart", cart, Actor::Api);
        self.write_row("ticket_audit", ticket, Actor::Api);
        id
    }
}

fn buyer(membership: &Row) -> Value {
    let giver = given(membership, "gift_giver_identity_id");
    json!(giver.unwrap_or_else(|| text(membership, "primary_identity_id")))
}

fn cart_number(membership: &Row) -> String {
    let id = text(membership, "cart_id");
    id.chars().take(6).collect::<String>().to_uppercase()
}

fn cart_of(membership: &Row, now: &str) -> Row {
    let mut cart = Row::new();
    for (name, value) in [
        ("id", membership["cart_id"].clone()),
        ("cart_number", json!(cart_number(membership))),
        ("status", json!("checked_out")),
        ("channel_id", json!("api")),
        ("identity_id", buyer(membership)),
        ("currency", membership["currency"].clone()),
        ("created_at", json!(now)),
        ("checked_out_at", json!(now)),
        ("total_before_fees_price", membership["price_paid"].clone()),
        ("total_after_fees_price", membership["price_paid"].clone()),
        ("total_outstanding", json!("0.00")),
        ("external_ref", json!(given(membership, "external_ref"))),
    ] {
        cart.insert(name.to_owned(), value);
    }
    cart
}

fn ticket_of(membership: &Row, now: &str) -> Row {
    let level = given(membership, "level_name").or_else(|| given(membership, "level_id"));
    let mut ticket = Row::new();
    for (name, value) in [
        ("action", json!("purchased")),
        ("occurred_at", json!(now)),
        ("ticket_id", membership["ticket_id"].clone()),
        ("ticket_state", json!("issued")),
        ("cart_id", membership["cart_id"].clone()),
        ("cart_number", json!(cart_number(membership))),
        ("channel_id", json!("api")),
        ("ticket_type", json!(level)),
        ("item_kind", json!("membership")),
        ("membership_id", membership["id"].clone()),
        ("price_paid", membership["price_paid"].clone()),
        ("currency", membership["currency"].clone()),
        ("identity_id", buyer(membership)),
    ] {
        ticket.insert(name.to_owned(), value);
    }
    ticket
}
