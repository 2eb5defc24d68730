//! `part_of:` and what belongs to it, and the members that a row has once it is reduced.

use super::mapping::{Resolver, Sides};
use super::{condition, lookup};
use crate::ast;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{
    Adopt, AdoptFrom, DestinationField, Fold, FoldWord, ForEach, Gone, Key, Made, Piece, Rank,
    Reduce, Rule, SourceField, Tree,
};
use crate::schema::{SalesforceObject, SourceSchemaField, SourceType};
use crate::settings;
use crate::span::{Span, Spanned};

type Properties = Vec<(String, SourceSchemaField)>;

/// When a row was delivered.
const AT: &str = "$at";
/// The id of the record that was taken over; not there where the record is the tree's own.
pub(super) const ADOPTED: &str = "$adopted";
/// True in the rows of a ticket that moved to another tree.
pub(super) const MOVED: &str = "$moved";
/// True in the rows of a payment whose cart has no lines.
pub(super) const NO_LINES: &str = "$no_lines";
/// The organization whose own identity the row names in the place of a person; not there where it is a person's.
pub(super) const ORGANIZATION: &str = "$organization";
/// The member that a key is made into.
const KEY: &str = "$key";
/// Where an entry of `for_each` is.
const EACH: &str = "each";
/// An entry's part of the shared amount.
const SHARE: &str = "share";

/// What the rows of a mapping are reduced to, and what can then be named.
pub(super) struct Reduced {
    pub(super) reduce: Option<Reduce>,
    pub(super) for_each: Option<ForEach>,
    /// The schema's own properties, and those beside them.
    pub(super) properties: Properties,
}

/// A schema that nothing contradicts.
pub(super) fn property(span: Span, kind: SourceType) -> SourceSchemaField {
    SourceSchemaField {
        span,
        kind,
        nullable: false,
        required: false,
        read_only: true,
    }
}

pub(super) fn text(max_length: Option<u32>, format: Option<&str>) -> SourceType {
    SourceType::Text {
        max_length,
        min_length: None,
        pattern: None,
        format: format.map(str::to_owned),
        values: Vec::new(),
    }
}

/// Resolves `reduce` and `for_each`, whose names the rest of the mapping may use.
pub(super) fn reduced(
    mapping: &ast::Mapping,
    entity: &str,
    own: &Properties,
    object: &SalesforceObject,
    sink: &mut Vec<Diagnostic>,
) -> Reduced {
    let start = Span {
        file: mapping.file,
        start: 0,
        end: 0,
    };
    let tree = mapping.tree.as_ref();
    let mut organization = property(start, text(Some(36), None));
    organization.nullable = true;
    let organization = tree.map(|_| (ORGANIZATION.to_owned(), organization));
    let of_rows: Properties = own.iter().cloned().chain(organization.clone()).collect();
    let raw = Sides {
        entity: entity.to_owned(),
        properties: &of_rows,
        raw: &of_rows,
        object,
    };
    let reduce = tree
        .and_then(|tree| tree.reduce.as_ref())
        .map(|written| self::reduce(written, &raw, sink));
    let mut properties = own.clone();
    for fold in reduce.iter().flat_map(|reduce| &reduce.folds) {
        set(&mut properties, &fold.name.value, fold.schema.clone());
    }
    properties.extend(settings::properties(start));
    if tree.is_some() {
        let mut adopted = property(start, text(Some(18), None));
        adopted.nullable = true;
        properties.push((ADOPTED.to_owned(), adopted));
        properties.extend(organization);
        for mark in [MOVED, NO_LINES] {
            let mut marked = property(start, SourceType::Boolean);
            marked.nullable = true;
            properties.push((mark.to_owned(), marked));
        }
    }
    let for_each = tree
        .and_then(|tree| tree.for_each.as_ref())
        .and_then(|written| {
            self::for_each(
                written,
                &Sides {
                    properties: &properties,
                    ..raw
                },
                sink,
            )
        });
    if let Some(for_each) = &for_each {
        set(&mut properties, EACH, entry(for_each));
    }
    Reduced {
        reduce,
        for_each,
        properties,
    }
}

fn set(properties: &mut Properties, name: &str, schema: SourceSchemaField) {
    match properties.iter_mut().find(|(known, _)| known == name) {
        Some(known) => known.1 = schema,
        None => properties.push((name.to_owned(), schema)),
    }
}

fn for_each(
    written: &ast::ForEach,
    sides: &Sides<'_>,
    sink: &mut Vec<Diagnostic>,
) -> Option<ForEach> {
    let mut source = |path| lookup::source(path, &sides.entity, sides.properties, sink);
    let list = source(&written.list);
    let share = match &written.share {
        Some(path) => Some(source(path)?),
        None => None,
    };
    Some(ForEach { list: list?, share })
}

/// An entry of the list, with its share.
fn entry(for_each: &ForEach) -> SourceSchemaField {
    let mut entry = match &for_each.list.schema.kind {
        SourceType::List(item) => (**item).clone(),
        _ => property(for_each.list.span, SourceType::Unknown),
    };
    if let (SourceType::Object(members), Some(share)) = (&mut entry.kind, &for_each.share) {
        let amount = property(share.span, text(None, Some("decimal")));
        set(members, SHARE, amount);
    }
    SourceSchemaField {
        required: true,
        ..entry
    }
}

fn reduce(written: &ast::Reduce, raw: &Sides<'_>, sink: &mut Vec<Diagnostic>) -> Reduce {
    let source = |path: &Spanned<String>, sink: &mut Vec<Diagnostic>| {
        lookup::source(path, &raw.entity, raw.properties, sink)
    };
    let by = written.by.iter().filter_map(|path| source(path, sink));
    let by = by.collect();
    let distinct = written.distinct.as_ref();
    let distinct = distinct.and_then(|path| source(path, sink));
    let order = written.order.iter().filter_map(|rank| {
        let path = match rank.path.value.as_str() {
            AT => member(AT, rank.path.span, text(None, Some("date-time"))),
            _ => source(&rank.path, sink)?,
        };
        let words = rank.words.clone();
        Some(Rank { path, words })
    });
    let order = order.collect();
    let mut folds: Vec<Fold> = Vec::with_capacity(written.folds.len());
    for fold in &written.folds {
        let path = match &fold.how.path {
            Some(path) => match source(path, sink) {
                Some(path) => Some(path),
                None => continue,
            },
            None => None,
        };
        let of = condition::conditions(&fold.of, raw, raw.properties, sink);
        let same = fold.same.iter();
        let same = same.filter_map(|name| found_above(name, &folds, sink));
        folds.push(Fold {
            name: fold.name.clone(),
            word: fold.how.word,
            schema: folded(fold, path.as_ref()),
            same: same.collect(),
            path,
            of,
        });
    }
    Reduce {
        span: written.span,
        by,
        distinct,
        order,
        order_span: written.order_span,
        folds,
    }
}

/// Finds the earlier fold that a later one names, with the member that it is made of.
fn found_above(
    name: &Spanned<String>,
    above: &[Fold],
    sink: &mut Vec<Diagnostic>,
) -> Option<(Spanned<String>, SourceField)> {
    let of_a_member = above.iter().filter(|fold| {
        let takes = [
            FoldWord::First,
            FoldWord::Last,
            FoldWord::Max,
            FoldWord::Min,
        ];
        takes.contains(&fold.word)
    });
    let found = of_a_member
        .clone()
        .find(|fold| fold.name.value == name.value);
    if let Some(path) = found.and_then(|fold| fold.path.clone()) {
        return Some((name.clone(), path));
    }
    let message = format!(
        "`{}` is no fold above this one that takes a member's value",
        name.value
    );
    let names: Vec<&str> = of_a_member.map(|fold| fold.name.value.as_str()).collect();
    sink.push(
        Diagnostic::error(
            Code::UNKNOWN_SOURCE_FIELD,
            name.span,
            message,
            "no such fold",
        )
        .did_you_mean(name.span, &name.value, names)
        .help("name a `first`, `last`, `max` or `min` that is written above"),
    );
    None
}

/// What a fold gives. Where no row counts there is no first and no last.
fn folded(fold: &ast::Fold, path: Option<&SourceField>) -> SourceSchemaField {
    let own = |kind| property(fold.name.span, kind);
    match (fold.how.word, path) {
        (FoldWord::Count, _) | (_, None) => own(SourceType::Integer),
        (FoldWord::Sum, _) => own(text(None, Some("decimal"))),
        (_, Some(path)) => SourceSchemaField {
            span: path.schema.span,
            nullable: true,
            required: false,
            ..path.schema.clone()
        },
    }
}

/// A member that no schema has.
fn member(name: &str, span: Span, kind: SourceType) -> SourceField {
    SourceField {
        span,
        path: vec![name.to_owned()],
        schema: property(span, kind),
    }
}

/// Records of another object are known by another field.
fn not_there(record: &ast::RecordOf, key: &str, object: &str) -> Diagnostic {
    let of = &record.of;
    let message = format!(
        "the records of `{}` are known by {key}, which {object} does not have",
        of.value
    );
    Diagnostic::error(Code::ROWS_OF_ANOTHER, of.span, message, "another object's")
        .help("name the object of that mapping as `destination`")
}

impl Resolver<'_> {
    /// Nothing where the mapping is in no tree, or its root is not known.
    pub(super) fn tree(
        &self,
        mapping: &ast::Mapping,
        reduced: Reduced,
        sides: &Sides<'_>,
        sink: &mut Vec<Diagnostic>,
    ) -> Option<Tree> {
        let written = mapping.tree.as_ref()?;
        let mut of = |pairs| condition::conditions(pairs, sides, sides.properties, sink);
        let exists_when = of(&written.exists_when);
        let unless = written.unless.iter().map(of).collect();
        let adopt = self.adopt(&written.adopt, sides, sink);
        let record_of = written
            .record
            .as_ref()
            .and_then(|record| self.reference(&record.of, sink).map(|_| record.of.clone()));
        let is_lost = written.record_broken || (written.record.is_some() && record_of.is_none());
        let mut after = written.after.clone();
        after.retain(|name| self.reference(name, sink).is_some());
        let Some(part_of) = &written.part_of else {
            // A wrong `part_of` has been reported.
            if !["part_of", "record"].contains(&written.first.value) {
                sink.push(not_in_tree(&written.first));
            }
            return None;
        };
        self.reference(part_of, sink)?;
        if is_lost {
            return None;
        }
        Some(Tree {
            root: part_of.clone(),
            record_of,
            adopt,
            reduce: reduced.reduce,
            for_each: reduced.for_each,
            exists_when,
            unless,
            gone: written
                .gone
                .as_ref()
                .map_or(Gone::Delete, |gone| gone.value),
            gone_span: written.gone.as_ref().map(|gone| gone.span),
            needs_npsp: written.needs_npsp,
            after,
        })
    }

    fn adopt(
        &self,
        written: &[ast::Adopt],
        sides: &Sides<'_>,
        sink: &mut Vec<Diagnostic>,
    ) -> Vec<Adopt> {
        let all = written.iter().filter_map(|one| {
            let mut source = |path| lookup::source(path, &sides.entity, sides.properties, sink);
            let from = match &one.from {
                ast::AdoptFrom::Id(path) => AdoptFrom::Id(source(path)?),
                ast::AdoptFrom::Record(record) => {
                    let by = source(&record.by);
                    self.reference(&record.of, sink)?;
                    AdoptFrom::Record(record.of.clone(), by?)
                }
            };
            let when = condition::conditions(&one.when, sides, sides.properties, sink);
            Some(Adopt {
                span: one.span,
                from,
                when,
                key_only: one.key_only,
            })
        });
        all.collect()
    }

    /// The mapping whose records the rows speak of, where nothing is said of a tree.
    pub(super) fn rows_of(
        &self,
        mapping: &ast::Mapping,
        sink: &mut Vec<Diagnostic>,
    ) -> Option<Spanned<String>> {
        let written = mapping.tree.as_ref()?;
        let record = written
            .record
            .as_ref()
            .filter(|_| written.part_of.is_none())?;
        self.reference(&record.of, sink)?;
        Some(record.of.clone())
    }

    /// The key of a mapping that writes another's record: that one's external id.
    pub(super) fn borrowed_key(
        &self,
        mapping: &ast::Mapping,
        sides: &Sides<'_>,
        sink: &mut Vec<Diagnostic>,
    ) -> Option<Key> {
        let record = mapping.tree.as_ref()?.record.as_ref()?;
        let source = lookup::source(&record.by, &sides.entity, sides.properties, sink)?;
        let place = self.names.get(record.of.value.as_str())?;
        let theirs = self.kept.get(*place)?.key.as_ref()?.destination.first()?;
        let schema = sides
            .object
            .fields
            .iter()
            .find(|field| field.name == theirs.value);
        let Some(schema) = schema else {
            // In a tree there is a rule about it.
            if mapping
                .tree
                .as_ref()
                .is_some_and(|tree| tree.part_of.is_none())
            {
                sink.push(not_there(record, &theirs.value, &sides.object.name));
            }
            return None;
        };
        Some(Key {
            source,
            made: None,
            destination: Some(DestinationField {
                span: record.of.span,
                schema: schema.clone(),
            }),
            natural: Vec::new(),
        })
    }
}

/// A word that says something of trees only.
fn not_in_tree(word: &Spanned<&'static str>) -> Diagnostic {
    let message = format!("`{}` wants a mapping that is part of a tree", word.value);
    Diagnostic::error(Code::NOT_IN_TREE, word.span, message, "in no tree")
        .help("add `part_of:` with the mapping at the root, or take this out")
}

/// The path of a key, or the member that it is made into and how.
pub(super) fn key_source(made: Made, span: Span) -> Option<(SourceField, Option<Rule>)> {
    let (rule, required, length) = match made {
        Made::Member(source) => return Some((source, None)),
        Made::Constant(_) => return None,
        Made::FirstOf(sources) => {
            let required = sources.iter().any(|source| source.schema.required);
            let mut lengths = sources.iter().map(|source| source.schema.kind.max_length());
            let longest = lengths.try_fold(0, |one: u32, other| Some(one.max(other?)));
            (Rule::FirstOf(sources), required, longest)
        }
        Made::Template(_, pieces) => {
            let mut lengths = pieces.iter().map(|piece| match piece {
                Piece::Text(text) => Some(text.chars().count() as u32),
                Piece::Member(source) => source.schema.kind.max_length(),
            });
            let length = lengths.try_fold(0, |one: u32, other| Some(one + other?));
            let members = crate::model::members(&pieces);
            let required = members.iter().all(|source| source.schema.required);
            (Rule::Template(pieces), required, length)
        }
    };
    let mut source = member(KEY, span, text(length, None));
    source.schema.required = required;
    Some((source, Some(rule)))
}
