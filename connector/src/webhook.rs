//! `POST /webhooks`: verify, store, answer. It calls no remote service: 202 says that all is on the disk.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use runtime::queue::{NewItem, Store, StoreError, Word};
use runtime::salesforce::Secret;
use runtime::worker::Arrivals;
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::routing::{self, Handlers};

/// What the receiver needs.
#[derive(Clone)]
pub struct Receiver {
    pub store: Store,
    pub handlers: Handlers,
    pub secret: Secret,
    pub size_limit_bytes: usize,
    /// Event types that are acknowledged and not kept.
    pub ignored: Arc<BTreeSet<String>>,
    /// Wakes the worker.
    pub arrivals: Arc<Arrivals>,
}

/// Seconds after which a sender may try again.
const RETRY_AFTER: &str = "30";

pub async fn receive(State(receiver): State<Receiver>, request: Request) -> Response {
    if !authorised(request.headers(), &receiver.secret) {
        return refused(
            StatusCode::UNAUTHORIZED,
            "the secret is wrong or missing: send it as `Authorization: Bearer ...` or `X-Webhook-Secret`",
        );
    }
    let body = match read(request.into_body(), receiver.size_limit_bytes).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let items = match routing::route(&receiver.handlers, &body) {
        Ok(items) => items,
        Err(refusal) => return not_json(&receiver.store, &refusal.to_string()).await,
    };
    let items = without_ignored(items, &receiver.ignored);
    match receiver.store.enqueue(items).await {
        Ok(enqueued) => {
            receiver.arrivals.add(enqueued.accepted.len());
            let mut answer =
                json!({ "accepted": enqueued.accepted.len(), "duplicates": enqueued.duplicates });
            if let (Some(answer), true) = (answer.as_object_mut(), enqueued.ignored > 0) {
                answer.insert("ignored".to_owned(), enqueued.ignored.into());
            }
            (StatusCode::ACCEPTED, Json(answer)).into_response()
        }
        Err(error) => not_stored(&error),
    }
}

/// Marks the payloads of types that the operator ignores. The configuration refuses types that a mapping takes.
fn without_ignored(mut items: Vec<NewItem>, ignored: &BTreeSet<String>) -> Vec<NewItem> {
    for item in &mut items {
        if ignored.contains(&item.payload_type) {
            item.word = Word::Ignored;
        }
    }
    items
}

/// Refuses what is no JSON. The sender has the secret, so that the request is counted and shown in `usher status`.
async fn not_json(store: &Store, reason: &str) -> Response {
    tracing::warn!(reason, "a webhook was refused");
    if let Err(error) = store.count_refused().await {
        tracing::error!(%error, "a refused webhook was not counted");
    }
    refused(StatusCode::BAD_REQUEST, reason)
}

/// A full queue asks the sender to wait; anything else is ours to mend, and the sender is to try again as well.
fn not_stored(error: &StoreError) -> Response {
    let status = match error {
        StoreError::QueueFull { .. } => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    tracing::error!(%error, "a webhook was not stored");
    let mut response = refused(status, &error.to_string());
    response.headers_mut().insert(
        header::RETRY_AFTER,
        header::HeaderValue::from_static(RETRY_AFTER),
    );
    response
}

/// Does the request carry the secret? The time that it takes does not depend on where the texts differ.
pub fn authorised(headers: &HeaderMap, secret: &Secret) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let sent = text("authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
        .or_else(|| text("x-webhook-secret"));
    let digest = |text: &str| Sha256::digest(text.as_bytes());
    let same = digest(sent.unwrap_or_default()).ct_eq(&digest(secret.reveal()));
    bool::from(same) && sent.is_some()
}

async fn read(body: Body, limit: usize) -> Result<Bytes, Response> {
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        let too_large = std::error::Error::source(&error)
            .is_some_and(|cause| cause.to_string().contains("length limit"));
        if too_large {
            refused(
                StatusCode::PAYLOAD_TOO_LARGE,
                &format!("the body is larger than {limit} bytes: send fewer payloads at a time"),
            )
        } else {
            refused(StatusCode::BAD_REQUEST, "the body did not arrive whole")
        }
    })
}

fn refused(status: StatusCode, reason: &str) -> Response {
    (status, Json(json!({ "error": reason }))).into_response()
}

#[cfg(test)]
mod odd_tests;
#[cfg(test)]
mod tests;
