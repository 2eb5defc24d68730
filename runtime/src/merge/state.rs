//! What is kept of a pair, and its form as JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::past::Past;
use super::plan::Clocks;
use super::sent::Sent;
use super::went_under::{Overwrote, Stood};
use crate::change::{Mask, present};
use crate::entity::{Entity, SlotRef, copied, overlay};
use crate::json;
use crate::mapping::{MappingDescriptor, Side};

/// One pair. All records are in the words of the destination.
pub struct LinkState {
    pub(super) mapping: &'static MappingDescriptor,
    /// What both sides are known to have had.
    pub agreed: Box<dyn Entity>,
    pub source: SideState,
    pub destination: SideState,
    /// Fields that nobody decides until one side says something new, with both values then.
    pub(super) held: BTreeMap<usize, (Value, Value)>,
    /// Consents that a record of the same person had refused when it was merged into this pair; not kept.
    pub(super) owed: BTreeSet<usize>,
    /// What somebody typed and a late write of ours went over, for the conflict log; not kept.
    pub(super) told: Vec<super::Decision>,
}

/// What could not be looked at yet.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unlooked {
    /// The other side of a change that was taken back: it counts against a change there. Else it is forgotten.
    pub taken_back: bool,
    /// Whether a write has been carried out: as of when the side was known before it counts on.
    pub begun: bool,
}

/// What is known of one side.
pub struct SideState {
    /// The side's own time of what was last seen, in milliseconds since 1970; 0 is nothing yet.
    pub version_ms: i64,
    /// Only the fields that differ from what was agreed.
    pub changes: Box<dyn Entity>,
    /// When each of them was first seen so, by the side's own clock.
    pub at_ms: BTreeMap<usize, i64>,
    /// Fields in which a write of ours came late, over something newer: they are to be written again.
    pub(super) restore: BTreeMap<usize, Value>,
    /// Writes that may still arrive, although nobody waits for them.
    pub(super) late: Vec<Late>,
    /// What was last written.
    pub(super) sent: BTreeMap<usize, Sent>,
    /// What our writes to Salesforce stand over that were seen to have stayed a while ago.
    pub(super) stood: BTreeMap<usize, Stood>,
    /// The version as it was kept last, and before any write that is still to be read back.
    pub(super) known_ms: i64,
    /// The version as it was known before the other side's change that waits to be written here was first looked at:
    /// rows of the time since may still come.
    pub(super) heard_ms: i64,
    /// What the last write of ours stood over.
    pub(super) overwrote: Option<Overwrote>,
    /// Values that the org made of ours, and keeps.
    pub(super) kept: Box<dyn Entity>,
    /// Values that our latest writes replaced.
    pub(super) past: Vec<Past>,
    /// When the last of them was sent, by the side's own clock.
    pub(super) sent_ms: i64,
}

pub(super) struct Late {
    /// By our clock.
    pub(super) until_ms: i64,
    /// As of when the side was known when it was given up, by the side's own clock.
    pub(super) since_ms: i64,
    pub(super) fields: Box<dyn Entity>,
}

impl SideState {
    fn new(mapping: &MappingDescriptor) -> Self {
        SideState {
            version_ms: 0,
            changes: mapping.new_record(),
            at_ms: BTreeMap::new(),
            restore: BTreeMap::new(),
            late: Vec::new(),
            sent: BTreeMap::new(),
            stood: BTreeMap::new(),
            known_ms: 0,
            heard_ms: 0,
            overwrote: None,
            kept: mapping.new_record(),
            past: Vec::new(),
            sent_ms: 0,
        }
    }

    pub(super) fn clear(&mut self, field: usize) {
        self.changes.slot_mut(field).set_absent();
        self.at_ms.remove(&field);
        self.restore.remove(&field);
    }
}

impl LinkState {
    /// A pair of which nothing is known.
    pub fn new(mapping: &'static MappingDescriptor) -> Self {
        LinkState {
            mapping,
            agreed: mapping.new_record(),
            source: SideState::new(mapping),
            destination: SideState::new(mapping),
            held: BTreeMap::new(),
            owed: BTreeSet::new(),
            told: Vec::new(),
        }
    }

    /// A pair whose destination was just made from this record of the source.
    pub fn created(
        mapping: &'static MappingDescriptor,
        record: &dyn Entity,
        source_version_ms: i64,
    ) -> Self {
        let mut state = LinkState::new(mapping);
        overlay(state.agreed.as_mut(), record);
        state.source.version_ms = source_version_ms;
        state.source.known_ms = source_version_ms;
        state.source.heard_ms = source_version_ms;
        state
    }

    pub fn side(&self, side: Side) -> &SideState {
        match side {
            Side::Source => &self.source,
            Side::Destination => &self.destination,
        }
    }

    pub fn side_mut(&mut self, side: Side) -> &mut SideState {
        match side {
            Side::Source => &mut self.source,
            Side::Destination => &mut self.destination,
        }
    }

    /// What a side has in one field, as far as it is known.
    pub(super) fn has(&self, side: Side, field: usize) -> SlotRef<'_> {
        let change = self.side(side).changes.slot(field);
        match change.is_absent() {
            true => self.agreed.slot(field),
            false => change,
        }
    }

    /// What was agreed on, and one side.
    pub(super) fn agreed_and(&mut self, side: Side) -> (&dyn Entity, &mut SideState) {
        let here = match side {
            Side::Source => &mut self.source,
            Side::Destination => &mut self.destination,
        };
        (self.agreed.as_ref(), here)
    }

    /// What a side has, as far as it is known.
    pub fn current(&self, side: Side) -> Box<dyn Entity> {
        let mut record = copied(self.agreed.as_ref());
        overlay(record.as_mut(), self.side(side).changes.as_ref());
        record
    }

    /// What was agreed, and what each side has: field by field, as JSON.
    pub fn shown(&self) -> Vec<(&'static str, Value, Value, Value)> {
        (0..self.mapping.record.fields.len())
            .map(|field| {
                (
                    self.mapping.field_name(field),
                    json::value(self.agreed.slot(field)),
                    json::value(self.has(Side::Source, field)),
                    json::value(self.has(Side::Destination, field)),
                )
            })
            .collect()
    }

    /// What somebody typed and a write of ours went over, as far as it was seen in this batch.
    pub fn told(&self) -> &[super::Decision] {
        &self.told
    }

    /// Nothing waits to be written.
    pub fn is_settled(&self) -> bool {
        present(self.source.changes.as_ref()).is_empty()
            && present(self.destination.changes.as_ref()).is_empty()
    }

    /// Does it say something else of either side? What was only seen does not count.
    pub fn differs_from(&self, other: &LinkState) -> bool {
        [Side::Source, Side::Destination].into_iter().any(|side| {
            record_json(self.side(side).changes.as_ref())
                != record_json(other.side(side).changes.as_ref())
                || self.side(side).restore != other.side(side).restore
        })
    }

    /// As it is kept with the link, when everything was looked at that was to be looked at.
    pub fn to_json(&self) -> String {
        self.json(Unlooked::default())
    }

    /// As it is kept with the link. What was agreed is most of it, and goes straight to text.
    pub fn json(&self, unlooked: Unlooked) -> String {
        let agreed = self.agreed.as_ref();
        let mut text = String::with_capacity(512);
        text += "{\"agreed\":";
        text += &json::write(agreed, &present(agreed), &json::as_source_id)
            .unwrap_or_else(|_| "{}".to_owned());
        for (name, side) in [("source", Side::Source), ("destination", Side::Destination)] {
            text += &format!(",\"{name}\":{}", self.side_json(side, unlooked));
        }
        if !self.held.is_empty() {
            let held = self.held.iter().map(|(field, (source, destination))| {
                (self.name(*field), json!([source, destination]))
            });
            text += &format!(",\"held\":{}", Value::Object(held.collect()));
        }
        text.push('}');
        text
    }

    /// Has the side taken back a change of its own? Whether that counts depends on what the other side has.
    pub fn has_taken_back(&self, side: Side) -> bool {
        (0..self.mapping.record.fields.len()).any(|field| self.is_taken_back(side, field))
    }

    /// Has the side taken back a change of its own so late that the other side, as of `asked_ms`, does not tell whether
    /// that counts? All times are ours.
    pub fn has_taken_back_since(&self, side: Side, asked_ms: i64, clocks: &Clocks) -> bool {
        let offset_ms = clocks.offset_ms(side);
        let at_ms = &self.side(side).at_ms;
        at_ms.iter().any(|(field, at)| {
            let late = at - offset_ms + clocks.uncertainty_ms > asked_ms;
            late && self.is_taken_back(side, *field)
        })
    }

    /// Was the side's change of a field taken back, with none of the other side for it to count against?
    pub(super) fn is_taken_back(&self, side: Side, field: usize) -> bool {
        let change = self.side(side).changes.slot(field);
        !change.is_absent()
            && change.equivalent(self.agreed.slot(field))
            && self.side(side.other()).changes.slot(field).is_absent()
    }

    fn side_json(&self, which: Side, unlooked: Unlooked) -> Value {
        let side = self.side(which);
        let mut root = Map::new();
        root.insert("version".to_owned(), Value::from(side.version_ms));
        if unlooked.begun && side.known_ms != side.version_ms {
            root.insert("known".to_owned(), Value::from(side.known_ms));
        }
        let waits = !present(self.side(which.other()).changes.as_ref()).is_empty();
        if waits && side.heard_ms != side.version_ms {
            root.insert("heard".to_owned(), Value::from(side.heard_ms));
        }
        let mut counts = present(side.changes.as_ref());
        for field in 0..self.mapping.record.fields.len() {
            if !unlooked.taken_back && self.is_taken_back(which, field) {
                counts.clear(field);
            }
        }
        let changes = masked_json(side.changes.as_ref(), &counts);
        if !is_empty(&changes) {
            root.insert("changes".to_owned(), changes);
            let at = side
                .at_ms
                .iter()
                .filter(|(field, _)| counts.contains(**field))
                .map(|(field, at)| (self.name(*field), Value::from(*at)));
            root.insert("at".to_owned(), Value::Object(at.collect()));
        }
        if !side.late.is_empty() {
            let late = side.late.iter().map(|late| {
                let fields = record_json(late.fields.as_ref());
                json!({ "until": late.until_ms, "since": late.since_ms, "fields": fields })
            });
            root.insert("late".to_owned(), Value::Array(late.collect()));
        }
        let sent: Map<String, Value> = side
            .sent
            .iter()
            .map(|(field, sent)| (self.name(*field), sent.to_json()))
            .collect();
        if !sent.is_empty() {
            root.insert("sent".to_owned(), Value::Object(sent));
        }
        if !side.stood.is_empty() {
            let stood = side.stood.iter();
            let stood = stood.map(|(field, stood)| (self.name(*field), stood.to_json()));
            root.insert("stood".to_owned(), Value::Object(stood.collect()));
        }
        if let Some(overwrote) = &side.overwrote {
            root.insert("overwrote".to_owned(), overwrote.to_json());
        }
        if let Some(past) = side.past_json(|field| self.name(field)) {
            root.insert("past".to_owned(), past);
        }
        let kept = record_json(side.kept.as_ref());
        if !is_empty(&kept) {
            root.insert("kept".to_owned(), kept);
        }
        Value::Object(root)
    }

    fn name(&self, field: usize) -> String {
        self.mapping.field_name(field).to_owned()
    }

    /// Was anything agreed, by a text that was kept? Of a link that was only looked up nothing is known.
    pub fn is_known(kept: &str) -> bool {
        kept.contains("\"agreed\":")
    }

    /// As it was kept; what the mapping no longer has is left out.
    pub fn from_json(mapping: &'static MappingDescriptor, text: &str) -> Self {
        let mut state = LinkState::new(mapping);
        let kept = json::find(
            text,
            &[&["agreed"], &["source"], &["destination"], &["held"]],
        );
        let kept: [Option<&RawValue>; 4] = kept
            .ok()
            .and_then(|kept| kept.try_into().ok())
            .unwrap_or_default();
        let [Some(agreed), source, destination, held] = kept else {
            // A link that was only looked up: nothing is known of it.
            return state;
        };
        // What no longer fits the mapping stays absent.
        let _ = json::read(state.agreed.as_mut(), agreed.get().as_bytes());
        let tree =
            |raw: Option<&RawValue>| -> Option<Value> { serde_json::from_str(raw?.get()).ok() };
        for (side, raw) in [(Side::Source, source), (Side::Destination, destination)] {
            if let Some(kept) = tree(raw) {
                read_side(mapping, state.side_mut(side), &kept);
            }
        }
        for (name, pair) in members(tree(held).as_ref()) {
            let value = |index: usize| pair.get(index).cloned().unwrap_or(Value::Null);
            if let Some(field) = mapping.record.field(name) {
                state.held.insert(field, (value(0), value(1)));
            }
        }
        state
    }
}

fn read_side(mapping: &'static MappingDescriptor, side: &mut SideState, kept: &Value) {
    side.version_ms = kept
        .get("version")
        .and_then(Value::as_i64)
        .unwrap_or_default();
    let known = kept.get("known").and_then(Value::as_i64);
    side.known_ms = known.unwrap_or(side.version_ms);
    let heard = kept.get("heard").and_then(Value::as_i64);
    side.heard_ms = heard.unwrap_or(side.known_ms);
    if let Some(changes) = kept.get("changes") {
        read_record(side.changes.as_mut(), changes);
    }
    for (name, at) in members(kept.get("at")) {
        if let (Some(field), Some(at)) = (mapping.record.field(name), at.as_i64()) {
            side.at_ms.insert(field, at);
        }
    }
    let late = kept.get("late").and_then(Value::as_array);
    for entry in late.map(Vec::as_slice).unwrap_or_default() {
        let mut fields = mapping.new_record();
        if let Some(values) = entry.get("fields") {
            read_record(fields.as_mut(), values);
        }
        let time = |name: &str| entry.get(name).and_then(Value::as_i64).unwrap_or_default();
        side.late.push(Late {
            until_ms: time("until"),
            since_ms: time("since"),
            fields,
        });
    }
    for (name, entry) in members(kept.get("sent")) {
        if let Some(field) = mapping.record.field(name) {
            side.sent.insert(field, Sent::from_json(entry));
        }
    }
    for (name, entry) in members(kept.get("stood")) {
        if let Some(field) = mapping.record.field(name) {
            side.stood.insert(field, Stood::from_json(entry));
        }
    }
    let overwrote = kept.get("overwrote");
    side.overwrote = overwrote.map(|kept| Overwrote::from_json(mapping, kept));
    if let Some(past) = kept.get("past") {
        side.read_past(mapping, past);
    }
    if let Some(values) = kept.get("kept") {
        read_record(side.kept.as_mut(), values);
    }
}

fn members(value: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    let object = value.and_then(Value::as_object);
    object
        .into_iter()
        .flat_map(|members| members.iter().map(|(name, value)| (name.as_str(), value)))
}

pub(super) fn read_record(record: &mut dyn Entity, value: &Value) {
    // What no longer fits the mapping stays absent.
    let _ = json::read(record, value.to_string().as_bytes());
}

/// The fields of a record that are not absent; references by source id.
pub(super) fn record_json(record: &dyn Entity) -> Value {
    masked_json(record, &present(record))
}

fn masked_json(record: &dyn Entity, mask: &Mask) -> Value {
    let fields = record.descriptor().fields.iter().enumerate();
    let members = fields.filter_map(|(index, field)| {
        let slot = record.slot(index);
        let says = mask.contains(index) && !slot.is_absent();
        let name = field.path.last().filter(|_| says)?;
        Some(((*name).to_owned(), json::value(slot)))
    });
    Value::Object(members.collect())
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_none_or(Map::is_empty)
}
