//! The whole, from outside: the programs as they are run, against the simulator.

// All of it is test code, helpers included, which clippy.toml's allowance for tests does not see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod assumptions;
mod bench;
mod build_steps;
mod calls;
mod command_line;
mod crash;
mod differential;
mod disk;
mod editor;
mod features;
mod foreign;
mod forward;
mod graph;
mod record;
mod review;
mod scenarios;
mod settings;
mod simulation;
mod tidiness;
mod way_back;
mod webhooks;
mod world;

/// What the compiler's own tests draw.
#[path = "../codegen/tests"]
mod drawn {
    pub mod random;
}
