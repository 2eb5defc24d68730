//! The machine's own figures: what the disk syncs, what SQLite commits, what HTTP answers, with none of ours.

use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use clap::Args;

use super::bare::{self, Bare, Table};
use super::measure::{Latencies, Meter};
use super::people::Template;
use super::place;
use super::report::Report;
use super::{Common, Failure};

/// Rows to a commit.
const GROUPS: [usize; 4] = [64, 256, 1_024, 2_000];
/// What is written before each sync.
const BLOCK: [u8; 4_096] = [7; 4_096];
const SYNC_FOR: Duration = Duration::from_secs(1);

#[derive(Args, Clone)]
pub struct LimitsArguments {
    #[command(flatten)]
    common: Common,
    /// Connections that send at the same time.
    #[arg(long, default_value_t = 64)]
    concurrency: usize,
}

/// All of them, one after the other; the last is the receiver that ours is compared with.
pub async fn run(arguments: &LimitsArguments) -> Result<bool, Failure> {
    let common = arguments.common.clone();
    let json = common.json;
    let disk = tokio::task::spawn_blocking(move || -> Result<(), Failure> {
        sync_rate(&common)?.print(json);
        for group in GROUPS {
            group_commit(&common, group)?.print(json);
        }
        Ok(())
    });
    disk.await??;
    let mut whole = true;
    for kind in [Bare::Nothing, Bare::GroupCommit] {
        let received = bare::receive(&arguments.common, kind, arguments.concurrency).await?;
        whole &= received.answered.refused == 0;
        received.report.print(json);
    }
    Ok(whole)
}

/// 4 KB appended and synced, again and again, for a second.
fn sync_rate(common: &Common) -> Result<Report, Failure> {
    let folder = place::folder(common)?;
    let mut file = File::create(folder.path().join("synced"))?;
    let mut latencies = Latencies::default();
    let start = Instant::now();
    while start.elapsed() < SYNC_FOR {
        file.write_all(&BLOCK)?;
        let before = Instant::now();
        file.sync_all()?;
        latencies.add(before.elapsed());
    }
    let (count, seconds) = (latencies.len(), start.elapsed().as_secs_f64());
    Ok(Report::new("fsync after 4 KB appended")
        .with("fsyncs", count)
        .pace(count, seconds, latencies))
}

/// Rows into a bare table, so many to a commit.
fn group_commit(common: &Common, group: usize) -> Result<Report, Failure> {
    let folder = place::folder(common)?;
    let mut table = Table::open(&folder.path().join("bare.db"))?;
    let row = Template::row(common.payload_bytes).text(1, 1);
    let mut latencies = Latencies::default();
    let (mut rows, meter) = (0, Meter::start());
    while rows < common.items {
        let before = Instant::now();
        table.insert(std::iter::repeat_n(row.as_bytes(), group))?;
        latencies.add(before.elapsed());
        rows += group;
    }
    let used = meter.stop();
    Ok(Report::new("bare SQLite, group commit, FULL")
        .with("group", group)
        .with("items", rows)
        .with("fsyncs", latencies.len())
        .used(used, rows)
        .pace(rows, used.seconds, latencies)
        .note("p50, p99, p999: of a commit; throughput: rows"))
}
