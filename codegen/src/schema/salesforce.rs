//! `schemas/salesforce/*.json`: compact snapshots of describes, or describes as Salesforce answers them.
//!
//! A snapshot leaves out what is false, null or zero, and names its object by `object`; a describe says everything, and
//! names it by `name`. One reader takes both: a member that is missing is false, null or zero.

use super::{RecordType, SalesforceField, SalesforceObject, SalesforceType};
use crate::diagnostic::{Code, Diagnostic};
use crate::parse::Node;
use crate::span::Span;

/// Reads one object; what is broken in it is reported.
pub fn object(root: &Node, sink: &mut Vec<Diagnostic>) -> Option<SalesforceObject> {
    let name = match root.get("object") {
        Some(_) => member(root, "object", root.span, sink)?,
        None => member(root, "name", root.span, sink)?,
    };
    let fields = root.get("fields").map(Node::items).unwrap_or_default();
    let record_types = root
        .get("recordTypeInfos")
        .map(Node::items)
        .unwrap_or_default();
    Some(SalesforceObject {
        name,
        key_prefix: said(root, "keyPrefix").unwrap_or_default(),
        fields: fields.iter().filter_map(|node| field(node, sink)).collect(),
        record_types: record_types.iter().filter_map(record_type).collect(),
    })
}

fn field(node: &Node, sink: &mut Vec<Diagnostic>) -> Option<SalesforceField> {
    let name = member(node, "name", node.span, sink)?;
    let kind = member(node, "type", node.span, sink)?;
    let truth = |name: &str| node.get(name).and_then(Node::text) == Some("true");
    let number = |name: &str| said(node, name).and_then(|text| text.parse().ok());
    let length = number("length").filter(|length| *length > 0);
    Some(SalesforceField {
        span: node.span,
        kind: type_of(&kind),
        length,
        precision: number("precision").filter(|digits| *digits > 0),
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
        filterable: is_filterable(node, &kind, length),
        reference_to: texts(node.get("referenceTo")),
        relationship_name: said(node, "relationshipName"),
        compound_field: said(node, "compoundFieldName").filter(|whole| *whole != name),
        picklist_values: picklist(node),
        needs_npsp: said(node, "needs").as_deref() == Some("npsp"),
        name,
    })
}

/// A describe says it; of a snapshot it follows from the type.
fn is_filterable(node: &Node, kind: &str, length: Option<u32>) -> bool {
    match said(node, "filterable") {
        Some(word) => word == "true",
        None => match kind {
            "textarea" => length.is_none_or(|length| length <= 255),
            "encryptedstring" | "base64" | "address" | "location" | "json" | "complexvalue" => {
                false
            }
            _ => true,
        },
    }
}

/// The active values.
fn picklist(node: &Node) -> Vec<String> {
    let values = node.get("picklistValues").map(Node::items);
    values
        .unwrap_or_default()
        .iter()
        .filter(|value| said(value, "active").as_deref() != Some("false"))
        .filter_map(|value| said(value, "value"))
        .collect()
}

/// The master record type is none that anybody chose.
fn record_type(node: &Node) -> Option<RecordType> {
    let truth = |name: &str| said(node, name).as_deref() == Some("true");
    let is_inactive = said(node, "active").as_deref() == Some("false");
    let name = said(node, "developerName")?;
    (!truth("master") && !is_inactive).then_some(RecordType {
        span: node.span,
        developer_name: name,
    })
}

/// A member's text; null is none.
pub(super) fn said(node: &Node, name: &str) -> Option<String> {
    node.get(name)
        .filter(|value| !value.is_null())
        .and_then(Node::text)
        .map(str::to_owned)
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
    let text = said(node, name).filter(|text| !text.is_empty());
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

/// A type that we do not know is no mistake of the file: only a mapping onto such a field is.
fn type_of(name: &str) -> SalesforceType {
    use SalesforceType as T;
    match name {
        "address" => T::Address,
        "anyType" => T::AnyType,
        "base64" => T::Base64,
        "boolean" => T::Boolean,
        "combobox" => T::Combobox,
        "complexvalue" => T::ComplexValue,
        "currency" => T::Currency,
        "date" => T::Date,
        "datetime" => T::Datetime,
        "double" => T::Double,
        "email" => T::Email,
        "encryptedstring" => T::EncryptedString,
        "id" => T::Id,
        "int" => T::Int,
        "json" => T::Json,
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
        _ => T::Unknown,
    }
}
