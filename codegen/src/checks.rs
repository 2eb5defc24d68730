//! The rules that look at what an author meant. One file a rule; what a name alone shows, `resolve` has said.

mod allowed;
mod compound_and_part;
mod create_only;
mod duplicate_test;
mod fit;
mod fold_shadows;
mod gate_without_way_back;
mod impossible_when;
mod key_folds_case;
mod key_needs_npsp;
mod key_not_unique;
mod lane_missing;
mod lock_no_parent;
mod needs_npsp;
mod no_last_case;
mod not_a_consent;
mod not_in_tree;
mod not_taken_back;
mod not_two_way;
mod null_back;
mod null_into_required;
mod open_into_restricted;
mod opposite_consent;
mod order_missing;
mod overwritten;
mod read_only;
mod recomputed;
mod record_twice;
mod reference_cycle;
mod required_not_set;
mod rows_of_another;
pub mod same_record;
mod stale_ignore;
mod stale_needs;
mod test_of_unmapped;
mod test_row;
mod test_value;
mod text_too_long;
mod too_long_back;
mod two_sources;
mod type_mismatch;
mod unfit_list;
mod unfit_lookup;
mod unfit_match;
mod unfit_nothing;
mod unfit_path;
mod unfit_push;
mod unfit_tree;
mod unknown_picklist_value;
mod unmapped;
mod update_only;
mod values_incomplete;
mod weak_match;
mod wrong_format;

use crate::diagnostic::{Diagnostic, Severity};
use crate::model::{Mapping, MappingId, Model};
use crate::resolve::Schemas;
use crate::schema::SalesforceField;

/// What a rule may look at beside the mapping.
pub struct Context<'c> {
    pub model: &'c Model,
    pub schemas: &'c Schemas,
    /// The mapping's own id.
    pub id: MappingId,
    /// Which mappings may write one record.
    pub overlaps: &'c same_record::Overlaps,
    /// Something is wrong with the file already.
    pub faulty: bool,
    /// Some of the mapping's fields could not be read or resolved: what seems to be missing may be there.
    pub incomplete: bool,
}

impl Context<'_> {
    /// The mapping of this name.
    fn named(&self, name: &str) -> Option<&Mapping> {
        let mut all = self.model.mappings.iter();
        all.find(|mapping| mapping.name.value == name)
    }

    /// The name of the mapping's object.
    fn object(&self) -> Option<&str> {
        let mapping = self.model.mappings.get(self.id.0)?;
        Some(&mapping.destination.value)
    }

    /// The names of the object's record types, for a field that refers to one.
    fn record_types(&self, field: &SalesforceField) -> Option<String> {
        let mut targets = field.reference_to.iter();
        targets.find(|object| *object == "RecordType")?;
        let object = self.schemas.objects.get(self.object()?)?;
        let names: Vec<&str> = object
            .record_types
            .iter()
            .map(|known| known.developer_name.as_str())
            .collect();
        (!names.is_empty()).then(|| names.join(", "))
    }
}

type Rule = fn(&Mapping, &Context<'_>, &mut Vec<Diagnostic>);

const RULES: &[Rule] = &[
    compound_and_part::check,
    create_only::check,
    duplicate_test::check,
    fold_shadows::check,
    gate_without_way_back::check,
    impossible_when::check,
    key_folds_case::check,
    key_needs_npsp::check,
    key_not_unique::check,
    lane_missing::check,
    lock_no_parent::check,
    needs_npsp::check,
    no_last_case::check,
    not_a_consent::check,
    not_in_tree::check,
    not_taken_back::check,
    not_two_way::check,
    null_back::check,
    null_into_required::check,
    open_into_restricted::check,
    opposite_consent::check,
    order_missing::check,
    overwritten::check,
    read_only::check,
    recomputed::check,
    record_twice::check,
    reference_cycle::check,
    required_not_set::check,
    rows_of_another::check,
    same_record::check,
    stale_ignore::check,
    stale_needs::check,
    text_too_long::check,
    too_long_back::check,
    two_sources::check,
    type_mismatch::check,
    unfit_list::check,
    unfit_lookup::check,
    unfit_match::check,
    unfit_nothing::check,
    unfit_path::check,
    unfit_push::check,
    unfit_tree::check,
    unknown_picklist_value::check,
    update_only::check,
    values_incomplete::check,
    weak_match::check,
    wrong_format::check,
];

/// What is judged of a mapping that is right: else each mistake would be told again by its tests, and by what it left
/// unmapped.
const LATER_RULES: &[Rule] = &[
    test_of_unmapped::check,
    test_row::check,
    test_value::check,
    unmapped::check,
];

/// Every rule over one mapping.
pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let mut found = Vec::new();
    for rule in RULES {
        rule(mapping, context, &mut found);
    }
    let mut found = allowed::apply(mapping, context, found);
    let is_error = |found: &Diagnostic| found.severity == Severity::Error;
    if context.faulty || found.iter().any(is_error) {
        // What is merely worth a look may come of the mistake.
        found.retain(is_error);
    } else {
        for rule in LATER_RULES {
            rule(mapping, context, &mut found);
        }
    }
    sink.append(&mut found);
}
