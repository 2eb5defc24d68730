//! The key of a mapping.

use super::mapping::Sides;
use super::{lookup, made, tree};
use crate::ast;
use crate::diagnostic::Diagnostic;
use crate::model::{DestinationField, Key, SourceField};
use crate::schema::{SourceSchemaField, SourceType};
use crate::span::Span;

/// The key as written; where a side is not found, one that would do, so that the rest is checked.
pub(super) fn key(
    mapping: &ast::Mapping,
    sides: &Sides<'_>,
    sink: &mut Vec<Diagnostic>,
) -> Option<Key> {
    let written = mapping.key.as_ref();
    let source = written
        .and_then(|key| Some((key.source.as_ref()?, key.span)))
        .and_then(|(source, span)| tree::key_source(made::made(source, sides, sink)?, span));
    let mut destinations: Vec<DestinationField> = written
        .iter()
        .flat_map(|key| &key.destination)
        .filter_map(|name| lookup::destination(name, sides.object, sink))
        .collect();
    let is_natural = written.is_some_and(|key| key.is_natural);
    let span = Span {
        file: mapping.file,
        start: 0,
        end: 0,
    };
    // Nothing is said of what stands in: the mistake has been told.
    let some_source = || SourceField {
        span,
        path: vec!["id".to_owned()],
        schema: SourceSchemaField {
            span,
            kind: SourceType::Text {
                max_length: None,
                min_length: None,
                pattern: None,
                format: None,
                values: Vec::new(),
            },
            nullable: false,
            required: true,
            read_only: true,
        },
    };
    let some_destination = || {
        let schema = sides
            .object
            .fields
            .iter()
            .find(|field| field.external_id && field.unique)?;
        Some(DestinationField {
            span,
            schema: schema.clone(),
        })
    };
    let (source, made) = source.unwrap_or_else(|| (some_source(), None));
    if is_natural {
        return Some(Key {
            source,
            made,
            destination: None,
            natural: destinations,
        });
    }
    let destination = match destinations.is_empty() {
        true => some_destination()?,
        false => destinations.remove(0),
    };
    Some(Key {
        source,
        made,
        destination: Some(destination),
        natural: Vec::new(),
    })
}
