//! Tree -> ast: the shape of a mapping file.

use super::fields::field;
use super::reader::{Reader, list, literal, text};
use super::{Key, Mapping, Test};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Direction, Literal, MatchPolicy};
use crate::parse::{Entry, Node, Value};
use crate::span::{FileId, Span, Spanned};

/// Each rung and the paths that it compares.
type Rungs = Vec<(Span, Vec<Spanned<String>>)>;

const KEYS: &[&str] = &[
    "mapping",
    "source",
    "destination",
    "direction",
    "on",
    "when",
    "key",
    "lane",
    "lock",
    "match",
    "fields",
    "ignore",
    "tests",
];

/// Reads one file's tree. Nothing when the file holds no map at all.
pub fn read(
    file: FileId,
    root: Option<&Node>,
    syntax_errors: bool,
    sink: &mut Vec<Diagnostic>,
) -> Option<Mapping> {
    let Some(root) = root.filter(|root| !root.is_null()) else {
        if !syntax_errors {
            let span = Span {
                file,
                start: 0,
                end: 0,
            };
            let empty = Diagnostic::error(
                Code::EMPTY_MAPPING,
                span,
                "the file holds no mapping",
                "nothing here",
            );
            sink.push(empty.help("start with `mapping: name`, or remove the file"));
        }
        return None;
    };
    let mut found = Vec::new();
    let mapping = read_root(file, root, &mut found);
    if syntax_errors {
        // A key that seems to be missing may be in the text that could not be read.
        found.retain(|diagnostic| diagnostic.code != Code::MISSING_KEY.0);
    }
    sink.append(&mut found);
    mapping.map(|mapping| Mapping {
        fields_broken: mapping.fields_broken || syntax_errors,
        ..mapping
    })
}

fn read_root(file: FileId, root: &Node, sink: &mut Vec<Diagnostic>) -> Option<Mapping> {
    let mut reader = Reader::new(root, "the mapping", sink)?;
    let name = reader.demand("mapping");
    let source = reader.demand("source");
    let destination = reader.demand("destination");
    let direction = reader.text("direction");
    direction_of(direction, reader.sink);
    let on = reader.demand("on");
    let when = reader
        .take("when")
        .map(|entry| when(entry, reader.sink))
        .unwrap_or_default();
    let key = match reader.take("key") {
        Some(entry) => key(&entry.value, reader.sink),
        None => {
            reader.missing("key");
            None
        }
    };
    let lane = reader.demand("lane");
    let lock = reader.text("lock");
    let (rungs, policy) = match reader.take("match") {
        Some(entry) => matching(&entry.value, reader.sink),
        None => (Vec::new(), MatchPolicy::AlwaysCreate),
    };
    let mut fields = Vec::new();
    let mut broken = false;
    let mut fields_span = reader.span;
    match reader.take("fields") {
        Some(entry) => {
            fields_span = entry.key.span;
            let items = list(&entry.value, "fields", reader.sink);
            fields = items
                .iter()
                .filter_map(|item| field(item, reader.sink))
                .collect();
            // What an empty list leaves unset is not a second mistake.
            broken = fields.len() < items.len() || items.is_empty();
            if items.is_empty() && !matches!(entry.value.value, Value::Map(_)) {
                reader.sink.push(no_fields(entry));
            }
        }
        None => reader.missing("fields"),
    }
    let ignore = reader
        .take("ignore")
        .map(|entry| names(&entry.value, "ignore", reader.sink))
        .unwrap_or_default();
    let tests = reader
        .take("tests")
        .map(|entry| tests(&entry.value, reader.sink))
        .unwrap_or_default();
    reader.finish(KEYS);
    Some(Mapping {
        file,
        name,
        source,
        destination,
        direction: Direction::Forward,
        on,
        when,
        key,
        lane,
        lock,
        rungs,
        policy,
        fields_span,
        fields,
        fields_broken: broken,
        ignore,
        tests,
    })
}

fn no_fields(entry: &Entry) -> Diagnostic {
    Diagnostic::error(
        Code::EMPTY_MAPPING,
        entry.key.span,
        "the mapping has no fields",
        "nothing is listed here",
    )
    .help("add `- { source: ..., destination: ... }`")
}

fn direction_of(direction: Option<Spanned<String>>, sink: &mut Vec<Diagnostic>) {
    let Some(direction) = direction else { return };
    match direction.value.as_str() {
        "forward" => {}
        "both" | "reverse" => sink.push(
            Diagnostic::error(
                Code::NOT_YET,
                direction.span,
                format!(
                    "`direction: {}` is not supported in this version",
                    direction.value
                ),
                "not yet",
            )
            .help("write `direction: forward`"),
        ),
        other => sink.push(unknown_word(
            "direction",
            other,
            direction.span,
            &["forward"],
        )),
    }
}

fn unknown_word(key: &str, word: &str, span: Span, known: &[&str]) -> Diagnostic {
    Diagnostic::error(
        Code::UNKNOWN_WORD,
        span,
        format!("`{key}` cannot be `{word}`"),
        "unknown",
    )
    .did_you_mean(span, word, known.iter().copied())
}

/// `when: {source: {path: value}}`.
fn when(entry: &Entry, sink: &mut Vec<Diagnostic>) -> Vec<(Spanned<String>, Spanned<Literal>)> {
    let Some(mut reader) = Reader::new(&entry.value, "`when`", sink) else {
        return Vec::new();
    };
    let conditions = match reader.take("source") {
        Some(source) => pairs(&source.value, "`when: source`", reader.sink),
        None => {
            reader.missing("source");
            Vec::new()
        }
    };
    reader.finish(&["source"]);
    conditions
}

fn key(node: &Node, sink: &mut Vec<Diagnostic>) -> Option<Key> {
    let mut reader = Reader::new(node, "`key`", sink)?;
    let key = Key {
        source: reader.demand("source"),
        destination: reader.demand("destination"),
    };
    reader.finish(&["source", "destination"]);
    Some(key)
}

fn matching(node: &Node, sink: &mut Vec<Diagnostic>) -> (Rungs, MatchPolicy) {
    let Some(mut reader) = Reader::new(node, "`match`", sink) else {
        return (Vec::new(), MatchPolicy::AlwaysCreate);
    };
    let rungs = match reader.take("destination") {
        Some(entry) => rungs(&entry.value, reader.sink),
        None => Vec::new(),
    };
    let policy = match reader.text("policy") {
        None => MatchPolicy::Adopt,
        Some(policy) => match policy.value.as_str() {
            "adopt" => MatchPolicy::Adopt,
            "review" => MatchPolicy::Review,
            "always_create" => MatchPolicy::AlwaysCreate,
            other => {
                reader.sink.push(unknown_word(
                    "policy",
                    other,
                    policy.span,
                    &["adopt", "review", "always_create"],
                ));
                MatchPolicy::Adopt
            }
        },
    };
    if let Some(entry) = reader.take("source") {
        let span = entry.key.span;
        reader.sink.push(
            Diagnostic::error(
                Code::NOT_YET,
                span,
                "`source` is not supported in this version",
                "not yet",
            )
            .help("take it out"),
        );
    }
    reader.finish(&["destination", "policy"]);
    (rungs, policy)
}

fn rungs(node: &Node, sink: &mut Vec<Diagnostic>) -> Vec<(Span, Vec<Spanned<String>>)> {
    list(node, "destination", sink)
        .iter()
        .map(|rung| (rung.span, names(rung, "a rung of `match`", sink)))
        .collect()
}

/// A list of single values.
fn names(node: &Node, name: &str, sink: &mut Vec<Diagnostic>) -> Vec<Spanned<String>> {
    list(node, name, sink)
        .iter()
        .filter_map(|item| text(item, name, sink))
        .collect()
}

fn pairs(
    node: &Node,
    what: &'static str,
    sink: &mut Vec<Diagnostic>,
) -> Vec<(Spanned<String>, Spanned<Literal>)> {
    match &node.value {
        Value::Map(entries) => entries
            .iter()
            .map(|entry| (entry.key.clone(), literal(&entry.value)))
            .collect(),
        _ => {
            let label = format!("this is {}", node.kind());
            sink.push(
                Diagnostic::error(
                    Code::WRONG_SHAPE,
                    node.span,
                    format!("{what} has to be a map of fields and values"),
                    label,
                )
                .help("write `{ field: value }`"),
            );
            Vec::new()
        }
    }
}

fn tests(node: &Node, sink: &mut Vec<Diagnostic>) -> Vec<Test> {
    list(node, "tests", sink)
        .iter()
        .filter_map(|item| test(item, sink))
        .collect()
}

fn test(node: &Node, sink: &mut Vec<Diagnostic>) -> Option<Test> {
    let mut reader = Reader::new(node, "a test", sink)?;
    let name = reader.demand("name");
    let given = match reader.take("given") {
        Some(entry) => Some(Spanned::new(
            Literal::Object(pairs(&entry.value, "`given`", reader.sink)),
            entry.value.span,
        )),
        None => {
            reader.missing("given");
            None
        }
    };
    let (exact, some) = (reader.take("expect"), reader.take("expect_some"));
    let expect = match exact.or(some) {
        Some(entry) => Some(pairs(&entry.value, "`expect`", reader.sink)),
        None => {
            reader.missing("expect");
            None
        }
    };
    reader.finish(&["name", "given", "expect", "expect_some"]);
    Some(Test {
        span: node.span,
        name: name?,
        given: given?,
        exact: exact.is_some(),
        expect: expect?,
    })
}
