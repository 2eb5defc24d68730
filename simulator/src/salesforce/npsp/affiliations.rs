//! Affiliations: a contact's employer is its primary one, and the one before becomes a former one.

use serde_json::{Map, Value};

use super::super::Org;
use super::super::automation::Outcome;
use super::super::table::Record;
use super::super::values::{differs, holds, owned, text};
use crate::write_log::Actor;

const AFFILIATION: &str = "npe5__Affiliation__c";
const EMPLOYER: &str = "npsp__Primary_Affiliation__c";

impl Org {
    /// A contact's account or employer is another one.
    pub(in super::super) fn affiliate(&mut self, old: Option<&Record>, contact: &str) -> Outcome {
        let Some(contact) = self.found("Contact", contact).cloned() else {
            return Ok(());
        };
        if self.table(AFFILIATION).is_none() {
            return Ok(());
        }
        for (field, is_primary) in [("AccountId", false), (EMPLOYER, true)] {
            let nothing = Record::new();
            if !differs(old.unwrap_or(&nothing), &contact, field) {
                continue;
            }
            if let Some(before) = old.and_then(|old| text(old, field)) {
                self.end_affiliation(&contact, before, is_primary)?;
            }
            if let Some(now) = text(&contact, field) {
                self.begin_affiliation(&contact, now, is_primary)?;
            }
        }
        Ok(())
    }

    fn begin_affiliation(&mut self, contact: &Record, to: &str, is_primary: bool) -> Outcome {
        let organization = self.found("Account", to);
        if organization.is_none_or(|account| holds(account, "npe01__SYSTEMIsIndividual__c")) {
            return Ok(());
        }
        if let Some(id) = self.affiliation(contact, to) {
            let mut fields = vec![("npe5__Status__c", Value::from("Current"))];
            if is_primary {
                fields.push(("npe5__Primary__c", Value::Bool(true)));
            }
            return self.automate(AFFILIATION, &id, &fields);
        }
        let mut fields = Map::new();
        for (name, value) in [
            ("npe5__Contact__c", Value::from(owned(contact, "Id"))),
            ("npe5__Organization__c", Value::from(to)),
            ("npe5__Status__c", Value::from("Current")),
            ("npe5__StartDate__c", Value::from(self.today())),
            (
                "npe5__Role__c",
                contact.get("Title").cloned().unwrap_or(Value::Null),
            ),
            ("npe5__Primary__c", Value::Bool(is_primary)),
        ] {
            fields.insert(name.to_owned(), value);
        }
        self.insert(AFFILIATION, fields, Actor::Automation)
            .map(|_| ())
    }

    fn end_affiliation(&mut self, contact: &Record, to: &str, was_primary: bool) -> Outcome {
        let Some(id) = self.affiliation(contact, to) else {
            return Ok(());
        };
        let mut fields = vec![
            ("npe5__Status__c", Value::from("Former")),
            ("npe5__EndDate__c", Value::from(self.today())),
        ];
        if was_primary {
            fields.push(("npe5__Primary__c", Value::Bool(false)));
        }
        self.automate(AFFILIATION, &id, &fields)
    }

    /// The affiliation that has not ended.
    fn affiliation(&self, contact: &Record, to: &str) -> Option<String> {
        let all = self.child_records(AFFILIATION, "npe5__Contact__c", &owned(contact, "Id"));
        let is_it = |one: &&Record| {
            text(one, "npe5__Organization__c") == Some(to)
                && text(one, "npe5__EndDate__c").is_none()
        };
        all.iter().find(is_it).map(|one| owned(one, "Id"))
    }

    /// An affiliation became the primary one, or is it no longer: the contact says the same.
    pub(in super::super) fn primary_affiliation(
        &mut self,
        old: Option<&Record>,
        id: &str,
    ) -> Outcome {
        let Some(now) = self.found(AFFILIATION, id).cloned() else {
            return Ok(());
        };
        let was = old.is_some_and(|old| holds(old, "npe5__Primary__c"));
        match (was, holds(&now, "npe5__Primary__c")) {
            (false, true) => self.employed(&now),
            (true, false) => self.no_affiliation(&now),
            _ => Ok(()),
        }
    }

    fn employed(&mut self, affiliation: &Record) -> Outcome {
        let (id, contact) = (
            owned(affiliation, "Id"),
            owned(affiliation, "npe5__Contact__c"),
        );
        let employer = Value::from(owned(affiliation, "npe5__Organization__c"));
        self.put_plainly("Contact", &contact, &[(EMPLOYER, employer)]);
        let today = self.today();
        for other in self.child_records(AFFILIATION, "npe5__Contact__c", &contact) {
            let other_id = owned(&other, "Id");
            if other_id != id && holds(&other, "npe5__Primary__c") {
                let former = [
                    ("npe5__Primary__c", Value::Bool(false)),
                    ("npe5__Status__c", Value::from("Former")),
                    ("npe5__EndDate__c", Value::from(today.as_str())),
                ];
                self.put_plainly(AFFILIATION, &other_id, &former);
            }
        }
        Ok(())
    }

    /// An affiliation is gone or not the primary one any more.
    pub(in super::super) fn no_affiliation(&mut self, affiliation: &Record) -> Outcome {
        let contact = owned(affiliation, "npe5__Contact__c");
        let employer = text(affiliation, "npe5__Organization__c");
        let still = self.found("Contact", &contact);
        if still.is_some_and(|contact| employer.is_some() && text(contact, EMPLOYER) == employer) {
            self.put_plainly("Contact", &contact, &[(EMPLOYER, Value::Null)]);
        }
        Ok(())
    }

    /// The org's date, by its own clock.
    fn today(&mut self) -> String {
        self.tick().get(..10).unwrap_or_default().to_owned()
    }
}
