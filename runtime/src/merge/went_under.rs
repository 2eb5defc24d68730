//! What somebody typed where a write of ours stands now, as rows and items tell that come later.

use serde_json::{Value, json};

use super::observe::present_fields;
use super::plan::Decision;
use super::sent::{late_from_json, late_json};
use super::state::{Late, LinkState, SideState, read_record, record_json};
use crate::change::Mask;
use crate::entity::{Entity, SlotRef};
use crate::json;
use crate::mapping::{MappingDescriptor, Side};

/// What the last write to Ticketure stood over.
pub(super) struct Overwrote {
    /// As of when the row was read before the write, and as of when it was known before that reading.
    read_ms: i64,
    known_ms: i64,
    /// The written fields, as they were read.
    before: Box<dyn Entity>,
    /// Those that were as agreed: nobody had changed them, or somebody had and took it back.
    as_agreed: Mask,
    /// Fields that had the value of one of our late writes.
    late: Mask,
}

/// So long an answer about Salesforce, or an item, may still tell of what stood before a write that has stayed.
const STOOD_MS: i64 = 600_000;

/// What a write to Salesforce that has stayed stands over.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stood {
    before: Value,
    /// Value of our own late write that the field had before this write.
    late: Option<Value>,
    /// As of when that was read, and as of when the write was seen to have stayed.
    read_ms: i64,
    seen_ms: i64,
    /// As of when it was known before that reading; the reading's own where there is nothing to tell of the time
    /// between.
    known_ms: i64,
}

impl Stood {
    pub(super) fn to_json(&self) -> Value {
        let times = [self.read_ms, self.seen_ms, self.known_ms];
        let count = if self.known_ms < self.read_ms { 3 } else { 2 };
        let times = times.into_iter().take(count).map(Value::from);
        let kept = [self.before.clone()].into_iter().chain(times);
        Value::Array(kept.chain(late_json(self.late.as_ref())).collect())
    }

    pub(super) fn from_json(kept: &Value) -> Self {
        let time = |index: usize| kept.get(index).and_then(Value::as_i64);
        Stood {
            before: kept.get(0).cloned().unwrap_or(Value::Null),
            late: late_from_json(kept),
            read_ms: time(1).unwrap_or_default(),
            seen_ms: time(2).unwrap_or_default(),
            known_ms: time(3).or(time(1)).unwrap_or_default(),
        }
    }
}

impl SideState {
    /// Our write of the field is there: what is read later may have been so before it.
    pub(super) fn has_stayed(&mut self, side: Side, field: usize, version_ms: i64) {
        let Some(sent) = self.sent.remove(&field) else {
            return;
        };
        self.stood
            .retain(|_, stood| stood.seen_ms + STOOD_MS > version_ms);
        if side == Side::Destination && sent.read_ms > 0 {
            let known_ms = sent.untold_since_ms();
            let stood = Stood {
                before: sent.before,
                late: sent.late,
                read_ms: sent.read_ms,
                seen_ms: version_ms,
                known_ms,
            };
            self.stood.insert(field, stood);
        }
    }
}

impl Overwrote {
    pub(super) fn to_json(&self) -> Value {
        let named = |mask: &Mask| -> Vec<&str> {
            let fields = self.before.descriptor().fields.iter().enumerate();
            let fields = fields.filter(|(index, _)| mask.contains(*index));
            let names = fields.filter_map(|(_, field)| field.path.last().copied());
            names.collect()
        };
        let as_agreed = match self.known_ms < self.read_ms {
            true => named(&self.as_agreed),
            false => Vec::new(),
        };
        let before = record_json(self.before.as_ref());
        let late = named(&self.late);
        match late.is_empty() {
            true => json!([self.read_ms, before, self.known_ms, as_agreed]),
            false => json!([self.read_ms, before, self.known_ms, as_agreed, late]),
        }
    }

    pub(super) fn from_json(mapping: &'static MappingDescriptor, kept: &Value) -> Self {
        let mut before = mapping.new_record();
        read_record(before.as_mut(), kept.get(1).unwrap_or(&Value::Null));
        let time = |index: usize| kept.get(index).and_then(Value::as_i64);
        let read_ms = time(0).unwrap_or_default();
        let named = |index: usize| {
            let mut mask = Mask::default();
            let names = kept.get(index).and_then(Value::as_array).map(Vec::as_slice);
            let names = names.unwrap_or_default().iter().filter_map(Value::as_str);
            let fields = names.filter_map(|name| mapping.record.field(name));
            fields.for_each(|field| mask.set(field));
            mask
        };
        Overwrote {
            read_ms,
            known_ms: time(2).unwrap_or(read_ms),
            before,
            as_agreed: named(3),
            late: named(4),
        }
    }
}

impl LinkState {
    /// Rows about what was typed between the last reading and the write are still on their way: they will be told by
    /// what was there before.
    pub(super) fn note_overwritten(&mut self, fields: &dyn Entity) {
        let mut before = self.mapping.new_record();
        let (mut as_agreed, mut late) = (Mask::default(), Mask::default());
        for field in present_fields(fields) {
            let current = self.has(Side::Source, field);
            match current.is_absent() {
                true => before.slot_mut(field).set_null(),
                false => before.slot_mut(field).set(current),
            }
            if self.source.restore.contains_key(&field) {
                late.set(field);
            } else if current.equivalent(self.agreed.slot(field)) {
                as_agreed.set(field);
            }
        }
        self.source.overwrote = Some(Overwrote {
            read_ms: self.source.version_ms,
            known_ms: self.source.known_ms.min(self.source.heard_ms),
            before,
            as_agreed,
            late,
        });
    }

    /// What an older row of Ticketure's says that our last write stood over untold.
    fn overwritten(&self, row: &dyn Entity, version_ms: i64) -> Vec<Decision> {
        let Some(overwrote) = &self.source.overwrote else {
            return Vec::new();
        };
        let before = overwrote.before.as_ref();
        let after_reading = version_ms > overwrote.read_ms;
        let before_reading = !after_reading && version_ms > overwrote.known_ms;
        let mut found = Vec::new();
        for field in present_fields(before) {
            let (value, stood) = (row.slot(field), before.slot(field));
            if value.is_absent() || value.equivalent(stood) {
                continue;
            }
            if after_reading && !value.equivalent(self.agreed.slot(field)) {
                found.push(self.unseen_loser(field, json::value(value), version_ms));
            } else if before_reading && overwrote.as_agreed.contains(field) {
                // It was changed and put back, unseen: what it was put back to was somebody's word as well.
                found.push(self.unseen_loser(field, json::value(stood), overwrote.read_ms));
            }
        }
        found
    }

    /// An older row of Ticketure's, which comes only now, has another value than what is agreed and stands there again:
    /// it was changed and put back, unseen. What it was put back to was somebody's word as well, and goes under the
    /// other side's change.
    pub fn put_back_unseen(&self, row: &dyn Entity, version_ms: i64) -> Vec<Decision> {
        let mut found = Vec::new();
        if version_ms >= self.source.version_ms {
            return found;
        }
        for field in present_fields(row) {
            let agreed = self.agreed.slot(field);
            let change = self.destination.changes.slot(field);
            let stands = self.source.changes.slot(field).is_absent();
            let goes_under = !change.is_absent() && !change.equivalent(agreed);
            if stands && goes_under && !row.slot(field).equivalent(agreed) {
                let loser = (json::value(agreed), self.source.version_ms);
                let value = json::value(change);
                found.push(Decision::went_under(field, loser, Side::Destination, value));
            }
        }
        found
    }

    fn unseen_loser(&self, field: usize, loser: Value, loser_at_ms: i64) -> Decision {
        let value = json::value(self.agreed.slot(field));
        Decision::went_under(field, (loser, loser_at_ms), Side::Destination, value)
    }

    /// What an older row of Ticketure's says where a late write of ours stands now.
    fn overwritten_by_late(&self, row: &dyn Entity, version_ms: i64) -> Vec<Decision> {
        let mut found = Vec::new();
        let newer = |late: &&Late| version_ms > late.since_ms;
        for late in self.source.late.iter().filter(newer) {
            for field in present_fields(late.fields.as_ref()) {
                let (typed, now) = (row.slot(field), self.has(Side::Source, field));
                let wrote = late.fields.slot(field);
                let gone = !typed.is_absent() && !typed.resembles(wrote);
                // A newer write of ours may stand over the late one by now.
                let stood = self.stood_under_the_last_write(field, version_ms, wrote);
                if gone && (now.resembles(wrote) || stood) {
                    found.push(self.overwritten_late(Side::Source, field, typed, version_ms));
                }
            }
        }
        found
    }

    /// Returns whether a late write was read, at this time or later, before our last write of the field.
    fn stood_under_the_last_write(&self, field: usize, version_ms: i64, late: SlotRef<'_>) -> bool {
        let Some(overwrote) = &self.source.overwrote else {
            return false;
        };
        let stood = overwrote.before.slot(field);
        let stood = !stood.is_absent() && (overwrote.late.contains(field) || stood.resembles(late));
        version_ms <= overwrote.read_ms && stood
    }

    /// A side was seen with these values, and by now it has others that we wrote: what was somebody's and went under
    /// is to be told.
    pub fn went_under(&self, side: Side, image: &dyn Entity, version_ms: i64) -> Vec<Decision> {
        if side == Side::Source {
            let mut found = self.overwritten(image, version_ms);
            found.extend(self.overwritten_by_late(image, version_ms));
            return found;
        }
        let sent = self.destination.sent.keys();
        let sent = sent.flat_map(|field| self.under_sent(*field, image.slot(*field), version_ms));
        let stood = self.destination.stood.keys();
        let stood = stood.filter_map(|field| self.under_stood(*field, image, version_ms));
        sent.chain(stood).collect()
    }

    /// What an older image of Salesforce's says of a field in which our write has been seen since.
    fn under_stood(&self, field: usize, image: &dyn Entity, version_ms: i64) -> Option<Decision> {
        let here = &self.destination;
        let stood = here.stood.get(&field)?;
        let seen = json::value(image.slot(field));
        let between = stood.read_ms < version_ms && version_ms < stood.seen_ms;
        let agreed = self.agreed.slot(field);
        let is_known = image.slot(field).is_absent()
            || seen == stood.before
            || stood.late.as_ref() == Some(&seen)
            || image.slot(field).equivalent(agreed)
            || image.slot(field).equivalent(here.changes.slot(field));
        // It was changed and put back before that reading: what it was put back to was somebody's word as well.
        let before = stood.known_ms < version_ms && version_ms <= stood.read_ms;
        // Where a late write of ours stood, that went over what was seen.
        let loser = match before && stood.late.is_none() {
            true => (stood.before.clone(), stood.read_ms),
            false => (seen, version_ms),
        };
        let lost = || Decision::went_under(field, loser, Side::Source, json::value(agreed));
        ((between || before) && !is_known).then(lost)
    }

    /// What an older image of Salesforce's says of a field that we have written since.
    fn under_sent(&self, field: usize, image: SlotRef<'_>, version_ms: i64) -> Vec<Decision> {
        let here = &self.destination;
        let Some(sent) = here.sent.get(&field).filter(|sent| sent.unseen) else {
            return Vec::new();
        };
        let seen = json::value(image);
        let known = here.changes.slot(field);
        let is_known = !known.is_absent() && known.equivalent(image);
        let is_late = sent.late.as_ref() == Some(&seen);
        if image.is_absent() || seen == sent.before || is_late || is_known {
            return Vec::new();
        }
        let lost = |loser: Value, loser_at_ms: i64| {
            let loser = (loser, loser_at_ms);
            Decision::went_under(field, loser, Side::Source, sent.value.clone())
        };
        let mut found = Vec::new();
        let is_ours = image.equivalent(self.agreed.slot(field)) || seen == sent.value;
        if !is_ours {
            found.push(lost(seen, version_ms));
        }
        // It was changed and put back before the last reading: what it was put back to was somebody's word as well.
        if version_ms <= here.version_ms && !sent.decided && sent.late.is_none() {
            found.push(lost(sent.before.clone(), here.version_ms));
        }
        found
    }
}
