//! A condition that no row, or no record, can meet.

use super::{Context, fit};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Condition, Is, Literal, Mapping, Origin, RecordCondition, Rule};
use crate::schema::{SalesforceType, SourceSchemaField, SourceType};
use crate::span::Span;

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for condition in all(mapping) {
        sink.extend(impossible(condition));
    }
    sink.extend(
        mapping
            .when
            .iter()
            .filter_map(|condition| beside_null(condition, mapping)),
    );
    for condition in &mapping.when_destination {
        let found =
            impossible_record(condition, context).or_else(|| contradicted(condition, mapping));
        sink.extend(found);
    }
}

/// Every condition on a row, wherever it stands.
fn all(mapping: &Mapping) -> Vec<&Condition> {
    let tree = mapping.tree.as_ref();
    let exists = tree.into_iter().flat_map(|tree| &tree.exists_when);
    let unless = tree
        .into_iter()
        .flat_map(|tree| tree.unless.iter().flatten());
    let reduce = tree.and_then(|tree| tree.reduce.as_ref());
    let folds = reduce.into_iter().flat_map(|reduce| &reduce.folds);
    let cases = mapping.fields.iter().flat_map(|field| match &field.origin {
        Origin::Computed(Rule::Cases(cases)) => cases.as_slice(),
        _ => &[],
    });
    let inner = folds.flat_map(|fold| &fold.of);
    let inner = inner.chain(cases.flat_map(|case| &case.when));
    let adopted = tree.into_iter().flat_map(|tree| &tree.adopt);
    let adopted = adopted.flat_map(|adopt| &adopt.when);
    let own = mapping.when.iter().chain(&mapping.nothing);
    let own = own.chain(exists).chain(unless).chain(adopted);
    own.chain(inner).collect()
}

/// The first value that the path never has, or a comparison that makes no sense.
fn impossible(condition: &Condition) -> Option<Diagnostic> {
    let schema = &condition.source.schema;
    let path = condition.source.dotted();
    if let Is::Above(_) = condition.is
        && !fit::is_amount(&schema.kind)
    {
        let message = format!("`{path}` is {}, and no number", schema.kind.describe());
        return Some(never(condition, condition.span, message, "never above"));
    }
    condition.values().into_iter().find_map(|wanted| {
        let misfit = misfit(schema, &path, &wanted.value)?;
        let fault = never(condition, wanted.span, misfit, "can never be equal");
        Some(match (&schema.kind, &wanted.value) {
            (SourceType::Text { values, .. }, Literal::Text(text)) if !values.is_empty() => {
                fault.did_you_mean(wanted.span, text, values.iter().map(String::as_str))
            }
            _ => fault.help("compare it with a value that it can have"),
        })
    })
}

fn never(condition: &Condition, span: Span, message: String, label: &str) -> Diagnostic {
    let fault = Diagnostic::error(Code::IMPOSSIBLE_WHEN, span, message, label);
    let fault = fault.related(condition.source.schema.span, "its schema");
    match label {
        "never above" => fault.help("compare a number"),
        _ => fault,
    }
}

fn misfit(schema: &SourceSchemaField, path: &str, wanted: &Literal) -> Option<String> {
    match (&schema.kind, wanted) {
        (SourceType::Object(_) | SourceType::List(_), Literal::Null) => None,
        (SourceType::Object(_) | SourceType::List(_), _) => Some(format!(
            "`{path}` is {}, and a condition compares one value",
            schema.kind.describe()
        )),
        (SourceType::Unknown, _) => Some(format!("`{path}` is {}", schema.kind.describe())),
        _ => fit::row_misfit(schema, path, wanted),
    }
}

/// `address: null` beside `address.city: x`.
fn beside_null(condition: &Condition, mapping: &Mapping) -> Option<Diagnostic> {
    let path = &condition.source.path;
    let outer = mapping.when.iter().find(|outer| {
        let is_outer = outer.source.path.len() < path.len() && path.starts_with(&outer.source.path);
        is_outer && outer.equals() == Some(&Literal::Null)
    })?;
    let wanted = condition.equals()?;
    (*wanted != Literal::Null).then(|| {
        let message = format!(
            "`{}` is to be null, so `{}` is never this",
            outer.source.dotted(),
            condition.source.dotted()
        );
        Diagnostic::error(
            Code::IMPOSSIBLE_WHEN,
            condition.span,
            message,
            "can never be equal",
        )
        .related(outer.span, "null here")
        .help("take one of the conditions out")
    })
}

fn impossible_record(condition: &RecordCondition, context: &Context<'_>) -> Option<Diagnostic> {
    let (schema, value) = (&condition.field.schema, &condition.value);
    let unknown = match &value.value {
        Literal::Text(text) => fit::unknown_value(schema, text),
        _ => None,
    };
    let misfit = match &value.value {
        Literal::Null if !schema.nillable && schema.kind != SalesforceType::Boolean => {
            Some(format!("{} is never blank", schema.name))
        }
        Literal::Text(text)
            if matches!(schema.kind, SalesforceType::Reference | SalesforceType::Id) =>
        {
            no_id(condition, text, context)
        }
        other => fit::record_misfit(schema, other),
    };
    let misfit = misfit.or_else(|| {
        unknown.map(|value| format!("`{value}` is not a value of the picklist {}", schema.name))
    });
    let label = if condition.negated {
        "always holds"
    } else {
        "never holds"
    };
    let fault = Diagnostic::error(Code::IMPOSSIBLE_WHEN, value.span, misfit?, label)
        .related(schema.span, "its schema");
    Some(match unknown {
        Some(unknown) if schema.kind == SalesforceType::Picklist => fault
            .help("add the value in Salesforce and pull the schema")
            .did_you_mean(
                value.span,
                unknown,
                schema.picklist_values.iter().map(String::as_str),
            ),
        _ => fault.help("compare it with a value that it can have"),
    })
}

/// Ids have 15 or 18 characters, of which the first three name the object.
fn no_id(condition: &RecordCondition, text: &str, context: &Context<'_>) -> Option<String> {
    let schema = &condition.field.schema;
    let is_id =
        matches!(text.len(), 15 | 18) && text.bytes().all(|letter| letter.is_ascii_alphanumeric());
    if !is_id {
        let names = context.record_types(schema).map(|names| {
            format!(" (record types differ in their ids from org to org; here are {names})")
        });
        return Some(format!(
            "{} holds a record's id, and this is none{}",
            schema.name,
            names.unwrap_or_default()
        ));
    }
    let prefixes = schema
        .reference_to
        .iter()
        .map(|object| Some(context.schemas.objects.get(object)?.key_prefix.as_str()));
    let prefixes: Option<Vec<&str>> = prefixes.collect();
    let known = prefixes.filter(|prefixes| !prefixes.is_empty() && !prefixes.contains(&""))?;
    (!known.iter().any(|prefix| text.starts_with(prefix))).then(|| {
        format!(
            "{} refers to {}, whose ids begin with {}",
            schema.name,
            schema.reference_to.join(" or "),
            known.join(" or ")
        )
    })
}

/// A condition that fails for every record that the mapping has written.
fn contradicted(condition: &RecordCondition, mapping: &Mapping) -> Option<Diagnostic> {
    let name = &condition.field.schema.name;
    let field = mapping
        .fields
        .iter()
        .find(|field| field.destination.schema.name == *name)?;
    let Origin::Constant(constant) = &field.origin else {
        return None;
    };
    let is_met = (constant.value == condition.value.value) != condition.negated;
    (!is_met && !field.when_creating).then(|| {
        let message =
            format!("no record that this mapping wrote meets this: it writes another {name}");
        Diagnostic::error(
            Code::IMPOSSIBLE_WHEN,
            condition.value.span,
            message,
            "never holds",
        )
        .related(constant.span, "written here")
        .help("let the condition and the constant agree")
    })
}
