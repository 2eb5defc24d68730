//! The words of an entry of `tests`.

use super::{Map, Takes, Values, key};

/// One entry of `tests`.
pub static TEST: Map = Map {
    keys: &[
        key("name", Takes::Text, "What the test shows, as a sentence."),
        key(
            "given",
            Takes::Either(&[
                Takes::Values(Values::Row),
                Takes::List {
                    of: &Takes::Values(Values::Row),
                    least: 1,
                },
            ]),
            "The row that comes in; of a mapping with `reduce` one or more.",
        ),
        key(
            "settings",
            Takes::Values(Values::Settings),
            "Settings that are not as they are by default.",
        ),
        key(
            "before",
            Takes::Values(Values::Record),
            "The record as both sides agreed on it; the same as `base`.",
        ),
        key(
            "base",
            Takes::Values(Values::Record),
            "The record as both sides agreed on it; the same as `before`.",
        ),
        key(
            "after",
            Takes::Values(Values::Record),
            "The record as Salesforce has it now.",
        ),
        key(
            "linked",
            Takes::Values(Values::Record),
            "The record that the row meets for the first time.",
        ),
        key(
            "expect",
            Takes::Either(&[
                Takes::Values(Values::Record),
                RECORDS,
                Takes::Word(&["absent"]),
            ]),
            "What goes to Salesforce: these fields and no others. absent: there is no record.",
        ),
        key(
            "expect_some",
            Takes::Either(&[Takes::Values(Values::Record), RECORDS]),
            "What goes to Salesforce: at least these fields.",
        ),
        key(
            "push",
            Takes::Values(Values::RowOrFalse),
            "What goes to Ticketure; false for nothing.",
        ),
    ],
    apart: &[
        ["expect", "expect_some"],
        ["before", "base"],
        ["after", "linked"],
    ],
};

/// Where rows are those of several records.
const RECORDS: Takes = Takes::List {
    of: &Takes::Values(Values::Record),
    least: 1,
};
