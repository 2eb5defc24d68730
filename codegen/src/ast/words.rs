//! The words that stand behind keys, each list in the order in which it is offered.

use crate::model::{
    AfterDelete, Conflict, Direction, Duplicates, Gone, MatchPolicy, OnLink, OnRewrite, PushAs,
    Side,
};

/// The words of a list of words and their meanings.
pub(super) const fn names<T: Copy, const N: usize>(
    words: &[(&'static str, T); N],
) -> [&'static str; N] {
    let mut names = [""; N];
    let mut index = 0;
    while index < N {
        names[index] = words[index].0;
        index += 1;
    }
    names
}

/// Nothing stands for `reverse`: only a whole mapping may be that.
pub(super) const DIRECTIONS: [(&str, Option<Direction>); 3] = [
    ("forward", Some(Direction::Forward)),
    ("both", Some(Direction::Both)),
    ("reverse", None),
];

/// What a record of Salesforce's is pushed as.
pub(super) const PUSH_AS: [(&str, PushAs); 2] =
    [("create", PushAs::Create), ("extend", PushAs::Extend)];

/// What becomes of an edit in Salesforce of a record that goes forward only.
pub(super) const ON_EDIT: [(&str, bool); 1] = [("refuse", true)];

pub(super) const CONFLICTS: [(&str, Conflict); 5] = [
    ("source", Conflict::Source),
    ("destination", Conflict::Destination),
    ("newest", Conflict::Newest),
    ("restrictive", Conflict::Restrictive),
    ("review", Conflict::Review),
];

pub(super) const SIDES: [(&str, Side); 2] =
    [("source", Side::Source), ("destination", Side::Destination)];

pub(super) const ON_LINK: [(&str, OnLink); 5] = [
    ("fill_blanks", OnLink::FillBlanks),
    ("source", OnLink::Source),
    ("destination", OnLink::Destination),
    ("newest", OnLink::Newest),
    ("review", OnLink::Review),
];

pub(super) const ON_REWRITE: [(&str, OnRewrite); 2] =
    [("accept", OnRewrite::Accept), ("keep", OnRewrite::Keep)];

pub(super) const AFTER_DELETE: [(&str, AfterDelete); 3] = [
    ("recreate", AfterDelete::Recreate),
    ("detach", AfterDelete::Detach),
    ("review", AfterDelete::Review),
];

pub(super) const DUPLICATES: [(&str, Duplicates); 2] =
    [("review", Duplicates::Review), ("allow", Duplicates::Allow)];

pub(super) const MATCH_POLICIES: [(&str, MatchPolicy); 3] = [
    ("adopt", MatchPolicy::Adopt),
    ("review", MatchPolicy::Review),
    ("always_create", MatchPolicy::AlwaysCreate),
];

pub(super) const MATCH_SOURCE: [(&str, bool); 1] = [("on_conflict", true)];

pub(super) const NEEDS: [(&str, bool); 1] = [("npsp", true)];

pub(super) const GONE: [(&str, Gone); 2] = [("delete", Gone::Delete), ("keep", Gone::Keep)];

/// What a look-up that finds nothing may do, beside `{ use: ... }`.
pub(super) const MISSING: [&str; 3] = ["create", "fail", "leave"];

/// The words of a mapping that mean something in a tree only.
pub(super) const TREE_WORDS: &[&str] = &[
    "part_of",
    "record",
    "adopt",
    "reduce",
    "for_each",
    "exists_when",
    "unless",
    "gone",
    "after",
    "needs",
];

pub(super) const UNMAPPED: [(&str, bool); 1] = [("error", true)];

/// Of a field: `reverse` is known, so that it can be refused by name; it is not offered.
pub(super) const SPOKEN_DIRECTIONS: &[&str] = &[DIRECTIONS[0].0, DIRECTIONS[1].0];
