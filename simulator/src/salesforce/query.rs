//! Queries answered: the records that fit, in order, by pages of 2,000.

use std::cmp::Ordering;
use std::collections::HashSet;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use super::cell::{Cell, cell, compare, key, literal};
use super::error::{ApiError, answer, refuse};
use super::soql::{self, Filter, Operator, Path, Query};
use super::table::{Record, Table};
use super::{Org, parameter};
use crate::schema::Field;

const PAGE: usize = 2_000;

/// What is left of a result.
pub(super) struct Cursor {
    rows: Vec<Value>,
    at: usize,
    base: String,
}

/// A filter with every name looked up and every list made a set.
enum Test {
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
    Compare {
        place: Place,
        operator: Operator,
        value: Cell,
    },
    In {
        place: Place,
        values: HashSet<String>,
        negated: bool,
    },
}

/// A field of the record, or of one above it.
#[derive(Clone)]
struct Place {
    /// The way up: each time the reference field and the parent's object.
    parents: Vec<(String, String)>,
    field: Field,
}

impl Org {
    pub(super) fn query(
        &mut self,
        request: &Request<Bytes>,
        with_deleted: bool,
        path: &str,
    ) -> Response<Bytes> {
        let text = request
            .uri()
            .query()
            .and_then(|query| parameter(query, "q"))
            .unwrap_or_default();
        let base = path
            .trim_end_matches("/queryAll")
            .trim_end_matches("/query")
            .to_owned();
        match self.rows(&text, with_deleted, &base) {
            Ok(Rows::Count(count)) => answer(
                StatusCode::OK,
                &json!({ "totalSize": count, "done": true, "records": [] }),
            ),
            Ok(Rows::Records(rows)) => self.page(Cursor { rows, at: 0, base }),
            Err(error) => refuse(StatusCode::BAD_REQUEST, &[error]),
        }
    }

    pub(super) fn query_more(&mut self, locator: &str) -> Response<Bytes> {
        match self.cursors.remove(locator) {
            Some(cursor) => self.page(cursor),
            None => refuse(
                StatusCode::BAD_REQUEST,
                &[ApiError::new(
                    "INVALID_QUERY_LOCATOR",
                    "invalid query locator",
                )],
            ),
        }
    }

    fn page(&mut self, mut cursor: Cursor) -> Response<Bytes> {
        let end = (cursor.at + PAGE).min(cursor.rows.len());
        let rows = cursor.rows.get(cursor.at..end).unwrap_or_default().to_vec();
        let mut body = json!({ "totalSize": cursor.rows.len(), "done": end == cursor.rows.len(), "records": rows });
        if end < cursor.rows.len() {
            let locator = format!("01g5e00000simulator{}-{end}", self.call_number);
            body["nextRecordsUrl"] = Value::from(format!("{}/query/{locator}", cursor.base));
            cursor.at = end;
            self.cursors.insert(locator, cursor);
        }
        answer(StatusCode::OK, &body)
    }

    fn rows(&self, text: &str, with_deleted: bool, base: &str) -> Result<Rows, ApiError> {
        let query = soql::parse(text)?;
        let Some(table) = self.table(&query.from) else {
            return Err(ApiError::new(
                "INVALID_TYPE",
                format!("sObject type '{}' is not supported.", query.from),
            ));
        };
        let test = query
            .filter
            .as_ref()
            .map(|filter| self.test(table, filter))
            .transpose()?;
        let mut found: Vec<&Record> = match test.as_ref().and_then(|test| candidates(table, test)) {
            Some(ids) => ids.iter().filter_map(|id| table.get(id)).collect(),
            None => table.live().collect(),
        };
        if with_deleted {
            found.extend(table.deleted());
        }
        found.retain(|record| test.as_ref().is_none_or(|test| self.holds(test, record)));
        self.sort(table, &query, &mut found)?;
        let found: Vec<&Record> = found
            .into_iter()
            .skip(query.offset)
            .take(query.limit.unwrap_or(usize::MAX))
            .collect();
        if query.count {
            return Ok(Rows::Count(found.len()));
        }
        let places: Vec<(Path, Place)> = query
            .select
            .iter()
            .map(|path| Ok((path.clone(), self.place(table, path)?)))
            .collect::<Result<_, ApiError>>()?;
        Ok(Rows::Records(
            found
                .into_iter()
                .map(|record| self.row(table, &places, record, base))
                .collect(),
        ))
    }

    fn row(&self, table: &Table, places: &[(Path, Place)], record: &Record, base: &str) -> Value {
        let id = record.get("Id").and_then(Value::as_str).unwrap_or_default();
        let name = &table.schema.name;
        let mut row = json!({ "attributes": { "type": name, "url": format!("{base}/sobjects/{name}/{id}") } });
        for (path, place) in places {
            self.show(&mut row, path, place, record, base);
        }
        row
    }

    /// Puts a field into the row, within its parents; a parent that is not there is null.
    fn show(&self, row: &mut Value, path: &Path, place: &Place, record: &Record, base: &str) {
        let (mut row, mut record) = (row, record);
        for ((reference, object), relationship) in place.parents.iter().zip(path) {
            let id = record.get(reference).and_then(Value::as_str);
            let parent = id.and_then(|id| self.found(object, id));
            let Some((id, parent)) = id.zip(parent) else {
                row[relationship] = Value::Null;
                return;
            };
            row = &mut row[relationship];
            row["attributes"] =
                json!({ "type": object, "url": format!("{base}/sobjects/{object}/{id}") });
            record = parent;
        }
        let value = record.get(&place.field.name).cloned();
        row[&place.field.name] = value.unwrap_or(Value::Null);
    }

    fn place(&self, table: &Table, path: &[String]) -> Result<Place, ApiError> {
        let Some((name, relationships)) = path.split_last() else {
            return Err(ApiError::new("MALFORMED_QUERY", "unexpected end of query"));
        };
        let mut table = table;
        let mut parents = Vec::new();
        for relationship in relationships {
            let (reference, parent) = self.parent(table, relationship)?;
            parents.push((reference, parent.schema.name.clone()));
            table = parent;
        }
        let field = table.schema.field(name).cloned().ok_or_else(|| {
            let text = format!(
                "No such column '{name}' on entity '{}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name.",
                table.schema.name
            );
            ApiError::new("INVALID_FIELD", text)
        })?;
        Ok(Place { parents, field })
    }

    /// The field that a relationship goes by, and the object above.
    fn parent(&self, table: &Table, relationship: &str) -> Result<(String, &Table), ApiError> {
        let reference = table.schema.relationship(relationship);
        let parent = reference.and_then(|reference| {
            let mut objects = reference.reference_to.iter();
            let parent = objects.find_map(|object| self.table(object))?;
            Some((reference.name.clone(), parent))
        });
        parent.ok_or_else(|| {
            let text = format!("Didn't understand relationship '{relationship}' in field path.");
            ApiError::new("INVALID_FIELD", text)
        })
    }

    fn value<'a>(&'a self, place: &Place, record: &'a Record) -> Option<&'a Value> {
        let mut record = record;
        for (reference, object) in &place.parents {
            record = self.found(object, record.get(reference)?.as_str()?)?;
        }
        record.get(&place.field.name)
    }

    fn test(&self, table: &Table, filter: &Filter) -> Result<Test, ApiError> {
        let all = |parts: &[Filter]| {
            parts
                .iter()
                .map(|part| self.test(table, part))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(match filter {
            Filter::And(parts) => Test::And(all(parts)?),
            Filter::Or(parts) => Test::Or(all(parts)?),
            Filter::Not(part) => Test::Not(Box::new(self.test(table, part)?)),
            Filter::Compare {
                path,
                operator,
                value,
            } => {
                let place = self.place(table, path)?;
                let value = literal(&place.field, value)?;
                Test::Compare {
                    place,
                    operator: *operator,
                    value,
                }
            }
            Filter::In {
                path,
                values,
                negated,
            } => {
                let place = self.place(table, path)?;
                let values = values
                    .iter()
                    .map(|value| literal(&place.field, value).map(|cell| key(&cell)))
                    .collect::<Result<_, _>>()?;
                Test::In {
                    place,
                    values,
                    negated: *negated,
                }
            }
        })
    }

    fn holds(&self, test: &Test, record: &Record) -> bool {
        match test {
            Test::And(parts) => parts.iter().all(|part| self.holds(part, record)),
            Test::Or(parts) => parts.iter().any(|part| self.holds(part, record)),
            Test::Not(part) => !self.holds(part, record),
            Test::Compare {
                place,
                operator,
                value,
            } => compare(
                &cell(&place.field, self.value(place, record)),
                *operator,
                value,
            ),
            Test::In {
                place,
                values,
                negated,
            } => values.contains(&key(&cell(&place.field, self.value(place, record)))) != *negated,
        }
    }

    fn sort(&self, table: &Table, query: &Query, found: &mut [&Record]) -> Result<(), ApiError> {
        for order in query.order.iter().rev() {
            let place = self.place(table, &order.path)?;
            found.sort_by(|a, b| {
                let (a, b) = (
                    cell(&place.field, self.value(&place, a)),
                    cell(&place.field, self.value(&place, b)),
                );
                match (a == Cell::Null, b == Cell::Null) {
                    (true, true) => Ordering::Equal,
                    (a_null, b_null) if a_null != b_null => {
                        if a_null == order.nulls_last {
                            Ordering::Greater
                        } else {
                            Ordering::Less
                        }
                    }
                    _ => {
                        let forward = a.partial_cmp(&b).unwrap_or(Ordering::Equal);
                        if order.descending {
                            forward.reverse()
                        } else {
                            forward
                        }
                    }
                }
            });
        }
        Ok(())
    }
}

enum Rows {
    Count(usize),
    Records(Vec<Value>),
}

/// Ids among which all fitting records are, when indexes can tell.
fn candidates(table: &Table, test: &Test) -> Option<std::collections::BTreeSet<String>> {
    match test {
        Test::Or(parts) => {
            let each: Option<Vec<_>> = parts.iter().map(|part| candidates(table, part)).collect();
            Some(each?.into_iter().flatten().collect())
        }
        Test::And(parts) => parts.iter().find_map(|part| candidates(table, part)),
        Test::In {
            place,
            values,
            negated: false,
        } if place.parents.is_empty() => by_values(table, &place.field, values.iter()),
        Test::Compare {
            place,
            operator: Operator::Equal,
            value,
        } if place.parents.is_empty() => {
            by_values(table, &place.field, std::iter::once(&key(value)))
        }
        _ => None,
    }
}

fn by_values<'a>(
    table: &Table,
    field: &Field,
    keys: impl Iterator<Item = &'a String>,
) -> Option<std::collections::BTreeSet<String>> {
    let texts: Option<Vec<&str>> = keys.map(|key| key.strip_prefix('t')).collect();
    if field.name == "Id" {
        return Some(
            texts?
                .into_iter()
                .map(str::to_owned)
                .filter_map(|id| table.get(&id)?.get("Id")?.as_str().map(str::to_owned))
                .collect(),
        );
    }
    if !table.is_indexed(&field.name) {
        return None;
    }
    Some(
        texts?
            .into_iter()
            .flat_map(|text| table.by_value(field, text))
            .collect(),
    )
}
