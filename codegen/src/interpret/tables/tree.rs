//! The tables of trees and made members.

use runtime::mapping::{
    Adopt, AdoptFrom, Case, Computed, Condition, Fold, ForEach, Gone, How, Is, Lookup, Made,
    Missing, Otherwise, Path, Piece, Rank, Reduce, Rule, Tree, Within, WrittenLast,
};

use super::{all, constant, list, one, path, text};
use crate::ir;
use crate::model;

pub(in crate::interpret) fn conditions(conditions: &[ir::Condition]) -> &'static [Condition] {
    all(conditions, |condition| Condition {
        path: path(&condition.path),
        is: match &condition.is {
            model::Is::Equal(value) => Is::Equal(constant(value)),
            model::Is::OneOf(values) => Is::OneOf(all(values, |value| constant(&value.value))),
            model::Is::NoneOf(values) => Is::NoneOf(all(values, |value| constant(&value.value))),
            model::Is::Above(number) => Is::Above(text(number)),
            model::Is::Given(given) => Is::Given(*given),
        },
    })
}

fn paths(paths: &[ir::Path]) -> &'static [Path] {
    all(paths, |names| path(names))
}

fn texts(texts: &[String]) -> &'static [&'static str] {
    all(texts, |one| text(one))
}

pub(super) fn computed(mapping: &ir::Mapping, lookups: &'static [Lookup]) -> &'static [Computed] {
    let rules = mapping.computed.iter().filter_map(|computed| {
        Some(Computed {
            name: text(&computed.name),
            rule: rule(&computed.rule, lookups)?,
        })
    });
    list(rules.collect())
}

/// Nothing for a look-up that `lower` did not make.
fn rule(rule: &ir::Rule, lookups: &'static [Lookup]) -> Option<Rule> {
    Some(match rule {
        ir::Rule::Template(pieces) => Rule::Template(all(pieces, |piece| match piece {
            ir::Piece::Text(written) => Piece::Text(text(written)),
            ir::Piece::Member(of) => Piece::Member(path(of)),
        })),
        ir::Rule::Cases(cases) => Rule::Cases(all(cases, |case| Case {
            when: conditions(&case.when),
            then: made(&case.then),
        })),
        ir::Rule::Values {
            of,
            table,
            otherwise,
        } => Rule::Values {
            of: path(of),
            table: all(table, |(from, to)| (constant(from), constant(to))),
            otherwise: match otherwise {
                ir::Otherwise::Fail => Otherwise::Fail,
                ir::Otherwise::Same => Otherwise::Same,
                ir::Otherwise::Constant(value) => Otherwise::Constant(constant(value)),
            },
        },
        ir::Rule::DateIn { time, zones } => Rule::DateIn {
            time: path(time),
            zones: paths(zones),
        },
        ir::Rule::Negative(of) => Rule::Negative(path(of)),
        ir::Rule::FirstOf(of) => Rule::FirstOf(paths(of)),
        ir::Rule::Lookup(index) => Rule::Lookup(lookups.get(*index)?),
    })
}

fn made(made: &ir::Made) -> Made {
    match made {
        ir::Made::Constant(value) => Made::Constant(constant(value)),
        ir::Made::Member(of) => Made::Member(path(of)),
        ir::Made::FirstOf(of) => Made::FirstOf(paths(of)),
    }
}

fn made_fields(fields: &[(String, ir::Made)]) -> &'static [(&'static str, Made)] {
    all(fields, |(name, value)| (text(name), made(value)))
}

pub(super) fn lookups(lookups: &[ir::Lookup]) -> &'static [Lookup] {
    all(lookups, |lookup| Lookup {
        object: text(&lookup.object),
        by: made_fields(&lookup.by),
        within: lookup.within.as_ref().map(|(field, of)| Within {
            field: text(field),
            of: all(of, |(mapping, of)| (text(mapping), path(of))),
        }),
        missing: match &lookup.missing {
            ir::Missing::Create => Missing::Create,
            ir::Missing::Fail => Missing::Fail,
            ir::Missing::Leave => Missing::Leave,
            ir::Missing::Use(value) => Missing::Use(constant(value)),
        },
        create: made_fields(&lookup.create),
    })
}

pub(super) fn tree(tree: &ir::Tree) -> &'static Tree {
    one(Tree {
        root: text(&tree.root),
        record_of: tree.record_of.as_deref().map(text),
        adopt: all(&tree.adopt, adopt),
        reduce: tree.reduce.as_ref().map(reduce),
        for_each: tree.for_each.as_ref().map(|each| ForEach {
            list: path(&each.list),
            share: each.share.as_deref().map(path),
        }),
        exists_when: conditions(&tree.exists_when),
        unless: all(&tree.unless, |case| conditions(case)),
        gone: match tree.gone {
            model::Gone::Delete => Gone::Delete,
            model::Gone::Keep => Gone::Keep,
        },
        needs_npsp: tree.needs_npsp,
        natural_key: texts(&tree.natural_key),
        written_last: tree.written_last.as_ref().map(|last| WrittenLast {
            field: text(&last.field),
            until_then: made(&last.until_then),
        }),
        or_first: texts(&tree.or_first),
        after: texts(&tree.after),
    })
}

fn adopt(adopt: &ir::Adopt) -> Adopt {
    Adopt {
        from: match &adopt.from {
            ir::AdoptFrom::Id(of) => AdoptFrom::Id(path(of)),
            ir::AdoptFrom::Record(mapping, by) => AdoptFrom::Record {
                mapping: text(mapping),
                by: path(by),
            },
        },
        when: conditions(&adopt.when),
        key_only: adopt.key_only,
    }
}

fn reduce(reduce: &ir::Reduce) -> Reduce {
    Reduce {
        by: paths(&reduce.by),
        distinct: reduce.distinct.as_deref().map(path),
        order: all(&reduce.order, |rank| Rank {
            path: path(&rank.path),
            words: texts(&rank.words),
        }),
        folds: all(&reduce.folds, |fold| Fold {
            name: text(&fold.name),
            how: match &fold.how {
                ir::How::First(of) => How::First(path(of)),
                ir::How::Last(of) => How::Last(path(of)),
                ir::How::Count => How::Count,
                ir::How::Sum(of) => How::Sum(path(of)),
                ir::How::Max(of) => How::Max(path(of)),
                ir::How::Min(of) => How::Min(path(of)),
            },
            of: conditions(&fold.of),
            same: all(&fold.same, |(name, of)| (text(name), path(of))),
        }),
    }
}
