//! `usher` keeps Ticketure and Salesforce in step: webhooks in, workers, and the command line around them.

#[cfg(feature = "demo")]
mod bench;
mod capture;
mod cli;
mod config;
#[cfg(feature = "demo")]
mod demo;
mod explain;
mod handlers;
mod operator;
mod pipe;
#[cfg(feature = "demo")]
mod purchases;
mod push;
#[cfg(feature = "demo")]
mod record;
mod review;
mod routing;
#[cfg(feature = "demo")]
mod scenarios;
mod service;
mod settings;
mod show;
#[cfg(feature = "demo")]
mod sim;
mod sync;
mod terminal;
mod to_salesforce;
mod to_ticketure;
mod trees;
mod webhook;

use std::process::ExitCode;

/// Batches give back on one thread what they took on another, in pieces of every size: with the system's allocator that
/// is a fifth of the worker's time.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    pipe::ends_quietly();
    cli::run()
}
