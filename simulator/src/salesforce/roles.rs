//! Contact roles: an opportunity has at most one primary contact.

use serde_json::Value;

use super::Org;
use super::automation::Outcome;
use super::values::{holds, owned};

impl Org {
    /// A new primary contact takes the mark from the one before.
    pub(super) fn only_primary(&mut self, id: &str) -> Outcome {
        let role = self.found("OpportunityContactRole", id);
        let Some(role) = role.filter(|role| holds(role, "IsPrimary")) else {
            return Ok(());
        };
        let opportunity = owned(role, "OpportunityId");
        for other in self.children("OpportunityContactRole", "OpportunityId", &opportunity) {
            if other != id {
                let unmarked = [("IsPrimary", Value::Bool(false))];
                self.put_plainly("OpportunityContactRole", &other, &unmarked);
            }
        }
        Ok(())
    }
}
