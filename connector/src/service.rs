//! Builds the parts, starts them, and stops them in order: first nothing new is taken, then what has begun is finished.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use runtime::http::Transport;
use runtime::queue::{Store, StoreError, StoreOptions};
use runtime::salesforce::SalesforceClient;
use runtime::worker::{Arrivals, Worker};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::config::Config;
use crate::handlers;
use crate::operator::{self, Operator};
use crate::to_salesforce::ToSalesforce;
use crate::webhook::{self, Receiver};

/// Everything that runs, before it runs.
pub struct Service {
    pub store: Store,
    pub client: SalesforceClient,
    receiver: Receiver,
    worker: Worker,
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
        };
        let store = Store::open(&config.database, options)?;
        let handlers = Arc::new(handlers::all());
        let client = SalesforceClient::new(transport, config.salesforce.clone());
        let arrivals = Arc::new(Arrivals::default());
        let process = ToSalesforce::new(
            store.clone(),
            client.clone(),
            handlers.clone(),
            config.npsp,
            seed,
        );
        let receiver = Receiver {
            store: store.clone(),
            handlers,
            secret: config.webhook_secret.clone(),
            size_limit_bytes: config.size_limit_bytes,
            arrivals: arrivals.clone(),
        };
        let worker = Worker {
            store: store.clone(),
            process: Arc::new(process),
            batch: config.batch,
            arrivals,
        };
        Ok(Service {
            store,
            client,
            receiver,
            worker,
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
            secret: self.receiver.secret.clone(),
            arrivals: self.receiver.arrivals.clone(),
        };
        let router = Router::new()
            .route("/webhooks", post(webhook::receive))
            .with_state(self.receiver)
            .route("/health", get(|| async { "ok\n" }))
            .merge(operator::router(operator));
        let (worker, stop_worker) = (self.worker, stop.clone());
        let mut working = tokio::spawn(async move { worker.run(stop_worker).await });
        let mut stop_web = stop;
        let web = axum::serve(listener, router).with_graceful_shutdown(async move {
            let _ = stop_web.wait_for(|stop| *stop).await;
        });
        tokio::select! {
            ended = &mut working => return ended.map_err(|_| ServiceError::Ended)?.map_err(ServiceError::Store),
            served = async move { web.await } => served.map_err(ServiceError::Web)?,
        }
        working
            .await
            .map_err(|_| ServiceError::Ended)?
            .map_err(ServiceError::Store)
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
