//! `usher bench`: how fast this machine does it, with the machine's own limits beside it.
//!
//! Everything is in one process: the real receiver, queue, worker and sync, the simulator behind the HTTP seam without
//! latency, and whoever sends the load. What a figure counts and what it leaves out is said with it.

mod bare;
mod beside;
mod drain;
mod end_to_end;
mod ingest;
mod limits;
mod load;
mod measure;
pub(crate) use measure::rss_mb;
mod people;
mod place;
mod report;
mod wake;
mod watched;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Args)]
pub struct BenchArguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// Webhooks over HTTP to the receiver on loopback, each on the disk before its 202. No worker runs.
    Ingest(ingest::IngestArguments),
    /// A backlog, through the worker and into the simulator.
    Drain(drain::DrainArguments),
    /// Webhooks at a given rate, until each is written in the simulator.
    EndToEnd(end_to_end::EndToEndArguments),
    /// Webhooks at a given rate, and one lane among them that is slow, or fails: how the others fare.
    Beside(beside::BesideArguments),
    /// Items that wait for records, and the records' landing.
    Wake(wake::WakeArguments),
    /// What the disk, SQLite and HTTP do here without any of ours.
    Limits(limits::LimitsArguments),
}

/// What all benches take.
#[derive(Args, Clone)]
pub struct Common {
    /// Items in all.
    #[arg(long, default_value_t = 20_000)]
    items: usize,
    /// Bytes of a payload.
    #[arg(long, default_value_t = 1_500)]
    payload_bytes: usize,
    /// The folder of the database, which is removed at the end; by default that of temporary files.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Prints one JSON object a line; the last has throughput_per_s, p50_ms and p99_ms.
    #[arg(long)]
    json: bool,
}

/// What the items of a backlog say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// People whom both sides know, one field changed.
    Linked,
    /// People whom Salesforce does not know: looked up, created, read back.
    New,
    /// What is known already, under new event ids: nothing is to be written.
    Repeats,
}

type Failure = Box<dyn Error + Send + Sync>;

/// Runs one bench. Fails when what went in did not come out.
///
/// # Errors
/// What kept it from running.
pub async fn run(arguments: BenchArguments) -> Result<ExitCode, Box<dyn Error>> {
    crate::cli::log_to_stderr("off");
    let whole = match arguments.bench {
        Bench::Ingest(arguments) => ingest::run(&arguments).await,
        Bench::Drain(arguments) => drain::run(&arguments).await,
        Bench::EndToEnd(arguments) => end_to_end::run(&arguments).await,
        Bench::Beside(arguments) => beside::run(&arguments).await,
        Bench::Wake(arguments) => wake::run(&arguments).await,
        Bench::Limits(arguments) => limits::run(&arguments).await,
    }
    .map_err(|error| -> Box<dyn Error> { error })?;
    Ok(if whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
