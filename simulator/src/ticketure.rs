//! The Ticketure tenant: identities with REST reads and writes, memberships that can be made and extended, carts and
//! audits to read, and the webhooks about them.
//!
//! An organization is an identity of that type, and can be read and announced as an organization too.

mod memberships;
mod rows;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::salesforce::error::with_body;
use crate::write_log::{Actor, Operation, Write, WriteLog, request_id};

pub(crate) struct Tenant {
    identities: BTreeMap<String, Map<String, Value>>,
    /// Memberships, carts and audits, by entity and id.
    rows: BTreeMap<String, BTreeMap<String, Map<String, Value>>>,
    memberships: memberships::Known,
    random: fastrand::Rng,
    clock: crate::Clock,
    pub(crate) log: WriteLog,
    /// The caller's name for the call that is being answered.
    request_id: Option<String>,
    /// Webhooks about what the API wrote.
    pub(crate) outbox: Vec<Value>,
    /// The latest time stamp, which never goes back.
    latest_ms: i64,
}

impl Tenant {
    pub(crate) fn new(seed: u64, clock: crate::Clock) -> Self {
        Tenant {
            identities: BTreeMap::new(),
            rows: BTreeMap::new(),
            memberships: memberships::Known::default(),
            random: fastrand::Rng::with_seed(seed ^ 0x7469_636b),
            clock,
            log: WriteLog::new(false),
            request_id: None,
            outbox: Vec::new(),
            latest_ms: 0,
        }
    }

    pub(crate) fn now_ms(&self) -> i64 {
        (self.clock.0)()
    }

    /// Those that are neither deleted nor merged into others.
    pub(crate) fn living(&self) -> impl Iterator<Item = &Map<String, Value>> {
        self.identities
            .values()
            .filter(|identity| !is_ended(identity))
    }

    /// A person creates an identity or changes the given members; an id is made when there is none.
    pub(crate) fn put(&mut self, change: Map<String, Value>) -> String {
        self.write(change, Actor::User)
    }

    fn write(&mut self, change: Map<String, Value>, actor: Actor) -> String {
        let id = change.get("id").and_then(Value::as_str).map(str::to_owned);
        let id = id.unwrap_or_else(|| self.uuid());
        let operation = match self.identities.contains_key(&id) {
            true => Operation::Update,
            false => Operation::Create,
        };
        let now = self.stamp();
        let identity = self.identities.entry(id.clone()).or_default();
        identity
            .entry("created_at")
            .or_insert_with(|| Value::from(now.as_str()));
        identity
            .entry("identity_type")
            .or_insert_with(|| Value::from("person"));
        lay_over(identity, change.clone());
        identity.insert("id".to_owned(), Value::from(id.as_str()));
        identity.insert("updated_at".to_owned(), Value::from(now));
        self.note(actor, operation, "identity", &id, change);
        if actor == Actor::Api {
            let webhook = self.webhook(&id);
            self.outbox.extend(webhook);
        }
        id
    }

    fn note(
        &mut self,
        actor: Actor,
        operation: Operation,
        object: &str,
        id: &str,
        fields: Map<String, Value>,
    ) {
        let request_id = match actor {
            Actor::User => None,
            Actor::Api | Actor::Automation => self.request_id.clone(),
        };
        let (object, id) = (object.to_owned(), id.to_owned());
        self.log.add(Write {
            sequence: 0,
            call: 0,
            request_id,
            actor,
            operation,
            object,
            id,
            fields,
            at_ms: self.now_ms(),
        });
    }

    /// Deleted, or merged into another.
    pub(crate) fn end(&mut self, id: &str, merged_into: Option<&str>) {
        let mut change = Map::new();
        change.insert("id".to_owned(), Value::from(id));
        match merged_into {
            Some(other) => change.insert("merged_into_id".to_owned(), Value::from(other)),
            None => change.insert("deleted".to_owned(), Value::Bool(true)),
        };
        self.write(change, Actor::User);
    }

    /// Milliseconds, and never the same twice.
    fn stamp(&mut self) -> String {
        self.latest_ms = self.now_ms().max(self.latest_ms + 1);
        let time = jiff::Timestamp::from_millisecond(self.latest_ms).unwrap_or_default();
        time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }

    pub(crate) fn webhook(&mut self, id: &str) -> Option<Value> {
        self.webhook_of("identity", id)
    }

    /// `/api/...`: the Idempotency-Key header is ignored, as long as nobody has shown otherwise.
    pub(crate) fn handle(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        self.request_id = request_id(request);
        if !request.headers().contains_key(header::AUTHORIZATION) {
            return failed(StatusCode::UNAUTHORIZED, "unauthorized", json!({}));
        }
        let path = request.uri().path().trim_end_matches('/').to_owned();
        let parts: Vec<&str> = path.trim_start_matches("/api/").split('/').collect();
        match (request.method(), parts.as_slice()) {
            (&Method::GET, [entity]) if self.has(entity) => {
                self.list(entity, request.uri().query().unwrap_or_default())
            }
            (&Method::GET, [entity, id]) if self.has(entity) => match self.row(entity, id) {
                Some(row) if row.get("deleted") != Some(&Value::Bool(true)) => {
                    rows::answer(entity, vec![row])
                }
                _ => failed(StatusCode::NOT_FOUND, "not_found", json!({})),
            },
            (&Method::PATCH, [entity @ ("identity" | "organization"), id]) => {
                self.change(entity, id, request)
            }
            (&Method::POST, ["user"]) => self.create("person", request),
            (&Method::POST, ["organization"]) => self.create("organization", request),
            (&Method::POST, ["membership"]) => self.create_membership(request),
            (&Method::POST, ["membership", id, "extend"]) => self.extend_membership(id, request),
            (&Method::PATCH, ["membership", _]) => self.change_membership(),
            _ => failed(StatusCode::NOT_FOUND, "not_found", json!({})),
        }
    }

    fn change(&mut self, entity: &str, id: &str, request: &Request<Bytes>) -> Response<Bytes> {
        let Ok(Value::Object(mut change)) = serde_json::from_slice(request.body()) else {
            return failed(StatusCode::BAD_REQUEST, "invalid", json!({}));
        };
        if self.row(entity, id).as_ref().is_none_or(is_ended) {
            return failed(StatusCode::NOT_FOUND, "not_found", json!({}));
        }
        change.insert("id".to_owned(), Value::from(id));
        let id = self.write(change, Actor::Api);
        self.written(&id)
    }

    /// A person whose e-mail address is known already, or an organization whose name is, is a conflict that names it.
    fn create(&mut self, identity_type: &str, request: &Request<Bytes>) -> Response<Bytes> {
        let Ok(Value::Object(mut identity)) = serde_json::from_slice(request.body()) else {
            return failed(StatusCode::BAD_REQUEST, "invalid", json!({}));
        };
        // What tells one person, or one organization, from another.
        let by = if identity_type == "person" {
            "email"
        } else {
            "name"
        };
        let told = |identity: &Map<String, Value>| {
            let text = identity.get(by).and_then(Value::as_str).unwrap_or_default();
            Some(text.trim().to_lowercase()).filter(|text| !text.is_empty())
        };
        let same = |other: &&Map<String, Value>| {
            other.get("identity_type").and_then(Value::as_str) == Some(identity_type)
                && told(other).is_some()
                && told(other) == told(&identity)
        };
        if let Some(existing) = self.living().find(same) {
            let id = existing.get("id");
            return failed(
                StatusCode::CONFLICT,
                "conflict",
                json!({ "identity_id": id, format!("{identity_type}_id"): id }),
            );
        }
        identity.remove("id");
        identity.insert("identity_type".to_owned(), Value::from(identity_type));
        let id = self.write(identity, Actor::Api);
        self.written(&id)
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

fn is_ended(identity: &Map<String, Value>) -> bool {
    identity.get("deleted") == Some(&Value::Bool(true))
        || identity.get("merged_into_id").is_some_and(Value::is_string)
}

/// Members of a member are changed one by one.
fn lay_over(older: &mut Map<String, Value>, newer: Map<String, Value>) {
    for (name, value) in newer {
        match (older.get_mut(&name), value) {
            (Some(Value::Object(inner)), Value::Object(value)) => lay_over(inner, value),
            (_, value) => {
                older.insert(name, value);
            }
        }
    }
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
