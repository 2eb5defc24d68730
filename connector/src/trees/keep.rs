//! What of trees is on the disk: rows before anything is made of them, intents before the calls, records after them.

use std::collections::BTreeMap;

use runtime::mapping::{MappingDescriptor, Side};
use runtime::queue::{
    Extent, Intent, IntentKey, Item, Link, Outcome, Problem, ProblemStage, Problems, Repeat,
    Settlement, StoreError, TREE_AGAIN, TreeRecord, TreeRow,
};
use sha2::{Digest, Sha256};

use serde_json::Value;

use super::{Tree, Work, adopted, given, holders, moved, plan, root_key};
use crate::handlers::books;
use crate::sync::{Broken, TwoWaySync};
use crate::to_salesforce::fetch;

/// What makes the rest possible has been written; automation may take a moment.
const ONCE_MORE_MS: i64 = 500;

impl TwoWaySync {
    /// Rows are kept before anything is made of them; what was heard before comes along.
    pub(super) async fn keep_and_load(&self, work: &mut Work) -> Result<(), StoreError> {
        let root = work.root;
        let mut new = Vec::new();
        for tree in &mut work.trees {
            let id = tree.id.clone();
            let said = tree
                .items
                .iter_mut()
                .filter(|item| item.payload_type != TREE_AGAIN);
            new.extend(said.map(|item| row(root, &id, item)));
        }
        self.note_told(work, &new).await?;
        self.store.keep_rows(new).await?;
        let mut rows: BTreeMap<String, Vec<TreeRow>> = BTreeMap::new();
        for row in self.store.tree_rows(root.name, ids(work)).await? {
            rows.entry(row.root.clone()).or_default().push(row);
        }
        for tree in &mut work.trees {
            for row in rows.remove(&tree.id).unwrap_or_default() {
                if let Some(value) = books::arrived(root.name, &row) {
                    tree.rows.entry(row.payload_type).or_default().push(value);
                }
            }
        }
        self.load_others(work).await
    }

    /// Loads the rows of other trees about the same tickets and payments.
    async fn load_others(&self, work: &mut Work) -> Result<(), StoreError> {
        let root = work.root.name;
        let trees = work.trees.iter();
        let subjects: BTreeMap<String, Vec<String>> = trees
            .map(|tree| (tree.id.clone(), books::subjects(root, &tree.rows)))
            .collect();
        let all: Vec<String> = subjects.values().flatten().cloned().collect();
        if all.is_empty() {
            return Ok(());
        }
        let mut by_subject: BTreeMap<String, Vec<(String, Value)>> = BTreeMap::new();
        for row in self.store.rows_of_subjects(root, all).await? {
            let subject = books::subject(root, &row.payload_type, &row.row);
            if let (Some(subject), Some(value)) = (subject, books::arrived(root, &row)) {
                let rows = by_subject.entry(subject).or_default();
                rows.push((row.root, value));
            }
        }
        for tree in &mut work.trees {
            let own = subjects.get(&tree.id).into_iter().flatten();
            let rows = own.filter_map(|subject| by_subject.get(subject)).flatten();
            for (other, row) in rows.filter(|(other, _)| *other != tree.id) {
                let others = tree.others.entry(other.clone()).or_default();
                others.push(row.clone());
            }
        }
        Ok(())
    }

    /// What was written before, and whether an attempt ended without an answer.
    pub(super) async fn know_all(&self, work: &mut Work) -> Result<(), StoreError> {
        let root = work.root;
        let links = self.store.links(root.name, ids(work)).await?;
        let intents = self.store.intents(root.name, ids(work)).await?;
        let mut known: BTreeMap<String, Vec<TreeRecord>> = BTreeMap::new();
        for record in self.store.tree_records(root.name, ids(work)).await? {
            known.entry(record.root.clone()).or_default().push(record);
        }
        let (mut in_doubt, mut sent) = (Vec::new(), Vec::new());
        for tree in &mut work.trees {
            let known = known.remove(&tree.id).unwrap_or_default();
            let link = links.get(&tree.id);
            if link.is_some() && tree.waits_for_root(root) {
                // It was there and is to be none for now. To wait for a link that is there would be no waiting.
                tree.stopped = Some(Outcome::Done);
            }
            tree.root_id = link.map(|link| link.destination_id.clone());
            tree.was_there = link.is_some();
            let open = intents.iter().find(|intent| intent.key.key == tree.id);
            let open = open.filter(|_| !self.breaks(Broken::Intents));
            let is_open = open.is_some();
            // A record that only the link table knows was found by its external id: somebody wrote it.
            let asks = tree.items.iter().any(moved::asks);
            tree.doubt = is_open || asks || (link.is_some() && known.is_empty());
            if let Some(intent) = open.filter(|_| !tree.elsewhere) {
                in_doubt.push(tree.id.clone());
                tree.note_intent(&intent.fields);
                sent.push((tree.id.clone(), intent.fields.clone()));
            }
            plan::know(tree, root, known);
            adopted::place(tree, root, work.npsp);
        }
        self.know_unanswered(work).await?;
        self.note_unanswered(root, sent).await?;
        // What has no answer may still be carried out, over what is written from now on.
        self.may_be_late(root, in_doubt).await
    }

    /// Noted on the disk before the calls: what ends without an answer is asked for next time.
    pub(super) async fn begin_all(&self, work: &Work) -> Result<(), StoreError> {
        let going = work.trees.iter().filter(|tree| tree.goes_on());
        let intents: Vec<Intent> = going
            .filter(|tree| plan::has_writes(tree))
            .map(|tree| Intent {
                key: intent_key(work.root, &tree.id),
                kind: "update",
                fields: given::to_be_sent(tree),
                repeat: Repeat::UniqueKey,
                made_at_ms: self.now_ms(),
            })
            .collect();
        match intents.is_empty() {
            true => Ok(()),
            false => self.store.begin(intents, Vec::new(), Vec::new()).await,
        }
    }

    /// Everything that was written is kept, then the items are settled with the root's link.
    pub(super) async fn finish(&self, mut work: Work) -> Result<(), StoreError> {
        let trees = work.trees.iter_mut();
        let written: Vec<TreeRecord> = trees
            .flat_map(|tree| std::mem::take(&mut tree.written))
            .collect();
        if !written.is_empty() {
            self.store.keep_records(written).await?;
        }
        self.note_unrefused(&work);
        let mut settlements = Vec::new();
        for tree in &mut work.trees {
            if let (None, false, Some(reason)) = (&tree.stopped, tree.failed, tree.again) {
                tree.stop(self.again(ONCE_MORE_MS, reason));
            }
            let mut settled = settled(tree);
            if let Some(last) = settled.last_mut().filter(|_| !tree.elsewhere) {
                last.link = link(work.root, tree);
                last.problems = problems(work.root, tree);
                // What was in doubt and could not be asked for stays in doubt.
                if !tree.open && !tree.doubt {
                    last.closes.push(intent_key(work.root, &tree.id));
                }
            }
            settlements.extend(settled);
        }
        let missing = fetch::wanted(&settlements);
        let left_out = work.trees.iter().filter(|tree| tree.left_out);
        let keys = left_out.map(|tree| root_key(work.root, &tree.id));
        self.no_longer_left_out(&work).await?;
        self.no_longer_behind(&work).await?;
        // First, so that a kill in between leaves nobody waiting.
        self.store.wake(keys.collect()).await?;
        self.store.settle(settlements).await?;
        self.wake_if_left_out(&work).await?;
        let trees = work.trees.iter();
        let given_up = trees.flat_map(|tree| tree.given_up.iter().chain(&tree.left));
        let keys = given_up.map(|id| holders::claim_of(work.root, id));
        self.store.wake(keys.collect()).await?;
        self.fetch(missing).await
    }
}

fn ids(work: &Work) -> Vec<String> {
    work.trees.iter().map(|tree| tree.id.clone()).collect()
}

/// The row of an item; its text is not held beside it.
fn row(root: &MappingDescriptor, id: &str, item: &mut Item) -> TreeRow {
    let row = std::mem::take(&mut item.payload);
    let digest = Sha256::digest(row.as_bytes());
    let short = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
    TreeRow {
        tree: root.name.to_owned(),
        root: id.to_owned(),
        payload_type: item.payload_type.clone(),
        id: short.collect(),
        subject: books::subject(root.name, &item.payload_type, &row),
        arrived: item.id,
        row,
    }
}

/// Settles the items of a tree, whose rows are stored. If the tree waits or retries, its first row's item is enough for
/// that, beside one that reads Salesforce again. A failure becomes a problem of the tree.
fn settled(tree: &Tree) -> Vec<Settlement> {
    let outcome = match tree.stopped.clone() {
        None | Some(Outcome::Dead { .. }) => Outcome::Done,
        Some(outcome) => outcome,
    };
    let first = |is_it: &dyn Fn(&Item) -> bool| tree.items.iter().position(is_it);
    let row = first(&|item| item.payload_type != TREE_AGAIN);
    let ask = first(&moved::asks);
    let stays = |index: usize| match (row, ask) {
        (None, None) => index == 0,
        _ => Some(index) == row || Some(index) == ask,
    };
    let each = tree.items.iter().enumerate();
    each.map(|(index, item)| {
        let outcome = match &outcome {
            Outcome::Park { .. } | Outcome::Retry { .. } if !stays(index) => Outcome::Done,
            outcome => outcome.clone(),
        };
        Settlement::new(item.id, item.attempt, outcome)
    })
    .collect()
}

/// The cause of the failure that stopped a tree. A tree has at most one.
const FAILURE: &str = "failure";

/// Makes the report of problems. A tree that retries reports nothing, since it is about to run again.
fn problems(root: &MappingDescriptor, tree: &Tree) -> Option<Problems> {
    if matches!(tree.stopped, Some(Outcome::Retry { .. })) {
        return None;
    }
    let checked = || tree.checked.iter().map(|start| (*start).to_owned());
    let mut all = tree.problems.clone();
    all.extend(tree.problems_of_records(root));
    if let Some(Outcome::Dead { error }) = &tree.stopped {
        all.push(Problem {
            cause: FAILURE.to_owned(),
            stage: ProblemStage::Failed,
            error: error.clone(),
        });
    }
    Some(Problems {
        mapping: root.name.to_owned(),
        key: tree.id.clone(),
        lane: None,
        all,
        extent: match tree.stopped {
            None | Some(Outcome::Done) => Extent::Whole,
            // The later stages did not run, so their problems are unknown.
            Some(Outcome::Park { .. }) => Extent::Waiting(checked().collect()),
            Some(_) => Extent::Partial(checked().collect()),
        },
    })
}

fn intent_key(root: &MappingDescriptor, id: &str) -> IntentKey {
    IntentKey {
        mapping: root.name.to_owned(),
        key: id.to_owned(),
        side: Side::Destination,
    }
}

/// Makes the root's link, which wakes items that wait for it. A moving tree keeps its old link until the new root is
/// written.
fn link(root: &MappingDescriptor, tree: &Tree) -> Option<Link> {
    let moves = tree.left.is_some() || tree.outgrown.is_some();
    if moves && !plan::is_written(tree, root) {
        return None;
    }
    let destination_id = tree.root_id.clone()?;
    Some(Link {
        mapping: root.name.to_owned(),
        source_id: tree.id.clone(),
        destination_id,
        base: "{}".to_owned(),
        lock: String::new(),
        lane: tree.id.clone(),
    })
}
