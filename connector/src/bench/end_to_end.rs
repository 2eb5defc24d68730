//! The whole service on loopback: a webhook arrives at a given rate, and the record is written in the simulator.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use runtime::queue::{Status, Store};
use simulator::{Actor, Simulator};
use tokio::sync::watch;

use super::load::{self, Load};
use super::measure::{Latencies, Meter};
use super::people::{self, Template};
use super::place;
use super::report::Report;
use super::{Common, Failure, Kind};
use crate::demo::stage::InProcess;
use crate::service::Service;

const LOOK_EVERY: Duration = Duration::from_millis(20);

#[derive(Args, Clone)]
pub struct EndToEndArguments {
    #[command(flatten)]
    common: Common,
    /// Webhooks a second.
    #[arg(long, default_value_t = 2_000.0)]
    rate: f64,
    /// Connections that send at the same time.
    #[arg(long, default_value_t = 64)]
    concurrency: usize,
    /// What the webhooks say.
    #[arg(long, value_enum, default_value = "linked")]
    kind: Kind,
}

/// Sends all of it and waits for the last write. False when a record is missing.
pub async fn run(arguments: &EndToEndArguments) -> Result<bool, Failure> {
    if arguments.kind == Kind::Repeats {
        return Err("repeats are never written: end-to-end takes --kind linked or new".into());
    }
    if !(arguments.rate.is_finite() && arguments.rate > 0.0) {
        return Err("--rate is a number of webhooks a second, larger than 0".into());
    }
    let items = arguments.common.items;
    let folder = place::folder(&arguments.common)?;
    let simulator = place::simulator(false)?;
    let config = place::configured(&folder);
    let service = Service::build(&config, Arc::new(InProcess(simulator.clone())), 1)?;
    let store = service.store.clone();
    if arguments.kind == Kind::Linked {
        prepare(&simulator, &store, &service.sync.handlers, arguments).await?;
    }
    let listener = crate::service::listen(&config.listen).await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(service.run(listener, stopped));
    let before = (store.commits(), simulator.calls());
    let template = Template::webhook(arguments.common.payload_bytes);
    let (meter, epoch, started_ms) = (Meter::start(), Instant::now(), now_ms());
    let answered = load::send(Load {
        address,
        connections: arguments.concurrency.max(1),
        requests: items,
        body: Arc::new(move |number, body| template.write(number, number + 1, body)),
        rate: Some(arguments.rate),
    })
    .await?;
    let status = settled(&store, items).await?;
    let used = meter.stop();
    let offset = answered.start.map_or(Duration::ZERO, |start| start - epoch);
    let written = written_ms(&simulator);
    let mut latencies = Latencies::with_capacity(items);
    let mut last_ms = started_ms;
    for (person, at_ms) in &written {
        let due = load::due(epoch + offset, *person, arguments.rate) - epoch;
        let took = Duration::from_millis((*at_ms - started_ms).max(0).unsigned_abs());
        latencies.add(took.saturating_sub(due));
        last_ms = last_ms.max(*at_ms);
    }
    let seconds = (last_ms - started_ms).max(1) as f64 / 1000.0;
    let acknowledged = answered.latencies.percentiles();
    Report::new("end-to-end")
        .with("kind", format!("{:?}", arguments.kind).to_lowercase())
        .with("items", items)
        .with("rate_per_s", arguments.rate)
        .with("refused", answered.refused)
        .with("done", status.done)
        .with("dead", status.dead)
        .with("written", written.len())
        .with("fsyncs", store.commits() - before.0)
        .calls(simulator.calls() - before.1, items)
        .used(used, items)
        .with("acknowledged_p50_ms", acknowledged.p50_ms)
        .with("acknowledged_p99_ms", acknowledged.p99_ms)
        .pace(written.len(), seconds, latencies)
        .note("p50, p99, p999: from when a webhook was due to be sent until its record was written, in whole milliseconds")
        .note("the worker lets webhooks gather while they keep coming, so that calls are full: see the first lines of runtime/src/worker.rs")
        .note("API calls hold those of the reading of changes; the simulator answers at once and keeps its log in the same process")
        .print(arguments.common.json);
    let _ = stop.send(true);
    running.await??;
    Ok(written.len() == items && status.dead == 0)
}

async fn prepare(
    simulator: &Simulator,
    store: &Store,
    handlers: &crate::routing::Handlers,
    arguments: &EndToEndArguments,
) -> Result<(), Failure> {
    let template = Template::row(arguments.common.payload_bytes);
    let links = people::known(
        simulator,
        handlers,
        &template,
        arguments.common.items,
        &people::id_of,
    )?;
    for some in links.chunks(2_000) {
        store.put_links(some.to_vec()).await?;
    }
    Ok(())
}

fn now_ms() -> i64 {
    runtime::clock::wall()()
}

async fn settled(store: &Store, items: usize) -> Result<Status, Failure> {
    loop {
        let status = store.status().await?;
        let arrived = status.done + status.dead + status.ready + status.running + status.delayed;
        if place::is_empty(&status) && arrived >= items as u64 {
            return Ok(status);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// When each person was written first by a call, by number.
fn written_ms(simulator: &Simulator) -> HashMap<usize, i64> {
    let people = people::by_contact(simulator);
    let mut written = HashMap::new();
    for write in simulator.write_log() {
        let ours = write.actor == Actor::Api && write.object == "Contact";
        if let Some(person) = people.get(&write.id).filter(|_| ours) {
            written.entry(*person).or_insert(write.at_ms);
        }
    }
    written
}
