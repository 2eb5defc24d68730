//! Values that our writes to a side have replaced. A reading that began before a write shows one of these values, and comes
//! after it: that is nobody's edit.

use serde_json::{Value, json};

use super::observe::present_fields;
use super::plan::Clocks;
use super::state::{LinkState, SideState};
use crate::entity::{Entity, SlotRef};
use crate::json;
use crate::mapping::{MappingDescriptor, Side};

/// Longest time of a reading and its judgement.
const PAST_MS: i64 = 600_000;
/// Values of a pair that are kept at most.
const PAST_MAX: usize = 64;

/// A value of a field that a write of ours replaced.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Past {
    field: usize,
    value: Value,
    /// When the write was answered, by the side's clock: it may have stood there until then.
    until_ms: i64,
}

/// When a write was sent and answered, by the clock of the side that it went to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Call {
    pub sent_ms: i64,
    pub answered_ms: i64,
}

/// How a reading of a side relates to our own writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The reading shows something that we did not write, or nothing that we wrote over.
    Telling,
    /// The reading shows only what our writes have replaced. The record may have been changed back since the last of them.
    Unsure,
    /// As [`Reading::Unsure`], and it is older than our last write.
    Own,
}

impl LinkState {
    /// Compares a reading with everything that our writes have replaced.
    pub fn reading(
        &self,
        side: Side,
        image: &dyn Entity,
        version_ms: i64,
        clocks: &Clocks,
    ) -> Reading {
        let here = self.side(side);
        let doubt_ms = clocks.uncertainty_ms;
        let mut is_past = false;
        for field in present_fields(image) {
            let value = image.slot(field);
            let is_now = value.equivalent(self.agreed.slot(field))
                || value.equivalent(here.changes.slot(field))
                || value.equivalent(here.kept.slot(field));
            if is_now || (side == Side::Destination && !self.mapping.sync(field).both) {
                continue;
            }
            let replaced =
                |past: &&Past| past.field == field && version_ms <= past.until_ms + doubt_ms;
            let mut replaced = here.past.iter().filter(replaced);
            if !replaced.any(|past| is_value(value, &past.value)) {
                return Reading::Telling;
            }
            is_past = true;
        }
        match is_past {
            false => Reading::Telling,
            true if version_ms < here.sent_ms - doubt_ms => Reading::Own,
            true => Reading::Unsure,
        }
    }

    /// Returns whether a reading shows nothing new but a write of ours that is not known to have landed yet.
    pub fn shows_write(&self, side: Side, image: &dyn Entity, wrote: &dyn Entity) -> bool {
        let here = self.side(side);
        let mut shows = false;
        let is_ours = present_fields(image).all(|field| {
            let value = image.slot(field);
            let is_known = value.equivalent(self.agreed.slot(field))
                || value.equivalent(here.changes.slot(field))
                || value.equivalent(here.kept.slot(field))
                || !self.mapping.sync(field).both;
            shows |= !is_known;
            is_known || value.equivalent(wrote.slot(field))
        });
        shows && is_ours
    }

    /// Returns whether a reading is not clearly newer than our last write.
    pub fn is_near_write(&self, side: Side, version_ms: i64) -> bool {
        let here = self.side(side);
        version_ms <= here.sent_ms + Clocks::default().uncertainty_ms
    }

    /// Keeps what a write is about to replace.
    pub fn keep_past(&mut self, side: Side, fields: &dyn Entity, call: Call) {
        let replaced = present_fields(fields).map(|field| Past {
            field,
            value: json::value(self.has(side, field)),
            until_ms: call.answered_ms,
        });
        let replaced: Vec<Past> = replaced.collect();
        let here = self.side_mut(side);
        here.sent_ms = here.sent_ms.max(call.sent_ms);
        here.past
            .retain(|past| past.until_ms + PAST_MS > call.sent_ms);
        here.past.extend(replaced);
        let surplus = here.past.len().saturating_sub(PAST_MAX);
        here.past.drain(..surplus);
    }
}

/// Salesforce's blanks are all null.
fn is_value(slot: SlotRef<'_>, value: &Value) -> bool {
    let is_blank = matches!(value, Value::Null) || value.as_str() == Some("");
    json::value(slot) == *value || slot.is_blank() && is_blank
}

impl SideState {
    pub(super) fn past_json(&self, name: impl Fn(usize) -> String) -> Option<Value> {
        let past = self.past.iter();
        let past = past.map(|past| json!([name(past.field), past.value, past.until_ms]));
        let past: Vec<Value> = past.collect();
        (!past.is_empty()).then(|| json!({ "sent": self.sent_ms, "values": past }))
    }

    pub(super) fn read_past(&mut self, mapping: &MappingDescriptor, kept: &Value) {
        self.sent_ms = kept.get("sent").and_then(Value::as_i64).unwrap_or_default();
        let values = kept.get("values").and_then(Value::as_array);
        for entry in values.map(Vec::as_slice).unwrap_or_default() {
            let name = entry.get(0).and_then(Value::as_str).unwrap_or_default();
            if let Some(field) = mapping.record.field(name) {
                self.past.push(Past {
                    field,
                    value: entry.get(1).cloned().unwrap_or(Value::Null),
                    until_ms: entry.get(2).and_then(Value::as_i64).unwrap_or_default(),
                });
            }
        }
    }
}
