//! `schemas/salesforce/*.json`: compact snapshots of describes.

use super::{SalesforceField, SalesforceObject, SalesforceType};
use crate::diagnostic::{Code, Diagnostic};
use crate::parse::Node;
use crate::span::Span;

/// Reads one snapshot; what is broken in it is reported.
pub fn object(root: &Node, sink: &mut Vec<Diagnostic>) -> Option<SalesforceObject> {
    let name = member(root, "object", root.span, sink)?;
    let key_prefix = root
        .get("keyPrefix")
        .and_then(Node::text)
        .unwrap_or_default()
        .to_owned();
    let fields = root.get("fields").map(Node::items).unwrap_or_default();
    Some(SalesforceObject {
        name,
        key_prefix,
        fields: fields.iter().filter_map(|node| field(node, sink)).collect(),
    })
}

fn field(node: &Node, sink: &mut Vec<Diagnostic>) -> Option<SalesforceField> {
    let name = member(node, "name", node.span, sink)?;
    let kind = member(node, "type", node.span, sink)?;
    let Some(kind) = type_of(&kind) else {
        sink.push(
            Diagnostic::error(
                Code::BROKEN_SCHEMA,
                node.span,
                format!("`{name}` has the type `{kind}`, which is unknown"),
                "this field",
            )
            .help("pull the object's schema again"),
        );
        return None;
    };
    let truth = |name: &str| node.get(name).and_then(Node::text) == Some("true");
    let number = |name: &str| {
        node.get(name)
            .and_then(Node::text)
            .and_then(|text| text.parse().ok())
    };
    let values = node
        .get("picklistValues")
        .map(Node::items)
        .unwrap_or_default();
    let active = |value: &&Node| value.get("active").and_then(Node::text) != Some("false");
    Some(SalesforceField {
        span: node.span,
        name,
        kind,
        length: number("length"),
        precision: number("precision"),
        scale: number("scale"),
        createable: truth("createable"),
        updateable: truth("updateable"),
        nillable: truth("nillable"),
        defaulted_on_create: truth("defaultedOnCreate"),
        external_id: truth("externalId"),
        unique: truth("unique"),
        id_lookup: truth("idLookup"),
        calculated: truth("calculated"),
        restricted_picklist: truth("restrictedPicklist"),
        case_sensitive: truth("caseSensitive"),
        reference_to: texts(node.get("referenceTo")),
        relationship_name: node
            .get("relationshipName")
            .and_then(Node::text)
            .map(str::to_owned),
        picklist_values: values
            .iter()
            .filter(active)
            .filter_map(|value| value.get("value")?.text().map(str::to_owned))
            .collect(),
        needs_npsp: node.get("needs").and_then(Node::text) == Some("npsp"),
    })
}

fn texts(list: Option<&Node>) -> Vec<String> {
    let items = list.map(Node::items).unwrap_or_default();
    items
        .iter()
        .filter_map(Node::text)
        .map(str::to_owned)
        .collect()
}

fn member(node: &Node, name: &str, span: Span, sink: &mut Vec<Diagnostic>) -> Option<String> {
    let text = node.get(name).and_then(Node::text).map(str::to_owned);
    if text.is_none() {
        sink.push(
            Diagnostic::error(
                Code::BROKEN_SCHEMA,
                span,
                format!("the snapshot lacks `{name}`"),
                "here",
            )
            .help("pull the object's schema again"),
        );
    }
    text
}

fn type_of(name: &str) -> Option<SalesforceType> {
    use SalesforceType as T;
    Some(match name {
        "address" => T::Address,
        "boolean" => T::Boolean,
        "combobox" => T::Combobox,
        "currency" => T::Currency,
        "date" => T::Date,
        "datetime" => T::Datetime,
        "double" => T::Double,
        "email" => T::Email,
        "encryptedstring" => T::EncryptedString,
        "id" => T::Id,
        "int" => T::Int,
        "location" => T::Location,
        "long" => T::Long,
        "multipicklist" => T::Multipicklist,
        "percent" => T::Percent,
        "phone" => T::Phone,
        "picklist" => T::Picklist,
        "reference" => T::Reference,
        "string" => T::String,
        "textarea" => T::Textarea,
        "time" => T::Time,
        "url" => T::Url,
        _ => return None,
    })
}
