//! The words of a mapping whose records are written together with others: `part_of`, `reduce`, `for_each` and their like.

use super::read::{names, pairs};
use super::reader::{Reader, list, text};
use super::{Adopt, AdoptFrom, Fold, ForEach, How, Pairs, Rank, RecordOf, Reduce, Tree, language};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::model::FoldWord;
use crate::parse::{Entry, Node, Value};
use crate::span::Spanned;

/// All of them; nothing where the mapping has none.
pub(super) fn tree(reader: &mut Reader<'_, '_>) -> Option<Tree> {
    let words = language::TREE_WORDS;
    // `record` alone says nothing of a tree.
    let others = words.iter().filter(|word| **word != "record");
    let mut all = others.chain([&"record"]);
    let first = all.find_map(|word| reader.key_place(word))?;
    let record = reader
        .take("record")
        .and_then(|entry| record(&entry.value, reader.sink));
    Some(Tree {
        first,
        part_of: reader.text("part_of"),
        record_broken: reader.has("record") && record.is_none(),
        record,
        adopt: reader
            .take("adopt")
            .map(|entry| adopt(entry, reader.sink))
            .unwrap_or_default(),
        reduce: reader
            .take("reduce")
            .and_then(|entry| reduce(&entry.value, reader.sink)),
        for_each: reader
            .take("for_each")
            .and_then(|entry| for_each(&entry.value, reader.sink)),
        exists_when: reader
            .take("exists_when")
            .map(|entry| pairs(&entry.value, "`exists_when`", reader.sink))
            .unwrap_or_default(),
        unless: reader
            .take("unless")
            .map(|entry| unless(entry, reader.sink))
            .unwrap_or_default(),
        gone: reader.word("gone", &language::GONE),
        after: reader
            .take("after")
            .map(|entry| one_or_more(&entry.value, "after", reader.sink))
            .unwrap_or_default(),
        needs_npsp: needs(reader),
    })
}

/// A wrong word has been reported: that it is needed is not in doubt.
fn needs(reader: &mut Reader<'_, '_>) -> Option<crate::span::Span> {
    let place = reader.place("needs");
    reader.word("needs", &language::NEEDS);
    place
}

fn unless(entry: &Entry, sink: &mut Vec<Diagnostic>) -> Vec<Pairs> {
    let cases = list(&entry.value, "unless", sink);
    cases
        .iter()
        .map(|case| pairs(case, "a case of `unless`", sink))
        .collect()
}

fn record(node: &Node, sink: &mut Vec<Diagnostic>) -> Option<RecordOf> {
    let mut reader = Reader::new(node, "`record`", &language::RECORD, sink)?;
    let (of, by) = (reader.demand("of"), reader.demand("by"));
    reader.finish();
    Some(RecordOf { of: of?, by: by? })
}

fn adopt(entry: &Entry, sink: &mut Vec<Diagnostic>) -> Vec<Adopt> {
    let all = list(&entry.value, "adopt", sink);
    all.iter().filter_map(|one| adopted(one, sink)).collect()
}

fn adopted(node: &Node, sink: &mut Vec<Diagnostic>) -> Option<Adopt> {
    let mut reader = Reader::new(node, "an entry of `adopt`", &language::ADOPT, sink)?;
    let from = match reader.text("id") {
        Some(id) => Some(AdoptFrom::Id(id)),
        None => {
            let (of, by) = (reader.demand("record"), reader.demand("by"));
            of.zip(by)
                .map(|(of, by)| AdoptFrom::Record(RecordOf { of, by }))
        }
    };
    let when = reader
        .take("when")
        .map(|entry| pairs(&entry.value, "`when` of `adopt`", reader.sink))
        .unwrap_or_default();
    let key_only = reader.word("writes", &[("key", true)]).is_some();
    reader.finish();
    Some(Adopt {
        span: node.span,
        from: from?,
        when,
        key_only,
    })
}

/// `for_each: funds`, or `for_each: { list: funds, share: price }`.
fn for_each(node: &Node, sink: &mut Vec<Diagnostic>) -> Option<ForEach> {
    if !matches!(node.value, Value::Map(_)) {
        let list = text(node, "for_each", sink)?;
        return Some(ForEach { list, share: None });
    }
    let mut reader = Reader::new(node, "`for_each`", &language::FOR_EACH, sink)?;
    let (list, share) = (reader.demand("list"), reader.text("share"));
    reader.finish();
    Some(ForEach { list: list?, share })
}

fn reduce(node: &Node, sink: &mut Vec<Diagnostic>) -> Option<Reduce> {
    let mut reader = Reader::new(node, "`reduce`", &language::REDUCE, sink)?;
    let by = match reader.take("by") {
        Some(entry) => one_or_more(&entry.value, "by", reader.sink),
        None => {
            reader.missing("by");
            Vec::new()
        }
    };
    let distinct = reader.text("distinct");
    let order_span = reader.place("order");
    let order = reader
        .take("order")
        .map(|entry| order(&entry.value, reader.sink))
        .unwrap_or_default();
    let folds = reader
        .take("fold")
        .map(|entry| folds(&entry.value, reader.sink))
        .unwrap_or_default();
    reader.finish();
    Some(Reduce {
        span: node.span,
        by,
        distinct,
        order,
        order_span,
        folds,
    })
}

/// A name, or a list of them.
pub(super) fn one_or_more(
    node: &Node,
    name: &'static str,
    sink: &mut Vec<Diagnostic>,
) -> Vec<Spanned<String>> {
    match node.value {
        Value::List(_) => names(node, name, sink),
        _ => text(node, name, sink).into_iter().collect(),
    }
}

fn order(node: &Node, sink: &mut Vec<Diagnostic>) -> Vec<Rank> {
    let ranks = list(node, "order", sink);
    ranks
        .iter()
        .filter_map(|rank| self::rank(rank, sink))
        .collect()
}

/// `path`, or `{ path: [word, word] }`.
fn rank(node: &Node, sink: &mut Vec<Diagnostic>) -> Option<Rank> {
    match &node.value {
        Value::Map(entries) => match entries.as_slice() {
            [entry] => Some(Rank {
                path: entry.key.clone(),
                words: names(&entry.value, "a path's words", sink),
            }),
            _ => {
                sink.push(two_in_one(
                    node,
                    "`order: [occurred_at, { action: [first, second] }]`",
                ));
                None
            }
        },
        _ => {
            let path = text(node, "order", sink)?;
            Some(Rank {
                path,
                words: Vec::new(),
            })
        }
    }
}

/// A map that has one entry by its meaning has another number of them.
pub(super) fn two_in_one(node: &Node, example: &str) -> Diagnostic {
    Diagnostic::error(
        Code::WRONG_SHAPE,
        node.span,
        "this map has exactly one entry",
        "another number of them",
    )
    .help(format!("write {example}"))
}

fn folds(node: &Node, sink: &mut Vec<Diagnostic>) -> Vec<Fold> {
    let Value::Map(entries) = &node.value else {
        let label = format!("this is {}", node.kind());
        let message = "`fold` has to be a map of names and what becomes of the rows";
        sink.push(
            Diagnostic::error(Code::WRONG_SHAPE, node.span, message, label)
                .help("write `fold: { purchased: { count: true, of: { action: purchased } } }`"),
        );
        return Vec::new();
    };
    entries
        .iter()
        .filter_map(|entry| fold(entry, sink))
        .collect()
}

fn fold(entry: &Entry, sink: &mut Vec<Diagnostic>) -> Option<Fold> {
    let mut reader = Reader::new(&entry.value, "a fold", &language::FOLD, sink)?;
    let how = how(&mut reader, entry);
    let of = reader
        .take("of")
        .map(|entry| pairs(&entry.value, "`of`", reader.sink))
        .unwrap_or_default();
    let same = reader
        .take("same")
        .map(|entry| one_or_more(&entry.value, "same", reader.sink))
        .unwrap_or_default();
    reader.finish();
    Some(Fold {
        name: entry.key.clone(),
        how: how?,
        of,
        same,
    })
}

/// The one word of a fold that says how.
fn how(reader: &mut Reader<'_, '_>, entry: &Entry) -> Option<How> {
    let written = FoldWord::ALL.iter().filter(|(word, _)| reader.has(word));
    let written: Vec<(&'static str, FoldWord)> = written.copied().collect();
    let Some((name, word)) = written.first().copied() else {
        reader.missing("first");
        return meant(entry);
    };
    let path = match word {
        FoldWord::Count => {
            reader.truth(name);
            None
        }
        _ => Some(reader.text(name)?),
    };
    if let Some((second, _)) = written.get(1) {
        written.iter().skip(1).for_each(|(more, _)| {
            reader.take(more);
        });
        let message = format!("`{name}` and `{second}` cannot stand together in a fold");
        reader.sink.push(
            Diagnostic::error(Code::WRONG_SHAPE, entry.value.span, message, "two words")
                .help("keep one of them, or fold into two names"),
        );
    }
    Some(How { word, path })
}

/// What a word that nobody knows was meant to be, so that the fold's name is known all the same.
fn meant(entry: &Entry) -> Option<How> {
    let Value::Map(entries) = &entry.value.value else {
        return None;
    };
    entries.iter().find_map(|entry| {
        let words = FoldWord::ALL.iter().map(|(word, _)| *word);
        let word = nearest(&entry.key.value, words)?;
        let (_, word) = FoldWord::ALL.iter().find(|(known, _)| *known == word)?;
        let path = match word {
            FoldWord::Count => None,
            _ => Some(Spanned::new(
                entry.value.text()?.to_owned(),
                entry.value.span,
            )),
        };
        Some(How { word: *word, path })
    })
}
