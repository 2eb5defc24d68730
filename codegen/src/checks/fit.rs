//! What rules ask of fields and values: can it be written, does it go back, does this literal fit there.

use crate::model::{Conversion, Direction, Field, Literal, Mapping, Origin, SourceField};
use crate::schema::{SalesforceField, SalesforceType, SourceSchemaField, SourceType};

/// Salesforce takes it at all.
pub fn writable(schema: &SalesforceField) -> bool {
    !schema.calculated && (schema.createable || schema.updateable)
}

/// The source of a field, where its types fit and Salesforce takes it: what else there is to say of it makes sense.
pub fn sound(field: &Field) -> Option<&SourceField> {
    let Origin::Source(source) = &field.origin else {
        return None;
    };
    let is_plain = field.reference.is_none() && writable(&field.destination.schema);
    (is_plain && types_fit(field, source)).then_some(source)
}

/// Sound fields that go both ways.
pub fn two_way(mapping: &Mapping) -> impl Iterator<Item = (&Field, &SourceField)> {
    let is_both = mapping.direction == Direction::Both;
    mapping
        .fields
        .iter()
        .filter(move |field| is_both && field.direction(mapping.direction) == Direction::Both)
        .filter(|field| !field.when_creating)
        .filter_map(|field| Some((field, sound(field)?)))
        .filter(|(_, source)| !source.schema.read_only)
}

fn types_fit(field: &Field, source: &SourceField) -> bool {
    let to = field.destination.schema.kind;
    match (
        &source.schema.kind,
        field.convert.as_ref().map(|convert| convert.value),
    ) {
        (kind @ SourceType::Text { .. }, None) => {
            to.is_text()
                || (is_number(to) && is_amount(kind))
                || (to == SalesforceType::Datetime && is_moment(kind))
                || (to == SalesforceType::Reference && source.is_setting())
        }
        (SourceType::Text { .. }, Some(Conversion::Email | Conversion::Phone)) => to.is_text(),
        (SourceType::Text { .. }, Some(Conversion::Date)) => to == SalesforceType::Date,
        (SourceType::Boolean, None | Some(Conversion::Not)) => to == SalesforceType::Boolean,
        (SourceType::Integer | SourceType::Number, None) => is_number(to),
        _ => false,
    }
}

/// The longest text that the field can hold, in characters.
pub fn longest(schema: &SalesforceField) -> Option<u32> {
    let values = schema.picklist_values.iter();
    let longest_value = values.map(|value| value.chars().count() as u32).max();
    match schema.kind {
        SalesforceType::Date => Some(10),
        SalesforceType::Picklist if schema.restricted_picklist => longest_value.or(schema.length),
        kind if kind.is_text() => schema.length,
        _ => None,
    }
}

/// Why a record's field never has this value; null is judged by who asks.
pub fn record_misfit(schema: &SalesforceField, literal: &Literal) -> Option<String> {
    let name = &schema.name;
    let wrong = || {
        Some(format!(
            "{name} is {}, and this is not",
            schema.kind.describe()
        ))
    };
    let text = match literal {
        Literal::Null => return None,
        Literal::List(_) | Literal::Object(_) => return wrong(),
        Literal::Boolean(_) if schema.kind == SalesforceType::Boolean => return None,
        Literal::Boolean(_) => return wrong(),
        Literal::Integer(number) if is_number(schema.kind) => number.to_string(),
        Literal::Decimal(number) if is_number(schema.kind) => number.clone(),
        Literal::Integer(_) | Literal::Decimal(_) if schema.kind.is_text() => {
            return Some(format!(
                "{name} is text, and this is a number: put it in quotes"
            ));
        }
        Literal::Integer(_) | Literal::Decimal(_) => return wrong(),
        Literal::Text(text) => text.clone(),
    };
    let fits = match schema.kind {
        SalesforceType::Date => is_date(&text),
        SalesforceType::Datetime | SalesforceType::Time => text.contains(':'),
        SalesforceType::Reference | SalesforceType::Id => true,
        kind if is_number(kind) => !matches!(literal, Literal::Text(_)),
        kind => kind.is_text(),
    };
    if !fits {
        return wrong();
    }
    let characters = text.chars().count() as u32;
    match schema.length.filter(|_| schema.kind.is_text()) {
        Some(length) if characters > length => Some(format!(
            "{name} takes {length} characters, and this has {characters}"
        )),
        _ => None,
    }
}

/// The first part of a text that the picklist does not have.
pub fn unknown_value<'t>(schema: &SalesforceField, text: &'t str) -> Option<&'t str> {
    if schema.picklist_values.is_empty() {
        return None;
    }
    let unknown = |part: &&str| !schema.picklist_values.iter().any(|known| known == part);
    match schema.kind {
        SalesforceType::Multipicklist => text.split(';').find(unknown),
        SalesforceType::Picklist => Some(text).filter(unknown),
        _ => None,
    }
}

/// Why a row never has this value at a property.
pub fn row_misfit(schema: &SourceSchemaField, path: &str, literal: &Literal) -> Option<String> {
    let wrong = || {
        Some(format!(
            "`{path}` is {}, and this is not",
            schema.kind.describe()
        ))
    };
    match (&schema.kind, literal) {
        (_, Literal::Null) if schema.nullable => None,
        (_, Literal::Null) => Some(format!("`{path}` is never null")),
        (SourceType::Text { values, format, .. }, Literal::Text(text)) => {
            let characters = text.chars().count() as u32;
            let is_day = format.as_deref() == Some("date");
            match schema.kind.max_length() {
                _ if !values.is_empty() && !values.contains(text) => {
                    Some(format!("`{path}` is never `{text}`"))
                }
                Some(length) if characters > length => Some(format!(
                    "`{path}` has at most {length} characters, and this has {characters}"
                )),
                _ if is_day && !is_date(text) => Some(format!(
                    "`{path}` is a date such as 2001-02-03, and this is not"
                )),
                _ => None,
            }
        }
        (SourceType::Boolean, Literal::Boolean(_))
        | (SourceType::Integer, Literal::Integer(_))
        | (SourceType::Number, Literal::Integer(_) | Literal::Decimal(_))
        | (SourceType::Object(_), Literal::Object(_))
        | (SourceType::List(_), Literal::List(_))
        | (SourceType::Unknown, _) => None,
        _ => wrong(),
    }
}

/// A text that is a number: `format: decimal`, or a pattern of digits.
pub fn is_amount(kind: &SourceType) -> bool {
    let SourceType::Text {
        format, pattern, ..
    } = kind
    else {
        return matches!(kind, SourceType::Integer | SourceType::Number);
    };
    let is_digits = |pattern: &str| pattern.contains("[0-9]") && !pattern.contains("a-z");
    format.as_deref() == Some("decimal") || pattern.as_deref().is_some_and(is_digits)
}

/// A text that is a time with its zone.
pub fn is_moment(kind: &SourceType) -> bool {
    matches!(kind, SourceType::Text { format: Some(format), .. } if format == "date-time")
}

/// A number of any kind.
pub fn is_number(kind: SalesforceType) -> bool {
    use SalesforceType as T;
    matches!(
        kind,
        T::Currency | T::Double | T::Int | T::Long | T::Percent
    )
}

/// `2001-02-03`, a day that there is.
pub fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |index: usize, digits: usize| {
        let part = parts.get(index).filter(|part| part.len() == digits)?;
        part.parse::<u32>().ok()
    };
    let days = |year: u32, month: u32| match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    };
    match (parts.len(), number(0, 4), number(1, 2), number(2, 2)) {
        (3, Some(year), Some(month @ 1..=12), Some(day)) => (1..=days(year, month)).contains(&day),
        _ => false,
    }
}
