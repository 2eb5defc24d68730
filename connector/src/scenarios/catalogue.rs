//! What objects, fields, webhooks and members there are, by the schemas beside the mappings: a scenario that names
//! another is mistaken.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use serde_json::Value;

/// Everything that a scenario may name.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    pub objects: BTreeMap<String, Object>,
    /// By the webhook's name.
    pub webhooks: BTreeMap<String, Entity>,
}

/// An object of Salesforce's.
#[derive(Debug, Clone, Default)]
pub struct Object {
    pub fields: BTreeMap<String, Field>,
    /// Fields that tell one record from all others, in the order of the snapshot.
    pub keys: Vec<String>,
    /// It comes with NPSP.
    pub needs_npsp: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Field {
    pub kind: String,
    pub needs_npsp: bool,
    pub createable: bool,
}

/// What a webhook carries rows of.
#[derive(Debug, Clone, Default)]
pub struct Entity {
    /// `identity`.
    pub name: String,
    pub members: Vec<String>,
    pub required: Vec<String>,
}

impl Catalogue {
    /// Reads the folder of `salesforce`, `ticketure` and `webhooks`.
    ///
    /// # Errors
    /// When a schema cannot be read.
    pub fn load(schemas: &Path) -> Result<Catalogue, Box<dyn Error>> {
        let mut catalogue = Catalogue::default();
        for (_, schema) in files(&schemas.join("salesforce"))? {
            let name = text(&schema, "object");
            catalogue
                .objects
                .insert(name.clone(), object(&name, &schema));
        }
        let entities = files(&schemas.join("ticketure"))?;
        for (name, schema) in files(&schemas.join("webhooks"))? {
            let carried = schema.pointer("/properties/data/properties");
            let carried = carried.and_then(Value::as_object);
            let Some(entity) = carried.and_then(|carried| carried.keys().next()) else {
                continue;
            };
            let found = entities.iter().find(|(name, _)| name == entity);
            let schema = found.map(|(_, schema)| schema).unwrap_or(&Value::Null);
            catalogue.webhooks.insert(name, entity_of(entity, schema));
        }
        Ok(catalogue)
    }

    /// The entity of a name, by whatever webhook it comes.
    pub fn entity(&self, name: &str) -> Option<&Entity> {
        self.webhooks.values().find(|entity| entity.name == name)
    }
}

impl Object {
    /// A time that the org writes itself.
    pub fn is_stamp(&self, field: &str) -> bool {
        let known = self.fields.get(field);
        known.is_some_and(|field| field.kind.starts_with("date") && !field.createable)
    }
}

impl Entity {
    /// A row tells of something that happened, and not of how a record is now.
    pub fn is_event(&self) -> bool {
        self.members.iter().any(|member| member == "occurred_at")
    }
}

fn object(name: &str, schema: &Value) -> Object {
    let list = schema.get("fields").and_then(Value::as_array);
    let mut object = Object {
        needs_npsp: name.starts_with("np") && name.contains("__"),
        ..Object::default()
    };
    for field in list.into_iter().flatten() {
        let is = |fact: &str| field.get(fact) == Some(&Value::Bool(true));
        let name = text(field, "name");
        if is("externalId") && is("unique") {
            object.keys.push(name.clone());
        }
        let field = Field {
            kind: text(field, "type"),
            needs_npsp: text(field, "needs") == "npsp",
            createable: is("createable"),
        };
        object.fields.insert(name, field);
    }
    object
}

fn entity_of(name: &str, schema: &Value) -> Entity {
    let members = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array);
    let required = required.into_iter().flatten().filter_map(Value::as_str);
    Entity {
        name: name.to_owned(),
        members: members
            .map(|members| members.keys().cloned().collect())
            .unwrap_or_default(),
        required: required.map(str::to_owned).collect(),
    }
}

fn text(value: &Value, name: &str) -> String {
    let text = value.get(name).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

/// The schemas of a folder, by what stands before the first dot of their names.
fn files(folder: &Path) -> Result<Vec<(String, Value)>, Box<dyn Error>> {
    let cannot =
        |error: &dyn std::fmt::Display| format!("cannot read {}: {error}", folder.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| cannot(&error))? {
        let path = entry.map_err(|error| cannot(&error))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.unwrap_or_default();
        if !name.ends_with(".json") || name.starts_with('_') {
            continue;
        }
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let schema = serde_json::from_str(&text)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let name = name.split('.').next().unwrap_or_default();
        found.push((name.to_owned(), schema));
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(found)
}

/// The name that was meant, where one is near.
pub fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n String>) -> String {
    let near = known
        .map(|known| (distance(name, known), known))
        .filter(|(distance, known)| *distance <= known.len().max(3) / 3)
        .min();
    near.map(|(_, known)| format!("; did you mean `{known}`?"))
        .unwrap_or_default()
}

/// Letters to change, put in or take out.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (line, left) in one.chars().enumerate() {
        let mut diagonal = line;
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
        let mut before = line + 1;
        for (cell, right) in row.iter_mut().skip(1).zip(other.chars()) {
            let changed = diagonal + usize::from(!left.eq_ignore_ascii_case(&right));
            diagonal = *cell;
            *cell = changed.min(*cell + 1).min(before + 1);
            before = *cell;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_schemas_are_known() {
        let schemas = crate::cli::snapshots().join("..");
        let catalogue = Catalogue::load(&schemas).unwrap();
        let contact = &catalogue.objects["Contact"];
        assert_eq!(contact.keys, ["Ticketure_Identity_Id__c"]);
        assert_eq!(contact.fields["AccountId"].kind, "reference");
        assert_eq!(catalogue.webhooks["identity_changed"].name, "identity");
    }

    #[test]
    fn what_was_meant_is_near() {
        let known = ["FirstName".to_owned(), "LastName".to_owned()];
        assert_eq!(
            nearest("FristName", known.iter()),
            "; did you mean `FirstName`?"
        );
        assert_eq!(nearest("Zebra", known.iter()), "");
    }
}
