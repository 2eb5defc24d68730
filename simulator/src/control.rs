//! `/simulator/...`: reading the log and the records, setting faults, changing identities. Never counted, never harmed.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::State;
use crate::faults::Fault;
use crate::salesforce::error::{answer, with_body};
use crate::sender::{self, Disorder};
use crate::write_log::Actor;

/// Where the tenant's webhooks go.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct WebhookTarget {
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) secret: String,
    /// Late, twice and out of order: nothing of it by default.
    #[serde(default, flatten)]
    pub(crate) disorder: Disorder,
}

pub(crate) fn handle(state: &mut State, request: &Request<Bytes>) -> Response<Bytes> {
    let path = request
        .uri()
        .path()
        .trim_start_matches("/simulator/")
        .trim_end_matches('/')
        .to_owned();
    let parts: Vec<&str> = path.split('/').collect();
    match (request.method(), parts.as_slice()) {
        (&Method::GET, ["log"]) => answer(StatusCode::OK, &json!(state.org.log.entries())),
        (&Method::GET, ["calls"]) => answer(StatusCode::OK, &json!({ "calls": state.org.calls_of_the_day() })),
        (&Method::GET, ["records", object]) => {
            answer(StatusCode::OK, &json!(state.org.records(object)))
        }
        (&Method::GET, ["identities"]) => {
            let all: Vec<_> = state.tenant.living().collect();
            answer(StatusCode::OK, &json!(all))
        }
        (&Method::GET, ["rows", entity]) => {
            answer(StatusCode::OK, &json!(state.tenant.all_rows(entity)))
        }
        (&Method::POST, ["rows", entity]) => with_json(request, |row: Map<String, Value>| {
            let id = state.tenant.put_row(entity, row);
            tell(state, entity, &id);
            json!({ "id": id })
        }),
        (&Method::POST, ["levels"]) => with_json(request, |levels: Vec<String>| {
            state.tenant.set_levels(levels);
            json!({})
        }),
        (&Method::GET, ["tenant-log"]) => {
            answer(StatusCode::OK, &json!(state.tenant.log.entries()))
        }
        (&Method::POST, ["user", object]) => with_json(request, |fields: Map<String, Value>| {
            said(state.org.insert(object, fields, Actor::User).map(|id| json!({ "id": id })))
        }),
        (&Method::PATCH, ["user", object, id]) => with_json(request, |fields: Map<String, Value>| {
            said(state.org.update(object, id, fields, Actor::User).map(|()| json!({})))
        }),
        (&Method::DELETE, ["user", object, id]) => {
            let done = state.org.remove(object, id, Actor::User);
            answer(StatusCode::OK, &said(done.map(|()| json!({}))))
        }
        (&Method::POST, ["merge", object, master, loser]) => {
            let done = state.org.merge(object, master, loser);
            answer(StatusCode::OK, &said(done.map(|()| json!({}))))
        }
        (&Method::POST | &Method::DELETE, ["duplicate-rule"]) => {
            state.org.duplicate_rule = request.method() == Method::POST;
            answer(StatusCode::OK, &json!({}))
        }
        (&Method::POST, ["rewrites", object, field]) => {
            state.org.add_rewrite(object, field, crate::Rewrite::Upper);
            answer(StatusCode::OK, &json!({}))
        }
        (&Method::DELETE, ["identities", id]) => {
            state.tenant.end(id, None);
            tell(state, "identity", id);
            answer(StatusCode::OK, &json!({}))
        }
        (&Method::POST, ["identities", id, "merge", into]) => {
            state.tenant.end(id, Some(into));
            tell(state, "identity", id);
            answer(StatusCode::OK, &json!({}))
        }
        (&Method::POST, ["faults"]) => with_json(request, |fault: Fault| {
            state.faults.add(fault);
            json!({})
        }),
        (&Method::DELETE, ["faults"]) => {
            state.faults.clear();
            answer(StatusCode::OK, &json!({}))
        }
        (&Method::POST, ["webhooks"]) => with_json(request, |target: WebhookTarget| {
            state.webhooks = Some(target);
            json!({})
        }),
        (&Method::POST, ["identities"]) => with_json(request, |identity: Map<String, Value>| {
            put_identity(state, identity)
        }),
        _ => with_body(
            StatusCode::NOT_FOUND,
            "text/plain",
            "log, tenant-log, calls, records/OBJECT, identities, rows/ENTITY, levels, faults, webhooks, user/OBJECT[/ID], merge/OBJECT/MASTER/LOSER, rewrites/OBJECT/FIELD, duplicate-rule\n".to_owned(),
        ),
    }
}

/// Changes an identity, and sends its webhook when a target is set.
fn put_identity(state: &mut State, identity: Map<String, Value>) -> Value {
    let id = state.tenant.put(identity);
    tell(state, "identity", &id);
    json!({ "id": id })
}

/// What a person's action came to.
fn said(done: Result<Value, Vec<crate::ApiError>>) -> Value {
    done.unwrap_or_else(|errors| {
        let errors: Vec<_> = errors.iter().map(|error| format!("{error:?}")).collect();
        json!({ "errors": errors })
    })
}

/// Sends the webhook about a row, when a target is set.
fn tell(state: &mut State, entity: &str, id: &str) {
    let webhook = state.tenant.webhook_of(entity, id);
    if let (Some(target), Some(webhook)) = (state.webhooks.clone(), webhook) {
        let body = Bytes::from(webhook.to_string());
        let seed = state.tenant.seed();
        for delivery in sender::deliveries(vec![body], target.disorder, seed) {
            tokio::spawn(sender::deliver(
                target.url.clone(),
                target.secret.clone(),
                delivery,
            ));
        }
    }
}

fn with_json<T: for<'de> Deserialize<'de>>(
    request: &Request<Bytes>,
    act: impl FnOnce(T) -> Value,
) -> Response<Bytes> {
    match serde_json::from_slice(request.body()) {
        Ok(body) => answer(StatusCode::OK, &act(body)),
        Err(error) => answer(
            StatusCode::BAD_REQUEST,
            &json!({ "error": error.to_string() }),
        ),
    }
}
