//! Names to fields.

use crate::diagnostic::{Code, Diagnostic, nearest_fitting};
use crate::model::{DestinationField, SourceField};
use crate::schema::{SalesforceField, SalesforceObject, SourceSchemaField, SourceType};
use crate::settings;
use crate::span::Spanned;

type Properties = [(String, SourceSchemaField)];

/// The property at a dotted path.
pub(super) fn source(
    path: &Spanned<String>,
    entity: &str,
    properties: &Properties,
    sink: &mut Vec<Diagnostic>,
) -> Option<SourceField> {
    fitting_source(path, entity, properties, &|_| true, sink)
}

/// The same; where there is none of this name, one that fits is what was meant.
pub(super) fn fitting_source(
    path: &Spanned<String>,
    entity: &str,
    properties: &Properties,
    fits: &dyn Fn(&SourceSchemaField) -> bool,
    sink: &mut Vec<Diagnostic>,
) -> Option<SourceField> {
    let names: Vec<String> = path.value.split('.').map(str::to_owned).collect();
    let mut level = properties;
    let mut found: Option<SourceSchemaField> = None;
    if let Some(name) = names.first().and_then(|name| name.strip_prefix('$'))
        && !properties
            .iter()
            .any(|(known, _)| known.get(1..) == Some(name))
    {
        sink.push(unknown_setting(path, name));
        return None;
    }
    for (depth, name) in names.iter().enumerate() {
        let Some((_, field)) = level.iter().find(|(known, _)| known == name) else {
            sink.push(unknown_source(
                path,
                entity,
                &names,
                depth,
                found.as_ref(),
                level,
                &meant(&names, depth, level, properties, fits),
            ));
            return None;
        };
        // A row without the outer object has none of its fields; what Ticketure keeps, it keeps whole.
        let outer = found.take();
        let outer = outer.as_ref();
        found = Some(SourceSchemaField {
            nullable: field.nullable || outer.is_some_and(|outer| outer.nullable),
            required: field.required && outer.is_none_or(|outer| outer.required),
            read_only: field.read_only || outer.is_some_and(|outer| outer.read_only),
            ..field.clone()
        });
        level = match &field.kind {
            SourceType::Object(members) => members,
            _ => &[],
        };
    }
    Some(SourceField {
        span: path.span,
        path: names,
        schema: found?,
    })
}

/// A setting that there is not, or none that can be read there.
pub(super) fn unknown_setting(path: &Spanned<String>, name: &str) -> Diagnostic {
    let names = || settings::SETTINGS.iter().map(|setting| setting.name);
    if names().any(|known| known == name) {
        let message = format!("the setting `{name}` cannot be read here");
        return Diagnostic::error(Code::UNKNOWN_SETTING, path.span, message, "a setting").help(
            "rows are told apart by what is in them; `exists_when` and `choose` read settings",
        );
    }
    let message = format!("there is no setting `{name}`");
    let fault = Diagnostic::error(Code::UNKNOWN_SETTING, path.span, message, "no such setting");
    let sign = path.value.strip_prefix('$').map_or("", |_| "$");
    let known: Vec<String> = names().map(|name| format!("{sign}{name}")).collect();
    fault.did_you_mean(path.span, &path.value, known.iter().map(String::as_str))
}

fn unknown_source(
    path: &Spanned<String>,
    entity: &str,
    names: &[String],
    depth: usize,
    outer: Option<&SourceSchemaField>,
    level: &Properties,
    meant: &[String],
) -> Diagnostic {
    let wrong = names.get(depth).map(String::as_str).unwrap_or_default();
    let before = names
        .get(..depth)
        .map(|names| names.join("."))
        .unwrap_or_default();
    let message = if depth == 0 {
        format!("{entity} has no field `{}`", path.value)
    } else if level.is_empty() {
        let what = outer.map_or("", |outer| outer.kind.describe());
        format!("`{before}` of {entity} is {what}, and has no fields inside")
    } else {
        format!("`{before}` of {entity} has no field `{wrong}`")
    };
    let diagnostic = Diagnostic::error(
        Code::UNKNOWN_SOURCE_FIELD,
        path.span,
        message,
        "no such field in the schema",
    );
    if wrong == "each" && depth == 0 {
        return diagnostic.help("`each` is an entry of a list: say which with `for_each:`");
    }
    match meant {
        [_, ..] => diagnostic.one_of(path.span, meant.iter().map(String::as_str)),
        [] => {
            let known: Vec<&str> = named(level).map(|(name, _)| name.as_str()).collect();
            if known.is_empty() {
                diagnostic.help("take away what follows the dot")
            } else {
                diagnostic.help(format!("known are {}", known.join(", ")))
            }
        }
    }
}

/// All but settings, which have names of their own kind.
fn named(level: &Properties) -> impl Iterator<Item = &(String, SourceSchemaField)> {
    level.iter().filter(|(name, _)| !name.starts_with('$'))
}

/// The paths that were probably meant: another name at that place, or the last name inside an object.
fn meant(
    names: &[String],
    depth: usize,
    level: &Properties,
    all: &Properties,
    fits: &dyn Fn(&SourceSchemaField) -> bool,
) -> Vec<String> {
    let wrong = names.get(depth).map(String::as_str).unwrap_or_default();
    let (before, rest) = (
        names.get(..depth).unwrap_or_default(),
        names.get(depth + 1..).unwrap_or_default(),
    );
    let fits = |field: &SourceSchemaField| match &field.kind {
        SourceType::Object(_) => !rest.is_empty(),
        _ => rest.is_empty() && fits(field),
    };
    let here = nearest_fitting(
        wrong,
        named(level).map(|(name, field)| (name.as_str(), fits(field))),
    );
    if !here.is_empty() {
        let whole = |name: &&str| [before, &[(*name).to_owned()], rest].concat().join(".");
        return here.iter().map(whole).collect();
    }
    // `city` where `address.city` was meant.
    let last = names.last().map(String::as_str).unwrap_or_default();
    let inside = all.iter().flat_map(|(outer, field)| match &field.kind {
        SourceType::Object(members) => {
            let members = members
                .iter()
                .map(|(name, field)| (name.as_str(), fits(field)));
            nearest_fitting(last, members)
                .into_iter()
                .map(|inner| format!("{outer}.{inner}"))
                .collect()
        }
        _ => Vec::new(),
    });
    inside.take(3).collect()
}

/// The property at a dotted path, if there is one.
pub(super) fn property<'p>(
    path: &str,
    properties: &'p Properties,
) -> Option<&'p SourceSchemaField> {
    let mut level = properties;
    let mut found = None;
    for name in path.split('.') {
        let (_, field) = level.iter().find(|(known, _)| known == name)?;
        found = Some(field);
        level = match &field.kind {
            SourceType::Object(members) => members,
            _ => &[],
        };
    }
    found
}

/// The field of an object.
pub(super) fn destination(
    name: &Spanned<String>,
    object: &SalesforceObject,
    sink: &mut Vec<Diagnostic>,
) -> Option<DestinationField> {
    fitting_destination(name, object, &|_| true, sink)
}

/// The same; where there is none of this name, one that fits is what was meant.
pub(super) fn fitting_destination(
    name: &Spanned<String>,
    object: &SalesforceObject,
    fits: &dyn Fn(&SalesforceField) -> bool,
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
    let names = object.fields.iter();
    let names = names.map(|field| (field.name.as_str(), fits(field)));
    let diagnostic = diagnostic.did_you_mean_fitting(name.span, &name.value, names);
    // A relationship's name: `Account.Name`, or `npsp__Primary_Affiliation__r`.
    let relationship = name.value.split('.').next();
    let reference = object
        .fields
        .iter()
        .find(|field| field.relationship_name.as_deref() == relationship);
    let diagnostic = match reference {
        Some(field) => diagnostic
            .help(format!(
                "fields of other objects are not mapped from here; the reference itself is `{}`",
                field.name
            ))
            .without_fixes(),
        None => diagnostic,
    };
    let help = diagnostic.help.is_none().then(|| format!("see schemas/salesforce/{}.json for its fields; a new custom field has to be pulled first", object.name));
    sink.push(match help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    });
    None
}
