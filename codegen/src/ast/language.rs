//! The words of the language: every key of a mapping, what stands behind it and what it is for.
//!
//! Readers find no key that is not listed here, and the schema for editors is made of these lists, so neither can
//! know a word that the other does not.

pub(super) use super::words::{
    AFTER_DELETE, CONFLICTS, DIRECTIONS, DUPLICATES, GONE, MATCH_POLICIES, MATCH_SOURCE, MISSING,
    NEEDS, ON_LINK, ON_REWRITE, SIDES, TREE_WORDS, UNMAPPED,
};
use super::words::{SPOKEN_DIRECTIONS, names};
use crate::model::Conversion;

/// One key of a map.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    pub takes: Takes,
    /// As editors show it beside the key.
    pub about: &'static str,
}

/// What stands behind a key.
#[derive(Debug)]
pub enum Takes {
    /// A name or text of the author's own, not empty.
    Text,
    /// A name in snake case.
    Identifier,
    /// One value of any type.
    Constant,
    /// `true` or `false`.
    Truth,
    /// One of these.
    Word(&'static [&'static str]),
    Name(Names),
    Map(&'static Map),
    List {
        of: &'static Takes,
        /// Fewer entries are a mistake.
        least: usize,
    },
    /// A map whose keys are names of a schema.
    Values(Values),
    /// One of these.
    Either(&'static [Takes]),
    /// A map whose keys are names of the author's own, or of another schema.
    Named(&'static Takes),
}

/// Names that the project's files give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// `ticketure.identity`, one of schemas/ticketure.
    Source,
    /// `salesforce.Contact`, one of schemas/salesforce.
    Destination,
    /// One of schemas/webhooks.
    Webhook,
    /// Another mapping's `mapping:`.
    Mapping,
    /// A dotted path of the mapping's source.
    Path,
    /// The same of a row as it comes in, before it is reduced.
    RawPath,
    /// One of schemas/salesforce, without its system.
    Object,
    /// A field of the mapping's destination.
    Field,
    /// The same, when it can be written.
    WritableField,
    /// The same, when it is a unique external id.
    KeyField,
    /// The same, when it holds another record's id.
    ReferenceField,
}

/// Maps whose keys are names of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// Paths of the source and the values that they have to have.
    SourceConditions,
    /// The same of a row as it is mapped: with what it was reduced to, and with settings.
    RowConditions,
    /// Fields of the destination and a value, or `{ not: value }`.
    DestinationConditions,
    /// Values of the source and what they become.
    Words,
    /// Settings and their values.
    Settings,
    /// A row of the source, as the webhook carries it.
    Row,
    /// The same, or `false`.
    RowOrFalse,
    /// Fields of the destination and their values.
    Record,
}

/// A map with known keys.
#[derive(Debug)]
pub struct Map {
    pub keys: &'static [Key],
    /// Keys that cannot stand together.
    pub apart: &'static [[&'static str; 2]],
}

const fn key(name: &'static str, takes: Takes, about: &'static str) -> Key {
    Key { name, takes, about }
}

const fn map(keys: &'static [Key]) -> Map {
    Map { keys, apart: &[] }
}

/// A mapping file.
pub static MAPPING: Map = Map {
    apart: &[["key", "record"]],
    keys: &[
        key(
            "mapping",
            Takes::Identifier,
            "The mapping's name, in snake case. Other mappings refer to it.",
        ),
        key(
            "source",
            Takes::Name(Names::Source),
            "The Ticketure entity whose rows are read: a schema in schemas/ticketure.",
        ),
        key(
            "destination",
            Takes::Name(Names::Destination),
            "The Salesforce object whose records are written: a schema in schemas/salesforce.",
        ),
        key(
            "direction",
            Takes::Word(SPOKEN_DIRECTIONS),
            "forward: from the source to the destination. both: and back. A field may narrow it.",
        ),
        key(
            "on",
            Takes::Name(Names::Webhook),
            "The webhook that carries the source's rows: a schema in schemas/webhooks.",
        ),
        key(
            "when",
            Takes::Map(&WHEN),
            "Which rows are this mapping's, and which records may go back.",
        ),
        key(
            "key",
            Takes::Map(&KEY),
            "What a row and its record know each other by: a unique external id.",
        ),
        key(
            "part_of",
            Takes::Name(Names::Mapping),
            "The records are written together with those of this mapping, the root; the root names itself.",
        ),
        key(
            "record",
            Takes::Map(&RECORD),
            "Writes the record of another mapping, instead of one of its own: another webhook speaks of it as well.",
        ),
        key(
            "reduce",
            Takes::Map(&REDUCE),
            "How all rows of one record become one row, whatever the order in which they came.",
        ),
        key(
            "for_each",
            Takes::Either(&[Takes::Name(Names::Path), Takes::Map(&FOR_EACH)]),
            "Each entry of this list is a record of its own; its members are at each.",
        ),
        key(
            "exists_when",
            Takes::Values(Values::RowConditions),
            "There is a record where all of these hold for the reduced row.",
        ),
        key(
            "unless",
            Takes::List {
                of: &Takes::Values(Values::RowConditions),
                least: 0,
            },
            "There is no record where all conditions of one of these hold.",
        ),
        key(
            "gone",
            Takes::Word(&names(&GONE)),
            "What happens to a record that no row speaks for any longer. delete, if nothing is said, or keep.",
        ),
        key(
            "after",
            Takes::Either(&[
                Takes::Name(Names::Mapping),
                Takes::List {
                    of: &Takes::Name(Names::Mapping),
                    least: 1,
                },
            ]),
            "Its records are written after those of these mappings of the tree, though none refers to them.",
        ),
        key(
            "needs",
            Takes::Word(&names(&NEEDS)),
            "npsp: there are no such records where NPSP is not installed.",
        ),
        key(
            "lane",
            Takes::Name(Names::RawPath),
            "The path whose rows are processed in order, one at a time.",
        ),
        key(
            "lock",
            Takes::Name(Names::ReferenceField),
            "The field that holds the parent which Salesforce locks with each write.",
        ),
        key(
            "match",
            Takes::Map(&MATCH),
            "How a record that is there already is found, instead of making a second one.",
        ),
        key(
            "conflict",
            Takes::Word(&names(&CONFLICTS)),
            "Who wins a field that both sides changed. restrictive: the opt-out. review: nobody, until a person decides.",
        ),
        key(
            "tie",
            Takes::Word(&names(&SIDES)),
            "Who wins under `newest` where the clocks cannot tell.",
        ),
        key(
            "on_link",
            Takes::Word(&names(&ON_LINK)),
            "What happens when two existing records meet for the first time. fill_blanks: what one side lacks comes from the other.",
        ),
        key(
            "on_rewrite",
            Takes::Word(&names(&ON_REWRITE)),
            "The org changed what was just written. accept: its value goes to the source too. keep: each side keeps its own.",
        ),
        key(
            "after_delete",
            Takes::Word(&names(&AFTER_DELETE)),
            "What becomes of the other side of a record that was deleted.",
        ),
        key(
            "duplicates",
            Takes::Word(&names(&DUPLICATES)),
            "A duplicate rule of the org's finds other records like it. review: a person says which it is. allow: it is written all the same, where the rule lets that be.",
        ),
        key(
            "fields",
            Takes::List {
                of: &Takes::Map(&FIELD),
                least: 1,
            },
            "One entry a field of the destination.",
        ),
        key(
            "ignore",
            Takes::List {
                of: &Takes::Name(Names::Field),
                least: 0,
            },
            "Fields of the destination that are left out on purpose.",
        ),
        key(
            "unmapped",
            Takes::Word(&names(&UNMAPPED)),
            "error: each field that can be written is mapped or in `ignore`.",
        ),
        key(
            "allow",
            Takes::Map(&ALLOW),
            "Judgements about the whole mapping that do not hold here: a code and the reason in words.",
        ),
        key(
            "tests",
            Takes::List {
                of: &Takes::Map(&TEST),
                least: 0,
            },
            "What goes in and what must come out.",
        ),
    ],
};

pub(super) static WHEN: Map = map(&[
    key(
        "source",
        Takes::Values(Values::SourceConditions),
        "Paths and values: a row that has all of them is this mapping's.",
    ),
    key(
        "destination",
        Takes::Values(Values::DestinationConditions),
        "Fields and values: a record that has all of them may go back. `{ not: value }` for any other value.",
    ),
]);

pub(super) static KEY: Map = map(&[
    key(
        "source",
        PATHS,
        "The path of the row's own id, which every row has; of several the first that is given.",
    ),
    key(
        "template",
        Takes::Text,
        "The id as text with members in braces, instead of a source.",
    ),
    key(
        "destination",
        Takes::Either(&[
            Takes::Name(Names::KeyField),
            Takes::List {
                of: &Takes::Name(Names::Field),
                least: 1,
            },
        ]),
        "The unique external id that holds it in Salesforce; or the fields that tell a record from others of its parent.",
    ),
]);

/// A path, or several of which the first that is given counts.
const PATHS: Takes = Takes::Either(&[
    Takes::Name(Names::Path),
    Takes::List {
        of: &Takes::Name(Names::Path),
        least: 1,
    },
]);

pub(super) static RECORD: Map = map(&[
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

pub(super) static FOR_EACH: Map = map(&[
    key("list", Takes::Name(Names::Path), "The path of the list."),
    key(
        "share",
        Takes::Name(Names::Path),
        "The amount that the entries share, to the cent: each.share is an entry's part, by its amount, its percent, or what is left.",
    ),
]);

pub(super) static REDUCE: Map = map(&[
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

pub(super) static FOLD: Map = map(&[
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
]);

/// A value, and where it comes from.
pub(super) static MADE: Map = Map {
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

pub(super) static CONSTANT: Map = map(&[key("value", Takes::Constant, "The value.")]);

pub(super) static USE: Map = map(&[key(
    "use",
    Takes::Constant,
    "What the first field of `by` is in the record that is taken instead.",
)]);

pub(super) static CASE: Map = Map {
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

pub(super) static LOOKUP: Map = map(&[
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

pub(super) static MATCH: Map = map(&[
    key(
        "destination",
        Takes::List {
            of: &RUNG,
            least: 0,
        },
        "Lists of paths, the surest first: a record that equals the row in all paths of a list is the same. E-mail alone only proposes.",
    ),
    key(
        "source",
        Takes::Word(&names(&MATCH_SOURCE)),
        "on_conflict: what Ticketure has already is adopted as well.",
    ),
    key(
        "policy",
        Takes::Word(&names(&MATCH_POLICIES)),
        "adopt: one hit is linked. review: a hit is proposed to a person. always_create: nothing is looked for.",
    ),
]);

static RUNG: Takes = Takes::List {
    of: &Takes::Name(Names::Path),
    least: 1,
};

/// One entry of `fields`.
pub static FIELD: Map = Map {
    keys: &[
        key(
            "source",
            PATHS,
            "A path of the row; inside an object with a dot: address.city. A setting: $name. Of a list the first that is given.",
        ),
        key("value", Takes::Constant, "A constant, instead of a source."),
        key(
            "template",
            Takes::Text,
            "Text with members in braces, instead of a source: Tickets {cart_number}.",
        ),
        key(
            "choose",
            Takes::List {
                of: &Takes::Map(&CASE),
                least: 1,
            },
            "The first case that holds, instead of a source.",
        ),
        key(
            "lookup",
            Takes::Map(&LOOKUP),
            "The id of a record that no mapping writes, found by its fields.",
        ),
        key(
            "destination",
            Takes::Name(Names::WritableField),
            "The Salesforce field, as the API spells it.",
        ),
        key(
            "convert",
            Takes::Word(&names(&Conversion::ALL)),
            "email: trimmed, lower case. phone: single spaces. date: text to a date. not: the opposite truth. negative: the number with its sign turned round.",
        ),
        key(
            "values",
            Takes::Values(Values::Words),
            "Another word for each value.",
        ),
        key(
            "otherwise",
            Takes::Either(&[Takes::Constant, Takes::Map(&CONSTANT)]),
            "What a value becomes that `values` lacks. fail: the row is refused. same: itself. Else this.",
        ),
        key(
            "date_in",
            PATHS,
            "The date of a time in this zone: a path, or a setting; of several the first that is given.",
        ),
        key(
            "written_last",
            Takes::Map(&MADE),
            "The field has this value until the whole tree is written.",
        ),
        key(
            "or_first",
            Takes::Truth,
            "A reference within the tree means the first record of that mapping where none has its key.",
        ),
        key(
            "reference",
            Takes::Name(Names::Mapping),
            "The value is the source id of this mapping's record; the row waits until that record is in Salesforce.",
        ),
        key(
            "direction",
            Takes::Word(SPOKEN_DIRECTIONS),
            "Another direction for this field alone.",
        ),
        key(
            "conflict",
            Takes::Word(&names(&CONFLICTS)),
            "Another winner for this field alone. A consent is restrictive by itself.",
        ),
        key(
            "monitored",
            Takes::Truth,
            "Its change lets a record go back to Ticketure.",
        ),
        key(
            "required",
            Takes::Truth,
            "While it is blank in Salesforce the record does not go back.",
        ),
        key("when_creating", Takes::Truth, "Sent with a create only."),
        key("pii", Takes::Truth, "Personal data."),
        key(
            "needs",
            Takes::Word(&names(&NEEDS)),
            "npsp: left out where NPSP is not installed.",
        ),
        key(
            "allow",
            Takes::Map(&ALLOW),
            "Judgements that do not hold for this field: a code and the reason in words.",
        ),
    ],
    apart: &[
        ["source", "value"],
        ["source", "template"],
        ["source", "choose"],
        ["source", "lookup"],
        ["value", "template"],
        ["value", "choose"],
        ["value", "lookup"],
        ["template", "choose"],
        ["template", "lookup"],
        ["choose", "lookup"],
    ],
};

/// `allow`: what is a judgement and no fact. The same as [`crate::diagnostic::ALLOWABLE`].
pub static ALLOW: Map = map(&[
    key(
        "M0212",
        Takes::Text,
        "Why null never comes from the source, or may fail.",
    ),
    key(
        "M0213",
        Takes::Text,
        "Why Salesforce never clears the field, or may fail.",
    ),
    key(
        "M0214",
        Takes::Text,
        "Why Salesforce never holds more than the source takes, or may fail.",
    ),
    key(
        "M0216",
        Takes::Text,
        "Why Salesforce never holds what the source refuses, or may fail.",
    ),
    key(
        "M0217",
        Takes::Text,
        "Why no two ids of the source differ only in case.",
    ),
    key(
        "M0219",
        Takes::Text,
        "Why it is right that the org writes over this field.",
    ),
    key(
        "M0220",
        Takes::Text,
        "Why a field that the org computes is written all the same.",
    ),
    key(
        "M0224",
        Takes::Text,
        "Why the source never has another value than the picklist, or may fail.",
    ),
    key(
        "M0225",
        Takes::Text,
        "Why the names mislead, and both mean the same.",
    ),
    key(
        "M0311",
        Takes::Text,
        "Why the mappings never write one record.",
    ),
    key(
        "M0316",
        Takes::Text,
        "Why this one field says enough of who it is.",
    ),
    key(
        "M0327",
        Takes::Text,
        "Why the field is left as it is where no case holds.",
    ),
]);

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
            Takes::Either(&[Takes::Values(Values::Record), Takes::Word(&["absent"])]),
            "What goes to Salesforce: these fields and no others. absent: there is no record.",
        ),
        key(
            "expect_some",
            Takes::Values(Values::Record),
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
