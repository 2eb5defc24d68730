//! What becomes of a tree whose root is a record that was taken over, or had to be given up.

use runtime::entity::Kind;
use runtime::mapping::{Case, MappingDescriptor, Rule};
use serde_json::Value;

use super::{Tree, Wanted, plan};

/// The record that was taken over, as mappings read it.
const ADOPTED: &str = "$adopted";

/// A tree's rows say which record was taken over.
pub(super) fn tell(tree: &mut Tree) {
    let Some(adopted) = &tree.adopted else {
        return;
    };
    for row in tree.rows.values_mut().flatten() {
        if let Value::Object(members) = row {
            members.insert(ADOPTED.to_owned(), Value::from(adopted.id.as_str()));
        }
    }
}

/// The root of a tree that took a record over is that record; what is given up is not its own any longer, nor is what
/// hangs on it.
pub(super) fn place(tree: &mut Tree, root: &MappingDescriptor, npsp: bool) {
    if tree.given_up.is_some() || tree.left.is_some() {
        plan::give_up(tree, root);
    }
    if tree.outgrown.is_some() {
        plan::outgrow(tree, root);
    }
    let Some(adopted) = tree.adopted.clone() else {
        return;
    };
    tree.root_id = Some(adopted.id.clone());
    let is_root = |wanted: &&mut Wanted| wanted.mapping.name == root.name;
    if let Some(wanted) = tree.wanted.iter_mut().find(is_root) {
        wanted.id.get_or_insert(adopted.id);
        if wanted.base.is_none() && adopted.shared {
            blank_unsaid(wanted, root, npsp);
        }
    }
}

/// What the tree says nothing of may be there of another tree, which had the record before.
fn blank_unsaid(wanted: &mut Wanted, root: &MappingDescriptor, npsp: bool) {
    for (index, field) in wanted.mapping.record.fields.iter().enumerate() {
        let name = field.path.last().copied().unwrap_or_default();
        let is_looked_up = matches!(field.kind, Kind::Lookup(_));
        let stays = field.create_only || is_looked_up || only_of_its_own(root, name);
        let is_there = npsp || !field.needs_npsp;
        if is_there && !stays && wanted.record.slot(index).is_absent() {
            wanted.record.slot_mut(index).set_blank();
        }
    }
}

/// Is the field said of a record only where that was not taken over?
pub(super) fn only_of_its_own(root: &MappingDescriptor, field: &str) -> bool {
    let asks = |case: &Case| {
        case.when
            .iter()
            .any(|condition| condition.path == [ADOPTED])
    };
    let mut computed = root.computed.iter();
    computed.any(|computed| {
        let is_it = computed.name.trim_start_matches('$') == field;
        is_it && matches!(computed.rule, Rule::Cases(cases) if cases.iter().any(asks))
    })
}

/// Where the record is Salesforce's, its key is all that is wanted of the tree.
pub(super) fn narrow(tree: &mut Tree, root: &MappingDescriptor) {
    if !tree
        .adopted
        .as_ref()
        .is_some_and(|adopted| adopted.key_only)
    {
        return;
    }
    tree.rows.clear();
    tree.wanted
        .retain(|wanted| wanted.mapping.name == root.name);
    for wanted in &mut tree.wanted {
        for (index, field) in wanted.mapping.record.fields.iter().enumerate() {
            if field.path != [root.external_id] {
                wanted.record.slot_mut(index).set_absent();
            }
        }
    }
}

/// Nothing is known to be written to what was taken over.
pub(super) fn unwritten(tree: &mut Tree, root: &MappingDescriptor) {
    let roots = tree.wanted.iter_mut();
    for wanted in roots.filter(|wanted| wanted.mapping.name == root.name) {
        wanted.id.clone_from(&tree.root_id);
        wanted.base = None;
    }
}
