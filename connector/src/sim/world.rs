//! The world of one history: both systems, the network between, and a process that may be killed.

mod act;
mod rest;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use runtime::clock::Now;
use runtime::queue::{
    DecisionRecord, FailedItem, ItemView, Outcome, Settlement, State, Store, StoreOptions,
};
use serde_json::Value;
use simulator::{Clock, Simulator, SimulatorOptions};
use tokio::time::Instant;

use super::history::History;
use super::network::{Calls, Network, Seen};
use super::process::{Found, Process};
use super::watch::Watch;
use crate::routing::Handlers;
use crate::settings::Settings;
use crate::sync::Broken;

/// Virtual time begins here.
const EPOCH_MS: i64 = 1_790_000_000_000;
/// So long the process runs before anything happens.
const BEFORE: Duration = Duration::from_secs(5);
/// How often it is looked whether somebody in the queue was forgotten: more often than the net under parking looks.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A world that has come to rest, or has not.
pub struct Ended {
    pub simulator: Simulator,
    pub conflicts: Vec<DecisionRecord>,
    /// When the systems showed which record, by virtual time.
    pub seen: Vec<Seen>,
    pub rested: Rested,
    /// Some calls were carried out long after they were made.
    pub commits_late: bool,
    /// Identities about which a person has to decide.
    pub reviews: Vec<String>,
    pub errors: Vec<FailedItem>,
    /// Deliveries that were acknowledged and are not in the event log.
    pub not_stored: Vec<String>,
    pub calls: Calls,
    /// How long Salesforce, and Ticketure, answered nobody.
    pub away_ms: [u64; 2],
    pub crashes: u64,
    /// The org has no NPSP.
    pub without_npsp: bool,
    /// What the museum decided about its mappings.
    pub settings: Settings,
    /// Items that were ever in the queue.
    pub items: u64,
    /// What was wrong with the queue on the way.
    pub while_played: Vec<String>,
    /// Items that are neither done nor in the error log.
    pub waiting: Vec<ItemView>,
    /// Values of contacts' fields that the org refuses.
    pub refused: Vec<(String, Value)>,
    /// The two clocks' errors.
    pub salesforce_error_ms: i64,
    pub ticketure_error_ms: i64,
}

/// How a world came to rest.
pub struct Rested {
    /// When the last edit was made or the last trouble was over.
    pub quiet_at_ms: i64,
    /// What items were about that waited for a record then.
    pub waited: Vec<String>,
    /// API writes on both sides when a reconcile of everything was over, and after a second one.
    pub writes_after_reconcile: usize,
    pub writes_after_second: usize,
    pub unfinished: Option<String>,
}

/// What survives a kill, and what does not.
pub struct World<'h> {
    history: &'h History,
    pub found: Found,
    pub simulator: Simulator,
    network: Arc<Network>,
    now: Now,
    random: fastrand::Rng,
    pub process: Option<Process>,
    /// Webhooks on their way.
    on_the_way: Vec<OnTheWay>,
    ticketure_ids: BTreeMap<String, String>,
    salesforce_ids: BTreeMap<String, (String, String)>,
    /// Rules of the org's own.
    refused: Vec<(String, Value)>,
    /// Deliveries whose sender was told that they are stored.
    acknowledged: Vec<String>,
    /// What killed processes still say of their items.
    too_late: Vec<(Instant, Settlement)>,
    /// When the queue was last looked at.
    looked: Instant,
    faults: Vec<String>,
}

struct OnTheWay {
    arrives: Instant,
    sent_ms: i64,
    webhook: Value,
}

/// Plays a history to its end, and lets the world come to rest.
pub async fn play(history: &History, broken: Option<Broken>) -> Result<Ended, Box<dyn Error>> {
    play_with(history, broken, Arc::new(crate::handlers::all())).await
}

/// The same with other handlers than the shipped ones.
pub async fn play_with(
    history: &History,
    broken: Option<Broken>,
    handlers: Handlers,
) -> Result<Ended, Box<dyn Error>> {
    let mut world = World::new(history, broken, handlers)?;
    world.start();
    // The first reading says from when on changes count.
    world.until(world.looked + BEFORE).await?;
    let begin = Instant::now();
    let mut actions = history.actions.clone();
    actions.sort_by_key(|timed| timed.at_ms);
    for timed in actions {
        world
            .until(begin + Duration::from_millis(timed.at_ms))
            .await?;
        world.act(timed.action).await?;
    }
    world.end_troubles();
    let rested = world.come_to_rest().await?;
    world.end(rested).await
}

impl<'h> World<'h> {
    /// A world in which nothing has happened, and no process runs.
    ///
    /// # Errors
    /// When there are no schemas.
    pub fn new(
        history: &'h History,
        broken: Option<Broken>,
        handlers: Handlers,
    ) -> Result<World<'h>, Box<dyn Error>> {
        let start = Instant::now();
        let now: Now = Arc::new(move || EPOCH_MS + start.elapsed().as_millis() as i64);
        let simulator = simulator(history, &now)?;
        let options = StoreOptions {
            event_log: true,
            breaks: broken.and_then(Broken::of_the_store),
            stand_ins: crate::handlers::organizations::stand_ins(),
            ..StoreOptions::default()
        };
        let store = Store::in_memory(options, now.clone())?;
        let network = Arc::new(Network::new(simulator.clone(), history, now.clone()));
        Ok(World {
            history,
            found: Found {
                watch: Arc::new(Watch::new(store.clone())),
                store,
                network: network.clone(),
                handlers,
                now: now.clone(),
                broken,
                settings: settings(history)?,
            },
            network,
            simulator,
            now,
            random: fastrand::Rng::with_seed(history.seed ^ 2),
            process: None,
            on_the_way: Vec::new(),
            ticketure_ids: BTreeMap::new(),
            salesforce_ids: BTreeMap::new(),
            refused: Vec::new(),
            too_late: Vec::new(),
            acknowledged: Vec::new(),
            looked: start,
            faults: Vec::new(),
        })
    }

    /// What is to be judged.
    async fn end(mut self, rested: Rested) -> Result<Ended, Box<dyn Error>> {
        self.process = None;
        let (store, watch) = (&self.found.store, &self.found.watch);
        watch.nobody_forgotten().await?;
        let mut while_played = self.faults;
        while_played.extend(watch.faults().await);
        let reviews = store.reviews().await?;
        let events = store.events(u32::MAX).await?.into_iter();
        let stored: BTreeSet<_> = events.filter_map(|event| event.dedupe).collect();
        let mut told = self.acknowledged;
        told.retain(|id| !stored.contains(id));
        Ok(Ended {
            rested,
            not_stored: told,
            calls: self.network.calls(),
            away_ms: self.history.away_ms(),
            crashes: self.history.crashes(),
            without_npsp: self.history.without_npsp,
            settings: self.found.settings.clone(),
            items: watch.items().await,
            conflicts: store.conflicts().await?,
            while_played,
            waiting: watch.waiting().await?,
            refused: self.refused,
            commits_late: self.history.commits_late(),
            seen: self.network.seen(),
            reviews: reviews.into_iter().map(|review| review.source_id).collect(),
            simulator: self.simulator,
            errors: store.errors(10_000).await?,
            salesforce_error_ms: self.history.salesforce_clock_error_ms,
            ticketure_error_ms: self.history.ticketure_clock_error_ms,
        })
    }
}

fn settings(history: &History) -> Result<Settings, String> {
    let settings = crate::settings::with(&history.settings);
    settings.map(Arc::new).map_err(|(_, message)| message)
}

fn simulator(history: &History, now: &Now) -> Result<Simulator, simulator::SchemaError> {
    Simulator::new(SimulatorOptions {
        seed: history.seed,
        clock: Clock(now.clone()),
        salesforce_error_ms: history.salesforce_clock_error_ms,
        ticketure_error_ms: history.ticketure_clock_error_ms,
        npsp: !history.without_npsp,
        ..SimulatorOptions::new(crate::cli::snapshots())
    })
}

impl World<'_> {
    /// The process begins.
    pub fn start(&mut self) {
        let seed = self.random.u64(..);
        self.process = Some(Process::start(&self.found, self.history, seed));
    }

    /// Where the process is dead: killed, and started again. What it had in hand it may still settle, too late.
    async fn crash(&mut self) -> Result<(), Box<dyn Error>> {
        self.process = None;
        let store = &self.found.store;
        for (ids, since_ms) in self.found.watch.in_hand().await? {
            self.network.forget(&ids, since_ms);
        }
        for item in self.found.watch.waiting().await? {
            if item.state == State::Running {
                let done = Settlement::new(item.id, item.attempt, Outcome::Done);
                let at = Instant::now() + Duration::from_millis(self.random.u64(0..3_000));
                self.too_late.push((at, done));
            }
        }
        store.released()?;
        self.start();
        Ok(())
    }

    /// Settlements of claims that were taken back are refused.
    async fn settle_too_late(&mut self) -> Result<(), Box<dyn Error>> {
        let now = Instant::now();
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.too_late)
            .into_iter()
            .partition(|(at, _)| *at <= now);
        self.too_late = later;
        for (_, settlement) in due {
            let id = settlement.id;
            if self.found.store.settle(vec![settlement]).await?.stale == 0 {
                let fault = format!("item {id} was settled by a claim that had been taken back");
                self.faults.push(fault);
            }
        }
        Ok(())
    }

    /// Lets time pass, webhooks arrive and late calls be carried out.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn until(&mut self, end: Instant) -> Result<(), Box<dyn Error>> {
        loop {
            self.tell_of_own_writes();
            self.simulator.run_late();
            self.look_at_queue().await?;
            let next = self.on_the_way.iter().map(|one| one.arrives).min();
            let wake = next
                .map_or(end, |next| next.min(end))
                .min(Instant::now() + Duration::from_millis(500));
            if Instant::now() >= end {
                return Ok(());
            }
            tokio::time::sleep_until(wake.max(Instant::now() + Duration::from_millis(1))).await;
            let now = Instant::now();
            let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.on_the_way)
                .into_iter()
                .partition(|one| one.arrives <= now);
            self.on_the_way = later;
            let mut arrived = Vec::new();
            for one in due {
                self.network.saw(Seen {
                    at_ms: (self.now)(),
                    shows_ms: one.sent_ms,
                    text: one.webhook.to_string(),
                    ticketure: true,
                    is_webhook: true,
                });
                arrived.push(one.webhook);
            }
            self.receive(arrived).await?;
        }
    }

    async fn look_at_queue(&mut self) -> Result<(), Box<dyn Error>> {
        if self
            .process
            .as_ref()
            .is_some_and(|process| process.life.is_over())
        {
            self.crash().await?;
        }
        self.settle_too_late().await?;
        if self.looked.elapsed() >= LOOK_EVERY {
            self.looked = Instant::now();
            self.found.watch.nobody_forgotten().await?;
        }
        Ok(())
    }

    /// As the receiver does: routed, on the disk, acknowledged.
    async fn receive(&mut self, webhooks: Vec<Value>) -> Result<(), Box<dyn Error>> {
        let Some(process) = self.process.as_ref().filter(|_| !webhooks.is_empty()) else {
            return Ok(());
        };
        let body = Value::from(webhooks).to_string();
        let items = crate::routing::route(&self.found.handlers, body.as_bytes())?;
        let told = items.iter().filter_map(|item| item.dedupe.clone());
        let told: Vec<String> = told.collect();
        process.takes_in(items, self.found.broken).await?;
        self.acknowledged.extend(told);
        Ok(())
    }
}
