//! Error texts of fields that are left out, since their values do not fit.

use std::collections::BTreeSet;

use runtime::handler::{FieldError, RecordError};
use runtime::mapping::MappingDescriptor;
use runtime::queue::ErrorRecord;

/// Code of the error for a value that does not fit its field.
pub(crate) const CANNOT_CONVERT: &str = "cannot_convert";
/// Help for such a value, while the rest of the record is written.
const HELP: &str = "Correct the value in Ticketure, or the mapping at this line: the error closes when the value fits.";

/// Beginning of the causes of values that do not fit.
pub(crate) const FIELD: &str = "field ";

/// The cause of a field's problem: the member of the row and, unless it is personal data, the value.
pub(crate) fn cause(error: &FieldError) -> String {
    format!(
        "{FIELD}{} {}",
        error.member,
        error.value.as_deref().unwrap_or_default()
    )
}

/// The cause of a row that makes no record: that of the first demanded field.
pub(crate) fn cause_of_unfit(mapping: &MappingDescriptor, error: &RecordError) -> Option<String> {
    let RecordError::Fields(found) = error else {
        return None;
    };
    let mut fields = found.errors.iter();
    fields.find(|error| is_demanded(mapping, error)).map(cause)
}

fn is_demanded(mapping: &MappingDescriptor, error: &FieldError) -> bool {
    let index = mapping.record.field(error.destination);
    let field = index.and_then(|index| mapping.record.fields.get(index));
    field.is_none_or(|field| field.demanded)
}

/// The error of one field. Its message names neither the record nor the fields that are left out.
pub(crate) fn record(error: &FieldError) -> ErrorRecord {
    ErrorRecord {
        code: CANNOT_CONVERT.to_owned(),
        message: error.said(),
        mapping_line: Some(format!("{}:{}", error.file, error.line)),
        help: HELP.to_owned(),
        group: None,
    }
}

/// Formats the fields as `; Birthdate is left out`.
pub(crate) fn left_out(fields: &BTreeSet<&str>) -> String {
    let all: Vec<&str> = fields.iter().copied().collect();
    match all.as_slice() {
        [one] => format!("; {one} is left out"),
        all => format!("; {} are left out", all.join(", ")),
    }
}

/// The reason that a row makes no record: the demanded fields, with their values.
pub(crate) fn unfit(mapping: &MappingDescriptor, error: &RecordError) -> String {
    let RecordError::Fields(found) = error else {
        return error.to_string();
    };
    let each = found.errors.iter();
    let each = each.filter(|error| is_demanded(mapping, error));
    let each = each.map(|error| {
        format!(
            "{} has to be there, and {}",
            error.destination,
            error.said()
        )
    });
    each.collect::<Vec<_>>().join("; ")
}

/// Returns whether the error's field exists only with NPSP.
pub(crate) fn needs_npsp(mapping: &MappingDescriptor, error: &FieldError) -> bool {
    let index = mapping.record.field(error.destination);
    let field = index.and_then(|index| mapping.record.fields.get(index));
    field.is_some_and(|field| field.needs_npsp)
}
