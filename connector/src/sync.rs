//! A batch of items to writes on both sides, and what became of each item.
//!
//! Mappings go in the order of their references, so that a contact finds the account of its own batch. For each:
//! unlinked rows find a record or become one (`to_salesforce`), linked pairs are looked at, merged field by field and
//! written to whichever side lacks something (`pair`, `write`), records that only Salesforce knows are made in
//! Ticketure (`to_ticketure`). Every write is an intent on the disk first, and may be repeated.

pub(crate) mod batch;
mod blamed;
mod buried;
pub(crate) mod calls;
mod clocks;
pub(crate) mod clones;
mod decided;
mod failed;
pub(crate) mod fields;
pub(crate) mod gone;
mod held;
pub(crate) mod holds;
pub(crate) mod image;
mod look;
pub(crate) mod meeting;
pub(crate) mod notes;
mod opt_outs;
pub(crate) mod outcome;
pub(crate) mod pair;
mod refusal;
mod standstill;
mod survivors;
#[cfg(test)]
#[cfg(feature = "demo")]
pub(crate) mod tests;
pub(crate) mod write;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use runtime::call_size::CallSizes;
use runtime::lock_groups::LockGroups;
use runtime::mapping::MappingDescriptor;
#[cfg(feature = "demo")]
use runtime::queue::Breaks;
use runtime::queue::{Item, MERGED, SALESFORCE_CHANGED, Store, StoreError};
use runtime::salesforce::{COLLECTION_MAX, CallError, SalesforceClient};
use runtime::ticketure::TicketureClient;
use runtime::worker::Process;
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use crate::config::Npsp;
use crate::routing::Handlers;
use crate::settings::{Settings, Terms};

pub use batch::Unit;
use blamed::Blamed;
pub(crate) use held::{calls as held_calls, held_name};
use pair::Pair;

/// The promises, each of which a simulation can break to see that its judge notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Broken {
    /// Nothing is remembered of what both sides agreed on.
    Base,
    /// Writes are not noted before they are made, and not read back.
    Intents,
    /// Rows are taken as they arrive, older ones over newer ones.
    Lanes,
    /// What was only written by us goes back as if somebody had changed it.
    Echo,
    /// The record that changed last is written over the other as a whole.
    Merge,
    /// Records go back without what is required.
    Gates,
    /// Items wait without a look whether what they wait for is there.
    Parking,
    /// What a killed process says of its items is taken.
    Fence,
    /// Items are handed out whatever comes before them in their lane.
    Order,
    /// A system that does not answer is asked again at once.
    Calls,
    /// Webhooks are acknowledged, and stored a moment later.
    Acknowledged,
    /// What nothing speaks for any longer stays in the books of its cart.
    Books,
    /// What a call without an answer did to a tree long after it is not looked for.
    Late,
    /// A later end is sent to Ticketure, and stays on the opportunity as if it had not been.
    Extensions,
    /// Opt-outs wait for what is required, and merged records take theirs with them.
    Consent,
    /// A reading as old as our last write, or a moment newer, is taken for that write, whatever it says.
    Readings,
}

#[cfg(feature = "demo")]
impl Broken {
    /// The switch of the store that breaks it.
    pub(crate) fn of_the_store(self) -> Option<Breaks> {
        match self {
            Broken::Parking => Some(Breaks::Parking),
            Broken::Fence => Some(Breaks::Fence),
            Broken::Order => Some(Breaks::Order),
            _ => None,
        }
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Broken::Base => "base",
            Broken::Intents => "intents",
            Broken::Lanes => "lanes",
            Broken::Echo => "echo",
            Broken::Merge => "merge",
            Broken::Gates => "gates",
            Broken::Parking => "parking",
            Broken::Fence => "fence",
            Broken::Order => "order",
            Broken::Calls => "calls",
            Broken::Acknowledged => "acknowledged",
            Broken::Books => "books",
            Broken::Late => "late",
            Broken::Extensions => "extensions",
            Broken::Consent => "consent",
            Broken::Readings => "readings",
        })
    }
}

/// Writes to one org and one tenant.
pub struct TwoWaySync {
    pub store: Store,
    pub salesforce: SalesforceClient,
    /// Nothing goes back where there is no way to Ticketure.
    pub ticketure: Option<TicketureClient>,
    pub handlers: Handlers,
    setting: Npsp,
    /// Whether NPSP's fields exist, once the org has said so.
    found_npsp: OnceCell<bool>,
    random: Mutex<fastrand::Rng>,
    /// Shared by all batches that are under way.
    call_sizes: Mutex<CallSizes>,
    blamed: Mutex<Blamed>,
    lock_groups: Mutex<LockGroups>,
    standstills: standstill::Standstills,
    held_mappings: held::Held,
    broken: Option<Broken>,
    pub(crate) meetings: Arc<meeting::Meetings>,
    /// What mappings read as `$name`.
    pub(crate) settings: Settings,
    /// The same as members of a row, without NPSP and with it.
    members: [Map<String, Value>; 2],
    pub(crate) lookups: crate::trees::Lookups,
    pub(crate) woken: crate::trees::Woken,
    /// Ticketure is asked for records that others wait for.
    pub(crate) fetches_missing: bool,
    pub(crate) asked: crate::to_salesforce::fetch::Asked,
}

impl TwoWaySync {
    pub fn new(
        store: Store,
        salesforce: SalesforceClient,
        ticketure: Option<TicketureClient>,
        handlers: Handlers,
        setting: Npsp,
        seed: u64,
    ) -> Self {
        TwoWaySync {
            store,
            salesforce,
            ticketure,
            handlers,
            setting,
            found_npsp: OnceCell::new(),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
            meetings: Arc::default(),
            settings: crate::settings::defaults(),
            members: as_members(&crate::settings::defaults()),
            lookups: crate::trees::Lookups::default(),
            woken: crate::trees::Woken::default(),
            fetches_missing: false,
            asked: crate::to_salesforce::fetch::Asked::default(),
            call_sizes: Mutex::new(CallSizes::new(COLLECTION_MAX)),
            blamed: Mutex::default(),
            lock_groups: Mutex::new(LockGroups::default()),
            standstills: standstill::Standstills::default(),
            held_mappings: held::Held::default(),
            broken: None,
        }
    }

    /// Whether Ticketure is asked for records that others wait for.
    pub fn fetching(mut self, fetches: bool) -> Self {
        self.fetches_missing = fetches;
        self
    }

    /// What mappings read as `$name`.
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.members = as_members(&settings);
        self.settings = settings;
        self
    }

    /// Breaks a promise on purpose: so a simulation shows that it would notice.
    #[cfg(feature = "demo")]
    pub fn broken(mut self, broken: Option<Broken>) -> Self {
        self.broken = broken;
        self
    }

    pub(crate) fn breaks(&self, promise: Broken) -> bool {
        self.broken == Some(promise)
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.store.now_ms()
    }

    pub(crate) fn mapping(&self, name: &str) -> Option<&'static MappingDescriptor> {
        self.handlers
            .iter()
            .flat_map(|handler| handler.mappings())
            .copied()
            .find(|mapping| mapping.name == name)
    }

    /// As configured, or as the org's own Contact says; asked once.
    pub(crate) async fn npsp(&self) -> Result<bool, CallError> {
        match self.setting {
            Npsp::Yes => Ok(true),
            Npsp::No => Ok(false),
            Npsp::Auto => self
                .found_npsp
                .get_or_try_init(|| self.ask_for_npsp())
                .await
                .copied(),
        }
    }

    async fn ask_for_npsp(&self) -> Result<bool, CallError> {
        let described = self.salesforce.describe("Contact").await?;
        let fields = described
            .get("fields")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let names = fields
            .iter()
            .filter_map(|field| field.get("name").and_then(Value::as_str));
        Ok(names.into_iter().any(|name| name.starts_with("npsp__")))
    }

    fn is_of_tree(&self, item: &Item) -> bool {
        let mapping = item.mapping.as_deref().and_then(|name| self.mapping(name));
        mapping.is_some_and(|mapping| mapping.tree.is_some())
    }

    /// Nothing can be said of any item: all come back later, uncharged.
    async fn put_off(&self, items: Vec<Item>, error: &CallError) -> Result<(), StoreError> {
        tracing::warn!(%error, "the org cannot be asked whether it has NPSP");
        if !error.is_everybodys() {
            self.hold(&format!(
                "the org cannot be asked whether it has NPSP: {error}"
            ));
        }
        let later = self
            .held()
            .unwrap_or_else(|| self.again(100, &error.to_string()));
        let settlements = items
            .iter()
            .map(|item| batch::settlement(item, later.clone()))
            .collect();
        self.store.settle(settlements).await.map(|_| ())
    }

    /// What rows are made of beside their own members.
    pub(crate) fn terms(&self) -> Terms<'_> {
        let npsp = self.has_npsp();
        let [without, with] = &self.members;
        Terms {
            npsp,
            settings: if npsp { with } else { without },
        }
    }

    /// What [`Self::npsp`] found, once it did.
    pub(crate) fn has_npsp(&self) -> bool {
        match self.setting {
            Npsp::Yes => true,
            Npsp::No => false,
            Npsp::Auto => self.found_npsp.get().copied().unwrap_or(false),
        }
    }

    /// Full jitter before the next try.
    fn backoff_ms(&self, attempts: u32) -> i64 {
        runtime::retry::backoff_ms(
            attempts,
            &mut self.random.lock().unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// The wait of an item before its next try; `None` if its tries are used up.
    fn next_try_ms(&self, failure: &outcome::Failure<'_>, failures: u32) -> Option<i64> {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        runtime::retry::next_try_ms(failure.verdict, failure.code, failures, &mut random)
    }

    /// All units of one mapping. `keys` are those by which trees wait for them.
    async fn write(
        &self,
        mapping: &'static MappingDescriptor,
        units: Vec<Unit>,
        keys: &[String],
    ) -> Result<(), StoreError> {
        let units = self.without_held(units).await?;
        let units = self.without_held_mapping(mapping, units).await?;
        if units.is_empty() {
            return Ok(());
        }
        let is_try = {
            let holds = self.holds();
            let mut units = units.iter();
            units.any(|unit| holds.is_probe(mapping.name, &unit.source_id))
        };
        let (mut pairs, unlinked) = self.split_by_link(mapping, units).await?;
        let mut unlinked = self.without_creates(unlinked).await?;
        self.know_failed(mapping, &mut pairs, &mut unlinked).await?;
        let met = self.meet(mapping, pairs, unlinked).await?;
        let (mut meeting, mut pairs) = (met.meeting, met.pairs);
        let (rows, born): (Vec<Unit>, Vec<Unit>) =
            met.unlinked.into_iter().partition(Unit::goes_forward);
        let (rows, mut settlements) = self.as_decided(mapping, rows).await?;
        let (rows, buried) = self.without_buried(mapping, rows).await?;
        settlements.extend(buried);
        settlements.extend(met.put_off);
        let (ready, waiting) = self.with_references(mapping, rows).await?;
        settlements.extend(waiting);
        let found = self.adopt(mapping, ready, &mut meeting).await?;
        settlements.extend(found.settlements);
        let mut adopted = found.adopted;
        self.know_failed(mapping, &mut adopted, &mut []).await?;
        pairs.extend(adopted);
        settlements.extend(self.sync_pairs(mapping, pairs).await?);
        let (unknown, made) = self
            .without_made_and_deleted(mapping, found.unknown)
            .await?;
        settlements.extend(made);
        settlements.extend(self.create_all(mapping, unknown).await?);
        let wanted = crate::to_salesforce::fetch::wanted(&settlements);
        // What was linked just now has to be known to those that come next.
        self.settle_and_wake(settlements, keys).await?;
        self.fetch(wanted).await?;
        let settlements = self.born(mapping, born, &mut meeting).await?;
        self.settle_and_wake(settlements, keys).await?;
        if is_try {
            self.holds().tried(mapping.name);
        }
        Ok(())
    }

    /// The units whose systems can be asked; the others come back when they may try.
    async fn without_held(&self, units: Vec<Unit>) -> Result<Vec<Unit>, StoreError> {
        let (forward, back) = (self.held(), self.held_back());
        if forward.is_none() && back.is_none() {
            return Ok(units);
        }
        let mut going = Vec::new();
        let mut settlements = Vec::new();
        for unit in units {
            let later = match unit.goes_forward() {
                true => forward.as_ref(),
                false => forward.as_ref().or(back.as_ref()),
            };
            match later {
                Some(later) => settlements.extend(outcome::settle(unit, later, None)),
                None => going.push(unit),
            }
        }
        self.store.settle(settlements).await?;
        Ok(going)
    }

    async fn split_by_link(
        &self,
        mapping: &'static MappingDescriptor,
        units: Vec<Unit>,
    ) -> Result<(Vec<Pair>, Vec<Unit>), StoreError> {
        let keys = units.iter().map(|unit| unit.source_id.clone()).collect();
        let mut links = self.store.links(mapping.name, keys).await?;
        let mut linked = Vec::new();
        let mut unlinked = Vec::new();
        for unit in units {
            match links.remove(&unit.source_id) {
                Some(mut link) => {
                    if self.breaks(Broken::Base) {
                        link.base = "{}".to_owned();
                    }
                    if link.lane.is_empty() {
                        link.lane = lane_of(&unit);
                    }
                    linked.push(Pair::new(unit, link, Vec::new()));
                }
                None => unlinked.push(unit),
            }
        }
        Ok((linked, unlinked))
    }

    /// The source ids of the records that changes in Salesforce are about.
    async fn known(&self, items: &[Item]) -> Result<batch::Known, StoreError> {
        let mut ids: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for item in items
            .iter()
            .filter(|item| item.payload_type == SALESFORCE_CHANGED)
        {
            if let Some(mapping) = &item.mapping {
                ids.entry(mapping).or_default().push(item.key.clone());
            }
        }
        let mut known = batch::Known::new();
        for (mapping, ids) in ids {
            for (id, link) in self.store.links_by_destination(mapping, ids).await? {
                known.insert((mapping.to_owned(), id), link.source_id);
            }
        }
        Ok(known)
    }
}

/// The lane of a pair: the one of the items that Ticketure sent, else its source id.
pub(crate) fn lane_of(unit: &Unit) -> String {
    let forward = unit
        .items
        .iter()
        .find(|item| item.payload_type != SALESFORCE_CHANGED);
    forward.map_or_else(|| unit.source_id.clone(), |item| item.lane.clone())
}

#[async_trait]
impl Process for TwoWaySync {
    async fn process(&self, items: Vec<Item>) -> Result<(), StoreError> {
        let npsp = match self.npsp().await {
            Ok(npsp) => npsp,
            Err(error) => return self.put_off(items, &error).await,
        };
        let items = self.without_asked(items).await?;
        let (pushes, items): (Vec<Item>, Vec<Item>) =
            items.into_iter().partition(|item| self.is_push(item));
        let (of_trees, items): (Vec<Item>, Vec<Item>) =
            items.into_iter().partition(|item| self.is_of_tree(item));
        let (merged, items): (Vec<Item>, Vec<Item>) = items
            .into_iter()
            .partition(|item| item.payload_type == MERGED);
        let known = self.known(&items).await?;
        let batch = batch::gather(&self.handlers, items, &known, self.terms());
        if !batch.rerouted.is_empty() {
            self.store.add(batch.rerouted).await?;
        }
        if !batch.settled.is_empty() {
            self.store.settle(batch.settled).await?;
        }
        let mut units = batch.units;
        for mapping in batch::in_order(&self.handlers) {
            let (mine, others): (Vec<Unit>, Vec<Unit>) = units
                .into_iter()
                .partition(|unit| unit.mapping.name == mapping.name);
            units = others;
            if !mine.is_empty() {
                let found = self.may_be_looked_for(mapping, &mine);
                let identities = mine.iter().map(|unit| unit.source_id.as_str());
                let kin = self.kin_keys(mapping.name, identities).await?;
                // Settled before the next mapping, so that its records find the links of these.
                self.write(mapping, mine, &[found, kin].concat()).await?;
            }
        }
        self.write_trees(of_trees, npsp).await?;
        let in_hand = merged.len() + pushes.len();
        self.follow_merges(merged, in_hand, npsp).await?;
        self.push_changed(pushes).await?;
        self.not_held();
        self.tend_holds().await?;
        Ok(())
    }

    async fn ready(&self, wanted: usize) -> Result<usize, StoreError> {
        self.may_claim(wanted).await
    }
}

fn as_members(settings: &Settings) -> [Map<String, Value>; 2] {
    [false, true].map(|npsp| crate::settings::as_members(settings, npsp))
}
