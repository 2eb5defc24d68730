//! Merging as a person does it: the loser is deleted and names the master, and what belonged to it belongs to the master.

use serde_json::{Map, Value};

use super::Org;
use super::error::ApiError;
use super::values::owned;
use crate::write_log::{Actor, Operation};

impl Org {
    /// The master keeps its own values.
    pub(crate) fn merge(
        &mut self,
        object: &str,
        master: &str,
        loser: &str,
    ) -> Result<(), Vec<ApiError>> {
        self.all_or_nothing(|org| org.merge_one(object, master, loser))?;
        self.end_of_user_action(Actor::User);
        Ok(())
    }

    fn merge_one(&mut self, object: &str, master: &str, loser: &str) -> Result<(), Vec<ApiError>> {
        let schema = self.schema(object)?;
        let kept = self.current(&schema, master)?;
        let lost = self.current(&schema, loser)?;
        let (master, loser) = (owned(&kept, "Id"), owned(&lost, "Id"));
        self.move_children(&schema.name, &loser, &master);
        self.take_out(&schema, &loser, Some(&master), Actor::User);
        // Its children may have changed the master meanwhile.
        let kept = self.current(&schema, &master)?;
        self.store(&schema, &master, kept);
        let nothing = Map::new();
        self.note(
            Operation::Update,
            Actor::User,
            &schema.name,
            &master,
            nothing,
        );
        if self.npsp && schema.name == "Contact" {
            return self.merged_into(&lost, &master);
        }
        // Members may have come to a household.
        self.touched.insert(master);
        Ok(())
    }

    /// Children change their parent, and no trigger sees it.
    fn move_children(&mut self, object: &str, loser: &str, master: &str) {
        for (child, field) in self.references_to(object) {
            for id in self.children(&child, &field, loser) {
                self.put_plainly(&child, &id, &[(field.as_str(), Value::from(master))]);
            }
        }
    }

    /// Object and field of everything that refers to an object.
    fn references_to(&self, object: &str) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for table in self.tables.values() {
            for field in &table.schema.fields {
                let refers = field.reference_to.iter().any(|to| to == object);
                // Who is a household's primary contact, NPSP says itself.
                let own = matches!(
                    field.name.as_str(),
                    "MasterRecordId" | "npe01__One2OneContact__c"
                );
                if refers && !own {
                    all.push((table.schema.name.clone(), field.name.clone()));
                }
            }
        }
        all
    }
}
