//! A webhook's body to queue items: pure, and nothing is lost on the way.
//!
//! What nobody takes, and what does not fit, becomes an item too: one that is kept, shown and can be sent again.

use std::sync::Arc;

use runtime::handler::Handler;
use runtime::json::{find, text_at};
use runtime::mapping::{Condition, MappingDescriptor, Piece};
use runtime::queue::NewItem;
use serde_json::Value;
use serde_json::value::RawValue;

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
/// Rows are kept as they were sent: only the few members that say where they belong are looked at.
///
/// # Errors
/// When the body cannot be understood as payloads with a type.
pub fn route(handlers: &[Box<dyn Handler>], body: &[u8]) -> Result<Vec<NewItem>, Refusal> {
    let body = std::str::from_utf8(body)
        .map_err(|_| not_json(serde_json::from_slice::<Value>(body).err()))?
        .trim();
    let asked = Asked::of_payloads(handlers);
    if body.starts_with('[') {
        return of_payloads(handlers, &asked, &list(body)?);
    }
    let found = find(body, &asked.paths).map_err(|error| not_json(Some(error)))?;
    if !body.starts_with('{') {
        return Err(Refusal::NotPayloads);
    }
    match (found.first(), found.get(ENVELOPE)) {
        (Some(None), Some(Some(envelope))) if envelope.get().starts_with('[') => {
            of_payloads(handlers, &asked, &list(envelope.get())?)
        }
        (Some(None), Some(Some(_))) => Err(Refusal::NotPayloads),
        _ => of_payload(handlers, body, &found).ok_or(Refusal::NoType(1)),
    }
}

fn not_json(error: Option<serde_json::Error>) -> Refusal {
    let place = error.map(|error| (error.line(), error.column()));
    let (line, column) = place.unwrap_or_default();
    Refusal::NotJson { line, column }
}

fn list(text: &str) -> Result<Vec<&RawValue>, Refusal> {
    serde_json::from_str(text).map_err(|error| not_json(Some(error)))
}

/// Where members are looked for, in one go.
struct Asked {
    paths: Vec<&'static [&'static str]>,
}

/// Places among what is asked of a payload; after them come the rows, for each handler.
const EVENT_ID: usize = 1;
const ENVELOPE: usize = 2;
const OCCURRED_AT: usize = 3;
const ROWS: usize = 4;

impl Asked {
    fn of_payloads(handlers: &[Box<dyn Handler>]) -> Asked {
        let rows = handlers.iter().map(|handler| {
            let first = handler.mappings().first();
            first.map_or(&[] as &[&str], |mapping| mapping.rows)
        });
        let own: [&'static [&'static str]; ROWS] =
            [&["event_type"], &["event_id"], &["_data"], &["occurred_at"]];
        Asked {
            paths: own.into_iter().chain(rows).collect(),
        }
    }

    /// What a handler's mappings want to know of a row.
    fn of_rows(handler: &dyn Handler) -> Asked {
        let mut paths = Vec::new();
        for mapping in handler.mappings() {
            let conditions = mapping.when.iter().map(|condition| condition.path);
            let key = key_members(mapping).unwrap_or_default();
            let own = [mapping.key, mapping.lane].into_iter().chain(key);
            for path in conditions.chain(own) {
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        Asked { paths }
    }
}

fn of_payloads(
    handlers: &[Box<dyn Handler>],
    asked: &Asked,
    payloads: &[&RawValue],
) -> Result<Vec<NewItem>, Refusal> {
    let mut items = Vec::with_capacity(payloads.len());
    for (index, payload) in payloads.iter().enumerate() {
        let found = find(payload.get(), &asked.paths).unwrap_or_default();
        let more = of_payload(handlers, payload.get(), &found);
        items.extend(more.ok_or(Refusal::NoType(index + 1))?);
    }
    Ok(items)
}

/// The items of one payload; none when it has no type.
fn of_payload(
    handlers: &[Box<dyn Handler>],
    payload: &str,
    found: &[Option<&RawValue>],
) -> Option<Vec<NewItem>> {
    let text = |place: usize| {
        let raw = found.get(place).copied().flatten();
        raw.and_then(text_of).filter(|text| !text.is_empty())
    };
    let payload_type = text(0)?;
    let event_id = text(EVENT_ID);
    let kept = |mapping: Option<&str>, reason: String| NewItem {
        mapping: mapping.map(str::to_owned),
        payload_type: payload_type.clone(),
        lane: payload_type.clone(),
        key: event_id.clone().unwrap_or_default(),
        dedupe: event_id.clone(),
        payload: payload.to_owned(),
        reason: Some(reason),
        due_ms: None,
    };
    let place = handlers
        .iter()
        .position(|handler| handler.payload_type() == payload_type);
    let taken = place.and_then(|place| {
        let handler = handlers.get(place)?.as_ref();
        Some((place, handler, handler.mappings().first()?))
    });
    let Some((place, handler, first)) = taken else {
        return Some(vec![kept(None, format!("no mapping takes {payload_type}"))]);
    };
    let rows = found.get(ROWS + place).copied().flatten();
    let rows = rows.and_then(|rows| serde_json::from_str::<Vec<&RawValue>>(rows.get()).ok());
    let Some(rows) = rows else {
        let reason = format!("there are no rows at {}", first.rows.join("."));
        return Some(vec![kept(Some(first.name), reason)]);
    };
    let asked = Asked::of_rows(handler);
    // A row of a tree is kept with when its delivery says that it happened: some rows do not say it themselves.
    let at = text(OCCURRED_AT).filter(|_| first.tree.is_some());
    let items = rows.iter().enumerate().map(|(index, row)| NewItem {
        dedupe: event_id.as_ref().map(|id| format!("{id}#{index}")),
        ..timed(
            of_row(handler, &asked, row.get(), &payload_type),
            at.as_deref(),
        )
    });
    Some(items.collect())
}

fn timed(mut item: NewItem, at: Option<&str>) -> NewItem {
    let rest = item
        .payload
        .trim_start()
        .strip_prefix('{')
        .map(str::trim_start);
    if let (Some(at), Some(rest)) = (at, rest) {
        let comma = if rest.starts_with('}') { "" } else { "," };
        item.payload = format!("{{\"$at\":{}{comma}{rest}", Value::from(at));
    }
    item
}

/// A row's item, without its delivery's id.
fn of_row(handler: &dyn Handler, asked: &Asked, row: &str, payload_type: &str) -> NewItem {
    let found = find(row, &asked.paths).unwrap_or_default();
    let at = |path: &[&str]| {
        let place = asked.paths.iter().position(|asked| *asked == path)?;
        found.get(place).copied().flatten()
    };
    let item = |mapping: Option<&str>, lane: Option<String>, key: Option<String>| NewItem {
        mapping: mapping.map(str::to_owned),
        payload_type: payload_type.to_owned(),
        lane: lane.unwrap_or_else(|| payload_type.to_owned()),
        key: key.unwrap_or_default(),
        payload: row.to_owned(),
        ..NewItem::default()
    };
    let holds = |condition: &Condition| {
        condition
            .is
            .holds(at(condition.path).and_then(value_of).as_ref())
    };
    let mut mappings = handler.mappings().iter().filter(|mapping| speaks(mapping));
    let Some(mapping) = mappings.find(|mapping| mapping.when.iter().all(holds)) else {
        return NewItem {
            reason: Some("no mapping's `when` holds for this row".to_owned()),
            ..item(None, None, None)
        };
    };
    let text = |path| at(path).and_then(text_of);
    if let Some(tree) = mapping.tree {
        // What is said of any record of a tree is said of the whole.
        let root = handler
            .mappings()
            .iter()
            .find(|root| root.name == tree.root);
        let members = root.and_then(|root| key_members(root));
        let missing = match &members {
            Some(members) => members.iter().copied().find(|path| text(path).is_none()),
            None => Some(mapping.lane).filter(|lane| text(lane).is_none()),
        };
        let id = match root.filter(|_| members.is_some()) {
            Some(root) => runtime::row::made_key(root, text),
            None => text(mapping.lane),
        };
        return NewItem {
            reason: missing.map(|path| format!("the row has no {}", path.join("."))),
            ..item(Some(tree.root), id.clone(), id)
        };
    }
    let (key, lane) = (text(mapping.key), text(mapping.lane));
    let missing = match (&key, &lane) {
        (None, _) => Some(mapping.key),
        (_, None) => Some(mapping.lane),
        _ => None,
    };
    NewItem {
        reason: missing.map(|path| format!("the row has no {}", path.join("."))),
        // What speaks of another mapping's records is its item, and waits and goes with the others.
        ..item(Some(mapping.rows_of.unwrap_or(mapping.name)), lane, key)
    }
}

/// The members that a key is made of.
fn key_members(mapping: &'static MappingDescriptor) -> Option<Vec<&'static [&'static str]>> {
    let pieces = runtime::row::key_template(mapping)?;
    let members = pieces.iter().filter_map(|piece| match piece {
        Piece::Member(path) => Some(*path),
        Piece::Text(_) => None,
    });
    Some(members.collect())
}

/// Does a row have to be this mapping's, or some such other's? One that makes more records of a row that another takes
/// does not say which rows there may be.
fn speaks(mapping: &MappingDescriptor) -> bool {
    mapping.push_as.is_none()
        && mapping.tree.is_none_or(|tree| {
            tree.record_of.is_none() && tree.for_each.is_none() && tree.natural_key.is_empty()
        })
}

fn value_of(raw: &RawValue) -> Option<Value> {
    serde_json::from_str(raw.get()).ok()
}

/// Text; a number or a truth as its text.
fn text_of(raw: &RawValue) -> Option<String> {
    text_at(&value_of(raw)?, &[])
}

/// The item of a row that was kept without a mapping, where there is one for it now.
pub fn mapped(handlers: &[Box<dyn Handler>], payload_type: &str, row: &str) -> Option<NewItem> {
    let handler = handlers
        .iter()
        .find(|handler| handler.payload_type() == payload_type)?
        .as_ref();
    let item = of_row(handler, &Asked::of_rows(handler), row, payload_type);
    item.reason.is_none().then_some(item)
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
    fn a_row_is_kept_as_it_was_sent() {
        let row = r#"{ "name": "Ada \u00e9", "identity_type" : "person", "id":7, "x": 1.50 }"#;
        let body = format!(
            r#"{{"data": {{"identity": {{"_data": [{row}]}}}}, "event_id": 12, "event_type": "identity_changed"}}"#
        );
        let items = route(&crate::handlers::all(), body.as_bytes()).unwrap();
        assert_eq!(items[0].payload, row);
        assert_eq!(
            (items[0].key.as_str(), items[0].dedupe.as_deref()),
            ("7", Some("12#0"))
        );
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
        for body in [
            &b"[1"[..],
            b"{\"event_id\":\"\xff\"}",
            b"",
            b"{} {}",
            b"[{}]]",
        ] {
            let refused = route(&crate::handlers::all(), body);
            assert!(
                matches!(refused, Err(Refusal::NotJson { .. })),
                "{refused:?}"
            );
        }
        for body in [json!("text"), json!(1), json!({ "_data": {} })] {
            assert_eq!(routed(&body), Err(Refusal::NotPayloads));
        }
        assert_eq!(routed(&json!({})), Err(Refusal::NoType(1)));
        assert_eq!(
            routed(&json!([{ "event_type": "x" }, { "event": "y" }])),
            Err(Refusal::NoType(2))
        );
    }
}
