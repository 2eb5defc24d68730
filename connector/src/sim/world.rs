//! The world of one history: both systems, the network between, and a process that may be killed.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use runtime::clock::Now;
use runtime::queue::{
    DecisionRecord, FailedItem, ItemView, Outcome, Settlement, State, Store, StoreError,
    StoreOptions,
};
use serde_json::{Map, Value};
use simulator::{Clock, Fault, FaultKind, Rewrite, Simulator, SimulatorOptions};
use tokio::time::Instant;

use super::history::{Action, History};
use super::network::{Network, Seen};
use super::process::{Found, Process};
use super::watch::Watch;
use crate::routing::Handlers;
use crate::sync::Broken;

/// Virtual time begins here.
const EPOCH_MS: i64 = 1_790_000_000_000;
/// How long a world gets to come to rest.
const REST_MS: u64 = 3_600_000;
/// How often it is looked whether somebody in the queue was forgotten: more often than the net under parking looks.
const LOOK_EVERY: Duration = Duration::from_secs(5);

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
    pub errors: Vec<FailedItem>,
    /// What was wrong with the queue on the way.
    pub while_played: Vec<String>,
    /// What items were about that waited for a record when it was quiet.
    pub waited: Vec<String>,
    /// Items that are neither done nor in the error log.
    pub waiting: Vec<ItemView>,
    /// Values of contacts' fields that the org refuses.
    pub refused: Vec<(String, Value)>,
    /// The two clocks' errors.
    pub salesforce_error_ms: i64,
    pub ticketure_error_ms: i64,
}

/// What survives a kill, and what does not.
struct World<'h> {
    history: &'h History,
    found: Found,
    simulator: Simulator,
    network: Arc<Network>,
    seen: Arc<Mutex<Vec<Seen>>>,
    now: Now,
    random: fastrand::Rng,
    process: Option<Process>,
    /// Webhooks on their way.
    on_the_way: Vec<OnTheWay>,
    ticketure_ids: BTreeMap<String, String>,
    salesforce_ids: BTreeMap<String, (String, String)>,
    /// Rules of the org's own.
    refused: Vec<(String, Value)>,
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
    let options = StoreOptions {
        breaks: broken.and_then(Broken::of_the_store),
        ..StoreOptions::default()
    };
    let store = Store::in_memory(options, now.clone())?;
    let network = Arc::new(Network::new(
        simulator.clone(),
        history,
        seen.clone(),
        now.clone(),
    ));
    let mut world = World {
        history,
        found: Found {
            watch: Arc::new(Watch::new(store.clone())),
            store,
            network: network.clone(),
            handlers,
            now: now.clone(),
            broken,
        },
        network,
        simulator,
        seen: seen.clone(),
        now,
        random: fastrand::Rng::with_seed(history.seed ^ 2),
        process: None,
        on_the_way: Vec::new(),
        ticketure_ids: BTreeMap::new(),
        salesforce_ids: BTreeMap::new(),
        refused: Vec::new(),
        too_late: Vec::new(),
        looked: start,
        faults: Vec::new(),
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
        world.act(timed.action).await?;
    }
    world.end_troubles();
    let mut rest = world.rest().await?;
    let quiet_at_ms = (world.now)();
    let waited = world.found.watch.waiting().await?;
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
    let store = world.found.store.clone();
    world.found.watch.nobody_forgotten().await?;
    let mut while_played = std::mem::take(&mut world.faults);
    while_played.extend(world.found.watch.faults().await);
    let reviews = store.reviews().await?;
    let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Ended {
        conflicts: store.conflicts().await?,
        while_played,
        waited: waited.into_iter().map(|item| item.key).collect(),
        waiting: world.found.watch.waiting().await?,
        refused: world.refused,
        commits_late: history.actions.iter().any(|timed| {
            matches!(&timed.action, Action::Fault(fault) if matches!(fault.kind, FaultKind::CommitLate { .. }))
        }),
        seen,
        reviews: reviews.into_iter().map(|review| review.source_id).collect(),
        simulator: world.simulator,
        quiet_at_ms,
        writes_after_reconcile,
        writes_after_second,
        unfinished: rest,
        errors: store.errors(10_000).await?,
        salesforce_error_ms: history.salesforce_clock_error_ms,
        ticketure_error_ms: history.ticketure_clock_error_ms,
    })
}

impl World<'_> {
    fn start(&mut self) {
        let seed = self.random.u64(..);
        self.process = Some(Process::start(&self.found, self.history, seed));
    }

    /// Where the process is dead: killed, and started again. What it had in hand it may still settle, too late.
    async fn crash(&mut self) -> Result<(), Box<dyn Error>> {
        self.process = None;
        let store = &self.found.store;
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
    async fn until(&mut self, end: Instant) -> Result<(), Box<dyn Error>> {
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
        let enqueued = self.found.store.enqueue(items).await?;
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
            self.send_in(delay, webhook.clone());
        }
    }

    fn send_in(&mut self, delay: Duration, webhook: Value) {
        self.on_the_way.push(OnTheWay {
            arrives: Instant::now() + delay,
            sent_ms: (self.now)(),
            webhook,
        });
    }

    async fn act(&mut self, action: Action) -> Result<(), Box<dyn Error>> {
        match action {
            Action::TicketureCreate {
                record,
                mut fields,
                webhook_delay_ms,
                webhook_lost,
            } => {
                let id = format!("id-{record}");
                fields.insert("id".to_owned(), Value::from(id.as_str()));
                self.ticketure_ids.insert(record, id);
                self.put(fields, webhook_delay_ms, webhook_lost);
            }
            Action::TicketureEdit {
                record,
                mut fields,
                webhook_delay_ms,
            } => {
                if let Some(id) = self.ticketure_id(&record) {
                    fields.insert("id".to_owned(), Value::from(id));
                    self.put(fields, webhook_delay_ms, false);
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
            Action::SalesforceRefuses { field, equals } => {
                self.simulator.add_fault(refuses(&field, &equals));
                self.refused.push((field, equals));
            }
            Action::Outage { ticketure, for_ms } => self.network.goes_away(ticketure, for_ms),
            Action::Crash { after_awaits: 0 } => self.crash().await?,
            Action::Crash { after_awaits } => {
                if let Some(process) = &self.process {
                    process.life.end_after(after_awaits);
                }
            }
        }
        Ok(())
    }

    /// What the org refuses is no trouble that ends.
    fn end_troubles(&mut self) {
        self.simulator.clear_faults();
        self.network.is_back();
        for (field, equals) in &self.refused {
            self.simulator.add_fault(refuses(field, equals));
        }
        if let Some(process) = &self.process
            && !process.life.is_over()
        {
            process.life.end_after(u64::MAX);
        }
    }

    fn put(&mut self, fields: Map<String, Value>, delay_ms: Option<u64>, lost: bool) {
        let id = self.simulator.put_identity(fields);
        let Some(webhook) = self.simulator.webhook(&id).filter(|_| !lost) else {
            return;
        };
        match delay_ms {
            Some(delay_ms) => self.send_in(Duration::from_millis(delay_ms), webhook),
            None => self.send(webhook),
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
            let busy = self.is_busy().await?;
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
        let status = self.found.store.status().await?;
        Ok(Some(format!("no rest after an hour: {status:?}")))
    }

    /// Will anything happen to an item? What parks holds its lane: that is rest as well.
    async fn is_busy(&self) -> Result<bool, StoreError> {
        let waiting = self.found.watch.waiting().await?;
        let parked: BTreeSet<&str> = waiting
            .iter()
            .filter(|item| item.state == State::Parked)
            .map(|item| item.lane.as_str())
            .collect();
        Ok(waiting.iter().any(|item| match item.state {
            State::Parked => false,
            State::Ready => !parked.contains(item.lane.as_str()),
            _ => true,
        }))
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

/// A validation rule of the org's.
fn refuses(field: &str, equals: &Value) -> Fault {
    Fault::always(FaultKind::Reject {
        field: field.to_owned(),
        equals: equals.clone(),
        code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
        message: format!("{field} may not be that"),
    })
}
