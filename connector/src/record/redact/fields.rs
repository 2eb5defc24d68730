//! The kinds of fields, read from the schema snapshots: what a value is decides how it is replaced.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

/// Types of fields, by object and by name in lower case.
#[derive(Debug, Default)]
pub struct Fields {
    of_objects: HashMap<String, HashMap<String, String>>,
}

#[derive(Deserialize)]
struct Snapshot {
    object: String,
    fields: Vec<Field>,
}

#[derive(Deserialize)]
struct Field {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

impl Fields {
    /// Reads every snapshot of the folder that is one; the kind of a field that none knows is guessed by its value.
    pub fn read(folder: &Path) -> Self {
        let mut fields = Fields::default();
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        for entry in entries {
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            let Ok(snapshot) = serde_json::from_str::<Snapshot>(&text) else {
                continue;
            };
            let kinds = snapshot.fields.into_iter();
            let kinds = kinds.map(|field| (field.name.to_lowercase(), field.kind));
            let object = snapshot.object.to_lowercase();
            fields.of_objects.insert(object, kinds.collect());
        }
        fields
    }

    /// The type of a field. Without an object any object's field of this name counts.
    pub fn kind(&self, object: Option<&str>, name: &str) -> Option<&str> {
        let name = name.to_lowercase();
        let known = object.and_then(|object| self.of_objects.get(&object.to_lowercase()));
        let kind = match known {
            Some(fields) => fields.get(&name),
            None => self
                .of_objects
                .values()
                .find_map(|fields| fields.get(&name)),
        };
        kind.map(String::as_str)
    }

    /// Returns whether a snapshot has this object, in any case.
    pub fn has_object(&self, name: &str) -> bool {
        self.of_objects.contains_key(&name.to_lowercase())
    }

    /// Returns whether some object has a field of this name.
    pub fn has_field(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let mut objects = self.of_objects.values();
        objects.any(|fields| fields.contains_key(&name))
    }
}
