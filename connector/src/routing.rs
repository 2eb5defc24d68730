//! A webhook's body to queue items: pure, and nothing is lost on the way.
//!
//! What nobody takes, and what does not fit, becomes an item too: one that is kept, shown and can be sent again.

mod taking;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use runtime::handler::Handler;
use runtime::json::{find, text_at};
use runtime::mapping::{MappingDescriptor, Path, Piece};
use runtime::queue::{NewItem, Word};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use taking::{Stranger, Taking};

/// The handlers of all payload types.
pub type Handlers = Arc<Vec<Box<dyn Handler>>>;

/// Why a body is not taken at all. Nothing of it was kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the body is not JSON (line {line}, column {column})")]
    NotJson { line: usize, column: usize },
}

/// All items of one request: one payload, an array of them, or the `_data` envelope.
///
/// Rows are kept as they were sent: only the few members that say where they belong are looked at.
///
/// # Errors
/// When the body is not JSON.
pub fn route(handlers: &[Box<dyn Handler>], body: &[u8]) -> Result<Vec<NewItem>, Refusal> {
    let body = std::str::from_utf8(body)
        .map_err(|_| not_json(serde_json::from_slice::<Value>(body).err()))?
        .trim_start_matches(BYTE_ORDER_MARK)
        .trim();
    let asked = Asked::of_payloads(handlers);
    if body.starts_with('[') {
        return Ok(of_payloads(handlers, &asked, &list(body)?));
    }
    let found = find(body, &asked.paths).map_err(|error| not_json(Some(error)))?;
    Ok(match (found.first(), found.get(ENVELOPE)) {
        (Some(None), Some(Some(envelope))) if envelope.get().starts_with('[') => {
            of_payloads(handlers, &asked, &list(envelope.get())?)
        }
        _ => of_payload(handlers, body, &found),
    })
}

fn not_json(error: Option<serde_json::Error>) -> Refusal {
    let place = error.map(|error| (error.line(), error.column()));
    let (line, column) = place.unwrap_or_default();
    Refusal::NotJson { line, column }
}

fn list(text: &str) -> Result<Vec<&RawValue>, Refusal> {
    serde_json::from_str(text).map_err(|error| not_json(Some(error)))
}

/// Some senders begin a body with it.
const BYTE_ORDER_MARK: char = '\u{feff}';

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
            let conditions = mapping.when.iter().chain(mapping.nothing);
            let conditions = conditions.map(|condition| condition.path);
            let key = key_members(mapping).unwrap_or_default();
            let own = [mapping.key, mapping.lane, own_id(mapping)];
            let own = own.into_iter().chain(key);
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
) -> Vec<NewItem> {
    let each = payloads.iter().flat_map(|payload| {
        let found = find(payload.get(), &asked.paths).unwrap_or_default();
        of_payload(handlers, payload.get(), &found)
    });
    each.collect()
}

/// The name of payloads that do not say what they are.
const NAMELESS: &str = "payload without event_type";

/// The items of one payload. What has no type is kept, as what no mapping takes is.
fn of_payload(
    handlers: &[Box<dyn Handler>],
    payload: &str,
    found: &[Option<&RawValue>],
) -> Vec<NewItem> {
    let text = |place: usize| {
        let raw = found.get(place).copied().flatten();
        raw.and_then(text_of).filter(|text| !text.is_empty())
    };
    let event_type = text(0);
    let payload_type = event_type.clone().unwrap_or_else(|| NAMELESS.to_owned());
    let event_id = text(EVENT_ID);
    let delivery = |index: usize, content: &str| {
        let id = event_id.as_ref()?;
        Some(delivery_key(&payload_type, id, index, content))
    };
    let kept = |mapping: Option<&str>, reason: String| NewItem {
        mapping: mapping.map(str::to_owned),
        payload_type: payload_type.clone(),
        lane: payload_type.clone(),
        key: event_id.clone().unwrap_or_default(),
        dedupe: delivery(0, payload),
        payload: payload.to_owned(),
        reason: Some(reason),
        ..NewItem::default()
    };
    if event_type.is_none() {
        return vec![kept(None, "the payload has no event_type".to_owned())];
    }
    let place = handlers
        .iter()
        .position(|handler| handler.payload_type() == payload_type);
    let taken = place.and_then(|place| {
        let handler = handlers.get(place)?.as_ref();
        Some((place, handler, handler.mappings().first()?))
    });
    let Some((place, handler, first)) = taken else {
        return vec![kept(None, format!("no mapping takes {payload_type}"))];
    };
    let rows = found.get(ROWS + place).copied().flatten();
    let rows = rows.and_then(|rows| serde_json::from_str::<Vec<&RawValue>>(rows.get()).ok());
    let Some(rows) = rows else {
        let reason = format!("there are no rows at {}", first.rows.join("."));
        return vec![kept(Some(first.name), reason)];
    };
    let asked = Asked::of_rows(handler);
    // A row of a tree is kept with when its delivery says that it happened: some rows do not say it themselves.
    let occurred_at = text(OCCURRED_AT);
    let at_ms = occurred_at.as_deref().and_then(milliseconds);
    let at = occurred_at.filter(|_| first.tree.is_some());
    let items = rows.iter().enumerate().map(|(index, row)| {
        let item = of_row(handler, &asked, row.get(), &payload_type);
        let item = timed(item, at.as_deref());
        NewItem {
            dedupe: delivery(index, &item.payload),
            at_ms,
            ..item
        }
    });
    items.collect()
}

/// Makes the key by which a repeated delivery is known. The content is of it: a sender may use one id for two events.
fn delivery_key(payload_type: &str, event_id: &str, index: usize, content: &str) -> String {
    let hash = Sha256::digest(content.as_bytes());
    let hash = hash
        .iter()
        .take(HASH_BYTES)
        .map(|byte| format!("{byte:02x}"));
    format!(
        "{payload_type} {event_id}#{index} {}",
        hash.collect::<String>()
    )
}

/// Bytes of the hash that tell the contents of one id apart.
const HASH_BYTES: usize = 8;

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

/// Parses a time with its zone into milliseconds since 1970.
fn milliseconds(time: &str) -> Option<i64> {
    runtime::json::moment(time).map(|moment| moment.as_millisecond())
}

/// A row's item, without its delivery's id.
fn of_row(handler: &dyn Handler, asked: &Asked, row: &str, payload_type: &str) -> NewItem {
    let found = find(row, &asked.paths).unwrap_or_default();
    let raw = |path: Path| {
        let place = asked.paths.iter().position(|asked| *asked == path)?;
        found.get(place).copied().flatten()
    };
    let at = |path: Path| raw(path).and_then(value_of);
    let text = |path: Path| raw(path).and_then(text_of);
    let item = NewItem {
        payload_type: payload_type.to_owned(),
        lane: payload_type.to_owned(),
        payload: row.to_owned(),
        ..NewItem::default()
    };
    match Taking::of(handler, &at) {
        Taking::By(mapping) => {
            let place = Place::of(handler, mapping, &text);
            let is_known = place.closes && taking::knows_a_word(mapping, &at);
            NewItem {
                word: if is_known { Word::Known } else { Word::Unasked },
                ..place.item(item)
            }
        }
        Taking::Nothing(mapping) => NewItem {
            reason: None,
            word: Word::Nothing,
            ..Place::of(handler, mapping, &text).item(item)
        },
        Taking::Unknown(nearest, path) => {
            let place = Place::of(handler, nearest, &text);
            let stranger = Stranger {
                payload_type,
                path,
                word: at(path),
                id: text(own_id(nearest)),
                root: place.root.clone().filter(|_| !place.closes),
                tree: place.tree,
            };
            let error = stranger.error(handler, nearest);
            NewItem {
                mapping: None,
                reason: Some(error.message.clone()),
                word: Word::Unknown {
                    error,
                    asked: false,
                },
                ..place.item(item)
            }
        }
        Taking::Nobody(nearest, path) => {
            let place = Place::of(handler, nearest, &text);
            let id = text(own_id(nearest));
            let error = taking::nobody(payload_type, path, at(path), id);
            NewItem {
                mapping: None,
                reason: Some(error.message.clone()),
                word: Word::Unknown {
                    error,
                    asked: false,
                },
                ..place.item(item)
            }
        }
        // No mapping of the payload type selects rows by its `when`.
        Taking::None => NewItem {
            reason: Some(format!("no mapping takes rows of {payload_type}")),
            ..item
        },
    }
}

/// Mapping, lane and key of a row's item.
struct Place {
    mapping: &'static str,
    lane: Option<String>,
    key: Option<String>,
    /// The member that the key or the lane lacks.
    missing: Option<Path>,
    /// The member with the id of the tree's root, and the id.
    root: Option<(Path, String)>,
    /// True if a row with a known word closes errors about older rows of its record.
    closes: bool,
    /// The tree that the row belongs to.
    tree: Option<&'static str>,
}

impl Place {
    fn of(
        handler: &dyn Handler,
        mapping: &'static MappingDescriptor,
        text: &impl Fn(Path) -> Option<String>,
    ) -> Place {
        match mapping.tree {
            Some(tree) => Place::in_tree(handler, mapping, tree.root, text),
            None => Place::alone(mapping, text),
        }
    }

    /// Places a row by its tree's root, since all rows of a tree are one lane.
    fn in_tree(
        handler: &dyn Handler,
        mapping: &'static MappingDescriptor,
        tree: &'static str,
        text: &impl Fn(Path) -> Option<String>,
    ) -> Place {
        let mut mappings = handler.mappings().iter();
        let root = mappings.find(|root| root.name == tree);
        let members = root.and_then(|root| key_members(root));
        let missing = match &members {
            Some(members) => members.iter().copied().find(|path| text(path).is_none()),
            None => Some(mapping.lane).filter(|lane| text(lane).is_none()),
        };
        let id = match root.filter(|_| members.is_some()) {
            Some(root) => runtime::row::made_key(root, text),
            None => text(mapping.lane),
        };
        Place {
            mapping: tree,
            root: id.clone().map(|id| (mapping.lane, id)),
            lane: id.clone(),
            key: id,
            missing,
            closes: root.is_some(),
            tree: root.map(|_| tree),
        }
    }

    fn alone(mapping: &'static MappingDescriptor, text: &impl Fn(Path) -> Option<String>) -> Place {
        let (key, lane) = (text(mapping.key), text(mapping.lane));
        let missing = match (&key, &lane) {
            (None, _) => Some(mapping.key),
            (_, None) => Some(mapping.lane),
            _ => None,
        };
        Place {
            // Rows that describe another mapping's records are items of that mapping, so that they share its lane.
            mapping: mapping.rows_of.unwrap_or(mapping.name),
            lane,
            key,
            missing,
            root: None,
            closes: true,
            tree: None,
        }
    }

    /// Gives the item this place. A missing member becomes its error.
    fn item(&self, item: NewItem) -> NewItem {
        let missing = self.missing;
        NewItem {
            mapping: Some(self.mapping.to_owned()),
            lane: self.lane.clone().unwrap_or(item.lane),
            key: self.key.clone().unwrap_or_default(),
            reason: missing.map(|path| format!("the row has no {}", path.join("."))),
            ..item
        }
    }
}

/// The path of a row's own id: the distinct member, the member that rows are reduced by, or the key.
fn own_id(mapping: &MappingDescriptor) -> Path {
    let reduce = mapping.tree.and_then(|tree| tree.reduce.as_ref());
    let distinct = reduce.and_then(|reduce| reduce.distinct);
    let by = reduce.and_then(|reduce| reduce.by.first().copied());
    distinct.or(by).unwrap_or(mapping.key)
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

/// Makes the item of a stored row, or of one that usher asked Ticketure for. `None` if no handler knows the payload
/// type.
pub fn of_row_alone(
    handlers: &[Box<dyn Handler>],
    payload_type: &str,
    row: &str,
) -> Option<NewItem> {
    let handler = handlers
        .iter()
        .find(|handler| handler.payload_type() == payload_type)?
        .as_ref();
    let delivered = find(row, &[&["$at"]]).unwrap_or_default();
    let delivered = delivered.first().copied().flatten().and_then(text_of);
    Some(NewItem {
        at_ms: delivered.as_deref().and_then(milliseconds),
        ..of_row(handler, &Asked::of_rows(handler), row, payload_type)
    })
}
