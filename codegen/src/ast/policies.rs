//! The words that say which way things go and who wins.

use super::language::{
    AFTER_DELETE, CONFLICTS, DIRECTIONS, DUPLICATES, ON_LINK, ON_REWRITE, SIDES,
};
use super::reader::Reader;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Conflict, Direction, Policies};
use crate::span::Spanned;

/// `direction:` of a mapping or a field.
pub(super) fn direction(reader: &mut Reader<'_, '_>) -> Option<Spanned<Direction>> {
    let written = reader.word("direction", &DIRECTIONS)?;
    if written.value.is_none() {
        reader.sink.push(
            Diagnostic::error(
                Code::NOT_YET,
                written.span,
                "`direction: reverse` is not supported in this version",
                "not yet",
            )
            .help("write `forward` or `both`"),
        );
    }
    written
        .value
        .map(|direction| Spanned::new(direction, written.span))
}

/// `conflict:` of a mapping or a field.
pub(super) fn conflict(reader: &mut Reader<'_, '_>) -> Option<Spanned<Conflict>> {
    reader.word("conflict", &CONFLICTS)
}

/// `conflict`, `tie`, `on_link`, `on_rewrite`, `after_delete` and `duplicates` of a mapping.
pub(super) fn policies(reader: &mut Reader<'_, '_>) -> Policies {
    let mut policies = Policies::default();
    if let Some(conflict) = conflict(reader) {
        policies.conflict = conflict.value;
    }
    if let Some(tie) = reader.word("tie", &SIDES) {
        policies.tie = tie.value;
    }
    if let Some(on_link) = reader.word("on_link", &ON_LINK) {
        policies.on_link = on_link.value;
    }
    if let Some(on_rewrite) = reader.word("on_rewrite", &ON_REWRITE) {
        policies.on_rewrite = on_rewrite.value;
    }
    if let Some(after_delete) = reader.word("after_delete", &AFTER_DELETE) {
        policies.after_delete = after_delete.value;
    }
    if let Some(duplicates) = reader.word("duplicates", &DUPLICATES) {
        policies.duplicates = duplicates.value;
    }
    policies
}
