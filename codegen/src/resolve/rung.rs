//! One rung of a mapping's `match:`.

use super::lookup;
use super::mapping::Sides;
use crate::ast;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{self, Origin, Rung};
use crate::span::{Span, Spanned};

/// Each path has to be mapped: what it is compared with is the field that it becomes.
pub(super) fn rung(
    span: Span,
    paths: &[Spanned<String>],
    fields: &[model::Field],
    mapping: &ast::Mapping,
    sides: &Sides<'_>,
    sink: &mut Vec<Diagnostic>,
) -> Option<Rung> {
    if paths.is_empty() {
        let empty = Diagnostic::error(
            Code::UNFIT_PATH,
            span,
            "a rung of `match` compares nothing",
            "empty",
        );
        sink.push(empty.help("name the fields to compare, or take the rung out"));
    }
    let mut pairs = Vec::new();
    // A field that could not be read or resolved may be the one.
    let complete = !mapping.fields_broken && fields.len() == mapping.fields.len();
    for path in paths {
        let Some(source) = lookup::source(path, &sides.entity, sides.properties, sink) else {
            continue;
        };
        let mapped = fields.iter().find(
            |field| matches!(&field.origin, Origin::Source(mapped) if mapped.path == source.path),
        );
        match mapped {
            Some(field) => pairs.push((source, field.destination.clone())),
            None if !complete || is_named_before(path, mapping) => {}
            None => sink.push(
                Diagnostic::error(
                    Code::UNFIT_PATH,
                    path.span,
                    format!(
                        "`{}` is not mapped, so records cannot be matched by it",
                        path.value
                    ),
                    "not among `fields`",
                )
                .help(format!(
                    "map `{}` to a field, or take it out of `match`",
                    path.value
                )),
            ),
        }
    }
    // What the rung would compare is not known.
    (pairs.len() == paths.len()).then_some(Rung { span, pairs })
}

/// An earlier rung has the same path, where it was reported.
fn is_named_before(path: &Spanned<String>, mapping: &ast::Mapping) -> bool {
    let mut named = mapping.rungs.iter().flat_map(|(_, paths)| paths);
    named.any(|other| other.value == path.value && other.span < path.span)
}
