//! Values that Salesforce refuses with the name of their field. The record is written without them, so that an unknown
//! picklist value does not delay the money.

use runtime::entity::{Kind, SlotRef};
use runtime::json;
use runtime::mapping::MappingDescriptor;
use runtime::queue::ErrorRecord;
use runtime::retry;
use runtime::salesforce::SalesforceError;
use serde_json::Value;

use super::wanted::leave_blank;
use super::{Tree, Wanted};

/// Removes the refused fields from the record, and notes them. Returns false and changes nothing if an error has
/// another cause, or Salesforce demands the field.
pub(super) fn leave_out(
    tree: &mut Tree,
    root: &MappingDescriptor,
    index: usize,
    errors: &[SalesforceError],
) -> bool {
    let Some(wanted) = tree.wanted.get_mut(index) else {
        return false;
    };
    let found: Option<Vec<usize>> = errors.iter().map(|error| to_blame(wanted, error)).collect();
    let Some(found) = found.filter(|found| !found.is_empty()) else {
        return false;
    };
    let (mapping, key) = (wanted.mapping, wanted.key.clone());
    let mut noted = Vec::new();
    for (field, error) in found.into_iter().zip(errors) {
        if wanted.record.slot(field).is_blank() {
            // Salesforce refuses the blank too, so the field is not sent.
            wanted.record.slot_mut(field).set_absent();
            continue;
        }
        let name = mapping.field_name(field);
        noted.push((name, said(mapping, field, wanted.record.slot(field), error)));
        leave_blank(wanted.record.as_mut(), field);
    }
    for (field, error) in noted {
        tree.leave_out_refused(root, mapping, &key, field, error);
    }
    true
}

/// The index of the one field that the error is about, if the record can be written without it.
fn to_blame(wanted: &Wanted, error: &SalesforceError) -> Option<usize> {
    let [name] = error.fields.as_slice() else {
        return None;
    };
    let index = wanted.mapping.record.field(name)?;
    let field = wanted.mapping.record.fields.get(index)?;
    let is_value = !matches!(field.kind, Kind::Reference { .. } | Kind::Lookup(_));
    let may_go = is_value && !field.demanded && !wanted.record.slot(index).is_absent();
    (may_go && retry::is_about_a_value(&error.code)).then_some(index)
}

fn said(
    mapping: &MappingDescriptor,
    field: usize,
    slot: SlotRef<'_>,
    error: &SalesforceError,
) -> ErrorRecord {
    let name = mapping.field_name(field);
    let value = json::value(slot);
    let personal = mapping
        .record
        .fields
        .get(field)
        .is_some_and(|field| field.pii);
    let refused = error.message.replace(&format!("{}: ", error.code), "");
    let message = match (personal, &value) {
        // Some messages of Salesforce quote the value.
        (true, Value::String(text)) => format!("{name}: {}", refused.replace(text.as_str(), "...")),
        (true, _) => format!("{name}: {refused}"),
        (false, value) => format!("{name} is {value}: {refused}"),
    };
    ErrorRecord {
        code: error.code.clone(),
        message,
        mapping_line: mapping.place(name),
        help: retry::help(&error.code).to_owned(),
        group: None,
    }
}
