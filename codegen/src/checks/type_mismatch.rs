//! A value of one type into a field of another.

mod made;

use super::{Context, fit};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Conversion, Field, Literal, Mapping, Origin, SourceField};
use crate::schema::{SalesforceField, SalesforceType, SourceType};
use crate::span::{Span, Spanned};

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for field in &mapping.fields {
        // What cannot be written at all has its own rule.
        let schema = &field.destination.schema;
        if !fit::writable(schema) {
            continue;
        }
        let found = match &field.origin {
            Origin::Constant(literal) => constant(field, literal, context),
            Origin::Source(_) if field.reference.is_some() => reference(field, context),
            Origin::Source(source) => converted(field, source, mapping),
            Origin::Computed(rule) => made::check(field, rule, context),
        };
        sink.extend(found.map(|fault| fault.related(schema.span, "its schema")));
    }
    sink.extend(key(mapping));
}

/// The source's id is text, and so is what holds it.
fn key(mapping: &Mapping) -> Option<Diagnostic> {
    let field = mapping.key.destination.as_ref()?;
    let schema = &field.schema;
    (fit::writable(schema) && schema.external_id && !schema.kind.is_text()).then(|| {
        let message = format!(
            "{} is {}, and a key is text",
            schema.name,
            schema.kind.describe()
        );
        mismatch(field.span, message, "not text".to_owned())
            .related(schema.span, "its schema")
            .help("use an external id of the type text")
    })
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
    if takes(to, source) {
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
        (SourceType::Text { format, .. }, SalesforceType::Date) => {
            let fault = fault.help("add `convert: date`");
            match format.as_deref() {
                Some("date") => fault.add_key(field.span, "convert: date"),
                _ => fault,
            }
        }
        (SourceType::Text { format, .. }, SalesforceType::Datetime) if format.is_none() => {
            fault.help("say `\"format\": \"date-time\"` in the source's schema, where it is one")
        }
        (SourceType::Text { .. }, to) if fit::is_number(to) => {
            fault.help("say `\"format\": \"decimal\"` in the source's schema, where it is one")
        }
        (SourceType::Text { .. }, SalesforceType::Reference) => {
            fault.help("add `reference:` with the mapping whose record it is")
        }
        _ => fault.help("map it to a field of its own type, or use a conversion"),
    })
}

/// Can a field of this type be this, unchanged?
pub fn takes(to: SalesforceType, source: &SourceField) -> bool {
    let from = &source.schema.kind;
    match from {
        SourceType::Text { .. } => {
            to.is_text()
                || (fit::is_number(to) && fit::is_amount(from))
                || (to == SalesforceType::Datetime && fit::is_moment(from))
                || (to == SalesforceType::Reference && source.is_setting())
        }
        SourceType::Boolean => to == SalesforceType::Boolean,
        SourceType::Integer | SourceType::Number => fit::is_number(to),
        SourceType::Object(_) | SourceType::List(_) | SourceType::Unknown => false,
    }
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
        // It is made, and judged with what is made.
        Conversion::Negative => return None,
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

/// Can the field have this constant?
pub fn fits(schema: &SalesforceField, literal: &Literal) -> bool {
    match literal {
        Literal::Text(text) if schema.kind == SalesforceType::Date => fit::is_date(text),
        Literal::Text(text) if text.trim().is_empty() => false,
        Literal::Integer(_) | Literal::Decimal(_) if fit::is_number(schema.kind) => true,
        Literal::Text(_) | Literal::Integer(_) | Literal::Decimal(_) => schema.kind.is_text(),
        Literal::Boolean(_) => schema.kind == SalesforceType::Boolean,
        Literal::Null | Literal::List(_) | Literal::Object(_) => false,
    }
}

pub(super) fn reference(field: &Field, context: &Context<'_>) -> Option<Diagnostic> {
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

fn constant(
    field: &Field,
    literal: &Spanned<Literal>,
    context: &Context<'_>,
) -> Option<Diagnostic> {
    let schema = &field.destination.schema;
    let (literal, span) = (&literal.value, literal.span);
    if let Some(reference) = &field.reference {
        return Some(
            mismatch(
                reference.span,
                "a constant is no reference to a record".to_owned(),
                "take this out".to_owned(),
            )
            .help(
                "write `source:` with the path that holds the record's id, or take `reference` out",
            ),
        );
    }
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
    let fits = fits(schema, literal);
    (!fits).then(|| {
        let message = format!(
            "{} is {}, and this constant is not",
            schema.name,
            schema.kind.describe()
        );
        let fault = mismatch(span, message, format!("wants {}", schema.kind.describe()));
        match context.record_types(schema) {
            Some(names) => fault.help(format!("record types ({names}) differ in their ids from org to org, and cannot be set in this version: take the line out")),
            None => fault.help("write a value of the field's type, or take the line out"),
        }
    })
}
