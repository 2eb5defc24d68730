//! What no other batch does meanwhile. Nobody waits for a claim: the tree is put off for a moment.

use runtime::salesforce::normalise;

use super::Work;
use super::adopt::MEETS_MS;
use crate::sync::TwoWaySync;

/// Returns the key of the claim on the records of an object that stand under one parent.
pub(crate) fn children(object: &str, parent: &str) -> String {
    format!("{object} of {}", normalise(parent))
}

impl TwoWaySync {
    /// Another batch may be making the same records of the same parent, because of another tree: that one goes first.
    pub(super) fn claim_roles(&self, work: &mut Work, place: usize, object: &str) {
        let tree = work.trees.get(place);
        let parent = tree.and_then(|tree| tree.root_id.as_deref());
        if let Some(key) = parent.map(|parent| children(object, parent)) {
            let reason = "another batch is making such records of the same parent";
            self.claim(work, place, key, reason);
        }
    }

    /// Another batch may be at a tree: items about it come in more lanes than one.
    pub(super) fn claim_trees(&self, work: &mut Work) {
        for place in 0..work.trees.len() {
            let Some(tree) = work.trees.get(place) else {
                continue;
            };
            let key = format!("tree {} {}", work.root.name, tree.id);
            self.claim(work, place, key, "another batch is at it");
            if let Some(tree) = work.trees.get_mut(place) {
                tree.elsewhere = !tree.goes_on();
            }
        }
    }

    /// What no other batch does meanwhile; where one is at it, the tree goes after it.
    pub(crate) fn claim(&self, work: &mut Work, place: usize, key: String, reason: &str) {
        let mut meeting = work.meeting.take().unwrap_or_else(|| self.meeting());
        if !meeting.claim(vec![key])
            && let Some(tree) = work.trees.get_mut(place)
        {
            tree.stop(self.again(MEETS_MS, reason));
        }
        work.meeting = Some(meeting);
    }
}
