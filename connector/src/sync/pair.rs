//! A linked pair in a batch: what is known of it, and what both sides say now.

use runtime::change::Mask;
use runtime::entity::{Entity, Kind};
use runtime::json;
use runtime::mapping::{MappingDescriptor, Side};
use runtime::merge::{Before, Clocks, Decision, LinkState, Plan, Reading, Unlooked};
use runtime::queue::{Intent, IntentKey, Link, Outcome, SALESFORCE_CHANGED, Settlement, Tombstone};
use runtime::salesforce::normalise;
use serde_json::{Map, Value};

use super::Unit;
use super::outcome::settle;

/// One pair and the items about it.
pub(crate) struct Pair {
    pub(crate) unit: Unit,
    pub(crate) link: Link,
    /// Number of the batch, which its claims are made by.
    pub(crate) batch: u64,
    pub(crate) state: LinkState,
    /// The link is on the disk.
    pub(crate) kept: bool,
    /// Nothing was agreed yet: both sides have to be read, and then they meet.
    pub(crate) unknown: bool,
    /// The values that the pair agreed on before a merge took one of its records.
    before: Option<Before>,
    pub(crate) intents: Vec<Intent>,
    /// Consents that a record merged into this pair had refused.
    pub(crate) owed: Vec<usize>,
    /// Pairs that ended because they were merged into this one.
    pub(crate) merged: Vec<Tombstone>,
    pub(crate) source: Seen,
    pub(crate) destination: Seen,
    pub(crate) closes: Vec<IntentKey>,
    /// A write of this batch has no answer: its intent stays open.
    pub(crate) begun: bool,
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
    /// Rows of the batch that are older than what is known of Ticketure.
    older_rows: Vec<(Box<dyn Entity>, i64)>,
    /// What was taken back may still count: the other side was looked at too early to tell.
    too_early: bool,
}

/// Salesforce's record as the items of the batch saw it, and as it was then read.
struct Looked {
    earlier: Vec<(Box<dyn Entity>, i64)>,
    now: Box<dyn Entity>,
    version_ms: i64,
    /// As of when it was known before: what stood there then is nothing that was taken back since.
    known_ms: i64,
    /// Fields in which our own write was still to be seen.
    unseen: Mask,
}

/// Which of two rows is the newer one.
#[derive(Clone, Copy)]
pub(super) enum Order {
    /// By Ticketure's time; where that does not tell, Ticketure is asked.
    Time,
    /// As it arrived, where that does not tell and nobody can be asked.
    TimeThenArrival,
    Arrival,
}

/// How far a side is known in this batch.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) wanted: bool,
    /// Read in this batch.
    pub(crate) read: bool,
    /// When it was asked for last, by our clock.
    pub(crate) asked_ms: i64,
    /// What was read before the two have met.
    pub(crate) image: Option<(Box<dyn Entity>, i64)>,
}

/// What an intent says; what no longer fits the mapping stays absent.
pub(crate) fn wanted(mapping: &'static MappingDescriptor, intent: &Intent) -> Box<dyn Entity> {
    let mut wanted = mapping.new_record();
    let _ = json::read(wanted.as_mut(), intent.fields.as_bytes());
    wanted
}

impl Pair {
    pub(crate) fn new(unit: Unit, mut link: Link, intents: Vec<Intent>) -> Self {
        // From here on the state is what is known: its text is not held beside it.
        let base = std::mem::take(&mut link.base);
        let state = LinkState::from_json(unit.mapping, &base);
        Pair {
            batch: 0,
            kept: true,
            unknown: !LinkState::is_known(&base),
            before: Before::from_json(unit.mapping, &base),
            state,
            unit,
            link,
            intents,
            owed: Vec::new(),
            merged: Vec::new(),
            source: Seen::default(),
            destination: Seen::default(),
            closes: Vec::new(),
            begun: false,
            stopped: None,
            tombstone: None,
            forget: false,
            replace: None,
            plan: None,
            went_under: Vec::new(),
            looked: None,
            older_rows: Vec::new(),
            too_early: false,
        }
    }

    pub(crate) fn mapping(&self) -> &'static MappingDescriptor {
        self.unit.mapping
    }

    /// The record that Salesforce locks with this one, where it is known.
    pub(crate) fn lock(&self) -> Option<String> {
        Some(self.link.lock.clone()).filter(|lock| !lock.is_empty())
    }

    /// Takes in what the rows of the batch say.
    pub(super) fn observe_rows(&mut self, now_ms: i64, order: Order) {
        let open = self
            .intents
            .iter()
            .filter(|intent| intent.key.side == Side::Source && intent.kind == "update");
        let open: Vec<Box<dyn Entity>> = open
            .map(|intent| wanted(self.unit.mapping, intent))
            .collect();
        if !self.unknown && self.unit.version_ms() < self.state.source.version_ms {
            self.unit.says_nothing_of_errors();
        }
        for (row, at) in std::mem::take(&mut self.unit.rows) {
            if self.unknown {
                let seen = self.source.image.as_ref();
                if seen.is_none_or(|(_, seen)| *seen <= at) {
                    self.source.image = Some((row, at));
                }
                continue;
            }
            let known = self.state.source.version_ms;
            let newer = match order {
                Order::Time => at > known,
                Order::TimeThenArrival => at >= known,
                Order::Arrival => true,
            };
            if newer {
                for wanted in &open {
                    self.state.shows_ours(wanted.as_ref(), row.as_ref());
                }
                self.state.observe(Side::Source, row.as_ref(), at, now_ms);
            } else {
                // What it says may be what we have written since, over what it was put back to.
                let under = self.state.went_under(Side::Source, row.as_ref(), at);
                self.went_under.extend(under);
                if self.says_nothing_new(row.as_ref()) {
                    continue;
                }
                // Older than what is known, or as old and different: only Ticketure knows what it has now.
                self.state.seen_before(Side::Source, row.as_ref(), at);
                self.source.wanted = true;
                self.older_rows.push((row, at));
            }
        }
        self.destination.wanted |= self.state.has_taken_back(Side::Source);
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
        self.close_intent(side, (seen.as_ref(), version_ms), now_ms);
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
            let late = self
                .state
                .went_under_late(side, image.as_ref(), *at, seen.as_ref());
            self.went_under.extend(under.into_iter().chain(late));
        }
        let known_ms = self.state.side(side).version_ms;
        let untouched = self.state.unseen(side);
        self.state.observe(side, seen.as_ref(), version_ms, now_ms);
        // A change that was read earlier, and is still there, has been there since.
        for (image, at) in &earlier {
            self.state.seen_before(side, image.as_ref(), *at);
        }
        // Somebody changed it and took it back: whether that matters depends on what Ticketure has.
        self.source.wanted |= earlier.iter().any(|(image, _)| {
            self.state
                .went_back(image.as_ref(), seen.as_ref(), &untouched)
        });
        self.source.wanted |= self.state.has_taken_back(Side::Destination);
        if side == Side::Destination && !earlier.is_empty() {
            self.looked = Some(Looked {
                earlier,
                now: seen,
                version_ms,
                known_ms,
                unseen: untouched,
            });
        }
        self.note_taken_back();
        match side {
            Side::Source => self.source.read = true,
            Side::Destination => self.destination.read = true,
        }
    }

    /// A write has no answer: it is read back before anything else.
    pub(crate) fn leave_open(&mut self, side: Side) {
        self.closes.retain(|closed| closed.side != side);
        self.begun = true;
    }

    /// What Salesforce showed in between counts once it is known what both sides say.
    fn note_taken_back(&mut self) {
        if let Some(looked) = &self.looked {
            for (earlier, at) in &looked.earlier {
                if *at <= looked.known_ms {
                    continue;
                }
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
    fn close_intent(&mut self, side: Side, seen: (&dyn Entity, i64), now_ms: i64) {
        let intents = std::mem::take(&mut self.intents);
        for intent in intents {
            if intent.key.side != side {
                self.intents.push(intent);
                continue;
            }
            let wanted = wanted(self.unit.mapping, &intent);
            if self.unknown && intent.kind == "create" && self.is_made_by_us(side) {
                // Ours, made before a crash or with an answer that was lost.
                self.state = LinkState::created(self.unit.mapping, wanted.as_ref(), 0);
                self.state.made(side);
                self.unknown = false;
                if let Some((row, at)) = self.source.image.take() {
                    self.state.observe(Side::Source, row.as_ref(), at, now_ms);
                }
                if let Some((record, at)) = self.destination.image.take() {
                    self.state
                        .observe(Side::Destination, record.as_ref(), at, now_ms);
                }
            } else if !self.unknown {
                self.state.read_back(side, wanted.as_ref(), seen, now_ms);
            }
            self.closes.push(intent.key);
        }
    }

    /// What a create of ours without an answer made: a row of Ticketure's names the record that it was made from.
    fn is_made_by_us(&self, side: Side) -> bool {
        let from = self.unit.external_ref.as_deref();
        let is_from = |id: &str| normalise(id) == self.link.destination_id;
        side == Side::Destination || from.is_some_and(is_from)
    }

    /// The images of the items that changes of Salesforce's became, and when each was read. An image of what our own
    /// writes have replaced since is left out.
    pub(super) fn earlier(&self) -> Vec<(Box<dyn Entity>, i64)> {
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
            let mut record = self.unit.mapping.new_record();
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
                let clocks = Clocks::default();
                let reading = self
                    .state
                    .reading(Side::Destination, record.as_ref(), at, &clocks);
                if reading == Reading::Telling {
                    earlier.push((record, at));
                }
            }
        }
        earlier
    }

    /// Both were read for the first time. An open intent is read back before that: perhaps one was made of the other.
    pub(crate) fn meet(&mut self, now_ms: i64) {
        let is_begun = self.has_intent(Side::Source) && !self.source.read;
        if !self.unknown || is_begun {
            return;
        }
        if self.source.image.is_none() || self.destination.image.is_none() {
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
        if let Some(before) = &self.before {
            self.state.prefer_survivor(before);
        }
        self.unknown = false;
        self.state
            .observe(Side::Source, source.0.as_ref(), source.1, now_ms);
    }

    /// Everything was looked at: was it late enough?
    pub(super) fn was_looked_at(&mut self, clocks: &Clocks) {
        for (row, at) in std::mem::take(&mut self.older_rows) {
            let under = self.state.put_back_unseen(row.as_ref(), at);
            self.went_under.extend(under);
        }
        let sides = [
            (Side::Source, &self.destination),
            (Side::Destination, &self.source),
        ];
        self.too_early = sides.iter().any(|(side, other)| {
            self.state
                .has_taken_back_since(*side, other.asked_ms, clocks)
        });
    }

    /// Returns the base of the link by which a survivor takes over the record of this side.
    pub(super) fn taken_over(&self, stays: Side) -> String {
        if !self.unknown {
            return self.state.taken_over(stays);
        }
        // Made by a create of ours whose answer never came: until it is read, that is what both had.
        let mut creates = self.intents.iter();
        let create = creates.find(|one| one.key.side == stays && one.kind == "create");
        match create.filter(|_| self.is_made_by_us(stays)) {
            Some(create) => {
                let made = wanted(self.unit.mapping, create);
                LinkState::created(self.unit.mapping, made.as_ref(), 0).taken_over(stays)
            }
            None => "{}".to_owned(),
        }
    }

    /// The link as it is to be kept.
    pub(crate) fn link(&self) -> Option<Link> {
        if self.replace.is_some() {
            return self.replace.clone();
        }
        let is_unasked = |side: &Seen| side.wanted && !side.read;
        let unlooked = Unlooked {
            taken_back: self.too_early || is_unasked(&self.source) || is_unasked(&self.destination),
            begun: self.begun || !self.intents.is_empty(),
        };
        (!self.unknown && !self.forget).then(|| Link {
            base: self.state.json(unlooked),
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
