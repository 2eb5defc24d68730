//! ast -> model: every name looked up in the schemas, the other mappings and the list of conversions.
//!
//! A name that is not found is reported with the nearest one, and its field is left out. Where a mapping cannot do
//! without, the nearest name stands in, so that the rest is checked all the same.

mod example;
mod lookup;
mod mapping;

use std::collections::{BTreeMap, BTreeSet};

use crate::ast;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{MappingId, Model};
use crate::parse::{Node, parse};
use crate::schema::{self, SalesforceObject, SourceSchemaField};
use crate::source::Sources;
use crate::span::Spanned;

/// All schemas of a run.
#[derive(Debug, Default)]
pub struct Schemas {
    /// By object name.
    pub objects: BTreeMap<String, SalesforceObject>,
    /// By entity name: `identity`.
    pub entities: BTreeMap<String, Vec<(String, SourceSchemaField)>>,
    /// Envelopes by payload type: `identity_changed`.
    pub webhooks: BTreeMap<String, Node>,
    /// Files that could not be read, as `salesforce.Contact`. What builds on them is not judged.
    pub broken: BTreeSet<String>,
}

/// Reads every schema file; a broken one is reported.
pub fn schemas(sources: &Sources, sink: &mut Vec<Diagnostic>) -> Schemas {
    let mut schemas = Schemas::default();
    for (id, file) in sources.below("schemas/salesforce/") {
        let before = sink.len();
        let object = broken_as_schema(parse_schema(id, &file.text), sink)
            .and_then(|root| schema::salesforce::object(&root, sink));
        match object.filter(|_| sink.len() == before) {
            Some(object) => {
                schemas.objects.insert(object.name.clone(), object);
            }
            None => schemas.is_broken("salesforce", &file.name),
        }
    }
    for (id, file) in sources.below("schemas/ticketure/") {
        match broken_as_schema(parse_schema(id, &file.text), sink) {
            Some(root) => {
                let entity = schema::source::entity(&root);
                schemas.entities.insert(stem(&file.name), entity);
            }
            None => schemas.is_broken("ticketure", &file.name),
        }
    }
    for (id, file) in sources.below("schemas/webhooks/") {
        match broken_as_schema(parse_schema(id, &file.text), sink) {
            Some(root) => {
                schemas.webhooks.insert(stem(&file.name), root);
            }
            None => schemas.is_broken("webhooks", &file.name),
        }
    }
    schemas
}

impl Schemas {
    fn is_broken(&mut self, system: &str, file: &str) {
        self.broken.insert(format!("{system}.{}", stem(file)));
    }
}

type Parsed = (Option<Node>, Vec<Diagnostic>);

fn parse_schema(id: crate::span::FileId, text: &str) -> Parsed {
    let mut found = Vec::new();
    (parse(id, text, &mut found), found)
}

/// What is wrong with a schema file's text is said once, as a broken schema.
fn broken_as_schema((root, found): Parsed, sink: &mut Vec<Diagnostic>) -> Option<Node> {
    match found.into_iter().next() {
        None => root,
        Some(first) => {
            let message = format!("the schema cannot be read: {}", first.message);
            sink.push(
                Diagnostic::error(Code::BROKEN_SCHEMA, first.span, message, first.label)
                    .help("mend the file, or pull it again"),
            );
            None
        }
    }
}

/// `identity` of `schemas/ticketure/identity.schema.json`.
fn stem(name: &str) -> String {
    let base = name.rsplit('/').next().unwrap_or(name);
    base.trim_end_matches(".json")
        .trim_end_matches(".schema")
        .to_owned()
}

/// Resolves all mappings; what cannot be resolved is reported.
pub fn resolve(mappings: &[ast::Mapping], schemas: &Schemas, sink: &mut Vec<Diagnostic>) -> Model {
    let mut kept: Vec<&ast::Mapping> = Vec::new();
    for mapping in mappings {
        match mapping
            .name
            .as_ref()
            .and_then(|name| same_name(&kept, name))
        {
            Some(first) => sink.push(duplicate(mapping, &first)),
            None => kept.push(mapping),
        }
    }
    let names: Vec<Option<String>> = kept
        .iter()
        .map(|mapping| mapping.name.as_ref().map(|name| name.value.clone()))
        .collect();
    let resolver = mapping::Resolver {
        schemas,
        names: &names,
    };
    let resolved: Vec<Option<crate::model::Mapping>> = kept
        .iter()
        .map(|mapping| resolver.mapping(mapping, sink))
        .collect();
    with_new_ids(resolved)
}

fn same_name(kept: &[&ast::Mapping], name: &Spanned<String>) -> Option<Spanned<String>> {
    kept.iter()
        .filter_map(|mapping| mapping.name.clone())
        .find(|other| other.value == name.value)
}

fn duplicate(mapping: &ast::Mapping, first: &Spanned<String>) -> Diagnostic {
    let name = mapping.name.clone().unwrap_or_else(|| first.clone());
    Diagnostic::error(
        Code::DUPLICATE_MAPPING,
        name.span,
        format!("two mappings are called `{}`", name.value),
        "again here",
    )
    .related(first.span, "first here")
    .help("give one of them another name")
}

/// References counted the mappings as they were read; some may have been left out since.
fn with_new_ids(resolved: Vec<Option<crate::model::Mapping>>) -> Model {
    let mut next = 0;
    let new_ids: Vec<Option<MappingId>> = resolved
        .iter()
        .map(|mapping| {
            mapping.as_ref().map(|_| {
                next += 1;
                MappingId(next - 1)
            })
        })
        .collect();
    let mut mappings: Vec<_> = resolved.into_iter().flatten().collect();
    for field in mappings.iter_mut().flat_map(|mapping| &mut mapping.fields) {
        field.reference = field.reference.take().and_then(|old| {
            let new = new_ids.get(old.value.0).copied().flatten()?;
            Some(Spanned::new(new, old.span))
        });
    }
    Model { mappings }
}
