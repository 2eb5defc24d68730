//! The words that say which way things go and who wins.

use super::language::{
    AFTER_DELETE, CONFLICTS, DIRECTIONS, DUPLICATES, ON_LINK, ON_REWRITE, SIDES,
};
use super::reader::Reader;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Conflict, Direction, Policies};
use crate::span::{Span, Spanned};

/// `direction:` of a field.
pub(super) fn direction(reader: &mut Reader<'_, '_>) -> Option<Spanned<Direction>> {
    let written = reader.word("direction", &DIRECTIONS)?;
    if written.value.is_none() {
        let message = "a field cannot be `direction: reverse`";
        reader.sink.push(
            Diagnostic::error(Code::NOT_YET, written.span, message, "not of a field")
                .help("write `forward` or `both`, or make a mapping of its own that is `reverse`"),
        );
    }
    written
        .value
        .map(|direction| Spanned::new(direction, written.span))
}

/// `direction:` of a mapping, and where it is `reverse`: a record that goes only back is read as one that goes forward.
pub(super) fn mapping_direction(
    reader: &mut Reader<'_, '_>,
) -> (Option<Spanned<Direction>>, Option<Span>) {
    let Some(written) = reader.word("direction", &DIRECTIONS) else {
        return (None, None);
    };
    let direction = written.value.unwrap_or(Direction::Forward);
    let reverse = written.value.is_none().then_some(written.span);
    (Some(Spanned::new(direction, written.span)), reverse)
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
