//! What fits where, one value or one field at a time.

use serde_json::Value;

use crate::mutations::files::Entry;

/// A property of the entity, with what its outer object adds.
pub struct Property {
    pub schema: Value,
    pub nullable: bool,
    pub required: bool,
    pub read_only: bool,
}

pub fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

pub fn is_text(to: &Value) -> bool {
    [
        "string",
        "textarea",
        "email",
        "phone",
        "url",
        "picklist",
        "multipicklist",
        "combobox",
        "encryptedstring",
    ]
    .iter()
    .any(|kind| to["type"] == **kind)
}

pub fn max_length(schema: &Value) -> Option<u64> {
    let longest = schema["enum"].as_array().map(|list| {
        list.iter()
            .filter_map(Value::as_str)
            .map(|text| text.len() as u64)
            .max()
            .unwrap_or(0)
    });
    longest.or(schema["maxLength"].as_u64())
}

fn values(to: &Value) -> Vec<&str> {
    let list = to["picklistValues"].as_array().into_iter().flatten();
    list.filter(|value| value["active"] != false)
        .filter_map(|value| value["value"].as_str())
        .collect()
}

/// Why a record's field never has this value.
pub fn of_record(to: &Value, value: &Value) -> Option<String> {
    let said = |why: &str| Some(why.to_owned());
    let listed = values(to);
    match value {
        Value::Bool(_) => (to["type"] != "boolean").then(|| "of another type".to_owned()),
        Value::String(text) if is_text(to) => {
            if to["length"]
                .as_u64()
                .is_some_and(|length| length > 0 && text.chars().count() as u64 > length)
            {
                return said("too long");
            }
            (to["type"] == "picklist" && !listed.is_empty() && !listed.contains(&text.as_str()))
                .then(|| "no such value".to_owned())
        }
        Value::String(text) if to["type"] == "date" => {
            (text.len() != 10).then(|| "no date".to_owned())
        }
        Value::Number(_) => (!is_text(to)
            && !["double", "currency", "int", "percent", "long"]
                .iter()
                .any(|kind| to["type"] == **kind))
        .then(|| "of another type".to_owned()),
        _ => said("of another type"),
    }
}

pub fn constant(value: &Value, to: &Value) -> Option<String> {
    let is_number = value.is_number() && !is_text(to);
    let is_blank = value.as_str().is_some_and(|text| text.trim().is_empty());
    let address = value
        .as_str()
        .is_some_and(|text| text.contains('@') && text.contains('.'));
    if is_number || is_blank || (to["type"] == "email" && !address) {
        return Some("no constant for it".to_owned());
    }
    // A number that stands for text is the text of it.
    match value {
        Value::Number(number) => of_record(to, &Value::from(number.to_string())),
        other => of_record(to, other),
    }
}

/// Forward: does what the source may hold fit?
pub fn fits(from: &Property, to: &Value, convert: Option<&str>) -> Option<String> {
    let said = |why: &str| Some(why.to_owned());
    let kind: Vec<&str> = types(&from.schema)
        .into_iter()
        .filter(|kind| *kind != "null")
        .collect();
    let types_fit = match (kind.as_slice(), convert) {
        (["string"], None | Some("email" | "phone")) => is_text(to),
        (["string"], Some("date")) => to["type"] == "date",
        (["boolean"], None | Some("not")) => to["type"] == "boolean",
        _ => false,
    };
    if !types_fit {
        return said("types");
    }
    let format = from.schema["format"].as_str();
    let kind = to["type"].as_str().unwrap_or_default();
    let free = ["string", "textarea", "combobox", "encryptedstring"].contains(&kind);
    let same_kind = match (convert, format) {
        (Some("email"), None | Some("email")) => free || kind == "email",
        (Some("phone"), None) => free || kind == "phone",
        (Some("date"), None | Some("date" | "date-time")) | (Some("not"), _) => true,
        (Some(_), _) => false,
        (None, None) => kind != "email",
        (None, Some("email")) => free || kind == "email",
        (None, Some("uri")) => free || kind == "url",
        (None, Some("date" | "date-time" | "uuid")) => free,
        (None, Some(_)) => true,
    };
    if !same_kind {
        return said("another kind of text");
    }
    let length = to["length"]
        .as_u64()
        .filter(|length| *length > 0 && is_text(to));
    if let (Some(most), Some(length)) = (max_length(&from.schema), length)
        && most > length
    {
        return said("too long");
    }
    let listed = values(to);
    let has_values = to["type"] == "picklist" || to["type"] == "multipicklist";
    if to["restrictedPicklist"] == true && has_values {
        let Some(own) = from.schema["enum"].as_array() else {
            return said("any text");
        };
        let strange = own
            .iter()
            .filter_map(Value::as_str)
            .any(|value| !listed.is_empty() && !listed.contains(&value));
        return strange.then(|| "a value that the picklist lacks".to_owned());
    }
    None
}

/// Back: does what Salesforce may hold fit?
pub fn goes_back(from: &Property, to: &Value, entry: &Entry) -> Option<String> {
    let said = |why: &str| Some(why.to_owned());
    let required = entry.is("required");
    let boolean = to["type"] == "boolean";
    if from.nullable && to["nillable"] != true && !boolean && !required {
        return said("null that Salesforce refuses");
    }
    if !from.nullable && to["nillable"] == true && !boolean && !required {
        return said("blank that the source refuses");
    }
    if boolean {
        return None;
    }
    if let Some(own) = from.schema["enum"].as_array() {
        let listed = values(to);
        let closed = to["restrictedPicklist"] == true && !listed.is_empty();
        let strange = listed
            .iter()
            .any(|value| !own.contains(&Value::from(*value)));
        return (!closed || strange).then(|| "a value that the source lacks".to_owned());
    }
    if to["type"] == "date" {
        let most = from.schema["maxLength"].as_u64();
        return (from.schema["format"] == "date-time" || most.is_some_and(|most| most < 10))
            .then(|| "a date back".to_owned());
    }
    if let (Some(most), Some(length)) = (from.schema["maxLength"].as_u64(), to["length"].as_u64())
        && length > most
    {
        return said("too long for the source");
    }
    if from.schema["pattern"].is_string() || from.schema["minLength"].as_u64() > Some(1) {
        return said("a form that Salesforce does not know");
    }
    let kept = match from.schema["format"].as_str() {
        Some("email") => to["type"] == "email" || entry.word("convert") == Some("email"),
        Some("uri") => to["type"] == "url",
        Some("date" | "date-time" | "uuid" | "time") => false,
        _ => true,
    };
    (!kept).then(|| "a format that Salesforce does not keep".to_owned())
}
