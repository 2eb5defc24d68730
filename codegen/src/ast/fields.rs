//! One entry of `fields:`.

use super::literal::literal;
use super::reader::Reader;
use super::{Field, Origin, language};
use crate::diagnostic::{Code, Diagnostic};
use crate::parse::Node;

/// Reads the entry; nothing when it has no origin or no destination.
pub(super) fn field(node: &Node, sink: &mut Vec<Diagnostic>) -> Option<Field> {
    let mut reader = Reader::new(node, "a field", &language::FIELD, sink)?;
    let origin = origin(&mut reader);
    let destination = reader.demand("destination");
    let convert = reader.text("convert");
    let reference = reader.text("reference");
    let direction = super::policies::direction(&mut reader);
    let conflict = super::policies::conflict(&mut reader);
    let monitored = reader.truth("monitored");
    let required = reader.truth("required");
    let when_creating = reader.truth("when_creating");
    let pii = reader.truth("pii");
    // A wrong word has been reported: that it is needed is not in doubt.
    let needs_npsp = reader.place("needs");
    reader.word("needs", &language::NEEDS);
    let allow = super::allow::allow(&mut reader);
    // With a key that nobody knows, or without what one says, what is missing or does not fit follows from it.
    let said = |name: &str, read: bool| read || !reader.has(name);
    let complete = said("convert", convert.is_some()) && said("reference", reference.is_some());
    if !reader.finish() || !complete {
        return None;
    }
    Some(Field {
        span: node.span,
        origin: origin?,
        destination: destination?,
        convert,
        reference,
        direction,
        conflict,
        monitored,
        required,
        when_creating,
        pii,
        needs_npsp,
        allow,
    })
}

fn origin(reader: &mut Reader<'_, '_>) -> Option<Origin> {
    match (reader.take("source"), reader.take("value")) {
        (Some(_), Some(value)) => {
            reader.sink.push(
                Diagnostic::error(
                    Code::WRONG_SHAPE,
                    value.key.span,
                    "a field has either `source` or `value`",
                    "it has both",
                )
                .help("keep `source` for a path of the payload, `value` for a constant"),
            );
            None
        }
        (Some(entry), None) => {
            super::reader::text(&entry.value, "source", reader.sink).map(Origin::Source)
        }
        (None, Some(entry)) => Some(Origin::Constant(literal(&entry.value, reader.sink))),
        (None, None) => {
            reader.missing("source");
            None
        }
    }
}
