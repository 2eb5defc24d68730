//! Entities: their properties, the JSON Schema of each and of the webhook that carries it.

use serde_json::{Map, Value, json};

use super::{chance, one_of};

/// The payload side of some mappings.
#[derive(Debug)]
pub struct Entity {
    pub name: String,
    pub properties: Vec<Property>,
    /// The values of its property `kind`, by which mappings tell rows apart.
    pub kinds: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Property {
    /// One name, or two where it lies in an object.
    pub path: Vec<String>,
    pub shape: Shape,
    pub nullable: bool,
    pub required: bool,
    pub read_only: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    Text {
        max: Option<u32>,
    },
    Email,
    Uri,
    Date,
    DateTime,
    Boolean,
    Choice(Vec<String>),
    /// The id of another entity's row.
    Id,
    Integer,
    /// A decimal as text.
    Money,
    List,
}

impl Entity {
    pub fn payload_type(&self) -> String {
        format!("{}_changed", self.name)
    }
}

impl Property {
    pub fn dotted(&self) -> String {
        self.path.join(".")
    }

    /// As the schema says it.
    fn schema(&self) -> Value {
        let mut schema = match &self.shape {
            Shape::Text { max: Some(max) } => json!({"type": "string", "maxLength": max}),
            Shape::Text { max: None } => json!({"type": "string"}),
            Shape::Email => json!({"type": "string", "format": "email", "maxLength": 80}),
            Shape::Uri => json!({"type": "string", "format": "uri", "maxLength": 255}),
            Shape::Date => json!({"type": "string", "format": "date", "maxLength": 10}),
            Shape::DateTime => json!({"type": "string", "format": "date-time", "maxLength": 30}),
            Shape::Boolean => json!({"type": "boolean"}),
            Shape::Choice(values) => json!({"type": "string", "enum": values}),
            Shape::Id => json!({"type": "string", "maxLength": 36}),
            Shape::Integer => json!({"type": "integer", "minimum": 0}),
            Shape::Money => json!({"type": "string", "format": "decimal", "maxLength": 20}),
            Shape::List => json!({"type": "array", "items": {"type": "string"}}),
        };
        if self.nullable {
            schema["type"] = json!([schema["type"], "null"]);
            if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
                values.push(Value::Null);
            }
        }
        if self.read_only {
            schema["readOnly"] = json!(true);
        }
        schema
    }
}

/// Names that are awkward in Rust or in YAML are among them.
const NAMES: &[&str] = &[
    "type",
    "self",
    "first_name",
    "lastName",
    "fn",
    "x",
    "city",
    "note",
    "is_ok",
    "yes",
    "match",
    "Größe",
    "a1",
    "async",
    "opt_in",
    "zip_code",
    "r",
    "true_name",
    "mobile",
    "e_mail",
    "loop",
    "payload",
    "record",
    "value",
    "super",
    "crate",
];

pub fn draw(random: &mut fastrand::Rng, index: usize) -> Entity {
    let kinds: Vec<String> = (0..2 + random.usize(0..3))
        .map(|kind| format!("kind {kind}"))
        .collect();
    let fixed = |name: &str, shape: Shape| Property {
        path: vec![name.to_owned()],
        shape,
        nullable: false,
        required: true,
        read_only: true,
    };
    let mut properties = vec![
        fixed("id", Shape::Id),
        fixed("kind", Shape::Choice(kinds.clone())),
        fixed("group_id", Shape::Id),
    ];
    for number in 0..4 + random.usize(0..24) {
        let name = format!(
            "{}{}",
            one_of(random, NAMES),
            if number < 6 {
                String::new()
            } else {
                number.to_string()
            }
        );
        let path = match random.u32(0..10) {
            0 | 1 => vec!["inner".to_owned(), name],
            2 => vec!["other".to_owned(), name],
            _ => vec![name],
        };
        if properties.iter().any(|known| known.path == path) {
            continue;
        }
        properties.push(Property {
            path,
            shape: shape(random),
            nullable: chance(random, 80),
            required: chance(random, 15),
            read_only: chance(random, 10),
        });
    }
    Entity {
        name: format!("entity{index}"),
        properties,
        kinds,
    }
}

fn shape(random: &mut fastrand::Rng) -> Shape {
    match random.u32(0..22) {
        0..=5 => Shape::Text {
            max: Some(*one_of(random, &[1, 10, 40, 80, 255])),
        },
        6 => Shape::Text { max: None },
        7 | 8 => Shape::Email,
        9 => Shape::Uri,
        10 | 11 => Shape::Date,
        12 => Shape::DateTime,
        13 | 14 => Shape::Boolean,
        15 | 16 => Shape::Choice(
            (0..2 + random.usize(0..4))
                .map(|value| format!("Choice {value}"))
                .collect(),
        ),
        17 => Shape::Id,
        18 => Shape::Integer,
        19 | 20 => Shape::Money,
        _ => Shape::List,
    }
}

/// The entity's schema and its webhook's.
pub fn files(entity: &Entity) -> [(String, String); 2] {
    let (mut outer, mut required) = (Map::new(), Vec::new());
    let mut inner_required: Map<String, Value> = Map::new();
    for property in &entity.properties {
        match property.path.as_slice() {
            [name] => {
                outer.insert(name.clone(), property.schema());
                if property.required {
                    required.push(name.clone());
                }
            }
            [object, name] => {
                let object_schema = outer
                    .entry(object.clone())
                    .or_insert_with(|| json!({"type": ["object", "null"], "properties": {}}));
                object_schema["properties"][name] = property.schema();
                if property.required {
                    let names = inner_required
                        .entry(object.clone())
                        .or_insert_with(|| json!([]));
                    names.as_array_mut().unwrap().push(json!(name));
                }
            }
            _ => unreachable!(),
        }
    }
    for (object, names) in inner_required {
        outer[&object]["required"] = names;
    }
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#", "title": entity.name, "type": "object",
        "required": required, "properties": outer
    });
    let target = format!("../ticketure/{}.schema.json", entity.name);
    let envelope = json!({
        "type": "object", "required": ["event_type", "data"], "properties": {
            "event_type": {"const": entity.payload_type()},
            "data": {"type": "object", "properties": {
                &entity.name: {"type": "object", "properties": {"_data": {"type": "array", "items": {"$ref": target}}}}
            }}
        }
    });
    [
        (
            format!("schemas/ticketure/{}.schema.json", entity.name),
            pretty(&schema),
        ),
        (
            format!("schemas/webhooks/{}.schema.json", entity.payload_type()),
            pretty(&envelope),
        ),
    ]
}

fn pretty(schema: &Value) -> String {
    serde_json::to_string_pretty(schema).unwrap()
}
