//! The schema snapshots, read anew: what fields an object has and what Salesforce demands of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// A snapshot that cannot be used.
#[derive(Debug)]
pub struct SchemaError {
    pub path: PathBuf,
    pub reason: String,
}

impl std::fmt::Display for SchemaError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "cannot use the schema snapshot {}: {}",
            self.path.display(),
            self.reason
        )
    }
}

impl std::error::Error for SchemaError {}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Object {
    #[serde(rename = "object")]
    pub(crate) name: String,
    pub(crate) key_prefix: String,
    pub(crate) fields: Vec<Field>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Field {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) length: usize,
    pub(crate) precision: u32,
    pub(crate) scale: u32,
    pub(crate) createable: bool,
    pub(crate) updateable: bool,
    pub(crate) nillable: bool,
    pub(crate) defaulted_on_create: bool,
    pub(crate) external_id: bool,
    pub(crate) unique: bool,
    pub(crate) id_lookup: bool,
    pub(crate) calculated: bool,
    pub(crate) restricted_picklist: bool,
    pub(crate) case_sensitive: bool,
    pub(crate) reference_to: Vec<String>,
    pub(crate) relationship_name: Option<String>,
    pub(crate) compound_field_name: Option<String>,
    pub(crate) picklist_values: Vec<PicklistValue>,
    pub(crate) needs: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PicklistValue {
    pub(crate) value: String,
    #[serde(default)]
    pub(crate) active: bool,
}

impl Object {
    /// Names are the same in any case, as in SOQL.
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn relationship(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| {
            field
                .relationship_name
                .as_deref()
                .is_some_and(|relationship| relationship.eq_ignore_ascii_case(name))
        })
    }
}

/// A record type of the org, by `_org.json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecordType {
    pub(crate) object: String,
    pub(crate) developer_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Org {
    #[serde(default)]
    record_types: Vec<RecordType>,
}

/// The record types of the folder's org; none where it does not say.
pub(crate) fn record_types(folder: &Path, npsp: bool) -> Result<Vec<RecordType>, SchemaError> {
    let path = folder.join("_org.json");
    let at = |reason: &dyn std::fmt::Display| SchemaError {
        path: path.clone(),
        reason: reason.to_string(),
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(&error)),
    };
    let org: Org = serde_json::from_str(&text).map_err(|error| at(&error))?;
    let mut all = org.record_types;
    // These two are NPSP's own.
    all.retain(|one| npsp || !matches!(one.developer_name.as_str(), "HH_Account" | "NPSP_Default"));
    Ok(all)
}

/// All objects of the folder, by name.
pub(crate) fn load(folder: &Path, npsp: bool) -> Result<BTreeMap<String, Object>, SchemaError> {
    let at = |path: &Path, reason: &dyn std::fmt::Display| SchemaError {
        path: path.to_owned(),
        reason: reason.to_string(),
    };
    let mut objects = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(|error| at(folder, &error))? {
        let path = entry.map_err(|error| at(folder, &error))?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
            .to_owned();
        if !name.ends_with(".json") || name.starts_with('_') {
            continue;
        }
        let text = std::fs::read_to_string(&path).map_err(|error| at(&path, &error))?;
        let mut object: Object = serde_json::from_str(&text).map_err(|error| at(&path, &error))?;
        if !npsp && comes_with_npsp(&object.name) {
            continue;
        }
        object
            .fields
            .retain(|field| npsp || field.needs.as_deref() != Some("npsp"));
        objects.insert(object.name.clone(), object);
    }
    Ok(objects)
}

/// The objects of NPSP's packages have their names before two underscores.
fn comes_with_npsp(object: &str) -> bool {
    object
        .split_once("__")
        .is_some_and(|(package, _)| package.starts_with("np"))
}
