//! Parser events to a tree: duplicate keys, anchors, depth and documents are looked after here.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span as EventSpan};

use super::{Entry, Node, Value};
use crate::diagnostic::{Code, Diagnostic};
use crate::span::{FileId, Span, Spanned};

/// Mappings are four levels deep.
const DEPTH_MAX: usize = 32;
/// A mapping of 800 fields, as many as an object may have, with a test for each has about 15,000.
const VALUES_MAX: usize = 50_000;

/// Maps of a mapping have up to a dozen keys, its tests' records a few more.
const FEW: usize = 24;

/// A collection that is still open.
enum Open {
    List {
        items: Vec<Node>,
        start: u32,
    },
    Map {
        entries: Vec<Entry>,
        /// Which entry has which key, once there are many.
        places: HashMap<String, usize>,
        /// That a key was given twice has been said.
        said: bool,
        key: Pending,
        start: u32,
    },
    /// Too deep: its contents are dropped.
    Dropped {
        place: Span,
    },
}

/// What a map is waiting for.
enum Pending {
    Key,
    Value(Spanned<String>),
    /// The value of a key that is none: it is dropped.
    Nothing,
}

struct Builder<'s> {
    file: FileId,
    text: &'s str,
    open: Vec<Open>,
    root: Option<Node>,
    found: Vec<Diagnostic>,
    values: usize,
    /// The end of the last thing read: a block collection's own end lies at the next token.
    last_end: u32,
}

/// The tree, or the first syntax error. Other mistakes go to the sink when there is a tree.
pub(super) fn build(
    file: FileId,
    text: &str,
    sink: &mut Vec<Diagnostic>,
) -> Result<Option<Node>, ScanError> {
    let mut builder = Builder {
        file,
        text,
        open: Vec::new(),
        root: None,
        found: Vec::new(),
        values: 0,
        last_end: 0,
    };
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event?;
        if let Event::DocumentStart(..) = event {
            documents += 1;
            if documents == 2 {
                let span = builder.span(&span);
                builder.found.push(
                    Diagnostic::error(
                        Code::PLAIN_YAML,
                        span,
                        "a mapping file is one document",
                        "a second one begins here",
                    )
                    .help("put each mapping into a file of its own"),
                );
            }
        }
        if documents <= 1 {
            builder.take(event, &span);
        }
        if builder.values > VALUES_MAX {
            sink.push(builder.too_many(&span));
            return Ok(None);
        }
    }
    sink.append(&mut builder.found);
    Ok(builder.root)
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: &EventSpan) {
        let place = self.span(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_extras(anchor != 0, tag.is_some(), place);
                let plain = style == ScalarStyle::Plain;
                self.last_end = self.last_end.max(place.end);
                self.add(Node {
                    value: Value::Scalar {
                        text: text.into_owned(),
                        plain,
                    },
                    span: place,
                });
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.refuse_extras(true, false, place);
                self.add(nothing(place));
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_extras(anchor != 0, tag.is_some(), place);
                self.begin(
                    Open::List {
                        items: Vec::new(),
                        start: place.start,
                    },
                    place,
                );
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_extras(anchor != 0, tag.is_some(), place);
                self.begin(
                    Open::Map {
                        entries: Vec::new(),
                        places: HashMap::new(),
                        said: false,
                        key: Pending::Key,
                        start: place.start,
                    },
                    place,
                );
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(place),
            _ => {}
        }
    }

    fn too_many(&self, span: &EventSpan) -> Diagnostic {
        Diagnostic::error(
            Code::PLAIN_YAML,
            self.span(span),
            format!("the file holds more than {VALUES_MAX} keys and values"),
            "the rest is not read",
        )
        .help("one file holds one mapping; a larger one is a mistake, most likely of a script")
    }

    fn refuse_extras(&mut self, anchor: bool, tag: bool, span: Span) {
        if anchor || tag {
            let what = if anchor {
                "anchors and aliases are"
            } else {
                "tags are"
            };
            self.found.push(
                Diagnostic::error(
                    Code::PLAIN_YAML,
                    span,
                    format!("{what} not used in mappings"),
                    "write it out",
                )
                .help("repeat the value: a reader should see what a field does on its own line"),
            );
        }
    }

    fn begin(&mut self, open: Open, place: Span) {
        if self.open.len() < DEPTH_MAX {
            self.open.push(open);
            return;
        }
        if self.open.len() == DEPTH_MAX {
            self.found.push(
                Diagnostic::error(
                    Code::PLAIN_YAML,
                    place,
                    "this is nested too deeply",
                    "from here on",
                )
                .help("mappings are four levels deep; look for a bracket too many"),
            );
        }
        self.open.push(Open::Dropped { place });
    }

    fn end(&mut self, place: Span) {
        // A closing bracket has a length; the end of a block has none.
        if place.end > place.start {
            self.last_end = self.last_end.max(place.end);
        }
        let end = self.last_end;
        let (value, start) = match self.open.pop() {
            Some(Open::List { items, start }) => (Value::List(items), start),
            Some(Open::Map { entries, start, .. }) => (Value::Map(entries), start),
            Some(Open::Dropped { place }) => return self.add(nothing(place)),
            None => return,
        };
        let span = Span {
            file: self.file,
            start,
            end: end.max(start),
        };
        self.add(Node { value, span });
    }

    fn add(&mut self, node: Node) {
        self.values += 1;
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Dropped { .. }) => {}
            Some(Open::Map {
                entries,
                places,
                said,
                key,
                ..
            }) => match std::mem::replace(key, Pending::Key) {
                Pending::Key => *key = key_of(node, &mut self.found),
                Pending::Nothing => {}
                Pending::Value(name) => {
                    let twice = add_entry(entries, places, name, node);
                    self.found
                        .extend(twice.filter(|_| !*said).inspect(|_| *said = true));
                }
            },
        }
    }

    /// Without the white space that an empty or block value may have behind it.
    fn span(&self, span: &EventSpan) -> Span {
        let range = span.byte_range().unwrap_or_default();
        let slice = self.text.get(range.clone()).unwrap_or_default();
        let end = range.start + slice.trim_end().len();
        Span {
            file: self.file,
            start: range.start as u32,
            end: end as u32,
        }
    }
}

/// What stands in for a value that has been reported.
fn nothing(span: Span) -> Node {
    let value = Value::Scalar {
        text: String::new(),
        plain: true,
    };
    Node { value, span }
}

fn key_of(node: Node, found: &mut Vec<Diagnostic>) -> Pending {
    let span = node.span;
    let (message, label, help) = match node.value {
        Value::Scalar { text, plain } if text != "<<" || !plain => {
            return Pending::Value(Spanned::new(text, span));
        }
        Value::Scalar { .. } => (
            "merge keys are not used in mappings",
            "write it out",
            "repeat the keys: a reader should see what a field does on its own line",
        ),
        Value::List(_) | Value::Map(_) => (
            "a key has to be a single word",
            "this is no word",
            "write `key: value`",
        ),
    };
    let code = match node.value {
        Value::Scalar { .. } => Code::PLAIN_YAML,
        Value::List(_) | Value::Map(_) => Code::WRONG_SHAPE,
    };
    found.push(Diagnostic::error(code, span, message, label).help(help));
    Pending::Nothing
}

/// Gives what is to be said of a key that is there already.
fn add_entry(
    entries: &mut Vec<Entry>,
    places: &mut HashMap<String, usize>,
    key: Spanned<String>,
    mut value: Node,
) -> Option<Diagnostic> {
    // An empty value has no length, and may be placed on the next line: the key is what can be pointed at.
    if value.span.start == value.span.end && value.is_null() {
        value.span = key.span;
    }
    let Some(first) =
        index_of(&key.value, entries, places).and_then(|index| entries.get_mut(index))
    else {
        entries.push(Entry { key, value });
        return None;
    };
    let twice = Diagnostic::error(
        Code::DUPLICATE_KEY,
        key.span,
        format!("`{}` is given twice", key.value),
        "again here",
    )
    .related(first.key.span, "first here")
    .help("keep one of them; where the next entry of a list begins, it lacks its `- `");
    // The one with a value says more.
    if first.value.is_null() {
        first.value = value;
    }
    Some(twice)
}

/// Looked through while there are few; written down when there are many, or it would take their square.
fn index_of(key: &str, entries: &[Entry], places: &mut HashMap<String, usize>) -> Option<usize> {
    if entries.len() <= FEW {
        return entries.iter().position(|entry| entry.key.value == key);
    }
    for (index, entry) in entries.iter().enumerate().skip(places.len()) {
        places.insert(entry.key.value.clone(), index);
    }
    places.get(key).copied()
}
