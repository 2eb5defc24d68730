//! Identities that belong together, by the rows of a cart or of a membership.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::handlers::organizations;

/// Identities that belong together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Family {
    /// Whose household it is.
    pub(crate) anchor: String,
    /// The others, and when each was first heard of beside the anchor.
    pub(crate) members: BTreeMap<String, String>,
}

/// The members of a membership; else the buyer and whoever else has tickets of the cart in their own name. None where
/// nobody else has, or an organization bought. `is_derived`: carts follow from their tickets, whatever cart rows say.
pub(crate) fn family(rows: &BTreeMap<String, Vec<Value>>, is_derived: bool) -> Option<Family> {
    let heard = |kind: &str| rows.get(kind).map(Vec::as_slice).unwrap_or_default();
    let text =
        |row: &Value, name: &str| runtime::json::text_at(row, &[name]).filter(|id| !id.is_empty());
    let (carts, tickets) = (heard("cart_changed"), heard("ticket_audit"));
    let carts = if is_derived { &[] } else { carts };
    if organizations::acts(carts) || organizations::acts(heard("membership_changed")) {
        return None;
    }
    if let Some(family) = of_membership(heard("membership_changed")) {
        return Some(family);
    }
    if organizations::said_last(carts, "organization_id").is_some() {
        return None;
    }
    let first = tickets
        .iter()
        .filter(|ticket| text(ticket, "identity_id").is_some())
        .min_by_key(|ticket| (text(ticket, "occurred_at"), text(ticket, "id")));
    let anchor =
        organizations::said_last(carts, "identity_id").or_else(|| text(first?, "identity_id"))?;
    // The membership itself names its members; its ticket may be in a giver's name. A scan does not repeat the kind.
    let is_membership =
        |ticket: &&Value| text(ticket, "item_kind").as_deref() == Some("membership");
    let sold = tickets.iter().filter(is_membership);
    let memberships: BTreeSet<String> = sold.filter_map(|one| text(one, "ticket_id")).collect();
    let is_visit = |ticket: &&Value| {
        let id = text(ticket, "ticket_id");
        !is_membership(ticket) && id.is_none_or(|id| !memberships.contains(&id))
    };
    let visits = tickets.iter().filter(is_visit);
    let holders = visits.filter_map(|ticket| {
        let at = text(ticket, "occurred_at").unwrap_or_default();
        Some((text(ticket, "identity_id")?, at))
    });
    of(anchor, holders)
}

/// The family of these people. None where nobody is beside the anchor.
fn of(anchor: String, people: impl Iterator<Item = (String, String)>) -> Option<Family> {
    let mut members: BTreeMap<String, String> = BTreeMap::new();
    for (identity, at) in people.filter(|(identity, _)| *identity != anchor) {
        let since = members.entry(identity).or_insert_with(|| at.clone());
        if at < *since {
            *since = at;
        }
    }
    (!members.is_empty()).then_some(Family { anchor, members })
}

/// Is it the family of a membership?
pub(super) fn is_membership(rows: &BTreeMap<String, Vec<Value>>) -> bool {
    rows.get("membership_changed")
        .is_some_and(|rows| !rows.is_empty())
}

/// The primary member and everybody else whom a membership admits, or admitted once: who leaves it is not moved out of
/// the household, and so it is the same whichever row is heard of first.
fn of_membership(rows: &[Value]) -> Option<Family> {
    let text =
        |row: &Value, name: &str| runtime::json::text_at(row, &[name]).filter(|id| !id.is_empty());
    let members = |row: &Value| {
        let members = row.get("members").and_then(Value::as_array);
        members.cloned().unwrap_or_default()
    };
    let latest = rows.iter().max_by_key(|row| text(row, "updated_at"))?;
    let is_primary = |one: &Value| text(one, "role").as_deref() == Some("primary");
    let primary = members(latest).into_iter().find(is_primary);
    let anchor = text(latest, "primary_identity_id").or_else(|| text(&primary?, "identity_id"))?;
    let all = rows.iter().flat_map(|row| {
        let at = text(row, "updated_at").unwrap_or_default();
        let members = members(row).into_iter();
        members.filter_map(move |one| Some((text(&one, "identity_id")?, at.clone())))
    });
    of(anchor, all)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(family: &Family) -> Vec<&str> {
        family.members.keys().map(String::as_str).collect()
    }

    fn rows(cart: Value, tickets: &[&str]) -> BTreeMap<String, Vec<Value>> {
        let tickets = tickets.iter().enumerate().map(|(number, id)| {
            json!({ "id": number.to_string(), "identity_id": id, "occurred_at": "2026-03-01T18:00:00Z" })
        });
        [
            ("cart_changed".to_owned(), vec![cart]),
            ("ticket_audit".to_owned(), tickets.collect()),
        ]
        .into()
    }

    #[test]
    fn the_buyer_is_the_anchor_of_whoever_else_has_tickets() {
        let found = family(
            &rows(json!({ "identity_id": "i-2" }), &["i-1", "i-2", ""]),
            false,
        )
        .unwrap();
        assert_eq!(found.anchor, "i-2");
        assert_eq!(names(&found), ["i-1"]);
        assert_eq!(
            family(&rows(json!({ "identity_id": "i-1" }), &["i-1"]), false),
            None
        );
    }

    #[test]
    fn who_is_given_a_membership_is_not_of_the_buyers_family() {
        let mut rows = rows(json!({ "identity_id": "i-2" }), &["i-1"]);
        let tickets = rows.get_mut("ticket_audit").unwrap();
        tickets[0]["item_kind"] = json!("membership");
        assert_eq!(family(&rows, false), None);
        let members = json!([{ "identity_id": "i-1", "role": "primary" }, { "identity_id": "i-3", "role": "child" }]);
        let membership = json!({ "updated_at": "2026-03-01T18:00:00Z", "members": members });
        let found = family(
            &[("membership_changed".to_owned(), vec![membership])].into(),
            false,
        );
        let found = found.unwrap();
        assert_eq!(found.anchor, "i-1");
        assert_eq!(names(&found), ["i-3"]);
    }

    #[test]
    fn without_a_cart_the_first_ticket_says_who_bought() {
        let found = family(&rows(json!({}), &["i-3", "i-1"]), false).unwrap();
        assert_eq!(found.anchor, "i-3");
    }

    #[test]
    fn a_school_is_no_family() {
        let cart = json!({ "identity_id": "i-1", "organization_id": "o-1" });
        let rows = rows(cart, &["i-1", "i-2"]);
        assert_eq!(family(&rows, false), None);
        assert!(family(&rows, true).is_some());
    }

    #[test]
    fn the_latest_row_says_whether_a_school_bought() {
        let cart = json!({ "identity_id": "i-1", "organization_id": "o-1", "$at": "2026-03-01T18:00:00Z" });
        let mut rows = rows(cart, &["i-1", "i-2"]);
        let later = json!({ "organization_id": null, "$at": "2026-03-02T18:00:00Z" });
        rows.get_mut("cart_changed").unwrap().insert(0, later);
        assert_eq!(family(&rows, false).unwrap().anchor, "i-1");
    }
}
