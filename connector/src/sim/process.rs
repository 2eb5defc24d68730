//! The process: the parts of the service, which may be killed at any await.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use runtime::clock::Now;
use runtime::http::Transport;
use runtime::queue::{Item, NewItem, Store, StoreError};
use runtime::salesforce::{Auth, RESERVE_PERCENT, SalesforceClient, SalesforceConfig, Secret};
use runtime::ticketure::{TicketureClient, TicketureConfig};
use runtime::worker::{Arrivals, Process as Works, Worker};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::history::History;
use super::watch::Watch;
use crate::capture::{Capture, Polling};
use crate::config::Npsp;
use crate::routing::Handlers;
use crate::settings::Settings;
use crate::sync::{Broken, TwoWaySync};

/// So long after the acknowledgement a broken process stores what it took in.
const TOO_LATE: Duration = Duration::from_secs(2);

/// What a process finds when it starts.
#[derive(Clone)]
pub struct Found {
    pub store: Store,
    pub network: Arc<dyn Transport>,
    pub handlers: Handlers,
    pub now: Now,
    pub watch: Arc<Watch>,
    pub broken: Option<Broken>,
    pub settings: Settings,
}

/// A running process.
pub struct Process {
    pub arrivals: Arc<Arrivals>,
    pub capture: Arc<Capture>,
    pub life: Arc<Life>,
    store: Store,
    working: JoinHandle<Result<(), StoreError>>,
    reading: JoinHandle<Result<(), StoreError>>,
    _stop: watch::Sender<bool>,
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing of it takes another step.
        self.life.end_after(0);
        self.working.abort();
        self.reading.abort();
    }
}

impl Process {
    /// A new process on what is left on the disk.
    pub fn start(found: &Found, history: &History, seed: u64) -> Process {
        let (salesforce, ticketure) = clients(found);
        let sync = TwoWaySync::new(
            found.store.clone(),
            salesforce.clone(),
            Some(ticketure),
            found.handlers.clone(),
            match history.without_npsp {
                true => Npsp::No,
                false => Npsp::Yes,
            },
            seed,
        );
        let sync = sync
            .fetching(history.fetch_missing)
            .with_settings(found.settings.clone())
            .broken(found.broken);
        let sync = Arc::new(sync);
        let life = Arc::new(Life::default());
        let arrivals = Arc::new(Arrivals::default());
        let capture = Arc::new(Capture {
            source: Box::new(Polling(salesforce)),
            sync: sync.clone(),
            every: Duration::from_millis(history.poll_ms.max(500)),
            arrivals: arrivals.clone(),
        });
        let worker = Worker {
            store: found.store.clone(),
            process: Arc::new(Watched {
                sync,
                watch: found.watch.clone(),
                life: life.clone(),
            }),
            batch: or(history.batch, 2_000),
            batches: or(history.batches, 4),
            cores: 2,
            arrivals: arrivals.clone(),
        };
        let (stop, stopped) = watch::channel(false);
        let (reader, stop_reader) = (capture.clone(), stopped.clone());
        let working = life.of(async move { worker.run(stopped).await });
        let reading = life.of(async move { reader.run(stop_reader).await });
        Process {
            arrivals,
            capture,
            life,
            store: found.store.clone(),
            working: tokio::spawn(working),
            reading: tokio::spawn(reading),
            _stop: stop,
        }
    }
}

impl Process {
    /// Stores items, and when this returns they may be acknowledged.
    pub async fn takes_in(
        &self,
        items: Vec<NewItem>,
        broken: Option<Broken>,
    ) -> Result<(), StoreError> {
        let (store, arrivals) = (self.store.clone(), self.arrivals.clone());
        let stored = async move {
            let enqueued = store.enqueue(items).await?;
            arrivals.add(enqueued.accepted.len());
            Ok(())
        };
        if broken != Some(Broken::Acknowledged) {
            return stored.await;
        }
        tokio::spawn(self.life.of(async move {
            tokio::time::sleep(TOO_LATE).await;
            let _: Result<(), StoreError> = stored.await;
        }));
        Ok(())
    }
}

fn or(number: usize, otherwise: usize) -> usize {
    match number {
        0 => otherwise,
        number => number,
    }
}

fn clients(found: &Found) -> (SalesforceClient, TicketureClient) {
    let salesforce = SalesforceConfig {
        login_url: "http://simulator".to_owned(),
        api_version: "v67.0".to_owned(),
        auth: Auth::ClientCredentials {
            client_id: "sim".to_owned(),
            client_secret: Secret::new("sim"),
        },
        reserve_percent: RESERVE_PERCENT,
    };
    let ticketure = TicketureConfig {
        url: "http://tenant.simulator".to_owned(),
        api_key: Secret::new("sim"),
    };
    let (network, now) = (&found.network, &found.now);
    let salesforce = SalesforceClient::with_time(network.clone(), salesforce, now.clone());
    let ticketure = TicketureClient::new(network.clone(), ticketure, now.clone());
    if found.broken == Some(Broken::Calls) {
        salesforce.loses_patience();
        ticketure.loses_patience();
    }
    (salesforce, ticketure)
}

/// The real processing, seen from outside, and mortal.
struct Watched {
    sync: Arc<TwoWaySync>,
    watch: Arc<Watch>,
    life: Arc<Life>,
}

#[async_trait]
impl Works for Watched {
    async fn process(&self, items: Vec<Item>) -> Result<(), StoreError> {
        self.watch.handed_out(&items).await?;
        let sync = self.sync.clone();
        self.life.of(async move { sync.process(items).await }).await
    }

    async fn ready(&self, wanted: usize) -> Result<usize, StoreError> {
        self.sync.ready(wanted).await
    }
}

/// How many more awaits of its tasks a process gets past.
pub struct Life {
    left: AtomicU64,
}

impl Default for Life {
    fn default() -> Self {
        Life {
            left: AtomicU64::new(u64::MAX),
        }
    }
}

impl Life {
    /// It is dead after so many more awaits.
    pub fn end_after(&self, awaits: u64) {
        self.left.store(awaits, Ordering::Relaxed);
    }

    pub fn is_over(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    /// Takes one of the awaits, if there is one left; without an end they do not get fewer.
    fn goes_on(&self) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        if left != u64::MAX {
            self.left.store(left.saturating_sub(1), Ordering::Relaxed);
        }
        left > 0
    }

    /// A part of the process: when it is dead, the part takes no further step.
    fn of<T>(self: &Arc<Self>, part: impl Future<Output = T> + Send + 'static) -> Mortal<T> {
        Mortal {
            life: self.clone(),
            part: Box::pin(part),
        }
    }
}

struct Mortal<T> {
    life: Arc<Life>,
    part: Pin<Box<dyn Future<Output = T> + Send>>,
}

impl<T> Future for Mortal<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match self.life.goes_on() {
            true => self.part.as_mut().poll(context),
            false => Poll::Pending,
        }
    }
}
