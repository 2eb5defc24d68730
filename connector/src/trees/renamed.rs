//! Records that an earlier version wrote under another key, and that get the new key in place.

use std::collections::BTreeMap;

use runtime::entity::{Kind, Slot, SlotMut};
use runtime::mapping::MappingDescriptor;

use super::{Tree, Wanted, plan};

/// Matches records without rows with wanted records that had their key before.
pub(super) fn take_over(tree: &mut Tree, root: &MappingDescriptor) {
    let mut renamed: Vec<(&'static str, String, String)> = Vec::new();
    for wanted in tree.wanted.iter_mut().filter(|wanted| wanted.id.is_none()) {
        let is_it = |place: &usize| {
            let record = tree.gone.get(*place);
            record.is_some_and(|record| {
                record.mapping == wanted.mapping.name && wanted.former.contains(&record.key)
            })
        };
        let Some(place) = (0..tree.gone.len()).find(is_it) else {
            continue;
        };
        let mut old = tree.gone.remove(place);
        renamed.push((wanted.mapping.name, old.key.clone(), wanted.key.clone()));
        plan::take_stored(wanted, &old.base);
        wanted.id = Some(old.destination_id.clone());
        old.destination_id.clear();
        tree.written.push(old);
        if let Some(base) = &wanted.base {
            let known = plan::kept_as(root, &tree.id, wanted, base.as_ref());
            tree.written.push(known);
        }
    }
    for (mapping, old, new) in renamed {
        for wanted in refer(&mut tree.wanted, mapping, &old, &new) {
            if let Some(base) = &wanted.base {
                let known = plan::kept_as(root, &tree.id, wanted, base.as_ref());
                tree.written.push(known);
            }
        }
    }
}

/// Changes the stored references to a renamed record to its new key. Without this usher would create the referring
/// records again.
fn refer<'w>(all: &'w mut [Wanted], mapping: &str, old: &str, new: &str) -> Vec<&'w Wanted> {
    let mut referring = Vec::new();
    for wanted in all {
        let Some(base) = wanted.base.as_mut() else {
            continue;
        };
        let mut refers = false;
        for (index, field) in base.descriptor().fields.iter().enumerate() {
            let is_to = matches!(field.kind, Kind::Reference { mapping: to } if to == mapping);
            if let (true, SlotMut::Text(slot)) = (is_to, base.slot_mut(index))
                && slot.value().is_some_and(|key| key == old)
            {
                *slot = Slot::Value(new.to_owned());
                refers = true;
            }
        }
        if refers {
            referring.push(&*wanted);
        }
    }
    referring
}

/// Returns whether the field still has one of the record's earlier keys.
pub(super) fn is(wanted: &Wanted, field: usize) -> bool {
    let base = wanted.base.as_ref();
    let key = base.and_then(|base| base.slot(field).text().map(str::to_owned));
    key.is_some_and(|key| wanted.former.contains(&key) && key != wanted.key)
}

/// Finds the wanted record by its key, or else by an earlier key.
pub(super) fn key_among<'k, T>(
    wanted: &Wanted,
    there: &'k BTreeMap<String, T>,
) -> Option<&'k String> {
    let mut keys = [&wanted.key].into_iter().chain(&wanted.former);
    let (key, _) = keys.find_map(|key| there.get_key_value(key))?;
    Some(key)
}
