//! ast -> model: every name looked up in the schemas, the other mappings and the list of conversions.
//!
//! A name that is not found is reported with the nearest one, and its field is left out. Where a mapping cannot do
//! without, the nearest name stands in, so that the rest is checked all the same.

mod condition;
mod example;
mod fit;
mod key;
mod lookup;
mod made;
mod mapping;
mod rung;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use crate::ast;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{MappingId, Model};
use crate::parse::{Node, Value};
use crate::schema::org::Org;
use crate::schema::{self, SalesforceObject, SourceSchemaField};
use crate::source::{SourceFile, Sources};
use crate::span::{FileId, Span, Spanned};

/// All schemas of a run.
#[derive(Debug, Default)]
pub struct Schemas {
    /// By object name.
    pub objects: BTreeMap<String, SalesforceObject>,
    /// By entity name: `identity`.
    pub entities: BTreeMap<String, Vec<(String, SourceSchemaField)>>,
    /// Envelopes by payload type: `identity_changed`.
    pub webhooks: BTreeMap<String, Node>,
    /// What no describe tells.
    pub org: Org,
    /// Files that could not be read, as `salesforce.Contact`. What builds on them is not judged.
    pub broken: BTreeSet<String>,
}

/// Reads every schema file; a broken one is reported.
pub fn schemas(sources: &Sources, sink: &mut Vec<Diagnostic>) -> Schemas {
    let mut schemas = Schemas::default();
    for (id, file) in sources.below("schemas/salesforce/") {
        let before = sink.len();
        let root = read(id, file, sink);
        if file.name.ends_with("/_org.json") {
            schemas.org = root.map_or_else(Org::default, |root| schema::org::org(&root, sink));
            continue;
        }
        let object = root.and_then(|root| schema::salesforce::object(&root, sink));
        match object.filter(|_| sink.len() == before) {
            Some(object) if object.fields.is_empty() => {
                sink.push(object_without_fields(id, &object.name));
                schemas.is_broken("salesforce", &file.name);
            }
            Some(object) if schemas.objects.contains_key(&object.name) => {
                sink.push(described_twice(id, &object.name));
            }
            Some(object) => {
                schemas.objects.insert(object.name.clone(), object);
            }
            None => schemas.is_broken("salesforce", &file.name),
        }
    }
    schemas.org.stale(&schemas.objects, sink);
    for object in schemas.objects.values_mut() {
        schemas.org.complete(object);
    }
    for (id, file) in sources.below("schemas/ticketure/") {
        match read(id, file, sink) {
            Some(root) => {
                let entity = schema::source::entity(&root);
                if entity.is_empty() {
                    sink.push(empty(&root));
                    schemas.is_broken("ticketure", &file.name);
                } else {
                    schemas.entities.insert(stem(&file.name), entity);
                }
            }
            None => schemas.is_broken("ticketure", &file.name),
        }
    }
    for (id, file) in sources.below("schemas/webhooks/") {
        match read(id, file, sink) {
            Some(root) if schema::envelope::is_empty(&root) => {
                sink.push(empty(&root));
                schemas.is_broken("webhooks", &file.name);
            }
            Some(root) => {
                let before = sink.len();
                sink.extend(schema::envelope::mistakes(&root));
                match sink.len() == before {
                    true => drop(schemas.webhooks.insert(stem(&file.name), root)),
                    false => schemas.is_broken("webhooks", &file.name),
                }
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

fn described_twice(file: FileId, object: &str) -> Diagnostic {
    let start = Span {
        file,
        start: 0,
        end: 0,
    };
    let message = format!("two files describe {object}");
    Diagnostic::error(Code::BROKEN_SCHEMA, start, message, "this one is not read")
        .help("keep the file that was pulled last")
}

/// Nothing can be mapped from or to it.
fn empty(root: &Node) -> Diagnostic {
    let span = Span {
        end: root.span.start,
        ..root.span
    };
    let message = "the schema has no `properties`, or they are no object";
    Diagnostic::error(Code::BROKEN_SCHEMA, span, message, "nothing is described")
        .help("mend the file, or pull it again")
}

fn object_without_fields(file: FileId, object: &str) -> Diagnostic {
    let start = Span {
        file,
        start: 0,
        end: 0,
    };
    let message = format!("the snapshot of {object} has no `fields`, or they are no list");
    Diagnostic::error(Code::BROKEN_SCHEMA, start, message, "nothing is described")
        .help("pull the object's schema again")
}

/// The tree of a schema file; what is wrong with its text is said once.
fn read(id: FileId, file: &SourceFile, sink: &mut Vec<Diagnostic>) -> Option<Node> {
    match schema::json::parse(id, &file.text) {
        Ok(root) if !matches!(root.value, Value::Map(_)) => {
            let span = Span {
                end: root.span.start,
                ..root.span
            };
            let message = format!("the schema is {}, not an object", root.kind());
            let broken = Diagnostic::error(Code::BROKEN_SCHEMA, span, message, "no object");
            sink.push(broken.help("mend the file, or pull it again"));
            None
        }
        Ok(root) => Some(root),
        Err(broken) => {
            sink.push(*broken);
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
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for mapping in mappings {
        if let Some(name) = &mapping.name {
            let first = *names.entry(name.value.as_str()).or_insert(kept.len());
            if let Some(first) = kept.get(first).and_then(|first| first.name.as_ref()) {
                sink.push(duplicate(name, first));
                continue;
            }
        }
        kept.push(mapping);
    }
    let resolver = mapping::Resolver {
        schemas,
        names: &names,
        kept: &kept,
        some_nameless: names.len() < kept.len(),
    };
    let resolved: Vec<Option<crate::model::Mapping>> = kept
        .iter()
        .map(|mapping| resolver.mapping(mapping, sink))
        .collect();
    with_new_ids(resolved)
}

fn duplicate(name: &Spanned<String>, first: &Spanned<String>) -> Diagnostic {
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
    for mapping in &mut mappings {
        // What refers to a mapping that was left out is left out as well: without it the types would not fit.
        mapping
            .fields
            .retain_mut(|field| match &mut field.reference {
                None => true,
                Some(reference) => match new_ids.get(reference.value.0).copied().flatten() {
                    Some(new) => {
                        reference.value = new;
                        true
                    }
                    None => false,
                },
            });
    }
    Model { mappings }
}
