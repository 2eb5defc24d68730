//! Looking at both sides of the pairs of a batch, until it can be said what is to be written.

use runtime::change::present;
use runtime::entity::Entity;
use runtime::handler::Fitted;
use runtime::json;
use runtime::mapping::{MappingDescriptor, Side};
use runtime::merge::{Clocks, LinkState, Plan, missing_required};
use runtime::queue::{Link, Outcome, StoreError};
use runtime::salesforce::RETRIEVE_MAX;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::batch::{Fate, fate_of, to_record, version_of};
use super::outcome::unfit;
use super::pair::{Order, Pair};
use super::{Broken, TwoWaySync, Unit, image};
use crate::to_ticketure::endpoint;

impl TwoWaySync {
    /// A pair that a look-up found: Salesforce's record is known already.
    pub(crate) fn met(
        &self,
        mapping: &'static MappingDescriptor,
        record: &Map<String, Value>,
        unit: Unit,
    ) -> Pair {
        let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
        let link = Link {
            mapping: mapping.name.to_owned(),
            source_id: unit.source_id.clone(),
            destination_id: text("Id").to_owned(),
            base: "{}".to_owned(),
            lock: crate::to_salesforce::adopt::lock(mapping, record),
            lane: super::lane_of(&unit),
        };
        let mut pair = Pair::new(unit, link, Vec::new());
        pair.kept = false;
        match image::of(&self.handlers, mapping, record, self.has_npsp()) {
            Ok(seen) => pair.destination.image = Some((seen.record, seen.version_ms)),
            Err(error) => pair.stopped = Some(unfit(mapping, &error)),
        }
        pair
    }

    /// Everything that has to be known before it can be said what is to be written.
    pub(crate) async fn observe(&self, pairs: &mut [Pair]) -> Result<(), StoreError> {
        for pair in pairs.iter_mut() {
            if self.may_be_restored(pair) {
                pair.unit.fate = None;
                pair.source.wanted = self.ticketure.is_some();
            }
            if let Some(fate) = pair.unit.fate.clone() {
                self.gone_from_ticketure(pair, fate).await?;
                continue;
            }
            pair.observe_rows(self.now_ms(), self.order());
            if pair.destination.image.is_some() {
                // A look-up of this batch has just read it.
                let (seen, at) = pair
                    .destination
                    .image
                    .take()
                    .unwrap_or_else(|| (pair.unit.mapping.new_record(), 0));
                pair.saw(Side::Destination, seen, at, self.now_ms());
            }
        }
        for _ in 0..3 {
            self.plan(pairs, LinkState::plan_so_far);
            if !self.read_destinations(pairs).await? {
                break;
            }
            self.plan(pairs, LinkState::plan_so_far);
            self.read_sources(pairs).await?;
        }
        self.plan(pairs, LinkState::plan);
        let clocks = self.clocks();
        for pair in pairs.iter_mut() {
            pair.was_looked_at(&clocks);
        }
        Ok(())
    }

    /// Returns whether a row says that the record was deleted, and may be older than its restore.
    fn may_be_restored(&self, pair: &Pair) -> bool {
        let (deleted_ms, known_ms) = (pair.unit.fate_ms, pair.state.source.version_ms);
        pair.unit.fate == Some(Fate::Deleted)
            && match self.ticketure {
                Some(_) => pair.unknown || deleted_ms <= known_ms,
                None => deleted_ms < known_ms,
            }
    }

    fn order(&self) -> Order {
        if self.breaks(Broken::Lanes) {
            Order::Arrival
        } else if self.ticketure.is_some() {
            Order::Time
        } else {
            Order::TimeThenArrival
        }
    }

    /// What is to be written, and what has to be read before that.
    fn plan(&self, pairs: &mut [Pair], plan_of: fn(&mut LinkState, &Clocks) -> Plan) {
        let clocks = self.clocks();
        for pair in pairs.iter_mut().filter(|pair| pair.stopped.is_none()) {
            if pair.unknown {
                pair.source.wanted |= pair.source.image.is_none();
                pair.meet(self.now_ms());
            }
            if pair.unknown {
                continue;
            }
            for field in &pair.owed {
                pair.state.owe_opt_out(*field);
            }
            let mut plan = plan_of(&mut pair.state, &clocks);
            self.break_plan(pair, &mut plan);
            // Nothing is written over what nobody has looked at. Where nothing goes back, there is nothing to look for.
            pair.destination.wanted |=
                self.ticketure.is_some() && !present(plan.to_destination.as_ref()).is_empty();
            pair.source.wanted |= !present(plan.to_source.as_ref()).is_empty();
            pair.plan = Some(plan);
        }
    }

    /// What a simulation breaks on purpose.
    fn break_plan(&self, pair: &Pair, plan: &mut Plan) {
        let both = |plan: &Plan| {
            !present(plan.to_source.as_ref()).is_empty()
                && !present(plan.to_destination.as_ref()).is_empty()
        };
        let lacks = |here: &dyn Entity| !missing_required(pair.mapping(), here).is_empty();
        if self.breaks(Broken::Consent) && lacks(pair.state.current(Side::Destination).as_ref()) {
            plan.to_source = pair.mapping().new_record();
        }
        if self.breaks(Broken::Merge) && both(plan) {
            plan.to_source = pair.mapping().new_record();
            plan.to_destination = pair.state.current(Side::Source);
        }
        if self.breaks(Broken::Echo) && pair.unit.goes_back() {
            plan.to_source = pair.state.current(Side::Destination);
        }
    }

    /// Reads the records that are wanted, 2,000 a call; says whether anything is left to find out.
    async fn read_destinations(&self, pairs: &mut [Pair]) -> Result<bool, StoreError> {
        let mut wanted: Vec<&mut Pair> = pairs
            .iter_mut()
            .filter(|pair| {
                pair.stopped.is_none() && pair.destination.wanted && !pair.destination.read
            })
            .collect();
        let any = !wanted.is_empty();
        for chunk in wanted.chunks_mut(RETRIEVE_MAX) {
            let Some(mapping) = chunk.first().map(|pair| pair.mapping()) else {
                continue;
            };
            let ids: Vec<String> = chunk
                .iter()
                .map(|pair| pair.link.destination_id.clone())
                .collect();
            let select = image::select(mapping, self.has_npsp());
            let asked_ms = self.now_ms();
            for pair in chunk.iter_mut() {
                pair.destination.asked_ms = asked_ms;
            }
            match self
                .salesforce
                .retrieve::<Box<RawValue>>(mapping.object, &ids, &select)
                .await
            {
                Err(error) => {
                    for pair in chunk.iter_mut() {
                        pair.stopped = Some(self.not_answered(&pair.unit, &error));
                    }
                }
                Ok(found) => {
                    for (pair, found) in chunk.iter_mut().zip(found) {
                        self.destination_read(pair, found.as_deref()).await?;
                    }
                }
            }
        }
        let unread =
            |pair: &Pair| pair.stopped.is_none() && pair.source.wanted && !pair.source.read;
        Ok(any || pairs.iter().any(unread))
    }

    async fn destination_read(
        &self,
        pair: &mut Pair,
        found: Option<&RawValue>,
    ) -> Result<(), StoreError> {
        let Some(found) = found else {
            return self.gone_from_salesforce(pair).await;
        };
        match image::read(&self.handlers, pair.mapping(), found.get(), self.has_npsp()) {
            Ok(seen) => pair.saw(
                Side::Destination,
                seen.record,
                seen.version_ms,
                self.now_ms(),
            ),
            Err(error) => pair.stopped = Some(unfit(pair.mapping(), &error)),
        }
        Ok(())
    }

    /// Reads the rows that are wanted. Without a way to Ticketure, what the batch says has to do.
    async fn read_sources(&self, pairs: &mut [Pair]) -> Result<(), StoreError> {
        let Some(ticketure) = &self.ticketure else {
            for pair in pairs.iter_mut().filter(|pair| pair.unknown) {
                pair.intents
                    .retain(|intent| intent.key.side != Side::Source);
                if pair.source.image.is_none() {
                    pair.stopped = Some(Outcome::Done);
                }
            }
            return Ok(());
        };
        for pair in pairs.iter_mut() {
            if pair.stopped.is_some() || !pair.source.wanted || pair.source.read {
                continue;
            }
            let entity = endpoint::entity(pair.mapping());
            pair.source.asked_ms = self.now_ms();
            match ticketure.read(entity, &pair.unit.source_id).await {
                Err(error) => pair.stopped = Some(self.not_pushed(&pair.unit, &error)),
                Ok(None) => match self.may_be_merged(pair) {
                    Some(later) => {
                        pair.stopped = Some(later);
                        continue;
                    }
                    None => {
                        let read_at = self.now_ms() + self.clocks().source_offset_ms;
                        pair.unit.fate = Some(Fate::Deleted);
                        pair.unit.fate_ms = pair.unit.fate_ms.max(read_at);
                    }
                },
                Ok(Some(row)) => self.source_read(pair, Value::Object(row)),
            }
            if let Some(fate) = pair.unit.fate.clone() {
                self.gone_from_ticketure(pair, fate).await?;
            }
        }
        Ok(())
    }

    pub(crate) fn source_read(&self, pair: &mut Pair, row: Value) {
        let fate = fate_of(&row);
        let version_ms = version_of(&row).unwrap_or_default();
        let made_from = json::text_at(&row, &["external_ref"]);
        pair.unit.external_ref = made_from.or(pair.unit.external_ref.take());
        let record = to_record(
            &self.handlers,
            pair.mapping(),
            row.to_string().as_bytes(),
            self.terms(),
        );
        if fate.is_some() {
            if let (Some(Fate::MergedInto(_)), Ok(said)) = (&fate, &record) {
                pair.unit.note_refused(said.record.as_ref());
            }
            pair.unit.fate = fate;
            pair.unit.fate_ms = version_ms;
            return;
        }
        match record {
            Ok(Fitted { record, errors }) => {
                pair.unit.was_read(record.as_ref(), errors);
                pair.saw(Side::Source, record, version_ms, self.now_ms());
            }
            Err(error) => pair.stopped = Some(unfit(pair.mapping(), &error)),
        }
    }
}
