//! The words of the language: every key of a mapping, what stands behind it and what it is for.
//!
//! Readers find no key that is not listed here, and the schema for editors is made of these lists, so neither can
//! know a word that the other does not.

mod field;
mod made;
mod test;
mod tree;

use super::words::names;
pub(super) use super::words::{
    AFTER_DELETE, CONFLICTS, DIRECTIONS, DUPLICATES, GONE, MATCH_POLICIES, MATCH_SOURCE, MISSING,
    NEEDS, ON_EDIT, ON_LINK, ON_REWRITE, PUSH_AS, SIDES, TREE_WORDS, UNMAPPED,
};
pub use field::FIELD;
pub(super) use made::{CASE, CONSTANT, LOOKUP, MADE, USE};
pub use test::TEST;
pub(super) use tree::{ADOPT, FOLD, FOR_EACH, RECORD, REDUCE};

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
    /// Paths of the source, each with a word or a list of words.
    SourceWords,
    /// Conditions on the reduced row, which also has the settings.
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
            Takes::Word(&names(&DIRECTIONS)),
            "forward: from the source to the destination. both: and back. A field may narrow it. reverse: only back, as `push_as` says.",
        ),
        key(
            "push_as",
            Takes::Word(&names(&PUSH_AS)),
            "What a record of Salesforce's becomes in Ticketure. create: a new one. extend: a later end of one that is there.",
        ),
        key(
            "on_edit",
            Takes::Word(&names(&ON_EDIT)),
            "refuse: an edit in Salesforce of a field that is `monitored` goes to the error log, with what to do instead.",
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
            "nothing",
            Takes::Values(Values::SourceWords),
            "Paths and words: a row that has one of them, and that no `when` takes, is nothing to the mapping and no error.",
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
            "adopt",
            Takes::List {
                of: &Takes::Map(&ADOPT),
                least: 1,
            },
            "Records that are there already, and are taken over before one is made: the first that is found.",
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
