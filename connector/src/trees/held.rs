//! Trees of held mappings: they wait before anything is asked for them.

use std::collections::{BTreeMap, BTreeSet};

use runtime::mapping::MappingDescriptor;
use runtime::queue::{Item, StoreError};
use runtime::salesforce::SalesforceError;

use super::{Tree, Work};
use crate::sync::TwoWaySync;
use crate::sync::batch;
use crate::sync::held_calls::NO_ACCESS;
use crate::sync::holds::{Admission, CREATES};

impl TwoWaySync {
    /// The items of trees whose root's mapping is not held; the others come back when it may be tried.
    pub(super) async fn without_held_trees(
        &self,
        root: &'static MappingDescriptor,
        items: Vec<Item>,
    ) -> Result<Vec<Item>, StoreError> {
        let admission = {
            let keys = items.iter().map(|item| item.key.as_str());
            self.holds().admit(root.name, keys, self.now_ms())
        };
        if admission == Admission::All {
            return Ok(items);
        }
        let goes = |item: &Item| admission.lets(&item.key);
        let (going, later): (Vec<Item>, Vec<Item>) = items.into_iter().partition(goes);
        let settlements = later.iter().filter_map(|item| {
            let outcome = self.held_mapping(root.name, &item.key)?;
            Some(batch::settlement(item, outcome))
        });
        let settlements: Vec<_> = settlements.collect();
        let held: BTreeSet<i64> = settlements.iter().map(|one| one.id).collect();
        self.store.settle(settlements).await?;
        // The hold may have ended meanwhile.
        let freed = later.into_iter().filter(|item| !held.contains(&item.id));
        Ok(going.into_iter().chain(freed).collect())
    }

    /// Stops the trees that want a record of a held mapping. A try goes to a tree that nothing else stops.
    pub(super) fn stop_held(&self, work: &mut Work) {
        if self.holds().is_empty() {
            return;
        }
        let wanting = wanting(work);
        for (name, places) in &wanting {
            if self.holds().look(name, self.now_ms()) == Admission::None {
                self.stop_but(work, name, places, &Admission::None);
            }
        }
        let mut trying = BTreeSet::new();
        for (name, places) in &wanting {
            // A create takes its turn when it is sent.
            if *name != CREATES {
                self.stop_but_a_try(work, name, places, &mut trying);
            }
        }
    }

    /// Stops the trees that may not go. A tree that tries for another mapping goes first.
    fn stop_but_a_try(
        &self,
        work: &mut Work,
        name: &'static str,
        places: &BTreeSet<usize>,
        trying: &mut BTreeSet<usize>,
    ) {
        let goes = |place: &usize| work.trees.get(*place).is_some_and(Tree::goes_on);
        let going: BTreeSet<usize> = places.iter().copied().filter(goes).collect();
        let tries: BTreeSet<usize> = going.intersection(trying).copied().collect();
        let first = if tries.is_empty() { &going } else { &tries };
        let ids = first.iter().filter_map(|place| work.trees.get(*place));
        let admission = {
            let keys = ids.map(|tree| tree.id.as_str());
            self.holds().admit(name, keys, self.now_ms())
        };
        self.stop_but(work, name, &going, &admission);
        if let Admission::One(id) = &admission {
            let is_it = |place: &usize| work.trees.get(*place).is_some_and(|tree| tree.id == *id);
            trying.extend(going.into_iter().filter(is_it));
        }
    }

    fn stop_but(
        &self,
        work: &mut Work,
        name: &'static str,
        places: &BTreeSet<usize>,
        admission: &Admission,
    ) {
        for place in places {
            if let Some(tree) = work.trees.get_mut(*place)
                && tree.goes_on()
                && !admission.lets(&tree.id)
                && let Some(held) = self.held_mapping(name, &tree.id)
            {
                tree.stop(held);
            }
        }
    }

    /// Notes the trees that nothing refused. Where one of them was the try of a held mapping, the hold ends.
    pub(super) fn note_unrefused(&self, work: &Work) {
        let mut holds = self.holds();
        for tree in work.trees.iter().filter(|tree| is_unrefused(tree)) {
            holds.record_landed(work.root.name, &tree.id);
            let wanted = tree.wanted.iter().map(|wanted| wanted.mapping.name);
            for name in wanted.chain([work.root.name]) {
                if holds.is_probe(name, &tree.id) {
                    holds.tried(name);
                }
            }
        }
    }

    /// Returns whether the error holds the record's whole mapping, or does already.
    pub(super) fn holds_mapping(
        &self,
        mapping: &'static MappingDescriptor,
        tree: &str,
        error: &SalesforceError,
    ) -> bool {
        let is_closed = error.code == NO_ACCESS && self.is_held_back(mapping.name);
        is_closed || self.is_of_all(mapping, tree, error, false)
    }
}

/// The places of the trees that want a record of each mapping but the root's, or a new root.
fn wanting(work: &Work) -> BTreeMap<&'static str, BTreeSet<usize>> {
    let mut wanting: BTreeMap<&'static str, BTreeSet<usize>> = BTreeMap::new();
    let trees = work.trees.iter().enumerate();
    for (place, tree) in trees.filter(|(_, tree)| tree.goes_on()) {
        let names = tree.wanted.iter().map(|wanted| wanted.mapping.name);
        let is_new = tree.root_id.is_none() && !tree.doubt;
        let names = names.filter(|name| *name != work.root.name);
        for name in names.chain(is_new.then_some(CREATES)) {
            wanting.entry(name).or_default().insert(place);
        }
    }
    wanting
}

fn is_unrefused(tree: &Tree) -> bool {
    tree.goes_on() && !tree.failed && !tree.open && tree.faults.is_empty()
}
