//! The words of a mapping whose records are written together with others.

use super::{Map, Names, Takes, Values, key, map};

pub(in crate::ast) static RECORD: Map = map(&[
    key(
        "of",
        Takes::Name(Names::Mapping),
        "The mapping whose record it is.",
    ),
    key(
        "by",
        Takes::Name(Names::Path),
        "The path of that record's key.",
    ),
]);

pub(in crate::ast) static ADOPT: Map = Map {
    apart: &[["id", "record"], ["id", "by"]],
    keys: &[
        key(
            "id",
            Takes::Name(Names::Path),
            "The path of a record's Salesforce id.",
        ),
        key(
            "record",
            Takes::Name(Names::Mapping),
            "The mapping whose record it is.",
        ),
        key(
            "by",
            Takes::Name(Names::Path),
            "The path of that record's key.",
        ),
        key(
            "when",
            Takes::Values(Values::RowConditions),
            "It is taken over where all of these hold for the reduced row.",
        ),
        key(
            "writes",
            Takes::Word(&["key"]),
            "key: nothing but its key is written to it, and nothing below it: what it says is Salesforce's.",
        ),
    ],
};

pub(in crate::ast) static FOR_EACH: Map = map(&[
    key("list", Takes::Name(Names::Path), "The path of the list."),
    key(
        "share",
        Takes::Name(Names::Path),
        "The amount that the entries share, to the cent: each.share is an entry's part, by its amount, its percent, or what is left.",
    ),
]);

pub(in crate::ast) static REDUCE: Map = map(&[
    key(
        "by",
        Takes::Either(&[
            Takes::Name(Names::RawPath),
            Takes::List {
                of: &Takes::Name(Names::RawPath),
                least: 1,
            },
        ]),
        "What the rows of one record have in common; of several the first that is given.",
    ),
    key(
        "distinct",
        Takes::Name(Names::RawPath),
        "Rows that have this in common are one row that was delivered more than once.",
    ),
    key(
        "order",
        Takes::List {
            of: &Takes::Either(&[
                Takes::Name(Names::RawPath),
                Takes::Named(&Takes::List {
                    of: &Takes::Text,
                    least: 1,
                }),
            ]),
            least: 1,
        },
        "What comes first, by the first of these that differs: a path, or a path with its words in order. $at is when it was delivered.",
    ),
    key(
        "fold",
        Takes::Named(&Takes::Map(&FOLD)),
        "Members that are made of all the rows, by the names that they get.",
    ),
]);

pub(in crate::ast) static FOLD: Map = map(&[
    key(
        "first",
        Takes::Name(Names::RawPath),
        "The first row's value.",
    ),
    key("last", Takes::Name(Names::RawPath), "The last row's value."),
    key("count", Takes::Truth, "How many rows."),
    key("sum", Takes::Name(Names::RawPath), "The sum of an amount."),
    key(
        "max",
        Takes::Name(Names::RawPath),
        "The greatest, or the latest.",
    ),
    key(
        "min",
        Takes::Name(Names::RawPath),
        "The least, or the earliest.",
    ),
    key(
        "of",
        Takes::Values(Values::SourceConditions),
        "Only rows that have all of these.",
    ),
    key(
        "same",
        Takes::Either(&[
            Takes::Text,
            Takes::List {
                of: &Takes::Text,
                least: 1,
            },
        ]),
        "Only rows that have what a fold above has found, in the member that it is made of; of several folds the first that has found something.",
    ),
]);
