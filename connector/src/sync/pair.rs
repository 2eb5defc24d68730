//! A linked pair in a batch: what is known of it, and what both sides say now.

use runtime::change::{Mask, present};
use runtime::entity::{Entity, Kind};
use runtime::json;
use runtime::mapping::{MappingDescriptor, Side};
use runtime::merge::{Decision, LinkState, Plan};
use runtime::queue::{
    Intent, IntentKey, Link, Outcome, SALESFORCE_CHANGED, Settlement, StoreError, Tombstone,
};
use runtime::salesforce::RETRIEVE_MAX;
use serde_json::{Map, Value};

use super::batch::{Fate, fate_of, to_record, version_of};
use super::outcome::{settle, unfit};
use super::{Broken, TwoWaySync, Unit, image};
use crate::to_ticketure::endpoint;

/// One pair and the items about it.
pub(crate) struct Pair {
    pub(crate) unit: Unit,
    pub(crate) link: Link,
    pub(crate) state: LinkState,
    /// The link is on the disk.
    pub(crate) kept: bool,
    /// Nothing was agreed yet: both sides have to be read, and then they meet.
    pub(crate) unknown: bool,
    pub(crate) intents: Vec<Intent>,
    pub(crate) source: Seen,
    pub(crate) destination: Seen,
    pub(crate) closes: Vec<IntentKey>,
    /// It cannot go on: this happens to its items.
    pub(crate) stopped: Option<Outcome>,
    pub(crate) tombstone: Option<Tombstone>,
    /// The pair is no more as it was: the link is not written back.
    pub(crate) forget: bool,
    /// The link that takes its place.
    pub(crate) replace: Option<Link>,
    pub(crate) plan: Option<Plan>,
    /// What somebody wrote while we did.
    pub(crate) went_under: Vec<Decision>,
    looked: Option<Looked>,
}

/// Salesforce's record as the items of the batch saw it, and as it was then read.
struct Looked {
    earlier: Vec<(Box<dyn Entity>, i64)>,
    now: Box<dyn Entity>,
    version_ms: i64,
    /// Fields in which our own write was still to be seen.
    unseen: Mask,
}

/// How far a side is known in this batch.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) wanted: bool,
    /// Read in this batch.
    pub(crate) read: bool,
    /// What was read before the two have met.
    pub(crate) image: Option<(Box<dyn Entity>, i64)>,
}

impl Pair {
    pub(crate) fn new(unit: Unit, link: Link, intents: Vec<Intent>) -> Self {
        let state = LinkState::from_json(unit.mapping, &link.base);
        Pair {
            kept: true,
            unknown: !link.base.contains("\"agreed\""),
            state,
            unit,
            link,
            intents,
            source: Seen::default(),
            destination: Seen::default(),
            closes: Vec::new(),
            stopped: None,
            tombstone: None,
            forget: false,
            replace: None,
            plan: None,
            went_under: Vec::new(),
            looked: None,
        }
    }

    pub(crate) fn mapping(&self) -> &'static MappingDescriptor {
        self.unit.mapping
    }

    /// Takes in what the rows of the batch say.
    fn observe_rows(&mut self, now_ms: i64, in_order: bool) {
        for (row, at) in &self.unit.rows {
            if self.unknown {
                let newer = self
                    .source
                    .image
                    .as_ref()
                    .is_none_or(|(_, seen)| seen <= at);
                if newer {
                    self.source.image = Some((copy(self.unit.mapping, row.as_ref()), *at));
                }
                continue;
            }
            if *at > self.state.source.version_ms || !in_order {
                self.state.observe(Side::Source, row.as_ref(), *at, now_ms);
            } else if !self.says_nothing_new(row.as_ref()) {
                // Older than what is known, or as old and different: only Ticketure knows what it has now.
                self.state.seen_before(Side::Source, row.as_ref(), *at);
                let under = self.state.went_under(Side::Source, row.as_ref(), *at);
                self.went_under.extend(under);
                self.source.wanted = true;
            }
        }
        self.source.wanted |= self.has_intent(Side::Source);
        self.destination.wanted |= self.has_intent(Side::Destination) || self.unit.goes_back();
        if self.unknown {
            self.destination.wanted = true;
        }
    }

    fn says_nothing_new(&self, row: &dyn Entity) -> bool {
        let current = self.state.current(Side::Source);
        (0..row.descriptor().fields.len()).all(|field| {
            let slot = row.slot(field);
            slot.is_absent() || slot.equivalent(current.slot(field))
        })
    }

    fn has_intent(&self, side: Side) -> bool {
        self.intents.iter().any(|intent| intent.key.side == side)
    }

    /// A side was read.
    pub(crate) fn saw(&mut self, side: Side, seen: Box<dyn Entity>, version_ms: i64, now_ms: i64) {
        self.close_intent(side, seen.as_ref(), now_ms);
        if self.unknown {
            let slot = match side {
                Side::Source => &mut self.source,
                Side::Destination => &mut self.destination,
            };
            slot.image = Some((seen, version_ms));
            slot.read = true;
            return;
        }
        let earlier = match side {
            Side::Source => Vec::new(),
            Side::Destination => self.earlier(),
        };
        for (image, at) in &earlier {
            let under = self.state.went_under(side, image.as_ref(), *at);
            self.went_under.extend(under);
        }
        let untouched = self.state.unseen(side);
        self.state.observe(side, seen.as_ref(), version_ms, now_ms);
        // A change that was read earlier, and is still there, has been there since.
        for (image, at) in &earlier {
            self.state.seen_before(side, image.as_ref(), *at);
        }
        if side == Side::Destination {
            self.looked = Some(Looked {
                earlier,
                now: seen,
                version_ms,
                unseen: untouched,
            });
        }
        self.note_taken_back();
        match side {
            Side::Source => self.source.read = true,
            Side::Destination => self.destination.read = true,
        }
    }

    /// What Salesforce showed in between counts once it is known what both sides say.
    fn note_taken_back(&mut self) {
        if let Some(looked) = &self.looked {
            for (earlier, _) in &looked.earlier {
                self.state.taken_back(
                    Side::Destination,
                    earlier.as_ref(),
                    looked.now.as_ref(),
                    looked.version_ms,
                    &looked.unseen,
                );
            }
        }
    }

    /// The open intent of a side meets what is there: it was carried out, or it may still come.
    fn close_intent(&mut self, side: Side, seen: &dyn Entity, now_ms: i64) {
        let intents = std::mem::take(&mut self.intents);
        for intent in intents {
            if intent.key.side != side {
                self.intents.push(intent);
                continue;
            }
            let mut wanted = (self.unit.mapping.new_record)();
            let _ = json::read(wanted.as_mut(), intent.fields.as_bytes());
            if self.unknown && intent.kind == "create" {
                // Ours, made before a crash or with an answer that was lost.
                self.state = LinkState::created(self.unit.mapping, wanted.as_ref(), 0);
                self.state.made(side);
                self.unknown = false;
                if let Some((row, at)) = self.source.image.take() {
                    self.state.observe(Side::Source, row.as_ref(), at, now_ms);
                }
            } else {
                self.state.read_back(side, wanted.as_ref(), seen, now_ms);
            }
            self.closes.push(intent.key);
        }
    }

    /// What the items say that changes of Salesforce's became, and when it was read.
    fn earlier(&self) -> Vec<(Box<dyn Entity>, i64)> {
        let mut earlier = Vec::new();
        for item in self
            .unit
            .items
            .iter()
            .filter(|item| item.payload_type == SALESFORCE_CHANGED)
        {
            let Ok(found) = serde_json::from_str::<Map<String, Value>>(&item.payload) else {
                continue;
            };
            let at = found.get("SystemModstamp").and_then(Value::as_str);
            let mut record = (self.unit.mapping.new_record)();
            if let Some(at) = at.and_then(runtime::clock::parse_ms)
                && json::read(record.as_mut(), item.payload.as_bytes()).is_ok()
            {
                for (index, field) in self.unit.mapping.record.fields.iter().enumerate() {
                    if matches!(field.kind, Kind::Reference { .. })
                        || !self.unit.mapping.sync(index).both
                    {
                        record.slot_mut(index).set_absent();
                    }
                }
                earlier.push((record, at));
            }
        }
        earlier
    }

    /// Both were read for the first time.
    pub(crate) fn meet(&mut self, now_ms: i64) {
        if !self.unknown || self.source.image.is_none() || self.destination.image.is_none() {
            return;
        }
        let (Some(source), Some(destination)) =
            (self.source.image.take(), self.destination.image.take())
        else {
            return;
        };
        self.state = LinkState::meet(
            self.unit.mapping,
            (source.0.as_ref(), source.1),
            (destination.0.as_ref(), destination.1),
        );
        self.unknown = false;
        self.state
            .observe(Side::Source, source.0.as_ref(), source.1, now_ms);
    }

    /// The link as it is to be kept.
    pub(crate) fn link(&self) -> Option<Link> {
        if self.replace.is_some() {
            return self.replace.clone();
        }
        (!self.unknown && !self.forget).then(|| Link {
            base: self.state.to_json(),
            ..self.link.clone()
        })
    }

    /// What does not go on is settled; its link is kept as it is known.
    pub(crate) fn stop(self, outcome: &Outcome) -> Vec<Settlement> {
        let link = self.link();
        let (closes, tombstone) = (self.closes, self.tombstone);
        let mut settled = settle(self.unit, outcome, link);
        if let Some(last) = settled.last_mut() {
            last.closes = closes;
            last.tombstone = tombstone;
        }
        settled
    }
}

fn copy(mapping: &MappingDescriptor, record: &dyn Entity) -> Box<dyn Entity> {
    runtime::entity::copied(mapping.new_record, record)
}

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
            facts: crate::to_salesforce::adopt::facts(mapping, record),
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
            if let Some(fate) = pair.unit.fate.clone() {
                self.gone_from_ticketure(pair, fate).await?;
                continue;
            }
            pair.observe_rows(self.now_ms(), !self.breaks(Broken::Lanes));
            if pair.destination.image.is_some() {
                // A look-up of this batch has just read it.
                let (seen, at) = pair
                    .destination
                    .image
                    .take()
                    .unwrap_or_else(|| ((pair.unit.mapping.new_record)(), 0));
                pair.saw(Side::Destination, seen, at, self.now_ms());
            }
        }
        for _ in 0..3 {
            self.plan(pairs);
            if !self.read_destinations(pairs).await? {
                break;
            }
            self.plan(pairs);
            self.read_sources(pairs).await?;
        }
        self.plan(pairs);
        Ok(())
    }

    /// What is to be written, and what has to be read before that.
    fn plan(&self, pairs: &mut [Pair]) {
        let clocks = self.clocks();
        for pair in pairs.iter_mut().filter(|pair| pair.stopped.is_none()) {
            if pair.unknown {
                pair.source.wanted |= pair.source.image.is_none();
                pair.meet(self.now_ms());
            }
            if pair.unknown {
                continue;
            }
            let mut plan = pair.state.plan(&clocks);
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
        if self.breaks(Broken::Merge) && both(plan) {
            plan.to_source = (pair.mapping().new_record)();
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
            match self.counted(
                self.salesforce
                    .retrieve(mapping.object, &ids, &select)
                    .await,
            ) {
                Err(error) => {
                    for pair in chunk.iter_mut() {
                        pair.stopped = Some(self.not_answered(&pair.unit, &error));
                    }
                }
                Ok(found) => {
                    for (pair, found) in chunk.iter_mut().zip(found) {
                        self.destination_read(pair, found).await?;
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
        found: Option<Map<String, Value>>,
    ) -> Result<(), StoreError> {
        let Some(found) = found else {
            return self.gone_from_salesforce(pair).await;
        };
        match image::of(&self.handlers, pair.mapping(), &found, self.has_npsp()) {
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
            for pair in pairs
                .iter_mut()
                .filter(|pair| pair.unknown && pair.source.image.is_none())
            {
                pair.stopped = Some(Outcome::Done);
            }
            return Ok(());
        };
        for pair in pairs.iter_mut() {
            if pair.stopped.is_some() || !pair.source.wanted || pair.source.read {
                continue;
            }
            let entity = endpoint::entity(pair.mapping());
            match self.counted_back(ticketure.read(entity, &pair.unit.source_id).await) {
                Err(error) => pair.stopped = Some(self.not_pushed(&pair.unit, &error)),
                Ok(None) => pair.unit.fate = Some(Fate::Deleted),
                Ok(Some(row)) => self.source_read(pair, Value::Object(row)),
            }
            if let Some(fate) = pair.unit.fate.clone() {
                self.gone_from_ticketure(pair, fate).await?;
            }
        }
        Ok(())
    }

    pub(crate) fn source_read(&self, pair: &mut Pair, row: Value) {
        if let Some(fate) = fate_of(&row) {
            pair.unit.fate = Some(fate);
            return;
        }
        let version_ms = version_of(&row).unwrap_or_default();
        let record = to_record(
            &self.handlers,
            pair.mapping(),
            row.to_string().as_bytes(),
            self.has_npsp(),
        );
        match record {
            Ok(record) => pair.saw(Side::Source, record, version_ms, self.now_ms()),
            Err(error) => pair.stopped = Some(unfit(pair.mapping(), &error)),
        }
    }
}
