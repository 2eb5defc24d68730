//! Trees of which more may be in Salesforce than is known: after a crash, a call without an answer, a database that was
//! made anew.

use std::collections::{BTreeMap, BTreeSet};

use runtime::entity::{Entity, Kind};
use runtime::mapping::MappingDescriptor;
use runtime::queue::{StoreError, TreeRecord};
use runtime::salesforce::{CallError, normalise};
use serde_json::{Map, Value};

use super::body::{self, parent_field};
use super::wanted::is_of_root;
use super::{Tree, Wanted, Work, adopted, given, plan, renamed, roles};
use crate::sync::TwoWaySync;

type Record = Map<String, Value>;

impl TwoWaySync {
    /// Asks for their records: by the root's external id, then by the root.
    pub(super) async fn ask_where_in_doubt(&self, work: &mut Work) -> Result<(), StoreError> {
        if !work.trees.iter().any(|tree| tree.doubt && tree.goes_on()) {
            return Ok(());
        }
        self.lead_anew(work).await?;
        self.left_earlier(work).await?;
        if let Err(error) = self.ask_for_all(work).await {
            let asking = work.asking();
            for tree in work.going().filter(|tree| tree.doubt) {
                tree.stop(self.unanswered_by(&asking, tree.attempts(), &error));
            }
        }
        let decisions = work.trees.iter_mut();
        let decisions: Vec<_> = decisions
            .flat_map(|tree| std::mem::take(&mut tree.decisions))
            .collect();
        match decisions.is_empty() {
            true => Ok(()),
            false => self.store.begin(Vec::new(), Vec::new(), decisions).await,
        }
    }

    async fn ask_for_all(&self, work: &mut Work) -> Result<(), CallError> {
        self.ask_for_roots(work).await?;
        let mut objects = BTreeSet::new();
        for mapping in work.members.clone() {
            let is_child = !is_of_root(work.root, mapping) && !plan::is_fixed(mapping);
            let is_there = work.npsp || !mapping.tree.is_some_and(|tree| tree.needs_npsp);
            if is_child && is_there && objects.insert(mapping.object) {
                self.ask_for_children(work, mapping).await?;
            }
        }
        for tree in work.going().filter(|tree| tree.doubt) {
            tree.doubt = false;
            roles::look_again(tree);
        }
        Ok(())
    }

    async fn ask_for_roots(&self, work: &mut Work) -> Result<(), CallError> {
        let root = work.root;
        let in_doubt = work.going().filter(|tree| tree.doubt);
        let unknown: Vec<Vec<Option<String>>> =
            in_doubt.map(|tree| vec![Some(tree.id.clone())]).collect();
        let select = fields_of(work, root.object);
        let by = [root.external_id];
        let records = self
            .salesforce
            .query_in(root.object, &select, &by, &unknown)
            .await?;
        let known = by_text(records, root.external_id);
        for place in 0..work.trees.len() {
            let Some(tree) = work
                .trees
                .get_mut(place)
                .filter(|tree| tree.doubt && tree.goes_on())
            else {
                continue;
            };
            let before = tree.outgrown.as_ref().or(tree.left.as_ref());
            let record = known.get(&tree.id);
            let record = record.filter(|record| {
                let id = text(record, "Id").map(|id| normalise(&id));
                before.is_none() || id.as_ref() != before
            });
            let Some(record) = record else {
                tree.root_id = tree.adopted.as_ref().map(|adopted| adopted.id.clone());
                match tree.root_id {
                    // It is there, and does not have the tree's key yet.
                    Some(_) => adopted::unwritten(tree, root),
                    // What it gave up is there, and what hangs on it has to go.
                    None if tree.given_up.is_some() || tree.left.is_some() => {}
                    None => forget(tree),
                }
                continue;
            };
            tree.root_id = text(record, "Id");
            for index in 0..tree_len(work, place) {
                take_in(
                    work,
                    (place, index),
                    &|wanted| is_of_root(root, wanted.mapping),
                    &|_| Some(record.clone()),
                );
            }
        }
        Ok(())
    }

    /// The children of one object, whichever of the mappings they are of.
    async fn ask_for_children(
        &self,
        work: &mut Work,
        mapping: &'static MappingDescriptor,
    ) -> Result<(), CallError> {
        let Some(parent) = parent_field(work.root, mapping) else {
            return Ok(());
        };
        let in_doubt = work.going().filter(|tree| tree.doubt);
        let roots: Vec<Vec<Option<String>>> = in_doubt
            .filter_map(|tree| Some(vec![Some(tree.root_id.clone()?)]))
            .collect();
        if roots.is_empty() {
            return Ok(());
        }
        let select = fields_of(work, mapping.object);
        let records = self
            .salesforce
            .query_in(mapping.object, &select, &[parent], &roots)
            .await?;
        let root = work.root;
        for place in 0..work.trees.len() {
            let Some(tree) = work.trees.get(place) else {
                continue;
            };
            if !tree.doubt || !tree.goes_on() || tree.root_id.is_none() {
                continue;
            }
            let own = records.iter().filter(|record| {
                text(record, parent).map(|id| runtime::salesforce::normalise(&id)) == tree.root_id
            });
            let mut own = by_text(own.cloned().collect(), mapping.external_id);
            for index in 0..tree_len(work, place) {
                let is_own = |wanted: &Wanted| {
                    wanted.mapping.object == mapping.object && !is_of_root(root, wanted.mapping)
                };
                let wanted = work.trees.get(place);
                let wanted = wanted.and_then(|tree| tree.wanted.get(index));
                let key = wanted
                    .filter(|wanted| is_own(wanted))
                    .and_then(|wanted| renamed::key_among(wanted, &own).cloned());
                // Removed, since two wanted records may list the same earlier key.
                let record = key.and_then(|key| own.remove(&key));
                take_in(work, (place, index), &is_own, &|_| record.clone());
            }
            if let Some(tree) = work.trees.get_mut(place) {
                note_gone(tree, root, mapping, own);
            }
        }
        Ok(())
    }
}

fn tree_len(work: &Work, place: usize) -> usize {
    work.trees.get(place).map_or(0, |tree| tree.wanted.len())
}

fn by_text(records: Vec<Record>, field: &str) -> BTreeMap<String, Record> {
    let keyed = records.into_iter();
    keyed
        .filter_map(|record| Some((text(&record, field)?, record)))
        .collect()
}

/// What the mappings of an object write, and the id.
fn fields_of(work: &Work, object: &str) -> Vec<&'static str> {
    let members = work
        .members
        .iter()
        .filter(|mapping| mapping.object == object);
    let fields = members.flat_map(|mapping| mapping.record.fields);
    let fields = fields.filter(|field| work.npsp || !field.needs_npsp);
    let names: BTreeSet<&'static str> = fields
        .filter_map(|field| field.path.last().copied())
        .chain(["Id"])
        .collect();
    names.into_iter().collect()
}

/// The root is not there, so nothing else is.
fn forget(tree: &mut Tree) {
    for wanted in &mut tree.wanted {
        wanted.forget();
    }
    for mut record in std::mem::take(&mut tree.gone) {
        record.destination_id.clear();
        tree.written.push(record);
    }
}

/// What Salesforce has of a record is what it was given last.
fn take_in(
    work: &mut Work,
    (place, index): (usize, usize),
    is_meant: &dyn Fn(&Wanted) -> bool,
    found: &dyn Fn(&Wanted) -> Option<Record>,
) {
    let wanted = work
        .trees
        .get(place)
        .and_then(|tree| tree.wanted.get(index));
    let Some(wanted) = wanted.filter(|wanted| is_meant(wanted)) else {
        return;
    };
    let there = found(wanted).and_then(|record| {
        let id = text(&record, "Id")?;
        let tree = work.trees.get(place)?;
        let given = as_given(work, tree, wanted, &record);
        let (mut base, edits) = given::with_edits(work, tree, wanted, given, &id);
        let ids_there = ids_there(work.root, wanted, &record, base.as_mut());
        Some((id, base, ids_there, edits))
    });
    let deleted = match (&there, work.trees.get(place)) {
        (None, Some(tree)) => given::deleted(work, tree, wanted),
        _ => None,
    };
    let root = work.root;
    let Some(tree) = work.trees.get_mut(place) else {
        return;
    };
    let Some(wanted) = tree.wanted.get_mut(index) else {
        return;
    };
    // Whether it has to be made anew is judged by what is there.
    let is_it =
        |record: &TreeRecord| record.mapping == wanted.mapping.name && record.key == wanted.key;
    tree.gone.retain(|record| !is_it(record));
    let mut edits = Vec::new();
    match there {
        Some((id, base, ids_there, more)) => {
            (wanted.id, wanted.base) = (Some(id), Some(base));
            wanted.ids_there = ids_there;
            edits = more;
        }
        None if deleted.is_some() => edits.extend(deleted.flatten()),
        None => wanted.forget(),
    }
    // Where nothing of it has to be written it is known from now on all the same.
    if let Some(base) = &wanted.base {
        let known = plan::kept_as(root, &tree.id, wanted, base.as_ref());
        tree.written.push(known);
    }
    edits.into_iter().for_each(|edit| tree.note_edit(edit));
    let wanted = tree.wanted.get(index);
    let restores = wanted.and_then(|wanted| plan::restored(root, tree, wanted));
    if let Some(wanted) = tree.wanted.get_mut(index) {
        wanted.restores = restores;
    }
}

/// The record in the mapping's words: ids of Salesforce's that are those of the wanted ones are taken for these.
fn as_given(work: &Work, tree: &Tree, wanted: &Wanted, record: &Record) -> Box<dyn Entity> {
    let mut given = wanted.mapping.new_record();
    // What does not fit is written again.
    let text_of = Value::Object(record.clone()).to_string();
    let _ = runtime::json::read(given.as_mut(), text_of.as_bytes());
    for (index, field) in wanted.mapping.record.fields.iter().enumerate() {
        let now = wanted.record.slot(index);
        let is_same = match (field.kind, now.text()) {
            (Kind::Reference { mapping }, Some(key)) => {
                let known = given.slot(index).text().map(runtime::salesforce::normalise);
                known.is_some() && known == body::id_of(work, tree, mapping, key)
            }
            // The look-up has not run yet. A field that only a create sets counts as unchanged until then.
            (Kind::Lookup(_), Some(_)) => {
                given.slot_mut(index).set_null();
                field.create_only
            }
            _ => false,
        };
        if is_same {
            given.slot_mut(index).set(now);
        }
    }
    given
}

/// Sets the look-ups that only a create can set to the stored values of this very record. Returns the look-ups without
/// a stored value: the index of the field, and the id in Salesforce.
fn ids_there(
    root: &MappingDescriptor,
    wanted: &Wanted,
    record: &Record,
    there: &mut dyn Entity,
) -> Vec<(usize, String)> {
    let id = text(record, "Id").map(|id| normalise(&id));
    let base = wanted.base.as_deref();
    let base = base.filter(|_| wanted.id.as_deref().map(normalise) == id);
    let mut unknown = Vec::new();
    for (index, field) in wanted.mapping.record.fields.iter().enumerate() {
        // An update writes the others again, unless Salesforce has what they find.
        let is_settled = match field.create_only {
            true => !plan::is_renewable(root, wanted.mapping),
            false => !there.slot(index).is_blank(),
        };
        if is_settled || !matches!(field.kind, Kind::Lookup(_)) {
            continue;
        }
        let before = base.map(|base| base.slot(index));
        let mut stored_ids = wanted.ids_there.iter();
        let is_compared = !stored_ids.any(|(field, _)| *field == index);
        let before = before.filter(|_| field.create_only && is_compared);
        if let Some(before) = before.filter(|before| before.text().is_some()) {
            there.slot_mut(index).set(before);
        } else if let Some(id) = field.path.last().and_then(|name| text(record, name)) {
            unknown.push((index, normalise(&id)));
        }
    }
    unknown
}

/// Adds records of Salesforce that no row wants to `gone`. Removes those that Salesforce does not have any more.
fn note_gone(
    tree: &mut Tree,
    root: &MappingDescriptor,
    mapping: &'static MappingDescriptor,
    mut own: BTreeMap<String, Record>,
) {
    tree.gone.retain(|record| {
        let is_there = own.remove(&record.key).is_some();
        is_there || record.mapping != mapping.name || !record.destination_id.is_empty()
    });
    for (key, record) in own {
        let gone = TreeRecord {
            tree: root.name.to_owned(),
            root: tree.id.clone(),
            mapping: mapping.name.to_owned(),
            key,
            destination_id: text(&record, "Id").unwrap_or_default(),
            base: "{}".to_owned(),
        };
        // Known from now on, also where the tree is stopped before it can be deleted: it is not asked for again.
        tree.written.push(gone.clone());
        tree.gone.push(gone);
    }
}

fn text(record: &Record, field: &str) -> Option<String> {
    record.get(field).and_then(Value::as_str).map(str::to_owned)
}
