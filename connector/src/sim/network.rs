//! The network between: slow, sometimes cut, and it remembers what it carried.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use runtime::clock::Now;
use runtime::http::{Transport, TransportError};
use simulator::Simulator;

use super::history::History;

/// An answer that arrived, and the records in it.
pub struct Seen {
    /// When it arrived.
    pub at_ms: i64,
    /// When it was so.
    pub shows_ms: i64,
    pub text: String,
    pub ticketure: bool,
    /// A webhook, and not an answer.
    pub is_webhook: bool,
}

/// The network: slow, and it remembers what it carried.
pub struct Network {
    simulator: Simulator,
    random: Mutex<fastrand::Rng>,
    call_ms_max: u64,
    seen: Mutex<Vec<Seen>>,
    now: Now,
    /// Until when Salesforce, and Ticketure, answer nobody.
    away_until_ms: [AtomicI64; 2],
    calls: Mutex<Calls>,
}

/// Calls that were made.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    /// All but those that ask for changes, which are made every so often.
    pub all: u64,
    /// Of Salesforce, and of Ticketure, while it was away.
    pub away: [u64; 2],
}

#[async_trait]
impl Transport for Network {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let ticketure = request.uri().path().starts_with("/api/");
        let reads = request.method() == Method::GET
            || request.uri().path().contains("/composite/sobjects/");
        tokio::time::sleep(self.delay()).await;
        let shows_ms = (self.now)();
        self.count(&request, ticketure);
        let answer = match self.is_away(ticketure) {
            true => Ok(unavailable()),
            false => self.simulator.call(request).await,
        };
        tokio::time::sleep(self.delay()).await;
        let answer = answer.map_err(|_| TransportError::Lost {
            host,
            reason: "the connection was cut".to_owned(),
        })?;
        if reads || ticketure {
            self.saw(Seen {
                at_ms: shows_ms,
                shows_ms,
                text: String::from_utf8_lossy(answer.body()).into_owned(),
                ticketure,
                is_webhook: false,
            });
        }
        Ok(answer)
    }
}

impl Network {
    pub fn new(simulator: Simulator, history: &History, now: Now) -> Network {
        Network {
            simulator,
            random: Mutex::new(fastrand::Rng::with_seed(history.seed ^ 1)),
            call_ms_max: history.call_ms_max,
            seen: Mutex::default(),
            now,
            away_until_ms: Default::default(),
            calls: Mutex::default(),
        }
    }

    /// An answer or a webhook showed something.
    pub fn saw(&self, seen: Seen) {
        self.shown().push(seen);
    }

    /// What answers since then showed of a record, only a process that is no more has seen.
    pub fn forget(&self, ids: &[String], since_ms: i64) {
        let is_about = |seen: &Seen| ids.iter().any(|id| seen.text.contains(id.as_str()));
        self.shown()
            .retain(|seen| seen.is_webhook || seen.at_ms < since_ms || !is_about(seen));
    }

    /// Everything that was shown; it is forgotten here.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.shown())
    }

    fn shown(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A system answers nobody for so long.
    pub fn goes_away(&self, ticketure: bool, for_ms: u64) {
        let until_ms = (self.now)().saturating_add_unsigned(for_ms);
        self.away_until_ms[usize::from(ticketure)].store(until_ms, Ordering::Relaxed);
    }

    /// Both systems answer again.
    pub fn is_back(&self) {
        for until_ms in &self.away_until_ms {
            until_ms.store(0, Ordering::Relaxed);
        }
    }

    pub fn calls(&self) -> Calls {
        self.counted().clone()
    }

    fn counted(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, request: &Request<Bytes>, ticketure: bool) {
        let query = request.uri().query().unwrap_or_default();
        let polls = query.contains("ORDER") && query.contains("SystemModstamp");
        let mut calls = self.counted();
        calls.all += u64::from(!polls);
        calls.away[usize::from(ticketure)] += u64::from(self.is_away(ticketure));
    }

    fn is_away(&self, ticketure: bool) -> bool {
        let until_ms = self.away_until_ms[usize::from(ticketure)].load(Ordering::Relaxed);
        (self.now)() < until_ms
    }

    fn delay(&self) -> Duration {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        Duration::from_millis(random.u64(0..=self.call_ms_max / 2))
    }
}

fn unavailable() -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(b"unavailable"));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}
