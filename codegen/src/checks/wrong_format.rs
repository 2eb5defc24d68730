//! Text of one kind into a field for another: an address into a telephone number.

use super::{Context, fit};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Conversion, Field, Literal, Mapping, Origin, SourceField};
use crate::schema::{SalesforceType, SourceType};

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for field in &mapping.fields {
        let schema = &field.destination.schema;
        let found = match &field.origin {
            Origin::Constant(literal) => no_address(field, &literal.value).map(|fault| {
                Diagnostic::error(Code::WRONG_FORMAT, literal.span, fault, "no address")
            }),
            Origin::Source(source) if field.reference.is_some() => {
                other_key(field, source, context)
            }
            Origin::Source(source) => wrong(field, source),
            Origin::Computed(_) => None,
        };
        sink.extend(found.map(|fault| fault.related(schema.span, "its schema")));
    }
}

/// What the schema says of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Email,
    Uri,
    Date,
    Time,
    Id,
    /// A format that is not among those we know.
    Other,
}

fn kind(source: &SourceField) -> Kind {
    let SourceType::Text { format, .. } = &source.schema.kind else {
        return Kind::Other;
    };
    match format.as_deref() {
        None => Kind::Plain,
        Some("email" | "idn-email") => Kind::Email,
        Some("uri" | "url" | "iri" | "uri-reference") => Kind::Uri,
        Some("date" | "date-time") => Kind::Date,
        Some("time") => Kind::Time,
        Some("uuid") => Kind::Id,
        Some(_) => Kind::Other,
    }
}

/// Of what is wrong in its kind, lengths and values say nothing.
pub fn wrong(field: &Field, source: &SourceField) -> Option<Diagnostic> {
    fit::sound(field)?;
    if let Some(convert) = &field.convert {
        return conversion(source, convert.value, field)
            .map(|message| {
                Diagnostic::error(Code::WRONG_FORMAT, convert.span, message, "does not fit")
            })
            .map(|fault| fault.help("use another conversion, or none"));
    }
    use SalesforceType as T;
    let to = field.destination.schema.kind;
    let plain_text = matches!(
        to,
        T::String | T::Textarea | T::Combobox | T::EncryptedString
    );
    let fits = match kind(source) {
        Kind::Plain => to != T::Email,
        _ if !to.is_text() => true,
        Kind::Email => plain_text || to == T::Email,
        Kind::Uri => plain_text || to == T::Url,
        Kind::Date | Kind::Time | Kind::Id => plain_text,
        Kind::Other => true,
    };
    if fits {
        return None;
    }
    let help = match (kind(source), to) {
        (Kind::Plain, _) => "add `convert: email`, which refuses what is none",
        _ => "map it to a field of its own kind",
    };
    let message = format!(
        "`{}` is {}, and {} is {}",
        source.dotted(),
        named(source),
        field.destination.schema.name,
        to.describe()
    );
    Some(
        Diagnostic::error(
            Code::WRONG_FORMAT,
            field.destination.span,
            message,
            format!("wants {}", to.describe()),
        )
        .help(help),
    )
}

fn conversion(source: &SourceField, convert: Conversion, field: &Field) -> Option<String> {
    use SalesforceType as T;
    let (from, to) = (kind(source), field.destination.schema.kind);
    let takes = match convert {
        Conversion::Email => matches!(from, Kind::Plain | Kind::Email | Kind::Other),
        Conversion::Phone => matches!(from, Kind::Plain | Kind::Other),
        Conversion::Date => matches!(from, Kind::Plain | Kind::Date | Kind::Other),
        Conversion::Not | Conversion::Negative => true,
    };
    if !takes {
        return Some(format!(
            "`convert: {}` cannot read `{}`, which is {}",
            convert.name(),
            source.dotted(),
            named(source)
        ));
    }
    let gives = match convert {
        Conversion::Email => !matches!(to, T::Phone | T::Url | T::Picklist | T::Multipicklist),
        Conversion::Phone => !matches!(to, T::Email | T::Url | T::Picklist | T::Multipicklist),
        Conversion::Date | Conversion::Not | Conversion::Negative => true,
    };
    (!gives).then(|| {
        let name = &field.destination.schema.name;
        format!(
            "`convert: {}` gives no value for {name}, which is {}",
            convert.name(),
            to.describe()
        )
    })
}

fn named(source: &SourceField) -> &'static str {
    match kind(source) {
        Kind::Plain | Kind::Other => "text of any kind",
        Kind::Email => "an e-mail address",
        Kind::Uri => "a web address",
        Kind::Date => "a date",
        Kind::Time => "a time",
        Kind::Id => "an id",
    }
}

/// A constant that Salesforce refuses as an e-mail address.
fn no_address(field: &Field, literal: &Literal) -> Option<String> {
    let Literal::Text(text) = literal else {
        return None;
    };
    let is_address = text
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !text.contains(' '));
    let wants = field.destination.schema.kind == SalesforceType::Email;
    (wants && !is_address).then(|| {
        format!(
            "{} is an e-mail address, and this is not",
            field.destination.schema.name
        )
    })
}

/// A reference is found by the other mapping's key: both hold ids of one form.
fn other_key(field: &Field, source: &SourceField, context: &Context<'_>) -> Option<Diagnostic> {
    let reference = field.reference.as_ref()?;
    let target = context.model.mappings.get(reference.value.0)?;
    let (from, to) = (kind(source), kind(&target.key.source));
    // An id may be any text; an address or a date is none.
    let may_be = match to {
        Kind::Plain => matches!(from, Kind::Id),
        Kind::Other => true,
        _ => false,
    };
    if from == to || matches!(from, Kind::Plain | Kind::Other) || may_be {
        return None;
    }
    let message = format!(
        "`{}` is {}, and the key of `{}` is {}",
        source.dotted(),
        named(source),
        target.name.value,
        named(&target.key.source)
    );
    Some(
        Diagnostic::error(Code::WRONG_FORMAT, source.span, message, "finds no record")
            .help("refer by the other record's id"),
    )
}
