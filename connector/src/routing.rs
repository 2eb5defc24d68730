//! A webhook's body to queue items: pure, and nothing is lost on the way.
//!
//! What nobody takes, and what does not fit, becomes an item too: one that is kept, shown and can be sent again.

use std::sync::Arc;

use runtime::handler::Handler;
use runtime::json::text_at;
use runtime::mapping::{Condition, MappingDescriptor};
use runtime::queue::NewItem;
use serde_json::Value;

/// The handlers of all payload types.
pub type Handlers = Arc<Vec<Box<dyn Handler>>>;

/// Why a body is not taken at all. Nothing of it was kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the body is not JSON (line {line}, column {column})")]
    NotJson { line: usize, column: usize },
    #[error("the body is neither a payload, nor a list of payloads, nor {{\"_data\": [...]}}")]
    NotPayloads,
    #[error("payload {0} has no event_type")]
    NoType(usize),
}

/// All items of one request: one payload, an array of them, or the `_data` envelope.
///
/// # Errors
/// When the body cannot be understood as payloads with a type.
pub fn route(handlers: &[Box<dyn Handler>], body: &[u8]) -> Result<Vec<NewItem>, Refusal> {
    let body: Value = serde_json::from_slice(body).map_err(|error| Refusal::NotJson {
        line: error.line(),
        column: error.column(),
    })?;
    let payloads = match body {
        Value::Array(payloads) => payloads,
        Value::Object(mut envelope)
            if !envelope.contains_key("event_type") && envelope.contains_key("_data") =>
        {
            match envelope.remove("_data") {
                Some(Value::Array(payloads)) => payloads,
                _ => return Err(Refusal::NotPayloads),
            }
        }
        Value::Object(one) => vec![Value::Object(one)],
        _ => return Err(Refusal::NotPayloads),
    };
    let mut items = Vec::with_capacity(payloads.len());
    for (index, payload) in payloads.iter().enumerate() {
        let payload_type = text_at(payload, &["event_type"]).filter(|name| !name.is_empty());
        let payload_type = payload_type.ok_or(Refusal::NoType(index + 1))?;
        items.extend(of_payload(handlers, payload, &payload_type));
    }
    Ok(items)
}

fn of_payload(handlers: &[Box<dyn Handler>], payload: &Value, payload_type: &str) -> Vec<NewItem> {
    let event_id = text_at(payload, &["event_id"]).filter(|id| !id.is_empty());
    let kept = |mapping: Option<&str>, reason: String| NewItem {
        mapping: mapping.map(str::to_owned),
        payload_type: payload_type.to_owned(),
        lane: payload_type.to_owned(),
        key: event_id.clone().unwrap_or_default(),
        dedupe: event_id.clone(),
        payload: payload.to_string(),
        reason: Some(reason),
        due_ms: None,
    };
    let Some(handler) = handlers
        .iter()
        .find(|handler| handler.payload_type() == payload_type)
    else {
        return vec![kept(None, format!("no mapping takes {payload_type}"))];
    };
    let Some(first) = handler.mappings().first() else {
        return vec![kept(None, format!("no mapping takes {payload_type}"))];
    };
    let path = first.rows;
    let Some(Value::Array(rows)) = at(payload, path) else {
        return vec![kept(
            Some(first.name),
            format!("there are no rows at {}", path.join(".")),
        )];
    };
    rows.iter()
        .enumerate()
        .map(|(index, row)| {
            let dedupe = event_id.as_ref().map(|id| format!("{id}#{index}"));
            of_row(handler.as_ref(), row, payload_type, dedupe)
        })
        .collect()
}

fn of_row(
    handler: &dyn Handler,
    row: &Value,
    payload_type: &str,
    dedupe: Option<String>,
) -> NewItem {
    let mapping = handler
        .mappings()
        .iter()
        .find(|mapping| mapping.when.iter().all(|condition| holds(condition, row)));
    let item = |mapping: Option<&str>, lane: String, key: String, reason: Option<String>| NewItem {
        mapping: mapping.map(str::to_owned),
        payload_type: payload_type.to_owned(),
        lane,
        key,
        dedupe: dedupe.clone(),
        payload: row.to_string(),
        reason,
        due_ms: None,
    };
    let Some(mapping) = mapping else {
        let reason = "no mapping's `when` holds for this row".to_owned();
        return item(None, payload_type.to_owned(), String::new(), Some(reason));
    };
    match (text_at(row, mapping.key), text_at(row, mapping.lane)) {
        (Some(key), Some(lane)) => item(Some(mapping.name), lane, key, None),
        (key, lane) => {
            let missing = if key.is_none() {
                mapping.key
            } else {
                mapping.lane
            };
            let reason = format!("the row has no {}", missing.join("."));
            let name = Some(mapping.name);
            item(
                name,
                lane.unwrap_or_else(|| payload_type.to_owned()),
                key.unwrap_or_default(),
                Some(reason),
            )
        }
    }
}

/// The mapping that takes a row, for an item that was kept without one.
pub fn mapping_of(
    handlers: &[Box<dyn Handler>],
    payload_type: &str,
    row: &Value,
) -> Option<&'static MappingDescriptor> {
    let handler = handlers
        .iter()
        .find(|handler| handler.payload_type() == payload_type)?;
    handler
        .mappings()
        .iter()
        .copied()
        .find(|mapping| mapping.when.iter().all(|condition| holds(condition, row)))
}

fn holds(condition: &Condition, row: &Value) -> bool {
    condition.equals.is(at(row, condition.path))
}

fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| value.get(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn routed(body: &Value) -> Result<Vec<NewItem>, Refusal> {
        route(&crate::handlers::all(), body.to_string().as_bytes())
    }

    fn payload(row: Value) -> Value {
        json!({ "event_type": "identity_changed", "event_id": "e-1", "data": { "identity": { "_data": [row] } } })
    }

    #[test]
    fn a_row_goes_to_the_mapping_whose_condition_holds() {
        for (kind, mapping) in [("person", "contact"), ("organization", "account")] {
            let items = routed(&payload(json!({ "id": "i-1", "identity_type": kind }))).unwrap();
            assert_eq!(items[0].mapping.as_deref(), Some(mapping));
            assert_eq!(
                (items[0].key.as_str(), items[0].dedupe.as_deref()),
                ("i-1", Some("e-1#0"))
            );
        }
    }

    #[test]
    fn one_or_many_or_an_envelope() {
        let one = payload(json!({ "id": "i-1", "identity_type": "person" }));
        assert_eq!(routed(&one).unwrap().len(), 1);
        assert_eq!(routed(&json!([one, one])).unwrap().len(), 2);
        assert_eq!(
            routed(&json!({ "_data": [one, one, one] })).unwrap().len(),
            3
        );
        assert_eq!(routed(&json!([])).unwrap().len(), 0);
    }

    #[test]
    fn what_does_not_fit_is_kept_with_a_reason() {
        for body in [
            json!({ "event_type": "never_heard_of", "event_id": "e" }),
            json!({ "event_type": "identity_changed" }),
            payload(json!({ "id": "i-1", "identity_type": "robot" })),
            payload(json!({ "identity_type": "person" })),
        ] {
            let items = routed(&body).unwrap();
            assert!(items[0].reason.is_some(), "{body}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        assert!(matches!(
            route(&crate::handlers::all(), b"{\"event_type\":"),
            Err(Refusal::NotJson { line: 1, .. })
        ));
        assert_eq!(routed(&json!("text")), Err(Refusal::NotPayloads));
        assert_eq!(
            routed(&json!([{ "event_type": "x" }, { "event": "y" }])),
            Err(Refusal::NoType(2))
        );
    }
}
