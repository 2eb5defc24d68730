//! Names to fields.

use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::model::{DestinationField, SourceField};
use crate::schema::{SalesforceObject, SourceSchemaField, SourceType};
use crate::span::Spanned;

type Properties = [(String, SourceSchemaField)];

/// The property at a dotted path.
pub(super) fn source(
    path: &Spanned<String>,
    entity: &str,
    properties: &Properties,
    sink: &mut Vec<Diagnostic>,
) -> Option<SourceField> {
    let names: Vec<String> = path.value.split('.').map(str::to_owned).collect();
    let mut level = properties;
    let mut found: Option<&SourceSchemaField> = None;
    for (depth, name) in names.iter().enumerate() {
        let Some((_, field)) = level.iter().find(|(known, _)| known == name) else {
            sink.push(unknown_source(
                path, entity, &names, depth, level, properties,
            ));
            return None;
        };
        found = Some(field);
        level = match &field.kind {
            SourceType::Object(members) => members,
            _ => &[],
        };
    }
    Some(SourceField {
        span: path.span,
        path: names,
        schema: found?.clone(),
    })
}

fn unknown_source(
    path: &Spanned<String>,
    entity: &str,
    names: &[String],
    depth: usize,
    level: &Properties,
    all: &Properties,
) -> Diagnostic {
    let wrong = names.get(depth).map(String::as_str).unwrap_or_default();
    let before = names
        .get(..depth)
        .map(|names| names.join("."))
        .unwrap_or_default();
    let message = if depth == 0 {
        format!("{entity} has no field `{}`", path.value)
    } else if level.is_empty() {
        format!("`{before}` of {entity} has no fields inside")
    } else {
        format!("`{before}` of {entity} has no field `{wrong}`")
    };
    let diagnostic = Diagnostic::error(
        Code::UNKNOWN_SOURCE_FIELD,
        path.span,
        message,
        "no such field in the schema",
    );
    let meant = nearest(wrong, level.iter().map(|(name, _)| name.as_str())).map(|name| {
        let rest = names.get(depth + 1..).unwrap_or_default();
        let mut whole: Vec<&str> = names.iter().take(depth).map(String::as_str).collect();
        whole.push(name);
        whole.extend(rest.iter().map(String::as_str));
        whole.join(".")
    });
    // `city` where `address.city` was meant.
    let deeper = || {
        all.iter().find_map(|(outer, field)| match &field.kind {
            SourceType::Object(members) => {
                nearest(names.last()?, members.iter().map(|(name, _)| name.as_str()))
                    .map(|inner| format!("{outer}.{inner}"))
            }
            _ => None,
        })
    };
    match meant.or_else(deeper) {
        Some(name) => diagnostic
            .help(format!("did you mean `{name}`?"))
            .fix(path.span, name),
        None => {
            let known: Vec<&str> = level.iter().map(|(name, _)| name.as_str()).collect();
            if known.is_empty() {
                diagnostic.help("take away what follows the dot")
            } else {
                diagnostic.help(format!("known are {}", known.join(", ")))
            }
        }
    }
}

/// The field of an object.
pub(super) fn destination(
    name: &Spanned<String>,
    object: &SalesforceObject,
    sink: &mut Vec<Diagnostic>,
) -> Option<DestinationField> {
    if let Some(field) = object.fields.iter().find(|field| field.name == name.value) {
        return Some(DestinationField {
            span: name.span,
            schema: field.clone(),
        });
    }
    let message = format!("{} has no field `{}`", object.name, name.value);
    let diagnostic = Diagnostic::error(
        Code::UNKNOWN_DESTINATION_FIELD,
        name.span,
        message,
        "no such field in the schema",
    );
    let diagnostic = diagnostic.did_you_mean(
        name.span,
        &name.value,
        object.fields.iter().map(|field| field.name.as_str()),
    );
    let help = diagnostic.help.is_none().then(|| format!("see schemas/salesforce/{}.json for its fields; a new custom field has to be pulled first", object.name));
    sink.push(match help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    });
    None
}
