//! `usher push RECORD`: one record of Salesforce's goes to Ticketure now, or its item says why it does not.

use runtime::mapping::{Direction, MappingDescriptor};
use runtime::queue::{Captured, NewItem, SALESFORCE_CHANGED};
use runtime::salesforce::normalise;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What ids begin with, by object (reference: Salesforce, "Ids").
const PREFIXES: &[(&str, &str)] = &[
    ("001", "Account"),
    ("003", "Contact"),
    ("006", "Opportunity"),
];

/// A record, by its id in Salesforce.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Push {
    pub record: String,
}

impl Push {
    /// The item that asks for it.
    ///
    /// # Errors
    /// When it is no id of a record that goes to Ticketure.
    pub fn captured(&self) -> Result<Captured, String> {
        let id = normalise(&self.record);
        let object = PREFIXES.iter().find(|(prefix, _)| id.starts_with(prefix));
        let object = object.filter(|_| id.len() == 18).map(|(_, object)| *object);
        let goes = |mapping: &&&MappingDescriptor| {
            Some(mapping.object) == object
                && (mapping.direction == Direction::Both || mapping.push_as.is_some())
                && (mapping.push_as.is_some() || mapping.rows_of.is_none())
        };
        let mapping = generated::MAPPINGS.iter().find(goes).ok_or_else(|| {
            format!(
                "{} is no contact, account or opportunity: give the id of one, 15 or 18 characters",
                self.record
            )
        })?;
        let item = NewItem {
            mapping: Some(mapping.name.to_owned()),
            payload_type: SALESFORCE_CHANGED.to_owned(),
            lane: format!("sf:{id}"),
            key: id,
            payload: json!({ "asked": true }).to_string(),
            ..NewItem::default()
        };
        Ok(Captured {
            items: vec![item],
            ..Captured::default()
        })
    }
}
