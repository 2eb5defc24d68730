//! Builds the parts, starts them, and stops them in order: first nothing new is taken, then what has begun is finished.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use runtime::http::Transport;
use runtime::queue::{Store, StoreError, StoreOptions};
use runtime::salesforce::SalesforceClient;
use runtime::ticketure::TicketureClient;
use runtime::worker::{Arrivals, Worker};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower_http::decompression::RequestDecompressionLayer;

use crate::capture::{Capture, Polling};
use crate::config::Config;
use crate::handlers;
use crate::operator::{self, Operator};
use crate::sync::TwoWaySync;
use crate::webhook::{self, Receiver};

/// Everything that runs, before it runs.
pub struct Service {
    pub store: Store,
    pub sync: Arc<TwoWaySync>,
    receiver: Receiver,
    worker: Worker,
    /// Where something goes back.
    capture: Option<Capture>,
}

/// Why the service ended.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "cannot listen on {address}: {source}; is another usher running, or is the port taken?"
    )]
    Listen {
        address: String,
        source: std::io::Error,
    },
    #[error("the web server failed")]
    Web(#[source] std::io::Error),
    #[error("a part of the service ended unexpectedly")]
    Ended,
}

impl Service {
    /// Opens the database and puts the parts together; nothing runs yet.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub fn build(
        config: &Config,
        transport: Arc<dyn Transport>,
        seed: u64,
    ) -> Result<Service, ServiceError> {
        let options = StoreOptions {
            event_log: config.event_log,
            queue_limit: config.queue_limit,
            keep: config.keep.clone(),
            stand_ins: crate::handlers::organizations::stand_ins(),
            ..StoreOptions::default()
        };
        let store = Store::open(&config.database, options)?;
        let handlers = Arc::new(handlers::all());
        let now = runtime::clock::wall();
        let client =
            SalesforceClient::with_time(transport.clone(), config.salesforce.clone(), now.clone());
        let ticketure = config
            .ticketure
            .clone()
            .map(|config| TicketureClient::new(transport, config, now));
        let arrivals = Arc::new(Arrivals::default());
        let sync = TwoWaySync::new(
            store.clone(),
            client.clone(),
            ticketure,
            handlers.clone(),
            config.npsp,
            seed,
        );
        let sync = sync
            .fetching(config.fetch_missing)
            .with_settings(config.settings.clone());
        let sync = Arc::new(sync);
        let capture = sync.ticketure.is_some().then(|| Capture {
            source: Box::new(Polling(client)),
            sync: sync.clone(),
            every: config.poll,
            arrivals: arrivals.clone(),
        });
        let receiver = Receiver {
            store: store.clone(),
            handlers,
            secret: config.webhook_secret.clone(),
            size_limit_bytes: config.size_limit_bytes,
            ignored: Arc::new(config.ignore_webhooks.clone()),
            arrivals: arrivals.clone(),
        };
        let worker = Worker {
            store: store.clone(),
            process: sync.clone(),
            batch: config.batch,
            batches: config.batches,
            cores: runtime::worker::cores(),
            arrivals,
        };
        Ok(Service {
            store,
            sync,
            receiver,
            worker,
            capture,
        })
    }

    /// Runs until `stop` is true, or a part fails.
    ///
    /// # Errors
    /// What failed.
    pub async fn run(
        self,
        listener: TcpListener,
        stop: watch::Receiver<bool>,
    ) -> Result<(), ServiceError> {
        let operator = Operator {
            store: self.store.clone(),
            salesforce: self.sync.salesforce.clone(),
            secret: self.receiver.secret.clone(),
            arrivals: self.receiver.arrivals.clone(),
        };
        let router = webhooks(self.receiver)
            .route("/health", get(|| async { "ok\n" }))
            .merge(operator::router(operator));
        let (worker, stop_worker) = (self.worker, stop.clone());
        let (capture, stop_capture) = (self.capture, stop.clone());
        let mut working = tokio::spawn(async move { worker.run(stop_worker).await });
        let mut reading = tokio::spawn(async move {
            match capture {
                Some(capture) => capture.run(stop_capture).await,
                None => Ok(()),
            }
        });
        let mut stop_web = stop;
        let web = axum::serve(listener, router).with_graceful_shutdown(async move {
            let _ = stop_web.wait_for(|stop| *stop).await;
        });
        tokio::select! {
            ended = &mut working => return ended.map_err(|_| ServiceError::Ended)?.map_err(ServiceError::Store),
            failed = failure(&mut reading) => return Err(failed),
            served = async move { web.await } => served.map_err(ServiceError::Web)?,
        }
        working
            .await
            .map_err(|_| ServiceError::Ended)?
            .map_err(ServiceError::Store)
    }
}

/// The way in. A body that the sender compressed counts by its size after that.
pub fn webhooks(receiver: Receiver) -> Router {
    Router::new()
        .route("/webhooks", post(webhook::receive))
        .layer(RequestDecompressionLayer::new())
        .with_state(receiver)
}

/// Why reading ended; never, where nothing is read.
async fn failure(reading: &mut JoinHandle<Result<(), StoreError>>) -> ServiceError {
    match reading.await {
        Ok(Ok(())) => std::future::pending().await,
        Ok(Err(error)) => ServiceError::Store(error),
        Err(_) => ServiceError::Ended,
    }
}

/// Binds the address of the configuration.
///
/// # Errors
/// When it is taken.
pub async fn listen(address: &str) -> Result<TcpListener, ServiceError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ServiceError::Listen {
            address: address.to_owned(),
            source,
        })
}
