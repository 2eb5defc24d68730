//! What two-way sync needs to know of a mapping: conditions, gates and who wins.

use super::Row;
use crate::ir;
use crate::model::{self, Conflict, Direction};

pub fn conditions(mapping: &model::Mapping) -> Vec<ir::RecordCondition> {
    mapping
        .when_destination
        .iter()
        .map(|condition| ir::RecordCondition {
            field: condition.field.schema.name.clone(),
            negated: condition.negated,
            equals: condition.value.value.clone(),
            needs_npsp: condition.field.schema.needs_npsp,
        })
        .collect()
}

/// One entry a record field, in the record's order. The key goes nowhere by itself.
pub fn fields(mapping: &model::Mapping, rows: &[Row]) -> Vec<ir::FieldSync> {
    rows.iter()
        .map(|row| {
            let field = mapping
                .fields
                .iter()
                .find(|field| row.field.path == [field.destination.schema.name.clone()]);
            match field {
                Some(field) => of_field(mapping, field),
                None => ir::FieldSync {
                    both: false,
                    monitored: false,
                    required: false,
                    conflict: ir::Conflict::Source,
                },
            }
        })
        .collect()
}

/// The payload's fields that get a value on the way back, by index.
pub fn goes_back<'r>(
    rows: &'r [Row],
    sync: &'r [ir::FieldSync],
) -> impl Iterator<Item = usize> + 'r {
    rows.iter()
        .zip(sync)
        .filter_map(|(row, sync)| match &row.value {
            ir::Value::Payload { index, .. } if sync.both => Some(*index),
            _ => None,
        })
}

fn of_field(mapping: &model::Mapping, field: &model::Field) -> ir::FieldSync {
    ir::FieldSync {
        both: field.direction(mapping.direction) == Direction::Both,
        monitored: field.monitored,
        required: field.required,
        conflict: conflict(mapping, field),
    }
}

/// The field's own word, else `restrictive` for a consent, else the mapping's.
fn conflict(mapping: &model::Mapping, field: &model::Field) -> ir::Conflict {
    let restrictive = field.restrictive_value();
    let policy = match (&field.conflict, restrictive) {
        (Some(written), _) => written.value,
        (None, Some(_)) => Conflict::Restrictive,
        (None, None) => mapping.policies.conflict,
    };
    match policy {
        Conflict::Source => ir::Conflict::Source,
        Conflict::Destination => ir::Conflict::Destination,
        Conflict::Newest => ir::Conflict::Newest,
        Conflict::Review => ir::Conflict::Review,
        // A mapping may say it of all its fields: those that are no consent go by time.
        Conflict::Restrictive => {
            restrictive.map_or(ir::Conflict::Newest, ir::Conflict::Restrictive)
        }
    }
}
