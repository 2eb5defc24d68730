//! An opt-in that would arrive as an opt-out.

use super::{Context, fit};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Conversion, Mapping};
use crate::schema::SalesforceType;

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for field in &mapping.fields {
        let schema = &field.destination.schema;
        let Some(source) = fit::sound(field) else {
            continue;
        };
        if schema.kind != SalesforceType::Boolean || !field.turns_consent_round() {
            continue;
        }
        let negated = field
            .convert
            .as_ref()
            .filter(|convert| convert.value == Conversion::Not);
        let span = negated.map_or(field.destination.span, |convert| convert.span);
        let message = format!(
            "{} would say the opposite of `{}`",
            schema.name,
            source.dotted()
        );
        let fault = Diagnostic::error(
            Code::OPPOSITE_CONSENT,
            span,
            message,
            "who opted in would have opted out",
        )
        .related(schema.span, "its schema");
        sink.push(match negated {
            Some(_) => fault.help("take `convert: not` out"),
            None => fault.help("add `convert: not`"),
        });
    }
}
