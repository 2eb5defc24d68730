//! What was written before beside what there has to be: what is new, what differs, what is gone.

use runtime::change::{Mask, present};
use runtime::entity::{Entity, Kind, Slot, SlotMut, copied};
use runtime::json;
use runtime::mapping::{Gone, MappingDescriptor, WrittenLast};
use runtime::queue::TreeRecord;
use runtime::salesforce::normalise;
use rust_decimal::Decimal;
use serde_json::Value;

use super::renamed;
use super::wanted::is_of_root;
use super::{LookupId, Tree, Wanted, Work};
use crate::handlers::staff;
use crate::to_salesforce::references::BY_ID;

/// When a write goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// What becomes less, children before their parents.
    Down,
    /// What is new or becomes more, parents before their children.
    Up,
    /// What is written when everything else is there.
    Last,
}

/// Takes in what was written before.
pub(super) fn know(tree: &mut Tree, root: &MappingDescriptor, known: Vec<TreeRecord>) {
    for record in known {
        let wanted = tree
            .wanted
            .iter_mut()
            .find(|wanted| wanted.mapping.name == record.mapping && wanted.key == record.key);
        match wanted {
            Some(wanted) => {
                take_stored(wanted, &record.base);
                wanted.id = Some(record.destination_id);
            }
            None => tree.gone.push(record),
        }
    }
    renamed::take_over(tree, root);
    if tree.root_id.is_none() {
        let of_root = tree
            .wanted
            .iter()
            .find(|wanted| is_of_root(root, wanted.mapping));
        tree.root_id = of_root.and_then(|wanted| wanted.id.clone());
    }
}

/// The record of the root is another tree's from now on: it is made anew, and so is everything below it.
pub(super) fn give_up(tree: &mut Tree, root: &MappingDescriptor) {
    tree.root_id = None;
    for wanted in &mut tree.wanted {
        let (Some(base), Some(_)) = (&wanted.base, &wanted.id) else {
            continue;
        };
        let mut before = kept_as(root, &tree.id, wanted, base.as_ref());
        match is_of_root(root, wanted.mapping) {
            true => {
                before.destination_id.clear();
                tree.written.push(before);
            }
            false => tree.gone.push(before),
        }
        wanted.forget();
    }
}

/// The record of the root is another one from now on: what there was of the tree goes, and is made anew below that.
pub(super) fn outgrow(tree: &mut Tree, root: &MappingDescriptor) {
    for wanted in &mut tree.wanted {
        if let (Some(base), Some(_)) = (&wanted.base, &wanted.id) {
            let before = kept_as(root, &tree.id, wanted, base.as_ref());
            tree.gone.push(before);
        }
        wanted.forget();
    }
}

/// Returns whether the root's record is written, as far as usher knows.
pub(super) fn is_written(tree: &Tree, root: &MappingDescriptor) -> bool {
    let mut wanted = tree.wanted.iter();
    wanted.any(|wanted| is_of_root(root, wanted.mapping) && wanted.base.is_some())
}

/// Records that cannot become what they have to be go, and are made anew.
pub(super) fn renew(tree: &mut Tree, root: &MappingDescriptor) {
    for wanted in &mut tree.wanted {
        let (Some(base), Some(_)) = (&wanted.base, &wanted.id) else {
            continue;
        };
        if is_another(root, wanted, base.as_ref()) {
            tree.gone
                .push(kept_as(root, &tree.id, wanted, base.as_ref()));
            wanted.forget();
        }
    }
}

/// Compares ids in Salesforce with what the look-ups find. Equal ids are agreed. A record that was created with another
/// id is recreated. Returns whether there are any of those.
pub(super) fn renew_found(work: &mut Work) -> bool {
    let root = work.root;
    let mut renewed = false;
    let found = &work.found;
    for tree in work.trees.iter_mut().filter(|tree| tree.goes_on()) {
        for wanted in &mut tree.wanted {
            let (mut equal, mut is_another) = (Vec::new(), false);
            for (field, id) in &wanted.ids_there {
                let found = asked(wanted, *field).and_then(|asked| found.get(&asked)?.as_ref());
                match found.map(|found| normalise(found) == *id) {
                    Some(true) => equal.push(*field),
                    Some(false) => is_another |= is_said_once(wanted.mapping, *field),
                    None => {}
                }
            }
            if let (true, Some(base), Some(_)) = (is_another, &wanted.base, &wanted.id) {
                let before = kept_as(root, &tree.id, wanted, base.as_ref());
                tree.gone.push(before);
                wanted.forget();
                renewed = true;
                continue;
            }
            wanted.ids_there.clear();
            if !equal.is_empty() {
                tree.written.extend(agree(root, &tree.id, wanted, &equal));
            }
        }
    }
    renewed
}

/// Takes what the look-ups of these fields find for what Salesforce has. Returns the record as it is to be stored.
fn agree(
    root: &MappingDescriptor,
    id: &str,
    wanted: &mut Wanted,
    fields: &[usize],
) -> Option<TreeRecord> {
    let mut base = wanted.base.take()?;
    for field in fields {
        base.slot_mut(*field).set(wanted.record.slot(*field));
    }
    let stored = kept_as(root, id, wanted, base.as_ref());
    wanted.base = Some(base);
    Some(stored)
}

/// Returns whether only a create sets the field.
fn is_said_once(mapping: &MappingDescriptor, field: usize) -> bool {
    let field = mapping.record.fields.get(field);
    field.is_some_and(|field| field.create_only)
}

/// Returns whether the field is the amount of a sale that has no lines: then usher is who says it.
pub(super) fn is_amount_without_lines(
    root: &MappingDescriptor,
    tree: &Tree,
    wanted: &Wanted,
    field: usize,
) -> bool {
    let descriptor = wanted.mapping.record.fields.get(field);
    let is_amount = descriptor.is_some_and(|descriptor| {
        let name = descriptor.path.last().copied().unwrap_or_default();
        descriptor.create_only && staff::is_restored(wanted.mapping.object, name)
    });
    // Where the record is somebody else's, so is its amount.
    let is_ours = tree.adopted.is_none() && !wanted.record.slot(field).is_absent();
    let mut others = tree.wanted.iter();
    is_amount
        && is_ours
        && is_of_root(root, wanted.mapping)
        && tree.unsure.is_empty()
        && !others.any(|other| staff::is_line(other.mapping))
}

/// The field of a told tree that a user has changed, and that only a create says otherwise.
pub(super) fn restored(root: &MappingDescriptor, tree: &Tree, wanted: &Wanted) -> Option<usize> {
    let base = wanted.base.as_ref().filter(|_| tree.told)?;
    let mut fields = 0..wanted.mapping.record.fields.len();
    fields.find(|field| {
        is_amount_without_lines(root, tree, wanted, *field)
            && !wanted.record.slot(*field).equivalent(base.slot(*field))
    })
}

/// The look-up of a field and its request.
pub(super) fn asked(wanted: &Wanted, field: usize) -> Option<(LookupId, String)> {
    let text = wanted.record.slot(field).text()?.to_owned();
    match wanted.mapping.record.fields.get(field)?.kind {
        Kind::Lookup(lookup) => Some((LookupId::of(lookup), text)),
        _ => None,
    }
}

/// What only a create can say has changed, or what is given back is another: the record is made anew.
fn is_another(root: &MappingDescriptor, wanted: &Wanted, base: &dyn Entity) -> bool {
    let Some(tree) = wanted.mapping.tree else {
        return false;
    };
    let fields = wanted.mapping.record.fields.iter().enumerate();
    let mut fixed = fields.filter(|(_, field)| {
        field.create_only
            || field
                .path
                .last()
                .is_some_and(|name| tree.or_first.contains(name))
    });
    is_renewable(root, wanted.mapping)
        && fixed.any(|(index, field)| {
            let (now, before) = (wanted.record.slot(index), base.slot(index));
            match field.kind {
                Kind::Lookup(_) => looked_for(now.text()) != looked_for(before.text()),
                _ => !now.is_absent() && !now.equivalent(before),
            }
        })
}

/// Returns whether records of the mapping may be deleted and created again.
pub(super) fn is_renewable(root: &MappingDescriptor, mapping: &MappingDescriptor) -> bool {
    let is_deleted = mapping.tree.is_some_and(|tree| tree.gone == Gone::Delete);
    is_deleted && !is_of_root(root, mapping)
}

/// What a look-up asks for, without what a missing record would be given.
fn looked_for(asked: Option<&str>) -> Option<(Value, Value)> {
    let asked: Value = serde_json::from_str(asked?).ok()?;
    let member = |name: &str| asked.get(name).cloned().unwrap_or_default();
    Some((member("by"), member("within")))
}

/// Takes in the stored values of a record. An id in the place of a look-up counts as unchanged until the look-up has
/// run.
pub(super) fn take_stored(wanted: &mut Wanted, text: &str) {
    wanted.base = base(wanted.mapping, text);
    let Some(base) = &mut wanted.base else { return };
    for (index, field) in wanted.mapping.record.fields.iter().enumerate() {
        let id = base.slot(index).text().and_then(id_of_stored);
        if let (Kind::Lookup(_), true, Some(id)) = (field.kind, field.create_only, id) {
            wanted.ids_there.push((index, id));
            base.slot_mut(index).set(wanted.record.slot(index));
        }
    }
}

fn id_of_stored(text: &str) -> Option<String> {
    text.strip_prefix(BY_ID).map(str::to_owned)
}

pub(super) fn base(mapping: &MappingDescriptor, text: &str) -> Option<Box<dyn Entity>> {
    let mut base = mapping.new_record();
    json::read(base.as_mut(), text.as_bytes()).ok()?;
    Some(base)
}

/// As it is kept.
pub(super) fn kept(root: &MappingDescriptor, id: &str, wanted: &Wanted) -> TreeRecord {
    kept_as(root, id, wanted, wanted.record.as_ref())
}

/// Makes the stored form of a record with these values. A look-up that has not run is stored as the id in Salesforce: the
/// tree may stop before usher compares them.
pub(super) fn kept_as(
    root: &MappingDescriptor,
    id: &str,
    wanted: &Wanted,
    record: &dyn Entity,
) -> TreeRecord {
    let record = with_ids_there(wanted, record);
    let record = record.as_ref();
    TreeRecord {
        tree: root.name.to_owned(),
        root: id.to_owned(),
        mapping: wanted.mapping.name.to_owned(),
        key: wanted.key.clone(),
        destination_id: wanted.id.clone().unwrap_or_default(),
        base: json::write(record, &present(record), &json::as_source_id).unwrap_or_default(),
    }
}

/// Puts the ids in Salesforce in the place of the look-ups that have not run and that an update cannot set.
fn with_ids_there(wanted: &Wanted, record: &dyn Entity) -> Box<dyn Entity> {
    let mut stored = copied(record);
    let unknown = wanted.ids_there.iter();
    for (field, id) in unknown.filter(|(field, _)| is_said_once(wanted.mapping, *field)) {
        if let SlotMut::Text(slot) = stored.slot_mut(*field) {
            *slot = Slot::Value(format!("{BY_ID}{id}"));
        }
    }
    stored
}

/// What is agreed once all of the record was written: what a look-up did not find is looked for again.
pub(super) fn agreed(work: &Work, wanted: &Wanted) -> Box<dyn Entity> {
    let mut agreed = copied(wanted.record.as_ref());
    blank_unfound(work, agreed.as_mut());
    agreed
}

/// Empties what look-ups did not find.
pub(super) fn blank_unfound(work: &Work, record: &mut dyn Entity) {
    for (index, field) in record.descriptor().fields.iter().enumerate() {
        if let (Kind::Lookup(lookup), Some(text)) = (field.kind, record.slot(index).text()) {
            let asked = (LookupId::of(lookup), text.to_owned());
            if work.found.get(&asked) == Some(&None) {
                record.slot_mut(index).set_null();
            }
        }
    }
}

/// Will any call be made for the tree?
pub(super) fn has_writes(tree: &Tree) -> bool {
    tree.wanted.iter().any(|wanted| {
        wanted.id.is_none() || (!is_fixed(wanted.mapping) && !changed(wanted).is_empty())
    }) || tree
        .gone
        .iter()
        .any(|record| !record.destination_id.is_empty())
}

/// A record without an external id is made once and left alone.
pub(super) fn is_fixed(mapping: &MappingDescriptor) -> bool {
    mapping
        .tree
        .is_some_and(|tree| !tree.natural_key.is_empty())
}

pub(super) fn written_last(mapping: &MappingDescriptor) -> Option<(&'static WrittenLast, usize)> {
    let last = mapping.tree?.written_last.as_ref()?;
    Some((last, mapping.record.field(last.field)?))
}

/// The fields of a record that is there that have to be written.
pub(super) fn changed(wanted: &Wanted) -> Mask {
    let mut mask = match &wanted.base {
        Some(base) => wanted.record.changed_since(base.as_ref()),
        None => present(wanted.record.as_ref()),
    };
    for (index, field) in wanted.mapping.record.fields.iter().enumerate() {
        // What was taken over does not have it yet.
        let is_key = wanted.base.is_some()
            && !wanted.mapping.external_id.is_empty()
            && field.path == [wanted.mapping.external_id]
            && !renamed::is(wanted, index);
        // Blank over what was never said is nothing.
        let blank_before = wanted
            .base
            .as_ref()
            .is_some_and(|base| base.slot(index).is_blank());
        let says_nothing = blank_before && wanted.record.slot(index).is_blank();
        let is_once = field.create_only && wanted.restores != Some(index);
        if is_once || is_key || says_nothing {
            mask.clear(index);
        }
    }
    mask
}

/// What goes in a phase of a record that is there.
pub(super) fn changed_in(wanted: &Wanted, phase: Phase) -> Mask {
    let mut mask = changed(wanted);
    let last = written_last(wanted.mapping).map(|(_, index)| index);
    let lowers = lowers(wanted, &mask);
    for index in 0..wanted.mapping.record.fields.len() {
        let mine = match (last == Some(index), lowers) {
            (true, _) => Phase::Last,
            (false, true) => Phase::Down,
            (false, false) => Phase::Up,
        };
        if mine != phase {
            mask.clear(index);
        }
    }
    mask
}

/// Returns whether an amount of the record is below 0.
pub(super) fn is_below_zero(record: &dyn Entity) -> bool {
    let fields = record.descriptor().fields.iter().enumerate();
    let mut amounts = fields.filter(|(_, field)| matches!(field.kind, Kind::Decimal { .. }));
    amounts.any(|(index, _)| {
        let text = record.slot(index).text().map(str::to_owned);
        let amount = text.and_then(|text| text.parse::<Decimal>().ok());
        amount.is_some_and(|amount| amount < Decimal::ZERO)
    })
}

/// Does any of its amounts become less?
fn lowers(wanted: &Wanted, mask: &Mask) -> bool {
    let Some(base) = &wanted.base else {
        return false;
    };
    let number = |entity: &dyn Entity, index| -> Decimal {
        let text = entity.slot(index).text().map(str::to_owned);
        text.and_then(|text| text.parse().ok()).unwrap_or_default()
    };
    let fields = wanted.mapping.record.fields.iter().enumerate();
    fields
        .filter(|(index, field)| {
            matches!(field.kind, Kind::Decimal { .. }) && mask.contains(*index)
        })
        .any(|(index, _)| number(wanted.record.as_ref(), index) < number(base.as_ref(), index))
}

/// What becomes of a record of the tree that nothing speaks for any longer.
pub(super) fn deletes(tree: &Tree, mapping: &MappingDescriptor) -> bool {
    tree.outgrown.is_some() || mapping.tree.is_some_and(|tree| tree.gone == Gone::Delete)
}
