//! NPSP's automation, read anew from its published behaviour, with its settings as they come: household accounts,
//! payments on, contact roles for the primary contact, allocations to opportunities and not to payments.

mod affiliations;
mod allocations;
mod consent;
mod contacts;
mod donations;
mod households;
mod payments;
mod refunds;

pub(super) use consent::mark_do_not_contact;
pub(super) use households::Job;

use super::error::ApiError;
use super::table::Record;
use super::values::text;

/// What NPSP writes to the account type of the households that it makes.
const HOUSEHOLD: &str = "Household Account";

fn is_household(account: &Record) -> bool {
    text(account, "npe01__SYSTEM_AccountType__c") == Some(HOUSEHOLD)
}

/// What a trigger says of a record with `addError`.
fn refusal(text: impl Into<String>) -> ApiError {
    ApiError::new("FIELD_CUSTOM_VALIDATION_EXCEPTION", text)
}
