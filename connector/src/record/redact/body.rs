//! Bodies of JSON: members keep their names, values are replaced by what their field is.

use serde_json::{Map, Value};

use super::{GONE, Redactor};

/// Members whose numbers count things of the envelope.
const COUNTS: [&str; 9] = [
    "totalsize",
    "size",
    "httpstatuscode",
    "maxbatchsize",
    "max",
    "remaining",
    "matchconfidence",
    "numberrecordsprocessed",
    "numberrecordsfailed",
];
/// Members whose texts are structure: kinds, codes and the caller's own labels.
const STRUCTURE: [&str; 9] = [
    "type",
    "entitytype",
    "duplicateruleentitytype",
    "matchengine",
    "errorcode",
    "statuscode",
    "referenceid",
    "method",
    "operation",
];
/// Members of a catalogue whose texts are kept; of its other texts only that they are texts.
const CATALOGUE: [&str; 14] = [
    "name",
    "type",
    "soapType",
    "value",
    "relationshipName",
    "compoundFieldName",
    "keyPrefix",
    "encoding",
    "version",
    "extraTypeInfo",
    "field",
    "childSObject",
    "controllerName",
    "referenceTo",
];

impl Redactor {
    /// A value of the member `name` of a record of this object.
    pub(super) fn json(&mut self, value: Value, object: Option<&str>, name: Option<&str>) -> Value {
        match value {
            Value::Object(members) => self.object(members, object),
            Value::Array(items) => {
                let items = items.into_iter();
                Value::Array(items.map(|item| self.json(item, object, name)).collect())
            }
            Value::String(text) => Value::from(self.member(&text, object, name)),
            Value::Number(number) => {
                let member = name.unwrap_or_default();
                match COUNTS.contains(&member.to_lowercase().as_str()) {
                    true => Value::Number(number),
                    false => {
                        let kind = self.fields.kind(object, member).map(str::to_owned);
                        self.number(kind.as_deref(), member, &number)
                    }
                }
            }
            other => other,
        }
    }

    fn object(&mut self, members: Map<String, Value>, outer: Option<&str>) -> Value {
        let attributes = members.get("attributes").and_then(|of| of.get("type"));
        let url = members.get("url").and_then(Value::as_str);
        let own = attributes.and_then(Value::as_str).map(str::to_owned);
        let own = own.or_else(|| self.object_of_path(url?));
        // An error's code decides whose words its message is.
        let code = ["errorCode", "statusCode"].into_iter();
        let code = code.filter_map(|name| members.get(name)?.as_str()).next();
        let code = code.map(str::to_owned);
        let object = own.as_deref().or(outer);
        let redacted = members.into_iter().map(|(name, value)| {
            let value = match (name.as_str(), value) {
                ("message" | "errorMessage" | "error_description", Value::String(text)) => {
                    Value::from(match code.as_deref() {
                        // The org's own words, whatever they say.
                        Some("FIELD_CUSTOM_VALIDATION_EXCEPTION") => self.words(&text),
                        _ => self.message(&text),
                    })
                }
                // Names of fields, in an error.
                ("fields", Value::Array(names)) if names.iter().all(Value::is_string) => {
                    Value::Array(names)
                }
                (name, value) => self.json(value, object, Some(name)),
            };
            (self.member_name(name), value)
        });
        Value::Object(redacted.collect())
    }

    fn member(&mut self, text: &str, object: Option<&str>, name: Option<&str>) -> String {
        let member = name.unwrap_or_default();
        match member.to_lowercase().as_str() {
            kept if STRUCTURE.contains(&kept) && is_plain_name(text) => text.to_owned(),
            "url" | "location" | "nextrecordsurl" => self.address(text),
            "graphid" => self.words(text),
            _ if text.starts_with("@{") && text.ends_with('}') => text.to_owned(),
            "access_token" | "refresh_token" | "client_secret" | "assertion" | "signature" => {
                GONE.to_owned()
            }
            _ => {
                let kind = self.fields.kind(object, member).map(str::to_owned);
                self.text(kind.as_deref(), text)
            }
        }
    }

    /// Names of members are names of the API; what is none was somebody's, such as an app's in the limits.
    fn member_name(&mut self, name: String) -> String {
        if is_plain_name(&name) {
            self.names.insert(name.clone());
            return name;
        }
        self.words(&name)
    }

    /// Redacts a list of what the org has: names and kinds stay, labels and helps go.
    pub(super) fn catalogue(&mut self, value: Value) -> Value {
        match value {
            Value::Object(members) => {
                let kept = members.into_iter().map(|(name, value)| {
                    let value = match value {
                        Value::String(text) if CATALOGUE.contains(&name.as_str()) => {
                            Value::from(text)
                        }
                        Value::String(text) if name == "url" => Value::from(self.address(&text)),
                        Value::String(_) => Value::from(GONE),
                        Value::Array(items) if CATALOGUE.contains(&name.as_str()) => {
                            Value::Array(items)
                        }
                        other => self.catalogue(other),
                    };
                    (self.member_name(name), value)
                });
                Value::Object(kept.collect())
            }
            Value::Array(items) => {
                let items = items.into_iter();
                Value::Array(items.map(|item| self.catalogue(item)).collect())
            }
            Value::String(_) => Value::from(GONE),
            other => other,
        }
    }
}

/// Letters, digits, dots and underscores, a letter first: so the API names things.
pub(super) fn is_plain_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
}
