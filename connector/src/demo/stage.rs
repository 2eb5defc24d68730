//! Where the story plays: a service on loopback, the simulator behind its HTTP seam, and what was true so far.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use runtime::http::{HttpTransport, Transport, TransportError};
use runtime::queue::{Status, Store};
use runtime::salesforce::{Auth, RESERVE_PERCENT, SalesforceClient, SalesforceConfig, Secret};
use runtime::ticketure::TicketureConfig;
use serde_json::{Value, json};
use simulator::Simulator;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::{Config, Npsp};
use crate::service::{self, Service, ServiceError};

/// How long one thing may take before it counts as not having happened.
const PATIENCE: Duration = Duration::from_secs(20);

/// The simulator's router as a transport.
pub struct InProcess(pub Simulator);

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let lost = |_| TransportError::Lost {
            host: "simulator".to_owned(),
            reason: "the connection was cut".to_owned(),
        };
        self.0.call(request).await.map_err(lost)
    }
}

pub struct Stage {
    pub simulator: Simulator,
    pub store: Store,
    pub client: SalesforceClient,
    address: String,
    web: HttpTransport,
    json: bool,
    started: Instant,
    lines: usize,
    untrue: usize,
    retries: usize,
    pub random: fastrand::Rng,
    /// NPSP is installed.
    pub npsp: bool,
    stop: watch::Sender<bool>,
    running: JoinHandle<Result<(), ServiceError>>,
    /// Removed when the stage goes.
    _folder: tempfile::TempDir,
}

impl Stage {
    pub async fn open(
        simulator: Simulator,
        json: bool,
        seed: u64,
        npsp: bool,
    ) -> Result<Stage, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let config = config(folder.path());
        let service = Service::build(&config, Arc::new(InProcess(simulator.clone())), seed)?;
        let (store, client) = (service.store.clone(), service.sync.salesforce.clone());
        let listener = service::listen(&config.listen).await?;
        let address = format!("http://{}", listener.local_addr()?);
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(service.run(listener, stopped));
        let stage = Stage {
            simulator,
            store,
            client,
            address,
            json,
            stop,
            running,
            web: HttpTransport::new()?,
            started: Instant::now(),
            lines: 0,
            npsp,
            untrue: 0,
            retries: 0,
            random: fastrand::Rng::with_seed(seed),
            _folder: folder,
        };
        stage.say_open();
        Ok(stage)
    }

    fn say_open(&self) {
        if self.json {
            println!("{}", json!({ "event": "start", "address": self.address }));
        } else {
            println!("usher and a simulated Salesforce and Ticketure, in one process\n");
        }
    }

    /// Sends webhooks as Ticketure does. Gives what was accepted and what was a duplicate.
    pub async fn send(&self, payloads: &[Value]) -> Result<(u64, u64), Box<dyn Error>> {
        let body = self.post("/webhooks", &Value::from(payloads)).await?;
        let number = |name: &str| body.get(name).and_then(Value::as_u64).unwrap_or_default();
        Ok((number("accepted"), number("duplicates")))
    }

    /// As `usher retry` does while the service runs.
    pub async fn retry(&self, item: i64) -> Result<(), Box<dyn Error>> {
        let retry = json!({ "item": item });
        self.post("/operator/retry", &retry).await.map(|_| ())
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Box<dyn Error>> {
        let request = Request::post(format!("{}{path}", self.address))
            .header("authorization", "Bearer demo")
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))?;
        let answer = self.web.send(request).await?;
        let body: Value = serde_json::from_slice(answer.body())?;
        match answer.status().is_success() {
            true => Ok(body),
            false => Err(format!("{path} was refused: {body}").into()),
        }
    }

    /// Changes an identity in Ticketure and sends the webhook about it.
    pub async fn change(&self, identity: Value) -> Result<Value, Box<dyn Error>> {
        let Value::Object(identity) = identity else {
            return Err("an identity is an object".into());
        };
        let id = self.simulator.put_identity(identity);
        let webhook = self.simulator.webhook(&id).ok_or("the identity is gone")?;
        self.send(std::slice::from_ref(&webhook)).await?;
        Ok(webhook)
    }

    /// Waits until it holds; false when it takes too long.
    pub async fn until(&self, holds: impl Fn(&Status) -> bool) -> Result<bool, Box<dyn Error>> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if holds(&self.store.status().await?) {
                return Ok(true);
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
        Ok(false)
    }

    /// Waits until nothing is on its way any more.
    pub async fn settled(&self) -> Result<bool, Box<dyn Error>> {
        self.until(|status| status.ready + status.running + status.delayed + status.parked == 0)
            .await
    }

    /// Waits until no item is ready, running or delayed. Gives up when no item has been done for `PATIENCE`.
    ///
    /// A parked problem does not count.
    pub async fn at_rest(&self) -> Result<bool, Box<dyn Error>> {
        let (mut done, mut since) = (0, Instant::now());
        while since.elapsed() < PATIENCE {
            let status = self.store.status().await?;
            if status.ready + status.running + status.delayed == 0 {
                return Ok(true);
            }
            if status.done != done {
                (done, since) = (status.done, Instant::now());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(false)
    }

    /// Notes how often the items so far were tried again, by their own histories.
    pub async fn count_retries(&mut self) -> Result<(), Box<dyn Error>> {
        let status = self.store.status().await?;
        for id in 1..=status.done as i64 {
            let item = self.store.item(id).await?;
            let again = item
                .iter()
                .flat_map(|item| &item.history)
                .filter(|line| line.what == "delayed");
            self.retries += again.count();
        }
        Ok(())
    }

    /// One line of the story and whether it was true.
    pub fn tell(&mut self, what: &str, detail: &str, truth: bool) {
        self.lines += 1;
        self.untrue += usize::from(!truth);
        if self.json {
            println!(
                "{}",
                json!({ "event": "step", "step": self.lines, "what": what, "detail": detail, "ok": truth })
            );
        } else {
            println!(
                "{} {what}\n      {detail}",
                if truth { "  ok " } else { "  NO " }
            );
        }
    }

    /// The numbers at the end; true when every line was.
    pub async fn summary(&self) -> Result<bool, Box<dyn Error>> {
        let status = self.store.status().await?;
        let ok = self.untrue == 0 && self.lines > 0;
        let ms = self.started.elapsed().as_millis();
        let calls = self.client.calls();
        if self.json {
            println!(
                "{}",
                json!({ "event": "summary", "ok": ok, "steps": self.lines, "untrue": self.untrue, "items": status.done,
                    "api_calls": calls, "retries": self.retries, "errors": status.dead, "duplicates": status.duplicates, "ms": ms })
            );
        } else {
            println!(
                "\n{}: {} items, {calls} API calls, {} retries, {} errors left, {} duplicates, {ms} ms",
                if ok {
                    "all of it was true"
                } else {
                    "NOT all of it was true"
                },
                status.done,
                self.retries,
                status.dead,
                status.duplicates
            );
        }
        Ok(ok)
    }

    /// Leaves everything running until somebody stops it.
    pub async fn keep(&self) -> Result<(), Box<dyn Error>> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        println!(
            "\nstill running, stop with Ctrl-C\n  usher      {}/health\n  webhooks   POST {}/webhooks (Authorization: Bearer demo)",
            self.address, self.address
        );
        println!(
            "  Salesforce http://{address}/simulator/records/Contact and http://{address}/simulator/log"
        );
        tokio::select! {
            served = self.simulator.serve(listener) => served?,
            stopped = tokio::signal::ctrl_c() => stopped?,
        }
        Ok(())
    }

    pub async fn close(self) -> Result<(), Box<dyn Error>> {
        let _ = self.stop.send(true);
        Ok(self.running.await??)
    }
}

/// What the service is told: everything is in this process.
pub(crate) fn config(folder: &std::path::Path) -> Config {
    Config {
        environment: "sandbox".to_owned(),
        listen: "127.0.0.1:0".to_owned(),
        webhook_secret: Secret::new("demo"),
        size_limit_bytes: 8 * 1024 * 1024,
        ignore_webhooks: BTreeSet::new(),
        database: folder.join("usher.db"),
        queue_limit: 1_000_000,
        batch: 2_000,
        batches: 4,
        keep: runtime::queue::Keep::default(),
        fetch_missing: true,
        event_log: false,
        npsp: Npsp::Auto,
        settings: crate::settings::defaults(),
        poll: Duration::from_millis(300),
        ticketure: Some(TicketureConfig {
            url: "http://tenant.simulator".to_owned(),
            api_key: Secret::new("demo"),
        }),
        salesforce: SalesforceConfig {
            login_url: "http://simulator".to_owned(),
            api_version: "v67.0".to_owned(),
            reserve_percent: RESERVE_PERCENT,
            auth: Auth::ClientCredentials {
                client_id: "demo".to_owned(),
                client_secret: Secret::new("demo"),
            },
        },
    }
}
