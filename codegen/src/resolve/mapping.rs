//! One mapping.

use std::collections::BTreeMap;

use super::{Schemas, condition, example, fit, key, lookup, made, rung, tree};
use crate::ast;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::model::{self, Conversion, DestinationField, MappingId, Origin, Payload, Rule};
use crate::schema::{SalesforceField, SalesforceObject, SourceSchemaField, envelope};
use crate::span::{Span, Spanned};

/// What names are looked up in.
pub(super) struct Resolver<'r> {
    pub(super) schemas: &'r Schemas,
    /// The mappings by name: their places among those that are kept.
    pub(super) names: &'r BTreeMap<&'r str, usize>,
    /// The mappings as they are written.
    pub(super) kept: &'r [&'r ast::Mapping],
    /// Some mapping's name could not be read.
    pub(super) some_nameless: bool,
}

/// The two schemas of one mapping.
pub(super) struct Sides<'r> {
    pub(super) entity: String,
    /// What a row has once it is reduced, and settings.
    pub(super) properties: &'r [(String, SourceSchemaField)],
    /// What a row has as it comes in.
    pub(super) raw: &'r [(String, SourceSchemaField)],
    pub(super) object: &'r SalesforceObject,
}

impl Resolver<'_> {
    /// Nothing when a schema is not there, since then nothing can be said of the rest.
    pub(super) fn mapping(
        &self,
        mapping: &ast::Mapping,
        sink: &mut Vec<Diagnostic>,
    ) -> Option<model::Mapping> {
        let entity = self.entity(mapping.source.as_ref(), sink);
        let object = self.object(mapping.destination.as_ref(), sink);
        let payload = entity
            .as_ref()
            .and_then(|entity| self.payload(mapping.on.as_ref(), entity, sink));
        let (entity, object) = (entity?, object?);
        let own = self.schemas.entities.get(&entity)?;
        let mut reduced = tree::reduced(mapping, &entity, own, object, sink);
        let properties = std::mem::take(&mut reduced.properties);
        let sides = Sides {
            properties: &properties,
            raw: own,
            entity,
            object,
        };
        let fields: Vec<model::Field> = mapping
            .fields
            .iter()
            .filter_map(|field| self.field(field, &sides, sink))
            .collect();
        let when = condition::conditions(&mapping.when, &sides, sides.raw, sink);
        let nothing = condition::words(&mapping.nothing, &sides, sink);
        let tree = self.tree(mapping, reduced, &sides, sink);
        let rows_of = tree
            .is_none()
            .then(|| self.rows_of(mapping, sink))
            .flatten();
        let when_destination = mapping
            .when_destination
            .iter()
            .filter_map(|(name, value)| record_condition(name, value, &sides, sink))
            .collect();
        let key = self
            .borrowed_key(mapping, &sides, sink)
            .or_else(|| key::key(mapping, &sides, sink));
        let lane = mapping
            .lane
            .as_ref()
            .and_then(|lane| lookup::source(lane, &sides.entity, sides.raw, sink));
        let lock = mapping
            .lock
            .as_ref()
            .and_then(|lock| lookup::destination(lock, sides.object, sink));
        let rungs = mapping
            .rungs
            .iter()
            .filter_map(|(span, paths)| rung::rung(*span, paths, &fields, mapping, &sides, sink))
            .collect();
        let ignore = ignored(mapping, &sides, sink);
        let tests = mapping
            .tests
            .iter()
            .map(|test| example::test(test, &sides, sink))
            .collect();
        let start = Span {
            file: mapping.file,
            start: 0,
            end: 0,
        };
        let named = |name: &Option<Spanned<String>>, value: &str| {
            Spanned::new(
                value.to_owned(),
                name.as_ref().map_or(start, |name| name.span),
            )
        };
        let key = key?;
        Some(model::Mapping {
            file: mapping.file,
            name: mapping.name.clone()?,
            source: named(&mapping.source, &sides.entity),
            destination: named(&mapping.destination, &sides.object.name),
            direction: mapping.direction,
            direction_span: mapping.direction_span,
            reverse: mapping.reverse,
            push_as: mapping.push_as.clone(),
            refuses_edits: mapping.refuses_edits,
            payload: payload?,
            when,
            when_destination,
            nothing,
            lane: lane.unwrap_or_else(|| key.source.clone()),
            key,
            tree,
            rows_of,
            wants_tree: mapping.tree.is_some(),
            lock,
            rungs,
            policy: mapping.policy,
            policy_span: mapping.policy_span,
            adopts_on_conflict: mapping.adopts_on_conflict,
            policies: mapping.policies,
            says_on_rewrite: mapping.says_on_rewrite,
            fields,
            ignore,
            unmapped: mapping.unmapped,
            allow: mapping.allow.clone(),
            tests,
        })
    }

    /// Nothing when the schema's own mistake was reported: a mapping is not blamed for it.
    fn readable<'n>(&self, name: &'n Spanned<String>) -> Option<&'n Spanned<String>> {
        Some(name).filter(|name| !self.schemas.broken.contains(&name.value))
    }

    /// `identity` of `ticketure.identity`, or the nearest that there is.
    fn entity(
        &self,
        source: Option<&Spanned<String>>,
        sink: &mut Vec<Diagnostic>,
    ) -> Option<String> {
        let written = self.readable(source?)?;
        let known = &self.schemas.entities;
        schema_name("source", "ticketure", written, known, sink)
    }

    fn object(
        &self,
        destination: Option<&Spanned<String>>,
        sink: &mut Vec<Diagnostic>,
    ) -> Option<&SalesforceObject> {
        let written = self.readable(destination?)?;
        let known = &self.schemas.objects;
        let name = schema_name("destination", "salesforce", written, known, sink)?;
        self.schemas.objects.get(&name)
    }

    fn payload(
        &self,
        on: Option<&Spanned<String>>,
        entity: &str,
        sink: &mut Vec<Diagnostic>,
    ) -> Option<Payload> {
        let on = on?;
        if self
            .schemas
            .broken
            .contains(&format!("webhooks.{}", on.value))
        {
            return None;
        }
        let mut name = on.value.as_str();
        if !self.schemas.webhooks.contains_key(name) {
            let known: Vec<&str> = self.schemas.webhooks.keys().map(String::as_str).collect();
            let message = format!("there is no webhook `{name}`");
            sink.push(
                Diagnostic::error(
                    Code::UNKNOWN_SCHEMA,
                    on.span,
                    message,
                    "no schema of this name in schemas/webhooks",
                )
                .did_you_mean(on.span, name, known.iter().copied()),
            );
            name = nearest(name, known.iter().copied()).or(known.first().copied())?;
        }
        let schema = self.schemas.webhooks.get(name)?;
        if let Some(said) = envelope::payload_type(schema, name).filter(|said| said.value != name) {
            let message = format!(
                "the webhook `{name}` carries payloads of the type `{}`",
                said.value
            );
            sink.push(
                Diagnostic::error(
                    Code::UNKNOWN_SCHEMA,
                    on.span,
                    message,
                    "its rows would never arrive",
                )
                .related(said.span, "its schema says so")
                .help("name the schema's file after the type, or correct the schema"),
            );
        }
        let rows = envelope::rows(schema, entity);
        if rows.is_none() {
            let message = format!("the webhook `{name}` does not carry {entity}");
            sink.push(Diagnostic::error(Code::UNKNOWN_SCHEMA, on.span, message, "its schema refers to no list of them").help("name the webhook that carries the source, or correct its schema in schemas/webhooks"));
        }
        Some(Payload {
            payload_type: Spanned::new(name.to_owned(), on.span),
            rows: rows?,
            names: envelope::names(schema, name),
        })
    }

    fn field(
        &self,
        field: &ast::Field,
        sides: &Sides<'_>,
        sink: &mut Vec<Diagnostic>,
    ) -> Option<model::Field> {
        let origin = match &field.origin {
            ast::Origin::Source(path) => {
                let fits = |from: &SourceSchemaField| fit::source(field, sides, from);
                lookup::fitting_source(path, &sides.entity, sides.properties, &fits, sink)
                    .map(Origin::Source)
            }
            ast::Origin::Constant(literal) => Some(Origin::Constant(literal.clone())),
            ast::Origin::FirstOf(paths) => made::sources(paths, sides, sink)
                .map(|sources| Origin::Computed(Rule::FirstOf(sources))),
            ast::Origin::Template(text) => made::template(text, sides, sink)
                .map(|pieces| Origin::Computed(Rule::Template(pieces))),
            ast::Origin::Choose(cases) => {
                Some(Origin::Computed(self.cases(&cases.value, sides, sink)))
            }
            ast::Origin::Lookup(written) => {
                self.look_up(written, sides, sink).map(Origin::Computed)
            }
        };
        let fits = |to: &SalesforceField| fit::destination(field, sides, to);
        let destination =
            lookup::fitting_destination(&field.destination, sides.object, &fits, sink);
        let convert = field.convert.as_ref().map(|name| conversion(name, sink));
        let reference = field
            .reference
            .as_ref()
            .map(|name| self.reference(name, sink));
        // An unknown word was reported: the field is left out, or its types would be reported as well.
        let convert = convert.map_or(Some(None), |found| found.map(Some))?;
        let conversion = convert.as_ref().map(|convert| convert.value);
        let origin = self.made_origin(field, conversion, origin?, sides, sink)?;
        let written_last = match &field.written_last {
            Some(written) => Some(model::WrittenLast {
                span: written.span,
                until_then: made::made(&written.until_then, sides, sink)?,
            }),
            None => None,
        };
        Some(model::Field {
            span: field.span,
            origin,
            destination: destination?,
            convert,
            written_last,
            or_first: field.or_first,
            reference: reference.map_or(Some(None), |found| found.map(Some))?,
            direction: field.direction.clone(),
            conflict: field.conflict.clone(),
            monitored: field.monitored,
            required: field.required,
            when_creating: field.when_creating,
            pii: field.pii,
            needs_npsp: field.needs_npsp,
            allow: field.allow.clone(),
        })
    }

    pub(super) fn reference(
        &self,
        name: &Spanned<String>,
        sink: &mut Vec<Diagnostic>,
    ) -> Option<Spanned<MappingId>> {
        let place = self.names.get(name.value.as_str()).copied();
        // A mapping whose name could not be read may be the one.
        if place.is_none() && !self.some_nameless {
            let message = format!("there is no mapping `{}`", name.value);
            sink.push(
                Diagnostic::error(
                    Code::UNKNOWN_REFERENCE,
                    name.span,
                    message,
                    "no mapping of this name",
                )
                .did_you_mean(name.span, &name.value, self.names.keys().copied()),
            );
        }
        place.map(|place| Spanned::new(MappingId(place), name.span))
    }
}

/// The name behind `system.`, or the nearest that there is.
fn schema_name<T>(
    key: &str,
    system: &str,
    written: &Spanned<String>,
    known: &BTreeMap<String, T>,
    sink: &mut Vec<Diagnostic>,
) -> Option<String> {
    let name = written
        .value
        .strip_prefix(&format!("{system}."))
        .unwrap_or_default();
    if known.contains_key(name) {
        return Some(name.to_owned());
    }
    let whole: Vec<String> = known
        .keys()
        .map(|name| format!("{system}.{name}"))
        .collect();
    let message = format!("there is no {key} `{}`", written.value);
    sink.push(
        Diagnostic::error(
            Code::UNKNOWN_SCHEMA,
            written.span,
            message,
            format!("no such schema in schemas/{system}"),
        )
        .did_you_mean(
            written.span,
            &written.value,
            whole.iter().map(String::as_str),
        ),
    );
    let meant = nearest(&written.value, whole.iter().map(String::as_str))?;
    meant.strip_prefix(&format!("{system}.")).map(str::to_owned)
}

/// `Field: value`, or `Field: {not: value}`.
fn record_condition(
    name: &Spanned<String>,
    value: &Spanned<model::Literal>,
    sides: &Sides<'_>,
    sink: &mut Vec<Diagnostic>,
) -> Option<model::RecordCondition> {
    let field = lookup::destination(name, sides.object, sink)?;
    let Some((negated, value)) = negatable(value) else {
        sink.push(
            Diagnostic::error(
                Code::WRONG_SHAPE,
                value.span,
                "a condition is a value, or `{ not: value }`",
                "neither",
            )
            .help("write `Field: value` or `Field: { not: value }`"),
        );
        return None;
    };
    Some(model::RecordCondition {
        field,
        negated,
        value,
    })
}

/// A single value, and whether `not` stands before it.
fn negatable(value: &Spanned<model::Literal>) -> Option<(bool, Spanned<model::Literal>)> {
    let (negated, inner) = match &value.value {
        model::Literal::Object(members) => match members.as_slice() {
            [(word, inner)] if word.value == "not" => (true, inner),
            _ => return None,
        },
        _ => (false, value),
    };
    let single = !matches!(
        inner.value,
        model::Literal::List(_) | model::Literal::Object(_)
    );
    single.then(|| (negated, inner.clone()))
}

fn conversion(name: &Spanned<String>, sink: &mut Vec<Diagnostic>) -> Option<Spanned<Conversion>> {
    let found = Conversion::ALL
        .iter()
        .find(|(known, _)| *known == name.value);
    if found.is_none() {
        let message = format!("there is no conversion `{}`", name.value);
        sink.push(
            Diagnostic::error(Code::UNKNOWN_CONVERSION, name.span, message, "unknown")
                .did_you_mean(
                    name.span,
                    &name.value,
                    Conversion::ALL.iter().map(|(known, _)| *known),
                ),
        );
    }
    found.map(|(_, conversion)| Spanned::new(*conversion, name.span))
}

/// Fields that do not exist are stale, which its own rule says.
fn ignored(
    mapping: &ast::Mapping,
    sides: &Sides<'_>,
    sink: &mut Vec<Diagnostic>,
) -> Vec<DestinationField> {
    let mut ignored = Vec::new();
    for name in &mapping.ignore {
        match sides
            .object
            .fields
            .iter()
            .find(|field| field.name == name.value)
        {
            Some(schema) => ignored.push(DestinationField {
                span: name.span,
                schema: schema.clone(),
            }),
            None => sink.push(
                Diagnostic::error(
                    Code::STALE_IGNORE,
                    name.span,
                    format!(
                        "`{}` is ignored, but {} has no such field",
                        name.value, sides.object.name
                    ),
                    "no such field in the schema",
                )
                .did_you_mean(
                    name.span,
                    &name.value,
                    sides.object.fields.iter().map(|field| field.name.as_str()),
                ),
            ),
        }
    }
    ignored
}
