//! Values that are made: what each rule takes, and what it gives.

use super::{Context, fit, fits, mismatch, reference, takes};
use crate::diagnostic::Diagnostic;
use crate::model::{Field, Literal, Made, Rule, SourceField};
use crate::schema::{SalesforceType, SourceType};
use crate::span::Span;

pub(super) fn check(field: &Field, rule: &Rule, context: &Context<'_>) -> Option<Diagnostic> {
    if field.reference.is_some() {
        let fault = reference(field, context);
        return fault.or_else(|| nothing_but_ids(field, rule));
    }
    let to = &field.destination.schema;
    match rule {
        Rule::Template(_) => gives(field, field.span, "text", to.kind.is_text()),
        Rule::FirstOf(sources) => sources.iter().find_map(|source| member(field, source)),
        Rule::Cases(cases) => cases.iter().find_map(|case| value(field, &case.then)),
        Rule::Values { of, .. } => text(of, "`values`").or_else(|| constants(field, rule)),
        Rule::DateIn { span, time, .. } => {
            let takes = (!fit::is_moment(&time.schema.kind)).then(|| {
                let message = format!(
                    "`date_in` takes a time, and `{}` is {}",
                    time.dotted(),
                    time.schema.kind.describe()
                );
                mismatch(*span, message, "takes a time".to_owned())
                    .help("take it out, or say `\"format\": \"date-time\"` in the source's schema")
            });
            takes.or_else(|| gives(field, *span, "a date", to.kind == SalesforceType::Date))
        }
        Rule::Negative(source) => negative(field, source),
        Rule::Lookup(lookup) => {
            let finds = to.kind == SalesforceType::Reference
                && to.reference_to.contains(&lookup.object.value);
            (!finds).then(|| {
                let message = format!(
                    "{} is {}, and the look-up finds {}",
                    to.name,
                    described(field),
                    lookup.object.value
                );
                mismatch(lookup.object.span, message, "finds another".to_owned())
                    .help("look for what the field refers to")
            })
        }
    }
}

fn described(field: &Field) -> String {
    let schema = &field.destination.schema;
    match schema.kind {
        SalesforceType::Reference => format!("a reference to {}", schema.reference_to.join(" or ")),
        kind => kind.describe().to_owned(),
    }
}

fn gives(field: &Field, span: Span, what: &str, fits: bool) -> Option<Diagnostic> {
    (!fits).then(|| {
        let schema = &field.destination.schema;
        let message = format!(
            "this gives {what}, and {} is {}",
            schema.name,
            schema.kind.describe()
        );
        mismatch(span, message, format!("gives {what}")).help("map it to a field of its type")
    })
}

fn member(field: &Field, source: &SourceField) -> Option<Diagnostic> {
    let schema = &field.destination.schema;
    (!takes(schema.kind, source)).then(|| {
        let message = format!(
            "`{}` is {}, and {} is {}",
            source.dotted(),
            source.schema.kind.describe(),
            schema.name,
            schema.kind.describe()
        );
        mismatch(
            source.span,
            message,
            format!("wants {}", schema.kind.describe()),
        )
        .help("name a member of the field's type")
    })
}

fn value(field: &Field, made: &Made) -> Option<Diagnostic> {
    let schema = &field.destination.schema;
    match made {
        Made::Member(source) => member(field, source),
        Made::FirstOf(sources) => sources.iter().find_map(|source| member(field, source)),
        Made::Template(span, _) => gives(field, *span, "text", schema.kind.is_text()),
        // Null leaves the field blank, which a nillable field allows.
        Made::Constant(literal) if literal.value == Literal::Null && schema.nillable => None,
        Made::Constant(literal) => (!fits(schema, &literal.value)).then(|| {
            let message = format!(
                "{} is {}, and this constant is not",
                schema.name,
                schema.kind.describe()
            );
            mismatch(
                literal.span,
                message,
                format!("wants {}", schema.kind.describe()),
            )
            .help("write a value of the field's type")
        }),
    }
}

fn constants(field: &Field, rule: &Rule) -> Option<Diagnostic> {
    let constants = rule.constants().into_iter();
    constants
        .map(|literal| Made::Constant(literal.clone()))
        .find_map(|made| value(field, &made))
}

fn text(source: &SourceField, what: &str) -> Option<Diagnostic> {
    let is_text = matches!(source.schema.kind, SourceType::Text { .. });
    (!is_text).then(|| {
        let message = format!(
            "{what} takes text, and `{}` is {}",
            source.dotted(),
            source.schema.kind.describe()
        );
        mismatch(source.span, message, "takes text".to_owned()).help("name a member that is text")
    })
}

fn negative(field: &Field, source: &SourceField) -> Option<Diagnostic> {
    let takes = (!fit::is_amount(&source.schema.kind)).then(|| {
        let message = format!(
            "`convert: negative` takes a number, and `{}` is {}",
            source.dotted(),
            source.schema.kind.describe()
        );
        mismatch(source.span, message, "takes a number".to_owned())
            .help("use another conversion, or none")
    });
    let kind = field.destination.schema.kind;
    takes.or_else(|| gives(field, source.span, "a number", fit::is_number(kind)))
}

/// A reference is the text of an id.
fn nothing_but_ids(field: &Field, rule: &Rule) -> Option<Diagnostic> {
    if let Rule::Lookup(lookup) = rule {
        let message = "a look-up is no reference to a mapping's record".to_owned();
        return Some(
            mismatch(lookup.span, message, "one too many".to_owned())
                .help("keep `lookup` or `reference`"),
        );
    }
    let mut members = rule.members().into_iter();
    let none = members.find(|source| !matches!(source.schema.kind, SourceType::Text { .. }))?;
    let is_value = matches!(rule, Rule::FirstOf(_) | Rule::Template(_));
    is_value.then(|| {
        let message = format!(
            "`{}` is {}, and {} is found by an id",
            none.dotted(),
            none.schema.kind.describe(),
            field.destination.schema.name
        );
        mismatch(none.span, message, "no id".to_owned()).help("name a member that is an id")
    })
}
