//! The proxy: clients speak to it on this machine, and it speaks to the org and writes down both.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName};
use http::{Request, StatusCode};
use runtime::http::Transport;
use serde_json::Value;
use tokio::net::TcpListener;
use tower_http::decompression::RequestDecompressionLayer;

use super::redact::is_token;

/// Largest request of a client. Salesforce takes no more than 50 MB.
const REQUEST_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Headers of one connection, or of how a body was packed there: each side has its own.
const OF_THE_CONNECTION: [HeaderName; 7] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::TRANSFER_ENCODING,
    header::ACCEPT_ENCODING,
    header::UPGRADE,
];

/// Addresses of the proxy and of the org.
struct Proxy {
    transport: Arc<dyn Transport>,
    login_url: String,
    /// The org's own host, once a log-in has named it.
    instance_url: Mutex<String>,
    /// Address at which clients reach the proxy.
    own_url: String,
}

/// Serves until the process ends.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    transport: Arc<dyn Transport>,
    login_url: &str,
) -> std::io::Result<()> {
    let proxy = Proxy {
        transport,
        login_url: login_url.to_owned(),
        instance_url: Mutex::new(login_url.to_owned()),
        own_url: format!("http://{}", listener.local_addr()?),
    };
    let router = Router::new()
        .fallback(forward)
        .with_state(Arc::new(proxy))
        .layer(RequestDecompressionLayer::new());
    axum::serve(listener, router).await
}

async fn forward(State(proxy): State<Arc<Proxy>>, request: Request<Body>) -> Response {
    match proxy.forward(request).await {
        Ok(answer) => answer,
        Err(reason) => (StatusCode::BAD_GATEWAY, reason).into_response(),
    }
}

impl Proxy {
    async fn forward(&self, request: Request<Body>) -> Result<Response, String> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, REQUEST_BYTES_MAX)
            .await
            .map_err(|error| error.to_string())?;
        let path = parts.uri.path().to_owned();
        let place = parts
            .uri
            .path_and_query()
            .map_or("/", |place| place.as_str());
        let base = match is_token(&path) {
            true => self.login_url.clone(),
            false => self.instance(),
        };
        let mut asked = Request::builder()
            .method(parts.method)
            .uri(format!("{base}{place}"))
            .body(body)
            .map_err(|error| error.to_string())?;
        *asked.headers_mut() = passed_on(&parts.headers);
        let answer = self.transport.send(asked).await;
        let answer = answer.map_err(|error| error.to_string())?;
        let (mut parts, mut body) = answer.into_parts();
        parts.headers = passed_on(&parts.headers);
        if is_token(&path) && parts.status.is_success() {
            body = self.logged_in(body);
        }
        Ok(Response::from_parts(parts, Body::from(body)))
    }

    /// Keeps the org's host, and gives the answer with our own in its place.
    fn logged_in(&self, body: Bytes) -> Bytes {
        let Ok(mut token) = serde_json::from_slice::<Value>(&body) else {
            return body;
        };
        let Some(named) = token.get_mut("instance_url") else {
            return body;
        };
        if let Some(url) = named.as_str() {
            let mut known = self
                .instance_url
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *known = url.trim_end_matches('/').to_owned();
        }
        *named = Value::from(self.own_url.as_str());
        Bytes::from(token.to_string())
    }

    fn instance(&self) -> String {
        let known = self.instance_url.lock();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The headers that are the caller's own words.
fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    for name in OF_THE_CONNECTION {
        kept.remove(name);
    }
    kept
}
