//! Where a bench is held: a database in a folder of its own, a simulator, and the real sync between them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;
use runtime::queue::{Link, NewItem, Status, Store, StoreError, StoreOptions};
use runtime::salesforce::SalesforceClient;
use runtime::ticketure::TicketureClient;
use runtime::worker::{Arrivals, Worker};
use simulator::{Simulator, SimulatorOptions};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::watched::Watched;
use super::{Common, Failure};
use crate::config::{Config, Npsp};
use crate::demo::stage::{InProcess, config};
use crate::routing::Handlers;
use crate::sync::TwoWaySync;

/// Items of one transaction while a backlog is made.
const GROUP: usize = 1_000;
/// Links of one.
const LINKS: usize = 2_000;
/// How often the queue is asked whether it is empty.
const LOOK_EVERY: Duration = Duration::from_millis(20);

pub struct Place {
    pub store: Store,
    pub simulator: Simulator,
    pub handlers: Handlers,
    pub config: Config,
    pub arrivals: Arc<Arrivals>,
    /// Removed when the place goes.
    _folder: tempfile::TempDir,
}

/// A worker on its way.
pub struct Working {
    pub watched: Arc<Watched>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), StoreError>>,
}

/// A folder for a database.
pub fn folder(common: &Common) -> Result<tempfile::TempDir, Failure> {
    let made = match &common.folder {
        Some(folder) => tempfile::tempdir_in(folder),
        None => tempfile::tempdir(),
    };
    made.map_err(|error| {
        format!("cannot make a folder for the database: {error}; name one with --folder").into()
    })
}

/// An org that counts its writes, or keeps them, and takes as many calls as come.
pub fn simulator(only_counts_writes: bool) -> Result<Simulator, Failure> {
    Ok(Simulator::new(SimulatorOptions {
        only_counts_writes,
        daily_limit: u64::MAX,
        ..SimulatorOptions::new(crate::cli::snapshots())
    })?)
}

/// What a service would be told, here.
pub fn configured(folder: &tempfile::TempDir) -> Config {
    Config {
        npsp: Npsp::Yes,
        queue_limit: u64::MAX >> 1,
        poll: Duration::from_secs(15),
        ..config(folder.path())
    }
}

impl Place {
    pub fn open(common: &Common) -> Result<Place, Failure> {
        let folder = folder(common)?;
        let config = configured(&folder);
        let options = StoreOptions {
            event_log: config.event_log,
            queue_limit: config.queue_limit,
            keep: config.keep.clone(),
            stand_ins: crate::handlers::organizations::stand_ins(),
            ..StoreOptions::default()
        };
        Ok(Place {
            store: Store::open(&config.database, options)?,
            simulator: simulator(true)?,
            handlers: Arc::new(crate::handlers::all()),
            config,
            arrivals: Arc::default(),
            _folder: folder,
        })
    }

    /// So many items of a batch, so many batches at a time, where that is said.
    pub fn work_in(&mut self, batch: Option<usize>, batches: Option<usize>) {
        self.config.batch = batch.unwrap_or(self.config.batch);
        self.config.batches = batches.unwrap_or(self.config.batches);
    }

    /// The real worker over the real sync, timed.
    pub fn work(&self) -> Working {
        let transport = Arc::new(InProcess(self.simulator.clone()));
        let now = runtime::clock::wall();
        let salesforce = SalesforceClient::with_time(
            transport.clone(),
            self.config.salesforce.clone(),
            now.clone(),
        );
        let ticketure = self
            .config
            .ticketure
            .clone()
            .map(|config| TicketureClient::new(transport, config, now));
        let sync = TwoWaySync::new(
            self.store.clone(),
            salesforce,
            ticketure,
            self.handlers.clone(),
            self.config.npsp,
            1,
        );
        let watched = Arc::new(Watched::new(Arc::new(sync), Instant::now()));
        let worker = Worker {
            store: self.store.clone(),
            process: watched.clone(),
            batch: self.config.batch,
            batches: self.config.batches,
            cores: runtime::worker::cores(),
            arrivals: self.arrivals.clone(),
        };
        let (stop, stopped) = watch::channel(false);
        Working {
            watched,
            stop,
            task: tokio::spawn(async move { worker.run(stopped).await }),
        }
    }

    pub async fn put_links(&self, links: Vec<Link>) -> Result<usize, Failure> {
        let mut woken = 0;
        for some in links.chunks(LINKS) {
            woken += self.store.put_links(some.to_vec()).await?;
        }
        Ok(woken)
    }

    /// A backlog: a thousand items a transaction, the next ones made while the last ones are written.
    pub async fn enqueue(
        &self,
        items: usize,
        item: &(dyn Fn(usize) -> NewItem + Sync),
    ) -> Result<(), Failure> {
        let groups = (0..items).step_by(GROUP).map(|first| {
            let group: Vec<NewItem> = (first..items.min(first + GROUP)).map(item).collect();
            self.store.enqueue(group)
        });
        let mut written = stream::iter(groups).buffered(2);
        while let Some(enqueued) = written.next().await {
            enqueued?;
        }
        Ok(())
    }

    /// The queue, once `rest` says that it has come to rest. It is not asked before `handed_out` items were worked on.
    pub async fn settled(
        &self,
        working: &Working,
        handed_out: usize,
        rest: impl Fn(&Status) -> bool,
    ) -> Result<Status, Failure> {
        loop {
            if working.task.is_finished() {
                return Err("the worker ended before its work".into());
            }
            if working.watched.handed_out() >= handed_out {
                let status = self.store.status().await?;
                if rest(&status) {
                    return Ok(status);
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// Nothing is on its way.
pub fn is_empty(status: &Status) -> bool {
    status.ready + status.running + status.delayed + status.parked == 0
}

impl Working {
    /// Lets what has begun end, and gives what was seen of it.
    pub async fn stop(self) -> Result<Arc<Watched>, Failure> {
        let _ = self.stop.send(true);
        self.task.await??;
        Ok(self.watched)
    }
}
