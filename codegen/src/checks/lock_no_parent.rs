//! A lock on what Salesforce does not lock.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;
use crate::schema::SalesforceType;

/// Objects to which records refer without being their children.
const NO_PARENTS: &[&str] = &["Group", "Profile", "RecordType", "User", "UserRole"];

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let Some(lock) = &mapping.lock else { return };
    let schema = &lock.schema;
    let is_no_parent = !schema.reference_to.is_empty()
        && schema
            .reference_to
            .iter()
            .all(|object| NO_PARENTS.contains(&object.as_str()));
    if schema.kind == SalesforceType::Reference && is_no_parent {
        let message = format!(
            "{} refers to {}, which is not locked when a record is written",
            schema.name,
            schema.reference_to.join(" or ")
        );
        sink.push(
            Diagnostic::error(Code::LOCK_NO_PARENT, lock.span, message, "no parent")
                .related(schema.span, "its schema")
                .help("name the field that holds the parent's id, or take `lock` out"),
        );
    }
}
