//! Tests that every oddity is drawn, and that plain carts are the majority.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use serde_json::Value;

use super::{Buyer, History, customer, draw};
use crate::purchases::{Record, text};

/// Names the events of a history that make its cart no plain one.
fn oddities(history: &History) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    for told in &history.told {
        match told.entity {
            "ticket_audit" => found.extend(of_ticket(&told.row)),
            "gateway_audit" => found.extend(of_payment(&told.row)),
            "cart" => found.extend(of_cart(&told.row)),
            _ => {}
        }
    }
    let rows = |entity: &'static str| {
        let told = history
            .told
            .iter()
            .filter(move |told| told.entity == entity);
        told.map(|told| &told.row)
    };
    if history.carts.len() > 1 {
        found.insert("another cart");
    }
    if twice(rows("ticket_audit").map(|row| text(row, "id").to_owned())) {
        found.insert("the same row corrected");
    }
    let bought = rows("ticket_audit").filter(|row| text(row, "action") == "purchased");
    let bought = bought.map(|row| format!("{} {}", text(row, "cart_id"), text(row, "ticket_id")));
    if twice(bought) {
        found.insert("a second purchase");
    }
    let charges = || rows("gateway_audit").filter(|row| text(row, "action") == "charge");
    let named = || charges().filter(|row| !text(row, "gateway_reference").is_empty());
    if twice(named().map(|row| joined(row, &["cart_id", "gateway_reference", "occurred_at"]))) {
        found.insert("a charge told twice");
    } else if twice(named().map(|row| joined(row, &["cart_id", "gateway_reference"]))) {
        found.insert("one reference twice");
    }
    found.extend(of_books(history));
    found
}

fn of_books(history: &History) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    for (_, books) in &history.carts {
        let parts = || books.parts.values();
        if parts().any(|part| part.is_refund && part.booked > 0 && part.waits > 0) {
            found.insert("a refund beyond charges");
        }
        if parts().any(|part| !part.is_refund && part.booked > 0 && part.voided > 0) {
            found.insert("a part void");
        }
        let unpaid = parts().any(|part| part.is_refund && part.booked == 0 && part.waits == 300);
        if unpaid {
            found.insert("a refund of a voided charge");
        }
    }
    found
}

fn joined(row: &Record, names: &[&str]) -> String {
    let values: Vec<&str> = names.iter().map(|name| text(row, name)).collect();
    values.join("|")
}

fn twice(keys: impl Iterator<Item = String>) -> bool {
    let mut seen = BTreeSet::new();
    !keys.into_iter().all(|key| seen.insert(key))
}

fn of_ticket(row: &Record) -> Vec<&'static str> {
    let mut found = Vec::new();
    match text(row, "action") {
        "refunded" if !row.contains_key("item_kind") => found.push("a refund without a kind"),
        "transfer_to" if text(row, "session_start_datetime").contains("03-09") => {
            found.push("a transfer to another price");
        }
        "transfer_to" if !row.contains_key("price_paid") => found.push("a move without a price"),
        "upgraded" => found.push("an unknown action"),
        _ => {}
    }
    if text(row, "fund_code") == "conservation" {
        found.push("a fund in small letters");
    }
    let list = row
        .get("funds")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let codes = list.filter_map(|part| part.get("code")?.as_str());
    if twice(codes.map(str::to_lowercase)) {
        found.push("a fund named twice");
    }
    found
}

fn of_payment(row: &Record) -> Vec<&'static str> {
    let is_void = text(row, "action") == "void";
    let has_no_reference = text(row, "gateway_reference").is_empty();
    let has_minus = text(row, "amount").starts_with('-');
    let kinds = [
        (text(row, "method") == "gift_card", "a gift card"),
        (is_void && has_no_reference, "a void without a reference"),
        (
            is_void && text(row, "amount") == "4.44",
            "a void that fits nothing",
        ),
        (
            text(row, "action") == "refund" && has_minus,
            "a refund with a minus",
        ),
        (
            text(row, "action") == "charge" && has_minus,
            "a charge below nothing",
        ),
        (text(row, "gateway_id") == "free", "a free charge"),
        (text(row, "action") == "authorize", "authorize"),
        (text(row, "action") == "capture", "an unknown payment"),
    ];
    let found = kinds.into_iter().filter(|(is, _)| *is);
    found.map(|(_, name)| name).collect()
}

fn of_cart(row: &Record) -> Option<&'static str> {
    match text(row, "status") {
        "open" if !row.contains_key("created_at") => Some("opened again"),
        "on_hold" => Some("an unknown status"),
        _ => None,
    }
}

const ALL: [&str; 25] = [
    "a charge below nothing",
    "a charge told twice",
    "a free charge",
    "a fund in small letters",
    "a fund named twice",
    "a gift card",
    "a move without a price",
    "a part void",
    "a refund beyond charges",
    "a refund of a voided charge",
    "a refund with a minus",
    "a refund without a kind",
    "a second purchase",
    "a transfer to another price",
    "a void that fits nothing",
    "a void without a reference",
    "an unknown action",
    "an unknown payment",
    "an unknown status",
    "another cart",
    "authorize",
    "one reference twice",
    "opened again",
    "the same row corrected",
    "plain",
];

#[test]
fn everything_is_drawn_and_most_carts_are_plain() {
    let mut random = Rng::with_seed(2);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let count = 3_000;
    for number in 0..count {
        let mut found = oddities(&customer(&mut random, number));
        // Plain carts may have these oddities, so they do not count.
        let plain = [
            "a fund in small letters",
            "a fund named twice",
            "a gift card",
            "a free charge",
            "a refund without a kind",
        ];
        if found.iter().all(|name| plain.contains(name)) {
            found.insert("plain");
        }
        for name in found {
            *counts.entry(name).or_default() += 1;
        }
    }
    let drawn: BTreeSet<&str> = counts.keys().copied().collect();
    assert_eq!(drawn, ALL.into());
    assert!(counts.values().all(|times| *times >= 3), "{counts:?}");
    assert!(counts["plain"] * 2 > count, "{counts:?}");
}

#[test]
fn a_gift_card_pays_in_several_carts() {
    let mut random = Rng::with_seed(3);
    let mut carts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for number in 0..400 {
        for told in draw(&mut random, format!("c-{number}"), Buyer::default()).told {
            let reference = text(&told.row, "gateway_reference");
            if reference.starts_with("GC-") {
                let cart = text(&told.row, "cart_id").to_owned();
                carts.entry(reference.to_owned()).or_default().insert(cart);
            }
        }
    }
    assert!(carts.values().any(|carts| carts.len() > 1), "{carts:?}");
}

#[test]
fn a_seed_draws_the_same_again() {
    let drawn = || {
        let mut random = Rng::with_seed(4);
        let each = (0..50).map(|number| customer(&mut random, number).webhooks());
        each.collect::<Vec<_>>()
    };
    assert_eq!(drawn(), drawn());
}

/// Ties would make the result depend on the order of rows that usher cannot know.
#[test]
fn no_two_rows_happen_at_the_same_time() {
    let mut random = Rng::with_seed(5);
    for number in 0..500 {
        let history = draw(&mut random, format!("c-{number}"), Buyer::default());
        let audits = history
            .told
            .iter()
            .filter(|told| told.entity.ends_with("_audit"));
        let mut times: BTreeMap<String, String> = BTreeMap::new();
        for told in audits {
            let at = text(&told.row, "occurred_at").to_owned();
            let what = joined(
                &told.row,
                &["action", "gateway_reference", "amount", "ticket_id"],
            );
            let earlier = times.insert(at, what.clone());
            // A repeated charge has the time of the first by intent.
            assert!(earlier.is_none_or(|earlier| earlier == what), "{number}");
        }
    }
}
