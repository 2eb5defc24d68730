//! `/operator/...`: what the command line asks of a running service, which holds the database. It wants the secret.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use runtime::queue::{ReviewDecision, Store, StoreError, Which};
use runtime::salesforce::{SalesforceClient, Secret};
use runtime::worker::Arrivals;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::push::Push;
use crate::review;
use crate::webhook::authorised;

#[derive(Clone)]
pub struct Operator {
    pub store: Store,
    /// Reads the records that decisions name.
    pub salesforce: SalesforceClient,
    pub secret: Secret,
    pub arrivals: Arc<Arrivals>,
}

/// Which dead items to try again; all of them without a number.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Retry {
    pub item: Option<i64>,
}

impl Retry {
    pub fn which(self) -> Which {
        self.item.map_or(Which::All, Which::One)
    }
}

/// A decision, as the command line sends it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Decide {
    #[serde(flatten)]
    pub decision: ReviewDecision,
    /// Replaces a link that is there.
    #[serde(default)]
    pub yes: bool,
}

pub fn router(operator: Operator) -> Router {
    Router::new()
        .route("/operator/status", get(status))
        .route("/operator/retry", post(retry))
        .route("/operator/decide", post(decide))
        .route("/operator/push", post(push))
        .layer(middleware::from_fn_with_state(operator.clone(), guard))
        .with_state(operator)
}

async fn guard(State(operator): State<Operator>, request: Request, next: Next) -> Response {
    if authorised(request.headers(), &operator.secret) {
        return next.run(request).await;
    }
    (
        StatusCode::UNAUTHORIZED,
        Json(json!({ "error": "the secret is wrong or missing" })),
    )
        .into_response()
}

async fn status(State(operator): State<Operator>) -> Response {
    answer(operator.store.status().await)
}

async fn retry(State(operator): State<Operator>, Json(retry): Json<Retry>) -> Response {
    let retried = operator.store.retry(retry.which()).await;
    operator.arrivals.look();
    answer(retried.map(|count| json!({ "retried": count })))
}

async fn push(State(operator): State<Operator>, Json(push): Json<Push>) -> Response {
    let captured = match push.captured() {
        Ok(captured) => captured,
        Err(error) => return unfit(&error),
    };
    let new = operator.store.capture(captured).await;
    operator.arrivals.look();
    answer(new.map(|count| json!({ "pushed": count })))
}

async fn decide(
    State(operator): State<Operator>,
    Json(Decide { decision, yes }): Json<Decide>,
) -> Response {
    let decision = match review::checked(decision) {
        Ok(decision) => decision,
        Err(error) => return unfit(&error),
    };
    let verified = review::verify(&operator.store, &operator.salesforce, &decision, yes);
    if let Err(error) = verified.await {
        return unfit(&error);
    }
    let woken = operator.store.decide(decision).await;
    operator.arrivals.look();
    answer(woken.map(|count| json!({ "woken": count })))
}

fn unfit(error: &str) -> Response {
    let body = Json(json!({ "error": error }));
    (StatusCode::UNPROCESSABLE_ENTITY, body).into_response()
}

fn answer<T: Serialize>(result: Result<T, StoreError>) -> Response {
    match result {
        Ok(body) => Json(body).into_response(),
        Err(error) => {
            let status = if matches!(error, StoreError::LinkConflict { .. }) {
                StatusCode::CONFLICT
            } else {
                StatusCode::SERVICE_UNAVAILABLE
            };
            (status, Json(json!({ "error": error.to_string() }))).into_response()
        }
    }
}
