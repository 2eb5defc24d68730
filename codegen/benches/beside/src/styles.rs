//! The same structs in four styles.

use std::fmt::Write;
use std::path::Path;

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    OneofDescriptorProto,
};

use crate::{Style, synthetic};

pub fn all(mappings: usize) -> Vec<Style> {
    vec![
        mapc(mappings),
        derives(mappings),
        prost(mappings),
        typify(mappings),
    ]
}

fn mapc(mappings: usize) -> Style {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let runtime = root.join("runtime");
    let generated = codegen::generate(&synthetic::sources(mappings));
    let mut files: Vec<(String, String)> = generated.files.unwrap().into_iter().collect();
    for (name, _) in &mut files {
        if name == "root.rs" {
            *name = "lib.rs".to_owned();
        }
    }
    Style {
        name: "mapc",
        dependencies: format!(
            "runtime = {{ path = {runtime:?}, default-features = false }}\njiff = \"1\"\n"
        ),
        files,
    }
}

/// Two structs a mapping: what comes and what goes.
fn structs(mappings: usize) -> impl Iterator<Item = String> {
    (0..mappings).flat_map(|number| [format!("Payload{number}"), format!("Record{number}")])
}

fn is_truth(field: usize) -> bool {
    field % 10 == 7
}

fn derives(mappings: usize) -> Style {
    let mut text = String::from("use serde::{Deserialize, Serialize};\n");
    for name in structs(mappings) {
        let _ = writeln!(
            text,
            "\n#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]\npub struct {name} {{"
        );
        for field in 0..synthetic::FIELDS {
            let kind = if is_truth(field) { "bool" } else { "String" };
            let _ = writeln!(text, "    pub field_number_{field}: Option<{kind}>,");
        }
        text.push_str("}\n");
        json(&mut text, &name);
    }
    Style {
        name: "serde-derives",
        dependencies: "serde = { version = \"1\", features = [\"derive\"] }\nserde_json = \"1\"\n"
            .to_owned(),
        files: vec![("lib.rs".to_owned(), text)],
    }
}

fn json(text: &mut String, name: &str) {
    let _ = writeln!(
        text,
        "
impl {name} {{
    pub fn read(json: &[u8]) -> serde_json::Result<Self> {{
        serde_json::from_slice(json)
    }}

    pub fn write(&self) -> serde_json::Result<Vec<u8>> {{
        serde_json::to_vec(self)
    }}
}}"
    );
}

fn prost(mappings: usize) -> Style {
    let folder = std::env::temp_dir().join("beside-prost");
    std::fs::create_dir_all(&folder).unwrap();
    let file = FileDescriptorProto {
        name: Some("beside.proto".to_owned()),
        package: Some("beside".to_owned()),
        syntax: Some("proto3".to_owned()),
        message_type: structs(mappings).map(message).collect(),
        ..Default::default()
    };
    prost_build::Config::new()
        .out_dir(&folder)
        .compile_fds(FileDescriptorSet { file: vec![file] })
        .unwrap();
    let mut text = std::fs::read_to_string(folder.join("beside.rs")).unwrap();
    text.push_str("\nuse prost::Message as _;\n");
    for name in structs(mappings) {
        let _ = writeln!(
            text,
            "
impl {name} {{
    pub fn read(bytes: &[u8]) -> Result<Self, prost::DecodeError> {{
        Self::decode(bytes)
    }}

    pub fn write(&self) -> Vec<u8> {{
        self.encode_to_vec()
    }}
}}"
        );
    }
    Style {
        name: "prost",
        dependencies: "prost = \"0.14\"\n".to_owned(),
        files: vec![("lib.rs".to_owned(), text)],
    }
}

/// `optional` in proto3 is a group of one.
fn message(name: String) -> DescriptorProto {
    let field = |field: usize| FieldDescriptorProto {
        name: Some(format!("field_number_{field}")),
        number: Some(field as i32 + 1),
        label: Some(Label::Optional as i32),
        r#type: Some(if is_truth(field) { Type::Bool } else { Type::String } as i32),
        oneof_index: Some(field as i32),
        proto3_optional: Some(true),
        ..Default::default()
    };
    let group = |field: usize| OneofDescriptorProto {
        name: Some(format!("_field_number_{field}")),
        ..Default::default()
    };
    DescriptorProto {
        name: Some(name),
        field: (0..synthetic::FIELDS).map(field).collect(),
        oneof_decl: (0..synthetic::FIELDS).map(group).collect(),
        ..Default::default()
    }
}

fn typify(mappings: usize) -> Style {
    let properties: serde_json::Map<String, serde_json::Value> = (0..synthetic::FIELDS)
        .map(|field| {
            let kind = if is_truth(field) { "boolean" } else { "string" };
            let schema = serde_json::json!({ "type": [kind, "null"] });
            (format!("field_number_{field}"), schema)
        })
        .collect();
    let schema: schemars::schema::Schema =
        serde_json::from_value(serde_json::json!({ "type": "object", "properties": properties }))
            .unwrap();
    let mut space = typify::TypeSpace::new(&typify::TypeSpaceSettings::default());
    space
        .add_ref_types(structs(mappings).map(|name| (name, schema.clone())))
        .unwrap();
    let file = syn::parse2(space.to_stream()).unwrap();
    let mut text = prettyplease::unparse(&file);
    for name in structs(mappings) {
        json(&mut text, &name);
    }
    Style {
        name: "typify",
        dependencies: "serde = { version = \"1\", features = [\"derive\"] }\nserde_json = \"1\"\nregress = \"0.10\"\n"
            .to_owned(),
        files: vec![("lib.rs".to_owned(), text)],
    }
}
