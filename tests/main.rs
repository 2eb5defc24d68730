//! The whole, from outside: the programs as they are run, against the simulator.

mod build_steps;
mod command_line;
mod crash;
mod foreign;
mod forward;
mod tidiness;
mod webhooks;
mod world;
