//! Text that may be longer than its field.

use super::{Context, wrong_format};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Field, Literal, Made, Mapping, Origin, Piece, Rule, SourceField};
use crate::span::Span;

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let text = mapping
        .fields
        .iter()
        .filter(|field| field.destination.schema.kind.is_text() && field.reference.is_none());
    sink.extend(text.filter_map(too_long));
    sink.extend(key_too_long(mapping));
}

fn key_too_long(mapping: &Mapping) -> Option<Diagnostic> {
    let (source, key) = (&mapping.key.source, mapping.key.destination.as_ref()?);
    let schema = &key.schema;
    let (length, takes) = (source.schema.kind.max_length()?, schema.length?);
    let is_key = schema.external_id && schema.unique && source.schema.required;
    (length > takes && is_key && schema.kind.is_text()).then(|| {
        let message = format!(
            "`{}` may have {length} characters, and the key {} takes {takes}",
            source.dotted(),
            schema.name
        );
        Diagnostic::error(
            Code::TEXT_TOO_LONG,
            key.span,
            message,
            format!("takes {takes}"),
        )
        .related(schema.span, "its schema")
        .help("lengthen the field in Salesforce and pull the schema")
    })
}

pub fn too_long(field: &Field) -> Option<Diagnostic> {
    let schema = &field.destination.schema;
    let takes = schema.length.filter(|length| *length > 0)?;
    let (span, length) = match &field.origin {
        Origin::Source(source) => (source.span, source.schema.kind.max_length()?),
        Origin::Constant(literal) => (literal.span, characters(&literal.value)?),
        Origin::Computed(rule) => made(field, rule)?,
    };
    if length <= takes {
        return None;
    }
    let what = match &field.origin {
        Origin::Source(source) if wrong_format::wrong(field, source).is_some() => return None,
        Origin::Source(source) => format!("`{}` may have", source.dotted()),
        Origin::Constant(_) => "this text has".to_owned(),
        Origin::Computed(_) => "what is made may have".to_owned(),
    };
    let message = format!(
        "{what} {length} characters, and {} takes {takes}",
        schema.name
    );
    let label = format!("up to {length} characters");
    Some(
        Diagnostic::error(Code::TEXT_TOO_LONG, span, message, label)
            .related(schema.span, format!("takes {takes}"))
            .help("lengthen the field in Salesforce and pull the schema, or map to a longer one"),
    )
}

/// How long what is made can be, and where it is said.
fn made(field: &Field, rule: &Rule) -> Option<(Span, u32)> {
    let of_made = |made: &Made| match made {
        Made::Constant(literal) => characters(&literal.value),
        Made::Member(source) => source.schema.kind.max_length(),
        Made::FirstOf(sources) => longest(sources),
        Made::Template(_, pieces) => template(pieces),
    };
    let length = match rule {
        Rule::Template(pieces) => template(pieces),
        Rule::Cases(cases) => cases.iter().filter_map(|case| of_made(&case.then)).max(),
        Rule::Values { table, .. } => {
            let words = table.iter().filter_map(|(_, to)| characters(&to.value));
            words.max()
        }
        Rule::FirstOf(sources) => longest(sources),
        Rule::DateIn { .. } | Rule::Negative(_) | Rule::Lookup(_) => None,
    };
    Some((field.span, length?))
}

fn longest(sources: &[SourceField]) -> Option<u32> {
    let lengths = sources
        .iter()
        .filter_map(|source| source.schema.kind.max_length());
    lengths.max()
}

fn template(pieces: &[Piece]) -> Option<u32> {
    let lengths = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => Some(text.chars().count() as u32),
        Piece::Member(source) => source.schema.kind.max_length(),
    });
    lengths.sum()
}

/// How long a constant is as text.
fn characters(literal: &Literal) -> Option<u32> {
    match literal {
        Literal::Text(text) | Literal::Decimal(text) => Some(text.chars().count() as u32),
        Literal::Integer(number) => Some(number.to_string().len() as u32),
        Literal::Null | Literal::Boolean(_) | Literal::List(_) | Literal::Object(_) => None,
    }
}
