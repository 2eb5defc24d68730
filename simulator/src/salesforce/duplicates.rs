//! The org's duplicate rule: a contact with the last name and the e-mail address of another is refused, unless the call
//! says that it may be saved. Whoever works on the screen is only warned.

use bytes::Bytes;
use http::Request;

use super::Org;
use super::error::ApiError;
use super::table::Record;
use super::values::{differs, owned, text};
use crate::schema::Object;
use crate::write_log::Actor;

impl Org {
    /// What the rule has against a contact that is made, or becomes the same as another.
    pub(super) fn duplicates(
        &self,
        schema: &Object,
        record: &Record,
        old: Option<&Record>,
        actor: Actor,
    ) -> Option<ApiError> {
        let is_asked = self.duplicate_rule && !self.saves_duplicates && actor == Actor::Api;
        if !is_asked || schema.name != "Contact" {
            return None;
        }
        let moved =
            |old: &Record| differs(old, record, "LastName") || differs(old, record, "Email");
        if !old.is_none_or(moved) {
            return None;
        }
        let matches = self.same_person(schema, record);
        let found = ApiError::new("DUPLICATES_DETECTED", "Use one of these records?");
        (!matches.is_empty()).then_some(ApiError { matches, ..found })
    }

    fn same_person(&self, schema: &Object, record: &Record) -> Vec<String> {
        let key = schema.field("Email").zip(text(record, "Email"));
        let Some(((field, email), table)) = key.zip(self.table(&schema.name)) else {
            return Vec::new();
        };
        let name = owned(record, "LastName").to_lowercase();
        let own = text(record, "Id");
        let mut ids = table.by_value(field, email);
        ids.retain(|id| {
            let other = table.get(id);
            let same = other.is_some_and(|other| owned(other, "LastName").to_lowercase() == name);
            same && Some(id.as_str()) != own
        });
        ids
    }
}

/// `Sforce-Duplicate-Rule-Header: allowSave=true`.
pub(super) fn wants_to_save(request: &Request<Bytes>) -> bool {
    let header = request.headers().get("sforce-duplicate-rule-header");
    let header = header.and_then(|value| value.to_str().ok());
    header.is_some_and(|text| {
        let mut parts = text.split(';').map(str::trim);
        parts.any(|part| part.eq_ignore_ascii_case("allowSave=true"))
    })
}
