//! JSON text to the same tree as YAML's, in which every key and value has its place.
//!
//! Schemas are JSON, and a describe may have megabytes: they are read by a reader of JSON, which knows no indentation,
//! no aliases and no implicit types. Each level borrows the text of its members, so that a member's place is where its
//! text lies in the whole. That reads a text once for each level, so `quick` comes first.

mod quick;

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::diagnostic::{Code, Diagnostic};
use crate::parse::{Entry, Node, Value, twice};
use crate::span::{FileId, Span, Spanned};

/// A describe of 800 fields with long picklists has about 4 MB.
const BYTES_MAX: usize = 32 * 1024 * 1024;
/// Describes nest five levels deep, JSON Schemas a few more.
const DEPTH_MAX: usize = 60;

/// The tree of one schema file.
///
/// # Errors
/// What is wrong, once: the file is no JSON, is too large or too deep, or says something twice.
pub fn parse(file: FileId, text: &str) -> Result<Node, Box<Diagnostic>> {
    quickly(file, text).map_or_else(|| thoroughly(file, text), Ok)
}

/// The tree of a file that holds nothing unusual; nothing where only [`thoroughly`] can tell.
pub fn quickly(file: FileId, text: &str) -> Option<Node> {
    let fits = text.len() <= BYTES_MAX;
    fits.then(|| quick::read(file, text)).flatten()
}

/// The same of any file, level by level.
///
/// # Errors
/// As [`parse`].
pub fn thoroughly(file: FileId, text: &str) -> Result<Node, Box<Diagnostic>> {
    let reader = Reader { file, whole: text };
    if text.len() > BYTES_MAX {
        let message = format!("it is larger than {BYTES_MAX} bytes");
        return Err(reader.broken(0..0, &message, "too large"));
    }
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let root: &RawValue = serde_json::from_str(body).map_err(|error| reader.syntax(&error))?;
    reader.node(root, 0)
}

struct Reader<'t> {
    file: FileId,
    whole: &'t str,
}

impl<'t> Reader<'t> {
    fn node(&self, raw: &'t RawValue, depth: usize) -> Result<Node, Box<Diagnostic>> {
        let text = raw.get();
        if depth > DEPTH_MAX {
            let range = self.range(text);
            return Err(self.broken(range.start..range.start, "it nests too deep", "here"));
        }
        let value = match text.as_bytes().first() {
            Some(b'{') => self.map(text, depth)?,
            Some(b'[') => {
                let items: Vec<&'t RawValue> =
                    serde_json::from_str(text).map_err(|error| self.syntax(&error))?;
                let items = items.into_iter().map(|item| self.node(item, depth + 1));
                Value::List(items.collect::<Result<_, _>>()?)
            }
            Some(b'"') => Value::Scalar {
                text: self.string(text)?,
                plain: false,
            },
            _ => Value::Scalar {
                text: text.to_owned(),
                plain: true,
            },
        };
        Ok(Node {
            value,
            span: self.span(self.range(text)),
        })
    }

    /// A text without escapes is what stands between its quotes.
    fn string(&self, text: &str) -> Result<String, Box<Diagnostic>> {
        let inner = text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .filter(|inner| !inner.contains('\\'));
        match inner {
            Some(inner) => Ok(inner.to_owned()),
            None => serde_json::from_str(text).map_err(|error| self.syntax(&error)),
        }
    }

    fn map(&self, text: &'t str, depth: usize) -> Result<Value, Box<Diagnostic>> {
        let members: Members<'t> =
            serde_json::from_str(text).map_err(|error| self.syntax(&error))?;
        let mut entries: Vec<Entry> = Vec::with_capacity(members.0.len());
        for (key, raw) in members.0 {
            let place = match &key {
                // The quotes belong to the key.
                Cow::Borrowed(key) => {
                    let inner = self.range(key);
                    inner.start.saturating_sub(1)..inner.end + 1
                }
                Cow::Owned(_) => self.range(raw.get()),
            };
            entries.push(Entry {
                key: Spanned::new(key.into_owned(), self.span(place)),
                value: self.node(raw, depth + 1)?,
            });
        }
        match twice(&entries) {
            Some(name) => {
                let message = format!("`{}` is written twice", name.value);
                let range = name.span.start as usize..name.span.end as usize;
                Err(self.broken(range, &message, "again here"))
            }
            None => Ok(Value::Map(entries)),
        }
    }

    /// Where a part of the text lies in it.
    fn range(&self, part: &str) -> std::ops::Range<usize> {
        let start = (part.as_ptr() as usize).saturating_sub(self.whole.as_ptr() as usize);
        let end = (start + part.len()).min(self.whole.len());
        start.min(end)..end
    }

    fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span {
            file: self.file,
            start: range.start as u32,
            end: range.end as u32,
        }
    }

    /// The place of an error in the whole text: inner texts were read once already and have none.
    fn syntax(&self, error: &serde_json::Error) -> Box<Diagnostic> {
        let line_start = self
            .whole
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum::<usize>();
        let mut at = (line_start + error.column().saturating_sub(1)).min(self.whole.len());
        while !self.whole.is_char_boundary(at) {
            at -= 1;
        }
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default();
        self.broken(at..at, &format!("it is not JSON: {what}"), "here")
    }

    fn broken(&self, range: std::ops::Range<usize>, message: &str, label: &str) -> Box<Diagnostic> {
        let message = format!("the schema cannot be read: {message}");
        Box::new(
            Diagnostic::error(Code::BROKEN_SCHEMA, self.span(range), message, label)
                .help("mend the file, or pull it again"),
        )
    }
}

/// The members of one object, in their order.
struct Members<'t>(Vec<(Cow<'t, str>, &'t RawValue)>);

/// A key that borrows from the text where it has no escapes.
#[derive(Deserialize)]
struct Key<'t>(#[serde(borrow)] Cow<'t, str>);

impl<'de: 't, 't> Deserialize<'de> for Members<'t> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Key(key), value)) = map.next_entry()? {
                    members.push((key, value));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(InOrder).map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::parse::{Node, Value};
    use crate::span::FileId;

    fn at<'t>(text: &'t str, node: &Node) -> &'t str {
        &text[node.span.start as usize..node.span.end as usize]
    }

    #[test]
    fn every_value_has_its_place() {
        let text =
            "\u{feff}{\t\"é\": [1, \"a\\u00e9\\ud83d\\ude00\"],\r\n \"b\": {\"c\\/d\": null}}";
        let root = parse(FileId(0), text).unwrap();
        let list = root.get("é").unwrap();
        assert_eq!(at(text, list), "[1, \"a\\u00e9\\ud83d\\ude00\"]");
        assert_eq!(list.items()[1].text(), Some("aé😀"));
        let inner = root.get("b").and_then(|inner| inner.get("c/d")).unwrap();
        assert!(inner.is_null());
        assert_eq!(at(text, inner), "null");
        let Value::Map(entries) = &root.value else {
            panic!("no map");
        };
        let key = entries[0].key.span;
        assert_eq!(&text[key.start as usize..key.end as usize], "\"é\"");
    }

    #[test]
    fn what_is_wrong_is_said_at_its_place() {
        let deep = "[".repeat(5000) + &"]".repeat(5000);
        for (text, at, message) in [
            ("{\"a\": 1,\n \"b\": }", 15, "not JSON"),
            ("", 0, "not JSON"),
            ("{\"a\": 1, \"a\": 2}", 9, "`a` is written twice"),
            ("key: value", 0, "not JSON"),
            (deep.as_str(), 61, "nests too deep"),
        ] {
            let found = parse(FileId(0), text).unwrap_err();
            assert_eq!(found.span.start, at, "{text:.40}");
            assert!(found.message.contains(message), "{}", found.message);
        }
    }
}
