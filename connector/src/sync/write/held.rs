//! Opt-outs of linked people whose mapping is held: they go to the other side, and the items wait on.

use std::collections::{HashMap, HashSet};

use runtime::entity::Entity;
use runtime::mapping::{MappingDescriptor, Side};
use runtime::merge::{Call, Gate, opted_out};
use runtime::queue::{Outcome, Settlement, StoreError};

use super::{Writing, changed_record, key};
use crate::sync::calls::Sent;
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
        let (opting_out, mut silent): (Vec<Waiting>, Vec<Waiting>) =
            waiting.into_iter().partition(|(unit, _)| may_opt_out(unit));
        let (pairs, rest) = self.pairs_of_waiting(mapping, opting_out).await?;
        silent.extend(rest);
        let mut ready = Vec::new();
        let mut laters = Vec::new();
        for (pair, later) in pairs {
            let writing = self.opt_outs_of(pair);
            match writing.to_destination.is_some() || writing.to_source.is_some() {
                true => {
                    laters.push((writing.pair.unit.source_id.clone(), later));
                    ready.push(writing);
                }
                false => silent.push((writing.pair.unit, later)),
            }
        }
        let laters: HashMap<String, Outcome> = laters.into_iter().collect();
        self.note(&ready).await?;
        let ready = self.opt_out_records(mapping, ready).await;
        let ready = self.push_all(mapping, ready).await?;
        let mut settlements = Vec::new();
        for writing in ready {
            if let Some(later) = laters.get(&writing.pair.unit.source_id) {
                settlements.extend(writing.pair.stop(later));
            }
        }
        let silent = silent.into_iter();
        settlements.extend(silent.flat_map(|(unit, later)| settle(unit, &later, None)));
        Ok(settlements)
    }

    /// Returns the linked ones without an open intent, and the others. What is open is read back before anything else.
    async fn pairs_of_waiting(
        &self,
        mapping: &'static MappingDescriptor,
        waiting: Vec<Waiting>,
    ) -> Result<(Vec<(Pair, Outcome)>, Vec<Waiting>), StoreError> {
        if waiting.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let ids: Vec<String> = waiting
            .iter()
            .map(|(unit, _)| unit.source_id.clone())
            .collect();
        let open = self.store.intents(mapping.name, ids.clone()).await?;
        let open: HashSet<String> = open.into_iter().map(|intent| intent.key.key).collect();
        let mut links = self.store.links(mapping.name, ids).await?;
        let (mut pairs, mut rest) = (Vec::new(), Vec::new());
        for (unit, later) in waiting {
            let is_free = !open.contains(&unit.source_id);
            match links.remove(&unit.source_id).filter(|_| is_free) {
                Some(link) => pairs.push((Pair::new(unit, link, Vec::new()), later)),
                None => rest.push((unit, later)),
            }
        }
        Ok((pairs, rest))
    }

    /// Returns a pair with the opt-outs that its items bring and the other side lacks.
    fn opt_outs_of(&self, pair: Pair) -> Writing {
        let mapping = pair.mapping();
        let is_newer = pair.unit.version_ms() > pair.state.source.version_ms;
        let row = is_newer.then_some(pair.unit.record.as_ref());
        let to_destination = row.and_then(|row| lacking(&pair, Side::Destination, row));
        // The latest edit counts: an opt-out that was taken back since is none.
        let latest = pair.earlier().into_iter().max_by_key(|(_, at)| *at);
        let back = latest.and_then(|(edit, _)| lacking(&pair, Side::Source, edit.as_ref()));
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

    /// Writes the opt-outs to Salesforce. What is refused waits for the end of the hold.
    async fn opt_out_records(
        &self,
        mapping: &'static MappingDescriptor,
        ready: Vec<Writing>,
    ) -> Vec<Writing> {
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
            let pair = &mut writing.pair;
            if let (Sent::Landed(_), Some(record)) = (&sent, &writing.to_destination) {
                pair.state
                    .keep_past(Side::Destination, record.as_ref(), call);
                pair.state.landed(Side::Destination, record.as_ref());
            }
            match sent.is_undone() || matches!(sent, Sent::Landed(_)) {
                true => pair.closes.push(key(pair, Side::Destination)),
                false => pair.leave_open(Side::Destination),
            }
            done.push(writing);
        }
        done
    }
}

/// Returns whether an item of the unit may opt somebody out. Rows about a merge are left to the survivor.
fn may_opt_out(unit: &Unit) -> bool {
    let says = unit.goes_back() || !opted_out(unit.mapping, unit.record.as_ref()).is_empty();
    says && unit.fate.is_none()
}

/// Returns a record of the opt-outs that the other side says and this one lacks. A pair that never met has none.
fn lacking(pair: &Pair, side: Side, said: &dyn Entity) -> Option<Box<dyn Entity>> {
    let mapping = pair.mapping();
    let there = opted_out(mapping, pair.state.current(side).as_ref());
    let mut fields = opted_out(mapping, said);
    fields.retain(|field| !pair.unknown && !there.contains(field));
    let mut record = mapping.new_record();
    for field in &fields {
        record.slot_mut(*field).set(said.slot(*field));
    }
    (!fields.is_empty()).then_some(record)
}
