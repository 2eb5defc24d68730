//! A struct with named fields, its table, and the small trait impl that joins them.
//!
//! No index of a field is written down: the variants of one enum count the fields, so that a field that comes or goes
//! changes its own lines and no others.

use super::code::{Code, path};
use crate::ir::{Field, Kind, Mapping, Scale};

/// What the mapping reads.
pub fn payload(code: &mut Code, mapping: &Mapping) {
    code.doc(format_args!(
        "What `{}` reads of a row of {}.",
        mapping.file, mapping.source_entity
    ));
    let parts = Parts {
        name: &mapping.payload_struct,
        table: "PAYLOAD",
        field: "PayloadField",
        object: &mapping.source_entity,
        fields: &mapping.payload,
        key: mapping.payload_key,
    };
    entity(code, &parts);
}

/// What the mapping writes.
pub fn record(code: &mut Code, mapping: &Mapping) {
    code.doc(format_args!(
        "What `{}` writes to {}.",
        mapping.file, mapping.object
    ));
    let parts = Parts {
        name: &mapping.record_struct,
        table: "RECORD",
        field: "RecordField",
        object: &mapping.object,
        fields: &mapping.record,
        key: mapping.record_key,
    };
    entity(code, &parts);
}

pub fn has_dates(mapping: &Mapping) -> bool {
    let fields = mapping.payload.iter().chain(&mapping.record);
    fields.into_iter().any(|field| field.kind == Kind::Date)
}

/// Some number may have any digits after its point.
pub fn has_any_scale(mapping: &Mapping) -> bool {
    let any = Kind::Decimal { scale: Scale::Any };
    let mut fields = mapping.payload.iter().chain(&mapping.record);
    fields.any(|field| field.kind == any)
}

struct Parts<'m> {
    name: &'m str,
    table: &'static str,
    field: &'static str,
    object: &'m str,
    fields: &'m [Field],
    key: usize,
}

fn entity(code: &mut Code, parts: &Parts<'_>) {
    structure(code, parts);
    counted(code, parts);
    table(code, parts);
    code.open(format_args!("impl Entity for {} {{", parts.name));
    code.open("fn descriptor(&self) -> &'static EntityDescriptor {");
    code.line(format_args!("&{}", parts.table));
    code.close("}");
    code.blank();
    code.open("fn slot(&self, index: usize) -> SlotRef<'_> {");
    by_index(code, parts, "SlotRef", "&");
    code.close("}");
    code.blank();
    code.open("fn slot_mut(&mut self, index: usize) -> SlotMut<'_> {");
    by_index(code, parts, "SlotMut", "&mut ");
    code.close("}");
    code.blank();
    changed_since(code, parts);
    code.close("}");
    code.blank();
}

fn structure(code: &mut Code, parts: &Parts<'_>) {
    code.line("#[derive(Debug, Clone, PartialEq, Default)]");
    code.open(format_args!("pub struct {} {{", parts.name));
    for field in parts.fields {
        code.doc(&field.doc);
        let kind = match field.kind {
            Kind::Boolean => "bool",
            Kind::Date => "Date",
            _ => "String",
        };
        code.line(format_args!("pub {}: Slot<{kind}>,", field.ident));
    }
    code.close("}");
    code.blank();
}

/// The enum that counts the fields, and the way from an index to a field.
fn counted(code: &mut Code, parts: &Parts<'_>) {
    let Parts {
        name,
        table,
        field,
        fields,
        ..
    } = parts;
    code.doc(format_args!(
        "The fields of [`{name}`], in the order of [`{table}`]: `as usize` is a field's index there."
    ));
    code.line("#[derive(Debug, Clone, Copy)]");
    code.open(format_args!("pub enum {field} {{"));
    for field in *fields {
        code.line(format_args!("{},", field.variant));
    }
    code.close("}");
    code.blank();
    code.open(format_args!("impl {field} {{"));
    code.open("const ALL: &[Self] = &[");
    code.line("// As declared.");
    for field in *fields {
        code.line(format_args!("Self::{},", field.variant));
    }
    code.close("];");
    code.blank();
    code.open("fn at(index: usize) -> Self {");
    let key = fields
        .get(parts.key)
        .map_or("", |field| field.variant.as_str());
    code.line(format_args!(
        "Self::ALL.get(index).copied().unwrap_or(Self::{key})"
    ));
    code.close("}");
    code.close("}");
    code.blank();
}

fn table(code: &mut Code, parts: &Parts<'_>) {
    code.doc(format_args!("The table of [`{}`].", parts.name));
    code.open(format_args!(
        "pub static {}: EntityDescriptor = EntityDescriptor {{",
        parts.table
    ));
    code.line(format_args!("name: {:?},", parts.object));
    code.open("fields: &[");
    code.line("// Sorted by path.");
    for field in parts.fields {
        row(code, field);
    }
    code.close("],");
    code.line(format_args!(
        "new: |_| Box::new({}::default()),",
        parts.name
    ));
    code.close("};");
    code.blank();
}

fn row(code: &mut Code, field: &Field) {
    let path = path(&field.path);
    let mut name = "FieldDescriptor::new";
    let kind = match &field.kind {
        Kind::Text => "Kind::Text".to_owned(),
        Kind::Boolean => "Kind::Boolean".to_owned(),
        Kind::Date => "Kind::Date".to_owned(),
        Kind::DateTime => "Kind::DateTime".to_owned(),
        Kind::Decimal { scale: Scale::Any } => "Kind::Decimal { scale: ANY_SCALE }".to_owned(),
        Kind::Decimal {
            scale: Scale::Digits(digits),
        } => format!("Kind::Decimal {{ scale: {digits} }}"),
        Kind::Lookup { static_name, .. } => format!("Kind::Lookup(&{static_name})"),
        Kind::Reference { mapping } => {
            name = "FieldDescriptor::reference";
            format!("{mapping:?}")
        }
    };
    let mut links = Vec::new();
    links.extend(
        field
            .max_length
            .map(|length| format!(".max_length({length})")),
    );
    let digits = field.whole_digits;
    links.extend(digits.map(|digits| format!(".whole_digits({digits})")));
    let flags = [
        (field.pii, ".pii()"),
        (field.create_only, ".create_only()"),
        (field.needs_npsp, ".needs_npsp()"),
        (field.required, ".required()"),
        (field.demanded, ".demanded()"),
    ];
    links.extend(
        flags
            .into_iter()
            .filter(|(set, _)| *set)
            .map(|(_, link)| link.to_owned()),
    );
    code.chain(name, &[&path, &kind], &links);
}

fn by_index(code: &mut Code, parts: &Parts<'_>, slot: &str, borrow: &str) {
    code.open(format_args!("match {}::at(index) {{", parts.field));
    for field in parts.fields {
        let variant = match field.kind {
            Kind::Boolean => "Boolean",
            Kind::Date => "Date",
            _ => "Text",
        };
        code.arm(
            &format!("{}::{}", parts.field, field.variant),
            &format!("{slot}::{variant}({borrow}self.{})", field.ident),
        );
    }
    code.close("}");
}

fn changed_since(code: &mut Code, parts: &Parts<'_>) {
    code.open("fn changed_since(&self, base: &dyn Entity) -> Mask {");
    code.open("let Some(base) = (base as &dyn Any).downcast_ref::<Self>() else {");
    code.line("return present(self);");
    code.close("};");
    code.line("let mut changes = Changes::default();");
    for field in parts.fields {
        let (now, before) = (
            format!("&self.{}", field.ident),
            format!("&base.{}", field.ident),
        );
        code.method("", "changes", ("note", &[&now, &before]), ";");
    }
    code.line("changes.mask()");
    code.close("}");
}
