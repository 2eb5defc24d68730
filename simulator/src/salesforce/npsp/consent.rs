//! NPSP's trigger for contacts that must not be contacted (reference: NPSP, `CON_DoNotContact_TDTM`). Do Not Contact
//! sets the boxes for mail and calls, and Deceased sets Do Not Contact.
//!
//! NPSP also changes the household's name and primary contact for the deceased, which this simulator does not.

use serde_json::Value;

use super::super::table::Record;
use super::super::values::holds;
use crate::schema::Object;

const DECEASED: &str = "npsp__Deceased__c";
const DO_NOT_CONTACT: &str = "npsp__Do_Not_Contact__c";
/// Fields that follow Do Not Contact.
const FOLLOWING: &[&str] = &["HasOptedOutOfEmail", "DoNotCall"];

/// Runs before a contact is written. A new contact follows if a box is ticked, an existing one if a box changed.
/// Otherwise the boxes for mail and calls keep their written values.
pub(in super::super) fn mark_do_not_contact(
    schema: &Object,
    old: Option<&Record>,
    record: &mut Record,
) {
    let changed = |record: &Record, field: &str| {
        let before = old.is_some_and(|old| holds(old, field));
        holds(record, field) != before
    };
    // If both have changed, Deceased decides.
    if changed(record, DECEASED) {
        let deceased = holds(record, DECEASED);
        put(schema, record, DO_NOT_CONTACT, deceased);
    } else if !changed(record, DO_NOT_CONTACT) {
        return;
    }
    let unwanted = holds(record, DO_NOT_CONTACT);
    for field in FOLLOWING {
        put(schema, record, field, unwanted);
    }
}

fn put(schema: &Object, record: &mut Record, field: &str, value: bool) {
    if schema.field(field).is_some() {
        record.insert(field.to_owned(), Value::Bool(value));
    }
}
