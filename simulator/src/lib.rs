//! A Salesforce org and a Ticketure tenant, on loopback or in process, for the demo and the tests.
//!
//! One router answers both, request in, response out. It reads the same schema snapshots as the compiler, with a
//! reading of its own: it shares no code with what it checks. Everything random comes from one seed.

mod control;
mod faults;
mod id;
mod people;
mod salesforce;
mod schema;
mod sender;
mod server;
mod ticketure;
mod tls;
mod write_log;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Map, Value};

pub use faults::{Fault, FaultKind, LockWording};
pub use salesforce::Rewrite;
pub use salesforce::error::ApiError;
pub use schema::SchemaError;
pub use sender::{Delivery, Disorder, deliveries};
pub use tls::Tls;
pub use write_log::{Actor, Operation, Write};

use salesforce::Org;
use ticketure::Tenant;

/// How the simulator behaves.
#[derive(Debug, Clone)]
pub struct SimulatorOptions {
    /// NPSP is installed: its fields exist, and a contact without an account gets a household.
    pub npsp: bool,
    /// Where all randomness comes from.
    pub seed: u64,
    /// The folder of `Contact.json` and the other snapshots.
    pub snapshots: PathBuf,
    /// The most API calls of any 24 hours.
    pub daily_limit: u64,
    /// Writes to the org are counted and not kept.
    pub only_counts_writes: bool,
    /// Milliseconds since 1970; both systems go by it, each with an error of its own.
    pub clock: Clock,
    pub salesforce_error_ms: i64,
    pub ticketure_error_ms: i64,
}

/// Where time comes from.
#[derive(Clone)]
pub struct Clock(pub Arc<dyn Fn() -> i64 + Send + Sync>);

impl std::fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Clock")
    }
}

impl SimulatorOptions {
    /// With NPSP, a fixed seed and a hundred thousand calls a day.
    pub fn new(snapshots: impl Into<PathBuf>) -> Self {
        SimulatorOptions {
            npsp: true,
            seed: 1,
            snapshots: snapshots.into(),
            daily_limit: 100_000,
            only_counts_writes: false,
            clock: Clock(Arc::new(|| jiff::Timestamp::now().as_millisecond())),
            salesforce_error_ms: 0,
            ticketure_error_ms: 0,
        }
    }
}

/// The answer was lost; the effect may have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost;

/// A handle; clones share the org and the tenant.
#[derive(Clone)]
pub struct Simulator {
    state: Arc<Mutex<State>>,
}

struct State {
    org: Org,
    tenant: Tenant,
    faults: faults::Faults,
    /// How the org is reached, for `instance_url`.
    address: String,
    webhooks: Option<control::WebhookTarget>,
    clock: Clock,
    connections: u64,
    /// Calls that will be carried out when their time has come.
    late: Vec<(i64, Request<Bytes>)>,
}

/// A clock that is wrong by so much.
fn off(clock: &Clock, error_ms: i64) -> Clock {
    let clock = clock.clone();
    Clock(Arc::new(move || (clock.0)() + error_ms))
}

/// What the router made of a request.
struct Handled {
    response: Response<Bytes>,
    lost: bool,
    latency_ms: u64,
}

impl Simulator {
    /// # Errors
    /// When a snapshot cannot be read.
    pub fn new(options: SimulatorOptions) -> Result<Simulator, SchemaError> {
        let schemas = schema::load(&options.snapshots, options.npsp)?;
        let record_types = schema::record_types(&options.snapshots, options.npsp)?;
        let state = State {
            org: Org::new(
                schemas,
                &record_types,
                options.npsp,
                options.daily_limit,
                off(&options.clock, options.salesforce_error_ms),
                write_log::WriteLog::new(options.only_counts_writes),
            ),
            tenant: Tenant::new(
                options.seed,
                off(&options.clock, options.ticketure_error_ms),
            ),
            clock: options.clock,
            connections: 0,
            late: Vec::new(),
            faults: faults::Faults::new(options.seed),
            address: "http://simulator".to_owned(),
            webhooks: None,
        };
        Ok(Simulator {
            state: Arc::new(Mutex::new(state)),
        })
    }

    /// One HTTP call, in process.
    ///
    /// # Errors
    /// When a fault loses the answer.
    pub async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Lost> {
        let effect = self.lock().meet(&request);
        if effect.slow_ms > 0 {
            tokio::time::sleep(Duration::from_millis(effect.slow_ms)).await;
        }
        let handled = self.lock().handle(&request, &effect);
        if handled.latency_ms > 0 {
            tokio::time::sleep(Duration::from_millis(handled.latency_ms)).await;
        }
        if handled.lost {
            Err(Lost)
        } else {
            Ok(handled.response)
        }
    }

    /// Serves the same on a listener, for ever.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(&self, listener: tokio::net::TcpListener) -> std::io::Result<()> {
        self.lock().address = format!("http://{}", listener.local_addr()?);
        server::serve(self.clone(), listener).await
    }

    /// The same by https.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve_tls(
        &self,
        listener: tokio::net::TcpListener,
        tls: &Tls,
    ) -> std::io::Result<()> {
        self.lock().address = format!("https://localhost:{}", listener.local_addr()?.port());
        server::serve(self.clone(), tls.listener(listener)).await
    }

    /// All records of an object, oldest first; empty when there is no such object.
    pub fn records(&self, object: &str) -> Vec<Map<String, Value>> {
        self.lock().org.records(object)
    }

    /// The records whose field has this text.
    pub fn find(&self, object: &str, field: &str, text: &str) -> Vec<Map<String, Value>> {
        let has =
            |record: &Map<String, Value>| record.get(field).and_then(Value::as_str) == Some(text);
        self.records(object).into_iter().filter(has).collect()
    }

    /// Every committed write, in order.
    pub fn write_log(&self) -> Vec<Write> {
        self.lock().org.log.entries().to_vec()
    }

    /// How many records calls of the API have written.
    pub fn writes(&self) -> u64 {
        self.lock().org.log.by_api()
    }

    /// API calls that count against the limit.
    pub fn calls(&self) -> u64 {
        self.lock().org.calls_of_the_day()
    }

    /// Connections that were opened to it since it serves on a listener.
    pub fn connections(&self) -> u64 {
        self.lock().connections
    }

    /// So many calls of 24 hours are used: others make some, and old ones stop counting.
    pub fn set_calls(&self, used: u64) {
        self.lock().org.set_calls_of_the_day(used);
    }

    /// A rule from now on; the latest is asked first.
    pub fn add_fault(&self, fault: Fault) {
        self.lock().faults.add(fault);
    }

    /// No rule any more.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    /// From now on unique fields take a value twice: whoever relies on the refusal makes doubles, and they show.
    pub fn allow_doubles(&self) {
        self.lock().org.allows_doubles = true;
    }

    /// From now on the org says of itself that it is a sandbox, or that it is none.
    pub fn set_sandbox(&self, is_sandbox: bool) {
        self.lock().org.open_organization(is_sandbox);
    }

    /// The org's duplicate rule for contacts: the same last name and e-mail address. It is not active at first.
    pub fn set_duplicate_rule(&self, is_active: bool) {
        self.lock().org.duplicate_rule = is_active;
    }

    /// A trigger of the org: whatever is written to the field, this becomes of it.
    pub fn add_rewrite(&self, object: &str, field: &str, rewrite: Rewrite) {
        self.lock().org.add_rewrite(object, field, rewrite);
    }

    /// Every write to the tenant, in order.
    pub fn tenant_log(&self) -> Vec<Write> {
        self.lock().tenant.log.entries().to_vec()
    }

    /// The webhooks about writes that were made through Ticketure's API, and are not on their way yet.
    pub fn take_webhooks(&self) -> Vec<Value> {
        std::mem::take(&mut self.lock().tenant.outbox)
    }

    /// Carries out the calls and the jobs whose late time has come; says how many are still to come.
    pub fn run_late(&self) -> usize {
        let mut state = self.lock();
        state.run_late();
        state.late.len() + state.org.run_jobs()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn run_late(&mut self) {
        self.org.run_jobs();
        let now = (self.clock.0)();
        let (due, later) = std::mem::take(&mut self.late)
            .into_iter()
            .partition(|(at, _)| *at <= now);
        self.late = later;
        for (_, request) in due {
            let effect = self.faults.lasting();
            if request.uri().path().starts_with("/api/") {
                self.tenant.handle(&request);
            } else {
                self.org.handle(&request, &effect, &self.address);
            }
        }
    }

    /// Ticketure tells of what its API wrote as of anything else; without a target they wait to be taken.
    fn send_webhooks(&mut self) {
        let Some(target) = self.webhooks.clone() else {
            return;
        };
        for webhook in std::mem::take(&mut self.tenant.outbox) {
            let seed = self.tenant.seed();
            let body = Bytes::from(webhook.to_string());
            for delivery in sender::deliveries(vec![body], target.disorder, seed) {
                tokio::spawn(sender::deliver(
                    target.url.clone(),
                    target.secret.clone(),
                    delivery,
                ));
            }
        }
    }

    /// What goes wrong with a call; nothing with those to the simulator itself.
    fn meet(&mut self, request: &Request<Bytes>) -> faults::Effect {
        match request.uri().path().starts_with("/simulator/") {
            true => faults::Effect::default(),
            false => self.faults.meet(request),
        }
    }

    fn handle(&mut self, request: &Request<Bytes>, effect: &faults::Effect) -> Handled {
        let path = request.uri().path();
        if path.starts_with("/simulator/") {
            return Handled {
                response: control::handle(self, request),
                lost: false,
                latency_ms: 0,
            };
        }
        self.run_late();
        if let Some(ms) = effect.late_ms {
            self.late
                .push(((self.clock.0)() + ms as i64, request.clone()));
            return Handled {
                response: salesforce::error::unavailable(),
                lost: true,
                latency_ms: effect.latency_ms,
            };
        }
        if effect.expire_sessions || effect.session_forbidden {
            self.org.expire_sessions();
        }
        if effect.locators_end {
            self.org.close_cursors();
        }
        let mut response = if effect.lost_before {
            salesforce::error::unavailable()
        } else if let Some(status) = effect.status {
            salesforce::error::only_status(status)
        } else if let Some(status) = effect.page {
            salesforce::error::page(status)
        } else if let Some((status, to)) = &effect.moved {
            salesforce::error::moved(*status, to)
        } else if effect.session_forbidden {
            let error = ApiError::new("INVALID_SESSION_ID", "Session expired or invalid");
            salesforce::error::refuse(http::StatusCode::FORBIDDEN, &[error])
        } else if let Some((status, code)) = &effect.error {
            let status = http::StatusCode::from_u16(*status).unwrap_or_default();
            let error = ApiError::new(code, "for a while");
            salesforce::error::refuse(status, &[error])
        } else if effect.unavailable {
            self.org.count_call();
            salesforce::error::unavailable()
        } else if path.starts_with("/api/") {
            self.tenant.handle(request)
        } else {
            self.org.handle(request, effect, &self.address)
        };
        let now = match path.starts_with("/api/") {
            true => self.tenant.now_ms(),
            false => self.org.clock_ms(),
        };
        let date = jiff::Timestamp::from_millisecond(now).unwrap_or_default();
        let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        if let Ok(date) = http::HeaderValue::from_str(&date) {
            response.headers_mut().insert("date", date);
        }
        self.send_webhooks();
        Handled {
            response,
            lost: effect.lost_before || effect.lost_after,
            latency_ms: effect.latency_ms,
        }
    }
}

#[cfg(test)]
mod tests;
