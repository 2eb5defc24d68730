//! Tickets that moved to another cart. Only a purchase and a transfer move a ticket; a scan does not, even if it names
//! another cart. The rows of all carts together decide which cart a ticket is in.

use std::collections::{BTreeMap, BTreeSet};

use runtime::json::text_at;
use serde_json::{Map, Value};

use super::FUNDS;

/// Member that marks the rows of a ticket in a cart that the ticket has left. Mappings read it.
pub(crate) const MOVED: &str = "$moved";

/// Member with the row's number of arrival.
pub(crate) const ARRIVED: &str = "$arrived";

/// The actions that bring a ticket into a cart. Within one second `transfer_to` counts as the later.
const BRINGS: [&str; 2] = ["purchased", "transfer_to"];

/// The price. Only rows that bring the ticket give it.
const PRICE: &str = "price_paid";

/// The kind of the sold item: a gift, a ticket or something else.
const KIND: &str = "item_kind";

/// Members that belong to one row or one cart. A row that moves a ticket never copies them from the previous cart.
const OWN: [&str; 9] = [
    "id",
    "action",
    "occurred_at",
    "cart_id",
    "cart_number",
    "channel_id",
    "$at",
    ARRIVED,
    MOVED,
];

/// Order of the moves of a ticket: time, rank of the action, row id, delivery, arrival, and then the cart. The greatest
/// move names the ticket's cart. The later of two deliveries of one row is the greater.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Move(Option<i64>, usize, String, Option<i64>, Option<i64>, String);

/// Marks the tickets that rows of other carts have moved away, and completes the rows of those that are here.
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
            complete(mine.collect(), cart, &elsewhere);
        }
    }
}

/// Removes the payments that a later delivery assigns to another cart. A payment that is here also gets its earlier
/// deliveries from there. So members that the latest delivery leaves out keep their values.
pub(crate) fn settle_payments(own: &mut Vec<Value>, others: &BTreeMap<String, Vec<Value>>) {
    let all = || {
        others
            .values()
            .flatten()
            .filter(|row| row.get("ticket_id").is_none())
    };
    let delivered = |row: &Value| {
        (
            time(row),
            moment(row, "$at"),
            row.get(ARRIVED).and_then(Value::as_i64),
        )
    };
    let ids: BTreeSet<String> = own.iter().filter_map(|row| text_at(row, &["id"])).collect();
    for id in ids {
        let is_it = |row: &&Value| text_at(row, &["id"]).as_ref() == Some(&id);
        let there = all().filter(is_it).map(delivered).max();
        let here = own.iter().filter(is_it).map(delivered).max();
        if there > here {
            own.retain(|row| !is_it(&row));
        } else {
            let before: Vec<Value> = all().filter(is_it).cloned().collect();
            own.splice(..0, before);
        }
    }
}

/// Gives all rows of a ticket the kind that the latest row which brought the ticket gives. A correction in Ticketure
/// may turn an admission into a gift.
pub(crate) fn of_one_kind(rows: &mut [Value]) {
    let mut kinds: BTreeMap<String, (Move, Value)> = BTreeMap::new();
    for row in rows.iter().filter(|row| is_given(row, KIND)) {
        let (Some(ticket), Some(at)) = (text_at(row, &["ticket_id"]), moved(row, "")) else {
            continue;
        };
        if kinds.get(&ticket).is_none_or(|(known, _)| *known < at) {
            kinds.insert(ticket, (at, row.get(KIND).cloned().unwrap_or_default()));
        }
    }
    for row in rows {
        let ticket = text_at(row, &["ticket_id"]).unwrap_or_default();
        let kind = kinds.get(&ticket).map(|(_, kind)| kind);
        if let (Some(kind), Some(said)) = (kind, row.get_mut(KIND).filter(|said| !said.is_null())) {
            *said = kind.clone();
        }
    }
}

fn tickets(rows: &[Value]) -> BTreeSet<String> {
    let ids = rows.iter();
    ids.filter_map(|row| text_at(row, &["ticket_id"])).collect()
}

/// The move that a row makes. `None` if its action moves no ticket.
fn moved(row: &Value, root: &str) -> Option<Move> {
    let action = text_at(row, &["action"])?.trim().to_lowercase();
    let rank = BRINGS.iter().position(|brings| *brings == action)?;
    let id = text_at(row, &["id"]).unwrap_or_default();
    let delivered = moment(row, "$at");
    let arrived = row.get(ARRIVED).and_then(Value::as_i64);
    let root = root.to_owned();
    Some(Move(time(row), rank, id, delivered, arrived, root))
}

/// The place of a row among those that bring its ticket into this cart.
pub(super) fn move_of(row: &Value) -> Option<Move> {
    moved(row, "")
}

fn time(row: &Value) -> Option<i64> {
    moment(row, "occurred_at")
}

fn moment(row: &Value, member: &'static str) -> Option<i64> {
    runtime::clock::parse_ms(&text_at(row, &[member])?)
}

fn mark(row: &mut Value) {
    if let Value::Object(members) = row {
        members.insert(MOVED.to_owned(), Value::Bool(true));
    }
}

/// Fills in the members that a row leaves out when it brings the ticket from another cart. The latest earlier row of
/// any cart supplies them.
fn complete(own: Vec<&mut Value>, cart: &str, elsewhere: &[(&String, &Value)]) {
    let mut own: Vec<(Move, &mut Value)> = own
        .into_iter()
        .filter_map(|row| Some((moved(row, cart)?, row)))
        .collect();
    own.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut before: Vec<(Option<Move>, &Value)> = elsewhere
        .iter()
        .map(|(root, row)| (moved(row, root), *row))
        .collect();
    before.sort_by(|(one, row), (other, next)| (time(row), one).cmp(&(time(next), other)));
    let mut before = before.into_iter().peekable();
    let mut said = Said::default();
    for (at, row) in own {
        let mut came = false;
        while let Some((from, other)) = before.next_if(|(from, other)| {
            from.as_ref()
                .map_or(time(other) <= time(row), |from| *from < at)
        }) {
            came |= from.is_some();
            said.hear(other, from.is_some());
        }
        if came {
            said.fill(row);
        }
        said.hear(row, true);
    }
}

/// Returns whether the member has a value that is neither null nor blank text.
pub(super) fn is_given(row: &Value, name: &str) -> bool {
    row.get(name).is_some_and(|value| match value {
        Value::String(text) => !text.trim().is_empty(),
        value => !value.is_null(),
    })
}

/// The latest value of each member of a ticket.
#[derive(Default)]
struct Said {
    /// From rows that brought the ticket. Only these give the price, and their values take precedence.
    bringing: Map<String, Value>,
    /// From other rows, such as scans.
    other: Map<String, Value>,
}

impl Said {
    fn hear(&mut self, row: &Value, brings: bool) {
        let members = row.as_object().into_iter().flatten();
        let members = members.filter(|(name, _)| {
            let is_said = is_given(row, name) || FUNDS.contains(&name.as_str());
            is_said && !OWN.contains(&name.as_str()) && (brings || name.as_str() != PRICE)
        });
        let members = members.map(|(name, value)| (name.clone(), value.clone()));
        let known = match brings {
            true => &mut self.bringing,
            false => &mut self.other,
        };
        // A row that names a fund replaces both members, since a gift has either one fund or a list.
        if FUNDS.iter().any(|name| is_given(row, name)) {
            FUNDS.iter().for_each(|name| drop(known.remove(*name)));
        }
        known.extend(members);
    }

    /// Fills in the members that are missing or null. A row that names a fund keeps its own two members of funds.
    fn fill(&self, row: &mut Value) {
        let says_fund = FUNDS.iter().any(|name| is_given(row, name));
        for (name, value) in self.bringing.iter().chain(&self.other) {
            let is_replaced = says_fund && FUNDS.contains(&name.as_str());
            if let (false, false, Value::Object(members)) =
                (is_replaced, is_given(row, name), &mut *row)
            {
                members.insert(name.clone(), value.clone());
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

    #[test]
    fn each_row_that_moves_a_ticket_has_what_the_cart_before_said() {
        let mut own = vec![
            row("a-1", "purchased", 1, json!({ "price_paid": "25.00" })),
            row("a-3", "transfer_to", 3, json!({ "price_paid": null })),
        ];
        let there = vec![
            row("a-2", "purchased", 2, json!({ "price_paid": "27.00" })),
            row(
                "a-4",
                "refunded",
                3,
                json!({ "price_paid": "0.00", "admit_name": "Ada" }),
            ),
        ];
        settle(&mut own, "c-1", &[("c-2".to_owned(), there)].into());
        assert_eq!(
            (
                &own[0]["price_paid"],
                &own[1]["price_paid"],
                &own[1]["admit_name"]
            ),
            (&json!("25.00"), &json!("27.00"), &json!("Ada"))
        );
    }

    #[test]
    fn another_kind_of_fund_replaces_that_of_the_cart_before() {
        let mut new = vec![row("a-2", "purchased", 2, json!({ "fund_code": "Bees" }))];
        let old = row(
            "a-1",
            "purchased",
            1,
            json!({ "funds": [{ "code": "Roof" }] }),
        );
        settle(&mut new, "c-2", &others(vec![old]));
        assert_eq!(
            (&new[0]["fund_code"], new[0].get("funds")),
            (&json!("Bees"), None)
        );
    }

    #[test]
    fn of_two_deliveries_of_one_row_the_later_says_the_cart() {
        let told = |at: &str| vec![row("a-1", "purchased", 1, json!({ "$at": at }))];
        for (own, other, is_moved) in [("18:00", "18:01", true), ("18:01", "18:00", false)] {
            let mut own = told(&format!("2026-03-01T{own}:00Z"));
            let other = told(&format!("2026-03-01T{other}:00Z"));
            settle(&mut own, "c-1", &[("c-0".to_owned(), other.clone())].into());
            assert_eq!(own[0].get(MOVED).is_some(), is_moved);
            let mut own = told("2026-03-01T18:00:30Z");
            settle(&mut own, "c-1", &[("c-2".to_owned(), other)].into());
            assert_eq!(own[0].get(MOVED).is_some(), is_moved);
        }
    }

    #[test]
    fn a_payment_is_of_the_cart_that_its_latest_delivery_says() {
        let told = |day: u32, more: Value| {
            let mut row = json!({ "id": "g-1", "action": "charge", "occurred_at": format!("2026-03-{day:02}T18:00:00Z") });
            row.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            row
        };
        let first = || told(1, json!({ "cart_id": "c-1", "amount": "25.00" }));
        let second = || told(2, json!({ "cart_id": "c-2" }));
        let mut old = vec![first()];
        settle_payments(&mut old, &[("c-2".to_owned(), vec![second()])].into());
        assert!(old.is_empty());
        let mut new = vec![second()];
        settle_payments(&mut new, &others(vec![first()]));
        assert_eq!(new, [first(), second()]);
    }

    #[test]
    fn all_rows_of_a_ticket_are_of_the_kind_that_was_said_last() {
        let kind =
            |day, action: &str, kind: Value| row("a", action, day, json!({ "item_kind": kind }));
        let mut rows = vec![
            kind(1, "purchased", json!("donation")),
            kind(3, "refunded", json!("donation")),
            kind(2, "purchased", json!("admission")),
            kind(4, "purchased", json!(null)),
        ];
        of_one_kind(&mut rows);
        let kinds: Vec<&Value> = rows.iter().map(|row| &row["item_kind"]).collect();
        assert_eq!(
            kinds,
            [
                &json!("admission"),
                &json!("admission"),
                &json!("admission"),
                &json!(null)
            ]
        );
    }
}
