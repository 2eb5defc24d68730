//! The rule for an answer of Ticketure's: it is about the record that was asked for, and nothing else.
//!
//! A proxy, a wrong address or an ignored filter gives answers that are well formed and about another record.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::Value;

use super::error::{CallError, unexpected};
use super::{Row, unfit_id};
use crate::json::text_at;

/// The records of an answer.
///
/// # Errors
/// When the answer is not JSON, or has no list of records.
pub(super) fn rows(answer: &Response<Bytes>, entity: &str) -> Result<Vec<Row>, CallError> {
    let body: Value =
        serde_json::from_slice(answer.body()).map_err(|_| unexpected(answer, "it is not JSON"))?;
    let rows = body.get(entity).and_then(|entity| entity.get("_data"));
    let Some(Value::Array(rows)) = rows else {
        return Err(unexpected(answer, "it holds no list of records"));
    };
    let rows = rows.iter().map(|row| row.as_object().cloned());
    rows.collect::<Option<Vec<Row>>>()
        .ok_or_else(|| unexpected(answer, "its list holds something that is no record"))
}

/// True if the answer says that there is no such record.
///
/// # Errors
/// When a page says so instead of Ticketure: what is missing then may be the API itself.
pub(super) fn is_missing(answer: &Response<Bytes>) -> Result<bool, CallError> {
    if answer.status() != StatusCode::NOT_FOUND {
        return Ok(false);
    }
    if answer.body().trim_ascii_start().starts_with(b"<") {
        return Err(unexpected(answer, "it is a page instead of JSON"));
    }
    Ok(true)
}

/// The record with this id; nothing when the list is empty.
///
/// # Errors
/// When the answer holds another record.
pub(super) fn about(
    answer: &Response<Bytes>,
    entity: &str,
    id: &str,
) -> Result<Option<Row>, CallError> {
    let mut rows = rows(answer, entity)?;
    let row = match rows.len() {
        0 => return Ok(None),
        1 => rows.remove(0),
        count => {
            let reason = format!("it holds {count} records, and {entity} {id} was asked for");
            return Err(unexpected(answer, &reason));
        }
    };
    match id_of(&row) {
        Some(other) if other == id => Ok(Some(row)),
        other => {
            let other = match other.as_deref() {
                Some(other) if unfit_id(other).is_none() => format!("{entity} {other}"),
                _ => "a record without an id".to_owned(),
            };
            let reason = format!("it is about {other}, and {entity} {id} was asked for");
            Err(unexpected(answer, &reason))
        }
    }
}

/// The records of an answer, each of which has this value.
///
/// # Errors
/// When a record has another value.
pub(super) fn with_value(
    answer: &Response<Bytes>,
    entity: &str,
    field: &str,
    value: &str,
) -> Result<Vec<Row>, CallError> {
    let rows = rows(answer, entity)?;
    let has_it = |row: &Row| {
        let found = row.get(field).and_then(|found| text_at(found, &[]));
        found.is_some_and(|found| found.trim().to_lowercase() == value.trim().to_lowercase())
    };
    if rows.iter().all(has_it) {
        return Ok(rows);
    }
    // The values themselves may be personal data.
    let reason = format!("it holds records whose {field} is not the one that was asked for");
    Err(unexpected(answer, &reason))
}

/// The one record that was created.
///
/// # Errors
/// When the answer holds none or several, or one without an id.
pub(super) fn new_one(answer: &Response<Bytes>, entity: &str) -> Result<Row, CallError> {
    let mut rows = rows(answer, entity)?;
    let count = rows.len();
    let row = rows.pop().filter(|_| count == 1);
    let row = row.ok_or_else(|| match count {
        0 => unexpected(answer, "no record in it"),
        _ => unexpected(
            answer,
            &format!("it holds {count} records, and one was created"),
        ),
    })?;
    match id_of(&row).is_some_and(|id| unfit_id(&id).is_none()) {
        true => Ok(row),
        false => Err(unexpected(answer, "the created record has no id")),
    }
}

fn id_of(row: &Row) -> Option<String> {
    text_at(row.get("id")?, &[])
}
