//! Queries answered: the records that fit, in order, by pages of 2,000.

use std::cmp::Ordering;
use std::collections::{HashSet, VecDeque};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use super::cell::{Cell, cell, compare, key, literal};
use super::error::{ApiError, answer, refuse};
use super::soql::{self, Filter, Operator, Path, Query};
use super::table::{Record, Table};
use super::{Org, parameter};
use crate::faults::Effect;
use crate::schema::Field;

/// Most rows of a page. The org may give fewer (reference: REST API, "Query").
const PAGE: usize = 2_000;

/// Fewest rows of a page that a client may ask for (reference: REST API, "Query Options Header").
const PAGE_MIN: usize = 200;

/// Cursors that a user may have open; one more closes the oldest (reference: REST API, "Query").
const CURSORS_MAX: usize = 10;

/// Long results, by locator. They end with the sessions, and a page can be read again.
#[derive(Default)]
pub(super) struct Cursors {
    open: VecDeque<(String, Cursor)>,
    opened: u64,
}

struct Cursor {
    /// The rows of the latest page, and those after it.
    rows: Vec<Value>,
    /// Count of rows that were dropped, since nobody goes back by two pages.
    dropped: usize,
    base: String,
}

impl Cursors {
    pub(super) fn clear(&mut self) {
        self.open.clear();
    }

    /// Keeps the cursor and gives its locator.
    fn open(&mut self, cursor: Cursor) -> String {
        self.opened += 1;
        let locator = format!("01g5e00000simulator{}", self.opened);
        if self.open.len() == CURSORS_MAX {
            self.open.pop_front();
        }
        self.open.push_back((locator.clone(), cursor));
        locator
    }

    /// The page that begins at a row; none when the locator is not open.
    fn page(&mut self, locator: &str, from: usize, rows_max: usize) -> Option<Response<Bytes>> {
        let mut open = self.open.iter_mut();
        let (_, cursor) = open.find(|(known, _)| known == locator)?;
        let passed = from.checked_sub(cursor.dropped)?;
        cursor.rows.drain(..passed.min(cursor.rows.len()));
        cursor.dropped = from;
        Some(cursor.page(rows_max, locator))
    }
}

impl Cursor {
    /// The first of the rows that are left, and where the next page is.
    fn page(&self, rows_max: usize, locator: &str) -> Response<Bytes> {
        let all = self.dropped + self.rows.len();
        let end = self.rows.len().min(rows_max);
        let rows = self.rows.get(..end).unwrap_or_default();
        let done = end == self.rows.len();
        let mut body = json!({ "totalSize": all, "done": done, "records": rows });
        if !done {
            let next = self.dropped + end;
            body["nextRecordsUrl"] = Value::from(format!("{}/query/{locator}-{next}", self.base));
        }
        answer(StatusCode::OK, &body)
    }
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
        effect: &Effect,
    ) -> Response<Bytes> {
        let rows_max = page_rows(request, effect);
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
            Ok(Rows::Records(rows)) => {
                let cursor = Cursor {
                    dropped: 0,
                    rows,
                    base,
                };
                self.first_page(cursor, rows_max)
            }
            Err(error) => refuse(StatusCode::BAD_REQUEST, &[error]),
        }
    }

    /// `01g5e00000simulator1-2000`: the rows of the locator from that place on.
    pub(super) fn query_more(
        &mut self,
        place: &str,
        request: &Request<Bytes>,
        effect: &Effect,
    ) -> Response<Bytes> {
        let place = place.rsplit_once('-');
        let place = place.and_then(|(locator, from)| Some((locator, from.parse().ok()?)));
        let page = place.and_then(|(locator, from)| {
            let rows_max = page_rows(request, effect);
            self.cursors.page(locator, from, rows_max)
        });
        page.unwrap_or_else(|| {
            let error = ApiError::new("INVALID_QUERY_LOCATOR", "invalid query locator");
            refuse(StatusCode::BAD_REQUEST, &[error])
        })
    }

    fn first_page(&mut self, cursor: Cursor, rows_max: usize) -> Response<Bytes> {
        if cursor.rows.len() <= rows_max {
            return cursor.page(rows_max, "");
        }
        let locator = self.cursors.open(cursor);
        let page = self.cursors.page(&locator, 0, rows_max);
        page.unwrap_or_else(super::not_found)
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
        let field = table.schema.field(name);
        let field = field.filter(|field| !self.is_hidden(&table.schema.name, &field.name));
        let field = field.cloned().ok_or_else(|| {
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

/// Rows of a page: by a fault rule, by `Sforce-Query-Options: batchSize=200`, or as many as there may be.
fn page_rows(request: &Request<Bytes>, effect: &Effect) -> usize {
    if let Some(rows) = effect.page_rows {
        return rows.clamp(1, PAGE);
    }
    let header = request.headers().get("sforce-query-options");
    let header = header.and_then(|value| value.to_str().ok());
    let wanted = header.and_then(|text| text.trim().strip_prefix("batchSize=")?.parse().ok());
    wanted.map_or(PAGE, |rows: usize| rows.clamp(PAGE_MIN, PAGE))
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
