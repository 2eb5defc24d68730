//! Contact roles: an opportunity has at most one primary contact.

use serde_json::{Map, Value};

use super::Org;
use super::automation::Outcome;
use super::values::{holds, owned, text};
use crate::write_log::Actor;

impl Org {
    /// The contact that a new opportunity is made for is its primary one.
    pub(super) fn made_for(&mut self, opportunity: &str) -> Outcome {
        let record = self.found("Opportunity", opportunity);
        let Some(contact) = record.and_then(|record| text(record, "ContactId")) else {
            return Ok(());
        };
        let mut role = Map::new();
        role.insert("ContactId".to_owned(), Value::from(contact));
        role.insert("OpportunityId".to_owned(), Value::from(opportunity));
        role.insert("IsPrimary".to_owned(), Value::Bool(true));
        self.insert("OpportunityContactRole", role, Actor::Automation)
            .map(|_| ())
    }

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
