//! Donations: whose they are, and the contact role that says so.

use serde_json::{Map, Value};

use super::super::Org;
use super::super::automation::Outcome;
use super::super::table::Record;
use super::super::values::{differs, holds, owned, text};
use super::{is_household, refusal};
use crate::write_log::Actor;

const CONTACT: &str = "npsp__Primary_Contact__c";
const FOR_ROLE: &str = "npe01__Contact_Id_for_Role__c";
const ROLE: &str = "OpportunityContactRole";

impl Org {
    /// A new donation has the household of its contact, or the contact of its household.
    pub(in super::super) fn whose_donation(&mut self, donation: &mut Record) -> Outcome {
        self.one_contact(donation)?;
        match (text(donation, "AccountId"), text(donation, CONTACT)) {
            (None, Some(contact)) => {
                if let Some(household) = self.household_of(contact) {
                    donation.insert("AccountId".to_owned(), Value::from(household));
                }
            }
            (Some(account), None) => {
                if let Some(lead) = self.household(account).and_then(lead_of) {
                    donation.insert(CONTACT.to_owned(), lead.clone());
                    donation.insert(FOR_ROLE.to_owned(), lead);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Two fields name the contact: an old one, a text, and a reference.
    fn one_contact(&self, donation: &mut Record) -> Outcome {
        match (text(donation, CONTACT), text(donation, FOR_ROLE)) {
            (Some(contact), None) => {
                let contact = Value::from(contact);
                donation.insert(FOR_ROLE.to_owned(), contact);
            }
            (None, Some(id)) => {
                let Some(contact) = self.found("Contact", id) else {
                    let text = "The Contact Id for Role is not a valid Contact Id.";
                    return Err(vec![refusal(text)]);
                };
                let contact = owned(contact, "Id");
                donation.insert(CONTACT.to_owned(), Value::from(contact));
            }
            _ => {}
        }
        Ok(())
    }

    fn household_of(&self, contact: &str) -> Option<String> {
        let contact = self.found("Contact", contact)?;
        let account = self.household(text(contact, "AccountId")?)?;
        Some(owned(account, "Id"))
    }

    /// The primary contact is the contact of the primary role.
    pub(in super::super) fn name_primary_contact(
        &mut self,
        old: Option<&Record>,
        id: &str,
    ) -> Outcome {
        let Some(donation) = self.found("Opportunity", id).cloned() else {
            return Ok(());
        };
        let switched_off = holds(&donation, "npsp__DisableContactRoleAutomation__c");
        if switched_off || self.table(ROLE).is_none() {
            return Ok(());
        }
        match old {
            None => self.first_primary_contact(&donation),
            Some(old) if differs(old, &donation, CONTACT) => {
                // The reference says that the two are kept in step of a new one; we take it so of a change as well.
                let contact = donation.get(CONTACT).cloned().unwrap_or(Value::Null);
                self.put_plainly("Opportunity", id, &[(FOR_ROLE, contact)]);
                self.next_primary_contact(&donation)
            }
            Some(_) => Ok(()),
        }
    }

    /// Whoever has the primary role already is the primary contact.
    fn first_primary_contact(&mut self, donation: &Record) -> Outcome {
        let id = owned(donation, "Id");
        let roles = self.child_records(ROLE, "OpportunityId", &id);
        let Some(primary) = roles.iter().find(|role| holds(role, "IsPrimary")) else {
            return self.next_primary_contact(donation);
        };
        if text(primary, "Role").is_none() {
            let role = [("Role", Value::from(self.role_in(donation)))];
            self.put_plainly(ROLE, &owned(primary, "Id"), &role);
        }
        let contact = Value::from(owned(primary, "ContactId"));
        let fields = [(CONTACT, contact.clone()), (FOR_ROLE, contact)];
        self.put_plainly("Opportunity", &id, &fields);
        Ok(())
    }

    fn next_primary_contact(&mut self, donation: &Record) -> Outcome {
        let roles = self.child_records(ROLE, "OpportunityId", &owned(donation, "Id"));
        let primary = roles.iter().find(|role| holds(role, "IsPrimary"));
        let primary = primary.map(|role| owned(role, "Id"));
        match (text(donation, CONTACT), primary) {
            (None, Some(role)) => self.remove(ROLE, &role, Actor::Automation),
            (Some(contact), Some(role)) => {
                self.automate(ROLE, &role, &[("ContactId", Value::from(contact))])
            }
            (Some(contact), None) => self.new_primary_role(donation, contact),
            (None, None) => Ok(()),
        }
    }

    fn role_in(&self, donation: &Record) -> &'static str {
        let account = self.found("Account", &owned(donation, "AccountId"));
        match account.is_none_or(is_household) {
            true => "Donor",
            false => "Soft Credit",
        }
    }

    fn new_primary_role(&mut self, donation: &Record, contact: &str) -> Outcome {
        let mut fields = Map::new();
        for (name, value) in [
            ("OpportunityId", Value::from(owned(donation, "Id"))),
            ("ContactId", Value::from(contact)),
            ("Role", Value::from(self.role_in(donation))),
            ("IsPrimary", Value::Bool(true)),
        ] {
            fields.insert(name.to_owned(), value);
        }
        self.insert(ROLE, fields, Actor::Automation).map(|_| ())
    }
}

fn lead_of(household: &Record) -> Option<Value> {
    let lead = household.get("npe01__One2OneContact__c")?;
    (!lead.is_null()).then(|| lead.clone())
}
