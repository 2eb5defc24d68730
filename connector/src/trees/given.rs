//! Compares records read from Salesforce with their last written values. A difference is an unanswered write of
//! usher's, or an edit of a user. An edit stays until Ticketure sends a new value of that field.

use std::collections::BTreeSet;

use runtime::entity::{Entity, Kind, SlotRef};
use runtime::json;
use runtime::mapping::MappingDescriptor;
use runtime::queue::{OpenProblem, StoreError, TreeRow, TreeWait};
use runtime::salesforce::normalise;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Tree, Wanted, Work, body, plan};
use crate::handlers::staff::{self, Typed};
use crate::sync::TwoWaySync;

/// Sent writes whose answers never came, as the intents list them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Unanswered {
    /// True if the content is unknown, so that any value in Salesforce may be usher's.
    #[serde(default)]
    anything: bool,
    /// Mapping, key and fields of each written record.
    #[serde(default)]
    written: Vec<(String, String, Map<String, Value>)>,
    /// Mapping and key of each deleted record.
    #[serde(default)]
    deleted: BTreeSet<(String, String)>,
}

impl Unanswered {
    /// Parses the fields of an intent. Intents of earlier versions list none, so their content is unknown.
    fn read(text: &str) -> Unanswered {
        match text {
            "{}" => Unanswered::unknown(),
            text => serde_json::from_str(text).unwrap_or_else(|_| Unanswered::unknown()),
        }
    }

    fn unknown() -> Unanswered {
        Unanswered {
            anything: true,
            ..Unanswered::default()
        }
    }

    fn add(&mut self, other: Unanswered) {
        self.anything |= other.anything;
        self.written.extend(other.written);
        self.deleted.extend(other.deleted);
    }

    /// Returns whether an unanswered write may have deleted the record.
    fn may_delete(&self, wanted: &Wanted) -> bool {
        let key = (wanted.mapping.name.to_owned(), wanted.key.clone());
        self.anything || self.deleted.contains(&key)
    }

    /// The fields of each unanswered write of the record.
    fn of(&self, wanted: &Wanted) -> Vec<Box<dyn Entity>> {
        let written = self.written.iter();
        let own = written
            .filter(|(mapping, key, _)| mapping == wanted.mapping.name && *key == wanted.key);
        let read = own.filter_map(|(_, _, fields)| {
            let mut sent = wanted.mapping.new_record();
            let text = Value::Object(fields.clone()).to_string();
            json::read(sent.as_mut(), text.as_bytes()).ok()?;
            Some(sent)
        });
        read.collect()
    }
}

/// Lists the changes and deletions that are about to be sent, for the intent. Creates are left out, since their keys
/// find them.
pub(super) fn to_be_sent(tree: &Tree) -> String {
    let mut sent = Unanswered::default();
    for wanted in tree.wanted.iter().filter(|wanted| wanted.id.is_some()) {
        let mask = plan::changed(wanted);
        if plan::is_fixed(wanted.mapping) || mask.is_empty() {
            continue;
        }
        let text = json::write(wanted.record.as_ref(), &mask, &json::as_source_id);
        let fields = serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
        sent.written
            .push((wanted.mapping.name.to_owned(), wanted.key.clone(), fields));
    }
    let gone = tree.gone.iter();
    sent.deleted = gone
        .map(|record| (record.mapping.clone(), record.key.clone()))
        .collect();
    serde_json::to_string(&sent).unwrap_or_else(|_| "{}".to_owned())
}

impl TwoWaySync {
    /// Stores unanswered writes, since Salesforce may still carry them out. Each has the tree's id and the fields of
    /// its intent.
    pub(super) async fn note_unanswered(
        &self,
        root: &MappingDescriptor,
        sent: Vec<(String, String)>,
    ) -> Result<(), StoreError> {
        if sent.is_empty() {
            return Ok(());
        }
        let waits = sent.into_iter().map(|(id, text)| TreeWait {
            key: key(root, &id),
            tree: root.name.to_owned(),
            root: text,
        });
        self.store.keep_waits(waits.collect()).await
    }

    /// Notes that any value in the tree's record may come from another tree.
    pub(super) async fn note_foreign(
        &self,
        root: &MappingDescriptor,
        id: &str,
    ) -> Result<(), StoreError> {
        self.note_unanswered(root, vec![(id.to_owned(), "{}".to_owned())])
            .await
    }

    /// Marks trees with a user's edit in the error log, and those that have new rows since. `rows` are the batch's rows
    /// before they are stored, so that a repeated delivery does not count.
    pub(super) async fn note_told(
        &self,
        work: &mut Work,
        rows: &[TreeRow],
    ) -> Result<(), StoreError> {
        let root = work.root;
        let ids: Vec<String> = work.trees.iter().map(|tree| tree.id.clone()).collect();
        let mut open = self.store.open_problems(root.name, ids).await?;
        open.retain(|problem| staff::is_cause(&problem.cause));
        if open.is_empty() {
            return Ok(());
        }
        let edited: BTreeSet<String> = open.iter().map(|problem| problem.key.clone()).collect();
        let known = self
            .store
            .tree_rows(root.name, edited.iter().cloned().collect())
            .await?;
        let is_known = |row: &TreeRow| {
            known
                .iter()
                .any(|one| one.root == row.root && one.id == row.id)
        };
        let new = rows.iter().filter(|row| !is_known(row));
        let new: BTreeSet<&str> = new.map(|row| row.root.as_str()).collect();
        let told = open.iter().filter(|one| new.contains(one.key.as_str()));
        let told = told.map(|problem| TreeWait {
            key: told_key(problem),
            tree: root.name.to_owned(),
            root: problem.key.clone(),
        });
        let told: Vec<TreeWait> = told.collect();
        if !told.is_empty() {
            self.store.keep_waits(told).await?;
        }
        let keys = open.iter().map(told_key).collect();
        let told = self.store.tree_waits(keys).await?;
        for tree in work
            .trees
            .iter_mut()
            .filter(|tree| edited.contains(&tree.id))
        {
            tree.edited = true;
            tree.told = told.iter().any(|wait| wait.root == tree.id);
        }
        Ok(())
    }

    /// Loads the unanswered writes of the trees in doubt.
    pub(super) async fn know_unanswered(&self, work: &mut Work) -> Result<(), StoreError> {
        let root = work.root;
        for tree in &mut work.trees {
            tree.doubt |= tree.root_id.is_some() && tree.edited;
        }
        let in_doubt = work.trees.iter().filter(|tree| tree.doubt);
        let keys: Vec<String> = in_doubt.map(|tree| key(root, &tree.id)).collect();
        if keys.is_empty() {
            return Ok(());
        }
        for wait in self.store.tree_waits(keys).await? {
            let mut trees = work.trees.iter_mut();
            if let Some(tree) = trees.find(|tree| key(root, &tree.id) == wait.key) {
                tree.unanswered.add(Unanswered::read(&wait.root));
            }
        }
        Ok(())
    }
}

fn key(root: &MappingDescriptor, id: &str) -> String {
    format!("{} {id} was sent", root.name)
}

/// Key of the note that a row has arrived since the problem opened.
fn told_key(problem: &OpenProblem) -> String {
    format!("told since {}", problem.item)
}

/// A user's edit of a record.
pub(super) enum Edit {
    /// A problem in the error log until usher restores the value.
    Problem(runtime::queue::Problem),
    /// An entry of the conflict log: the user's value stays.
    Decision(runtime::queue::DecisionRecord),
}

/// Makes the base of a record from `there`, its values in Salesforce. A field that a user has edited keeps the value
/// that usher wrote last.
pub(super) fn with_edits(
    work: &Work,
    tree: &Tree,
    wanted: &Wanted,
    mut there: Box<dyn Entity>,
    record: &str,
) -> (Box<dyn Entity>, Vec<Edit>) {
    let mut edits = Vec::new();
    let Some(base) = wanted.base.as_ref().filter(|_| !tree.unanswered.anything) else {
        return (there, edits);
    };
    // A record with another Id never got the values of `base`.
    if wanted.id.as_deref().map(normalise) != Some(normalise(record)) {
        return (there, edits);
    }
    let sent = tree.unanswered.of(wanted);
    for (index, field) in wanted.mapping.record.fields.iter().enumerate() {
        let name = field.path.last().copied().unwrap_or_default();
        let (now, before) = (wanted.record.slot(index), base.slot(index));
        if plan::is_amount_without_lines(work.root, tree, wanted, index) {
            // Told trees write it again.
            if !same(now, there.slot(index)) && !tree.told {
                let typed = Typed {
                    root: (work.root, &tree.id),
                    mapping: wanted.mapping,
                    key: &wanted.key,
                    record,
                    field: name,
                    ours: json::value(now),
                    theirs: json::value(there.slot(index)),
                };
                edits.push(Edit::Problem(typed.problem()));
                there.slot_mut(index).set(now);
            }
            continue;
        }
        if field.create_only || name == wanted.mapping.external_id {
            continue;
        }
        if before.is_absent() {
            // Neither a row nor an unanswered write says the field: its value is a user's.
            if now.is_absent() && sent.iter().all(|sent| sent.slot(index).is_absent()) {
                there.slot_mut(index).set(before);
            }
            continue;
        }
        let is_theirs = match field.kind {
            // The look-up has not run, so the value counts as a user's unless an unanswered write had the field.
            Kind::Lookup(_) => sent.iter().all(|sent| sent.slot(index).is_absent()),
            Kind::Reference { mapping } => {
                let known = there.slot(index).text().map(normalise);
                let ours = |slot: SlotRef<'_>| {
                    let id = slot
                        .text()
                        .and_then(|key| body::id_of(work, tree, mapping, key));
                    id.map(|id| normalise(&id)) == known || slot.equivalent(there.slot(index))
                };
                let mut sent = sent.iter().filter(|sent| !sent.slot(index).is_absent());
                !ours(now) && !ours(before) && !sent.any(|sent| ours(sent.slot(index)))
            }
            _ => {
                let ours = |slot: SlotRef<'_>| same(slot, there.slot(index));
                let mut sent = sent.iter().filter(|sent| !sent.slot(index).is_absent());
                !ours(now)
                    && !ours(before)
                    && !sent.any(|sent| ours(sent.slot(index)))
                    && !is_until_then(work, wanted, index, there.slot(index))
            }
        };
        // A value that Ticketure has changed since replaces the edit.
        if !is_theirs || !same(now, before) {
            continue;
        }
        let typed = Typed {
            root: (work.root, &tree.id),
            mapping: wanted.mapping,
            key: &wanted.key,
            record,
            field: name,
            ours: json::value(now),
            theirs: json::value(there.slot(index)),
        };
        let object = wanted.mapping.object;
        if staff::is_restored(object, name) {
            if tree.told {
                continue;
            }
            edits.push(Edit::Problem(typed.problem()));
        } else if staff::is_price(object, name) {
            edits.push(Edit::Decision(typed.decision()));
        }
        there.slot_mut(index).set(before);
    }
    (there, edits)
}

/// Compares two values; blank equals absent.
fn same(one: SlotRef<'_>, other: SlotRef<'_>) -> bool {
    one.equivalent(other) || (one.is_blank() && other.is_blank())
}

/// Returns whether the field has its preliminary value, which stands until the rest of the tree is written.
fn is_until_then(work: &Work, wanted: &Wanted, index: usize, there: SlotRef<'_>) -> bool {
    let last = plan::written_last(wanted.mapping).filter(|(_, field)| *field == index);
    let until_then = last.map(|(last, _)| body::setting(work, &last.until_then));
    until_then.is_some_and(|until_then| until_then.as_str() == there.text())
}

/// Decides about a record that a user has deleted. `None` if usher creates it again now; otherwise the problem to
/// report, if any.
pub(super) fn deleted(work: &Work, tree: &Tree, wanted: &Wanted) -> Option<Option<Edit>> {
    let mapping = wanted.mapping;
    let base = wanted.base.as_ref()?;
    wanted.id.as_ref()?;
    // A change in Ticketure creates the record again.
    if tree.unanswered.may_delete(wanted) || !plan::changed(wanted).is_empty() {
        return None;
    }
    if staff::is_made_again(mapping.object) && !tree.told {
        let problem = staff::deleted((work.root, &tree.id), mapping, &wanted.key, base.as_ref());
        return Some(Some(Edit::Problem(problem)));
    }
    staff::stays_deleted(mapping.object).then_some(None)
}

impl Tree {
    pub(super) fn note_edit(&mut self, edit: Edit) {
        match edit {
            Edit::Problem(problem) => self.report(problem),
            Edit::Decision(decision) => self.decisions.push(decision),
        }
    }

    /// Adds the unanswered writes of an open intent.
    pub(super) fn note_intent(&mut self, text: &str) {
        self.unanswered.add(Unanswered::read(text));
    }
}
