//! Household accounts: their primary contact, their number of members, and their name. NPSP sets the last two at once when
//! one household is concerned, and later, in a transaction of its own, when a call concerned several.

use serde_json::Value;

use super::super::Org;
use super::super::automation::Outcome;
use super::super::table::Record;
use super::super::values::{owned, text};
use crate::write_log::Actor;

/// So much later NPSP's asynchronous job runs. Salesforce promises no time.
const LATER_MS: i64 = 2_000;

/// So many contacts are named.
const NAMED_MAX: usize = 9;

/// A job of NPSP's that waits: when it runs, and for which households.
pub(in super::super) type Job = (i64, Vec<String>);

impl Org {
    /// A primary contact that is no member any more is replaced by the first member.
    pub(super) fn lead_again(&mut self, account: &str) -> Outcome {
        let Some(household) = self.household(account) else {
            return Ok(());
        };
        let members = self.children("Contact", "AccountId", account);
        let lead = text(household, "npe01__One2OneContact__c");
        if lead.is_some_and(|lead| members.iter().any(|member| member == lead)) {
            return Ok(());
        }
        let first = members.first().map(String::as_str);
        let lead = [("npe01__One2OneContact__c", Value::from(first))];
        self.automate("Account", account, &lead)
    }

    /// A person works on one record at a time.
    pub(in super::super) fn end_of_user_action(&mut self, actor: Actor) {
        if actor == Actor::User {
            self.end_of_transaction();
        }
    }

    /// One household is named and counted at once, several are later.
    pub(in super::super) fn end_of_transaction(&mut self) {
        let touched = std::mem::take(&mut self.touched);
        let is_household = |account: &String| self.household(account).is_some();
        let households: Vec<String> = touched.into_iter().filter(is_household).collect();
        match households.as_slice() {
            [] => {}
            [one] => self.name_and_count(one),
            _ => {
                let at = self.clock_ms() + LATER_MS;
                self.jobs.push((at, households));
            }
        }
    }

    /// Jobs whose time has come. Gives how many wait.
    pub(crate) fn run_jobs(&mut self) -> usize {
        let now = self.clock_ms();
        let jobs = std::mem::take(&mut self.jobs);
        let (due, waiting): (Vec<Job>, Vec<Job>) = jobs.into_iter().partition(|(at, _)| *at <= now);
        self.jobs = waiting;
        self.request_id = None;
        for household in due.iter().flat_map(|(_, households)| households) {
            self.name_and_count(household);
        }
        self.jobs.len()
    }

    fn name_and_count(&mut self, account: &str) {
        let Some(household) = self.household(account) else {
            return;
        };
        let members = self.child_records("Contact", "AccountId", account);
        let mut fields = vec![(
            "npsp__Number_of_Household_Members__c",
            Value::from(members.len() as f64),
        )];
        if text(household, "npo02__SYSTEM_CUSTOM_NAMING__c").is_none() {
            fields.push(("Name", Value::from(name_of(&members))));
        }
        self.put_plainly("Account", account, &fields);
    }
}

/// `Lovelace Household`, `Lovelace, Byron and King Household`.
fn name_of(members: &[Record]) -> String {
    let mut names: Vec<String> = Vec::new();
    for member in members.iter().take(NAMED_MAX) {
        let name = owned(member, "LastName");
        if names.last() != Some(&name) {
            names.push(name);
        }
    }
    let whole = match names.split_last() {
        None => "Anonymous".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    };
    format!("{whole} Household")
}
