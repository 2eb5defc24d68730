//! Records that are there already, and become the root of a tree instead of one of its own: a term of a membership is on
//! the opportunity of its cart, or on the one that somebody made in Salesforce.
//!
//! A record is the root of one tree only. Of several that could have it, the one whose id comes first in the alphabet
//! does, whatever the order in which they are heard of: who has it before that gives it up, and gets one of its own.

use std::collections::{BTreeMap, BTreeSet};

use runtime::mapping::{Adopt, AdoptFrom};
use runtime::queue::{Outcome, StoreError};
use runtime::row;
use runtime::salesforce::{CallError, normalise};
use serde_json::Value;

use super::holders::{Holders, claim_of};
use super::moved::Moves;
use super::{Tree, Work};
use crate::sync::TwoWaySync;
use crate::sync::meeting::{Meeting, destination_key};
use crate::to_salesforce::references::Resolved;

/// Whoever has the record gives it up in so long, about; who waits longer looks less often.
const GIVEN_UP_MS: i64 = 500;
const GIVEN_UP_MOST_MS: i64 = 60_000;
/// So long it is looked again and again whether the holder has given the record up.
const HOLDER_MS: i64 = 300_000;
/// A call that is under way ends within that.
const WRITTEN_MS: i64 = 600_000;
/// Another batch is about to take the record. Another span than the one above, so that the two do not meet each time.
pub(super) const MEETS_MS: i64 = 170;

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
pub(super) enum Wish {
    Id(Adopted),
    Record {
        of: (&'static str, String),
        key_only: bool,
    },
}

/// What is known of all that a batch's trees wish for.
struct There {
    resolved: Resolved,
    /// Why some could not be resolved.
    failure: Option<CallError>,
    /// Records that there are to be none of.
    left_out: BTreeSet<(&'static str, String)>,
    /// Records that a call is under way for.
    written: BTreeSet<(&'static str, String)>,
    /// Ids that no other batch takes meanwhile.
    claimed: BTreeSet<String>,
    /// Ids that a tree of this batch has, or waits for.
    taken: BTreeSet<String>,
    holders: Holders,
    moves: Moves,
    meeting: Meeting,
}

impl TwoWaySync {
    /// Says of each tree which record its root is, where that is none of its own.
    pub(super) async fn adopt_all(&self, work: &mut Work) -> Result<(), StoreError> {
        let root = work.root;
        if root.tree.is_none_or(|shape| shape.adopt.is_empty()) {
            return Ok(());
        }
        let wishes: Vec<Vec<Wish>> = work.trees.iter().map(|tree| wishes(work, tree)).collect();
        let mut places: Vec<usize> = (0..wishes.len()).collect();
        places.sort_by_key(|place| work.trees.get(*place).map(|tree| tree.id.clone()));
        let mut there = self.what_is_there(work, &wishes).await?;
        for place in places {
            for wish in wishes.get(place).into_iter().flatten() {
                if self.grant(work, place, wish, &mut there).await? {
                    break;
                }
            }
        }
        for id in there.claimed.difference(&there.taken) {
            there.meeting.leave(&destination_key(root, id));
        }
        work.meeting = Some(there.meeting);
        self.still_shared(work, &there.moves).await?;
        self.note_for_now(work, &wishes, &there.moves, &there.resolved)
            .await
    }

    /// Claims what is wished for, and reads what has to be known of it.
    async fn what_is_there(
        &self,
        work: &mut Work,
        wishes: &[Vec<Wish>],
    ) -> Result<There, StoreError> {
        let root = work.root;
        let records = wishes.iter().flatten().filter_map(|wish| match wish {
            Wish::Id(_) => None,
            Wish::Record { of, .. } => Some(of.clone()),
        });
        let records: Vec<(&'static str, String)> = records.collect();
        let (resolved, failure) = self.resolve(records.clone()).await?;
        let left_out = self.kept_out(work, &records, &resolved).await?;
        let written = self.being_written(&records).await?;
        let mut meeting = work.meeting.take().unwrap_or_else(|| self.meeting());
        let moves = self.moves(work).await?;
        let taken = self.claim_left(work, &moves, &mut meeting);
        let ids = wishes.iter().flatten().filter_map(|wish| match wish {
            Wish::Id(adopted) => Some(adopted.id.clone()),
            Wish::Record { of, .. } => resolved.get(of).cloned(),
        });
        let ids: BTreeSet<String> = ids.filter(|id| !taken.contains(id)).collect();
        let claim = |id: &String| meeting.claim(vec![destination_key(root, id)]);
        let claimed: BTreeSet<String> = ids.into_iter().filter(claim).collect();
        let holders = self
            .holders(work, claimed.iter().cloned().collect(), &records)
            .await?;
        Ok(There {
            resolved,
            failure,
            left_out,
            written,
            claimed,
            taken,
            holders,
            moves,
            meeting,
        })
    }

    /// Is this the answer to what the tree wishes? If not, the next wish is.
    async fn grant(
        &self,
        work: &mut Work,
        place: usize,
        wish: &Wish,
        there: &mut There,
    ) -> Result<bool, StoreError> {
        let wished = match wish {
            Wish::Id(adopted) => adopted.clone(),
            // Its own comes first, such as the role of whoever bought.
            Wish::Record { of, .. } if self.is_to_wait(work, place, of, there) => {
                if let Some(tree) = work.trees.get_mut(place) {
                    let reason = format!("{} {} is being written", of.0, of.1);
                    tree.stop(self.with_patience(tree, &reason));
                }
                return Ok(true);
            }
            Wish::Record { of, key_only } => match (there.resolved.get(of), &there.failure) {
                (Some(id), _) => Adopted {
                    id: id.clone(),
                    key_only: *key_only,
                    shared: true,
                },
                (None, _) if there.left_out.contains(of) => {
                    self.pass_over(work, place, of).await?;
                    return Ok(false);
                }
                (None, Some(error)) => {
                    self.stop_unanswered(work, place, error);
                    return Ok(true);
                }
                (None, None) => {
                    wait_for(work, place, of);
                    return Ok(true);
                }
            },
        };
        let Some(tree) = work.trees.get_mut(place) else {
            return Ok(true);
        };
        let id = wished.id.clone();
        // An earlier one of this batch has it, or waits for it to be given up.
        let holds = there.holders.record_of(&tree.id) == Some(id.as_str());
        if there.taken.contains(&id) && !holds {
            return Ok(false);
        }
        if !there.claimed.contains(&id) {
            tree.stop(self.again(MEETS_MS, "another batch is about to take its record"));
            return Ok(true);
        }
        let answered = self.takes(work, place, wish, wished, there).await?;
        if answered {
            there.taken.insert(id);
        }
        Ok(answered)
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

    /// Is a call under way for the record? Not for ever: its own tree may wait for something else.
    fn is_to_wait(
        &self,
        work: &Work,
        place: usize,
        of: &(&'static str, String),
        there: &There,
    ) -> bool {
        let waited = work.trees.get(place).map(|tree| self.waited_ms(tree));
        there.written.contains(of) && there.resolved.contains_key(of) && waited < Some(WRITTEN_MS)
    }

    fn waited_ms(&self, tree: &Tree) -> i64 {
        let since = tree.items.iter().map(|item| item.received_at_ms).min();
        self.now_ms() - since.unwrap_or_default()
    }

    /// The tree looks again in a moment; the longer it waits the less often.
    fn with_patience(&self, tree: &Tree, reason: &str) -> Outcome {
        let waited = self.waited_ms(tree);
        self.again((waited / 4).clamp(GIVEN_UP_MS, GIVEN_UP_MOST_MS), reason)
    }

    /// Keeps the shared record of a tree after a change of the settings, unless the tree's rows name another record.
    async fn still_shared(&self, work: &mut Work, moves: &Moves) -> Result<(), StoreError> {
        let root = work.root;
        let entries = root.tree.map_or(&[] as &[Adopt], |shape| shape.adopt);
        let free = |tree: &&mut Tree| {
            tree.goes_on()
                && tree.adopted.is_none()
                && tree.given_up.is_none()
                && tree.left.is_none()
        };
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
                if let Some(left) = moves.left_by(&tree.id) {
                    tree.left = Some(left.to_owned());
                } else if let Some(link) = link {
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
        wish: &Wish,
        wished: Adopted,
        there: &mut There,
    ) -> Result<bool, StoreError> {
        let root = work.root;
        let holders = &mut there.holders;
        let Some(tree) = work.trees.get_mut(place).filter(|tree| tree.goes_on()) else {
            return Ok(true);
        };
        if holders.is_pushed(&wished.id) {
            tree.stop(self.again(GIVEN_UP_MS, "its record is being pushed to Ticketure"));
            return Ok(true);
        }
        let own_id = tree.id.clone();
        let is_before = |other: &str| other < own_id.as_str();
        let own = holders.record_of(&own_id);
        let is_for_now = holders.passed_over(&own_id, wish) || there.moves.for_now(&own_id, wish);
        let outgrown = own.filter(|own| *own != wished.id && is_for_now);
        let outgrown = outgrown.map(str::to_owned);
        let left = there.moves.left_by(&own_id).map(str::to_owned);
        match own.filter(|_| outgrown.is_none() && left.is_none()) {
            // It has one of its own: whoever waits for this one may have it.
            Some(own) if own != wished.id => {
                if holders.first_waiting(&wished.id).is_some() {
                    self.wake_trees(vec![claim_of(root, &wished.id)]).await?;
                }
                return Ok(false);
            }
            Some(_) if holders.first_waiting(&wished.id).is_some_and(is_before) => {
                let to = holders.first_waiting(&wished.id).unwrap_or_default();
                // What was begun on it for this tree may be carried out when it is the other's.
                self.note_foreign(root, to).await?;
                self.may_be_late(root, vec![to.to_owned()]).await?;
                match self.let_go(root, &wished.id).await {
                    Ok(()) => tree.given_up = Some(wished.id),
                    Err(error) => self.stop_unanswered(work, place, &error),
                }
            }
            Some(_) => tree.adopted = Some(wished),
            None => match holders.holder_of(&wished.id) {
                None => {
                    tree.adopted = Some(wished);
                    (tree.outgrown, tree.left) = (outgrown, left);
                }
                Some(holder) if is_before(holder) => return Ok(false),
                Some(holder) => {
                    let reason = format!("{} {holder} gives {} up first", root.name, wished.id);
                    // Its holder may wait for something itself, for as long as that takes.
                    let outcome = match self.waited_ms(tree) < HOLDER_MS {
                        true => self.with_patience(tree, &reason),
                        false => Outcome::Park {
                            key: claim_of(root, &wished.id),
                            reason,
                        },
                    };
                    tree.stop(outcome);
                    self.claim_root(root, &own_id, holder, &wished.id).await?;
                    holders.waits(&wished.id, &own_id);
                }
            },
        }
        Ok(true)
    }
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
pub(super) fn wishes(work: &Work, tree: &Tree) -> Vec<Wish> {
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
