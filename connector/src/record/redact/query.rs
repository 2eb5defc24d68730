//! Addresses: paths with ids and keys, parameters, and the literals of SOQL.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

use super::Redactor;
use super::body::is_plain_name;
use super::values::moment;

/// All but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Parts of paths that are Salesforce's own. Any other part may be a value.
const RESOURCES: [&str; 18] = [
    "async",
    "batch",
    "composite",
    "data",
    "failedResults",
    "graph",
    "ingest",
    "jobs",
    "limits",
    "oauth2",
    "query",
    "queryAll",
    "services",
    "sobjects",
    "successfulResults",
    "token",
    "tree",
    "unprocessedrecords",
];

/// `v67.0`.
fn is_version(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(|number| {
        number
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}

impl Redactor {
    /// The object whose records a path is about.
    pub(super) fn object_of_path(&self, path: &str) -> Option<String> {
        let path = path.split('?').next().unwrap_or_default();
        let (_, rest) = path.split_once("/sobjects/")?;
        let object = rest.split('/').next().unwrap_or_default();
        (!object.is_empty()).then(|| object.to_owned())
    }

    /// `/sobjects/OBJECT/ID` or `/sobjects/OBJECT/FIELD/VALUE` or `/query/LOCATOR`: values go, names stay.
    pub(super) fn path(&mut self, path: &str) -> String {
        let parts: Vec<&str> = path.split('/').collect();
        let after_objects = parts.iter().position(|part| *part == "sobjects");
        let after_query = parts
            .iter()
            .position(|part| matches!(*part, "query" | "queryAll"));
        let redacted = parts.iter().enumerate().map(|(place, part)| {
            let part = decoded(part);
            match (after_objects, after_query) {
                (_, Some(at)) if place > at => self.locator(&part),
                (Some(at), _) if place == at + 1 && is_plain_name(&part) => self.named(part),
                (Some(at), _) if place == at + 2 && self.is_below_object(&part) => self.named(part),
                // A node of a graph names what an earlier one answered.
                _ if part.starts_with("@{") && part.ends_with('}') => part,
                _ if part.is_empty() || RESOURCES.contains(&part.as_str()) || is_version(&part) => {
                    part
                }
                _ => encoded(&self.text(None, &part)),
            }
        });
        redacted.collect::<Vec<String>>().join("/")
    }

    /// Remembers a name of the API, which messages may quote.
    fn named(&mut self, name: String) -> String {
        self.names.insert(name.clone());
        name
    }

    /// Returns whether the part after an object names a field or a resource, and no record.
    fn is_below_object(&self, part: &str) -> bool {
        let is_custom = part.ends_with("__c") && is_plain_name(part);
        is_custom
            || self.fields.has_field(part)
            || matches!(part, "describe" | "updated" | "deleted" | "listviews")
    }

    /// An address within a body: the host goes, the path is as any.
    pub(super) fn address(&mut self, address: &str) -> String {
        let path = match address.split_once("://") {
            Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or(""),
            None => address,
        };
        match path.split_once('?') {
            None => self.path(path),
            Some((path, query)) => {
                let path = self.path(path);
                let pairs = self.query(query).into_iter();
                let pairs = pairs.map(|(name, value)| format!("{name}={}", encoded(&value)));
                format!("{path}?{}", pairs.collect::<Vec<String>>().join("&"))
            }
        }
    }

    /// `01gRO0000016PIAYA2-2000`: the cursor goes, the place in it stays.
    fn locator(&mut self, text: &str) -> String {
        match text.rsplit_once('-') {
            Some((cursor, place)) if place.bytes().all(|byte| byte.is_ascii_digit()) => {
                format!("{}-{place}", self.words(cursor))
            }
            _ => self.words(text),
        }
    }

    /// The parameters of an address.
    pub(super) fn query(&mut self, query: &str) -> Vec<(String, String)> {
        let redacted = form_urlencoded::parse(query.as_bytes()).map(|(name, value)| {
            let value = match name.as_ref() {
                "q" => self.soql(&value),
                "fields" | "allOrNone" | "updateOnly" | "_HttpMethod" => value.into_owned(),
                _ => {
                    let each = value.split(',').map(|one| self.text(None, one));
                    each.collect::<Vec<String>>().join(",")
                }
            };
            (name.into_owned(), value)
        });
        redacted.collect()
    }

    /// A query, with every literal replaced.
    pub(super) fn soql(&mut self, soql: &str) -> String {
        let mut redacted = String::with_capacity(soql.len());
        let mut word = String::new();
        let mut letters = soql.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\'' => {
                    self.bare(&mut word, &mut redacted);
                    let mut text = String::new();
                    while let Some(letter) = letters.next() {
                        match letter {
                            '\'' => break,
                            '\\' => text.extend(letters.next().map(unescaped)),
                            other => text.push(other),
                        }
                    }
                    let replaced = self.text(None, &text);
                    redacted.push_str(&runtime::salesforce::soql_text(&replaced));
                }
                letter if letter.is_alphanumeric() || "_.:+-".contains(letter) => word.push(letter),
                other => {
                    self.bare(&mut word, &mut redacted);
                    redacted.push(other);
                }
            }
        }
        self.bare(&mut word, &mut redacted);
        redacted
    }

    /// A word outside of quotes: a name, a number, or a date.
    fn bare(&mut self, word: &mut String, redacted: &mut String) {
        match moment(word, self.days) {
            Some(moved) => redacted.push_str(&moved),
            None => redacted.push_str(word),
        }
        for part in word.split('.').filter(|part| is_plain_name(part)) {
            self.names.insert(part.to_owned());
        }
        word.clear();
    }
}

/// The letter that follows a backslash in SOQL.
fn unescaped(letter: char) -> char {
    match letter {
        'n' | 'N' => '\n',
        'r' | 'R' => '\r',
        't' | 'T' => '\t',
        'b' | 'B' => '\u{8}',
        'f' | 'F' => '\u{c}',
        other => other,
    }
}

/// `%41` is `A`.
fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

/// Everything but letters, digits and `-._~` as `%41`.
pub(in crate::record) fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, RESERVED).to_string()
}
