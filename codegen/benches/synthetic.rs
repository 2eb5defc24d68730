//! Mappings by the thousand: each of forty fields, over an entity and an object of its own.
//!
//! Nothing is shared between them but webhooks, of which one carries twenty entities: what is measured is the work
//! for that many mappings and not for one that was read again and again.

use std::fmt::Write;

use codegen::source::Sources;

/// Fields of each mapping.
pub const FIELDS: usize = 40;
/// Entities that one webhook carries.
const ENTITIES_A_WEBHOOK: usize = 20;

/// The sources of so many mappings, with their schemas.
pub fn sources(mappings: usize) -> Sources {
    Sources::from_files(files(mappings))
}

/// Names below a mappings folder, and texts.
pub fn files(mappings: usize) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for number in 0..mappings {
        files.push((format!("entity_{number:04}.yaml"), mapping(number)));
        files.push((
            format!("schemas/ticketure/entity_{number:04}.schema.json"),
            entity(),
        ));
        files.push((
            format!("schemas/salesforce/Object_{number:04}__c.json"),
            object(number),
        ));
    }
    for webhook in 0..mappings.div_ceil(ENTITIES_A_WEBHOOK) {
        let first = webhook * ENTITIES_A_WEBHOOK;
        let carried = first..(first + ENTITIES_A_WEBHOOK).min(mappings);
        files.push((
            format!("schemas/webhooks/changed_{webhook:04}.schema.json"),
            envelope(carried),
        ));
    }
    files
}

/// A row of 1.5 KB that the mappings take.
pub fn row() -> String {
    let value = |field: usize| match kind(field) {
        Kind::Truth => format!("\"field_number_{field}\":true"),
        Kind::Date => format!("\"field_number_{field}\":\"2001-02-{:02}\"", field % 28 + 1),
        Kind::Email => format!("\"field_number_{field}\":\"ada.{field}@example.org\""),
        Kind::Phone => format!("\"field_number_{field}\":\"+44 20 7946 {field:04}\""),
        Kind::Text | Kind::Nested => {
            format!("\"field_number_{field}\":\"text of field {field}\"")
        }
    };
    let of = |nested: bool| {
        let fields = (0..FIELDS).filter(|field| (kind(*field) == Kind::Nested) == nested);
        fields.map(value).collect::<Vec<_>>().join(",")
    };
    format!(
        "{{\"id\":\"5f0c2d9e-7a41-4c0b-9a55-1b2c3d4e5f60\",\"status\":\"active\",{},\"inner\":{{{}}}}}",
        of(false),
        of(true)
    )
}

/// What a field is, by turns as real objects have them.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Email,
    Phone,
    Date,
    Truth,
    Nested,
}

fn kind(field: usize) -> Kind {
    match field % 10 {
        3 => Kind::Email,
        4 => Kind::Phone,
        6 => Kind::Date,
        7 => Kind::Truth,
        8 | 9 => Kind::Nested,
        _ => Kind::Text,
    }
}

fn mapping(number: usize) -> String {
    let mut text = format!(
        "# Entity {number} becomes a record of its object.
mapping: entity_{number:04}
source: ticketure.entity_{number:04}
destination: salesforce.Object_{number:04}__c
direction: both
on: changed_{:04}
when:
  source: {{ status: active }}
key: {{ source: id, destination: Ticketure_Id__c }}
lane: id
match:
  destination: [[field_number_3, field_number_1], [field_number_0]]
  policy: adopt
conflict: newest
fields:
",
        number / ENTITIES_A_WEBHOOK
    );
    for field in 0..FIELDS {
        let (convert, pii) = match kind(field) {
            Kind::Email => (", convert: email", ", pii: true"),
            Kind::Phone => (", convert: phone", ", pii: true"),
            Kind::Date => (", convert: date", ""),
            Kind::Text | Kind::Truth | Kind::Nested => ("", ""),
        };
        let _ = writeln!(
            text,
            "  - {{ source: {}, destination: {}, monitored: true{convert}{pii} }}",
            source(field),
            destination(field)
        );
    }
    let _ = write!(
        text,
        "tests:
  - name: a row becomes a record
    given: {{ id: \"i-1\", status: active, field_number_0: Ada, field_number_1: Lovelace, field_number_3: \"Ada@Example.org\", inner: {{ field_number_8: London }} }}
    expect: {{ Ticketure_Id__c: \"i-1\", {}: Ada, {}: Lovelace, {}: ada@example.org, {}: London }}
",
        destination(0),
        destination(1),
        destination(3),
        destination(8)
    );
    text
}

fn source(field: usize) -> String {
    match kind(field) {
        Kind::Nested => format!("inner.field_number_{field}"),
        _ => format!("field_number_{field}"),
    }
}

fn destination(field: usize) -> String {
    format!("Field_Number_{field}__c")
}

fn entity() -> String {
    let property = |field: usize| {
        let (kind, more) = match kind(field) {
            Kind::Truth => ("boolean", ""),
            Kind::Date => ("string", ", \"maxLength\": 10, \"format\": \"date\""),
            _ => ("string", ", \"maxLength\": 80"),
        };
        format!("\"field_number_{field}\": {{ \"type\": [\"{kind}\", \"null\"]{more} }}")
    };
    let of = |nested: bool| {
        let fields = (0..FIELDS).filter(|field| (kind(*field) == Kind::Nested) == nested);
        fields.map(property).collect::<Vec<_>>().join(",\n    ")
    };
    format!(
        "{{
  \"type\": \"object\",
  \"required\": [\"id\", \"status\"],
  \"properties\": {{
    \"id\": {{ \"type\": \"string\", \"maxLength\": 36, \"readOnly\": true }},
    \"status\": {{ \"type\": \"string\", \"enum\": [\"active\", \"closed\"] }},
    {},
    \"inner\": {{ \"type\": [\"object\", \"null\"], \"properties\": {{
    {}
    }} }}
  }}
}}
",
        of(false),
        of(true)
    )
}

fn object(number: usize) -> String {
    let mut text = format!(
        "{{
  \"object\": \"Object_{number:04}__c\",
  \"keyPrefix\": \"a00\",
  \"fields\": [
"
    );
    for field in 0..FIELDS {
        let kind = match kind(field) {
            Kind::Truth => "\"boolean\"",
            Kind::Date => "\"date\"",
            Kind::Email => "\"email\", \"length\": 80",
            Kind::Phone => "\"phone\", \"length\": 80",
            Kind::Text | Kind::Nested => "\"string\", \"length\": 80",
        };
        let _ = writeln!(
            text,
            "    {{\"name\": \"{}\", \"type\": {kind}, \"createable\": true, \"updateable\": true, \"nillable\": true}},",
            destination(field)
        );
    }
    text + "    {\"name\": \"Ticketure_Id__c\", \"type\": \"string\", \"length\": 36, \"createable\": true, \"updateable\": true, \"nillable\": true, \"externalId\": true, \"unique\": true, \"idLookup\": true, \"caseSensitive\": true}
  ]
}
"
}

fn envelope(entities: std::ops::Range<usize>) -> String {
    let lists: Vec<String> = entities
        .map(|entity| {
            format!(
                "\"entity_{entity:04}\": {{ \"type\": \"object\", \"properties\": {{ \"_data\": {{ \"type\": \"array\", \"items\": {{ \"$ref\": \"../ticketure/entity_{entity:04}.schema.json\" }} }} }} }}"
            )
        })
        .collect();
    format!(
        "{{ \"type\": \"object\", \"properties\": {{ \"data\": {{ \"type\": \"object\", \"properties\": {{\n{}\n}} }} }} }}\n",
        lists.join(",\n")
    )
}
