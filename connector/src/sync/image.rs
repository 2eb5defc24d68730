//! A record of Salesforce's as both sides compare it.

use runtime::entity::{Entity, Kind};
use runtime::handler::{FieldError, Handler, RecordError};
use runtime::json;
use runtime::mapping::{Direction, MappingDescriptor};
use serde_json::{Map, Value};

use super::batch::{handler_of, without_npsp};

/// What was read of one record.
pub(crate) struct Image {
    pub(crate) record: Box<dyn Entity>,
    /// SystemModstamp, by Salesforce's clock.
    pub(crate) version_ms: i64,
    /// Fields that Ticketure cannot hold.
    pub(crate) errors: Vec<FieldError>,
}

/// The fields to ask for: what is mapped, the lock, the conditions, and the time.
pub(crate) fn select(mapping: &MappingDescriptor, npsp: bool) -> Vec<&'static str> {
    let mapped = mapping
        .record
        .fields
        .iter()
        .filter(|field| npsp || !field.needs_npsp)
        .filter_map(|field| field.path.first().copied());
    let conditions = mapping
        .when_record
        .iter()
        .filter(|condition| npsp || !condition.needs_npsp)
        .map(|condition| condition.field);
    let mut select: Vec<&'static str> = mapped.collect();
    for field in conditions
        .chain(mapping.lock)
        .chain(["Id", "SystemModstamp"])
    {
        if !select.contains(&field) {
            select.push(field);
        }
    }
    select
}

/// The record in the words of the mapping, normalised by the way there and back. A reference holds an id of
/// Salesforce's, which says nothing to the other side: it stays absent.
pub(crate) fn of(
    handlers: &[Box<dyn Handler>],
    mapping: &'static MappingDescriptor,
    found: &Map<String, Value>,
    npsp: bool,
) -> Result<Image, RecordError> {
    let text = serde_json::to_string(found).unwrap_or_default();
    read(handlers, mapping, &text, npsp)
}

/// The same of a record that was not read into a tree.
pub(crate) fn read(
    handlers: &[Box<dyn Handler>],
    mapping: &'static MappingDescriptor,
    text: &str,
    npsp: bool,
) -> Result<Image, RecordError> {
    let mut record = mapping.new_record();
    json::read(record.as_mut(), text.as_bytes())?;
    for (index, field) in mapping.record.fields.iter().enumerate() {
        if matches!(field.kind, Kind::Reference { .. }) {
            record.slot_mut(index).set_absent();
        }
    }
    without_npsp(record.as_mut(), npsp);
    let version_ms = version_of(text).unwrap_or_default();
    if mapping.direction == Direction::Forward {
        return Ok(Image {
            record,
            version_ms,
            errors: Vec::new(),
        });
    }
    let back = handler_of(handlers, mapping)?.back(mapping.name, record.as_ref())?;
    Ok(Image {
        record: back.image,
        version_ms,
        errors: back.errors,
    })
}

fn version_of(text: &str) -> Option<i64> {
    let found = json::find(text, &[&["SystemModstamp"]]).ok()?;
    let stamp = found.into_iter().next()??.get();
    runtime::clock::parse_ms(&serde_json::from_str::<String>(stamp).ok()?)
}
