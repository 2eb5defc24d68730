//! Records that are read back, beside what they were given: what differs is a write of ours whose answer never came, or
//! an edit of somebody's, which stays until Ticketure says something new of that field.

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

/// Writes whose answers never came.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Unanswered {
    /// It is not known what they said: what is there may be ours.
    #[serde(default)]
    anything: bool,
    /// Mapping, key, and the fields.
    #[serde(default)]
    written: Vec<(String, String, Map<String, Value>)>,
    /// Mapping and key.
    #[serde(default)]
    deleted: BTreeSet<(String, String)>,
}

impl Unanswered {
    /// What an intent says is about to be sent. One of an earlier version of this program says nothing.
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

    /// May the record have been deleted by a write of ours?
    fn may_delete(&self, wanted: &Wanted) -> bool {
        let key = (wanted.mapping.name.to_owned(), wanted.key.clone());
        self.anything || self.deleted.contains(&key)
    }

    /// What was sent of a record, each time.
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

/// What is about to be changed and deleted of a tree, as its intent says it. What is about to be made is known by its
/// key.
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
    /// Keeps what unanswered calls about these trees said: it may be carried out late. Each is the tree's id and the text
    /// of its intent.
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

    /// Whatever is in a record of the tree may be another tree's.
    pub(super) async fn note_foreign(
        &self,
        root: &MappingDescriptor,
        id: &str,
    ) -> Result<(), StoreError> {
        self.note_unanswered(root, vec![(id.to_owned(), "{}".to_owned())])
            .await
    }

    /// Finds the trees that somebody has edited, as the error log says, and of which there are rows since. `rows` are
    /// those of the batch, before they are kept: one that is delivered again is none.
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

    /// Fills in what unanswered calls said of the trees that are in doubt.
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

/// What is kept where there is a row since a problem is open.
fn told_key(problem: &OpenProblem) -> String {
    format!("told since {}", problem.item)
}

/// What somebody has done to a record.
pub(super) enum Edit {
    /// In the error log until it is written again.
    Problem(runtime::queue::Problem),
    /// In the conflict log.
    Decision(runtime::queue::DecisionRecord),
}

/// The base of a record as `there`, which is as Salesforce has it in the mapping's words: where somebody's edit stays it
/// is what we gave it last.
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
    // A record that was made anew, or another one, has not been given what the first one was.
    if wanted.id.as_deref().map(normalise) != Some(normalise(record)) {
        return (there, edits);
    }
    let sent = tree.unanswered.of(wanted);
    for (index, field) in wanted.mapping.record.fields.iter().enumerate() {
        let name = field.path.last().copied().unwrap_or_default();
        let (now, before) = (wanted.record.slot(index), base.slot(index));
        if field.create_only || name == wanted.mapping.external_id || before.is_absent() {
            continue;
        }
        let is_theirs = match field.kind {
            // Which one it is is not known: it stays unless a call of ours may have changed it.
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
        // Ticketure has said something new of it.
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

/// Both say the same, and what is blank says what is absent.
fn same(one: SlotRef<'_>, other: SlotRef<'_>) -> bool {
    one.equivalent(other) || (one.is_blank() && other.is_blank())
}

/// Is it what the field has until everything else is written?
fn is_until_then(work: &Work, wanted: &Wanted, index: usize, there: SlotRef<'_>) -> bool {
    let last = plan::written_last(wanted.mapping).filter(|(_, field)| *field == index);
    let until_then = last.map(|(last, _)| body::setting(work, &last.until_then));
    until_then.is_some_and(|until_then| until_then.as_str() == there.text())
}

/// A record that was there is no more, and no call of ours has deleted it: says what somebody's deletion is, where the
/// record is not to be made again now.
pub(super) fn deleted(work: &Work, tree: &Tree, wanted: &Wanted) -> Option<Option<Edit>> {
    let mapping = wanted.mapping;
    let base = wanted.base.as_ref()?;
    wanted.id.as_ref()?;
    // A new word of Ticketure's about the record makes it again.
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

    /// What an intent of the tree says.
    pub(super) fn note_intent(&mut self, text: &str) {
        self.unanswered.add(Unanswered::read(text));
    }
}
