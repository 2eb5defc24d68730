//! Webhooks over HTTP into the queue: secret, JSON, rows, dedupe, lane, disk, 202.

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::bare::{self, Bare};
use super::load::{self, Answered, Body, Load};
use super::measure::Meter;
use super::people::Template;
use super::place::Place;
use super::report::Report;
use super::{Common, Failure};
use crate::service;
use crate::webhook::Receiver;

#[derive(Args, Clone)]
pub struct IngestArguments {
    #[command(flatten)]
    common: Common,
    /// Connections that send at the same time.
    #[arg(long, default_value_t = 64)]
    concurrency: usize,
    /// People that the webhooks are about; by default each is about another one.
    #[arg(long)]
    keys: Option<usize>,
    /// This part of the webhooks is about one person, whose lane that is.
    #[arg(long, default_value_t = 0.0)]
    skew: f64,
    /// Rounds; with --bare each is followed by one of a bare receiver, so that both meet the same machine.
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// A receiver that only commits what comes, in groups, beside ours.
    #[arg(long)]
    bare: bool,
}

/// Runs the rounds. False when a webhook was refused or is not on the disk.
pub async fn run(arguments: &IngestArguments) -> Result<bool, Failure> {
    let mut whole = true;
    let mut ours = Vec::new();
    let mut beside = Vec::new();
    for _ in 0..arguments.rounds.max(1) {
        if arguments.bare {
            let answered =
                bare::receive(&arguments.common, Bare::GroupCommit, arguments.concurrency).await?;
            beside.push(figures(&answered.answered));
            answered.report.print(arguments.common.json);
        }
        let (report, answered, round_whole) = round(arguments).await?;
        ours.push(figures(&answered));
        whole &= round_whole;
        report.print(arguments.common.json);
    }
    if ours.len() + beside.len() > 1 {
        summary(&ours, &beside).print(arguments.common.json);
    }
    Ok(whole)
}

/// One round on a database of its own.
async fn round(arguments: &IngestArguments) -> Result<(Report, Answered, bool), Failure> {
    let items = arguments.common.items;
    let place = Place::open(&arguments.common)?;
    let (address, serving) = serve(&place).await?;
    let meter = Meter::start();
    let answered = load::send(Load {
        address,
        connections: arguments.concurrency.max(1),
        requests: items,
        body: body(arguments),
        rate: None,
    })
    .await?;
    let used = meter.stop();
    serving.abort();
    let status = place.store.status().await?;
    let accepted = usize::try_from(status.ready)?;
    let report = Report::new("ingest")
        .with("items", items)
        .with("accepted", accepted)
        .with("refused", answered.refused)
        .with("duplicates", status.duplicates)
        .with("concurrency", arguments.concurrency)
        .with("payload_bytes", arguments.common.payload_bytes)
        .with("skew", arguments.skew)
        .with("fsyncs", place.store.commits())
        .calls(place.simulator.calls(), items)
        .used(used, items)
        .pace(items, answered.seconds, answered.latencies.clone())
        .note("p50, p99, p999: of a request; processor and memory: of the whole process, the sender included")
        .note("fsyncs: commits of the queue, each of which syncs the log once; checkpoints come on top");
    Ok((report, answered, accepted == items))
}

/// The receiver on loopback, without a worker behind it.
async fn serve(place: &Place) -> Result<(SocketAddr, JoinHandle<std::io::Result<()>>), Failure> {
    let receiver = Receiver {
        store: place.store.clone(),
        handlers: place.handlers.clone(),
        secret: place.config.webhook_secret.clone(),
        size_limit_bytes: place.config.size_limit_bytes,
        ignored: Arc::default(),
        arrivals: place.arrivals.clone(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = service::webhooks(receiver);
    Ok((
        address,
        tokio::spawn(async move { axum::serve(listener, router).await }),
    ))
}

fn body(arguments: &IngestArguments) -> Body {
    let template = Template::webhook(arguments.common.payload_bytes);
    let keys = arguments.keys.unwrap_or(arguments.common.items).max(1);
    let skew = arguments.skew;
    Arc::new(move |number, body| {
        let hot = ((number + 1) as f64 * skew).floor() > (number as f64 * skew).floor();
        let person = if hot { 0 } else { number % keys };
        template.write(person, number + 1, body);
    })
}

/// Throughput and p99 of one round.
fn figures(answered: &Answered) -> (f64, f64, f64) {
    let per_s = answered.latencies.len() as f64 / answered.seconds.max(1e-9);
    let percentiles = answered.latencies.clone().percentiles();
    (
        per_s,
        percentiles.p50_ms.unwrap_or_default(),
        percentiles.p99_ms.unwrap_or_default(),
    )
}

/// The medians of the rounds, and where ours stand beside the bare ones.
fn summary(ours: &[(f64, f64, f64)], beside: &[(f64, f64, f64)]) -> Report {
    let median_of = |rounds: &[(f64, f64, f64)], pick: fn(&(f64, f64, f64)) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(pick).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    let report = Report::new("ingest, medians")
        .with("rounds", ours.len())
        .with("throughput_per_s", median_of(ours, |round| round.0))
        .with("p50_ms", median_of(ours, |round| round.1))
        .with("p99_ms", median_of(ours, |round| round.2));
    let ratio = |one: Option<f64>, other: Option<f64>| Some(one? / other?.max(1e-9));
    let (bare_per_s, bare_p99_ms) = (
        median_of(beside, |round| round.0),
        median_of(beside, |round| round.2),
    );
    if beside.is_empty() {
        return report;
    }
    report
        .with("bare_per_s", bare_per_s)
        .with("bare_p99_ms", bare_p99_ms)
        .with(
            "of_bare_throughput",
            ratio(median_of(ours, |round| round.0), bare_per_s),
        )
        .with(
            "of_bare_p99",
            ratio(median_of(ours, |round| round.2), bare_p99_ms),
        )
}
