//! Opt-outs of linked people whose mapping is held: they go to the other side, and the items wait on.

use runtime::entity::Entity;
use runtime::mapping::{MappingDescriptor, Side};
use runtime::merge::{Call, Gate, opted_out};
use runtime::queue::{Outcome, Settlement, StoreError};

use super::{Writing, changed_record};
use crate::sync::outcome::settle;
use crate::sync::pair::Pair;
use crate::sync::{TwoWaySync, Unit};

/// A unit that is not tried, and what becomes of its items.
pub(in crate::sync) type Waiting = (Unit, Outcome);

impl TwoWaySync {
    /// Settles units of a held mapping. The opt-outs of linked people go to the other side before.
    pub(in crate::sync) async fn wait_but_opt_out(
        &self,
        mapping: &'static MappingDescriptor,
        waiting: Vec<Waiting>,
    ) -> Result<Vec<Settlement>, StoreError> {
        let (silent, opting_out): (Vec<Waiting>, Vec<Waiting>) = waiting
            .into_iter()
            .partition(|(unit, _)| !may_opt_out(unit));
        let mut settlements: Vec<Settlement> = silent
            .into_iter()
            .flat_map(|(unit, later)| settle(unit, &later, None))
            .collect();
        let Some((_, later)) = opting_out.first() else {
            return Ok(settlements);
        };
        let later = later.clone();
        let units = opting_out.into_iter().map(|(unit, _)| unit).collect();
        let (pairs, unlinked) = self.split_by_link(mapping, units).await?;
        settlements.extend(
            unlinked
                .into_iter()
                .flat_map(|unit| settle(unit, &later, None)),
        );
        let writings = pairs.into_iter().map(|pair| self.opt_outs_of(pair));
        let (ready, rest): (Vec<Writing>, Vec<Writing>) = writings
            .partition(|writing| writing.to_destination.is_some() || writing.to_source.is_some());
        self.note(&ready).await?;
        let ready = self.opt_out_records(mapping, ready).await?;
        let ready = self.push_all(mapping, ready).await?;
        for writing in ready.into_iter().chain(rest) {
            settlements.extend(writing.pair.stop(&later));
        }
        Ok(settlements)
    }

    /// Returns a pair with the opt-outs that its items bring and the other side lacks.
    fn opt_outs_of(&self, pair: Pair) -> Writing {
        let mapping = pair.mapping();
        let to_destination = lacking(&pair, Side::Destination, &newer_rows(&pair));
        let edits = pair.earlier();
        let edits: Vec<&dyn Entity> = edits.iter().map(|(record, _)| record.as_ref()).collect();
        let back = lacking(&pair, Side::Source, &edits);
        let to_source = back.and_then(|record| self.wording(mapping, record).ok());
        Writing {
            pair: Box::new(pair),
            decisions: Vec::new(),
            gate: Gate::Open,
            to_destination,
            to_source: to_source.flatten(),
            failed_forward: None,
            failed_back: None,
            review: None,
        }
    }

    async fn opt_out_records(
        &self,
        mapping: &'static MappingDescriptor,
        ready: Vec<Writing>,
    ) -> Result<Vec<Writing>, StoreError> {
        let (writing, mut done): (Vec<Writing>, Vec<Writing>) = ready
            .into_iter()
            .partition(|writing| writing.to_destination.is_some());
        let records = writing.into_iter().map(changed_record).collect();
        let sent_ms = self.salesforce_now_ms();
        let sent = self.opt_outs_in_calls(mapping, records).await;
        let call = Call {
            sent_ms,
            answered_ms: self.salesforce_now_ms(),
        };
        for (mut writing, sent) in sent {
            self.updated(&mut writing, &sent, call).await?;
            done.push(writing);
        }
        Ok(done)
    }
}

/// Returns whether an item of the unit may opt somebody out. A row about a merge is the survivor's to tell.
fn may_opt_out(unit: &Unit) -> bool {
    let says = unit.goes_back() || !opted_out(unit.mapping, unit.record.as_ref()).is_empty();
    says && unit.fate.is_none()
}

/// Returns the rows that are newer than what is known of Ticketure.
fn newer_rows(pair: &Pair) -> Vec<&dyn Entity> {
    let known_ms = pair.state.source.version_ms;
    let rows = pair.unit.rows.iter().filter(|(_, at)| *at > known_ms);
    rows.map(|(row, _)| row.as_ref()).collect()
}

/// Returns a record of the opt-outs that the other side says and this one lacks. A pair that never met has none.
fn lacking(pair: &Pair, side: Side, said: &[&dyn Entity]) -> Option<Box<dyn Entity>> {
    let mapping = pair.mapping();
    let there = opted_out(mapping, pair.state.current(side).as_ref());
    let mut record = mapping.new_record();
    let mut is_any = false;
    for said in said.iter().filter(|_| !pair.unknown) {
        for field in opted_out(mapping, *said) {
            if !there.contains(&field) {
                record.slot_mut(field).set(said.slot(field));
                is_any = true;
            }
        }
    }
    is_any.then_some(record)
}
