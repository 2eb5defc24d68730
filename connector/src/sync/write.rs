//! A batch of pairs: looked at, decided, noted on the disk, written to both sides, settled.

use futures_util::future::join_all;
use runtime::change::present;
use runtime::entity::Entity;
use runtime::json;
use runtime::mapping::{MappingDescriptor, Side};
use runtime::merge::{Call, Decision, Gate};
use runtime::queue::{
    DecisionRecord, Intent, IntentKey, Outcome, Repeat, Review, Settlement, StoreError,
};
use runtime::ticketure::Row;
use serde_json::Value;

use super::batch::{give_back, handler_of};
use super::calls::{Record, Sent};
use super::notes::{gate_note, undecided};
use super::outcome::{cannot_go_back, dead, settle_each, unfit, with_link};
use super::pair::Pair;
use super::{Broken, TwoWaySync};
use crate::to_salesforce::references::{leave_out, of, waits_for};
use crate::to_salesforce::send::{body, parents};
use crate::to_ticketure::endpoint;

mod held;
mod in_step;
mod opt_outs;

use in_step::{InStep, put_right};

/// Calls to Ticketure at a time.
const AT_A_TIME: usize = 8;

/// What goes to Ticketure, in the words of the record and in its own.
type Back = (Box<dyn Entity>, Row);

/// A pair on its way to both sides.
struct Writing {
    /// Boxed: it is two kilobytes, and goes from list to list with thousands of others.
    pair: Box<Pair>,
    decisions: Vec<Decision>,
    gate: Gate,
    /// What goes to Salesforce, in the words of the record.
    to_destination: Option<Box<dyn Entity>>,
    /// What goes to Ticketure, in both wordings.
    to_source: Option<Back>,
    failed_forward: Option<Outcome>,
    failed_back: Option<Outcome>,
    /// What a person is asked about it.
    review: Option<Review>,
}

impl TwoWaySync {
    /// All pairs of one mapping.
    pub(crate) async fn sync_pairs(
        &self,
        mapping: &'static MappingDescriptor,
        mut pairs: Vec<Pair>,
    ) -> Result<Vec<Settlement>, StoreError> {
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        // A birth that was begun is known by Salesforce's id.
        let begun = |pair: &Pair| format!("sf:{}", pair.link.destination_id);
        let keys = pairs
            .iter()
            .flat_map(|pair| [pair.unit.source_id.clone(), begun(pair)])
            .collect();
        let intents = match self.breaks(Broken::Intents) {
            true => Vec::new(),
            false => self.store.intents(mapping.name, keys).await?,
        };
        for pair in &mut pairs {
            let mine = intents.iter().filter(|intent| {
                intent.key.key == pair.unit.source_id || intent.key.key == begun(pair)
            });
            pair.intents = mine.cloned().collect();
        }
        self.know_owed(mapping, &mut pairs).await?;
        self.observe(&mut pairs).await?;
        let (mut ready, mut settlements) = self.ready(mapping, pairs).await?;
        self.keep_links(&mut ready).await?;
        self.note(&ready).await?;
        let ready = self.update_all(mapping, ready).await?;
        let mut ready = self.push_all(mapping, ready).await?;
        self.opt_out_merged(&mut ready).await?;
        self.forget_paid(ready.iter().map(|writing| writing.pair.as_ref()))
            .await?;
        for writing in ready {
            settlements.extend(self.settled(writing));
        }
        Ok(settlements)
    }

    /// The pairs that can be written; the others are settled.
    async fn ready(
        &self,
        mapping: &'static MappingDescriptor,
        pairs: Vec<Pair>,
    ) -> Result<(Vec<Writing>, Vec<Settlement>), StoreError> {
        let references: Vec<(&'static str, String)> = pairs
            .iter()
            .filter_map(|pair| pair.plan.as_ref())
            .flat_map(|plan| of(plan.to_destination.as_ref()))
            .collect();
        let (resolved, failure) = self.resolve(references.clone()).await?;
        let left_out = self.left_out(&references, &resolved).await?;
        let mut ready = Vec::with_capacity(pairs.len());
        let mut settlements = Vec::new();
        let mut told = Vec::new();
        for mut pair in pairs {
            if let Some(outcome) = pair.stopped.take() {
                told.extend(self.told(&mut pair));
                settlements.extend(pair.stop(&outcome));
                continue;
            }
            let Some(mut plan) = pair.plan.take() else {
                told.extend(self.told(&mut pair));
                settlements.extend(pair.stop(&Outcome::Done));
                continue;
            };
            leave_out(plan.to_destination.as_mut(), &left_out);
            pair.unit.left_out.clone_from(&left_out);
            let wanted = of(plan.to_destination.as_ref());
            let missing = wanted
                .iter()
                .find(|reference| !resolved.contains_key(*reference));
            let waits = missing.map(|(parent, id)| match &failure {
                Some(error) => self.not_answered(&pair.unit, error),
                None => waits_for(mapping, &pair.unit, parent, id),
            });
            if let Some(outcome) = waits
                .as_ref()
                .filter(|_| !opt_outs::alone_in(mapping, &mut plan))
            {
                told.extend(self.told(&mut pair));
                settlements.extend(pair.stop(outcome));
                continue;
            }
            let known = wanted.into_iter().filter_map(|key| {
                resolved
                    .get(&key)
                    .map(|id| (key.0, key.1.clone(), id.clone()))
            });
            pair.unit.references = known.collect();
            plan.decisions.append(&mut pair.went_under);
            let some =
                |record: Box<dyn Entity>| (!present(record.as_ref()).is_empty()).then_some(record);
            let (to_source, failed_back) = match some(plan.to_source) {
                Some(record) => self.wording_or_opt_outs(mapping, record),
                None => (None, None),
            };
            ready.push(Writing {
                to_destination: some(plan.to_destination),
                to_source,
                decisions: plan.decisions,
                gate: plan.gate,
                failed_forward: waits,
                failed_back,
                review: None,
                pair: Box::new(pair),
            });
        }
        // The pairs that stop here are kept as they were seen: who looks again will not see it again.
        if !told.is_empty() {
            self.store.begin(Vec::new(), Vec::new(), told).await?;
        }
        Ok((ready, settlements))
    }

    /// What was found to be overwritten in looking at a pair.
    fn told(&self, pair: &mut Pair) -> Vec<DecisionRecord> {
        let found = std::mem::take(&mut pair.went_under);
        let told = pair.state.told().iter().chain(&found);
        told.map(|decision| self.recorded(pair, decision)).collect()
    }

    /// What goes back, in Ticketure's words; or why it cannot.
    fn wording(
        &self,
        mapping: &'static MappingDescriptor,
        record: Box<dyn Entity>,
    ) -> Result<Option<Back>, Outcome> {
        if self.ticketure.is_none() {
            return Ok(None);
        }
        let back = handler_of(&self.handlers, mapping)
            .and_then(|handler| handler.back(mapping.name, record.as_ref()));
        match back {
            Err(error) => Err(unfit(mapping, &error)),
            Ok(back) if !back.errors.is_empty() => Err(cannot_go_back(&back.errors)),
            Ok(back) => {
                let body = json::write_tree(back.payload.as_ref(), &present(back.payload.as_ref()));
                Ok(Some((record, body)))
            }
        }
    }

    /// Pairs that have just met are on the disk before anything is written: after a crash they do not meet again.
    async fn keep_links(&self, ready: &mut [Writing]) -> Result<(), StoreError> {
        let fresh = ready.iter().filter(|writing| !writing.pair.kept);
        let links: Vec<_> = fresh.filter_map(|writing| writing.pair.link()).collect();
        if links.is_empty() {
            return Ok(());
        }
        match self.store.put_links(links).await {
            Err(StoreError::LinkConflict { .. }) => {}
            done => return done.map(|_| ()),
        }
        // One of them is another's: each by itself.
        for writing in ready.iter_mut().filter(|writing| !writing.pair.kept) {
            let Some(link) = writing.pair.link() else {
                continue;
            };
            match self.store.put_links(vec![link]).await {
                Ok(_) => {}
                Err(error @ StoreError::LinkConflict { .. }) => {
                    writing.pair.forget = true;
                    writing.pair.stopped = Some(dead(
                        "link_conflict",
                        error.to_string(),
                        None,
                        "Two source records claim one destination record: merge or separate them, then retry the item.",
                    ));
                    writing.to_destination = None;
                    writing.to_source = None;
                    writing.decisions.clear();
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Everything that is about to be written, and who won, in one transaction before the calls.
    async fn note(&self, ready: &[Writing]) -> Result<(), StoreError> {
        let mut intents = Vec::new();
        let mut links = Vec::new();
        let mut decisions = Vec::new();
        for writing in ready {
            let to_source = writing.to_source.as_ref().map(|(record, _)| record);
            let sides = [
                (Side::Destination, writing.to_destination.as_ref()),
                (Side::Source, to_source),
            ];
            for (side, record) in sides {
                if let Some(record) = record {
                    intents.push(self.intent(&writing.pair, side, record.as_ref()));
                }
            }
            if !writing.decisions.is_empty() {
                links.extend(writing.pair.link());
                decisions.extend(
                    writing
                        .decisions
                        .iter()
                        .map(|decision| self.recorded(&writing.pair, decision)),
                );
            }
        }
        if intents.is_empty() && decisions.is_empty() {
            return Ok(());
        }
        self.store.begin(intents, links, decisions).await
    }

    fn intent(&self, pair: &Pair, side: Side, record: &dyn Entity) -> Intent {
        Intent {
            key: key(pair, side),
            kind: "update",
            fields: json::write(record, &present(record), &json::as_source_id).unwrap_or_default(),
            repeat: Repeat::AbsoluteState,
            made_at_ms: self.now_ms(),
        }
    }

    fn recorded(&self, pair: &Pair, decision: &Decision) -> DecisionRecord {
        let winner = decision.winner;
        let winner_at =
            winner.and_then(|side| pair.state.side(side).at_ms.get(&decision.field).copied());
        let why = serde_json::to_value(decision.why).unwrap_or_default();
        DecisionRecord {
            at_ms: self.now_ms(),
            mapping: pair.link.mapping.clone(),
            source_id: pair.link.source_id.clone(),
            field: pair.mapping().field_name(decision.field).to_owned(),
            winner: match winner {
                Some(Side::Source) => "ticketure",
                Some(Side::Destination) => "salesforce",
                None => "nobody",
            }
            .to_owned(),
            why: why.as_str().unwrap_or_default().to_owned(),
            value: decision.value.to_string(),
            winner_at_ms: winner_at.unwrap_or_default(),
            loser: decision.loser.as_ref().map(Value::to_string),
            loser_at_ms: decision.loser_at_ms,
        }
    }

    /// Writes the fields that changed, 200 records a call.
    async fn update_all(
        &self,
        mapping: &'static MappingDescriptor,
        ready: Vec<Writing>,
    ) -> Result<Vec<Writing>, StoreError> {
        let (writing, mut done): (Vec<Writing>, Vec<Writing>) = ready
            .into_iter()
            .partition(|writing| writing.to_destination.is_some());
        let records = writing.into_iter().map(changed_record).collect();
        let sent_ms = self.salesforce_now_ms();
        let sent = self.in_calls(mapping, records).await;
        let key = |writing: &Writing| writing.pair.unit.source_id.clone();
        let sent = self.once_more(mapping, sent, key, changed_record).await?;
        let sent = self.update_opt_outs(mapping, sent).await;
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

    async fn updated(
        &self,
        writing: &mut Writing,
        sent: &Sent,
        call: Call,
    ) -> Result<(), StoreError> {
        let pair = &mut writing.pair;
        let key = key(pair, Side::Destination);
        if let (Sent::Landed(_), Some(record)) = (sent, &writing.to_destination) {
            pair.state
                .keep_past(Side::Destination, record.as_ref(), call);
            pair.state.landed(Side::Destination, record.as_ref());
            pair.closes.push(key);
            return Ok(());
        }
        match sent.is_undone() {
            true => pair.closes.push(key),
            false => pair.leave_open(Side::Destination),
        }
        if self.is_stale(pair, sent).await? {
            // Deleted since it was read: nothing goes to the other side on its account.
            pair.closes.push(self::key(pair, Side::Source));
            writing.to_source = None;
            return Ok(());
        }
        writing.review = Self::asked_of_linked(&pair.unit, sent);
        writing.failed_forward = self.outcome_of(&pair.unit, sent, true).await?;
        Ok(())
    }

    /// Writes to Ticketure, one call a record, a few at a time.
    async fn push_all(
        &self,
        mapping: &'static MappingDescriptor,
        ready: Vec<Writing>,
    ) -> Result<Vec<Writing>, StoreError> {
        let (mut waiting, mut done): (Vec<Writing>, Vec<Writing>) = ready
            .into_iter()
            .partition(|writing| writing.to_source.is_some());
        while !waiting.is_empty() {
            let rest = waiting.split_off(waiting.len().min(AT_A_TIME));
            let slice = std::mem::replace(&mut waiting, rest);
            let pushed =
                join_all(slice.into_iter().map(|writing| self.push(mapping, writing))).await;
            for writing in pushed {
                done.push(writing?);
            }
        }
        Ok(done)
    }

    async fn push(
        &self,
        mapping: &'static MappingDescriptor,
        mut writing: Writing,
    ) -> Result<Writing, StoreError> {
        let (Some(ticketure), Some((record, body))) = (&self.ticketure, &writing.to_source) else {
            return Ok(writing);
        };
        let pair = &mut writing.pair;
        let entity = endpoint::entity(mapping);
        match ticketure.change(entity, &pair.unit.source_id, body).await {
            Ok(Some(row)) => {
                pair.state.landed(Side::Source, record.as_ref());
                pair.closes.push(key(pair, Side::Source));
                self.source_read(pair, Value::Object(row));
            }
            Ok(None) => {
                pair.closes.push(key(pair, Side::Source));
                pair.stopped = self.may_be_merged(pair);
                if pair.stopped.is_none() {
                    self.gone_from_ticketure(pair, super::batch::Fate::Deleted)
                        .await?;
                }
            }
            Err(error) => {
                writing.failed_back = Some(self.not_pushed(&pair.unit, &error));
                if error.may_have_committed() {
                    pair.leave_open(Side::Source);
                } else {
                    pair.closes.push(key(pair, Side::Source));
                }
                if error.is_about_content() {
                    self.push_opt_outs(mapping, &mut writing).await;
                }
            }
        }
        Ok(writing)
    }

    fn settled(&self, mut writing: Writing) -> Vec<Settlement> {
        if let Some(outcome) = writing.pair.stopped.take() {
            return writing.pair.stop(&outcome);
        }
        let failed = writing.failed_forward.is_some() || writing.failed_back.is_some();
        // After a failure the plan is made again only if it may settle entries of the error log.
        let (open_forward, open_back) = match failed && writing.pair.unit.failed.is_empty() {
            true => (true, true),
            false => self.outstanding(&mut writing.pair),
        };
        let more = !failed && (open_forward || open_back);
        let held = matches!(writing.gate, Gate::Incomplete(_));
        let in_step = InStep {
            forward: writing.failed_forward.is_none() && !open_forward,
            back: writing.failed_back.is_none() && !open_back && !held,
        };
        let Writing {
            pair,
            gate,
            to_source,
            failed_forward,
            failed_back,
            decisions,
            review,
            ..
        } = writing;
        let done = if more { give_back() } else { Outcome::Done };
        let unit = &pair.unit;
        // What fails in a direction that has no item in the batch is the item's that brought it up.
        let forward = failed_forward
            .clone()
            .or_else(|| failed_back.clone().filter(|_| !unit.goes_back()))
            .unwrap_or_else(|| done.clone());
        let back = failed_back
            .or_else(|| failed_forward.filter(|_| !unit.goes_forward()))
            .unwrap_or(done);
        let mut settled = with_link(settle_each(unit, &forward, &back), pair.link());
        let notes = unit.goes_back() || gate != Gate::Open || to_source.is_some();
        if let Some(last) = settled.last_mut() {
            last.closes = pair.closes.clone();
            last.gate = notes.then(|| gate_note(&pair, &gate));
            last.review = review.or_else(|| undecided(&pair, &decisions));
            if last.review.is_none() {
                last.puts_right = put_right(&pair, &in_step);
            }
        }
        settled
    }

    /// Returns whether values remain to be written to Salesforce, and to Ticketure, after the latest read.
    fn outstanding(&self, pair: &mut Pair) -> (bool, bool) {
        let mut plan = pair.state.plan(&self.clocks());
        leave_out(plan.to_destination.as_mut(), &pair.unit.left_out);
        let back = self.ticketure.is_some() && !present(plan.to_source.as_ref()).is_empty();
        (!present(plan.to_destination.as_ref()).is_empty(), back)
    }
}

fn changed_record(writing: Writing) -> Record<Writing> {
    let pair = &writing.pair;
    let body = writing
        .to_destination
        .as_ref()
        .map(|record| body(&pair.unit, record.as_ref()));
    Record {
        key: pair.link.source_id.clone(),
        id: Some(pair.link.destination_id.clone()),
        body: body.unwrap_or_else(|| "{}".to_owned()),
        locks: pair.lock().into_iter().chain(parents(&pair.unit)).collect(),
        of: writing,
    }
}

fn key(pair: &Pair, side: Side) -> IntentKey {
    IntentKey {
        mapping: pair.link.mapping.clone(),
        key: pair.unit.source_id.clone(),
        side,
    }
}
