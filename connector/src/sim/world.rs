//! The world of one history: both systems, the network between, and a process that may be killed.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use runtime::clock::Now;
use runtime::http::Transport;
use runtime::queue::{DecisionRecord, Store, StoreError, StoreOptions};
use runtime::salesforce::{Auth, RESERVE_PERCENT, SalesforceClient, SalesforceConfig, Secret};
use runtime::ticketure::{TicketureClient, TicketureConfig};
use runtime::worker::{Arrivals, Worker};
use serde_json::{Map, Value};
use simulator::{Clock, FaultKind, Rewrite, Simulator, SimulatorOptions};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::history::{Action, History};
use super::network::{Network, Seen};
use crate::capture::{Capture, Polling};
use crate::config::Npsp;
use crate::routing::Handlers;
use crate::sync::{Broken, TwoWaySync};

/// Virtual time begins here.
const EPOCH_MS: i64 = 1_790_000_000_000;
/// How long a world gets to come to rest.
const REST_MS: u64 = 3_600_000;

/// A world that has come to rest, or has not.
pub struct Ended {
    pub simulator: Simulator,
    pub conflicts: Vec<DecisionRecord>,
    /// When the systems showed which record, by virtual time.
    pub seen: Vec<Seen>,
    /// When the last edit was made or the last trouble was over.
    pub quiet_at_ms: i64,
    /// API writes on both sides when a reconcile of everything was over, and after a second one.
    pub writes_after_reconcile: usize,
    pub writes_after_second: usize,
    pub unfinished: Option<String>,
    /// Some calls were carried out long after they were made.
    pub commits_late: bool,
    /// Identities about which a person has to decide.
    pub reviews: Vec<String>,
    pub errors: Vec<String>,
    /// The two clocks' errors.
    pub salesforce_error_ms: i64,
    pub ticketure_error_ms: i64,
}

/// What survives a kill, and what does not.
struct World<'h> {
    history: &'h History,
    broken: Option<Broken>,
    handlers: Handlers,
    simulator: Simulator,
    network: Arc<dyn Transport>,
    store: Store,
    seen: Arc<Mutex<Vec<Seen>>>,
    now: Now,
    random: fastrand::Rng,
    process: Option<Process>,
    /// Webhooks on their way.
    on_the_way: Vec<OnTheWay>,
    ticketure_ids: BTreeMap<String, String>,
    salesforce_ids: BTreeMap<String, (String, String)>,
}

struct OnTheWay {
    arrives: Instant,
    sent_ms: i64,
    webhook: Value,
}

struct Process {
    arrivals: Arc<Arrivals>,
    capture: Arc<Capture>,
    handlers: Handlers,
    working: JoinHandle<Result<(), StoreError>>,
    reading: JoinHandle<Result<(), StoreError>>,
    _stop: watch::Sender<bool>,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.working.abort();
        self.reading.abort();
    }
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
    let start = Instant::now();
    let now: Now = Arc::new(move || EPOCH_MS + start.elapsed().as_millis() as i64);
    let simulator = Simulator::new(SimulatorOptions {
        seed: history.seed,
        clock: Clock(now.clone()),
        salesforce_error_ms: history.salesforce_clock_error_ms,
        ticketure_error_ms: history.ticketure_clock_error_ms,
        ..SimulatorOptions::new(crate::cli::snapshots())
    })?;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut world = World {
        history,
        broken,
        handlers,
        network: Arc::new(Network {
            simulator: simulator.clone(),
            random: Mutex::new(fastrand::Rng::with_seed(history.seed ^ 1)),
            call_ms_max: history.call_ms_max,
            seen: seen.clone(),
            now: now.clone(),
        }),
        simulator,
        store: Store::in_memory(StoreOptions::default(), now.clone())?,
        seen: seen.clone(),
        now,
        random: fastrand::Rng::with_seed(history.seed ^ 2),
        process: None,
        on_the_way: Vec::new(),
        ticketure_ids: BTreeMap::new(),
        salesforce_ids: BTreeMap::new(),
    };
    world.start();
    // The first reading says from when on changes count.
    world.until(start + Duration::from_millis(5_000)).await?;
    let begin = Instant::now();
    let mut actions = history.actions.clone();
    actions.sort_by_key(|timed| timed.at_ms);
    for timed in actions {
        world
            .until(begin + Duration::from_millis(timed.at_ms))
            .await?;
        world.act(timed.action)?;
    }
    world.simulator.clear_faults();
    let mut rest = world.rest().await?;
    let quiet_at_ms = (world.now)();
    for _ in 0..2 {
        if rest.is_none() {
            rest = world.reconcile().await?;
        }
    }
    let writes_after_reconcile = world.writes();
    if rest.is_none() {
        rest = world.reconcile().await?;
    }
    let writes_after_second = world.writes();
    world.process = None;
    let errors = world.store.errors(100).await?;
    let reviews = world.store.reviews().await?;
    let conflicts = world.store.conflicts().await?;
    Ok(Ended {
        conflicts,
        commits_late: history.actions.iter().any(|timed| {
            matches!(&timed.action, Action::Fault(fault) if matches!(fault.kind, FaultKind::CommitLate { .. }))
        }),
        seen: std::mem::take(&mut seen.lock().unwrap_or_else(PoisonError::into_inner)),
        reviews: reviews.into_iter().map(|review| review.source_id).collect(),
        simulator: world.simulator,
        quiet_at_ms,
        writes_after_reconcile,
        writes_after_second,
        unfinished: rest,
        errors: errors
            .iter()
            .map(|item| {
                format!(
                    "item {} {}: {}: {}",
                    item.id, item.key, item.error.code, item.error.message
                )
            })
            .collect(),
        salesforce_error_ms: history.salesforce_clock_error_ms,
        ticketure_error_ms: history.ticketure_clock_error_ms,
    })
}

impl World<'_> {
    /// A new process on what is left on the disk.
    fn start(&mut self) {
        let handlers = self.handlers.clone();
        let salesforce = SalesforceClient::with_time(
            self.network.clone(),
            salesforce_config(),
            self.now.clone(),
        );
        let ticketure = TicketureClient::new(
            self.network.clone(),
            TicketureConfig {
                url: "http://tenant.simulator".to_owned(),
                api_key: Secret::new("sim"),
            },
            self.now.clone(),
        );
        let sync = TwoWaySync::new(
            self.store.clone(),
            salesforce.clone(),
            Some(ticketure),
            handlers.clone(),
            Npsp::Yes,
            self.random.u64(..),
        );
        let sync = Arc::new(sync.broken(self.broken));
        let arrivals = Arc::new(Arrivals::default());
        let capture = Arc::new(Capture {
            source: Box::new(Polling(salesforce)),
            sync: sync.clone(),
            every: Duration::from_millis(self.history.poll_ms.max(500)),
            arrivals: arrivals.clone(),
        });
        let worker = Worker {
            store: self.store.clone(),
            process: sync,
            batch: 2_000,
            batches: 4,
            arrivals: arrivals.clone(),
        };
        let (stop, stopped) = watch::channel(false);
        let (reader, stop_reader) = (capture.clone(), stopped.clone());
        self.process = Some(Process {
            arrivals,
            capture,
            handlers,
            working: tokio::spawn(async move { worker.run(stopped).await }),
            reading: tokio::spawn(async move { reader.run(stop_reader).await }),
            _stop: stop,
        });
    }

    /// Lets time pass, webhooks arrive and late calls be carried out.
    async fn until(&mut self, end: Instant) -> Result<(), Box<dyn Error>> {
        loop {
            self.tell_of_own_writes();
            self.simulator.run_late();
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
                self.seen
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(Seen {
                        at_ms: (self.now)(),
                        shows_ms: one.sent_ms,
                        text: one.webhook.to_string(),
                        ticketure: true,
                    });
                arrived.push(one.webhook);
            }
            self.receive(arrived).await?;
        }
    }

    /// As the receiver does: routed, on the disk, acknowledged.
    async fn receive(&mut self, webhooks: Vec<Value>) -> Result<(), Box<dyn Error>> {
        let Some(process) = self.process.as_ref().filter(|_| !webhooks.is_empty()) else {
            return Ok(());
        };
        let body = Value::from(webhooks).to_string();
        let items = crate::routing::route(&process.handlers, body.as_bytes())?;
        let enqueued = self.store.enqueue(items).await?;
        process.arrivals.add(enqueued.accepted.len());
        Ok(())
    }

    fn tell_of_own_writes(&mut self) {
        for webhook in self.simulator.take_webhooks() {
            self.send(webhook);
        }
    }

    /// A webhook goes its way: late, twice, or never.
    fn send(&mut self, webhook: Value) {
        let lose = self.history.webhook_lose_one_in;
        if lose > 0 && self.random.u32(0..lose) == 0 {
            return;
        }
        let repeat = self.history.webhook_repeat_one_in;
        let times = if repeat > 0 && self.random.u32(0..repeat) == 0 {
            2
        } else {
            1
        };
        for _ in 0..times {
            let delay =
                Duration::from_millis(self.random.u64(0..=self.history.webhook_delay_ms_max));
            self.on_the_way.push(OnTheWay {
                arrives: Instant::now() + delay,
                sent_ms: (self.now)(),
                webhook: webhook.clone(),
            });
        }
    }

    fn act(&mut self, action: Action) -> Result<(), Box<dyn Error>> {
        match action {
            Action::TicketureCreate { record, mut fields } => {
                let id = format!("id-{record}");
                fields.insert("id".to_owned(), Value::from(id.as_str()));
                self.ticketure_ids.insert(record, id);
                self.put(fields);
            }
            Action::TicketureEdit { record, mut fields } => {
                if let Some(id) = self.ticketure_id(&record) {
                    fields.insert("id".to_owned(), Value::from(id));
                    self.put(fields);
                }
            }
            Action::TicketureDelete { record } => {
                if let Some(id) = self.ticketure_id(&record) {
                    self.simulator.end_identity(&id, None);
                    if let Some(webhook) = self.simulator.webhook(&id) {
                        self.send(webhook);
                    }
                }
            }
            Action::SalesforceCreate {
                record,
                object,
                fields,
            } => {
                let id = self
                    .simulator
                    .insert_by_user(&object, fields)
                    .map_err(|errors| format!("{record}: {errors:?}"))?;
                self.salesforce_ids.insert(record, (object, id));
            }
            Action::SalesforceEdit { record, fields } => {
                if let Some((object, id)) = self.salesforce_id(&record) {
                    // A record that somebody deleted cannot be edited: people try.
                    let _ = self.simulator.update_by_user(&object, &id, fields);
                }
            }
            Action::SalesforceDelete { record } => {
                if let Some((object, id)) = self.salesforce_id(&record) {
                    let _ = self.simulator.delete_by_user(&object, &id);
                }
            }
            Action::SalesforceCapitals { object, field } => {
                self.simulator.add_rewrite(&object, &field, Rewrite::Upper);
            }
            Action::Fault(fault) => self.simulator.add_fault(fault),
            Action::Crash => {
                self.process = None;
                self.store.released()?;
                self.start();
            }
        }
        Ok(())
    }

    fn put(&mut self, fields: Map<String, Value>) {
        let id = self.simulator.put_identity(fields);
        if let Some(webhook) = self.simulator.webhook(&id) {
            self.send(webhook);
        }
    }

    /// Where it was made, or where it has arrived.
    fn ticketure_id(&self, record: &str) -> Option<String> {
        if let Some(id) = self.ticketure_ids.get(record) {
            return Some(id.clone());
        }
        let (object, id) = self.salesforce_ids.get(record)?;
        let found = self.simulator.find(object, "Id", id);
        let external = found.first()?.get("Ticketure_Identity_Id__c")?.as_str()?;
        Some(external.to_owned())
    }

    fn salesforce_id(&self, record: &str) -> Option<(String, String)> {
        if let Some((object, id)) = self.salesforce_ids.get(record) {
            return Some((object.clone(), id.clone()));
        }
        let source_id = self.ticketure_ids.get(record)?;
        ["Contact", "Account"].into_iter().find_map(|object| {
            let found = self
                .simulator
                .find(object, "Ticketure_Identity_Id__c", source_id);
            let id = found.first()?.get("Id")?.as_str()?;
            Some((object.to_owned(), id.to_owned()))
        })
    }

    /// Until nothing is on its way any more; or what is left.
    async fn rest(&mut self) -> Result<Option<String>, Box<dyn Error>> {
        let poll = Duration::from_millis(
            self.history.poll_ms.max(500) + 2 * self.history.call_ms_max + 1_000,
        );
        let end = Instant::now() + Duration::from_millis(REST_MS);
        let mut calm = 0;
        while Instant::now() < end {
            let before = self.writes();
            self.until(Instant::now() + poll).await?;
            let status = self.store.status().await?;
            // What waits for a person holds its lane: that is rest as well.
            let held = if self.store.reviews().await?.is_empty() {
                0
            } else {
                status.ready
            };
            let busy = status.ready - held + status.running + status.delayed > 0;
            let late = self.simulator.run_late();
            if busy || late > 0 || !self.on_the_way.is_empty() || self.writes() != before {
                calm = 0;
            } else {
                calm += 1;
            }
            // Changes are read every so often, and become calls: three quiet rounds are an end.
            if calm >= 3 {
                return Ok(None);
            }
        }
        let status = self.store.status().await?;
        Ok(Some(format!("no rest after an hour: {status:?}")))
    }

    /// Everything is looked at once more, on both sides: what a lost webhook did not tell is found.
    async fn reconcile(&mut self) -> Result<Option<String>, Box<dyn Error>> {
        let ids: Vec<String> = self
            .simulator
            .identities()
            .iter()
            .filter_map(|identity| {
                identity
                    .get("id")
                    .and_then(Value::as_str)
                    .map(str::to_owned)
            })
            .collect();
        let webhooks: Vec<Value> = ids
            .iter()
            .filter_map(|id| self.simulator.webhook(id))
            .collect();
        self.receive(webhooks).await?;
        if let Some(process) = &self.process {
            process.capture.read_everything().await?;
        }
        self.rest().await
    }

    /// Writes through both APIs so far.
    fn writes(&self) -> usize {
        let all = self.simulator.write_log();
        let there = self.simulator.tenant_log();
        all.iter()
            .chain(&there)
            .filter(|write| write.actor == simulator::Actor::Api)
            .count()
    }
}

fn salesforce_config() -> SalesforceConfig {
    SalesforceConfig {
        login_url: "http://simulator".to_owned(),
        api_version: "v67.0".to_owned(),
        reserve_percent: RESERVE_PERCENT,
        auth: Auth::ClientCredentials {
            client_id: "sim".to_owned(),
            client_secret: Secret::new("sim"),
        },
    }
}
