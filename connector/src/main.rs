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
mod routing;
mod service;
mod show;
#[cfg(feature = "demo")]
mod sim;
mod sync;
mod to_salesforce;
mod to_ticketure;
mod webhook;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
