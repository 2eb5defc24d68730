//! Fields that stay absent because their values do not fit: what an operator reads of them.

use std::collections::BTreeSet;

use runtime::handler::{FieldError, RecordError};
use runtime::mapping::MappingDescriptor;
use runtime::queue::ErrorRecord;

/// The code of a value that cannot become its field.
pub(crate) const CANNOT_CONVERT: &str = "cannot_convert";
/// Advice about one, while the rest is written.
const HELP: &str = "Correct the value in Ticketure, or the mapping at this line: the error closes when the value fits.";

/// Names what one act puts right: the member of the row, and its value where it may be said.
pub(crate) fn cause(error: &FieldError) -> String {
    format!(
        "field {} {}",
        error.member,
        error.value.as_deref().unwrap_or_default()
    )
}

/// The error of one field, without the record and the fields that it is about.
pub(crate) fn record(error: &FieldError) -> ErrorRecord {
    ErrorRecord {
        code: CANNOT_CONVERT.to_owned(),
        message: error.said(),
        mapping_line: Some(format!("{}:{}", error.file, error.line)),
        help: HELP.to_owned(),
        group: None,
    }
}

/// `; Birthdate is left out`.
pub(crate) fn left_out(fields: &BTreeSet<&str>) -> String {
    let all: Vec<&str> = fields.iter().copied().collect();
    match all.as_slice() {
        [one] => format!("; {one} is left out"),
        all => format!("; {} are left out", all.join(", ")),
    }
}

/// Why a row becomes no record, with the values that are to blame.
pub(crate) fn unfit(mapping: &MappingDescriptor, error: &RecordError) -> String {
    let RecordError::Fields(found) = error else {
        return error.to_string();
    };
    let demanded = |error: &&FieldError| {
        let index = mapping.record.field(error.destination);
        let field = index.and_then(|index| mapping.record.fields.get(index));
        field.is_none_or(|field| field.demanded)
    };
    let each = found.errors.iter().filter(demanded);
    let each = each.map(|error| {
        format!(
            "{} has to be there, and {}",
            error.destination,
            error.said()
        )
    });
    each.collect::<Vec<_>>().join("; ")
}

/// Is the error about a field that exists only with NPSP?
pub(crate) fn needs_npsp(mapping: &MappingDescriptor, error: &FieldError) -> bool {
    let index = mapping.record.field(error.destination);
    let field = index.and_then(|index| mapping.record.fields.get(index));
    field.is_some_and(|field| field.needs_npsp)
}
