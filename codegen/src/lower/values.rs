//! Where each field of a record gets its value, and the JSON of a mapping's tests.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::tree;
use crate::ir;
use crate::model::{self, Conversion, Expectation, Literal, Origin};
use crate::schema::SalesforceType;

/// The value of one entry of `fields:`.
pub fn value(field: &model::Field, payload: &[ir::Field]) -> ir::Value {
    match &field.origin {
        Origin::Source(source) => {
            let convert = field.convert.as_ref().map(|convert| convert.value);
            let function = chosen(convert, field.destination.schema.kind);
            from_payload(&source.path, function, payload)
        }
        Origin::Constant(literal) => constant(&literal.value, field.destination.schema.kind),
        Origin::Computed(_) => {
            let schema = &field.destination.schema;
            let function = match schema.kind {
                SalesforceType::Date => "date",
                kind => chosen(None, kind),
            };
            from_payload(&[tree::name(&schema.name)], function, payload)
        }
    }
}

/// A payload field through a function of `runtime::convert`.
pub fn from_payload(path: &[String], function: &'static str, payload: &[ir::Field]) -> ir::Value {
    let index = payload
        .iter()
        .position(|field| field.path == path)
        .unwrap_or_default();
    ir::Value::Payload {
        index,
        ident: payload
            .get(index)
            .map(|field| field.ident.clone())
            .unwrap_or_default(),
        function,
        moves: false,
    }
}

/// The last that reads a field of the payload may take it.
pub fn move_last_uses<'v>(values: impl DoubleEndedIterator<Item = &'v mut ir::Value>) {
    let mut read = BTreeSet::new();
    for value in values.rev() {
        if let ir::Value::Payload { index, moves, .. } = value {
            *moves = read.insert(*index);
        }
    }
}

/// Returns the function of a field. Salesforce stores e-mail addresses in lower case, so an e-mail field without a
/// conversion gets `email`: otherwise its read-back would differ from what was written.
fn chosen(convert: Option<Conversion>, kind: SalesforceType) -> &'static str {
    match (convert, kind) {
        (Some(convert), _) => function(convert),
        (None, SalesforceType::Email) => "email",
        (None, _) => "same",
    }
}

/// The function of `runtime::convert` that carries it out.
fn function(conversion: Conversion) -> &'static str {
    match conversion {
        Conversion::Email => "email",
        Conversion::Phone => "phone",
        Conversion::Date => "date",
        Conversion::Not => "not",
        // It is made before.
        Conversion::Negative => "same",
    }
}

fn constant(literal: &Literal, kind: SalesforceType) -> ir::Value {
    let text = text(literal);
    match kind {
        SalesforceType::Boolean => ir::Value::Boolean(text == "true"),
        SalesforceType::Date => date(&text).unwrap_or(ir::Value::Text(text)),
        _ => ir::Value::Text(text),
    }
}

fn date(text: &str) -> Option<ir::Value> {
    let mut parts = text.splitn(3, '-');
    let year = parts.next()?.parse().ok()?;
    let month = parts.next()?.parse().ok()?;
    let day = parts.next()?.parse().ok()?;
    Some(ir::Value::Date(year, month, day))
}

fn text(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) | Literal::Decimal(text) => text.clone(),
        Literal::Boolean(truth) => truth.to_string(),
        Literal::Integer(number) => number.to_string(),
        Literal::Null | Literal::List(_) | Literal::Object(_) => String::new(),
    }
}

/// The literal as one line of JSON, members in the author's order.
pub fn json(literal: &Literal) -> String {
    to_json(literal).to_string()
}

/// A test's expected fields as one JSON object.
pub fn json_of_fields(expect: &Expectation) -> String {
    let members: Map<String, Json> = expect
        .fields
        .iter()
        .map(|(field, literal)| (field.schema.name.clone(), to_json(&literal.value)))
        .collect();
    Json::Object(members).to_string()
}

pub fn to_json(literal: &Literal) -> Json {
    match literal {
        Literal::Null => Json::Null,
        Literal::Boolean(truth) => Json::Bool(*truth),
        Literal::Integer(number) => Json::from(*number),
        Literal::Decimal(text) => {
            serde_json::from_str(text).unwrap_or_else(|_| Json::from(text.as_str()))
        }
        Literal::Text(text) => Json::from(text.as_str()),
        Literal::List(items) => {
            Json::Array(items.iter().map(|item| to_json(&item.value)).collect())
        }
        Literal::Object(members) => Json::Object(
            members
                .iter()
                .map(|(name, member)| (name.value.clone(), to_json(&member.value)))
                .collect(),
        ),
    }
}

#[cfg(all(test, feature = "interpret"))]
mod tests {
    use super::*;

    #[test]
    fn an_email_field_is_compared_in_lower_case_without_a_conversion() {
        assert_eq!(chosen(None, SalesforceType::Email), "email");
        assert_eq!(chosen(None, SalesforceType::String), "same");
        assert_eq!(
            chosen(Some(Conversion::Phone), SalesforceType::Email),
            "phone"
        );
    }

    #[test]
    fn runtime_knows_every_conversion_by_the_name_of_its_function() {
        let functions = Conversion::ALL.map(|(_, conversion)| function(conversion));
        for name in functions.into_iter().chain(["same"]) {
            assert!(runtime::convert::named(name).is_some(), "{name}");
        }
    }
}
