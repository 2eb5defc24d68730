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

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use runtime::entity::Entity;
use runtime::mapping::MappingDescriptor;
use runtime::queue::{Item, Settlement, Store, StoreError};
use runtime::salesforce::SalesforceClient;
use runtime::worker::Process;

use crate::routing::Handlers;

pub use batch::Unit;

/// Writes to one org.
pub struct ToSalesforce {
    pub store: Store,
    pub client: SalesforceClient,
    pub handlers: Handlers,
    /// NPSP's fields exist.
    pub npsp: bool,
    random: Mutex<fastrand::Rng>,
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
        npsp: bool,
        seed: u64,
    ) -> Self {
        ToSalesforce {
            store,
            client,
            handlers,
            npsp,
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
        }
    }

    fn mapping(&self, name: &str) -> Option<&'static MappingDescriptor> {
        self.handlers
            .iter()
            .flat_map(|handler| handler.mappings())
            .copied()
            .find(|mapping| mapping.name == name)
    }

    /// Full jitter before the next try.
    fn backoff_ms(&self, attempts: u32) -> i64 {
        runtime::retry::backoff_ms(
            attempts,
            &mut self.random.lock().unwrap_or_else(PoisonError::into_inner),
        )
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
        let batch = batch::gather(&self.handlers, items, self.npsp);
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

/// Shared by the service and its tests.
pub type Writer = Arc<ToSalesforce>;
