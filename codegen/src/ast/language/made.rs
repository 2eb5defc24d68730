//! The words of values that are made.

use super::{MISSING, Map, Names, PATHS, Takes, Values, key, map};

/// A value, and where it comes from.
pub(in crate::ast) static MADE: Map = Map {
    keys: &[
        key("source", PATHS, "A path of the row, or a setting: $name."),
        key("value", Takes::Constant, "A constant."),
        key("template", Takes::Text, "Text with members in braces."),
    ],
    apart: MADE_APART,
};

const MADE_APART: &[[&str; 2]] = &[
    ["source", "value"],
    ["source", "template"],
    ["value", "template"],
];

pub(in crate::ast) static CONSTANT: Map = map(&[key("value", Takes::Constant, "The value.")]);

pub(in crate::ast) static USE: Map = map(&[key(
    "use",
    Takes::Constant,
    "What the first field of `by` is in the record that is taken instead.",
)]);

pub(in crate::ast) static CASE: Map = Map {
    keys: &[
        key(
            "when",
            Takes::Values(Values::RowConditions),
            "The case counts where all of these hold; the last one has none.",
        ),
        key("source", PATHS, "A path of the row, or a setting: $name."),
        key("value", Takes::Constant, "A constant."),
        key("template", Takes::Text, "Text with members in braces."),
    ],
    apart: MADE_APART,
};

pub(in crate::ast) static LOOKUP: Map = map(&[
    key(
        "object",
        Takes::Name(Names::Object),
        "The object whose record is looked for.",
    ),
    key(
        "by",
        Takes::Named(&MADE_FIELD),
        "Its fields, or those of its parents (Product2.Name), and what they have to be: a path, or { value: x }.",
    ),
    key(
        "within",
        Takes::Named(&Takes::List {
            of: &Takes::Named(&Takes::Name(Names::Path)),
            least: 1,
        }),
        "Only among one account's records: the field that holds it, and whose account it is, a mapping and the path of its id.",
    ),
    key(
        "missing",
        Takes::Either(&[Takes::Word(&MISSING), Takes::Map(&USE)]),
        "create: it is made. fail: the row goes to the error log. leave: the field stays empty. { use: x }: the record whose first field is x.",
    ),
    key(
        "create",
        Takes::Named(&MADE_FIELD),
        "More fields of a record that is made.",
    ),
]);

static MADE_FIELD: Takes = Takes::Either(&[
    Takes::Name(Names::Path),
    Takes::List {
        of: &Takes::Name(Names::Path),
        least: 1,
    },
    Takes::Map(&MADE),
]);
