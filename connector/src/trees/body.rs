//! The fields of a record as Salesforce takes them: references and look-ups as ids.

use runtime::change::{Mask, present};
use runtime::entity::Kind;
use runtime::json;
use runtime::mapping::{Made, MappingDescriptor};
use serde_json::{Map, Value};

use super::wanted::is_of_root;
use super::{LookupId, Tree, Wanted, Work, plan};
use crate::to_salesforce::references::BY_ID;

/// Fields by name.
pub(super) type Body = Map<String, Value>;

/// What a create says. A blank says nothing that a new record does not say by itself.
pub(super) fn new_body(work: &Work, tree: &Tree, wanted: &Wanted) -> Body {
    let mut body = body(work, tree, wanted, &present(wanted.record.as_ref()));
    if let Some((last, _)) = plan::written_last(wanted.mapping) {
        let until_then = setting(work, &last.until_then);
        body.insert(last.field.to_owned(), until_then);
    }
    body.retain(|_, value| !value.is_null());
    body
}

/// The fields of the mask; what refers to a record that is not written yet is left out.
pub(super) fn body(work: &Work, tree: &Tree, wanted: &Wanted, mask: &Mask) -> Body {
    let resolve = |mapping: &str, id: &str| id_of(work, tree, mapping, id);
    let text = json::write(wanted.record.as_ref(), mask, &resolve).unwrap_or_default();
    let mut body: Body = serde_json::from_str(&text).unwrap_or_default();
    for (index, field) in wanted.mapping.record.fields.iter().enumerate() {
        let (Kind::Lookup(lookup), Some(name)) = (field.kind, field.path.last()) else {
            continue;
        };
        if let (Some(asked), true) = (wanted.record.slot(index).text(), mask.contains(index)) {
            let found = work.found.get(&(LookupId::of(lookup), asked.to_owned()));
            let id = found.cloned().flatten().map_or(Value::Null, Value::from);
            body.insert((*name).to_owned(), id);
        }
    }
    body
}

/// The Salesforce id of a record that another refers to.
pub(super) fn id_of(work: &Work, tree: &Tree, mapping: &str, key: &str) -> Option<String> {
    if let Some(id) = key.strip_prefix(BY_ID) {
        return Some(id.to_owned()).filter(|id| !id.is_empty());
    }
    if mapping == work.root.name {
        return tree.root_id.clone();
    }
    if work.is_member(mapping) {
        return member(tree, mapping, key)?.id.clone();
    }
    let name = work.referred().find(|name| *name == mapping)?;
    work.outside.get(&(name, key.to_owned())).cloned()
}

/// The Salesforce id that a field of the root's record, which is there, comes to hold.
pub(super) fn changed_reference(
    work: &Work,
    tree: &Tree,
    wanted: &Wanted,
    field: &str,
) -> Option<String> {
    let is_there = is_of_root(work.root, wanted.mapping) && wanted.base.is_some();
    let index = wanted.mapping.record.field(field).filter(|_| is_there)?;
    let changes = plan::changed(wanted).contains(index);
    reference(work, tree, wanted, field).filter(|_| changes)
}

/// The Salesforce id that a reference of the root's record leads to.
pub(super) fn reference(work: &Work, tree: &Tree, wanted: &Wanted, field: &str) -> Option<String> {
    let index = wanted.mapping.record.field(field)?;
    let Kind::Reference { mapping } = wanted.mapping.record.fields.get(index)?.kind else {
        return None;
    };
    let key = wanted.record.slot(index).text()?.to_owned();
    id_of(work, tree, mapping, &key)
}

/// A record of the tree.
pub(super) fn member<'t>(tree: &'t Tree, mapping: &str, key: &str) -> Option<&'t Wanted> {
    let mut wanted = tree.wanted.iter();
    wanted.find(|wanted| wanted.mapping.name == mapping && wanted.key == key)
}

/// References to records of the same tree: the field, and where the record stands in it; the root stands first.
pub(super) fn within(work: &Work, tree: &Tree, wanted: &Wanted) -> Vec<(String, usize)> {
    let fields = wanted.mapping.record.fields.iter().enumerate();
    let found = fields.filter_map(|(index, field)| {
        let Kind::Reference { mapping } = field.kind else {
            return None;
        };
        let key = wanted.record.slot(index).text()?.to_owned();
        let place = tree
            .wanted
            .iter()
            .position(|other| match mapping == work.root.name {
                true => is_of_root(work.root, other.mapping),
                false => other.mapping.name == mapping && other.key == key,
            })?;
        Some((field.path.last()?.to_string(), place))
    });
    found.collect()
}

/// The field that holds the root's record.
pub(super) fn parent_field(
    root: &MappingDescriptor,
    mapping: &'static MappingDescriptor,
) -> Option<&'static str> {
    let mut fields = mapping.record.fields.iter();
    let field = fields
        .find(|field| matches!(field.kind, Kind::Reference { mapping } if mapping == root.name))?;
    field.path.last().copied()
}

/// A constant or a setting.
pub(super) fn setting(work: &Work, made: &Made) -> Value {
    let of = |path: &[&str]| {
        let name = path.first()?.strip_prefix('$')?;
        work.settings
            .get(name)
            .filter(|value| !value.is_null())
            .cloned()
    };
    match made {
        Made::Constant(constant) => runtime::row::plain(*constant),
        Made::Member(path) => of(path).unwrap_or_default(),
        Made::FirstOf(paths) => paths.iter().find_map(|path| of(path)).unwrap_or_default(),
    }
}
