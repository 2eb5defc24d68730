//! Tree -> ast: the shape of a mapping file.

use super::fields::field;
use super::literal::literal;
use super::reader::{Reader, list, text};
use super::tests::tests;
use super::tree::one_or_more;
use super::{Key, Mapping, Pairs, language, made, policies};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Direction, MatchPolicy, PushAs};
use crate::parse::{Entry, Node, Value};
use crate::span::{FileId, Span, Spanned};

/// Each rung and the paths that it compares.
type Rungs = Vec<(Span, Vec<Spanned<String>>)>;

/// Reads one file's tree. Nothing when the file holds no map at all. `unread`: some of its text is not in the tree.
pub fn read(
    file: FileId,
    root: Option<&Node>,
    unread: bool,
    sink: &mut Vec<Diagnostic>,
) -> Option<Mapping> {
    let Some(root) = root.filter(|root| !root.is_null()) else {
        if !unread {
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
    let mapping = read_root(file, root, unread, &mut found);
    if unread {
        // A key that seems to be missing may be in the text that could not be read.
        found.retain(|diagnostic| diagnostic.code != Code::MISSING_KEY.0);
    }
    sink.append(&mut found);
    mapping.map(|mapping| Mapping {
        fields_broken: mapping.fields_broken || unread,
        ..mapping
    })
}

fn read_root(
    file: FileId,
    root: &Node,
    unread: bool,
    sink: &mut Vec<Diagnostic>,
) -> Option<Mapping> {
    let mut reader = Reader::new(root, "the mapping", &language::MAPPING, sink)?;
    let name = reader.demand("mapping");
    reader.sink.extend(name.as_ref().and_then(unfit_name));
    let source = reader.demand("source");
    let destination = reader.demand("destination");
    let otherwise = match unread || reader.may_have("direction") {
        // What was meant cannot be told: the wider meaning has the fewer mistakes that follow.
        true => Direction::Both,
        false => Direction::Forward,
    };
    let direction_span = reader.place("direction");
    let (direction, reverse) = policies::mapping_direction(&mut reader);
    let direction = direction.map_or(otherwise, |word| word.value);
    // A wrong word has been reported; what else it might mean is checked as what is meant most often.
    let push_place = reader.place("push_as");
    let push_as = reader.word("push_as", &language::PUSH_AS);
    let push_as = push_as.or(push_place.map(|span| Spanned::new(PushAs::Create, span)));
    let refuses_edits = reader.place("on_edit");
    reader.word("on_edit", &language::ON_EDIT);
    let says_on_rewrite = reader.has("on_rewrite");
    let policies = policies::policies(&mut reader);
    let on = reader.demand("on");
    let (when, when_destination) = reader
        .take("when")
        .map(|entry| when(entry, reverse.is_some(), reader.sink))
        .unwrap_or_default();
    let nothing = reader
        .take("nothing")
        .map(|entry| pairs(&entry.value, "`nothing`", reader.sink))
        .unwrap_or_default();
    let key = match reader.has("record") {
        // Then the record's own mapping says it.
        true => None,
        false => key_of(&mut reader),
    };
    let tree = super::tree::tree(&mut reader);
    let lane = reader.demand("lane");
    let lock = reader.text("lock");
    let (rungs, policy, adopts_on_conflict) = match reader.take("match") {
        Some(entry) => matching(&entry.value, reader.sink),
        None => (Vec::new(), None, false),
    };
    let mut fields = Vec::new();
    let broken;
    let mut fields_span = reader.span;
    match reader.take("fields") {
        Some(entry) => {
            fields_span = entry.key.span;
            let items = list(&entry.value, "fields", reader.sink);
            let own = items
                .iter()
                .position(looks_like_test)
                .unwrap_or(items.len());
            let (own, tests) = items.split_at(own);
            reader.sink.extend(tests.first().map(test_among_fields));
            fields = own
                .iter()
                .filter_map(|item| field(item, reader.sink))
                .collect();
            // What an empty list leaves unset is not a second mistake.
            broken = fields.len() < items.len() || items.is_empty();
            if items.is_empty() && !matches!(entry.value.value, Value::Map(_)) {
                reader.sink.push(no_fields(entry));
            }
        }
        None => {
            broken = true;
            reader.missing("fields");
        }
    }
    let ignore = reader
        .take("ignore")
        .map(|entry| names(&entry.value, "ignore", reader.sink))
        .unwrap_or_default();
    let unmapped = reader
        .word("unmapped", &language::UNMAPPED)
        .map(|word| word.span);
    let allow = super::allow::allow(&mut reader);
    let tests = reader
        .take("tests")
        .map(|entry| tests(&entry.value, reader.sink))
        .unwrap_or_default();
    reader.finish();
    Some(Mapping {
        file,
        name,
        source,
        destination,
        direction,
        direction_span,
        reverse,
        push_as,
        refuses_edits,
        on,
        when,
        when_destination,
        nothing,
        key,
        tree,
        lane,
        lock,
        rungs,
        policy: policy
            .as_ref()
            .map_or(MatchPolicy::AlwaysCreate, |policy| policy.value),
        policy_span: policy.map(|policy| policy.span),
        adopts_on_conflict,
        policies,
        says_on_rewrite,
        fields_span,
        fields,
        fields_broken: broken,
        ignore,
        unmapped,
        allow,
        tests,
    })
}

/// A mapping's name is the name of its module in the generated code.
fn unfit_name(name: &Spanned<String>) -> Option<Diagnostic> {
    let letters = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
    };
    let snake = name.value.split('_').all(letters)
        && name
            .value
            .starts_with(|first: char| first.is_ascii_lowercase());
    // Modules that the generated crate has beside those of mappings.
    let taken = ["lines", "root"].contains(&name.value.as_str()) || name.value.starts_with("on_");
    let (message, label) = match (snake, taken) {
        (true, false) => return None,
        (false, _) => (
            format!("`{}` is not a name in snake case", name.value),
            "no name for a module",
        ),
        (true, true) => (
            format!("a mapping cannot be called `{}`", name.value),
            "the generated code has a module of this name",
        ),
    };
    Some(
        Diagnostic::error(Code::MAPPING_NAME, name.span, message, label)
            .help("use small letters, digits and single underscores: `contact`, `ticket_line`"),
    )
}

fn looks_like_test(item: &Node) -> bool {
    let Value::Map(entries) = &item.value else {
        return false;
    };
    let of = |map: &language::Map, name: &str| map.keys.iter().any(|key| key.name == name);
    let mut names = entries.iter().map(|entry| entry.key.value.as_str());
    item.get("name").is_some()
        && names.all(|name| of(&language::TEST, name) && !of(&language::FIELD, name))
}

fn test_among_fields(item: &Node) -> Diagnostic {
    Diagnostic::error(
        Code::WRONG_SHAPE,
        item.span,
        "a test stands among the fields",
        "a test",
    )
    .help("write `tests:` on the line above it")
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

/// `when: {source: {path: value}, destination: {Field: value}}`.
/// What goes back only has no row to ask.
fn when(entry: &Entry, is_reverse: bool, sink: &mut Vec<Diagnostic>) -> (Pairs, Pairs) {
    let Some(mut reader) = Reader::new(&entry.value, "`when`", &language::WHEN, sink) else {
        return Default::default();
    };
    let source = match reader.take("source") {
        Some(source) => pairs(&source.value, "`when: source`", reader.sink),
        None => {
            if !is_reverse {
                reader.missing("source");
            }
            Vec::new()
        }
    };
    let destination = reader
        .take("destination")
        .map(|entry| pairs(&entry.value, "`when: destination`", reader.sink))
        .unwrap_or_default();
    reader.finish();
    (source, destination)
}

fn key_of(reader: &mut Reader<'_, '_>) -> Option<Key> {
    let Some(entry) = reader.take("key") else {
        reader.missing("key");
        return None;
    };
    key(&entry.value, reader.sink)
}

fn key(node: &Node, sink: &mut Vec<Diagnostic>) -> Option<Key> {
    let mut reader = Reader::new(node, "`key`", &language::KEY, sink)?;
    let source = made::made(&mut reader);
    if source.is_none() && !reader.has("source") {
        reader.missing("source");
    }
    let destination = reader.take("destination");
    if destination.is_none() {
        reader.missing("destination");
    }
    let is_natural = destination.is_some_and(|entry| matches!(entry.value.value, Value::List(_)));
    let destination = destination
        .map(|entry| one_or_more(&entry.value, "destination", reader.sink))
        .unwrap_or_default();
    reader.finish();
    Some(Key {
        span: node.span,
        source,
        destination,
        is_natural,
    })
}

fn matching(
    node: &Node,
    sink: &mut Vec<Diagnostic>,
) -> (Rungs, Option<Spanned<MatchPolicy>>, bool) {
    let Some(mut reader) = Reader::new(node, "`match`", &language::MATCH, sink) else {
        return (Vec::new(), None, false);
    };
    let rungs = match reader.take("destination") {
        Some(entry) => rungs(&entry.value, reader.sink),
        None => Vec::new(),
    };
    let policy = reader.word("policy", &language::MATCH_POLICIES);
    let policy = policy.unwrap_or(Spanned::new(MatchPolicy::Adopt, reader.span));
    let adopts = reader.word("source", &language::MATCH_SOURCE).is_some();
    reader.finish();
    (rungs, Some(policy), adopts)
}

fn rungs(node: &Node, sink: &mut Vec<Diagnostic>) -> Vec<(Span, Vec<Spanned<String>>)> {
    list(node, "destination", sink)
        .iter()
        .map(|rung| (rung.span, names(rung, "a rung of `match`", sink)))
        .collect()
}

/// A list of single values.
pub(super) fn names(node: &Node, name: &str, sink: &mut Vec<Diagnostic>) -> Vec<Spanned<String>> {
    list(node, name, sink)
        .iter()
        .filter_map(|item| text(item, name, sink))
        .collect()
}

pub(super) fn pairs(node: &Node, what: &'static str, sink: &mut Vec<Diagnostic>) -> Pairs {
    match &node.value {
        Value::Map(entries) => entries
            .iter()
            .map(|entry| (entry.key.clone(), literal(&entry.value, sink)))
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
