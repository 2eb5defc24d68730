//! A write whose answer never came: is it there, is it still to come, or did somebody put the field back?

use super::observe::present_fields;
use super::plan::Decision;
use super::state::{Late, LinkState};
use crate::entity::{Entity, SlotRef, copied};
use crate::json;
use crate::mapping::Side;

/// A write whose answer never came may be carried out so much later. Salesforce gives up on a call after ten minutes.
const LATE_MS: i64 = 600_000;

/// Somebody else writes the same blank or the same check box by chance; the same text nobody does.
pub(super) fn is_telling(value: SlotRef<'_>) -> bool {
    !value.is_blank() && !matches!(value, SlotRef::Boolean(_))
}

impl LinkState {
    /// A write whose answer never came was read back: is it there, or what the org made of it? If not, it may still come.
    ///
    /// `image` is what the side has as of its own time `version_ms`; `now_ms` is ours.
    pub fn read_back(
        &mut self,
        side: Side,
        wanted: &dyn Entity,
        image: (&dyn Entity, i64),
        now_ms: i64,
    ) -> bool {
        let (image, version_ms) = image;
        // An image of Salesforce's leaves references out; a row that lacks a member has nothing there.
        let is_shown = |field: usize| side == Side::Source || !image.slot(field).is_absent();
        let is_there = |field: usize| {
            let (value, wanted) = (image.slot(field), wanted.slot(field));
            let rewritten = value.resembles(wanted) && !value.equivalent(self.has(side, field));
            value.equivalent(wanted) || rewritten
        };
        let (shown, doubtful): (Vec<usize>, Vec<usize>) =
            present_fields(wanted).partition(|field| is_shown(*field));
        let (there, replaced): (Vec<usize>, Vec<usize>) =
            shown.into_iter().partition(|field| is_there(*field));
        // What is not shown may be there or not: it is written again, also where nobody wants it any more.
        for field in &doubtful {
            let wrote = json::value(wanted.slot(*field));
            self.side_mut(side).restore.insert(*field, wrote);
        }
        // A write is carried out as a whole: where one field of it stands that was not so before, it came, and somebody
        // has typed over the others. Over those that only we write nobody does.
        // What an earlier write of ours without an answer says as well may stand there because of that one.
        let earlier_too = |field: usize| {
            let mut late = self.side(side).late.iter();
            late.any(|late| late.fields.slot(field).equivalent(wanted.slot(field)))
        };
        let tells = |field: &usize| {
            let wanted = wanted.slot(*field);
            let stands = image.slot(*field).equivalent(wanted);
            let is_news = !wanted.equivalent(self.agreed.slot(*field)) && !earlier_too(*field);
            stands && is_telling(wanted) && is_news
        };
        let theirs = |field: &usize| self.mapping.sync(*field).both;
        let came = version_ms > self.side(side).known_ms
            && there.iter().any(tells)
            && replaced.iter().all(theirs);
        if replaced.is_empty() || came {
            let mut shown = copied(wanted);
            doubtful
                .into_iter()
                .for_each(|field| shown.slot_mut(field).set_absent());
            self.tell_of_written_over(side, shown.as_ref());
            self.landed(side, shown.as_ref());
            self.typed_over(side, &replaced, image, wanted);
            return true;
        }
        if version_ms > self.side(side).known_ms {
            self.tell_of_put_back(side, wanted, (image, version_ms));
        }
        let late = Late {
            until_ms: now_ms + LATE_MS,
            since_ms: self.side(side).version_ms,
            fields: copied(wanted),
        };
        self.side_mut(side).late.push(late);
        false
    }

    /// Somebody has typed over a part of a write whose answer never came. Should the rest be chance, and it never came,
    /// then what the other side has is told.
    fn typed_over(
        &mut self,
        side: Side,
        replaced: &[usize],
        image: &dyn Entity,
        wanted: &dyn Entity,
    ) {
        for field in replaced.iter().copied() {
            if let Some(sent) = self.side_mut(side).sent.get_mut(&field) {
                sent.unseen = false;
            }
            let loser = (json::value(wanted.slot(field)), 0);
            let value = json::value(image.slot(field));
            self.told
                .push(Decision::went_under(field, loser, side, value));
        }
    }

    /// A row says what a write of ours says whose answer never came: what is known of somebody's went under it.
    pub fn shows_ours(&mut self, wanted: &dyn Entity, row: &dyn Entity) {
        let mut shown = self.mapping.new_record();
        for field in present_fields(wanted) {
            if row.slot(field).equivalent(wanted.slot(field)) {
                shown.slot_mut(field).set(wanted.slot(field));
            }
        }
        self.tell_of_written_over(Side::Source, shown.as_ref());
    }

    /// What somebody typed in between is known already, and the write stands over it.
    fn tell_of_written_over(&mut self, side: Side, wrote: &dyn Entity) {
        for field in present_fields(wrote) {
            let (typed, value) = (self.side(side).changes.slot(field), wrote.slot(field));
            if typed.is_absent() || typed.equivalent(value) {
                continue;
            }
            let at_ms = self.side(side).at_ms.get(&field).copied();
            let loser = (json::value(typed), at_ms.unwrap_or_default());
            let value = json::value(value);
            self.told
                .push(Decision::went_under(field, loser, side.other(), value));
        }
    }

    /// Somebody has written since, and a field is as it was before our write: it never came, or it came and somebody
    /// put the field back. Nothing tells the two apart, and the field is written again: that is told.
    fn tell_of_put_back(
        &mut self,
        side: Side,
        wanted: &dyn Entity,
        (image, version_ms): (&dyn Entity, i64),
    ) {
        for field in present_fields(wanted) {
            let (value, written) = (image.slot(field), wanted.slot(field));
            let known = !self.side(side).changes.slot(field).is_absent();
            let stays = value.equivalent(self.agreed.slot(field));
            if known || !stays || value.is_absent() || value.equivalent(written) {
                continue;
            }
            let loser = (json::value(value), version_ms);
            let value = json::value(written);
            self.told
                .push(Decision::went_under(field, loser, side.other(), value));
        }
    }
}
