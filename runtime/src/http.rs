//! The seam under every remote call: a request in, a response out.
//!
//! In production reqwest stands behind it (`network`); in the demo and the tests the simulator's router does. What
//! every call has, whatever stands behind, is in `caller`: an id, a time-out, a line in the log. Nothing here logs a
//! header, a query or a body.

mod caller;
mod network;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

pub use caller::CALL_ID;
pub(crate) use caller::Caller;
pub use network::{HttpSetupError, HttpTransport};

/// Sends one request and gives the answer, whatever its status.
#[async_trait]
pub trait Transport: Send + Sync {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError>;
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The request surely was not processed.
    #[error("cannot reach {host}: {reason}; check the address and the network")]
    NotSent { host: String, reason: String },
    /// The request may have been processed.
    #[error("{host} did not answer: {reason}")]
    Lost { host: String, reason: String },
}

/// Among a request's extensions: the other side takes bodies that are compressed, so the network may send it so.
#[derive(Debug, Clone, Copy)]
pub struct TakesGzip;

#[cfg(test)]
mod tests;
