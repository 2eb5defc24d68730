//! Whether two fields could be mapped to each other: of several names that are near, the one that fits was meant.

use super::mapping::Sides;
use crate::ast;
use crate::model::Literal;
use crate::schema::{SalesforceField, SalesforceType, SourceSchemaField, SourceType};

/// Could this entry's source become that field?
pub(super) fn destination(entry: &ast::Field, sides: &Sides<'_>, to: &SalesforceField) -> bool {
    if to.calculated || !(to.createable || to.updateable) {
        return false;
    }
    match &entry.origin {
        _ if entry.reference.is_some() => to.kind == SalesforceType::Reference,
        ast::Origin::Source(path) => {
            let from = super::lookup::property(&path.value, sides.properties);
            from.is_none_or(|from| becomes(&from.kind, to.kind))
        }
        ast::Origin::Constant(literal) => match &literal.value {
            Literal::Boolean(_) => to.kind == SalesforceType::Boolean,
            Literal::Integer(_) | Literal::Decimal(_) => is_number(to.kind) || to.kind.is_text(),
            Literal::Text(_) => becomes(&text(), to.kind),
            Literal::Null | Literal::List(_) | Literal::Object(_) => false,
        },
        ast::Origin::Lookup(_) => to.kind == SalesforceType::Reference,
        ast::Origin::FirstOf(_) | ast::Origin::Template(_) => becomes(&text(), to.kind),
        ast::Origin::Choose(_) => true,
    }
}

/// Could that property become this entry's destination?
pub(super) fn source(entry: &ast::Field, sides: &Sides<'_>, from: &SourceSchemaField) -> bool {
    let mut fields = sides.object.fields.iter();
    let to = fields.find(|field| field.name == entry.destination.value);
    to.is_none_or(|to| becomes(&from.kind, to.kind))
}

/// By itself or with a conversion.
fn becomes(from: &SourceType, to: SalesforceType) -> bool {
    use SalesforceType as T;
    if matches!(to, T::AnyType | T::Unknown) {
        return true;
    }
    match from {
        SourceType::Text { .. } => {
            to.is_text()
                || is_number(to)
                || matches!(to, T::Date | T::Datetime | T::Time | T::Reference)
        }
        SourceType::Boolean => to == T::Boolean,
        SourceType::Integer | SourceType::Number => is_number(to),
        SourceType::Object(_) | SourceType::List(_) => false,
        SourceType::Unknown => true,
    }
}

fn is_number(kind: SalesforceType) -> bool {
    use SalesforceType as T;
    matches!(
        kind,
        T::Currency | T::Double | T::Int | T::Long | T::Percent
    )
}

fn text() -> SourceType {
    SourceType::Text {
        max_length: None,
        min_length: None,
        pattern: None,
        format: None,
        values: Vec::new(),
    }
}
