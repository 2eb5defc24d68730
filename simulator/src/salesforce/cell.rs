//! Values as queries compare them: by the field's type, text in any case.

use serde_json::Value;

use super::error::ApiError;
use super::soql::{Literal, Operator};
use super::table::folded;
use crate::schema::Field;

/// A value that can be compared.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(super) enum Cell {
    Null,
    Boolean(bool),
    Number(f64),
    Text(String),
}

/// One text a cell, different for different cells.
pub(super) fn key(cell: &Cell) -> String {
    match cell {
        Cell::Null => "n".to_owned(),
        Cell::Boolean(truth) => format!("b{truth}"),
        Cell::Number(number) => format!("d{number}"),
        Cell::Text(text) => format!("t{text}"),
    }
}

pub(super) fn cell(field: &Field, value: Option<&Value>) -> Cell {
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
pub(super) fn literal(field: &Field, literal: &Literal) -> Result<Cell, ApiError> {
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

pub(super) fn compare(cell: &Cell, operator: Operator, value: &Cell) -> bool {
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
