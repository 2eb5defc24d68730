//! The words of an entry of `fields`.

use super::super::words::{SPOKEN_DIRECTIONS, names};
use super::made::{CASE, CONSTANT, LOOKUP, MADE};
use super::{ALLOW, CONFLICTS, Map, NEEDS, Names, PATHS, Takes, Values, key};
use crate::model::Conversion;

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
