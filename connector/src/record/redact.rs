//! Redaction: nothing that the org knows of people, and no secret, reaches the disk.
//!
//! Equal values get equal replacements, so that what belongs together stays together. Structure stays: names of members,
//! objects and fields, error codes, picklist values, truths, counts.

mod body;
mod fields;
mod messages;
mod query;
mod values;

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use serde_json::{Map, Value};

use super::exchange::{Answered, Asked};
pub use fields::Fields;
pub(super) use query::encoded;

/// Headers that are kept, of either side. No other reaches the disk.
const HEADERS: [&str; 8] = [
    "content-type",
    "if-unmodified-since",
    "retry-after",
    "sforce-call-options",
    "sforce-duplicate-rule-header",
    "sforce-limit-info",
    "sforce-query-options",
    "warning",
];

/// Stands for a secret.
const GONE: &str = "(redacted)";

/// Replacements that were given so far.
pub struct Redactor {
    fields: Fields,
    /// Values that are nobody's, such as those that the probes write: in lower case, without blanks around them.
    own: HashSet<String>,
    /// Replacements of texts, by their kind and what they were in lower case.
    given: HashMap<String, String>,
    /// Count of replacements of each kind.
    counts: HashMap<&'static str, u64>,
    /// Originals of texts that were replaced, to find them again in messages.
    seen: HashMap<String, String>,
    /// Names of members, objects and fields, which messages quote.
    names: HashSet<String>,
    /// Days that are added to every date.
    days: i32,
    /// Every amount is multiplied by this, so that sums still hold.
    factor: u32,
}

impl Redactor {
    /// With a shift of dates and a factor of amounts that nobody is told.
    pub fn new(fields: Fields) -> Self {
        Redactor {
            fields,
            own: HashSet::new(),
            given: HashMap::new(),
            counts: HashMap::new(),
            seen: HashMap::new(),
            names: HashSet::new(),
            days: -fastrand::i32(30..700),
            factor: fastrand::u32(11..98),
        }
    }

    /// Lets values through that are nobody's.
    pub fn keep(&mut self, values: impl IntoIterator<Item = String>) {
        let folded = values.into_iter().map(|value| value.trim().to_lowercase());
        self.own.extend(folded);
    }

    /// The request as it may be stored.
    pub fn request(&mut self, request: &Request<Bytes>) -> Asked {
        let uri = request.uri();
        let object = self.object_of_path(uri.path());
        let path = self.path(uri.path());
        let query = self.query(uri.query().unwrap_or_default());
        let body = if is_token(uri.path()) {
            form(request.body())
        } else {
            self.body_of(request.body(), request.headers(), object.as_deref())
        };
        Asked {
            method: request.method().to_string(),
            path,
            query,
            headers: self.headers(request.headers()),
            body,
        }
    }

    /// The answer as it may be stored. `path` is that of its request.
    pub fn answer(&mut self, path: &str, answer: &Response<Bytes>) -> Answered {
        let body = if is_token(path) {
            self.token(answer.body())
        } else if is_catalogue(path) {
            let body = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
            self.catalogue(body)
        } else {
            let object = self.object_of_path(path);
            self.body_of(answer.body(), answer.headers(), object.as_deref())
        };
        Answered {
            status: answer.status().as_u16(),
            headers: self.headers(answer.headers()),
            body,
        }
    }

    fn headers(&mut self, headers: &HeaderMap) -> Map<String, Value> {
        let kept = HEADERS.iter().filter_map(|name| {
            let value = headers.get(*name)?.to_str().ok()?;
            let value = match *name {
                "if-unmodified-since" => self.mail_date(value),
                _ => value.to_owned(),
            };
            Some(((*name).to_owned(), Value::from(value)))
        });
        kept.collect()
    }

    /// A body of JSON, redacted; of anything else no more than its length.
    fn body_of(&mut self, body: &Bytes, headers: &HeaderMap, object: Option<&str>) -> Value {
        if body.is_empty() {
            return Value::Null;
        }
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => self.json(value, object, None),
            Err(_) => {
                let kind = headers.get(http::header::CONTENT_TYPE);
                let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("none");
                Value::from(format!("({} bytes that are no JSON, {kind})", body.len()))
            }
        }
    }

    /// The answer of the token endpoint: who we are and the token are gone.
    fn token(&mut self, body: &Bytes) -> Value {
        let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
            return Value::Null;
        };
        let kept = members.into_iter().map(|(name, value)| {
            let value = match name.as_str() {
                "token_type" | "scope" | "token_format" | "error" => value,
                "error_description" => {
                    Value::from(self.message(value.as_str().unwrap_or_default()))
                }
                "instance_url" => Value::from("https://org.example"),
                "issued_at" => Value::from("0"),
                _ => Value::from(GONE),
            };
            (name, value)
        });
        Value::Object(kept.collect())
    }
}

/// The log-in, of which only the grant is kept.
fn form(body: &Bytes) -> Value {
    let kept = form_urlencoded::parse(body).map(|(name, value)| {
        let value = match name.as_ref() {
            "grant_type" => value.into_owned(),
            _ => GONE.to_owned(),
        };
        (name.into_owned(), Value::from(value))
    });
    Value::Object(kept.collect())
}

/// Returns whether the path is that of the token endpoint.
pub fn is_token(path: &str) -> bool {
    path.starts_with("/services/oauth2/")
}

/// Returns whether the path answers with what the org has, and not with records.
pub fn is_catalogue(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    matches!(last, "describe" | "sobjects" | "limits" | "data") && !path.contains("/composite")
}

#[cfg(test)]
mod tests;
