//! The Ticketure tenant: identities with REST reads and writes, and the webhooks about them.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::salesforce::error::with_body;

pub(crate) struct Tenant {
    identities: BTreeMap<String, Map<String, Value>>,
    random: fastrand::Rng,
}

impl Tenant {
    pub(crate) fn new(seed: u64) -> Self {
        Tenant {
            identities: BTreeMap::new(),
            random: fastrand::Rng::with_seed(seed ^ 0x7469_636b),
        }
    }

    /// Creates an identity or changes the given members; an id is made when there is none.
    pub(crate) fn put(&mut self, change: Map<String, Value>) -> String {
        let id = change.get("id").and_then(Value::as_str).map(str::to_owned);
        let id = id.unwrap_or_else(|| self.uuid());
        let now = jiff::Timestamp::now().to_string();
        let identity = self.identities.entry(id.clone()).or_default();
        identity
            .entry("created_at")
            .or_insert_with(|| Value::from(now.as_str()));
        identity
            .entry("identity_type")
            .or_insert_with(|| Value::from("person"));
        identity.extend(change);
        identity.insert("id".to_owned(), Value::from(id.as_str()));
        identity.insert("updated_at".to_owned(), Value::from(now));
        id
    }

    pub(crate) fn webhook(&mut self, id: &str) -> Option<Value> {
        let identity = self.identities.get(id)?.clone();
        Some(json!({
            "event_type": "identity_changed",
            "event_id": self.uuid(),
            "occurred_at": jiff::Timestamp::now().to_string(),
            "tenant": "simulator",
            "environment": "sandbox",
            "data": { "identity": { "_count": 1, "_data": [identity] } },
        }))
    }

    /// `/api/...`: the Idempotency-Key header is ignored, as long as nobody has shown otherwise.
    pub(crate) fn handle(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        if !request.headers().contains_key(header::AUTHORIZATION) {
            return failed(StatusCode::UNAUTHORIZED, "unauthorized", json!({}));
        }
        let path = request.uri().path().trim_end_matches('/').to_owned();
        let parts: Vec<&str> = path.trim_start_matches("/api/").split('/').collect();
        match (request.method(), parts.as_slice()) {
            (&Method::GET, ["identity"]) => rows(self.identities.values().cloned().collect()),
            (&Method::GET, ["identity", id]) => match self.identities.get(*id) {
                Some(identity) => rows(vec![identity.clone()]),
                None => failed(StatusCode::NOT_FOUND, "not_found", json!({})),
            },
            (&Method::PATCH, ["identity" | "organization", id]) => self.change(id, request),
            (&Method::POST, ["user"]) => self.create("person", request),
            (&Method::POST, ["organization"]) => self.create("organization", request),
            _ => failed(StatusCode::NOT_FOUND, "not_found", json!({})),
        }
    }

    fn change(&mut self, id: &str, request: &Request<Bytes>) -> Response<Bytes> {
        let Ok(Value::Object(mut change)) = serde_json::from_slice(request.body()) else {
            return failed(StatusCode::BAD_REQUEST, "invalid", json!({}));
        };
        if !self.identities.contains_key(id) {
            return failed(StatusCode::NOT_FOUND, "not_found", json!({}));
        }
        change.insert("id".to_owned(), Value::from(id));
        let id = self.put(change);
        rows(self.identities.get(&id).cloned().into_iter().collect())
    }

    /// A person whose e-mail address is known already is a conflict that names the identity.
    fn create(&mut self, identity_type: &str, request: &Request<Bytes>) -> Response<Bytes> {
        let Ok(Value::Object(mut identity)) = serde_json::from_slice(request.body()) else {
            return failed(StatusCode::BAD_REQUEST, "invalid", json!({}));
        };
        let email = identity
            .get("email")
            .and_then(Value::as_str)
            .map(str::to_lowercase);
        let same = |other: &&Map<String, Value>| {
            email.is_some()
                && other
                    .get("email")
                    .and_then(Value::as_str)
                    .map(str::to_lowercase)
                    == email
        };
        if let Some(existing) = self.identities.values().find(same) {
            return failed(
                StatusCode::CONFLICT,
                "conflict",
                json!({ "identity_id": existing.get("id") }),
            );
        }
        identity.remove("id");
        identity.insert("identity_type".to_owned(), Value::from(identity_type));
        let id = self.put(identity);
        rows(self.identities.get(&id).cloned().into_iter().collect())
    }

    /// A number for somebody else's randomness.
    pub(crate) fn seed(&mut self) -> u64 {
        self.random.u64(..)
    }

    fn uuid(&mut self) -> String {
        let (high, low) = (self.random.u64(..), self.random.u64(..));
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            low >> 48 & 0x3fff | 0x8000,
            low & 0xffff_ffff_ffff
        )
    }
}

fn rows(rows: Vec<Map<String, Value>>) -> Response<Bytes> {
    json_answer(
        StatusCode::OK,
        &json!({ "identity": { "_count": rows.len(), "_data": rows } }),
    )
}

fn failed(status: StatusCode, code: &str, extra: Value) -> Response<Bytes> {
    json_answer(
        status,
        &json!({ "_data": [{ "_code": code, "_extra": extra }] }),
    )
}

fn json_answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    with_body(status, "application/json", body.to_string())
}
