//! Contacts and their households: who comes without an account gets one, and who comes, goes or is renamed changes the
//! households' names and numbers.

use serde_json::{Map, Value};

use super::super::Org;
use super::super::automation::Outcome;
use super::super::table::Record;
use super::super::values::{differs, holds, owned, text};
use super::{HOUSEHOLD, is_household, refusal};
use crate::schema::Object;
use crate::write_log::Actor;

/// What a household takes from the contact that it is made for: the contact's field and its own.
const TAKEN_OVER: &[(&str, &str)] = &[
    ("Phone", "Phone"),
    ("Fax", "Fax"),
    ("MailingStreet", "BillingStreet"),
    ("MailingCity", "BillingCity"),
    ("MailingState", "BillingState"),
    ("MailingPostalCode", "BillingPostalCode"),
    ("MailingCountry", "BillingCountry"),
];

impl Org {
    /// A contact without an account, unless it is private, goes back to the household that it leads, or to a new one.
    pub(in super::super) fn give_household(&mut self, contact: &mut Record) -> Outcome {
        let has_one = text(contact, "AccountId").is_some();
        if has_one || holds(contact, "npe01__Private__c") || self.table("Account").is_none() {
            return Ok(());
        }
        let household = match self.led_by(contact) {
            Some(household) => household,
            None => self.new_household(contact)?,
        };
        contact.insert("AccountId".to_owned(), Value::from(household));
        Ok(())
    }

    /// The household whose primary contact this is.
    fn led_by(&self, contact: &Record) -> Option<String> {
        let own = text(contact, "Id")?;
        let led = self.child_records("Account", "npe01__One2OneContact__c", own);
        let household = led.iter().find(|account| is_household(account));
        household.map(|account| owned(account, "Id"))
    }

    fn new_household(&mut self, contact: &Record) -> Result<String, Vec<super::ApiError>> {
        let fields = self.household_for(contact);
        let made = self.insert("Account", fields, Actor::Automation);
        made.map_err(|errors| {
            let why = errors.first().map_or("", |error| error.message.as_str());
            let (first, last) = (owned(contact, "FirstName"), owned(contact, "LastName"));
            let text = format!("Failed to create Account for Contact {first} {last}. {why}");
            vec![refusal(text)]
        })
    }

    fn household_for(&self, contact: &Record) -> Map<String, Value> {
        let name = format!("{} Household", owned(contact, "LastName"));
        let lead = contact.get("Id").cloned();
        let mut fields = vec![
            ("Name", Some(Value::from(name))),
            ("RecordTypeId", self.record_type("Account", "HH_Account")),
            ("Type", Some(Value::from("Household"))),
            ("npe01__SYSTEM_AccountType__c", Some(Value::from(HOUSEHOLD))),
            ("npe01__SYSTEMIsIndividual__c", Some(Value::Bool(true))),
            ("npe01__One2OneContact__c", lead),
            (
                "npsp__Number_of_Household_Members__c",
                Some(Value::from(1.0)),
            ),
        ];
        let has_own_address = holds(contact, "npsp__is_Address_Override__c");
        for (theirs, own) in TAKEN_OVER {
            if !(has_own_address && own.starts_with("Billing")) {
                fields.push((own, contact.get(*theirs).cloned()));
            }
        }
        let known = |name: &str| {
            let account = self.table("Account");
            account.is_some_and(|account| account.schema.field(name).is_some())
        };
        let given = fields.into_iter().filter(|(name, _)| known(name));
        let given = given.filter_map(|(name, value)| Some((name.to_owned(), value?)));
        given.filter(|(_, value)| !value.is_null()).collect()
    }

    /// A household's first contact is its primary one; whoever else comes changes its name and number.
    pub(in super::super) fn joined_household(&mut self, contact: &str) -> Outcome {
        let Some(contact) = self.found("Contact", contact).cloned() else {
            return Ok(());
        };
        let account = owned(&contact, "AccountId");
        let Some(household) = self.household(&account) else {
            return Ok(());
        };
        let leaderless = text(household, "npe01__One2OneContact__c").is_none();
        if leaderless && !holds(&contact, "npe01__Private__c") {
            let lead = [(
                "npe01__One2OneContact__c",
                Value::from(owned(&contact, "Id")),
            )];
            self.automate("Account", &account, &lead)?;
        }
        if self.children("Contact", "AccountId", &account).len() > 1 {
            self.touched.insert(account);
        }
        Ok(())
    }

    /// A contact moved to another household, or its name is another one.
    pub(in super::super) fn changed_household(&mut self, old: &Record, contact: &str) -> Outcome {
        let Some(contact) = self.found("Contact", contact).cloned() else {
            return Ok(());
        };
        let (from, to) = (owned(old, "AccountId"), owned(&contact, "AccountId"));
        if from != to {
            self.donations_move_too(&owned(&contact, "Id"), &from, &to)?;
            self.lead_again(&from)?;
            self.lead_again(&to)?;
            self.touched.insert(from);
            self.touched.insert(to);
        } else if ["FirstName", "LastName", "Salutation"]
            .iter()
            .any(|field| differs(old, &contact, field))
        {
            self.touched.insert(to);
        }
        Ok(())
    }

    /// Donations of the old household whose primary contact moves go to the new one.
    fn donations_move_too(&mut self, contact: &str, from: &str, to: &str) -> Outcome {
        if self.household(from).is_none() || self.household(to).is_none() {
            return Ok(());
        }
        for role in self.child_records("OpportunityContactRole", "ContactId", contact) {
            let donation = owned(&role, "OpportunityId");
            let account = self.found("Opportunity", &donation);
            let is_theirs =
                account.is_some_and(|donation| text(donation, "AccountId") == Some(from));
            if holds(&role, "IsPrimary") && is_theirs {
                self.automate("Opportunity", &donation, &[("AccountId", Value::from(to))])?;
            }
        }
        Ok(())
    }

    pub(in super::super) fn left_household(&mut self, contact: &Record) -> Outcome {
        let account = owned(contact, "AccountId");
        self.lead_again(&account)?;
        self.touched.insert(account);
        Ok(())
    }

    /// A contact was merged into another: what its household has of it goes over.
    pub(in super::super) fn merged_into(&mut self, lost: &Record, master: &str) -> Outcome {
        let kept = self.found("Contact", master);
        let to = kept
            .map(|kept| owned(kept, "AccountId"))
            .unwrap_or_default();
        let from = owned(lost, "AccountId");
        if from != to {
            self.donations_move_too(master, &from, &to)?;
        }
        self.touched.insert(to);
        self.left_household(lost)
    }

    /// A name that somebody typed is not computed any more.
    pub(in super::super) fn named_by_hand(&self, schema: &Object, old: &Record, new: &mut Record) {
        if self.npsp && schema.name == "Account" && is_household(old) && differs(old, new, "Name") {
            let field = "npo02__SYSTEM_CUSTOM_NAMING__c".to_owned();
            new.insert(field, Value::from("Name"));
        }
    }

    pub(super) fn household(&self, account: &str) -> Option<&Record> {
        self.found("Account", account)
            .filter(|account| is_household(account))
    }
}
