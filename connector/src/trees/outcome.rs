//! What went wrong with a record of a tree to what happens to the tree's items.

use runtime::entity::Kind;
use runtime::lock_groups;
use runtime::mapping::MappingDescriptor;
use runtime::queue::Outcome;
use runtime::retry::{self, Verdict};
use runtime::salesforce::{CallError, SalesforceError};

use super::{Tree, Work};
use crate::handlers::npsp;
use crate::sync::TwoWaySync;
use crate::sync::calls::{Refusal, Sent};
use crate::sync::outcome::{Failure, dead};

/// What is known of a tree was wrong: it is asked for, and goes on.
const TREE_AGAIN_MS: i64 = 200;
/// Help for a record of a tree that a duplicate rule refuses.
const DUPLICATE: &str = "A duplicate rule or a unique field of the org refused it: change the rule for usher's user, or the record that it names; then retry the item.";
/// How long it is waited each time whether a record that was deleted has been merged: together longer than a merge needs
/// to show.
const MERGED_MS: [i64; 5] = [1_000, 5_000, 20_000, 60_000, 120_000];

impl TwoWaySync {
    /// Notes why a record of the tree did not land.
    pub(super) fn fail(
        &self,
        tree: &mut Tree,
        root: &MappingDescriptor,
        (mapping, key): (&'static MappingDescriptor, &str),
        sent: &Sent,
    ) {
        tree.open |= !sent.is_undone();
        if let Sent::Unanswered { error, alone: true } = sent
            && let Some(held) = self.held_for_content(mapping, (root.name, &tree.id), error)
        {
            return tree.refuse(root, mapping, key, held);
        }
        let mut asking = vec![mapping];
        let root_mapping = self.mapping(root.name);
        asking.extend(root_mapping.into_iter().flat_map(|root| self.members(root)));
        let outcome = match self.unless_refused(&asking, tree.attempts(), sent) {
            Ok(None) => return,
            Ok(Some(outcome)) => outcome,
            Err(refusal) => {
                self.contend(refusal);
                self.refused_record(tree, root, mapping, &refusal.errors, refusal.others_landed)
            }
        };
        tree.refuse(root, mapping, key, outcome);
    }

    /// The same of the tree at this place, over a record of a mapping that is none of its own.
    pub(crate) fn stop_for(&self, work: &mut Work, place: usize, mapping: &str, sent: &Sent) {
        let root = work.root;
        let mapping = self.mapping(mapping).unwrap_or(root);
        if let Some(tree) = work.trees.get_mut(place) {
            self.fail(tree, root, (mapping, ""), sent);
        }
    }

    /// What the tree at this place needs to know was not to be found out.
    pub(crate) fn stop_unanswered(&self, work: &mut Work, place: usize, error: &CallError) {
        let asking = work.asking();
        if let Some(tree) = work.trees.get_mut(place) {
            tree.stop(self.unanswered_by(&asking, tree.attempts(), error));
        }
    }

    fn contend(&self, refusal: &Refusal) {
        let error = refusal.errors.first();
        if let Some(error) = error.filter(|error| error.verdict() == Verdict::Lock) {
            let named = lock_groups::named_in(&error.message);
            let locks = refusal.locks.iter().cloned().chain(named);
            let now_ms = self.now_ms();
            self.lock_groups().contend(locks, now_ms);
        }
    }

    /// The outcome that the table gives to an error of the org's. `others_landed`: the mapping's other records of the call did.
    pub(super) fn refused_record(
        &self,
        tree: &mut Tree,
        root: &MappingDescriptor,
        mapping: &'static MappingDescriptor,
        errors: &[SalesforceError],
        others_landed: bool,
    ) -> Outcome {
        let unnamed = SalesforceError::default();
        let error = errors.first().unwrap_or(&unnamed);
        if !others_landed
            && self.holds_mapping(mapping, &tree.id, error)
            && let Some(held) = self.held_now(mapping, &tree.id, error, Some(&tree.id))
        {
            return held;
        }
        if !others_landed && let Some(later) = self.doubted_org(root.name, &tree.id, error) {
            return later;
        }
        let each = errors
            .iter()
            .map(|error| format!("{}: {}", error.code, error.message));
        let message = each.collect::<Vec<_>>().join("; ");
        if error.verdict() == Verdict::Stale && self.names_another(tree, mapping, error) {
            return self.refers_to_nothing(tree, mapping, error, message);
        }
        // It is there already, or no longer: what is known of the tree is asked for anew.
        if error.code == retry::DUPLICATE_VALUE || error.verdict() == Verdict::Stale {
            tree.open = true;
            self.forget_lookups();
            if tree.attempts() + 1 < retry::tries(error.verdict(), &error.code) {
                return Outcome::Retry {
                    due_ms: self.now_ms() + TREE_AGAIN_MS,
                    error: message,
                    charge: true,
                };
            }
        }
        let failure = Failure {
            code: &error.code,
            verdict: match error.verdict() {
                // Others went through: it is the record's own.
                Verdict::Mapping | Verdict::Full => Verdict::Permanent,
                verdict => verdict,
            },
            place: error.fields.iter().find_map(|field| mapping.place(field)),
            message,
        };
        let record = (root.name, tree.id.as_str());
        if !others_landed
            && let Some(held) = self.held_in_a_row(mapping, record, &failure, error.fields.first())
        {
            return held;
        }
        // Trees have no reviews, so a duplicate is an error with help of its own.
        let is_duplicate = failure.verdict == Verdict::Duplicate;
        let help = npsp::help(&failure.message).or(is_duplicate.then_some(DUPLICATE));
        let failed = self.failed_after(tree.attempts(), failure);
        let mut outcome = self.later_each_time(&tree.items, failed);
        if let (Outcome::Dead { error }, Some(help)) = (&mut outcome, help) {
            help.clone_into(&mut error.help);
        }
        outcome
    }

    /// A record that is none of the tree's own was deleted. It may have been merged into another, which shows a while
    /// later; else somebody has to say what is to become of it.
    fn refers_to_nothing(
        &self,
        tree: &Tree,
        mapping: &MappingDescriptor,
        error: &SalesforceError,
        message: String,
    ) -> Outcome {
        let wait = usize::try_from(tree.attempts()).ok();
        match wait.and_then(|tries| MERGED_MS.get(tries)) {
            Some(wait) => Outcome::Retry {
                due_ms: self.now_ms() + wait,
                error: message,
                charge: true,
            },
            None => dead(
                &error.code,
                message.replace(&format!("{}: ", error.code), ""),
                error.fields.iter().find_map(|field| mapping.place(field)),
                "A record that it refers to was deleted in Salesforce: take it out of the recycle bin there, or correct the reference in Ticketure; then retry the item.",
            ),
        }
    }

    /// Is the record that is no more one that the tree only refers to? Where Salesforce does not say which it is, it is
    /// none of a tree of which nothing is there yet.
    fn names_another(
        &self,
        tree: &Tree,
        mapping: &MappingDescriptor,
        error: &SalesforceError,
    ) -> bool {
        let root = mapping.tree.map(|tree| tree.root);
        let of_another = |name: &String| {
            let index = mapping.record.field(name);
            let field = index.and_then(|index| mapping.record.fields.get(index));
            match field.map(|field| field.kind) {
                Some(Kind::Reference { mapping }) => {
                    let other = self.mapping(mapping);
                    other.and_then(|other| other.tree).map(|tree| tree.root) != root
                }
                _ => false,
            }
        };
        match error.fields.is_empty() {
            true => tree.root_id.is_none(),
            false => error.fields.iter().any(of_another),
        }
    }
}
