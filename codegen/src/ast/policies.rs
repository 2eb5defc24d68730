//! The words that say which way things go and who wins.

use super::reader::Reader;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{AfterDelete, Conflict, Direction, OnLink, OnRewrite, Policies, Side};
use crate::span::Spanned;

/// `direction:` of a mapping or a field.
pub(super) fn direction(reader: &mut Reader<'_, '_>) -> Option<Spanned<Direction>> {
    let known = [
        ("forward", Some(Direction::Forward)),
        ("both", Some(Direction::Both)),
        ("reverse", None),
    ];
    let written = reader.word("direction", &known)?;
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
    let known = [
        ("source", Conflict::Source),
        ("destination", Conflict::Destination),
        ("newest", Conflict::Newest),
        ("restrictive", Conflict::Restrictive),
        ("review", Conflict::Review),
    ];
    reader.word("conflict", &known)
}

/// `conflict`, `tie`, `on_link`, `on_rewrite` and `after_delete` of a mapping.
pub(super) fn policies(reader: &mut Reader<'_, '_>) -> Policies {
    let mut policies = Policies::default();
    if let Some(conflict) = conflict(reader) {
        policies.conflict = conflict.value;
    }
    let sides = [("source", Side::Source), ("destination", Side::Destination)];
    if let Some(tie) = reader.word("tie", &sides) {
        policies.tie = tie.value;
    }
    let on_link = [
        ("fill_blanks", OnLink::FillBlanks),
        ("source", OnLink::Source),
        ("destination", OnLink::Destination),
        ("newest", OnLink::Newest),
        ("review", OnLink::Review),
    ];
    if let Some(on_link) = reader.word("on_link", &on_link) {
        policies.on_link = on_link.value;
    }
    let on_rewrite = [("accept", OnRewrite::Accept), ("keep", OnRewrite::Keep)];
    if let Some(on_rewrite) = reader.word("on_rewrite", &on_rewrite) {
        policies.on_rewrite = on_rewrite.value;
    }
    let after_delete = [
        ("recreate", AfterDelete::Recreate),
        ("detach", AfterDelete::Detach),
        ("review", AfterDelete::Review),
    ];
    if let Some(after_delete) = reader.word("after_delete", &after_delete) {
        policies.after_delete = after_delete.value;
    }
    policies
}
