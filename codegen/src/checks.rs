//! The rules that look at what an author meant. One file a rule; what a name alone shows, `resolve` has said.

mod create_only;
mod gate_without_way_back;
mod impossible_when;
mod key_not_unique;
mod needs_npsp;
mod not_a_consent;
mod not_two_way;
mod read_only;
mod reference_cycle;
mod required_not_set;
mod stale_ignore;
mod text_too_long;
mod two_sources;
mod type_mismatch;
mod unfit_path;
mod unknown_picklist_value;

use crate::diagnostic::Diagnostic;
use crate::model::{Mapping, Model};
use crate::resolve::Schemas;

/// What a rule may look at beside the mapping.
pub struct Context<'c> {
    pub model: &'c Model,
    pub schemas: &'c Schemas,
    /// Some of the mapping's fields could not be read or resolved: what seems to be missing may be there.
    pub incomplete: bool,
}

type Rule = fn(&Mapping, &Context<'_>, &mut Vec<Diagnostic>);

const RULES: &[Rule] = &[
    create_only::check,
    impossible_when::check,
    key_not_unique::check,
    gate_without_way_back::check,
    needs_npsp::check,
    not_a_consent::check,
    not_two_way::check,
    read_only::check,
    reference_cycle::check,
    required_not_set::check,
    stale_ignore::check,
    text_too_long::check,
    two_sources::check,
    type_mismatch::check,
    unfit_path::check,
    unknown_picklist_value::check,
];

/// Every rule over one mapping.
pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for rule in RULES {
        rule(mapping, context, sink);
    }
}
