//! What a side says: seen, written, or met for the first time.

use super::plan::{Decision, Why};
use super::read_back::is_telling;
use super::sent::Sent;
use super::state::{Late, LinkState};
use crate::change::{Mask, present};
use crate::entity::{Entity, SlotRef};
use crate::json;
use crate::mapping::{MappingDescriptor, OnLink, OnRewrite, Side};

impl LinkState {
    /// Two existing records meet for the first time. A blank takes the other side's value and never erases one.
    pub fn meet(
        mapping: &'static MappingDescriptor,
        source: (&dyn Entity, i64),
        destination: (&dyn Entity, i64),
    ) -> Self {
        let mut state = LinkState::new(mapping);
        state.source.version_ms = source.1;
        state.source.known_ms = source.1;
        state.source.heard_ms = source.1;
        state.destination.known_ms = destination.1;
        state.destination.heard_ms = destination.1;
        state.destination.version_ms = destination.1;
        for field in 0..mapping.record.fields.len() {
            let (ours, theirs) = (source.0.slot(field), destination.0.slot(field));
            if ours.is_absent() && theirs.is_absent() {
                continue;
            }
            let both = mapping.sync(field).both;
            let takes_source = !ours.is_absent() && !ours.equivalent(theirs);
            match (ours.is_blank(), theirs.is_blank()) {
                _ if !takes_source => state.agreed.slot_mut(field).set(theirs),
                // What does not go back is the source's to say.
                _ if !both => {
                    state.agreed.slot_mut(field).set(theirs);
                    state.change(Side::Source, field, ours, source.1);
                }
                (true, _) => {
                    state.agreed.slot_mut(field).set(ours);
                    state.change(Side::Destination, field, theirs, destination.1);
                }
                (false, true) => {
                    state.agreed.slot_mut(field).set(theirs);
                    state.change(Side::Source, field, ours, source.1);
                }
                (false, false) => state.differ(field, source, destination),
            }
            if both && ours.is_absent() && !theirs.is_blank() {
                state.agreed.slot_mut(field).set_absent();
                state.change(Side::Destination, field, theirs, destination.1);
            }
        }
        state
    }

    /// Both have a value, and not the same. Nothing was agreed: both are changes, and the policy decides.
    fn differ(
        &mut self,
        field: usize,
        source: (&dyn Entity, i64),
        destination: (&dyn Entity, i64),
    ) {
        let (ours, theirs) = (source.0.slot(field), destination.0.slot(field));
        if self.mapping.policies.on_link == OnLink::Review {
            self.held
                .insert(field, (json::value(ours), json::value(theirs)));
        }
        self.change(Side::Source, field, ours, source.1);
        self.change(Side::Destination, field, theirs, destination.1);
    }

    fn change(&mut self, side: Side, field: usize, value: SlotRef<'_>, at_ms: i64) {
        let side = self.side_mut(side);
        side.changes.slot_mut(field).set(value);
        side.at_ms.insert(field, at_ms);
    }

    /// A side has this image, as of its own time `version_ms`. `now_ms` is ours. What is absent says nothing.
    ///
    /// The image has to be at least as new as everything seen of that side before: read it again when in doubt.
    pub fn observe(&mut self, side: Side, image: &dyn Entity, version_ms: i64, now_ms: i64) {
        let mapping = self.mapping;
        self.side_mut(side)
            .late
            .retain(|late| late.until_ms > now_ms);
        let late = self.came_late(side, image);
        for field in 0..mapping.record.fields.len() {
            let value = image.slot(field);
            let both = mapping.sync(field).both;
            if value.is_absent() || (side == Side::Destination && !both) {
                continue;
            }
            self.observe_field(side, field, value, version_ms, &late);
        }
        self.doubt_what_came_beside(side, image, &late);
        let side = self.side_mut(side);
        side.version_ms = side.version_ms.max(version_ms);
    }

    /// Fields in which the image is what a write of ours says whose answer never came, or what the org made of it. A
    /// write is carried out as a whole: in the other fields of it stands what has been agreed on since, or what somebody
    /// has typed over it.
    fn came_late(&self, side: Side, image: &dyn Entity) -> Mask {
        let mut fields = Mask::default();
        for late in &self.side(side).late {
            let wrote = |field: usize| image.slot(field).resembles(late.fields.slot(field));
            let all = present_fields(late.fields.as_ref()).all(|field| {
                let value = image.slot(field);
                value.is_absent() || wrote(field) || value.equivalent(self.agreed.slot(field))
            });
            let tells = |field: usize| {
                let value = image.slot(field);
                is_telling(value) && wrote(field) && !value.equivalent(self.agreed.slot(field))
            };
            if all || present_fields(late.fields.as_ref()).any(tells) {
                present_fields(late.fields.as_ref())
                    .filter(|field| wrote(*field) && !self.was_sent_again(side, *field, late))
                    .for_each(|field| fields.set(field));
            }
        }
        fields
    }

    /// Salesforce's image leaves references out: where the rest of a late write is seen, they stand there as well.
    fn doubt_what_came_beside(&mut self, side: Side, image: &dyn Entity, came: &Mask) {
        if side == Side::Source || came.is_empty() {
            return;
        }
        let newer = |late: &Late, field: usize| {
            let wrote = late.fields.slot(field);
            !wrote.equivalent(self.agreed.slot(field))
        };
        let mut doubtful = Vec::new();
        for late in &self.side(side).late {
            let fields =
                || present_fields(late.fields.as_ref()).filter(|field| newer(late, *field));
            if fields().any(|field| came.contains(field)) {
                let unseen = fields().filter(|field| image.slot(*field).is_absent());
                doubtful.extend(unseen.map(|field| (field, json::value(late.fields.slot(field)))));
            }
        }
        self.side_mut(side).restore.extend(doubtful);
    }

    /// The same was written again since, and its echo is still to be seen: what stands there is what the org made of
    /// that.
    fn was_sent_again(&self, side: Side, field: usize, late: &Late) -> bool {
        let wrote = json::value(late.fields.slot(field));
        let sent = self.side(side).sent.get(&field);
        sent.is_some_and(|sent| sent.unseen && sent.value == wrote)
    }

    fn observe_field(
        &mut self,
        side: Side,
        field: usize,
        value: SlotRef<'_>,
        version_ms: i64,
        late: &Mask,
    ) {
        let policy = self.mapping.policies.on_rewrite;
        if late.contains(field) {
            self.tell_of_overwritten(side, field, value);
        }
        let is_no_word = self.is_no_word(field, value);
        let is_yes = side == Side::Source && self.is_yes_against_opt_out(field, value);
        let (agreed, here) = self.agreed_and(side);
        let kept = here.kept.slot(field);
        let is_kept = !kept.is_absent() && value.equivalent(kept);
        let is_agreed = !is_yes && (value.equivalent(agreed.slot(field)) || is_no_word);
        if is_agreed || is_kept {
            // What was written has stayed: there is nothing to remember of it.
            let stayed = |sent: &Sent| sent.value == json::value(value);
            if here.sent.get(&field).is_some_and(stayed) {
                here.has_stayed(side, field, version_ms);
            } else if let Some(sent) = here.sent.get_mut(&field) {
                sent.unseen = false;
            }
            // Somebody took a change back: against a change of the other side that is a change as well.
            let changed = !here.changes.slot(field).is_absent();
            let taken_back = is_agreed && changed && !late.contains(field);
            if !taken_back {
                here.clear(field);
            } else if !here.changes.slot(field).equivalent(value) {
                here.changes.slot_mut(field).set(value);
                here.at_ms.insert(field, version_ms);
            }
            return;
        }
        if late.contains(field) {
            here.changes.slot_mut(field).set_absent();
            here.at_ms.remove(&field);
            here.restore.insert(field, json::value(value));
            return;
        }
        here.restore.remove(&field);
        let rewritten = side == Side::Destination
            && here
                .sent
                .get(&field)
                .is_some_and(|sent| sent.unseen && sent.value == json::value(agreed.slot(field)));
        if let Some(sent) = here.sent.get_mut(&field) {
            sent.unseen = false;
        }
        if rewritten && policy == OnRewrite::Keep {
            here.kept.slot_mut(field).set(value);
            here.clear(field);
            return;
        }
        let known = here.changes.slot(field);
        if known.is_absent() || !known.equivalent(value) {
            here.changes.slot_mut(field).set(value);
            // What the org made of our own write is nobody's edit: it is older than any.
            let at_ms = if rewritten { 0 } else { version_ms };
            here.at_ms.insert(field, at_ms);
        }
    }

    /// A late write of ours stands where somebody had typed something else.
    fn tell_of_overwritten(&mut self, side: Side, field: usize, value: SlotRef<'_>) {
        let here = self.side(side);
        let typed = here.changes.slot(field);
        let agreed = self.agreed.slot(field);
        if typed.is_absent() || typed.equivalent(value) || typed.equivalent(agreed) {
            return;
        }
        let at_ms = here.at_ms.get(&field).copied().unwrap_or_default();
        let decision = self.overwritten_late(side, field, typed, at_ms);
        self.told.push(decision);
    }

    pub(super) fn overwritten_late(
        &self,
        side: Side,
        field: usize,
        typed: SlotRef<'_>,
        at_ms: i64,
    ) -> Decision {
        let loser = (json::value(typed), at_ms);
        let value = json::value(self.agreed.slot(field));
        Decision {
            why: Why::CameLate,
            ..Decision::went_under(field, loser, side.other(), value)
        }
    }

    /// A side was seen with these values a while ago, and now a late write of ours stands there: what somebody had
    /// typed in between is to be told.
    pub fn went_under_late(
        &self,
        side: Side,
        earlier: &dyn Entity,
        earlier_ms: i64,
        now: &dyn Entity,
    ) -> Vec<Decision> {
        let late = self.came_late(side, now);
        present_fields(earlier)
            .filter(|field| {
                let typed = earlier.slot(*field);
                let told = typed.equivalent(now.slot(*field))
                    || typed.equivalent(self.agreed.slot(*field))
                    || typed.equivalent(self.has(side, *field));
                late.contains(*field) && !told
            })
            .map(|field| self.overwritten_late(side, field, earlier.slot(field), earlier_ms))
            .collect()
    }

    /// An older image of the source arrived late: it changes nothing, but may say since when a value has been there.
    pub fn seen_before(&mut self, side: Side, image: &dyn Entity, version_ms: i64) {
        let here = self.side_mut(side);
        for (field, at) in &mut here.at_ms {
            let value = image.slot(*field);
            if !value.is_absent() && value.equivalent(here.changes.slot(*field)) {
                *at = version_ms.min(*at);
            }
        }
    }

    /// A side now has these values, and we wrote them.
    pub fn landed(&mut self, side: Side, fields: &dyn Entity) {
        if side == Side::Source {
            self.note_overwritten(fields);
        }
        for field in present_fields(fields) {
            let value = fields.slot(field);
            let written = json::value(value);
            let stood = self.has(side, field);
            let before = json::value(stood);
            let decided = !stood.equivalent(self.agreed.slot(field));
            // The other side may have gone on, or back, since it was decided.
            let same = self.has(side.other(), field).equivalent(value);
            let (agreed, other) = self.agreed_and(side.other());
            if same {
                other.clear(field);
            } else if other.changes.slot(field).is_absent() {
                match agreed.slot(field).is_absent() {
                    true => other.changes.slot_mut(field).set_blank(),
                    false => other.changes.slot_mut(field).set(agreed.slot(field)),
                }
                other.at_ms.insert(field, other.version_ms);
            }
            self.agreed.slot_mut(field).set(value);
            let here = self.side_mut(side);
            let late = here.restore.get(&field).cloned();
            here.clear(field);
            here.kept.slot_mut(field).set_absent();
            let times = match here.sent.get(&field) {
                Some(sent) if sent.value == written => sent.times + 1,
                _ => 1,
            };
            let (read_ms, known_ms) = match side {
                Side::Source => (0, 0),
                Side::Destination => (here.version_ms, here.known_ms.min(here.heard_ms)),
            };
            let sent = Sent {
                value: written,
                before,
                late,
                decided,
                times,
                unseen: true,
                read_ms,
                known_ms,
            };
            here.stood.remove(&field);
            here.sent.insert(field, sent);
        }
    }

    /// A side was seen otherwise a while ago and is now as agreed: somebody took a change back before it was merged.
    /// Against a change of the other side that is a change as well.
    /// `ours` are the fields in which our own write was still to be seen before this image.
    pub fn taken_back(
        &mut self,
        side: Side,
        earlier: &dyn Entity,
        now: &dyn Entity,
        version_ms: i64,
        ours: &Mask,
    ) {
        for field in present_fields(earlier) {
            let (before, value) = (earlier.slot(field), now.slot(field));
            let agreed = self.agreed.slot(field);
            let back = !value.is_absent() && value.equivalent(agreed) && !before.equivalent(agreed);
            let known = !self.side(side).changes.slot(field).is_absent();
            if back && !known && !ours.contains(field) {
                self.change(side, field, value, version_ms);
            }
        }
    }

    /// Was anything different a while ago that is as agreed now, other than by our own write?
    pub fn went_back(&self, earlier: &dyn Entity, now: &dyn Entity, ours: &Mask) -> bool {
        present_fields(earlier).any(|field| {
            let agreed = self.agreed.slot(field);
            let value = now.slot(field);
            let back = !value.is_absent() && value.equivalent(agreed);
            back && !earlier.slot(field).equivalent(agreed) && !ours.contains(field)
        })
    }

    /// Fields in which our own write is still to be seen.
    pub fn unseen(&self, side: Side) -> Mask {
        let mut mask = Mask::default();
        let unseen = self.side(side).sent.iter().filter(|(_, sent)| sent.unseen);
        unseen.for_each(|(field, _)| mask.set(*field));
        mask
    }

    /// The side was just made by us, with all that was agreed: what it shows otherwise, its org made of it.
    pub fn made(&mut self, side: Side) {
        for field in present_fields(self.agreed.as_ref()) {
            let sent = Sent::new(json::value(self.agreed.slot(field)));
            self.side_mut(side).sent.insert(field, sent);
        }
    }
}

pub(super) fn present_fields(record: &dyn Entity) -> impl Iterator<Item = usize> + use<> {
    let mask = present(record);
    (0..record.descriptor().fields.len()).filter(move |field| mask.contains(*field))
}
