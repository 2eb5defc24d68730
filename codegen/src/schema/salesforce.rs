//! `schemas/salesforce/*.json`: compact snapshots of describes, or describes as Salesforce answers them.
//!
//! A snapshot leaves out what is false, null or zero, and names its object by `object`; a describe says everything, and
//! names it by `name`. One reader takes both: a member that is missing is false, null or zero.

use std::collections::BTreeSet;

use super::facts::{
    FieldMember as F, Member, ObjectMember, PicklistMember, RecordTypeMember, get, holds, items,
    number, said, texts,
};
use super::{RecordType, SalesforceField, SalesforceObject, SalesforceType};
use crate::diagnostic::{Code, Diagnostic};
use crate::parse::Node;
use crate::span::Span;

/// Reads one object; what is broken in it is reported.
pub fn object(root: &Node, sink: &mut Vec<Diagnostic>) -> Option<SalesforceObject> {
    let name = match get(root, ObjectMember::Object) {
        Some(_) => demand(root, ObjectMember::Object, sink)?,
        None => demand(root, ObjectMember::Name, sink)?,
    };
    let fields = items(root, ObjectMember::Fields);
    let record_types = items(root, ObjectMember::RecordTypeInfos);
    Some(SalesforceObject {
        name,
        key_prefix: said(root, ObjectMember::KeyPrefix).unwrap_or_default(),
        fields: all_fields(fields, sink),
        record_types: record_types.iter().filter_map(record_type).collect(),
    })
}

/// Each field once; the same name again is reported.
fn all_fields(nodes: &[Node], sink: &mut Vec<Diagnostic>) -> Vec<SalesforceField> {
    let mut names = BTreeSet::new();
    let mut fields = Vec::with_capacity(nodes.len());
    for node in nodes {
        let Some(field) = field(node, sink) else {
            continue;
        };
        if names.insert(field.name.clone()) {
            fields.push(field);
        } else {
            let message = format!("the field `{}` is there twice", field.name);
            sink.push(broken(field.span, message, "again here"));
        }
    }
    fields
}

fn broken(span: Span, message: String, label: &str) -> Diagnostic {
    Diagnostic::error(Code::BROKEN_SCHEMA, span, message, label)
        .help("pull the object's schema again")
}

/// Members that are no numbers, or neither true nor false, would be read as if they were not there.
fn misshapen(node: &Node, name: &str) -> Option<Diagnostic> {
    let is_number = |text: &str| text.parse::<u32>().is_ok();
    let is_truth = |text: &str| matches!(text, "true" | "false");
    let wrong = F::ALL.iter().find_map(|member| {
        let value = get(node, *member).filter(|value| !value.is_null())?;
        let text = value.text().unwrap_or_default();
        let (fits, wants) = match member {
            F::Length | F::Precision | F::Scale => (is_number(text), "a number"),
            F::Createable
            | F::Updateable
            | F::Nillable
            | F::DefaultedOnCreate
            | F::ExternalId
            | F::Unique
            | F::IdLookup
            | F::Calculated
            | F::RestrictedPicklist
            | F::CaseSensitive
            | F::Filterable => (is_truth(text), "true or false"),
            _ => return None,
        };
        (!fits).then_some((value.span, member.name(), wants))
    });
    let (span, member, wants) = wrong?;
    let message = format!("`{member}` of `{name}` is {wants}, and this is not");
    Some(broken(span, message, "unreadable"))
}

fn field(node: &Node, sink: &mut Vec<Diagnostic>) -> Option<SalesforceField> {
    let name = demand(node, F::Name, sink)?;
    let kind = demand(node, F::Type, sink)?;
    sink.extend(misshapen(node, &name));
    let length = number(node, F::Length).filter(|length| *length > 0);
    Some(SalesforceField {
        span: node.span,
        kind: type_of(&kind),
        length,
        precision: number(node, F::Precision).filter(|digits| *digits > 0),
        scale: number(node, F::Scale),
        createable: holds(node, F::Createable),
        updateable: holds(node, F::Updateable),
        nillable: holds(node, F::Nillable),
        defaulted_on_create: holds(node, F::DefaultedOnCreate),
        external_id: holds(node, F::ExternalId),
        unique: holds(node, F::Unique),
        id_lookup: holds(node, F::IdLookup),
        calculated: holds(node, F::Calculated),
        restricted_picklist: holds(node, F::RestrictedPicklist),
        folds_case: said(node, F::CaseSensitive).as_deref() == Some("false"),
        filterable: is_filterable(node, &kind, length),
        reference_to: texts(node, F::ReferenceTo),
        relationship_name: said(node, F::RelationshipName),
        compound_field: said(node, F::CompoundFieldName).filter(|whole| *whole != name),
        picklist_values: picklist(node),
        needs_npsp: said(node, F::Needs).as_deref() == Some("npsp"),
        name,
    })
}

/// A describe says it; of a snapshot it follows from the type.
fn is_filterable(node: &Node, kind: &str, length: Option<u32>) -> bool {
    match said(node, F::Filterable) {
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
    items(node, F::PicklistValues)
        .iter()
        .filter(|value| said(value, PicklistMember::Active).as_deref() != Some("false"))
        .filter_map(|value| said(value, PicklistMember::Value))
        .collect()
}

/// The master record type is none that anybody chose.
fn record_type(node: &Node) -> Option<RecordType> {
    let is_inactive = said(node, RecordTypeMember::Active).as_deref() == Some("false");
    let name = said(node, RecordTypeMember::DeveloperName)?;
    (!holds(node, RecordTypeMember::Master) && !is_inactive).then_some(RecordType {
        span: node.span,
        developer_name: name,
    })
}

fn demand(node: &Node, member: impl Member, sink: &mut Vec<Diagnostic>) -> Option<String> {
    let text = said(node, member).filter(|text| !text.is_empty());
    if text.is_none() {
        sink.push(
            Diagnostic::error(
                Code::BROKEN_SCHEMA,
                node.span,
                format!("the snapshot lacks `{}`", member.name()),
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
