//! One handler trait a payload type, and the adapter by which the runtime calls it without knowing its types.

use super::code::{Code, Expr};
use crate::ir::{Handler, Mapping};

/// The module `on_identity_changed`.
pub fn handler(code: &mut Code, handler: &Handler, mappings: &[Mapping]) {
    let fed: Vec<&Mapping> = handler
        .mappings
        .iter()
        .filter_map(|index| mappings.get(*index))
        .collect();
    code.heading(format_args!(
        "//! `{}`: one method a mapping that it feeds.",
        handler.payload_type
    ));
    code.blank();
    imports(code, &fed);
    contract(code, handler, &fed);
    code.doc(format_args!(
        "Calls an implementation of [`{}`] by mapping name.",
        handler.trait_name
    ));
    code.line("#[derive(Debug, Clone, Copy, Default)]");
    code.line(format_args!(
        "pub struct {}<H>(pub H);",
        handler.adapter_name
    ));
    code.blank();
    let descriptors = fed
        .iter()
        .map(|mapping| Expr::leaf(format_args!("&{}::MAPPING", mapping.module)))
        .collect();
    code.definition(
        "static FED: &[&MappingDescriptor]",
        &Expr::List(descriptors),
    );
    code.blank();
    adapter(code, handler, &fed);
}

fn imports(code: &mut Code, fed: &[&Mapping]) {
    let both = fed.iter().any(|mapping| mapping.both);
    code.line("use runtime::entity::Entity;");
    if both {
        code.line("use runtime::handler::{Back, FieldError, Handler, RecordError, of_type};");
    } else {
        code.line("use runtime::handler::{Back, Handler, RecordError};");
    }
    code.line("use runtime::mapping::MappingDescriptor;");
    code.blank();
    for mapping in fed {
        let (payload, record) = (&mapping.payload_struct, &mapping.record_struct);
        code.import(
            &format!("super::{}", mapping.module),
            &["self", payload, record],
        );
    }
    code.blank();
}

/// The trait that a person implements.
fn contract(code: &mut Code, handler: &Handler, fed: &[&Mapping]) {
    code.doc(format_args!(
        "What the webhook `{}` does. Each default body is the compiled mapping.",
        handler.payload_type
    ));
    code.open(format_args!(
        "pub trait {}: Send + Sync {{",
        handler.trait_name
    ));
    for (number, mapping) in fed.iter().enumerate() {
        if number > 0 {
            code.blank();
        }
        method(code, mapping);
    }
    code.close("}");
    code.blank();
}

fn method(code: &mut Code, mapping: &Mapping) {
    let Mapping {
        module,
        payload_struct: payload,
        record_struct: record,
        ..
    } = mapping;
    code.doc(format_args!("`{}`.", mapping.file));
    code.line("///");
    code.doc("# Errors");
    code.doc("When a value cannot become its field.");
    let given = format!("payload: {payload}");
    let result = format!(" -> Result<{record}, RecordError> {{");
    code.call(&format!("fn {module}"), &["&self", &given], &result);
    code.line(format_args!("    {record}::from_payload(payload)"));
    code.line("}");
    if mapping.both {
        code.blank();
        code.doc(format_args!(
            "`{}`, the way back: what fits, and what does not.",
            mapping.file
        ));
        let given = format!("record: &{record}");
        let result = format!(" -> ({payload}, Vec<FieldError>) {{");
        code.call(&format!("fn {module}_back"), &["&self", &given], &result);
        code.line("    record.to_payload()");
        code.line("}");
    }
}

fn adapter(code: &mut Code, handler: &Handler, fed: &[&Mapping]) {
    let two_way: Vec<&&Mapping> = fed.iter().filter(|mapping| mapping.both).collect();
    code.open(format_args!(
        "impl<H: {}> Handler for {}<H> {{",
        handler.trait_name, handler.adapter_name
    ));
    code.open("fn payload_type(&self) -> &'static str {");
    code.line(format_args!("{:?}", handler.payload_type));
    code.close("}");
    code.blank();
    code.open("fn mappings(&self) -> &'static [&'static MappingDescriptor] {");
    code.line("FED");
    code.close("}");
    code.blank();
    code.open(
        "fn to_record(&self, mapping: &str, row: &[u8]) -> Result<Box<dyn Entity>, RecordError> {",
    );
    code.open("match mapping {");
    for mapping in fed {
        let Mapping {
            name,
            module,
            payload_struct: payload,
            ..
        } = mapping;
        let body = format!("Ok(Box::new(self.0.{module}({payload}::from_row(row)?)?))");
        code.arm(&format!("{name:?}"), &body);
    }
    code.line("other => Err(RecordError::UnknownMapping(other.to_owned())),");
    code.close("}");
    code.close("}");
    code.blank();
    let record = if two_way.is_empty() { "_" } else { "record" };
    code.open(format_args!(
        "fn back(&self, mapping: &str, {record}: &dyn Entity) -> Result<Back, RecordError> {{"
    ));
    code.open("match mapping {");
    for mapping in two_way {
        back_arm(code, mapping);
    }
    code.line("other => Err(RecordError::UnknownMapping(other.to_owned())),");
    code.close("}");
    code.close("}");
    code.close("}");
}

fn back_arm(code: &mut Code, mapping: &Mapping) {
    let Mapping {
        name,
        module,
        record_struct: record,
        ..
    } = mapping;
    code.open(format_args!("{name:?} => {{"));
    code.line(format_args!(
        "let record: &{record} = of_type(mapping, record)?;"
    ));
    code.line(format_args!(
        "let (payload, errors) = self.0.{module}_back(record);"
    ));
    code.line(format_args!(
        "let again = self.0.{module}(payload.clone());"
    ));
    let arguments = [
        &format!("&{module}::MAPPING"),
        "record",
        "payload",
        "errors",
        "again",
    ];
    code.call("Ok(Back::new", &arguments, ")");
    code.close("}");
}
