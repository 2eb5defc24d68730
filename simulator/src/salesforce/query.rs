//! Queries answered: the records that fit, in order, by pages of 2,000.

use std::cmp::Ordering;
use std::collections::HashSet;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use super::error::{ApiError, answer, refuse};
use super::soql::{self, Filter, Literal, Operator, Path, Query};
use super::table::{Record, Table, folded};
use super::{Org, parameter};
use crate::schema::Field;

const PAGE: usize = 2_000;

/// What is left of a result.
pub(super) struct Cursor {
    rows: Vec<Value>,
    at: usize,
    base: String,
}

/// A value that can be compared.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
enum Cell {
    Null,
    Boolean(bool),
    Number(f64),
    Text(String),
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

/// A field of the record, or of its parent.
#[derive(Clone)]
struct Place {
    /// The reference field and the parent's object.
    parent: Option<(String, String)>,
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
            let locator = format!("01g5e00000simulator{}-{end}", self.calls);
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
            let value = self.value(place, record).cloned().unwrap_or(Value::Null);
            match (&place.parent, path.first()) {
                (Some((reference, object)), Some(relationship)) => {
                    let parent = record.get(reference).and_then(Value::as_str);
                    if let Some(parent) = parent {
                        row[relationship]["attributes"] = json!({ "type": object, "url": format!("{base}/sobjects/{object}/{parent}") });
                        row[relationship][&place.field.name] = value;
                    } else {
                        row[relationship] = Value::Null;
                    }
                }
                _ => row[&place.field.name] = value,
            }
        }
        row
    }

    fn place(&self, table: &Table, path: &[String]) -> Result<Place, ApiError> {
        let missing = |name: &str, object: &str| {
            ApiError::new(
                "INVALID_FIELD",
                format!(
                    "No such column '{name}' on entity '{object}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name."
                ),
            )
        };
        let schema = &table.schema;
        match path {
            [name] => {
                let field = schema
                    .field(name)
                    .cloned()
                    .ok_or_else(|| missing(name, &schema.name))?;
                Ok(Place {
                    parent: None,
                    field,
                })
            }
            [relationship, name] => {
                let reference = schema.relationship(relationship);
                let no_relation = || {
                    ApiError::new(
                        "INVALID_FIELD",
                        format!("Didn't understand relationship '{relationship}' in field path."),
                    )
                };
                let reference = reference.ok_or_else(no_relation)?;
                let parent = reference
                    .reference_to
                    .iter()
                    .find_map(|object| self.table(object))
                    .ok_or_else(no_relation)?;
                let field = parent
                    .schema
                    .field(name)
                    .cloned()
                    .ok_or_else(|| missing(name, &parent.schema.name))?;
                Ok(Place {
                    parent: Some((reference.name.clone(), parent.schema.name.clone())),
                    field,
                })
            }
            _ => Err(ApiError::new(
                "MALFORMED_QUERY",
                "relationships of more than one level are not answered here",
            )),
        }
    }

    fn value<'a>(&'a self, place: &Place, record: &'a Record) -> Option<&'a Value> {
        match &place.parent {
            None => record.get(&place.field.name),
            Some((reference, object)) => {
                let id = record.get(reference)?.as_str()?;
                self.table(object)?.get(id)?.get(&place.field.name)
            }
        }
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
        } if place.parent.is_none() => by_values(table, &place.field, values.iter()),
        Test::Compare {
            place,
            operator: Operator::Equal,
            value,
        } if place.parent.is_none() => by_values(table, &place.field, std::iter::once(&key(value))),
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

/// One text a cell, different for different cells.
fn key(cell: &Cell) -> String {
    match cell {
        Cell::Null => "n".to_owned(),
        Cell::Boolean(truth) => format!("b{truth}"),
        Cell::Number(number) => format!("d{number}"),
        Cell::Text(text) => format!("t{text}"),
    }
}

fn cell(field: &Field, value: Option<&Value>) -> Cell {
    match value {
        Some(Value::Bool(truth)) => Cell::Boolean(*truth),
        Some(Value::Number(number)) => number.as_f64().map_or(Cell::Null, Cell::Number),
        Some(Value::String(text)) if field.kind == "datetime" => {
            instant(text).map_or(Cell::Null, Cell::Number)
        }
        Some(Value::String(text)) => Cell::Text(comparable(field, text)),
        _ => Cell::Null,
    }
}

fn comparable(field: &Field, text: &str) -> String {
    if matches!(field.kind.as_str(), "id" | "reference") {
        return crate::id::long(text).unwrap_or_else(|| text.to_owned());
    }
    folded(field, text)
}

/// Seconds since 1970 of a date-time, with or without a colon in its offset.
pub(super) fn instant(text: &str) -> Option<f64> {
    let mut text = text.to_owned();
    let offset = text.len().checked_sub(5)?;
    if text.get(offset..)?.starts_with(['+', '-']) && !text.get(offset..)?.contains(':') {
        text.insert(offset + 3, ':');
    }
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(time.as_millisecond() as f64 / 1000.0)
}

/// The literal as the field's type; what does not fit is an error, as in the org.
fn literal(field: &Field, literal: &Literal) -> Result<Cell, ApiError> {
    let wrong = |expected: &str| {
        let text = format!(
            "value of filter criterion for field '{}' must be of type {expected}",
            field.name
        );
        Err(ApiError::new("INVALID_FIELD", text))
    };
    match (field.kind.as_str(), literal) {
        (_, Literal::Null) => Ok(Cell::Null),
        ("boolean", Literal::Boolean(truth)) => Ok(Cell::Boolean(*truth)),
        ("boolean", _) => wrong("boolean and should not be enclosed in quotes"),
        ("datetime", Literal::Bare(text)) => {
            instant(text).map_or_else(|| wrong("dateTime"), |seconds| Ok(Cell::Number(seconds)))
        }
        ("datetime", _) => wrong("dateTime and should not be enclosed in quotes"),
        ("date", Literal::Bare(text)) if text.parse::<jiff::civil::Date>().is_ok() => {
            Ok(Cell::Text(text.clone()))
        }
        ("date", _) => wrong("date and should not be enclosed in quotes"),
        ("double" | "currency" | "percent" | "int" | "long", Literal::Bare(text)) => text
            .parse()
            .map_or_else(|_| wrong("double"), |number| Ok(Cell::Number(number))),
        ("double" | "currency" | "percent" | "int" | "long", _) => {
            wrong("double and should not be enclosed in quotes")
        }
        (_, Literal::Text(text)) => Ok(Cell::Text(comparable(field, text))),
        (_, Literal::Boolean(_) | Literal::Bare(_)) => {
            wrong("string and should be enclosed in quotes")
        }
    }
}

fn compare(cell: &Cell, operator: Operator, value: &Cell) -> bool {
    match operator {
        Operator::Equal => cell == value,
        Operator::NotEqual => cell != value,
        Operator::Like => match (cell, value) {
            (Cell::Text(text), Cell::Text(pattern)) => like(text, pattern),
            _ => false,
        },
        _ if *cell == Cell::Null || *value == Cell::Null => false,
        Operator::Less => cell < value,
        Operator::LessOrEqual => cell <= value,
        Operator::Greater => cell > value,
        Operator::GreaterOrEqual => cell >= value,
    }
}

/// `%` is any text, `_` one letter.
fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (
        text.to_lowercase().chars().collect(),
        pattern.to_lowercase().chars().collect(),
    );
    let mut reachable: Vec<bool> = vec![false; text.len() + 1];
    if let Some(first) = reachable.first_mut() {
        *first = true;
    }
    for wanted in pattern {
        let mut next = vec![false; text.len() + 1];
        let mut any = false;
        for (place, slot) in next.iter_mut().enumerate() {
            let here = reachable.get(place).copied().unwrap_or(false);
            let before = place.checked_sub(1);
            any |= here;
            *slot = match wanted {
                '%' => any,
                _ => before.is_some_and(|before| {
                    reachable.get(before) == Some(&true)
                        && (wanted == '_' || text.get(before) == Some(&wanted))
                }),
            };
        }
        reachable = next;
    }
    reachable.last().copied().unwrap_or(false)
}
