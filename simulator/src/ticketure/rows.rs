//! Rows of every entity: put by whoever works in Ticketure, read by the API, announced by webhooks.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::{Tenant, failed, json_answer, lay_over};
use crate::write_log::{Actor, Operation};

pub(super) type Row = Map<String, Value>;

/// The entities, and the webhook that announces each.
const WEBHOOKS: &[(&str, &str)] = &[
    ("identity", "identity_changed"),
    ("organization", "organization_changed"),
    ("membership", "membership_changed"),
    ("cart", "cart_changed"),
    ("ticket_audit", "ticket_audit"),
    ("gateway_audit", "gateway_audit"),
];

impl Tenant {
    pub(super) fn has(&self, entity: &str) -> bool {
        WEBHOOKS.iter().any(|(name, _)| *name == entity)
    }

    /// Creates a row, or changes the members that are given; an id is made when there is none. Gives the id.
    pub(crate) fn put_row(&mut self, entity: &str, mut row: Row) -> String {
        if entity == "organization" {
            row.insert("identity_type".to_owned(), Value::from("organization"));
        }
        if matches!(entity, "identity" | "organization") {
            return self.put(row);
        }
        self.write_row(entity, row, Actor::User)
    }

    /// The same by anybody; what the API writes is announced.
    pub(super) fn write_row(&mut self, entity: &str, row: Row, actor: Actor) -> String {
        let id = given(&row, "id").map(str::to_owned);
        let id = id.unwrap_or_else(|| self.uuid());
        let operation = self.lay_row(entity, &id, row.clone());
        self.note_row(entity, &id, row, (actor, operation));
        id
    }

    /// A row was written, with these fields in the request.
    pub(super) fn note_row(&mut self, entity: &str, id: &str, fields: Row, by: (Actor, Operation)) {
        let (actor, operation) = by;
        self.note(actor, operation, entity, id, fields);
        if actor == Actor::Api {
            let webhook = self.webhook_of(entity, id);
            self.outbox.extend(webhook);
        }
    }

    /// Lays the given members over those that the row has.
    pub(super) fn lay_row(&mut self, entity: &str, id: &str, row: Row) -> Operation {
        let now = self.stamp();
        let rows = self.rows.entry(entity.to_owned()).or_default();
        let operation = match rows.contains_key(id) {
            true => Operation::Update,
            false => Operation::Create,
        };
        let kept = rows.entry(id.to_owned()).or_default();
        if matches!(entity, "cart" | "membership") && !row.contains_key("updated_at") {
            kept.insert("updated_at".to_owned(), Value::from(now.as_str()));
        }
        lay_over(kept, row);
        kept.insert("id".to_owned(), Value::from(id));
        if let Some(name) = made_at(entity) {
            kept.entry(name).or_insert(Value::from(now));
        }
        if entity == "membership" {
            self.memberships.learn(kept);
        }
        operation
    }

    /// Every row of an entity; those that were deleted or merged are none.
    pub(crate) fn all_rows(&self, entity: &str) -> Vec<Row> {
        match entity {
            "identity" => self.living().cloned().collect(),
            "organization" => self.living().filter_map(as_organization).collect(),
            _ => {
                let rows = self.rows.get(entity).into_iter();
                rows.flat_map(|rows| rows.values().cloned()).collect()
            }
        }
    }

    pub(super) fn row(&self, entity: &str, id: &str) -> Option<Row> {
        match entity {
            "identity" => self.identities.get(id).cloned(),
            "organization" => as_organization(self.identities.get(id)?),
            _ => self.rows.get(entity)?.get(id).cloned(),
        }
    }

    /// The webhook about a row, under a new event id.
    pub(crate) fn webhook_of(&mut self, entity: &str, id: &str) -> Option<Value> {
        let (_, event_type) = WEBHOOKS.iter().find(|(name, _)| *name == entity)?;
        let row = self.row(entity, id)?;
        let times = ["updated_at", "occurred_at", "created_at"];
        let at = times.iter().find_map(|name| row.get(*name)).cloned();
        Some(json!({
            "event_type": event_type,
            "event_id": self.uuid(),
            "occurred_at": at,
            "tenant": "simulator",
            "environment": "sandbox",
            "data": { entity: { "_count": 1, "_data": [row] } },
        }))
    }

    /// `field._in=a,b` and `updated_at._gte=...`, all of them; anything else is refused.
    pub(super) fn list(&self, entity: &str, query: &str) -> Response<Bytes> {
        let mut found = self.all_rows(entity);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = crate::salesforce::decoded(value);
            if let Some(field) = name.strip_suffix("._in") {
                found.retain(|row| value.split(',').any(|one| text(row, field) == one));
            } else if let Some(field) = name.strip_suffix("._gte") {
                found.retain(|row| text(row, field) >= value.as_str());
            } else {
                let why = json!({ "parameter": name });
                return failed(StatusCode::BAD_REQUEST, "invalid", why);
            }
        }
        answer(entity, found)
    }

    /// What was written, as an identity and, where it is one, as an organization.
    pub(super) fn written(&self, id: &str) -> Response<Bytes> {
        let mut body = json!({});
        for entity in ["identity", "organization"] {
            if let Some(row) = self.row(entity, id) {
                body[entity] = json!({ "_count": 1, "_data": [row] });
            }
        }
        json_answer(StatusCode::OK, &body)
    }
}

/// The member that says when a row was made; a membership has none.
fn made_at(entity: &str) -> Option<&'static str> {
    match entity {
        "cart" => Some("created_at"),
        "membership" => None,
        _ => Some("occurred_at"),
    }
}

/// An identity as an organization: what tells identities apart is left out.
fn as_organization(identity: &Row) -> Option<Row> {
    if identity.get("identity_type")?.as_str()? != "organization" {
        return None;
    }
    let mut row = identity.clone();
    row.remove("identity_type");
    Some(row)
}

pub(super) fn given<'r>(row: &'r Row, field: &str) -> Option<&'r str> {
    row.get(field).and_then(Value::as_str)
}

pub(super) fn text<'r>(row: &'r Row, field: &str) -> &'r str {
    given(row, field).unwrap_or_default()
}

pub(super) fn answer(entity: &str, rows: Vec<Row>) -> Response<Bytes> {
    let body = json!({ entity: { "_count": rows.len(), "_data": rows } });
    json_answer(StatusCode::OK, &body)
}
