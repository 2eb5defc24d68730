//! What each call of a client has: an id, a time-out, a line in the log, and the word of the answer on their clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};

use super::{Transport, TransportError};
use crate::clock::{Meter, Now};

/// The header with the call's id. Salesforce and Ticketure pass it over; proxies and the simulator write it down.
pub const CALL_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Sends the calls of one client to one system.
pub(crate) struct Caller {
    transport: Arc<dyn Transport>,
    /// The start of every id: the system, and when the client was made, so that ids of two runs differ.
    run: String,
    sent: AtomicU64,
    meter: Meter,
}

impl Caller {
    pub(crate) fn new(system: &str, transport: Arc<dyn Transport>, now: Now) -> Self {
        let meter = Meter::new(now);
        Caller {
            transport,
            run: format!("{system}-{:x}", meter.now_ms()),
            sent: AtomicU64::new(0),
            meter,
        }
    }

    /// Their clock minus ours, in milliseconds.
    pub(crate) fn offset_ms(&self) -> i64 {
        self.meter.offset_ms()
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.meter.now_ms()
    }

    /// One call, which takes no longer than `limit`.
    ///
    /// # Errors
    /// When there is no answer: [`TransportError::Lost`] when the time is up, since the call may have been carried out.
    pub(crate) async fn send(
        &self,
        mut request: Request<Bytes>,
        limit: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let id = self.next_id();
        if let Ok(value) = HeaderValue::from_str(&id) {
            request.headers_mut().insert(CALL_ID, value);
        }
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let sent_ms = self.meter.now_ms();
        let answer = match tokio::time::timeout(limit, self.transport.send(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(TransportError::Lost {
                host: uri.host().unwrap_or_default().to_owned(),
                reason: format!("the time is up after {} s", limit.as_secs()),
            }),
        };
        let status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
        let lost = answer.as_ref().err().map(tracing::field::display);
        // The query of a path may hold e-mail addresses: it stays out of the log.
        tracing::debug!(id, %method, place = uri.path(), status, lost, ms = self.meter.now_ms() - sent_ms, "call");
        let answer = answer?;
        self.meter.note(sent_ms, answer.headers());
        Ok(answer)
    }

    fn next_id(&self) -> String {
        let number = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{}-{number}", self.run)
    }
}
