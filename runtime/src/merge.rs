//! Two-way sync of one pair of records: what both sides agreed on, what each changed since, and what has to be written.
//!
//! A side's change is a difference from what was agreed, never an event: the echo of our own write is no difference and
//! stops by itself. [`LinkState`] is kept with the link; [`LinkState::observe`] takes in what a side says, and
//! [`LinkState::plan`] says what to write where, field by field. All of it is pure.

mod observe;
mod plan;
mod state;

#[cfg(test)]
mod tests;

pub use plan::{Clocks, Decision, Gate, Plan, Why};
pub use state::{LinkState, SideState};
