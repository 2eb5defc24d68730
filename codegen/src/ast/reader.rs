//! Taking a map apart key by key: what is asked for is taken, what is left over is reported.

use super::language::{self, Map};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::parse::{Entry, Node, Value};
use crate::span::{Span, Spanned};

/// Words of the mapping language that this version does not speak.
const LATER: &[&str] = &[
    "guard", "deferred", "optional", "on_error", "lossy", "from", "adopt",
];

/// The entries of one map and where it stands.
pub(super) struct Reader<'n, 's> {
    entries: Vec<(&'n Entry, bool)>,
    pub(super) span: Span,
    /// `the mapping`, `a field`.
    what: &'static str,
    known: &'static Map,
    pub(super) sink: &'s mut Vec<Diagnostic>,
}

impl<'n, 's> Reader<'n, 's> {
    /// A reader over a map; anything else is reported.
    pub(super) fn new(
        node: &'n Node,
        what: &'static str,
        known: &'static Map,
        sink: &'s mut Vec<Diagnostic>,
    ) -> Option<Self> {
        match &node.value {
            Value::Map(entries) => Some(Reader {
                entries: entries.iter().map(|entry| (entry, false)).collect(),
                span: node.span,
                what,
                known,
                sink,
            }),
            _ => {
                let label = format!("this is {}", node.kind());
                sink.push(
                    Diagnostic::error(
                        Code::WRONG_SHAPE,
                        node.span,
                        format!("{what} has to be a map of keys and values"),
                        label,
                    )
                    .help("write `key: value` pairs, one a line or in braces"),
                );
                None
            }
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.entries
            .iter()
            .any(|(entry, _)| entry.key.value == name)
    }

    /// The key is there, or was meant to be.
    pub(super) fn may_have(&self, name: &str) -> bool {
        self.has(name) || self.unknown().any(|key| looks_like(key, name))
    }

    /// Some key is not of the language: it may be any that seems to be missing.
    pub(super) fn has_unknown(&self) -> bool {
        self.unknown().next().is_some()
    }

    /// Keys that the language does not have here.
    fn unknown(&self) -> impl Iterator<Item = &str> {
        let keys = self
            .entries
            .iter()
            .map(|(entry, _)| entry.key.value.as_str());
        keys.filter(|key| !self.is_known(key))
    }

    fn is_known(&self, name: &str) -> bool {
        self.known.keys.iter().any(|key| key.name == name)
    }

    /// Where the key's value stands.
    pub(super) fn place(&self, name: &str) -> Option<Span> {
        let mut entries = self.entries.iter();
        let found = entries.find(|(entry, _)| entry.key.value == name);
        found.map(|(entry, _)| entry.value.span)
    }

    /// Where the key itself stands.
    pub(super) fn key_place(&self, name: &'static str) -> Option<Spanned<&'static str>> {
        let mut entries = self.entries.iter();
        let found = entries.find(|(entry, _)| entry.key.value == name);
        found.map(|(entry, _)| Spanned::new(name, entry.key.span))
    }

    /// The entry of a key. One that the language's list lacks is not found, so that it cannot be forgotten there.
    pub(super) fn take(&mut self, name: &str) -> Option<&'n Entry> {
        if !self.is_known(name) {
            return None;
        }
        let slot = self
            .entries
            .iter_mut()
            .find(|(entry, _)| entry.key.value == name)?;
        slot.1 = true;
        Some(slot.0)
    }

    /// The key's text, reported when it is not there.
    pub(super) fn demand(&mut self, name: &'static str) -> Option<Spanned<String>> {
        match self.take(name) {
            Some(entry) => text(&entry.value, name, self.sink),
            None => {
                self.missing(name);
                None
            }
        }
    }

    pub(super) fn text(&mut self, name: &'static str) -> Option<Spanned<String>> {
        let entry = self.take(name)?;
        text(&entry.value, name, self.sink)
    }

    /// One of a few words, reported when it is another.
    pub(super) fn word<T: Copy>(
        &mut self,
        name: &'static str,
        known: &[(&str, T)],
    ) -> Option<Spanned<T>> {
        let written = self.text(name)?;
        let found = known.iter().find(|(word, _)| *word == written.value);
        if found.is_none() {
            let message = format!("`{name}` cannot be `{}`", written.value);
            self.sink.push(
                Diagnostic::error(Code::UNKNOWN_WORD, written.span, message, "unknown")
                    .did_you_mean(
                        written.span,
                        &written.value,
                        known.iter().map(|(word, _)| *word),
                    ),
            );
        }
        found.map(|(_, value)| Spanned::new(*value, written.span))
    }

    /// True or false; false when it is not there.
    pub(super) fn truth(&mut self, name: &str) -> bool {
        let Some(entry) = self.take(name) else {
            return false;
        };
        match &entry.value.value {
            Value::Scalar { text, plain: true } if text == "true" => true,
            Value::Scalar { text, plain: true } if text == "false" => false,
            _ => {
                let fault = Diagnostic::error(
                    Code::WRONG_SHAPE,
                    entry.value.span,
                    format!("`{name}` is either true or false"),
                    "neither",
                )
                .help("write `true` or `false`, without quotes");
                self.sink.push(match truth_of(&entry.value) {
                    Some(truth) => fault.fix(entry.value.span, truth),
                    None => fault,
                });
                false
            }
        }
    }

    /// Reports a key that is not there, unless a key that nobody knows is what became of it.
    pub(super) fn missing(&mut self, name: &'static str) {
        // A file has many keys; a smaller map with a wrong key and a missing one has one mistake.
        let small = self.known.keys.len() < language::MAPPING.keys.len();
        if self.unknown().any(|key| small || looks_like(key, name)) {
            return;
        }
        let first = self
            .entries
            .first()
            .map_or(self.span, |(entry, _)| entry.key.span);
        self.sink.push(
            Diagnostic::error(
                Code::MISSING_KEY,
                first,
                format!("{} has no `{name}`", self.what),
                format!("`{name}` is missing"),
            )
            .help(format!("add `{name}: ...`")),
        );
    }

    /// Reports what nobody took. False when that was something unknown: what it was to say of the map is lost.
    pub(super) fn finish(self) -> bool {
        let known: Vec<&str> = self.known.keys.iter().map(|key| key.name).collect();
        let mut understood = true;
        for (entry, _) in self.entries.iter().filter(|(_, taken)| !taken) {
            let key = &entry.key;
            if known.contains(&key.value.as_str()) {
                self.sink.push(self.apart(key));
            } else {
                understood = false;
                self.sink.push(unknown(key, self.what, &known));
            }
        }
        understood
    }

    /// A known key that was not asked for, since another stands in its place.
    fn apart(&self, key: &Spanned<String>) -> Diagnostic {
        let pair = self.known.apart.iter().find(|pair| {
            pair.contains(&key.value.as_str()) && pair.iter().all(|name| self.has(name))
        });
        let [one, other] = pair.copied().unwrap_or(["this", "that"]);
        let message = format!(
            "`{one}` and `{other}` cannot stand together in {}",
            self.what
        );
        Diagnostic::error(Code::WRONG_SHAPE, key.span, message, "one too many")
            .help("keep one of them")
    }
}

/// What was meant by another word for it.
fn truth_of(node: &Node) -> Option<&'static str> {
    match node.text()?.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some("true"),
        "false" | "no" | "off" => Some("false"),
        _ => None,
    }
}

/// An empty key may have been any; `source first_name` and `source:first_name` lack their colon or space.
fn looks_like(key: &str, name: &str) -> bool {
    let behind = key.strip_prefix(name).unwrap_or_default();
    is_empty(key) || behind.starts_with([':', ' ']) || nearest(key, [name]).is_some()
}

/// A key without a letter is null to YAML.
fn is_empty(key: &str) -> bool {
    matches!(key, "" | "~")
}

fn unknown(key: &Spanned<String>, what: &str, known: &[&str]) -> Diagnostic {
    if LATER.contains(&key.value.as_str()) {
        return Diagnostic::error(
            Code::NOT_YET,
            key.span,
            format!("`{}` is not supported in this version", key.value),
            "not yet",
        )
        .help("take it out");
    }
    if is_empty(&key.value) {
        let message = format!("a key of {what} is empty");
        return Diagnostic::error(Code::UNKNOWN_KEY, key.span, message, "no key")
            .help("write the key before the colon");
    }
    let message = format!("{what} has no key `{}`", key.value);
    let fault = Diagnostic::error(Code::UNKNOWN_KEY, key.span, message, "no such key");
    let written = key.value.split_once([':', ' ']);
    if let Some((name, value)) = written.filter(|(name, _)| known.contains(name)) {
        let meant = format!("{name}: {}", value.trim_start());
        return fault
            .help(format!(
                "a colon and a space part a key from its value: `{meant}`"
            ))
            .fix(key.span, meant);
    }
    fault.did_you_mean(key.span, &key.value, known.iter().copied())
}

/// A single value that is not empty.
pub(super) fn text(node: &Node, name: &str, sink: &mut Vec<Diagnostic>) -> Option<Spanned<String>> {
    match &node.value {
        Value::Scalar { text, .. } if !text.trim().is_empty() && !node.is_null() => {
            Some(Spanned::new(text.clone(), node.span))
        }
        Value::Scalar { .. } => {
            sink.push(
                Diagnostic::error(
                    Code::WRONG_SHAPE,
                    node.span,
                    format!("`{name}` is empty"),
                    "nothing here",
                )
                .help(format!("write `{name}: ...`, or take the key out")),
            );
            None
        }
        Value::List(_) | Value::Map(_) => {
            let label = format!("this is {}", node.kind());
            sink.push(
                Diagnostic::error(
                    Code::WRONG_SHAPE,
                    node.span,
                    format!("`{name}` is a single value"),
                    label,
                )
                .help(format!("write `{name}: ...`")),
            );
            None
        }
    }
}

/// The items of a list; anything else is reported.
pub(super) fn list<'n>(node: &'n Node, name: &str, sink: &mut Vec<Diagnostic>) -> &'n [Node] {
    if !matches!(node.value, Value::List(_)) && !node.is_null() {
        let label = format!("this is {}", node.kind());
        sink.push(
            Diagnostic::error(
                Code::WRONG_SHAPE,
                node.span,
                format!("`{name}` is a list"),
                label,
            )
            .help("write one `- ...` a line, or `[a, b]`"),
        );
    }
    node.items()
}
