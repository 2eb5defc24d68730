//! A museum in memory.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use runtime::clock::Now;
use runtime::handler::Handler;
use runtime::http::{Transport, TransportError};
use runtime::queue::{
    ErrorRecord, Item, ItemView, NewItem, SALESFORCE_CHANGED, State, Store, StoreOptions, Which,
};
use runtime::salesforce::{Auth, RESERVE_PERCENT, SalesforceClient, SalesforceConfig, Secret};
use runtime::ticketure::{TicketureClient, TicketureConfig};
use runtime::worker::{Arrivals, Process, Worker};
use serde_json::{Map, Value, json};
use simulator::{Clock, Fault, FaultKind, Simulator, SimulatorOptions};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::capture::{Capture, Polling};
use crate::config::Npsp;
use crate::routing::{self, Handlers};
use crate::settings::Settings;
use crate::sync::TwoWaySync;

const EPOCH_MS: i64 = 1_790_000_000_000;
/// Where records are written.
pub const WRITES: &str = "/composite/sobjects";
/// Calls that write, of many records or of one.
pub const ANY_WRITE: &str = "/sobjects";

struct InProcess(Simulator);

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        tokio::time::sleep(Duration::from_millis(20)).await;
        let lost = |_| TransportError::Lost {
            host,
            reason: "the connection was cut".to_owned(),
        };
        self.0.call(request).await.map_err(lost)
    }
}

pub struct Museum {
    pub simulator: Simulator,
    pub store: Store,
    pub sync: Arc<TwoWaySync>,
    handlers: Handlers,
    arrivals: Arc<Arrivals>,
    stop: watch::Sender<bool>,
}

impl Drop for Museum {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

/// How it is set up.
pub struct Setup {
    /// Something goes back.
    pub two_way: bool,
    /// A worker runs; without one the test claims by hand.
    pub works: bool,
    pub daily_limit: u64,
    pub npsp: bool,
    pub settings: Settings,
    pub handlers: Vec<Box<dyn Handler>>,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            two_way: true,
            works: true,
            daily_limit: 100_000,
            npsp: true,
            settings: crate::settings::defaults(),
            handlers: crate::handlers::all(),
        }
    }
}

impl Museum {
    pub fn new(setup: Setup) -> Museum {
        let start = Instant::now();
        let now: Now = Arc::new(move || EPOCH_MS + start.elapsed().as_millis() as i64);
        let simulator = Simulator::new(SimulatorOptions {
            clock: Clock(now.clone()),
            daily_limit: setup.daily_limit,
            npsp: setup.npsp,
            ..SimulatorOptions::new(crate::cli::snapshots())
        })
        .unwrap();
        let network: Arc<dyn Transport> = Arc::new(InProcess(simulator.clone()));
        let options = StoreOptions {
            stand_ins: crate::handlers::organizations::stand_ins(),
            ..StoreOptions::default()
        };
        let store = Store::in_memory(options, now.clone()).unwrap();
        let handlers: Handlers = Arc::new(setup.handlers);
        let salesforce = SalesforceClient::with_time(network.clone(), org(), now.clone());
        let tenant = TicketureConfig {
            url: "http://tenant.simulator".to_owned(),
            api_key: Secret::new("test"),
        };
        let ticketure = setup
            .two_way
            .then(|| TicketureClient::new(network, tenant, now));
        let npsp = if setup.npsp { Npsp::Yes } else { Npsp::No };
        let (shared, takes) = (store.clone(), handlers.clone());
        let sync = TwoWaySync::new(shared, salesforce, ticketure, takes, npsp, 7);
        let sync = Arc::new(sync.with_settings(setup.settings));
        let arrivals = Arc::new(Arrivals::default());
        let (stop, stopped) = watch::channel(false);
        let worker = Worker {
            store: store.clone(),
            process: sync.clone(),
            batch: 2_000,
            batches: 2,
            cores: 2,
            arrivals: arrivals.clone(),
        };
        if setup.works {
            tokio::spawn(async move { worker.run(stopped).await });
        }
        Museum {
            simulator,
            store,
            sync,
            handlers,
            arrivals,
            stop,
        }
    }

    /// With a worker, in both directions.
    pub fn working() -> Museum {
        Museum::new(Setup::default())
    }

    pub fn fault(&self, path: &str, times: Option<u32>, kind: FaultKind) {
        self.simulator.add_fault(Fault {
            path: Some(path.to_owned()),
            times,
            ..Fault::always(kind)
        });
    }

    /// Every record of a collection is refused with this code; always: every record.
    pub fn refuse(&self, times: Option<u32>, code: &str, message: &str) {
        let kind = FaultKind::Refuse {
            code: code.to_owned(),
            message: message.to_owned(),
            matches: Vec::new(),
            one_in: 1,
            with: None,
        };
        let path = times.map_or(ANY_WRITE, |_| WRITES);
        self.fault(path, times, kind);
    }

    /// Ticketure has these people, or what is new of them, and tells so.
    pub async fn tell(&self, identities: impl IntoIterator<Item = Value>) {
        let webhooks: Vec<Value> = identities
            .into_iter()
            .map(|identity| {
                let id = self
                    .simulator
                    .put_identity(identity.as_object().unwrap().clone());
                self.simulator.webhook(&id).unwrap()
            })
            .collect();
        self.send(webhooks).await;
    }

    /// These webhooks arrive, in one request.
    pub async fn send(&self, webhooks: Vec<Value>) {
        let body = Value::from(webhooks).to_string();
        let items = routing::route(&self.handlers, body.as_bytes()).unwrap();
        let enqueued = self.store.enqueue(items).await.unwrap();
        self.arrivals.add(enqueued.accepted.len());
    }

    pub async fn people(&self, count: usize) {
        self.tell((0..count).map(person)).await;
    }

    /// A change in Salesforce was read; gives its item.
    pub async fn looked_at(&self, destination_id: &str) -> i64 {
        let item = NewItem {
            mapping: Some("contact".to_owned()),
            payload_type: SALESFORCE_CHANGED.to_owned(),
            lane: format!("sf:{destination_id}"),
            key: destination_id.to_owned(),
            payload: "{}".to_owned(),
            ..NewItem::default()
        };
        let enqueued = self.store.enqueue(vec![item]).await.unwrap();
        self.arrivals.add(1);
        enqueued.accepted[0]
    }

    /// Retries an item as the operator does, with all items of its error group. Returns the count.
    pub async fn retry(&self, id: i64) -> usize {
        let back = self.store.retry(Which::One(id)).await.unwrap();
        self.arrivals.look();
        back
    }

    /// Reads what changed in Salesforce, once.
    pub async fn read(&self) {
        let capture = Capture {
            source: Box::new(Polling(self.sync.salesforce.clone())),
            sync: self.sync.clone(),
            every: Duration::from_secs(1),
            arrivals: self.arrivals.clone(),
        };
        capture.read_all().await.unwrap();
    }

    /// Claims what is ready and does it, once.
    pub async fn step(&self) -> Vec<Item> {
        let now_ms = self.store.now_ms();
        let items = self.store.claim(2_000, now_ms).await.unwrap();
        self.sync.process(items.clone()).await.unwrap();
        items
    }

    /// Until all is done, an hour at most.
    pub async fn settled(&self) {
        for _ in 0..3_600 {
            pass(1).await;
            let status = self.store.status().await.unwrap();
            if status.ready + status.running + status.delayed + status.parked == 0 {
                return;
            }
        }
        let errors = self.errors().await;
        let first = errors.first();
        panic!(
            "not settled: {:?}, {first:#?}",
            self.store.status().await.unwrap()
        );
    }

    pub async fn item(&self, id: i64) -> ItemView {
        self.store.item(id).await.unwrap().unwrap()
    }

    pub async fn state(&self, id: i64) -> (State, u32) {
        let item = self.item(id).await;
        (item.state, item.attempts)
    }

    /// The errors of items, not of directions.
    pub async fn errors(&self) -> Vec<(String, ErrorRecord)> {
        let errors = self.store.errors(5_000).await.unwrap();
        let of_items = errors.into_iter().filter(|item| item.id != 0);
        of_items.map(|item| (item.key, item.error)).collect()
    }

    /// Why a direction stands still.
    pub async fn pause(&self, direction: &str) -> Option<String> {
        let pauses = self.store.status().await.unwrap().pauses;
        let pause = pauses
            .into_iter()
            .find(|pause| pause.direction == direction);
        pause.map(|pause| pause.reason)
    }

    pub fn contact(&self, source_id: &str) -> Option<Map<String, Value>> {
        let mut found = self
            .simulator
            .find("Contact", "Ticketure_Identity_Id__c", source_id);
        found.pop()
    }

    pub fn contacts(&self) -> usize {
        self.simulator.records("Contact").len()
    }
}

pub fn person(number: usize) -> Value {
    json!({
        "id": format!("i-{number}"),
        "identity_type": "person",
        "first_name": "Ada",
        "last_name": format!("Lovelace {number}"),
        "email": format!("ada{number}@example.org"),
    })
}

/// So much time passes.
pub async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn org() -> SalesforceConfig {
    SalesforceConfig {
        login_url: "http://simulator".to_owned(),
        api_version: "v67.0".to_owned(),
        reserve_percent: RESERVE_PERCENT,
        auth: Auth::ClientCredentials {
            client_id: "test".to_owned(),
            client_secret: Secret::new("test"),
        },
    }
}
