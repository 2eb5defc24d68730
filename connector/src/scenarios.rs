//! `usher scenarios`: readable files of what is given, what happens and what must then be so, each played in many orders
//! of delivery, with repeats and kills. Every order must end the same, and as the file says.

mod catalogue;
mod consent;
mod expect;
mod file;
mod play;
mod report;
mod state;
mod tree;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Args;

use catalogue::Catalogue;
use file::Scenario;
use play::Order;
use report::{Played, Verdict};

/// Where the shipped ones are.
const FOLDER: &str = "tests/scenarios";

#[derive(Args, Clone)]
pub struct ScenarioArguments {
    /// Files, or folders of them; tests/scenarios without.
    paths: Vec<PathBuf>,
    /// In so many orders each, beside that of the file.
    #[arg(long, default_value_t = 20)]
    orders: u64,
    /// The first order; each other is the next.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only in an org with NPSP, or only in one without.
    #[arg(long)]
    npsp: Option<bool>,
    /// All together may take so many seconds; at least the order of the file is played of each.
    #[arg(long)]
    seconds: Option<u64>,
    /// Prints what happened in each order, and how it ended.
    #[arg(long)]
    show: bool,
}

/// Plays all of them; fails when one ends otherwise.
pub fn run(arguments: &ScenarioArguments) -> Result<ExitCode, Box<dyn Error>> {
    let catalogue = Catalogue::load(&crate::cli::snapshots().join(".."))?;
    let (scenarios, mistaken) = read_all(&arguments.paths, &catalogue)?;
    let jobs: Vec<(&Scenario, bool)> = scenarios
        .iter()
        .flat_map(|scenario| scenario.npsp.iter().map(move |npsp| (scenario, *npsp)))
        .filter(|(_, npsp)| arguments.npsp.is_none_or(|only| only == *npsp))
        .collect();
    let until = arguments
        .seconds
        .map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let failed = on_all_cores(&jobs, |(scenario, npsp), left| {
        // Each gets its part of the time that is left.
        let until = until.map(|until| {
            let left = u32::try_from(left).unwrap_or(u32::MAX).max(1);
            let rest = until.saturating_duration_since(Instant::now());
            Instant::now() + rest * cores() / left
        });
        let verdict = play_orders(arguments, &catalogue, scenario, *npsp, until);
        report::print(scenario, *npsp, &verdict, arguments.show)
    });
    let all = report::summary(jobs.len(), failed, mistaken);
    println!("{all}");
    Ok(match failed + mistaken {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// The scenarios that could be read; the mistakes of the others are told.
fn read_all(
    paths: &[PathBuf],
    catalogue: &Catalogue,
) -> Result<(Vec<Scenario>, usize), Box<dyn Error>> {
    let (mut scenarios, mut mistaken) = (Vec::new(), 0);
    for path in files(paths)? {
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        match file::read(&path, &text, catalogue) {
            Ok(scenario) => scenarios.push(scenario),
            Err(mistakes) => {
                mistaken += 1;
                for mistake in mistakes {
                    println!("{}:{}: {}", path.display(), mistake.line, mistake.message);
                }
            }
        }
    }
    Ok((scenarios, mistaken))
}

fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let folder = [PathBuf::from(FOLDER)];
    let paths = if paths.is_empty() { &folder } else { paths };
    let mut found = Vec::new();
    for path in paths {
        match path.is_dir() {
            true => in_folder(path, &mut found)?,
            false => found.push(path.clone()),
        }
    }
    if found.is_empty() {
        return Err(
            "there is no scenario; tests/scenarios/README.md shows how to write one".into(),
        );
    }
    Ok(found)
}

fn in_folder(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        all.push(entry?.path());
    }
    all.sort();
    for path in all {
        if path.is_dir() {
            in_folder(&path, found)?;
        } else if path.extension().is_some_and(|end| end == "yaml") {
            found.push(path);
        }
    }
    Ok(())
}

fn cores() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u32::try_from(cores).unwrap_or(1)
}

/// Every job, as many at a time as there are cores, each told how many are left; says how many failed.
fn on_all_cores<J: Sync>(jobs: &[J], passes: impl Fn(&J, usize) -> bool + Sync) -> usize {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(0));
    std::thread::scope(|scope| {
        for _ in 0..cores() {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(place) else { break };
                    if !passes(job, jobs.len() - place)
                        && let Ok(mut failed) = failed.lock()
                    {
                        *failed += 1;
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap_or(jobs.len())
}

/// The order of the file, and then the others, until one ends otherwise.
fn play_orders(
    arguments: &ScenarioArguments,
    catalogue: &Catalogue,
    scenario: &Scenario,
    npsp: bool,
    until: Option<Instant>,
) -> Verdict {
    let start = Instant::now();
    let mut verdict = Verdict::default();
    let seeds = arguments.seed..arguments.seed + arguments.orders;
    for seed in std::iter::once(0).chain(seeds) {
        if seed != 0 && until.is_some_and(|until| Instant::now() >= until) {
            break;
        }
        let show = arguments.show;
        let order = Order { seed, npsp, show };
        match play_one(catalogue, scenario, order) {
            Ok(played) => verdict.orders.push(played),
            Err(error) => verdict.failed = Some(error.to_string()),
        }
        if !verdict.is_right() {
            break;
        }
    }
    verdict.took = start.elapsed();
    verdict
}

fn play_one(
    catalogue: &Catalogue,
    scenario: &Scenario,
    order: Order,
) -> Result<Played, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    let mut ended = runtime.block_on(play::play(scenario, catalogue, order))?;
    let special = match order.npsp {
        true => &scenario.with_npsp,
        false => &scenario.without_npsp,
    };
    let mut faults = std::mem::take(&mut ended.faults);
    faults.extend(expect::check(&ended.state, &[&scenario.then, special]));
    Ok(Played {
        seed: order.seed,
        state: ended.state.text(),
        faults,
        story: ended.story,
    })
}
