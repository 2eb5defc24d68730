//! What goes wrong, on virtual time: the real queue, worker and clients, and the simulator that fails as it is told.

mod backlog;
mod beside;
mod calls;
mod classes;
mod clones;
mod closing;
mod consent;
mod doubts;
mod duplicates;
mod faults;
mod holds;
mod kept;
mod ladder;
mod merges;
pub(crate) mod museum;
mod one_bad;
mod organizations;
mod pages;
mod rehold;
mod reviews;
mod standstill;
mod table;
mod texts;
