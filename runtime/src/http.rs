//! The seam under every remote call: a request in, a response out.
//!
//! In production reqwest stands behind it; in the demo and the tests the simulator's router does.
//! Nothing here logs a header, a query or a body.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

/// Answers larger than this are refused: a page of 2,000 records is some 4 MB.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

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

/// The real network: TLS by rustls, time-outs on everything.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
}

/// The network could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the HTTP client")]
pub struct HttpSetupError(#[source] reqwest::Error);

impl HttpTransport {
    /// Salesforce itself gives up after ten minutes; a batch of 200 with slow automation may take one.
    pub fn new() -> Result<Self, HttpSetupError> {
        // Another part of the process may have installed one already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(120))
            .user_agent(concat!("usher/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(HttpSetupError)?;
        Ok(HttpTransport { client })
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let host = request.uri().host().unwrap_or("(no host)").to_owned();
        let request =
            reqwest::Request::try_from(request).map_err(|error| not_sent(&host, &error))?;
        let answer = match self.client.execute(request).await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() || error.is_builder() => {
                return Err(not_sent(&host, &error));
            }
            Err(error) => return Err(lost(&host, &error)),
        };
        read(&host, answer).await
    }
}

async fn read(
    host: &str,
    mut answer: reqwest::Response,
) -> Result<Response<Bytes>, TransportError> {
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        response = response.header(name, value);
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| lost(host, &error))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            let reason = format!("the answer is larger than {ANSWER_BYTES_MAX} bytes");
            return Err(TransportError::Lost {
                host: host.to_owned(),
                reason,
            });
        }
        body.extend_from_slice(&chunk);
    }
    let host = host.to_owned();
    response
        .body(Bytes::from(body))
        .map_err(|error| TransportError::Lost {
            host,
            reason: error.to_string(),
        })
}

fn not_sent(host: &str, error: &reqwest::Error) -> TransportError {
    TransportError::NotSent {
        host: host.to_owned(),
        reason: innermost(error),
    }
}

fn lost(host: &str, error: &reqwest::Error) -> TransportError {
    TransportError::Lost {
        host: host.to_owned(),
        reason: innermost(error),
    }
}

/// reqwest's own text may hold the URL with its query; the innermost cause is what failed and no more.
fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "the time is up".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    if std::error::Error::source(error).is_none() {
        "the request failed".to_owned()
    } else {
        cause.to_string()
    }
}
