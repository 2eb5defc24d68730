//! What went wrong with a record of a tree to what happens to the tree's items.

use runtime::lock_groups;
use runtime::mapping::MappingDescriptor;
use runtime::queue::Outcome;
use runtime::retry::{self, Verdict};
use runtime::salesforce::{CallError, SalesforceError};

use super::{Tree, Work};
use crate::handlers::npsp;
use crate::sync::TwoWaySync;
use crate::sync::calls::{Refusal, Sent};
use crate::sync::outcome::Failure;

/// What is known of a tree was wrong: it is asked for, and goes on.
const TREE_AGAIN_MS: i64 = 200;

impl TwoWaySync {
    /// Notes why a record of the tree did not land.
    pub(super) fn fail(&self, tree: &mut Tree, mapping: &MappingDescriptor, sent: &Sent) {
        tree.open |= !sent.is_undone();
        let outcome = match sent {
            Sent::Landed(_) => return,
            Sent::Later(outcome) => outcome.clone(),
            Sent::Unanswered { error, alone } if error.is_too_much() && !alone => {
                self.again(0, &error.to_string())
            }
            Sent::Unanswered { error, .. } => self.unanswered(tree.attempts(), error),
            Sent::Refused(refusal) => {
                if refusal.alone || !is_too_much(refusal) {
                    self.contend(refusal);
                    self.refused_record(tree, mapping, &refusal.errors)
                } else {
                    self.again(0, "fewer records go together next time")
                }
            }
        };
        tree.stop_or_go_on(outcome, is_root(mapping));
    }

    /// The same of the tree at this place, over a record of a mapping that is none of its own.
    pub(crate) fn stop_for(&self, work: &mut Work, place: usize, mapping: &str, sent: &Sent) {
        let mapping = self.mapping(mapping).unwrap_or(work.root);
        if let Some(tree) = work.trees.get_mut(place) {
            self.fail(tree, mapping, sent);
        }
    }

    /// What the tree at this place needs to know was not to be found out.
    pub(crate) fn stop_unanswered(&self, work: &mut Work, place: usize, error: &CallError) {
        if let Some(tree) = work.trees.get_mut(place) {
            tree.stop(self.unanswered(tree.attempts(), error));
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

    /// What the table says of an error of the org's.
    pub(super) fn refused_record(
        &self,
        tree: &mut Tree,
        mapping: &MappingDescriptor,
        errors: &[SalesforceError],
    ) -> Outcome {
        let unnamed = SalesforceError::default();
        let error = errors.first().unwrap_or(&unnamed);
        let each = errors
            .iter()
            .map(|error| format!("{}: {}", error.code, error.message));
        let message = format!("{}: {}", mapping.name, each.collect::<Vec<_>>().join("; "));
        // It is there already, or no longer: what is known of the tree is asked for anew.
        if error.code == "DUPLICATE_VALUE" || error.verdict() == Verdict::Stale {
            tree.open = true;
            self.forget_lookups();
            if tree.attempts() + 1 < retry::ATTEMPTS_MAX {
                return Outcome::Retry {
                    due_ms: self.now_ms() + TREE_AGAIN_MS,
                    error: message,
                    charge: true,
                };
            }
        }
        let failure = Failure {
            code: &error.code,
            verdict: error.verdict(),
            place: error.fields.iter().find_map(|field| mapping.place(field)),
            message,
        };
        let help = npsp::help(&failure.message);
        let mut outcome = self.failed_after(tree.attempts(), failure);
        if let (Outcome::Dead { error }, Some(help)) = (&mut outcome, help) {
            help.clone_into(&mut error.help);
        }
        outcome
    }

    /// A call gave no result.
    pub(super) fn unanswered(&self, attempts: u32, error: &CallError) -> Outcome {
        if error.is_everybodys() {
            return self
                .held()
                .unwrap_or_else(|| self.again(TREE_AGAIN_MS, &error.to_string()));
        }
        self.failed_after(attempts, Failure::of(error.code(), error.to_string()))
    }
}

/// Does the mapping write the record at the root of its tree?
pub(super) fn is_root(mapping: &MappingDescriptor) -> bool {
    mapping
        .tree
        .is_some_and(|tree| mapping.name == tree.root || tree.record_of == Some(tree.root))
}

fn is_too_much(refusal: &Refusal) -> bool {
    refusal
        .errors
        .first()
        .is_some_and(SalesforceError::is_too_much)
}
