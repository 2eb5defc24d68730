//! A value of one type into a field of another.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Conversion, Field, Literal, Mapping, Origin, SourceField};
use crate::schema::{SalesforceType, SourceType};
use crate::span::Span;

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for field in &mapping.fields {
        // What cannot be written at all has its own rule.
        let schema = &field.destination.schema;
        if schema.calculated || !(schema.createable || schema.updateable) {
            continue;
        }
        let found = match &field.origin {
            Origin::Constant(literal) => constant(field, &literal.value, literal.span),
            Origin::Source(_) if field.reference.is_some() => reference(field, context),
            Origin::Source(source) => converted(field, source, mapping),
        };
        sink.extend(found.map(|fault| fault.related(schema.span, "its schema")));
    }
}

fn mismatch(span: Span, message: String, label: String) -> Diagnostic {
    Diagnostic::error(Code::TYPE_MISMATCH, span, message, label)
}

fn converted(field: &Field, source: &SourceField, mapping: &Mapping) -> Option<Diagnostic> {
    let schema = &field.destination.schema;
    let (from, to) = (&source.schema.kind, schema.kind);
    if let SourceType::Object(members) = from {
        let first = members
            .first()
            .map(|(name, _)| name.as_str())
            .unwrap_or("...");
        return Some(
            mismatch(
                source.span,
                format!("`{}` is an object", source.dotted()),
                "not a single value".to_owned(),
            )
            .help(format!(
                "map its fields one by one, such as `{}.{first}`",
                source.dotted()
            )),
        );
    }
    if let Some(convert) = &field.convert {
        return conversion(field, source, convert.value, convert.span);
    }
    let fits = match from {
        SourceType::Text { .. } => to.is_text(),
        SourceType::Boolean => to == SalesforceType::Boolean,
        SourceType::Integer | SourceType::Number | SourceType::Object(_) | SourceType::List(_) => {
            false
        }
    };
    if fits {
        return None;
    }
    let message = format!(
        "`{}` is {}, and {}.{} is {}",
        source.dotted(),
        from.describe(),
        mapping.destination.value,
        schema.name,
        to.describe()
    );
    let fault = mismatch(
        field.destination.span,
        message,
        format!("wants {}", to.describe()),
    );
    Some(match (from, to) {
        (SourceType::Text { .. }, SalesforceType::Date) => fault.help("add `convert: date`"),
        (SourceType::Text { .. }, SalesforceType::Reference) => {
            fault.help("add `reference:` with the mapping whose record it is")
        }
        _ => fault.help("map it to a field of its own type, or use a conversion"),
    })
}

/// What each conversion takes and gives.
fn conversion(
    field: &Field,
    source: &SourceField,
    convert: Conversion,
    span: Span,
) -> Option<Diagnostic> {
    let (from, to) = (&source.schema.kind, field.destination.schema.kind);
    let takes_text = convert != Conversion::Not;
    let is_text = matches!(from, SourceType::Text { .. });
    let is_truth = *from == SourceType::Boolean;
    if (takes_text && !is_text) || (!takes_text && !is_truth) {
        let wants = if takes_text { "text" } else { "true or false" };
        let message = format!(
            "`convert: {}` takes {wants}, and `{}` is {}",
            convert.name(),
            source.dotted(),
            from.describe()
        );
        return Some(
            mismatch(span, message, format!("takes {wants}"))
                .help("use another conversion, or none"),
        );
    }
    let (gives, fits) = match convert {
        Conversion::Email | Conversion::Phone => ("text", to.is_text()),
        Conversion::Date => ("a date", to == SalesforceType::Date),
        Conversion::Not => ("true or false", to == SalesforceType::Boolean),
    };
    (!fits).then(|| {
        let name = &field.destination.schema.name;
        let message = format!(
            "`convert: {}` gives {gives}, and {name} is {}",
            convert.name(),
            to.describe()
        );
        mismatch(span, message, format!("gives {gives}"))
            .help("use another conversion, or map to another field")
    })
}

fn reference(field: &Field, context: &Context<'_>) -> Option<Diagnostic> {
    let reference = field.reference.as_ref()?;
    let schema = &field.destination.schema;
    let target = context.model.mappings.get(reference.value.0)?;
    if schema.kind != SalesforceType::Reference {
        let message = format!(
            "{} is {}, not a reference to another record",
            schema.name,
            schema.kind.describe()
        );
        return Some(
            mismatch(field.destination.span, message, "no reference".to_owned())
                .help("take `reference` out, or map to a reference field"),
        );
    }
    if let Some(convert) = &field.convert {
        return Some(
            mismatch(
                convert.span,
                "a reference is not converted".to_owned(),
                "take this out".to_owned(),
            )
            .help("keep `reference`"),
        );
    }
    let object = &target.destination.value;
    (!schema.reference_to.contains(object)).then(|| {
        let to = schema.reference_to.join(" or ");
        let message = format!(
            "{} refers to {to}, and `{}` makes a {object}",
            schema.name, target.name.value
        );
        mismatch(reference.span, message, format!("makes a {object}"))
            .help(format!("name a mapping whose destination is {to}"))
    })
}

fn constant(field: &Field, literal: &Literal, span: Span) -> Option<Diagnostic> {
    let schema = &field.destination.schema;
    if let Some(convert) = &field.convert {
        return Some(
            mismatch(
                convert.span,
                "a constant is not converted".to_owned(),
                "take this out".to_owned(),
            )
            .help("write the constant as it shall be"),
        );
    }
    let fits = match literal {
        Literal::Text(text) if schema.kind == SalesforceType::Date => is_date(text),
        Literal::Text(_) | Literal::Integer(_) | Literal::Decimal(_) => schema.kind.is_text(),
        Literal::Boolean(_) => schema.kind == SalesforceType::Boolean,
        Literal::Null | Literal::List(_) | Literal::Object(_) => false,
    };
    (!fits).then(|| {
        let message = format!(
            "{} is {}, and this constant is not",
            schema.name,
            schema.kind.describe()
        );
        mismatch(span, message, format!("wants {}", schema.kind.describe()))
            .help("write a value of the field's type, or take the line out")
    })
}

fn is_date(text: &str) -> bool {
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
