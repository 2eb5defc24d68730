//! Contacts who are not to be contacted (reference: NPSP, `CON_DoNotContact_TDTM`): the check box for everything sets
//! those for mail and calls, and a contact who is deceased is not to be contacted.
//!
//! The household's name and primary contact, which NPSP settles for the deceased as well, stay as they are here.

use serde_json::Value;

use super::super::table::Record;
use super::super::values::holds;
use crate::schema::Object;

const DECEASED: &str = "npsp__Deceased__c";
const DO_NOT_CONTACT: &str = "npsp__Do_Not_Contact__c";
/// Fields that follow Do Not Contact.
const FOLLOWING: &[&str] = &["HasOptedOutOfEmail", "DoNotCall"];

/// Before a contact is written. A new contact follows where a box is ticked, another one where a box changed; without a
/// change of these boxes the others are whatever somebody says.
pub(in super::super) fn mark_do_not_contact(
    schema: &Object,
    old: Option<&Record>,
    record: &mut Record,
) {
    let changed = |record: &Record, field: &str| {
        let before = old.is_some_and(|old| holds(old, field));
        holds(record, field) != before
    };
    // Deceased goes first, should both have changed.
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
