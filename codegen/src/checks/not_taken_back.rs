//! Values that Salesforce may hold and that the source's schema refuses.

use super::{Context, fit, text_too_long, too_long_back, wrong_format};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Conversion, Field, Mapping, SourceField};
use crate::schema::{SalesforceType, SourceType};

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for (field, source) in fit::two_way(mapping) {
        let Some(why) = refused(field, source) else {
            continue;
        };
        let name = &field.destination.schema.name;
        let message = format!(
            "`{}` does not take every value of {name}: {why}",
            source.dotted()
        );
        sink.push(
            Diagnostic::error(
                Code::NOT_TAKEN_BACK,
                field.destination.span,
                message,
                "may hold others",
            )
            .related(source.schema.span, "its schema")
            .related(field.destination.schema.span, "its schema")
            .help(
                "add `direction: forward`, or `allow: { M0216: why }` where such a value may fail",
            ),
        );
    }
}

fn refused(field: &Field, source: &SourceField) -> Option<String> {
    let is_told = wrong_format::wrong(field, source).is_some()
        || text_too_long::too_long(field).is_some()
        || too_long_back::lengths(field, source).is_some();
    if is_told {
        return None;
    }
    let SourceType::Text {
        values,
        min_length,
        pattern,
        format,
        ..
    } = &source.schema.kind
    else {
        return None;
    };
    let schema = &field.destination.schema;
    let is_closed = schema.restricted_picklist && !schema.picklist_values.is_empty();
    if !values.is_empty() {
        let other = schema
            .picklist_values
            .iter()
            .find(|value| !values.contains(value));
        return match other {
            Some(other) => Some(format!("it lacks `{other}`")),
            None if is_closed => None,
            None => Some(format!("it takes only {}", values.join(", "))),
        };
    }
    if let Some(pattern) = pattern
        .as_ref()
        .filter(|_| schema.kind != SalesforceType::Date)
    {
        return Some(format!("it wants the pattern {pattern}"));
    }
    if let Some(least) =
        min_length.filter(|least| *least > 1 && schema.kind != SalesforceType::Date)
    {
        return Some(format!("it wants {least} characters or more"));
    }
    let converts = field.convert.as_ref().map(|convert| convert.value);
    match format.as_deref()? {
        "email" | "idn-email"
            if schema.kind != SalesforceType::Email && converts != Some(Conversion::Email) =>
        {
            Some("it wants an e-mail address".to_owned())
        }
        "uri" | "url" | "iri" if schema.kind != SalesforceType::Url => {
            Some("it wants a web address".to_owned())
        }
        "date" | "date-time" if schema.kind != SalesforceType::Date => {
            Some("it wants a date".to_owned())
        }
        "time" | "uuid" => Some("it wants its own format".to_owned()),
        _ => None,
    }
}
