//! A webhook's body to queue items: pure, and nothing is lost on the way.
//!
//! What nobody takes, and what does not fit, becomes an item too: one that is kept, shown and can be sent again.

mod fit;
mod kept;
mod place;
mod row;
mod taking;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use runtime::handler::Handler;
use runtime::json::{Found, find_all};
use runtime::mapping::{Envelope, MappingDescriptor, Path};
use runtime::queue::NewItem;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

pub use kept::NAMELESS;
pub use row::of_row_alone;
use row::{Asked, of_row, text_of};

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
    let router = Router::new(handlers);
    if body.starts_with('[') {
        return Ok(router.of_payloads(&list(body)?));
    }
    let found = router.found(body).map_err(|error| not_json(Some(error)))?;
    let payloads = found.raw.get(LIST).copied().flatten();
    let payloads = payloads.filter(|list| list.get().starts_with('[') && found.twice.is_empty());
    let payloads = match payloads.filter(|_| router.type_of(&found).is_none()) {
        Some(payloads) => list(payloads.get())?,
        None => Vec::new(),
    };
    // A body with an empty list may be a payload of a kind that nobody knows.
    Ok(match payloads.is_empty() {
        true => router.of_payload(body, &found),
        false => router.of_payloads(&payloads),
    })
}

/// The items of a stored payload or row, routed by today's mappings and schemas.
pub fn anew(handlers: &[Box<dyn Handler>], payload_type: &str, payload: &str) -> Vec<NewItem> {
    let router = Router::new(handlers);
    let found = router.found(payload).unwrap_or_default();
    let is_whole = payload_type == NAMELESS
        || router.names.iter().any(|name| {
            let said = router.text(&found, name.event_type);
            said.is_some_and(|said| kept::shortened(&said) == payload_type)
        });
    if is_whole {
        return router.of_payload(payload, &found);
    }
    of_row_alone(handlers, payload_type, payload)
        .into_iter()
        .collect()
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

/// The place of `_data` among the members that are asked for.
const LIST: usize = 0;

/// The handlers, and where payloads have what says which of them takes one.
struct Router<'h> {
    handlers: &'h [Box<dyn Handler>],
    /// The names of every envelope, the usual ones first.
    names: Vec<Envelope>,
    /// The members to find in a payload, in one go.
    paths: Vec<Path>,
}

impl<'h> Router<'h> {
    fn new(handlers: &'h [Box<dyn Handler>]) -> Router<'h> {
        let first = handlers
            .iter()
            .filter_map(|handler| handler.mappings().first());
        let mut names = vec![Envelope::USUAL];
        let mut paths: Vec<Path> = vec![&["_data"]];
        for mapping in first {
            if !names.contains(&mapping.envelope) {
                names.push(mapping.envelope);
            }
            if !paths.contains(&mapping.rows) {
                paths.push(mapping.rows);
            }
        }
        for name in &names {
            for path in [name.event_type, name.event_id, name.occurred_at] {
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        Router {
            handlers,
            names,
            paths,
        }
    }

    fn found<'j>(&self, payload: &'j str) -> Result<Found<'j>, serde_json::Error> {
        find_all(payload, &self.paths)
    }

    fn raw<'j>(&self, found: &Found<'j>, path: Path) -> Option<&'j RawValue> {
        let place = self.paths.iter().position(|known| *known == path)?;
        found.raw.get(place).copied().flatten()
    }

    /// The text of a member. Blank text is none.
    fn text(&self, found: &Found<'_>, path: Path) -> Option<String> {
        let text = self.raw(found, path).and_then(text_of);
        text.filter(|text| !text.trim().is_empty())
    }

    /// The first type that the payload says, by any envelope's name, and the names of that envelope.
    fn type_of(&self, found: &Found<'_>) -> Option<(String, Envelope)> {
        let mut names = self.names.iter();
        names.find_map(|names| Some((self.text(found, names.event_type)?, *names)))
    }

    /// The handler whose type the payload says, at the place where its schema has it or at the usual one.
    fn handler_of(
        &self,
        found: &Found<'_>,
    ) -> Option<(&'h dyn Handler, &'static MappingDescriptor)> {
        let handlers = self.handlers.iter().map(AsRef::as_ref);
        let fed = handlers.filter_map(|handler| Some((handler, *handler.mappings().first()?)));
        let says = |path: Path, handler: &dyn Handler| {
            self.text(found, path).as_deref() == Some(handler.payload_type())
        };
        let mut own = fed.clone();
        let own = own.find(|(handler, first)| says(first.envelope.event_type, *handler));
        let mut usual = fed;
        own.or_else(|| usual.find(|(handler, _)| says(Envelope::USUAL.event_type, *handler)))
    }

    fn of_payloads(&self, payloads: &[&RawValue]) -> Vec<NewItem> {
        let each = payloads.iter().flat_map(|payload| {
            let found = self.found(payload.get()).unwrap_or_default();
            self.of_payload(payload.get(), &found)
        });
        each.collect()
    }

    /// The items of one payload. What has no type is kept, as what no mapping takes is.
    fn of_payload(&self, payload: &str, found: &Found<'_>) -> Vec<NewItem> {
        let taken = self.handler_of(found);
        let said = self.type_of(found);
        let names = match (taken, &said) {
            (Some((_, first)), _) => first.envelope,
            (None, Some((_, names))) => *names,
            (None, None) => Envelope::USUAL,
        };
        let event_id = self.text(found, names.event_id);
        let event_id = event_id.or_else(|| self.text(found, Envelope::USUAL.event_id));
        let event_id = event_id.as_deref().map(kept::shortened);
        let kept = |payload_type: &str| kept::Payload {
            payload,
            payload_type: kept::shortened(payload_type),
            event_id: event_id.as_deref(),
        };
        let Some((handler, first)) = taken else {
            return vec![match &said {
                Some((event_type, _)) => kept(event_type).unknown(),
                None => kept(NAMELESS).nameless(&self.names),
            }];
        };
        let payload_type = handler.payload_type();
        let kept = kept(payload_type);
        if !found.twice.is_empty() {
            // A member on the way to the rows is most likely the one that matters.
            let mut twice = found
                .twice
                .iter()
                .filter_map(|place| self.paths.get(*place));
            let path = twice.clone().find(|path| **path == first.rows);
            let path = path.or_else(|| twice.next()).copied().unwrap_or_default();
            return vec![kept.twice(&path.join("."))];
        }
        let rows = self.raw(found, first.rows).map(RawValue::get);
        let rows = rows.and_then(|rows| match rows.starts_with('{') {
            true => Some(vec![serde_json::from_str::<&RawValue>(rows).ok()?]),
            false => serde_json::from_str::<Vec<&RawValue>>(rows).ok(),
        });
        let Some(rows) = rows else {
            return vec![kept.without_rows(&first.rows.join("."))];
        };
        if rows.is_empty() {
            return vec![kept.empty(first)];
        }
        let asked = Asked::of_rows(handler);
        // A row of a tree is kept with when its delivery says that it happened: some rows do not say it themselves.
        let occurred_at = self.text(found, names.occurred_at);
        let at_ms = occurred_at.as_deref().and_then(milliseconds);
        let at = occurred_at.filter(|_| first.tree.is_some());
        let items = rows.iter().enumerate().map(|(index, row)| {
            let item = of_row(handler, &asked, row.get(), payload_type);
            let item = timed(item, at.as_deref());
            let id = event_id.as_deref();
            NewItem {
                dedupe: id.map(|id| delivery_key(payload_type, id, index, &item.payload)),
                at_ms,
                ..item
            }
        });
        items.collect()
    }
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
