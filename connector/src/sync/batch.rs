//! Items to units: one record's items of a batch become one write.

use std::collections::{BTreeSet, HashMap};

use runtime::entity::{Entity, Kind, overlay};
use runtime::handler::{FieldError, Fitted, Handler, RecordError, fitted};
use runtime::json;
use runtime::mapping::{Condition, MappingDescriptor, Rule};
use runtime::merge::{opted_out, without_blanks};
use runtime::queue::{Failed, Item, NewItem, Outcome, SALESFORCE_CHANGED, Settlement, Word};
use serde_json::Value;

use super::{fields, outcome};
use crate::routing;
use crate::settings::Terms;

/// One record and the items that say what it is.
pub struct Unit {
    pub mapping: &'static MappingDescriptor,
    /// Empty while the record is known to Salesforce alone.
    pub source_id: String,
    /// Where a change in Salesforce is among the items, or a link leads.
    pub destination_id: Option<String>,
    /// In order of arrival; those of one direction share one outcome.
    pub items: Vec<Item>,
    /// What the rows of Ticketure say together: a later one over an earlier.
    pub record: Box<dyn Entity>,
    /// What each of them said, and when, by Ticketure's clock; a pair takes them in and lets them go.
    pub rows: Vec<(Box<dyn Entity>, i64)>,
    newest_ms: i64,
    /// The Salesforce record that Ticketure names.
    pub external_ref: Option<String>,
    /// What happened to the row itself.
    pub fate: Option<Fate>,
    /// Time of the latest row that says whether the record is there, by Ticketure's clock.
    pub fate_ms: i64,
    /// Consents that a row refused which says that the record was merged. A later row of it lifts nothing.
    pub refused: BTreeSet<usize>,
    /// Its record is what an earlier create says whose answer never came; the rows may say something newer.
    pub repeats: bool,
    /// The Salesforce ids of the records that it refers to, by mapping and source id.
    pub references: Vec<(&'static str, String, String)>,
    /// When a person said that it is none of the records that are there, by our clock.
    pub new_since_ms: Option<i64>,
    /// Records that a person keeps out of Salesforce: what it refers to stays blank there.
    pub left_out: BTreeSet<(&'static str, String)>,
    /// Errors of the fields that are left out, since the latest row's values do not fit.
    pub errors: Vec<FieldError>,
    /// Entries of the record in the error log.
    pub failed: Vec<Failed>,
    /// Causes of open problems that the latest row settles.
    pub right: Vec<String>,
}

/// A row that is no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Deleted,
    MergedInto(String),
}

impl Unit {
    fn new(mapping: &'static MappingDescriptor, source_id: String) -> Self {
        Unit {
            mapping,
            source_id,
            destination_id: None,
            items: Vec::new(),
            record: mapping.new_record(),
            rows: Vec::new(),
            newest_ms: 0,
            external_ref: None,
            fate: None,
            fate_ms: 0,
            refused: BTreeSet::new(),
            repeats: false,
            references: Vec::new(),
            new_since_ms: None,
            left_out: BTreeSet::new(),
            errors: Vec::new(),
            failed: Vec::new(),
            right: Vec::new(),
        }
    }

    /// Has Salesforce said something?
    pub fn goes_back(&self) -> bool {
        self.items
            .iter()
            .any(|item| item.payload_type == SALESFORCE_CHANGED)
    }

    /// Has Ticketure said something?
    pub fn goes_forward(&self) -> bool {
        self.items
            .iter()
            .any(|item| item.payload_type != SALESFORCE_CHANGED)
    }

    /// Stores what a row says of the record itself. A merge stays; of deletes and restores the latest counts.
    fn note_fate(&mut self, fate: Option<Fate>, at: i64, is_dated: bool) {
        let was_merged = matches!(self.fate, Some(Fate::MergedInto(_)));
        let is_latest = at > self.fate_ms || (fate.is_some() && at == self.fate_ms);
        match &fate {
            Some(Fate::MergedInto(_)) => {}
            Some(Fate::Deleted) if !was_merged && is_latest => {}
            None if !was_merged && is_latest && is_dated => {}
            Some(Fate::Deleted) | None => return,
        }
        (self.fate, self.fate_ms) = (fate, at);
    }

    /// Keeps the consents that a row refuses which says that its record was merged.
    pub(super) fn note_refused(&mut self, row: &dyn Entity) {
        self.refused.extend(opted_out(self.mapping, row));
    }

    /// When the latest row was changed, by Ticketure's clock.
    pub fn version_ms(&self) -> i64 {
        self.newest_ms
    }
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

/// The source ids of records of Salesforce's, by mapping and id.
pub(super) type Known = HashMap<(String, String), String>;

/// Groups the items of a batch. In a lane go together, in order, those of one mapping; what follows them there goes
/// back, uncharged, until they are done.
pub(super) fn gather(
    handlers: &[Box<dyn Handler>],
    items: Vec<Item>,
    known: &Known,
    terms: Terms<'_>,
) -> Batch {
    let mut batch = Batch::default();
    // For each lane the mapping whose items are open in it; `None` when the lane has to wait.
    let mut lanes: HashMap<String, Option<&'static str>> = HashMap::new();
    let mut units: HashMap<(&'static str, String), usize> = HashMap::new();
    for item in items {
        let Some(mapping) = mapping_of(handlers, &item) else {
            reroute(handlers, item, &mut batch);
            continue;
        };
        let back = item.payload_type == SALESFORCE_CHANGED;
        let source_id = match back {
            true => known
                .get(&(mapping.name.to_owned(), item.key.clone()))
                .cloned(),
            false => Some(item.key.clone()),
        };
        let key = source_id
            .clone()
            .unwrap_or_else(|| format!("sf:{}", item.key));
        let unit = units.get(&(mapping.name, key.clone())).copied();
        if lanes
            .get(&item.lane)
            .is_some_and(|open| *open != Some(mapping.name))
        {
            lanes.insert(item.lane.clone(), None);
            batch.settled.push(settlement(&item, give_back()));
            continue;
        }
        let said = match back {
            true => Ok(None),
            false => record(handlers, mapping, &item, terms).map(Some),
        };
        let said = match said {
            Ok(said) => said,
            Err(error) => {
                batch
                    .settled
                    .push(settlement(&item, outcome::unfit(mapping, &error)));
                continue;
            }
        };
        let index = unit.unwrap_or_else(|| {
            batch
                .units
                .push(Unit::new(mapping, source_id.unwrap_or_default()));
            batch.units.len() - 1
        });
        units.insert((mapping.name, key), index);
        lanes.insert(item.lane.clone(), Some(mapping.name));
        if let Some(unit) = batch.units.get_mut(index) {
            add(unit, item, said);
        }
    }
    batch
}

/// What a row says of itself, beside its fields.
const ABOUT_ITSELF: [&str; 4] = ["updated_at", "external_ref", "merged_into_id", "deleted"];

fn add(unit: &mut Unit, mut item: Item, said: Option<Fitted>) {
    match said {
        None => unit.destination_id = Some(item.key.clone()),
        Some(Fitted {
            record: said,
            errors,
        }) => {
            let row = json::members(&item.payload, &ABOUT_ITSELF);
            let at = version_of(&row).unwrap_or(item.received_at_ms);
            if at >= unit.version_ms() {
                overlay(unit.record.as_mut(), said.as_ref());
                unit.note_errors(said.as_ref(), errors);
            }
            unit.external_ref = json::text_at(&row, &["external_ref"]).or(unit.external_ref.take());
            let fate = fate_of(&row);
            if matches!(fate, Some(Fate::MergedInto(_))) {
                unit.note_refused(said.as_ref());
                // Earlier rows still hold for the fields that this row leaves out.
                unit.refused
                    .extend(opted_out(unit.mapping, unit.record.as_ref()));
            }
            unit.note_fate(fate, at, version_of(&row).is_some());
            unit.rows.push((said, at));
            unit.newest_ms = unit.newest_ms.max(at);
            // What it says is in the record; a batch waits for its calls with thousands of them in hand.
            item.payload = String::new();
        }
    }
    unit.items.push(item);
}

/// When Ticketure changed the row, by its own clock.
pub fn version_of(row: &Value) -> Option<i64> {
    runtime::clock::parse_ms(&json::text_at(row, &["updated_at"])?)
}

/// Whether the row is no more.
pub fn fate_of(row: &Value) -> Option<Fate> {
    match json::text_at(row, &["merged_into_id"]) {
        Some(id) => Some(Fate::MergedInto(id)),
        None => (row.get("deleted") == Some(&Value::Bool(true))).then_some(Fate::Deleted),
    }
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
    terms: Terms<'_>,
) -> Result<Fitted, RecordError> {
    let row = item.payload.as_bytes();
    let Some(other) = said_by(handlers, mapping, item) else {
        return to_record(handlers, mapping, row, terms);
    };
    let said = to_record(handlers, other, row, terms)?;
    Ok(Fitted {
        record: as_record_of(mapping, said.record.as_ref()),
        errors: said.errors,
    })
}

/// The mapping whose rows speak of this one's records, where another webhook than its own brought the item.
fn said_by(
    handlers: &[Box<dyn Handler>],
    mapping: &MappingDescriptor,
    item: &Item,
) -> Option<&'static MappingDescriptor> {
    if item.payload_type == mapping.payload_type {
        return None;
    }
    let by_type = handlers
        .iter()
        .find(|handler| handler.payload_type() == item.payload_type)?;
    let mut mappings = by_type.mappings().iter().copied();
    mappings.find(|other| other.rows_of == Some(mapping.name))
}

/// The same values in the fields of another record of the same object.
fn as_record_of(mapping: &MappingDescriptor, said: &dyn Entity) -> Box<dyn Entity> {
    let mut record = mapping.new_record();
    for (index, field) in said.descriptor().fields.iter().enumerate() {
        let mut fields = mapping.record.fields.iter();
        if let Some(place) = fields.position(|known| known.path == field.path) {
            record.slot_mut(place).set(said.slot(index));
        }
    }
    record
}

/// Makes the record of a row of Ticketure's, without the fields whose values do not fit.
pub fn to_record(
    handlers: &[Box<dyn Handler>],
    mapping: &'static MappingDescriptor,
    row: &[u8],
    terms: Terms<'_>,
) -> Result<Fitted, RecordError> {
    let handler = handler_of(handlers, mapping)?;
    let read = |row: &[u8]| handler.to_record(mapping.name, row);
    let mut fitted = match computes(mapping, terms) {
        true => {
            let (row, errors) = computed(mapping, row, terms)?;
            let mut fitted = fitted(mapping, &row, &read)?;
            fitted.errors.splice(..0, errors);
            fitted
        }
        false => fitted(mapping, row, &read)?,
    };
    without_npsp(fitted.record.as_mut(), terms.npsp);
    without_blanks(mapping, fitted.record.as_mut());
    fitted
        .errors
        .retain(|error| terms.npsp || !fields::needs_npsp(mapping, error));
    Ok(fitted)
}

/// Is anything made of other members? Not where all that is made hangs on settings that nobody set: then a row is read
/// as it came, which costs a part of the time.
fn computes(mapping: &MappingDescriptor, terms: Terms<'_>) -> bool {
    let is_off = |condition: &Condition| {
        let name = condition.path.first().copied().unwrap_or_default();
        name.starts_with('$') && !condition.is.holds(terms.settings.get(name))
    };
    mapping
        .computed
        .iter()
        .any(|computed| match &computed.rule {
            Rule::Cases(cases) => !cases.iter().all(|case| case.when.iter().any(is_off)),
            _ => true,
        })
}

fn computed(
    mapping: &MappingDescriptor,
    row: &[u8],
    terms: Terms<'_>,
) -> Result<(Vec<u8>, Vec<FieldError>), RecordError> {
    let Ok(Value::Object(mut members)) = serde_json::from_slice(row) else {
        // Reading it says what is wrong with it.
        return Ok((row.to_vec(), Vec::new()));
    };
    members.extend(terms.settings.clone());
    let mut row = Value::Object(members);
    let errors = runtime::row::compute(mapping, &mut row)
        .map_err(|error| RecordError::Refused(error.to_string()))?;
    Ok((row.to_string().into_bytes(), errors))
}

/// The handler that speaks for a mapping.
pub fn handler_of<'h>(
    handlers: &'h [Box<dyn Handler>],
    mapping: &MappingDescriptor,
) -> Result<&'h dyn Handler, RecordError> {
    handlers
        .iter()
        .find(|handler| handler.payload_type() == mapping.payload_type)
        .map(AsRef::as_ref)
        .ok_or_else(|| RecordError::UnknownMapping(mapping.name.to_owned()))
}

/// What exists only with NPSP is absent where it is not installed.
pub fn without_npsp(record: &mut dyn Entity, npsp: bool) {
    for (index, field) in record.descriptor().fields.iter().enumerate() {
        if field.needs_npsp && !npsp {
            record.slot_mut(index).set_absent();
        }
    }
}

/// An operator sent back an item that no mapping took; perhaps one does now.
fn reroute(handlers: &[Box<dyn Handler>], item: Item, batch: &mut Batch) {
    let items = routing::anew(handlers, &item.payload_type, &item.payload);
    // A payload of several rows goes on in pieces, also where some of them do not fit.
    let is_same = |new: &NewItem| {
        new.reason.is_some() && new.word != Word::Nothing && new.payload == item.payload
    };
    if !items.is_empty() && !items.iter().any(is_same) {
        let items = items.into_iter();
        batch.rerouted.extend(items.map(|new| NewItem {
            dedupe: None,
            ..new
        }));
        batch.settled.push(settlement(&item, Outcome::Done));
        return;
    }
    let refused = items.into_iter().next();
    let outcome = match refused.map(|refused| (refused.word, refused.mapping, refused.reason)) {
        Some((Word::Unknown { error, .. }, _, _)) => Outcome::Dead { error },
        Some((_, Some(_), Some(reason))) => outcome::still_unfit(reason),
        _ => outcome::unknown(&item),
    };
    batch.settled.push(settlement(&item, outcome));
}

pub(crate) fn give_back() -> Outcome {
    Outcome::Retry {
        due_ms: 0,
        error: "an earlier item of its lane comes first".to_owned(),
        charge: false,
    }
}

pub(crate) fn settlement(item: &Item, outcome: Outcome) -> Settlement {
    Settlement::new(item.id, item.attempt, outcome)
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
