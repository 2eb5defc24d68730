//! Two-way sync of one pair of records: what both sides agreed on, what each changed since, and what has to be written.
//!
//! A side's change is a difference from what was agreed, never an event: the echo of our own write is no difference and
//! stops by itself. [`LinkState`] is kept with the link; [`LinkState::observe`] takes in what a side says, and
//! [`LinkState::plan`] says what to write where, field by field. All of it is pure.

mod consent;
mod gate;
mod observe;
mod past;
mod plan;
mod read_back;
mod sent;
mod state;
mod taken_over;
mod went_under;

#[cfg(test)]
mod tests;

pub use consent::{consents, opted_out, refusals, restrictive, without_blanks};
pub use gate::{missing_required, monitored_changed};
pub use past::{Call, Reading};
pub use plan::{Clocks, Decision, Gate, Plan, Why};
pub use state::{LinkState, SideState, Unlooked};
pub use taken_over::Before;

use crate::entity::Entity;
use crate::mapping::{MappingDescriptor, Side};

/// What three records of one pair come to: what both agreed on, what the source says now, what the destination has.
pub fn merge(
    mapping: &'static MappingDescriptor,
    base: &dyn Entity,
    source: &dyn Entity,
    destination: &dyn Entity,
    clocks: &Clocks,
) -> Plan {
    let mut state = LinkState::created(mapping, base, 0);
    state.observe(Side::Source, source, 1, 1);
    state.observe(Side::Destination, destination, 1, 1);
    state.plan(clocks)
}
