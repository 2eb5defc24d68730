//! Memberships that go from Salesforce to Ticketure: who their members are, and what Ticketure's refusals mean.

use std::collections::{BTreeMap, BTreeSet};

use runtime::salesforce::{CallError, normalise};
use serde_json::{Map, Value};

use crate::sync::TwoWaySync;

/// NPSP's own role for whoever belongs to the donor's household. Beside the museum's role it names a member too.
const HOUSEHOLD_MEMBER: &str = "Household Member";
/// The setting that names the museum's role of a member.
const ROLE_MEMBER: &str = "role_member";

/// A contact that has a part in a membership.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) contact: String,
    pub(crate) is_primary: bool,
}

/// The contact roles of opportunities, by these.
pub(crate) type Roles = BTreeMap<String, Vec<Map<String, Value>>>;

impl TwoWaySync {
    /// The museum's role of a member.
    pub(crate) fn role_of_members(&self) -> &str {
        let role = self.settings.get(ROLE_MEMBER).and_then(Value::as_str);
        role.unwrap_or_default()
    }

    /// The roles of contacts in opportunities that are to be memberships.
    pub(crate) async fn roles_of_members(
        &self,
        opportunities: &[String],
    ) -> Result<Roles, CallError> {
        let mut roles = Roles::new();
        if opportunities.is_empty() {
            return Ok(roles);
        }
        let select = ["Id", "OpportunityId", "ContactId", "IsPrimary", "Role"];
        let groups = opportunities.iter().map(|id| vec![Some(id.clone())]);
        let groups: Vec<Vec<Option<String>>> = groups.collect();
        let found = self
            .salesforce
            .query_in(
                "OpportunityContactRole",
                &select,
                &["OpportunityId"],
                &groups,
            )
            .await?;
        for role in found {
            let of = role.get("OpportunityId").and_then(Value::as_str);
            if let Some(id) = of.map(normalise) {
                roles.entry(id).or_default().push(role);
            }
        }
        Ok(roles)
    }
}

/// The contacts that are members by their roles in an opportunity: the museum's own role, or NPSP's. `primary` is the
/// contact whose membership it is, where a field says so; else the primary role does.
pub(crate) fn members(
    roles: &[Map<String, Value>],
    primary: Option<&str>,
    own_role: &str,
) -> Vec<Member> {
    let contact =
        |role: &Map<String, Value>| role.get("ContactId").and_then(Value::as_str).map(normalise);
    let leads = |role: &&Map<String, Value>| role.get("IsPrimary") == Some(&Value::Bool(true));
    let first = primary.map(normalise);
    let first = first.or_else(|| roles.iter().find(leads).and_then(contact));
    let is_member = |role: &&Map<String, Value>| {
        let word = role.get("Role").and_then(Value::as_str);
        word.is_some_and(|word| word == own_role || word == HOUSEHOLD_MEMBER)
    };
    let others = roles.iter().filter(is_member);
    let others: BTreeSet<String> = others
        .filter_map(contact)
        .filter(|id| Some(id) != first.as_ref())
        .collect();
    let member = |contact, is_primary| Member {
        contact,
        is_primary,
    };
    let first = first.map(|id| member(id, true));
    first
        .into_iter()
        .chain(others.into_iter().map(|id| member(id, false)))
        .collect()
}

/// What an operator, or the museum, does about a refusal of Ticketure's, by its code.
pub(crate) fn help(code: &str) -> Option<&'static str> {
    Some(match code {
        "overlapping_term" => {
            "The member has such a membership at that time: extend that one, or let the term begin after its end; then retry the item."
        }
        "unknown_level" => {
            "Name a level that Ticketure has, or correct the table of levels in the mapping; then retry the item."
        }
        "unknown_identity" => {
            "A member is not in Ticketure, or was merged there: correct the contact roles in Salesforce; then retry the item."
        }
        "invalid_dates" => {
            "Correct the first and the last day of the membership in Salesforce; then retry the item."
        }
        "cancelled" => {
            "A membership that was cancelled cannot be extended: make a new one, which extends nothing."
        }
        "not_later" => {
            "An extension moves the end to a later day; to shorten a membership, change it in Ticketure."
        }
        "not_supported" => "Change it in Ticketure, which tells Salesforce.",
        _ => return None,
    })
}

/// What to do instead of editing a record that goes forward only.
pub(crate) fn instead_of_editing(root: &str) -> &'static str {
    match root {
        "membership" => {
            "Put the value back. To move the end to a later day, set Ticketure_Extend_To__c, or make a won opportunity of origin Renewal whose Ticketure_Extends__c names this one; what else is to change is changed in Ticketure."
        }
        _ => "Put the value back, or change the sale in Ticketure, which tells Salesforce.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn roles(roles: &[(&str, bool, &str)]) -> Vec<Map<String, Value>> {
        let role = |(contact, leads, role): &(&str, bool, &str)| {
            let role = json!({ "ContactId": contact, "IsPrimary": leads, "Role": role });
            role.as_object().unwrap().clone()
        };
        roles.iter().map(role).collect()
    }

    #[test]
    fn whoever_has_the_primary_role_is_the_member_where_no_field_says_so() {
        let roles = roles(&[
            ("a", true, "Donor"),
            ("b", false, HOUSEHOLD_MEMBER),
            ("c", false, "Solicitor"),
            ("d", false, "Friend"),
        ]);
        let found = |primary, role| -> Vec<(String, bool)> {
            let members = members(&roles, primary, role).into_iter();
            members.map(|one| (one.contact, one.is_primary)).collect()
        };
        let member = |contact: &str, is_primary| (contact.to_owned(), is_primary);
        assert_eq!(
            found(None, "Friend"),
            [member("a", true), member("b", false), member("d", false)]
        );
        assert_eq!(found(Some("b"), "Member"), [member("b", true)]);
    }
}
