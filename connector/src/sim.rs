//! `usher sim`: the whole runtime in one process on virtual time, through the HTTP seam and the store's pure step.
//!
//! A history of edits on both sides is played under delays, losses, repeats, faults, clocks that are wrong and crashes;
//! then `judge` says, from the two systems' own write logs, whether both sides ended up the same and nothing was lost.

pub mod history;
pub(crate) mod judge;
mod network;
mod process;
mod watch;
pub mod world;

#[cfg(test)]
pub(crate) mod tests;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use serde_json::json;

use crate::sync::Broken;
use history::History;

#[derive(Args, Clone)]
pub struct SimArguments {
    /// One history, or the first of many with --until-seconds or --seeds.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// So many seeds, one after the other.
    #[arg(long)]
    seeds: Option<u64>,
    /// One seed after the other, for so long.
    #[arg(long)]
    until_seconds: Option<u64>,
    /// A history from a file instead; docs/simulation.md has its format.
    #[arg(long, conflicts_with_all = ["seeds", "until_seconds"])]
    history: Option<PathBuf>,
    /// Breaks one promise on purpose: the judge has to notice.
    #[arg(long, value_enum)]
    broken: Option<Broken>,
    /// Prints one JSON object a line: each verdict, and with --history both sides as they ended.
    #[arg(long)]
    json: bool,
    /// Prints the history of --seed in the format of --history, and does nothing else.
    #[arg(long)]
    show: bool,
}

/// Plays one history or many; fails at the first that ends wrong.
pub fn run(arguments: &SimArguments) -> Result<ExitCode, Box<dyn Error>> {
    if arguments.show {
        println!(
            "{}",
            serde_json::to_string_pretty(&history::random(arguments.seed))?
        );
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(path) = &arguments.history {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let history: History = serde_json::from_str(&text).map_err(|error| {
            format!(
                "{}: {error}; docs/simulation.md has the format",
                path.display()
            )
        })?;
        return play(arguments, &history, &path.display().to_string());
    }
    let start = Instant::now();
    let mut seed = arguments.seed;
    loop {
        let ended = play(arguments, &history::random(seed), &format!("seed {seed}"))?;
        if ended != ExitCode::SUCCESS {
            let broken = arguments
                .broken
                .map(|broken| format!(" --broken {broken}"))
                .unwrap_or_default();
            eprintln!("to play it again: usher sim --seed {seed}{broken}");
            return Ok(ended);
        }
        seed += 1;
        let played = seed - arguments.seed;
        let enough = match (arguments.seeds, arguments.until_seconds) {
            (Some(seeds), _) => played >= seeds,
            (None, Some(seconds)) => start.elapsed().as_secs() >= seconds,
            (None, None) => true,
        };
        if enough {
            if arguments.json {
                println!(
                    "{}",
                    json!({ "event": "summary", "ok": true, "seeds": played, "first": arguments.seed, "seconds": start.elapsed().as_secs() })
                );
            } else {
                println!(
                    "{played} histories from seed {}: both sides the same, nothing lost, {} s",
                    arguments.seed,
                    start.elapsed().as_secs()
                );
            }
            return Ok(ExitCode::SUCCESS);
        }
    }
}

fn play(
    arguments: &SimArguments,
    history: &History,
    name: &str,
) -> Result<ExitCode, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    let ended = runtime.block_on(world::play(history, arguments.broken))?;
    let faults = judge::judge(&ended);
    if arguments.json {
        let mut line =
            json!({ "event": "history", "name": name, "ok": faults.is_empty(), "faults": faults });
        if arguments.history.is_some() {
            line["contacts"] = json!(ended.simulator.records("Contact"));
            line["accounts"] = json!(ended.simulator.records("Account"));
            line["identities"] = json!(ended.simulator.identities());
            line["conflicts"] = json!(ended.conflicts);
            line["salesforce_log"] = json!(ended.simulator.write_log());
            line["ticketure_log"] = json!(ended.simulator.tenant_log());
        }
        println!("{line}");
    } else {
        for fault in &faults {
            println!("{name}: {fault}");
        }
        if faults.is_empty() && arguments.history.is_some() {
            println!("{name}: both sides the same, nothing lost");
        }
    }
    Ok(if faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
