//! The real network: TLS by rustls, connections used again, bodies compressed, time-outs on everything.

use std::io::Write;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderValue, Request, Response, header};

use super::{TakesGzip, Transport, TransportError};

/// Answers larger than this are refused, counted after decompression: a page of 2,000 records is some 4 MB.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A body that is smaller fits into one packet as it is.
const GZIP_BYTES_MIN: usize = 1_400;

const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Nothing takes longer. Salesforce itself gives up after ten minutes; a batch of 200 with slow automation may take one.
const CALL_MAX: Duration = Duration::from_secs(120);

/// A connection that nobody used for so long is closed, before a firewall between forgets it without a word.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// reqwest behind the seam; clones share the connections.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
}

/// The network could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the HTTP client")]
pub struct HttpSetupError(#[source] reqwest::Error);

impl HttpTransport {
    /// # Errors
    /// When the machine's certificates cannot be read.
    pub fn new() -> Result<Self, HttpSetupError> {
        // Another part of the process may have installed one already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_MAX)
            .timeout(CALL_MAX)
            .pool_idle_timeout(IDLE_MAX)
            .tcp_keepalive(IDLE_MAX / 3)
            .gzip(true)
            // A POST that is sent on becomes a GET, whose answer would be taken for the POST's.
            .redirect(reqwest::redirect::Policy::none())
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
            reqwest::Request::try_from(packed(request)).map_err(|error| not_sent(&host, &error))?;
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

/// The request with its body compressed, where that is worth it and the other side takes it.
fn packed(mut request: Request<Bytes>) -> Request<Bytes> {
    let takes = request.extensions_mut().remove::<TakesGzip>().is_some();
    if !takes || request.body().len() < GZIP_BYTES_MIN {
        return request;
    }
    // Records repeat their field names so much that the fastest level makes a tenth of them.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(request.body());
    if let Ok(body) = written.and_then(|()| encoder.finish()) {
        *request.body_mut() = Bytes::from(body);
        let gzip = HeaderValue::from_static("gzip");
        request.headers_mut().insert(header::CONTENT_ENCODING, gzip);
    }
    request
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
