//! One entry of `fields:`.

use super::literal::literal;
use super::reader::{Reader, text};
use super::tree::one_or_more;
use super::{Field, Origin, language, made};
use crate::diagnostic::{Code, Diagnostic};
use crate::parse::{Node, Value};
use crate::span::Spanned;

/// Reads the entry; nothing when it has no origin or no destination.
pub(super) fn field(node: &Node, sink: &mut Vec<Diagnostic>) -> Option<Field> {
    let mut reader = Reader::new(node, "a field", &language::FIELD, sink)?;
    let origin = origin(&mut reader);
    let destination = reader.demand("destination");
    let convert = reader.text("convert");
    let reference = reader.text("reference");
    let values = made::values(&mut reader);
    let date_in = reader
        .take("date_in")
        .map(|entry| Spanned::new(made::zones(entry, reader.sink), entry.key.span));
    let written_last = reader
        .take("written_last")
        .and_then(|entry| made::written_last(entry, reader.sink));
    let or_first = reader.place("or_first");
    let or_first = reader.truth("or_first").then_some(or_first).flatten();
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
        values,
        date_in,
        written_last,
        or_first,
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
    let written = ["source", "value", "template", "choose", "lookup"];
    let mut written = written.into_iter().filter(|word| reader.has(word));
    let Some(first) = written.next() else {
        reader.missing("source");
        return None;
    };
    if let Some(second) = written.next() {
        let both = two_origins(reader, first, second);
        reader.sink.push(both);
        return None;
    }
    let entry = reader.take(first)?;
    match first {
        "value" => Some(Origin::Constant(literal(&entry.value, reader.sink))),
        "template" => text(&entry.value, first, reader.sink).map(Origin::Template),
        "choose" => {
            let cases = made::cases(&entry.value, reader.sink);
            Some(Origin::Choose(Spanned::new(cases, entry.key.span)))
        }
        "lookup" => made::lookup(&entry.value, reader.sink).map(Origin::Lookup),
        _ => match entry.value.value {
            Value::List(_) => {
                let paths = one_or_more(&entry.value, first, reader.sink);
                (!paths.is_empty()).then_some(Origin::FirstOf(paths))
            }
            _ => text(&entry.value, first, reader.sink).map(Origin::Source),
        },
    }
}

/// Takes what stands there twice, so that it is said once.
fn two_origins(
    reader: &mut Reader<'_, '_>,
    first: &'static str,
    second: &'static str,
) -> Diagnostic {
    reader.take(first);
    let span = reader
        .take(second)
        .map_or(reader.span, |entry| entry.key.span);
    let help = match (first, second) {
        ("source", "value") => {
            "keep `source` for a path of the payload, `value` for a constant".to_owned()
        }
        _ => "keep one of them".to_owned(),
    };
    Diagnostic::error(
        Code::WRONG_SHAPE,
        span,
        format!("a field has either `{first}` or `{second}`"),
        "it has both",
    )
    .help(help)
}
