//! Items to units: one record's items of a batch become one write.

use std::collections::HashMap;

use runtime::entity::{Entity, Kind, overlay};
use runtime::handler::Handler;
use runtime::json;
use runtime::mapping::MappingDescriptor;
use runtime::queue::{Item, NewItem, Outcome, Settlement};

use super::outcome;
use crate::routing;

/// One record and the items that say what it is.
pub struct Unit {
    pub mapping: &'static MappingDescriptor,
    pub source_id: String,
    /// In order of arrival; they share one outcome.
    pub items: Vec<Item>,
    /// What they say together: a later one over an earlier.
    pub record: Box<dyn Entity>,
    /// The Salesforce ids of the records that it refers to, by mapping and source id.
    pub references: Vec<(&'static str, String, String)>,
}

/// A claimed batch, taken apart.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) units: Vec<Unit>,
    /// What is decided already.
    pub(super) settled: Vec<Settlement>,
    /// Items that had no mapping when they came and have one now.
    pub(super) rerouted: Vec<NewItem>,
}

/// Groups the items of a batch. In a lane only neighbours that are about one record go together; what follows
/// goes back, uncharged, until they are done.
pub(super) fn gather(handlers: &[Box<dyn Handler>], items: Vec<Item>, npsp: bool) -> Batch {
    let mut batch = Batch::default();
    // For each lane the unit that is open in it; `None` when the lane has to wait.
    let mut lanes: HashMap<String, Option<usize>> = HashMap::new();
    for item in items {
        let Some(mapping) = mapping_of(handlers, &item) else {
            reroute(handlers, item, &mut batch);
            continue;
        };
        let open = lanes.get(&item.lane).copied();
        let same = open.flatten().is_some_and(|index| {
            batch
                .units
                .get(index)
                .is_some_and(|unit| unit.mapping.name == mapping.name && unit.source_id == item.key)
        });
        if open.is_some() && !same {
            lanes.insert(item.lane.clone(), None);
            batch.settled.push(settlement(&item, give_back()));
            continue;
        }
        match record(handlers, mapping, &item, npsp) {
            Err(error) => batch
                .settled
                .push(settlement(&item, outcome::unfit(mapping, &error))),
            Ok(record) => match open.flatten().and_then(|index| batch.units.get_mut(index)) {
                Some(unit) => {
                    overlay(unit.record.as_mut(), record.as_ref());
                    unit.items.push(item);
                }
                None => {
                    lanes.insert(item.lane.clone(), Some(batch.units.len()));
                    batch.units.push(Unit {
                        mapping,
                        source_id: item.key.clone(),
                        items: vec![item],
                        record,
                        references: Vec::new(),
                    });
                }
            },
        }
    }
    batch
}

fn mapping_of(handlers: &[Box<dyn Handler>], item: &Item) -> Option<&'static MappingDescriptor> {
    let name = item.mapping.as_deref()?;
    handlers
        .iter()
        .flat_map(|handler| handler.mappings())
        .copied()
        .find(|mapping| mapping.name == name)
}

fn record(
    handlers: &[Box<dyn Handler>],
    mapping: &'static MappingDescriptor,
    item: &Item,
    npsp: bool,
) -> Result<Box<dyn Entity>, runtime::handler::RecordError> {
    let handler = handlers
        .iter()
        .find(|handler| handler.payload_type() == mapping.payload_type);
    let unknown = || runtime::handler::RecordError::UnknownMapping(mapping.name.to_owned());
    let mut record = handler
        .ok_or_else(unknown)?
        .to_record(mapping.name, item.payload.as_bytes())?;
    for (index, field) in mapping.record.fields.iter().enumerate() {
        if field.needs_npsp && !npsp {
            record.slot_mut(index).set_absent();
        }
    }
    Ok(record)
}

/// An operator sent back an item that no mapping took; perhaps one does now.
fn reroute(handlers: &[Box<dyn Handler>], item: Item, batch: &mut Batch) {
    let row: Option<serde_json::Value> = serde_json::from_str(&item.payload).ok();
    let by_row = row.as_ref().and_then(|row| {
        let mapping = routing::mapping_of(handlers, &item.payload_type, row)?;
        let (key, lane) = (
            json::text_at(row, mapping.key)?,
            json::text_at(row, mapping.lane)?,
        );
        Some(vec![NewItem {
            mapping: Some(mapping.name.to_owned()),
            payload_type: item.payload_type.clone(),
            lane,
            key,
            payload: item.payload.clone(),
            ..NewItem::default()
        }])
    });
    let whole = || {
        routing::route(handlers, item.payload.as_bytes())
            .ok()
            .filter(|items| items.iter().all(|new| new.reason.is_none()))
    };
    match by_row.or_else(whole) {
        Some(items) => {
            batch.rerouted.extend(items.into_iter().map(|new| NewItem {
                dedupe: None,
                ..new
            }));
            batch.settled.push(settlement(&item, Outcome::Done));
        }
        None => batch
            .settled
            .push(settlement(&item, outcome::unknown(&item))),
    }
}

pub(super) fn give_back() -> Outcome {
    Outcome::Retry {
        due_ms: 0,
        error: "an earlier item of its lane comes first".to_owned(),
        charge: false,
    }
}

pub(super) fn settlement(item: &Item, outcome: Outcome) -> Settlement {
    Settlement {
        id: item.id,
        attempt: item.attempt,
        outcome,
        link: None,
    }
}

/// The record that a link's base describes; blank when it cannot be read, so that all is written again.
pub(super) fn base(mapping: &MappingDescriptor, text: &str) -> Box<dyn Entity> {
    let mut base = (mapping.new_record)();
    if json::read(base.as_mut(), text.as_bytes()).is_err() {
        base = (mapping.new_record)();
    }
    base
}

/// Mappings after those that they refer to.
pub(super) fn in_order(handlers: &[Box<dyn Handler>]) -> Vec<&'static MappingDescriptor> {
    let mut left: Vec<&'static MappingDescriptor> = handlers
        .iter()
        .flat_map(|handler| handler.mappings())
        .copied()
        .collect();
    let mut order: Vec<&'static MappingDescriptor> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waits = |mapping: &MappingDescriptor, left: &[&MappingDescriptor]| {
            mapping.record.fields.iter().any(|field| match field.kind {
                Kind::Reference { mapping: parent } => {
                    parent != mapping.name && left.iter().any(|other| other.name == parent)
                }
                _ => false,
            })
        };
        // The compiler refuses circles; if there were one, any order would do.
        let next = left
            .iter()
            .position(|mapping| !waits(mapping, &left))
            .unwrap_or(0);
        order.push(left.remove(next));
    }
    order
}
