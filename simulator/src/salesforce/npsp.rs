//! NPSP's automation: a contact that comes without an account is given a household.

use serde_json::{Map, Value};

use super::Org;
use super::error::ApiError;
use super::table::Record;
use crate::schema::Object;
use crate::write_log::Actor;

/// What NPSP writes to the account type of the households that it makes.
const HOUSEHOLD: &str = "Household Account";

impl Org {
    /// What happens to a record that has been validated, before it is stored.
    pub(super) fn before_insert(
        &mut self,
        schema: &Object,
        record: &mut Record,
    ) -> Result<(), Vec<ApiError>> {
        let has_account = record.get("AccountId").is_some_and(|id| !id.is_null());
        if self.npsp && schema.name == "Contact" && !has_account && self.table("Account").is_some()
        {
            let household = self.insert("Account", self.household(record), Actor::Automation)?;
            record.insert("AccountId".to_owned(), Value::from(household));
        }
        Ok(())
    }

    fn household(&self, contact: &Record) -> Map<String, Value> {
        let last_name = contact
            .get("LastName")
            .and_then(Value::as_str)
            .unwrap_or("Anonymous");
        let mut fields = Map::new();
        fields.insert(
            "Name".to_owned(),
            Value::from(format!("{last_name} Household")),
        );
        let marks = [
            ("npe01__SYSTEM_AccountType__c", Value::from(HOUSEHOLD)),
            ("npe01__SYSTEMIsIndividual__c", Value::from(true)),
        ];
        for (name, value) in marks {
            if self
                .table("Account")
                .is_some_and(|table| table.schema.field(name).is_some())
            {
                fields.insert(name.to_owned(), value);
            }
        }
        fields
    }
}
