//! A batch of items to creates and updates in Salesforce, and what became of each item.
//!
//! Mappings go in the order of their references, so that a contact finds the account of its own batch. For each
//! mapping: links are read once, references resolved or parked on, unlinked records looked up in one query a
//! chunk, and what changed is written in slices of 200. Creates carry the external id, so that a repeat after a lost
//! answer finds the record instead of doubling it; updates say the wanted state, so that a repeat changes nothing.

mod adopt;
mod batch;
mod outcome;
mod references;
mod send;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use runtime::entity::Entity;
use runtime::mapping::MappingDescriptor;
use runtime::queue::{Item, Outcome, Settlement, Store, StoreError};
use runtime::salesforce::{CallError, SalesforceClient};
use runtime::worker::Process;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::config::Npsp;
use crate::routing::Handlers;

pub use batch::Unit;

/// Writes to one org.
pub struct ToSalesforce {
    pub store: Store,
    pub client: SalesforceClient,
    pub handlers: Handlers,
    setting: Npsp,
    /// Whether NPSP's fields exist, once the org has said so.
    found_npsp: OnceCell<bool>,
    random: Mutex<fastrand::Rng>,
    /// Calls that failed as a whole, in a row.
    failures: AtomicU32,
}

/// What is known of a unit's destination record when it is written.
struct Target {
    unit: Unit,
    id: String,
    /// The last state written, or read.
    base: Box<dyn Entity>,
    facts: String,
}

impl ToSalesforce {
    pub fn new(
        store: Store,
        client: SalesforceClient,
        handlers: Handlers,
        setting: Npsp,
        seed: u64,
    ) -> Self {
        ToSalesforce {
            store,
            client,
            handlers,
            setting,
            found_npsp: OnceCell::new(),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
            failures: AtomicU32::new(0),
        }
    }

    fn mapping(&self, name: &str) -> Option<&'static MappingDescriptor> {
        self.handlers
            .iter()
            .flat_map(|handler| handler.mappings())
            .copied()
            .find(|mapping| mapping.name == name)
    }

    /// As configured, or as the org's own Contact says; asked once.
    async fn npsp(&self) -> Result<bool, CallError> {
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
        let described = self.client.describe("Contact").await?;
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

    /// Nothing can be said of any item: all come back later, uncharged.
    async fn put_off(&self, items: Vec<Item>, error: &CallError) -> Result<(), StoreError> {
        tracing::warn!(%error, "the org cannot be asked whether it has NPSP");
        self.failures.fetch_add(1, Ordering::Relaxed);
        let due_ms = outcome::now_ms() + self.outage_ms();
        let later = Outcome::Retry {
            due_ms,
            error: error.to_string(),
            charge: false,
        };
        let settlements = items
            .iter()
            .map(|item| batch::settlement(item, later.clone()))
            .collect();
        self.store.settle(settlements).await.map(|_| ())
    }

    /// What [`Self::npsp`] found, once it did.
    fn has_npsp(&self) -> bool {
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

    /// Full jitter while Salesforce does not answer: the longer it lasts, the longer.
    fn outage_ms(&self) -> i64 {
        let failures = self.failures.load(Ordering::Relaxed);
        runtime::retry::outage_ms(
            failures,
            &mut self.random.lock().unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Keeps count of the calls that fail in a row.
    fn counted<T>(&self, result: Result<T, CallError>) -> Result<T, CallError> {
        match &result {
            Ok(_) => self.failures.store(0, Ordering::Relaxed),
            Err(_) => drop(self.failures.fetch_add(1, Ordering::Relaxed)),
        }
        result
    }

    /// All units of one mapping.
    async fn write(
        &self,
        mapping: &'static MappingDescriptor,
        units: Vec<Unit>,
    ) -> Result<Vec<Settlement>, StoreError> {
        let (ready, mut settlements) = self.with_references(mapping, units).await?;
        let (mut linked, unlinked) = self.split_by_link(mapping, ready).await?;
        let found = self.adopt(mapping, unlinked).await?;
        settlements.extend(found.settlements);
        linked.extend(found.adopted);
        settlements.extend(self.update_all(mapping, linked).await);
        settlements.extend(self.create_all(mapping, found.unknown).await);
        Ok(settlements)
    }

    async fn split_by_link(
        &self,
        mapping: &'static MappingDescriptor,
        units: Vec<Unit>,
    ) -> Result<(Vec<Target>, Vec<Unit>), StoreError> {
        let keys = units.iter().map(|unit| unit.source_id.clone()).collect();
        let mut links = self.store.links(mapping.name, keys).await?;
        let mut linked = Vec::new();
        let mut unlinked = Vec::new();
        for unit in units {
            match links.remove(&unit.source_id) {
                Some(link) => linked.push(Target {
                    base: batch::base(mapping, &link.base),
                    id: link.destination_id,
                    facts: link.facts,
                    unit,
                }),
                None => unlinked.push(unit),
            }
        }
        Ok((linked, unlinked))
    }
}

#[async_trait]
impl Process for ToSalesforce {
    async fn process(&self, items: Vec<Item>) -> Result<(), StoreError> {
        let npsp = match self.npsp().await {
            Ok(npsp) => npsp,
            Err(error) => return self.put_off(items, &error).await,
        };
        let batch = batch::gather(&self.handlers, items, npsp);
        if !batch.rerouted.is_empty() {
            self.store.enqueue(batch.rerouted).await?;
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
            if mine.is_empty() {
                continue;
            }
            // Settled before the next mapping, so that its records find the links of these.
            let settlements = self.write(mapping, mine).await?;
            self.store.settle(settlements).await?;
        }
        Ok(())
    }
}
