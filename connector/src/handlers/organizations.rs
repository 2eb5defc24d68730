//! Organizations that act with an identity of their own: as the buyer of a cart, in whose name a ticket is, or as the
//! primary member of a membership.
//!
//! Only the identity's own row says whose it is. Once that is known the rows of a tree name the organization in
//! `$organization`, and no person: so the mappings say what is its account's, and nothing waits for a contact.

use std::collections::{BTreeMap, BTreeSet};

use runtime::queue::{StandIn, StoreError};
use runtime::salesforce::CallError;
use serde_json::{Map, Value};

use super::households::{PEOPLE, Unknown};
use crate::sync::TwoWaySync;
use crate::trees::{Tree, Work};

/// The mapping of organizations.
pub(crate) const ORGANIZATIONS: &str = "account";
/// The organization that a row names in the place of a person.
const ORGANIZATION: &str = "$organization";
/// The members of rows by payload type: the one whose organization acts, then those that name people only.
const NAMED: &[(&str, &str, &[&str])] = &[
    (SALE, "identity_id", &[]),
    (TICKET, "identity_id", &[]),
    (
        MEMBERSHIP,
        "primary_identity_id",
        &["gift_giver_identity_id"],
    ),
];
const SALE: &str = "cart_changed";
const TICKET: &str = "ticket_audit";
const MEMBERSHIP: &str = "membership_changed";
/// People of a membership.
const MEMBERS: &str = "members";
const MEMBER: &str = "identity_id";

/// Mappings whose record ends the wait for a person: the identity may be an organization's.
pub fn stand_ins() -> Vec<StandIn> {
    vec![StandIn {
        waited_for: PEOPLE,
        instead: ORGANIZATIONS,
    }]
}

/// The rows of a tree, by payload type.
pub(crate) type Rows = BTreeMap<String, Vec<Value>>;

/// The kind of a cart's buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Buyer {
    Person,
    Organization,
    /// The cart is not heard of yet, or nobody knows what its buyer is.
    Unknown,
}

impl TwoWaySync {
    /// Finds which identities of the trees are organizations, and has the rows say so.
    pub(crate) async fn know_organizations(&self, work: &mut Work) -> Result<(), StoreError> {
        let going = work.trees.iter().filter(|tree| tree.goes_on());
        let ids: BTreeSet<String> = going.flat_map(named_by).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let known = self.who_is(ids).await?;
        for place in 0..work.trees.len() {
            let Some(tree) = work.trees.get_mut(place).filter(|tree| tree.goes_on()) else {
                continue;
            };
            if let Some(error) = known.failure_about(&named_by(tree)) {
                self.stop_unanswered(work, place, error);
                continue;
            }
            tree.organizations = act(&mut tree.rows, &known.organizations);
            for rows in tree.others.values_mut() {
                let mut tickets: Rows = [(TICKET.to_owned(), std::mem::take(rows))].into();
                let named = act(&mut tickets, &known.organizations);
                tree.organizations.extend(named);
                *rows = tickets.remove(TICKET).unwrap_or_default();
            }
        }
        Ok(())
    }

    /// Tells who bought a cart, by its stored rows.
    ///
    /// # Errors
    /// When the store fails, or Salesforce does not say.
    pub(crate) async fn buyer_of(&self, mut rows: Rows) -> Result<Buyer, Unknown> {
        // Where the cart names its buyer, its tickets need not be told apart.
        if rows.contains_key(SALE) {
            rows.retain(|payload_type, _| payload_type == SALE);
        }
        let named = identities(&rows);
        let known = self.who_is(named.clone()).await?;
        if is_bought_by_one(rows, &known.organizations) {
            return Ok(Buyer::Organization);
        }
        if known.knows_all(&named) {
            return Ok(Buyer::Person);
        }
        known
            .failure
            .map_or(Ok(Buyer::Unknown), |error| Err(error.into()))
    }

    /// Tells people from organizations, by what became of their own rows.
    async fn who_is(&self, ids: BTreeSet<String>) -> Result<Known, StoreError> {
        let all = ids.iter().cloned().collect();
        let people = self.store.known_records(PEOPLE, all).await?;
        let rest: Vec<String> = ids.difference(&people).cloned().collect();
        let known = self.store.known_records(ORGANIZATIONS, rest.clone());
        let mut organizations = known.await?;
        // The database may be younger than the org.
        let unknown = rest.into_iter().filter(|id| !organizations.contains(id));
        let unknown = unknown.map(|id| (ORGANIZATIONS, id)).collect();
        let (found, failure) = self.resolve(unknown).await?;
        organizations.extend(found.into_keys().map(|(_, id)| id));
        Ok(Known {
            people,
            organizations,
            failure,
        })
    }
}

/// Source ids of identities by what they are.
struct Known {
    people: BTreeSet<String>,
    organizations: BTreeSet<String>,
    /// Why Salesforce did not say of the others.
    failure: Option<CallError>,
}

impl Known {
    /// Returns why it is not known what one of the identities is, if Salesforce was asked in vain.
    fn failure_about(&self, ids: &BTreeSet<String>) -> Option<&CallError> {
        self.failure.as_ref().filter(|_| !self.knows_all(ids))
    }

    fn knows_all(&self, ids: &BTreeSet<String>) -> bool {
        let is_known = |id: &String| self.people.contains(id) || self.organizations.contains(id);
        ids.iter().all(is_known)
    }
}

/// Returns whether the cart is an organization's. Without rows of its own its tickets say so, unless one is a person's.
fn is_bought_by_one(mut rows: Rows, organizations: &BTreeSet<String>) -> bool {
    act(&mut rows, organizations);
    let of = |payload_type: &str| {
        rows.get(payload_type)
            .map_or(&[] as &[Value], Vec::as_slice)
    };
    let (carts, tickets) = (of(SALE), of(TICKET));
    match carts {
        [] => acts_in_any(tickets) && tickets.iter().all(|row| text(row, "identity_id").is_none()),
        carts => acts(carts) || said_last(carts, "organization_id").is_some(),
    }
}

/// The identities that a tree's rows name, and those of other trees about the same tickets.
fn named_by(tree: &Tree) -> BTreeSet<String> {
    let mut all = identities(&tree.rows);
    let others = tree.others.values().flatten();
    all.extend(others.filter_map(|row| text(row, "identity_id")));
    all
}

/// The identities that rows name.
fn identities(rows: &Rows) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (payload_type, acts, others) in NAMED {
        for row in rows.get(*payload_type).into_iter().flatten() {
            let names = [*acts].into_iter().chain(others.iter().copied());
            all.extend(names.filter_map(|name| text(row, name)));
            let members = row.get(MEMBERS).and_then(Value::as_array);
            let members = members.into_iter().flatten();
            all.extend(members.filter_map(|member| text(member, MEMBER)));
        }
    }
    all
}

/// Has the rows name organizations as such. Returns those that they name.
fn act(rows: &mut Rows, organizations: &BTreeSet<String>) -> BTreeSet<String> {
    let mut named = identities(rows);
    named.retain(|id| organizations.contains(id));
    if named.is_empty() {
        return named;
    }
    for (payload_type, acts, others) in NAMED {
        for row in rows.get_mut(*payload_type).into_iter().flatten() {
            let is_one = |row: &Value, name: &str| text(row, name).filter(|id| named.contains(id));
            let own = is_one(row, acts);
            let blank = others.iter().filter(|name| is_one(row, name).is_some());
            let blank: Vec<&str> = blank.copied().collect();
            let Value::Object(members) = row else {
                continue;
            };
            // A row that names a person there lays that over the organization of an earlier one.
            if members.contains_key(*acts) {
                let organization = own.clone().map_or(Value::Null, Value::from);
                members.insert(ORGANIZATION.to_owned(), organization);
            }
            let blank = blank.into_iter().chain(own.map(|_| *acts));
            members.extend(
                blank
                    .map(|name| (name.to_owned(), Value::Null))
                    .collect::<Vec<_>>(),
            );
            leave_members(members, &named);
        }
    }
    named
}

/// An organization has no role in its membership.
fn leave_members(row: &mut Map<String, Value>, organizations: &BTreeSet<String>) {
    if let Some(Value::Array(members)) = row.get_mut(MEMBERS) {
        members.retain(|member| text(member, MEMBER).is_none_or(|id| !organizations.contains(&id)));
    }
}

fn text(row: &Value, name: &str) -> Option<String> {
    runtime::json::text_at(row, &[name]).filter(|id| !id.is_empty())
}

/// Returns whether an organization buys with an identity of its own, or is the primary member, by what the rows of a cart
/// or membership say last.
pub(crate) fn acts(rows: &[Value]) -> bool {
    said_last(rows, ORGANIZATION).is_some()
}

fn acts_in_any(rows: &[Value]) -> bool {
    rows.iter().any(|row| text(row, ORGANIZATION).is_some())
}

/// Returns what the rows of a cart or membership say last of a field: a row that does not name it leaves it as it was.
pub(crate) fn said_last(rows: &[Value], field: &str) -> Option<String> {
    let at = |row: &&Value| text(row, "updated_at").or_else(|| text(row, "$at"));
    let naming = rows.iter().filter(|row| row.get(field).is_some());
    text(naming.max_by_key(at)?, field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn acted(payload_type: &str, rows: Value, organizations: &[&str]) -> Value {
        let rows = rows.as_array().cloned().unwrap_or_default();
        let mut all: Rows = [(payload_type.to_owned(), rows)].into();
        let organizations = organizations.iter().map(|id| (*id).to_owned()).collect();
        act(&mut all, &organizations);
        Value::from(all.remove(payload_type).unwrap_or_default())
    }

    #[test]
    fn a_row_names_the_organization_in_the_place_of_a_person() {
        let rows =
            json!([{ "identity_id": "o-1" }, { "identity_id": "i-1" }, { "status": "refunded" }]);
        let expected = json!([
            { "identity_id": null, "$organization": "o-1" },
            { "identity_id": "i-1", "$organization": null },
            { "status": "refunded" },
        ]);
        assert_eq!(acted("cart_changed", rows.clone(), &["o-1"]), expected);
        assert_eq!(acted("cart_changed", rows.clone(), &["o-2"]), rows);
    }

    #[test]
    fn an_organization_is_no_member_and_no_giver() {
        let rows = json!([{
            "primary_identity_id": "o-1", "gift_giver_identity_id": "o-2",
            "members": [{ "identity_id": "o-1", "role": "primary" }, { "identity_id": "i-1", "role": "secondary" }],
        }]);
        let expected = json!([{
            "primary_identity_id": null, "gift_giver_identity_id": null, "$organization": "o-1",
            "members": [{ "identity_id": "i-1", "role": "secondary" }],
        }]);
        assert_eq!(acted("membership_changed", rows, &["o-1", "o-2"]), expected);
    }
}
