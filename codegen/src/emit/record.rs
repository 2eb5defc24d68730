//! How a payload becomes a record, and a record a payload: one line a field.

use super::code::Code;
use crate::ir::{Mapping, Value};

/// `ContactPayload::from_row`.
pub fn from_row(code: &mut Code, mapping: &Mapping) {
    code.open(format_args!("impl {} {{", mapping.payload_struct));
    code.doc("Reads a row as Ticketure sends it.");
    code.line("///");
    code.doc("# Errors");
    code.doc("Names each member that does not fit the schema.");
    code.open("pub fn from_row(row: &[u8]) -> Result<Self, RecordError> {");
    code.line("let mut payload = Self::default();");
    code.line("runtime::json::read_row(&mut payload, row)?;");
    code.line("Ok(payload)");
    code.close("}");
    code.close("}");
    code.blank();
}

/// `ContactRecord::from_payload`.
pub fn from_payload(code: &mut Code, mapping: &Mapping) {
    let Mapping {
        record_struct: record,
        payload_struct: payload,
        ..
    } = mapping;
    code.open(format_args!("impl {record} {{"));
    code.doc("Converts every mapped field.");
    code.line("///");
    code.doc("# Errors");
    code.doc("Names each field whose value cannot be converted or is too long.");
    code.open(format_args!(
        "pub fn from_payload(payload: {payload}) -> Result<Self, RecordError> {{"
    ));
    code.line("let mut conversions = Conversions::new(&MAPPING);");
    let fields = mapping.record.iter().zip(&mapping.values);
    let flat = fields.map(|(field, value)| flat(&field.ident, name(&field.path), value));
    if !code.short_struct("let record", record, &flat.collect::<Vec<_>>()) {
        code.open(format_args!("let record = {record} {{"));
        for (field, value) in mapping.record.iter().zip(&mapping.values) {
            assign(code, &field.ident, name(&field.path), value);
        }
        code.close("};");
    }
    code.line("conversions.finish(record)");
    code.close("}");
    code.close("}");
    code.blank();
}

/// Is there a conversion that needs a function?
pub fn converts(mapping: &Mapping) -> bool {
    mapping
        .values
        .iter()
        .any(|value| matches!(value, Value::Payload { function, .. } if *function != "same"))
}

/// The field and its value on one line.
fn flat(field: &str, destination: &str, value: &Value) -> String {
    match value {
        Value::Payload {
            ident,
            function,
            moves,
            ..
        } => {
            let cloned = if *moves { "" } else { ".clone()" };
            match *function {
                "same" => format!("{field}: payload.{ident}{cloned}"),
                function => format!(
                    "{field}: conversions.field({destination:?}, convert::{function}(payload.{ident}{cloned}))"
                ),
            }
        }
        Value::Text(text) => format!("{field}: Slot::text({text:?})"),
        Value::Boolean(truth) => format!("{field}: Slot::Value({truth})"),
        Value::Date(year, month, day) => {
            format!("{field}: Slot::Value(jiff::civil::date({year}, {month}, {day}))")
        }
    }
}

fn assign(code: &mut Code, field: &str, destination: &str, value: &Value) {
    match value {
        Value::Payload {
            ident,
            function,
            moves,
            ..
        } => {
            let cloned = if *moves { "" } else { ".clone()" };
            let value = format!("payload.{ident}{cloned}");
            match *function {
                "same" => code.assign(field, &value),
                function => converted(
                    code,
                    field,
                    destination,
                    &format!("convert::{function}({value})"),
                ),
            }
        }
        Value::Text(text) => {
            code.call(
                &format!("{field}: Slot::text"),
                &[&format!("{text:?}")],
                ",",
            );
        }
        Value::Boolean(truth) => code.assign(field, &format!("Slot::Value({truth})")),
        Value::Date(year, month, day) => code.assign(
            field,
            &format!("Slot::Value(jiff::civil::date({year}, {month}, {day}))"),
        ),
    }
}

fn converted(code: &mut Code, field: &str, destination: &str, value: &str) {
    let destination = format!("{destination:?}");
    code.method(
        &format!("{field}: "),
        "conversions",
        ("field", &[&destination, value]),
        ",",
    );
}

fn name(path: &[String]) -> &str {
    path.last().map_or("", String::as_str)
}

/// `ContactRecord::to_payload`, the way back, and what decides on it.
pub fn to_payload(code: &mut Code, mapping: &Mapping) {
    let Mapping {
        record_struct: record,
        payload_struct: payload,
        ..
    } = mapping;
    code.open(format_args!("impl {record} {{"));
    code.doc("Converts every field that goes back; the others stay absent.");
    code.open(format_args!(
        "pub fn to_payload(&self) -> ({payload}, Vec<FieldError>) {{"
    ));
    code.line("let mut conversions = Conversions::new(&MAPPING);");
    if !code.short_struct("let payload", payload, &flat_back(mapping)) {
        fields_back(code, mapping);
    }
    code.line("conversions.finish_back(payload)");
    code.close("}");
    code.blank();
    gates(code);
    code.close("}");
    code.blank();
}

/// The fields that go back on one line each, and that the others stay absent.
fn flat_back(mapping: &Mapping) -> Vec<String> {
    let fields = mapping.record.iter().zip(&mapping.values);
    let back = fields.zip(&mapping.sync).filter(|(_, sync)| sync.both);
    let back = back.filter_map(|((field, value), _)| match value {
        Value::Payload {
            ident, function, ..
        } => Some(match *function {
            "same" => format!("{ident}: self.{}.clone()", field.ident),
            function => format!(
                "{ident}: conversions.field({:?}, convert::back::{function}(self.{}.clone()))",
                name(&field.path),
                field.ident
            ),
        }),
        Value::Text(_) | Value::Boolean(_) | Value::Date(..) => None,
    });
    let rest = format!("..{}::default()", mapping.payload_struct);
    back.chain(mapping.some_stay_absent.then_some(rest))
        .collect()
}

fn fields_back(code: &mut Code, mapping: &Mapping) {
    let payload = &mapping.payload_struct;
    code.open(format_args!("let payload = {payload} {{"));
    let fields = mapping.record.iter().zip(&mapping.values);
    for ((field, value), sync) in fields.zip(&mapping.sync) {
        if let (
            true,
            Value::Payload {
                ident, function, ..
            },
        ) = (sync.both, value)
        {
            match *function {
                "same" => code.assign(ident, &format!("self.{}.clone()", field.ident)),
                function => converted(
                    code,
                    ident,
                    name(&field.path),
                    &format!("convert::back::{function}(self.{}.clone())", field.ident),
                ),
            }
        }
    }
    if mapping.some_stay_absent {
        code.line(format_args!("..{payload}::default()"));
    }
    code.close("};");
}

fn gates(code: &mut Code) {
    code.doc("The monitored fields that differ from `base`: their change lets the record go back.");
    code.open("pub fn monitored_changed(&self, base: &Self) -> Mask {");
    code.line("merge::monitored_changed(&MAPPING, self, base)");
    code.close("}");
    code.blank();
    code.doc("The required fields that are blank, by index: with one of them the record does not go back.");
    code.open("pub fn missing_required(&self) -> Vec<usize> {");
    code.line("merge::missing_required(&MAPPING, self)");
    code.close("}");
    code.blank();
    code.doc(
        "What is to be written to either side, given what both agreed on and what each has now.",
    );
    code.open("pub fn merge(base: &Self, source: &Self, destination: &Self) -> merge::Plan {");
    code.line("merge::merge(&MAPPING, base, source, destination, &merge::Clocks::default())");
    code.close("}");
}
