//! Opt-outs of a write whose rest cannot go: it waits for another record, does not fit, or is refused.

use runtime::change::present;
use runtime::entity::Entity;
use runtime::mapping::{MappingDescriptor, Side};
use runtime::merge::{Call, Plan, opted_out};
use runtime::queue::{Outcome, StoreError};
use serde_json::Value;

use super::{Back, Writing};
use crate::sync::TwoWaySync;
use crate::sync::calls::{Record, Sent};
use crate::to_salesforce::send::body;
use crate::to_ticketure::endpoint;

/// An update that the org refused, with its opt-outs.
type Refused = (Writing, Sent, Box<dyn Entity>);

/// Leaves nothing but opt-outs in a plan. Returns whether there are any.
pub(super) fn alone_in(mapping: &'static MappingDescriptor, plan: &mut Plan) -> bool {
    let mut fields = Vec::new();
    for record in [&mut plan.to_source, &mut plan.to_destination] {
        fields.extend(opted_out(mapping, record.as_ref()));
        *record = alone(mapping, record.as_ref()).unwrap_or_else(|| mapping.new_record());
    }
    plan.decisions
        .retain(|decision| fields.contains(&decision.field));
    !fields.is_empty()
}

/// Returns the opt-outs of a record, where it says something else as well.
fn beside_others(
    mapping: &'static MappingDescriptor,
    record: &dyn Entity,
) -> Option<Box<dyn Entity>> {
    let alone = alone(mapping, record)?;
    (present(alone.as_ref()) != present(record)).then_some(alone)
}

fn alone(mapping: &'static MappingDescriptor, record: &dyn Entity) -> Option<Box<dyn Entity>> {
    let fields = opted_out(mapping, record);
    let mut alone = mapping.new_record();
    for field in &fields {
        alone.slot_mut(*field).set(record.slot(*field));
    }
    (!fields.is_empty()).then_some(alone)
}

impl TwoWaySync {
    /// Returns the record in Ticketure's words. Where it does not fit, the opt-outs go, and the reason is returned.
    pub(super) fn wording_or_opt_outs(
        &self,
        mapping: &'static MappingDescriptor,
        record: Box<dyn Entity>,
    ) -> (Option<Back>, Option<Outcome>) {
        let opt_outs = beside_others(mapping, record.as_ref());
        match self.wording(mapping, record) {
            Ok(back) => (back, None),
            Err(outcome) => {
                let back = opt_outs.and_then(|record| self.wording(mapping, record).ok());
                (back.flatten(), Some(outcome))
            }
        }
    }

    /// Writes the opt-outs of updates that the org refuses for good, or whose mapping is held. What became of the update
    /// stays.
    pub(super) async fn update_opt_outs(
        &self,
        mapping: &'static MappingDescriptor,
        sent: Vec<(Writing, Sent)>,
    ) -> Vec<(Writing, Sent)> {
        let mut done = Vec::with_capacity(sent.len());
        let mut again: Vec<Record<Refused>> = Vec::new();
        for (writing, sent) in sent {
            let record = writing.to_destination.as_deref();
            let opt_outs = match &sent {
                Sent::Later(_) if self.holds().get(mapping.name).is_some() => {
                    record.and_then(|record| alone(mapping, record))
                }
                sent if sent.is_refused_for_good() => {
                    record.and_then(|record| beside_others(mapping, record))
                }
                _ => None,
            };
            match opt_outs {
                Some(opt_outs) => again.push(Record {
                    key: writing.pair.link.source_id.clone(),
                    id: Some(writing.pair.link.destination_id.clone()),
                    body: body(&writing.pair.unit, opt_outs.as_ref()),
                    locks: writing.pair.lock().into_iter().collect(),
                    of: (writing, sent, opt_outs),
                }),
                None => done.push((writing, sent)),
            }
        }
        let sent_ms = self.salesforce_now_ms();
        for ((mut writing, refusal, opt_outs), sent) in self.opt_outs_in_calls(mapping, again).await
        {
            if matches!(sent, Sent::Landed(_)) {
                let state = &mut writing.pair.state;
                let answered_ms = self.salesforce_now_ms();
                let call = Call {
                    sent_ms,
                    answered_ms,
                };
                state.keep_past(Side::Destination, opt_outs.as_ref(), call);
                state.landed(Side::Destination, opt_outs.as_ref());
            }
            done.push((writing, refusal));
        }
        done
    }

    /// Writes the opt-outs of a change that Ticketure refuses. The refusal stays what became of the change.
    pub(super) async fn push_opt_outs(
        &self,
        mapping: &'static MappingDescriptor,
        writing: &mut Writing,
    ) {
        let record = writing.to_source.as_ref().map(|(record, _)| record);
        let opt_outs = record.and_then(|record| beside_others(mapping, record.as_ref()));
        let back = opt_outs.and_then(|record| self.wording(mapping, record).ok());
        let (Some(ticketure), Some(Some((record, body)))) = (&self.ticketure, back) else {
            return;
        };
        let pair = &mut writing.pair;
        let entity = endpoint::entity(mapping);
        let said = ticketure.change(entity, &pair.unit.source_id, &body).await;
        if let Ok(Some(row)) = said {
            pair.state.landed(Side::Source, record.as_ref());
            self.source_read(pair, Value::Object(row));
        }
    }

    /// Opts out whatever still stands for the people who were merged into these pairs, where a pair is opted out.
    pub(super) async fn opt_out_merged(&self, ready: &mut [Writing]) -> Result<(), StoreError> {
        for writing in ready.iter_mut() {
            let pair = &writing.pair;
            let refused: Vec<usize> = pair.state.opted_out_on_both().into_iter().collect();
            if pair.stopped.is_some() || pair.merged.is_empty() || refused.is_empty() {
                continue;
            }
            if let Some(outcome) = self.refuse_for_merged(pair, &refused).await? {
                writing.failed_back.get_or_insert(outcome);
            }
        }
        Ok(())
    }
}
