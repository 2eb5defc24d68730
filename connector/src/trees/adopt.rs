//! Records that are there already, and become the root of a tree instead of one of its own: a term of a membership is on
//! the opportunity of its cart, or on the one that somebody made in Salesforce.
//!
//! A record is the root of one tree only. Of several that could have it, the one whose id comes first in the alphabet
//! does, whatever the order in which they are heard of: who has it before that gives it up, and gets one of its own.

use std::collections::{BTreeMap, BTreeSet};

use runtime::mapping::{Adopt, AdoptFrom, MappingDescriptor};
use runtime::queue::{NewItem, Outcome, StoreError, TREE_AGAIN, TreeWait};
use runtime::row;
use runtime::salesforce::normalise;
use serde_json::{Value, json};

use super::{Tree, Work};
use crate::sync::TwoWaySync;
use crate::sync::meeting::destination_key;

/// Whoever has the record gives it up in so long, about; who waits longer looks less often.
const GIVEN_UP_MS: i64 = 500;
const GIVEN_UP_MOST_MS: i64 = 60_000;
/// Another batch is about to take the record. Another span than the one above, so that the two do not meet each time.
pub(super) const MEETS_MS: i64 = 170;

/// A push that is not settled by then is in the error log.
const PUSHED_MS: i64 = 600_000;

/// A record that became a tree's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Adopted {
    pub(crate) id: String,
    /// Nothing but its key is written to it, and nothing below it.
    pub(crate) key_only: bool,
    /// It is the record of another mapping as well.
    pub(crate) shared: bool,
}

/// What a tree would take over, before it is known whether that is there.
enum Wish {
    Id(Adopted),
    Record {
        of: (&'static str, String),
        key_only: bool,
    },
}

impl TwoWaySync {
    /// Says of each tree which record its root is, where that is none of its own.
    pub(super) async fn adopt_all(&self, work: &mut Work) -> Result<(), StoreError> {
        let root = work.root;
        if root.tree.is_none_or(|shape| shape.adopt.is_empty()) {
            return Ok(());
        }
        let wishes: Vec<Vec<Wish>> = work.trees.iter().map(|tree| wishes(work, tree)).collect();
        let records = wishes.iter().flatten().filter_map(|wish| match wish {
            Wish::Id(_) => None,
            Wish::Record { of, .. } => Some(of.clone()),
        });
        let records: Vec<(&'static str, String)> = records.collect();
        let (resolved, failure) = self.resolve(records.clone()).await?;
        let left_out = self.kept_out(work, &records, &resolved).await?;
        let written = self.being_written(&records).await?;
        let mut meeting = self.meeting();
        let mut taken = BTreeSet::new();
        let mut in_order: Vec<(usize, Vec<Wish>)> = wishes.into_iter().enumerate().collect();
        in_order.sort_by_key(|(place, _)| work.trees.get(*place).map(|tree| tree.id.clone()));
        for (place, wishes) in in_order {
            for wish in wishes {
                let wished = match wish {
                    Wish::Id(adopted) => adopted,
                    // Its own comes first, such as the role of whoever bought.
                    Wish::Record { of, .. } if written.contains(&of) => {
                        if let Some(tree) = work.trees.get_mut(place) {
                            let reason = format!("{} {} is being written", of.0, of.1);
                            tree.stop(self.with_patience(tree, &reason));
                        }
                        break;
                    }
                    Wish::Record { of, key_only } => match (resolved.get(&of), &failure) {
                        (Some(id), _) => Adopted {
                            id: id.clone(),
                            key_only,
                            shared: true,
                        },
                        (None, _) if left_out.contains(&of) => continue,
                        (None, Some(error)) => {
                            self.stop_unanswered(work, place, error);
                            break;
                        }
                        (None, None) => {
                            wait_for(work, place, &of);
                            break;
                        }
                    },
                };
                // An earlier one of this batch has it, or waits for it to be given up.
                if taken.contains(&wished.id) && !self.holds(work, place, &wished.id).await? {
                    continue;
                }
                let id = wished.id.clone();
                if !meeting.claim(vec![destination_key(root, &id)]) {
                    let later = self.again(MEETS_MS, "another batch is about to take its record");
                    if let Some(tree) = work.trees.get_mut(place) {
                        tree.stop(later);
                    }
                    break;
                }
                if self.takes(work, place, wished).await? {
                    taken.insert(id);
                    break;
                }
            }
        }
        work.meeting = Some(meeting);
        self.still_shared(work).await
    }

    /// Those of the records that a call is under way for, or may be.
    async fn being_written(
        &self,
        records: &[(&'static str, String)],
    ) -> Result<BTreeSet<(&'static str, String)>, StoreError> {
        let mut ids: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        for (mapping, id) in records {
            ids.entry(mapping).or_default().push(id.clone());
        }
        let mut written = BTreeSet::new();
        for (mapping, ids) in ids {
            let open = self.store.intents(mapping, ids).await?;
            written.extend(open.into_iter().map(|intent| (mapping, intent.key.key)));
        }
        Ok(written)
    }

    /// The tree looks again in a moment; the longer it waits the less often.
    fn with_patience(&self, tree: &Tree, reason: &str) -> Outcome {
        let since = tree.items.iter().map(|item| item.received_at_ms).min();
        let waited = self.now_ms() - since.unwrap_or_default();
        self.again((waited / 4).clamp(GIVEN_UP_MS, GIVEN_UP_MOST_MS), reason)
    }

    /// What was taken over is not the tree's own because the settings say otherwise by now.
    async fn still_shared(&self, work: &mut Work) -> Result<(), StoreError> {
        let root = work.root;
        let entries = root.tree.map_or(&[] as &[Adopt], |shape| shape.adopt);
        let free = |tree: &&mut Tree| tree.goes_on() && tree.adopted.is_none() && !tree.gives_up;
        let ids = work
            .trees
            .iter_mut()
            .filter(free)
            .map(|tree| tree.id.clone());
        let own = self.store.links(root.name, ids.collect()).await?;
        let records: Vec<String> = own
            .values()
            .map(|link| link.destination_id.clone())
            .collect();
        for entry in entries {
            let AdoptFrom::Record { mapping, .. } = entry.from else {
                continue;
            };
            let shared = self
                .store
                .links_by_destination(mapping, records.clone())
                .await?;
            for tree in work.trees.iter_mut().filter(free) {
                let link = own.get(&tree.id);
                let link = link.filter(|link| shared.contains_key(&link.destination_id));
                if let Some(link) = link {
                    tree.adopted = Some(Adopted {
                        id: link.destination_id.clone(),
                        key_only: entry.key_only,
                        shared: true,
                    });
                }
            }
        }
        Ok(())
    }

    /// Can the tree have the record? Where it has to wait for that it is stopped, which is an answer as well.
    async fn takes(
        &self,
        work: &mut Work,
        place: usize,
        wished: Adopted,
    ) -> Result<bool, StoreError> {
        let root = work.root;
        let Some(tree) = work.trees.get_mut(place).filter(|tree| tree.goes_on()) else {
            return Ok(true);
        };
        // Its ids are on their way to it: the two writes would meet.
        if self.is_pushing(root, &wished.id).await? {
            tree.stop(self.again(GIVEN_UP_MS, "its record is being pushed to Ticketure"));
            return Ok(true);
        }
        let own = self.store.links(root.name, vec![tree.id.clone()]).await?;
        let own = own.get(&tree.id).map(|link| link.destination_id.clone());
        let waits = self.claims(root, &wished.id).await?;
        let first = waits.iter().min().cloned();
        match own {
            // It has one of its own: whoever waits for this one may have it.
            Some(own) if own != wished.id => {
                self.wake_trees(vec![claim_of(root, &wished.id)]).await?;
                Ok(false)
            }
            Some(_) if first.is_some_and(|first| first < tree.id) => {
                match self.let_go(root, &wished.id).await {
                    Ok(()) => tree.gives_up = true,
                    Err(error) => self.stop_unanswered(work, place, &error),
                }
                Ok(true)
            }
            Some(_) => {
                tree.adopted = Some(wished);
                Ok(true)
            }
            None => {
                let theirs = self
                    .store
                    .links_by_destination(root.name, vec![wished.id.clone()])
                    .await?;
                let holder = theirs.into_values().next().map(|link| link.source_id);
                match holder {
                    None => tree.adopted = Some(wished),
                    Some(holder) if holder < tree.id => return Ok(false),
                    Some(holder) => {
                        let reason = format!("{} {holder} gives {} up first", root.name, wished.id);
                        let id = tree.id.clone();
                        tree.stop(self.with_patience(tree, &reason));
                        self.claim_root(root, &id, &holder, &wished.id).await?;
                    }
                }
                Ok(true)
            }
        }
    }

    /// Is a push of the record begun, and not settled yet?
    async fn is_pushing(&self, root: &MappingDescriptor, id: &str) -> Result<bool, StoreError> {
        let mappings = self.handlers.iter().flat_map(|handler| handler.mappings());
        for mapping in mappings.filter(|one| one.push_as.is_some() && one.object == root.object) {
            let begun = self
                .store
                .intents(mapping.name, vec![format!("sf:{id}")])
                .await?;
            let since = self.now_ms() - PUSHED_MS;
            if begun.iter().any(|intent| intent.made_at_ms > since) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Is the record the tree's own so far?
    async fn holds(&self, work: &Work, place: usize, id: &str) -> Result<bool, StoreError> {
        let tree = work.trees.get(place).map(|tree| tree.id.clone());
        let own = self
            .store
            .links(work.root.name, tree.into_iter().collect())
            .await?;
        Ok(own.values().any(|link| link.destination_id == id))
    }

    /// The trees that wait for a record which another has.
    async fn claims(&self, root: &MappingDescriptor, id: &str) -> Result<Vec<String>, StoreError> {
        let waits = self.store.tree_waits(vec![claim_of(root, id)]).await?;
        Ok(waits.into_iter().map(|wait| wait.root).collect())
    }

    /// Waits for the record, and has its holder look again.
    async fn claim_root(
        &self,
        root: &MappingDescriptor,
        claimant: &str,
        holder: &str,
        id: &str,
    ) -> Result<(), StoreError> {
        let wait = TreeWait {
            key: claim_of(root, id),
            tree: root.name.to_owned(),
            root: claimant.to_owned(),
        };
        self.store.keep_waits(vec![wait]).await?;
        // Those that ask again and again within a minute have asked.
        let minute = self.now_ms() / 60_000;
        let again = NewItem {
            mapping: Some(root.name.to_owned()),
            payload_type: TREE_AGAIN.to_owned(),
            dedupe: Some(format!("{} for {claimant} {minute}", claim_of(root, id))),
            lane: holder.to_owned(),
            key: holder.to_owned(),
            payload: "{}".to_owned(),
            ..NewItem::default()
        };
        self.store.enqueue(vec![again]).await.map(|_| ())
    }

    /// The record is no longer known by the tree's key, so that another can have the key.
    async fn let_go(
        &self,
        root: &MappingDescriptor,
        id: &str,
    ) -> Result<(), runtime::salesforce::CallError> {
        let body = json!({ root.external_id: null }).to_string();
        let results = self
            .salesforce
            .update(root.object, &[(id.to_owned(), body)])
            .await?;
        // One that is gone is let go as well; what else is refused is refused again when the key is used.
        drop(results);
        Ok(())
    }
}

/// What is kept of a tree that waits for a record.
fn claim_of(root: &MappingDescriptor, id: &str) -> String {
    format!("{} on {id}", root.name)
}

fn wait_for(work: &mut Work, place: usize, of: &(&'static str, String)) {
    let name = work.root.name;
    if let Some(tree) = work.trees.get_mut(place) {
        let reason = format!(
            "{name} {} is on {} {}, which is not in Salesforce yet",
            tree.id, of.0, of.1
        );
        tree.waits_for = Some(of.clone());
        tree.stop(Outcome::Park {
            key: format!("{}:{}", of.0, of.1),
            reason,
        });
    }
}

/// Those whose conditions hold, in their order.
fn wishes(work: &Work, tree: &Tree) -> Vec<Wish> {
    let Some(shape) = work.root.tree.filter(|_| tree.goes_on()) else {
        return Vec::new();
    };
    let rows = tree.rows.get(work.root.payload_type);
    let rows = rows.map(|rows| row::reduced(work.root, rows).unwrap_or_default());
    let Some(mut row) = rows.and_then(|rows| rows.into_iter().next()) else {
        return Vec::new();
    };
    row::with_settings(&mut row, &work.settings);
    let holds = |adopt: &&Adopt| row::hold(adopt.when, &row);
    shape
        .adopt
        .iter()
        .filter(holds)
        .filter_map(|adopt| wish(adopt, &row))
        .collect()
}

fn wish(adopt: &Adopt, row: &Value) -> Option<Wish> {
    let key_only = adopt.key_only;
    Some(match adopt.from {
        AdoptFrom::Id(path) => Wish::Id(Adopted {
            id: normalise(&row::text(row, path)?),
            key_only,
            shared: false,
        }),
        AdoptFrom::Record { mapping, by } => Wish::Record {
            of: (mapping, row::text(row, by)?),
            key_only,
        },
    })
}
