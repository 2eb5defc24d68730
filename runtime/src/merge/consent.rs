//! Consents: fields whose restrictive value, an opt-out, always reaches the other side. Nobody is opted in by silence.
//!
//! Ticketure's consent has three states: yes, no, and blank, which is no word. Salesforce's check box has two. Blank
//! and yes both permit, and so does an empty check box. An empty check box never becomes a yes: it becomes a blank.

use std::collections::BTreeSet;

use super::plan::{Decision, Plan, Why};
use super::state::LinkState;
use crate::entity::{Entity, Slot, SlotMut, SlotRef};
use crate::json;
use crate::mapping::{Conflict, MappingDescriptor, Side};

/// Returns the value of a consent field that permits less. `None` is for a field that is no consent.
pub fn restrictive(mapping: &MappingDescriptor, field: usize) -> Option<bool> {
    match mapping.sync(field).conflict {
        Conflict::Restrictive(value) if mapping.sync(field).both => Some(value),
        _ => None,
    }
}

/// Returns the consent fields of a mapping.
pub fn consents(mapping: &MappingDescriptor) -> impl Iterator<Item = (usize, bool)> + '_ {
    let fields = 0..mapping.record.fields.len();
    fields.filter_map(|field| Some((field, restrictive(mapping, field)?)))
}

/// Returns the consent fields in which the record is opted out.
pub fn opted_out(mapping: &MappingDescriptor, record: &dyn Entity) -> Vec<usize> {
    let fields = consents(mapping);
    fields
        .filter(|(field, value)| is(record.slot(*field), *value))
        .map(|(field, _)| field)
        .collect()
}

/// Returns the check boxes whose tick refuses. An empty one is no word of the person's.
pub fn refusals(mapping: &MappingDescriptor) -> impl Iterator<Item = usize> + '_ {
    let ticked = consents(mapping).filter(|(_, refuses)| *refuses);
    ticked.map(|(field, _)| field)
}

/// Replaces blank consents of a record from the source by an empty check box, which is all that Salesforce can hold.
pub fn without_blanks(mapping: &MappingDescriptor, record: &mut dyn Entity) {
    for field in refusals(mapping) {
        let slot = record.slot(field);
        if slot.is_blank() && !slot.is_absent() {
            set(record, field, false);
        }
    }
}

/// Returns whether a consent has this value.
pub(super) fn is(slot: SlotRef<'_>, value: bool) -> bool {
    matches!(slot, SlotRef::Boolean(slot) if slot.value() == Some(&value))
}

fn set(record: &mut dyn Entity, field: usize, value: bool) {
    if let SlotMut::Boolean(slot) = record.slot_mut(field) {
        *slot = Slot::Value(value);
    }
}

impl LinkState {
    /// Plans an opt-out of both sides: a record of the same person, which was merged into this pair, had it.
    pub fn owe_opt_out(&mut self, field: usize) {
        if restrictive(self.mapping, field).is_some() {
            self.owed.insert(field);
        }
    }

    /// Returns the opt-outs that both sides have.
    pub fn opted_out_on_both(&self) -> BTreeSet<usize> {
        let has = |side: Side, field: usize, value: bool| is(self.has(side, field), value);
        let fields = consents(self.mapping);
        fields
            .filter(|(field, value)| {
                has(Side::Source, *field, *value) && has(Side::Destination, *field, *value)
            })
            .map(|(field, _)| field)
            .collect()
    }

    /// Plans the opt-out of a merged record on each side that lacks it. Returns whether the field is settled by that.
    pub(super) fn plan_owed(&self, plan: &mut Plan, field: usize) -> bool {
        let value = restrictive(self.mapping, field).filter(|_| self.owed.contains(&field));
        let Some(value) = value else {
            return false;
        };
        for side in [Side::Source, Side::Destination] {
            let there = self.has(side, field);
            if is(there, value) {
                continue;
            }
            let target = match side {
                Side::Source => plan.to_source.as_mut(),
                Side::Destination => plan.to_destination.as_mut(),
            };
            set(target, field, value);
            plan.decisions.push(Decision {
                field,
                winner: Some(side.other()),
                why: Why::Merged,
                value: value.into(),
                loser: Some(json::value(there)),
                loser_at_ms: 0,
            });
        }
        true
    }

    /// Returns whether a value that goes back is an opt-out, which no gate holds.
    pub(super) fn is_opt_out(&self, record: &dyn Entity, field: usize) -> bool {
        restrictive(self.mapping, field).is_some_and(|value| is(record.slot(field), value))
    }

    /// Returns whether the source's value is a yes where nothing is agreed, and the destination opts out: it loses, and the
    /// conflict log has to say so.
    pub(super) fn is_yes_against_opt_out(&self, field: usize, value: SlotRef<'_>) -> bool {
        let against = self.side(Side::Destination).changes.slot(field);
        restrictive(self.mapping, field).is_some_and(|refuses| {
            is(value, !refuses) && is(against, refuses) && self.agreed.slot(field).is_blank()
        })
    }

    /// Returns whether the value is an empty check box, and nothing else is known to be agreed: it says nothing new.
    pub(super) fn is_no_word(&self, field: usize, value: SlotRef<'_>) -> bool {
        let refuses = restrictive(self.mapping, field) == Some(true);
        refuses && is(value, false) && self.agreed.slot(field).is_blank()
    }
}
