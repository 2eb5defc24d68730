//! Pairs that lost one of their records to a merge. The survivor takes over the record on the other side. It wins where
//! that record has nothing newer than what the old pair agreed on.

use serde_json::{Value, json};

use super::state::{LinkState, read_record, record_json};
use crate::entity::Entity;
use crate::mapping::{MappingDescriptor, Side};

/// The values that the old pair agreed on.
pub struct Before {
    /// The side whose record is taken over.
    pub stays: Side,
    /// The values that both sides had. A field that the record has changed since is absent.
    pub fields: Box<dyn Entity>,
}

impl Before {
    /// Reads what [`LinkState::taken_over`] wrote.
    pub fn from_json(mapping: &'static MappingDescriptor, text: &str) -> Option<Self> {
        if LinkState::is_known(text) {
            return None;
        }
        let kept: Value = serde_json::from_str(text).ok()?;
        let before = kept.get("before")?;
        let stays = match before.get("stays")?.as_str()? {
            "ticketure" => Side::Source,
            _ => Side::Destination,
        };
        let mut fields = mapping.new_record();
        read_record(fields.as_mut(), before.get("fields")?);
        Some(Before { stays, fields })
    }
}

impl LinkState {
    /// Returns the text of a link whose record on the other side than `stays` is gone. It holds what was agreed on.
    pub fn taken_over(&self, stays: Side) -> String {
        let mut fields = self.mapping.new_record();
        for field in 0..self.mapping.record.fields.len() {
            if self.side(stays).changes.slot(field).is_absent() {
                fields.slot_mut(field).set(self.agreed.slot(field));
            }
        }
        let side = match stays {
            Side::Source => "ticketure",
            Side::Destination => "salesforce",
        };
        json!({ "before": { "stays": side, "fields": record_json(fields.as_ref()) } }).to_string()
    }

    /// Has the survivor win where the record that it took over still says what was agreed on. The time of our own write
    /// is no sign of an edit. Opt-outs win whoever has them.
    pub fn prefer_survivor(&mut self, before: &Before) {
        let stays = before.stays;
        for field in 0..self.mapping.record.fields.len() {
            let (here, there) = (self.side(stays), self.side(stays.other()));
            let change = here.changes.slot(field);
            let differ = !change.is_absent() && !there.changes.slot(field).is_absent();
            let agreed = before.fields.slot(field);
            let is_old = !agreed.is_absent() && change.equivalent(agreed);
            if differ && is_old && super::restrictive(self.mapping, field).is_none() {
                self.side_mut(stays).at_ms.insert(field, 0);
            }
        }
    }
}
