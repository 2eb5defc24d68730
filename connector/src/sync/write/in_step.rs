//! Entries of the error log that a pair in step settles.

use runtime::mapping::Side;

use crate::sync::pair::Pair;

/// Directions in which nothing of a pair remains to be written.
pub(super) struct InStep {
    pub(super) forward: bool,
    pub(super) back: bool,
}

/// Entries of the error log that a pair without open writes settles.
pub(super) fn put_right(pair: &Pair, in_step: &InStep) -> Vec<i64> {
    let mut right = Vec::new();
    if in_step.forward {
        let known_ms = pair.state.side(Side::Source).version_ms;
        right.extend(pair.unit.forward_put_right(known_ms));
    }
    // Only values that this batch read from Salesforce count.
    if in_step.back && in_step.forward && pair.destination.read {
        right.extend(pair.unit.back_put_right());
    }
    right
}
