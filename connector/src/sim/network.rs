//! The network between: slow, sometimes cut, and it remembers what it carried.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response};
use runtime::clock::Now;
use runtime::http::{Transport, TransportError};
use simulator::Simulator;

/// An answer that arrived, and the records in it.
pub struct Seen {
    /// When it arrived.
    pub at_ms: i64,
    /// When it was so.
    pub shows_ms: i64,
    pub text: String,
    pub ticketure: bool,
}

/// The network: slow, and it remembers what it carried.
pub struct Network {
    pub simulator: Simulator,
    pub random: Mutex<fastrand::Rng>,
    pub call_ms_max: u64,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    pub now: Now,
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
        let answer = self.simulator.call(request).await;
        tokio::time::sleep(self.delay()).await;
        let answer = answer.map_err(|_| TransportError::Lost {
            host,
            reason: "the connection was cut".to_owned(),
        })?;
        if reads || ticketure {
            self.seen
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(Seen {
                    at_ms: shows_ms,
                    shows_ms,
                    text: String::from_utf8_lossy(answer.body()).into_owned(),
                    ticketure,
                });
        }
        Ok(answer)
    }
}

impl Network {
    fn delay(&self) -> Duration {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        Duration::from_millis(random.u64(0..=self.call_ms_max / 2))
    }
}
