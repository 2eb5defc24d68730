//! Tickets that went on in another cart. Only a purchase and a transfer move a ticket; a scan does not, whatever cart it
//! names. The rows of all carts that speak of a ticket say together where it is.

use std::collections::{BTreeMap, BTreeSet};

use runtime::json::text_at;
use serde_json::{Map, Value};

/// Marks the rows of a ticket in a cart that it has left. Mappings read it.
pub(crate) const MOVED: &str = "$moved";

/// The actions that bring a ticket into a cart, the one that counts last of a second's last.
const BRINGS: [&str; 2] = ["purchased", "transfer_to"];

/// Members of a row that are of its own cart or its own event: a moving row never has them from the cart before.
const OWN: [&str; 8] = [
    "id",
    "action",
    "occurred_at",
    "cart_id",
    "cart_number",
    "channel_id",
    "$at",
    MOVED,
];

/// When a row moved its ticket, and into which cart: the latest of these is where the ticket is.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Move(Option<i64>, usize, String, String);

/// Settles where the tickets of a cart are, by the rows of the other carts that speak of them.
pub(crate) fn settle(own: &mut [Value], cart: &str, others: &BTreeMap<String, Vec<Value>>) {
    for ticket in tickets(own) {
        let of_ticket = |row: &&Value| text_at(row, &["ticket_id"]).as_deref() == Some(&ticket);
        let elsewhere: Vec<(&String, &Value)> = others
            .iter()
            .flat_map(|(root, rows)| rows.iter().map(move |row| (root, row)))
            .filter(|(_, row)| of_ticket(row))
            .collect();
        if elsewhere.is_empty() {
            continue;
        }
        let here = own.iter().filter(of_ticket);
        let here = here.filter_map(|row| moved(row, cart)).max();
        let there = elsewhere
            .iter()
            .filter_map(|(root, row)| moved(row, root))
            .max();
        let mine = own.iter_mut().filter(|row| of_ticket(&&**row));
        if there > here {
            mine.for_each(mark);
        } else {
            let rows = elsewhere.into_iter().map(|(_, row)| row).collect();
            complete(mine.collect(), rows);
        }
    }
}

fn tickets(rows: &[Value]) -> BTreeSet<String> {
    let ids = rows.iter();
    ids.filter_map(|row| text_at(row, &["ticket_id"])).collect()
}

/// What the row moves, if it moves anything.
fn moved(row: &Value, root: &str) -> Option<Move> {
    let action = text_at(row, &["action"])?.trim().to_lowercase();
    let rank = BRINGS.iter().position(|brings| *brings == action)?;
    let id = text_at(row, &["id"]).unwrap_or_default();
    Some(Move(time(row), rank, id, root.to_owned()))
}

fn time(row: &Value) -> Option<i64> {
    runtime::clock::parse_ms(&text_at(row, &["occurred_at"])?)
}

fn mark(row: &mut Value) {
    if let Value::Object(members) = row {
        members.insert(MOVED.to_owned(), Value::Bool(true));
    }
}

/// The first row that brings the ticket has what it leaves out from the carts before.
fn complete(mut own: Vec<&mut Value>, mut before: Vec<&Value>) {
    own.retain(|row| moved(row, "").is_some());
    own.sort_by_key(|row| moved(row, ""));
    let Some(first) = own.into_iter().next() else {
        return;
    };
    let since = time(first);
    before.retain(|row| time(row) <= since);
    before.sort_by_key(|row| (time(row), text_at(row, &["id"])));
    let mut said = Map::new();
    for row in before {
        let members = row.as_object().into_iter().flatten();
        said.extend(members.map(|(name, value)| (name.clone(), value.clone())));
    }
    if let Value::Object(members) = first {
        for (name, value) in said {
            if !OWN.contains(&name.as_str()) {
                members.entry(name).or_insert(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(id: &str, action: &str, day: u32, more: Value) -> Value {
        let mut row = json!({
            "id": id, "action": action, "ticket_id": "t-1", "occurred_at": format!("2026-03-{day:02}T18:00:00Z"),
        });
        row.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        row
    }

    fn others(rows: Vec<Value>) -> BTreeMap<String, Vec<Value>> {
        [("c-1".to_owned(), rows)].into()
    }

    #[test]
    fn a_ticket_is_where_it_was_brought_last() {
        let first = || row("a-1", "purchased", 1, json!({ "price_paid": "25.00" }));
        let second = || row("a-2", "transfer_to", 2, json!({ "cart_id": "c-2" }));
        let mut old = vec![first()];
        settle(
            &mut old,
            "c-1",
            &[("c-2".to_owned(), vec![second()])].into(),
        );
        assert_eq!(old[0][MOVED], true);
        let mut new = vec![second()];
        settle(&mut new, "c-2", &others(vec![first()]));
        assert_eq!(new[0].get(MOVED), None);
        assert_eq!(
            (&new[0]["price_paid"], &new[0]["cart_id"]),
            (&json!("25.00"), &json!("c-2"))
        );
    }

    #[test]
    fn a_scan_moves_nothing() {
        let mut scanned = vec![row("a-9", "redeemed", 3, json!({}))];
        settle(
            &mut scanned,
            "c-2",
            &others(vec![row("a-1", "purchased", 1, json!({}))]),
        );
        assert_eq!(scanned[0][MOVED], true);
        let mut bought = vec![row("a-1", "purchased", 1, json!({}))];
        let scan = vec![row("a-9", "redeemed", 3, json!({}))];
        settle(&mut bought, "c-1", &[("c-2".to_owned(), scan)].into());
        assert_eq!(bought[0].get(MOVED), None);
    }

    #[test]
    fn what_the_moving_row_says_itself_stays() {
        let mut new = vec![row("a-2", "purchased", 2, json!({ "price_paid": "0.00" }))];
        settle(
            &mut new,
            "c-2",
            &others(vec![row(
                "a-1",
                "purchased",
                1,
                json!({ "price_paid": "25.00", "fund_code": "Roof" }),
            )]),
        );
        assert_eq!(
            (&new[0]["price_paid"], &new[0]["fund_code"]),
            (&json!("0.00"), &json!("Roof"))
        );
    }
}
