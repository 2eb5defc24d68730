//! Items that wait for records: how fast the records' links wake them, and how soon one is applied after its record.

use std::time::Instant;

use clap::Args;
use runtime::queue::{Item, Link, NewItem, Outcome, Settlement};
use serde_json::json;

use super::measure::{Latencies, Meter};
use super::people::{self, Template};
use super::place::{Place, Working, is_empty};
use super::report::Report;
use super::watched::Watched;
use super::{Common, Failure};

/// Records whose landing is timed one by one.
const TIMED_MAX: usize = 200;
/// Claimed and parked at a time.
const BATCH: usize = 2_000;

#[derive(Args, Clone)]
pub struct WakeArguments {
    #[command(flatten)]
    common: Common,
    /// Items that wait for each record.
    #[arg(long, default_value_t = 10)]
    children: usize,
}

/// Both figures. False when an item still waits, or failed.
pub async fn run(arguments: &WakeArguments) -> Result<bool, Failure> {
    let woken = wake(arguments).await?;
    let applied = apply(arguments).await?;
    Ok(woken && applied)
}

fn parent_of(number: usize, children: usize) -> String {
    format!("organization-{:08}", number / children.max(1))
}

fn child(template: &Template, number: usize) -> NewItem {
    NewItem {
        mapping: Some("contact".to_owned()),
        payload_type: "identity_changed".to_owned(),
        lane: people::id_of(number),
        key: people::id_of(number),
        dedupe: Some(format!("event-{number:08}#0")),
        payload: template.text(number, number + 1),
        ..NewItem::default()
    }
}

/// The queue alone: parked by hand, woken by links, nothing applied.
async fn wake(arguments: &WakeArguments) -> Result<bool, Failure> {
    let items = arguments.common.items;
    let parents = items.div_ceil(arguments.children.max(1));
    let place = Place::open(&arguments.common)?;
    let template = Template::row(arguments.common.payload_bytes);
    place
        .enqueue(items, &|number| child(&template, number))
        .await?;
    let parked = park_all(arguments, &place).await?;
    let (commits, meter) = (place.store.commits(), Meter::start());
    let links = (0..parents).map(account).collect();
    let mut landed = Latencies::default();
    let before = Instant::now();
    let woken_at_once = place.put_links(links).await?;
    landed.add(before.elapsed());
    go_on(&place, items, woken_at_once).await?;
    let used = meter.stop();
    let status = place.store.status().await?;
    let woken = usize::try_from(status.ready)?;
    Report::new("wake")
        .with("items", items)
        .with("parents", parents)
        .with("parked", parked)
        .with("woken", woken)
        .with("fsyncs", place.store.commits() - commits)
        .with("wakes_per_s", woken as f64 / used.seconds.max(1e-9))
        .with("links_landed_ms", landed.percentiles().p50_ms)
        .used(used, items)
        .note("the queue alone: from the first link until nothing waits any more; 2,000 links a transaction, the rest by claims of nothing")
        .print(arguments.common.json);
    Ok(parked == items && woken == items)
}

/// A commit wakes only so many; each claim of a worker goes on with the rest. Nothing is claimed here.
async fn go_on(place: &Place, items: usize, woken: usize) -> Result<(), Failure> {
    let claim = || place.store.claim(0, place.store.now_ms());
    // Counting what is parked takes a while: first as many claims as it surely takes.
    for _ in 0..items.saturating_sub(woken) / woken.max(1) {
        claim().await?;
    }
    while place.store.status().await?.parked > 0 {
        claim().await?;
    }
    Ok(())
}

/// Claims everything and says what it waits for, as a worker does that found no record.
async fn park_all(arguments: &WakeArguments, place: &Place) -> Result<usize, Failure> {
    loop {
        let items = place.store.claim(BATCH, place.store.now_ms()).await?;
        if items.is_empty() {
            return Ok(usize::try_from(place.store.status().await?.parked)?);
        }
        let settlements = items
            .iter()
            .map(|item| parked(item, arguments.children))
            .collect();
        place.store.settle(settlements).await?;
    }
}

fn parked(item: &Item, children: usize) -> Settlement {
    let number = item
        .key
        .trim_start_matches("person-")
        .parse()
        .unwrap_or_default();
    let outcome = Outcome::Park {
        key: format!("account:{}", parent_of(number, children)),
        reason: "its organization is not in Salesforce yet".to_owned(),
    };
    Settlement::new(item.id, item.attempt, outcome)
}

fn account(parent: usize) -> Link {
    Link {
        mapping: "account".to_owned(),
        source_id: format!("organization-{parent:08}"),
        destination_id: format!("001000000{parent:09}"),
        base: "{}".to_owned(),
        lock: String::new(),
        lane: format!("organization-{parent:08}"),
    }
}

/// The whole way: people whose organization is not there are parked by the worker; then one organization after the
/// other arrives, is written, and its people follow.
async fn apply(arguments: &WakeArguments) -> Result<bool, Failure> {
    let children = arguments.children.max(1);
    let parents = arguments.common.items.div_ceil(children).min(TIMED_MAX);
    let items = (parents * children).min(arguments.common.items);
    let place = Place::open(&arguments.common)?;
    let templates: Vec<Template> = (0..parents)
        .map(|parent| {
            Template::member(
                arguments.common.payload_bytes,
                &format!("organization-{parent:08}"),
            )
        })
        .collect();
    let member = |number: usize| match templates.get(number / children) {
        Some(template) => child(template, number),
        None => NewItem::default(),
    };
    place.enqueue(items, &member).await?;
    let working = place.work();
    place
        .settled(&working, items, |status| status.parked == items as u64)
        .await?;
    let (commits, calls, meter) = (
        place.store.commits(),
        place.simulator.calls(),
        Meter::start(),
    );
    let mut families = Vec::with_capacity(parents);
    for parent in 0..parents {
        let people = parent * children + 1..=((parent + 1) * children).min(items);
        let landed = land(&place, &working, parent, people.clone().count()).await?;
        families.push((landed, people));
    }
    let used = meter.stop();
    let status = place.settled(&working, 0, is_empty).await?;
    let applied = after(&*working.stop().await?, &families)?;
    let done = usize::try_from(status.done)?;
    Report::new("wake, applied")
        .with("items", items)
        .with("parents", parents)
        .with("done", done)
        .with("dead", status.dead)
        .with("written", place.simulator.writes())
        .with("fsyncs", place.store.commits() - commits)
        .calls(place.simulator.calls() - calls, items + parents)
        .used(used, items)
        .pace(items, used.seconds, applied)
        .note("p50, p99, p999: from the end of the batch that wrote the organization to the end of the one that wrote its person; the organizations come one by one, the worker's gathering of 60 ms before each is in the throughput only")
        .print(arguments.common.json);
    Ok(done == items + parents && status.dead == 0)
}

/// An organization arrives; back when the last of its people is done. Gives the number of its item.
async fn land(
    place: &Place,
    working: &Working,
    parent: usize,
    people: usize,
) -> Result<Option<i64>, Failure> {
    let wanted = place.store.status().await?.done + 1 + people as u64;
    let enqueued = place.store.enqueue(vec![organization(parent)]).await?;
    place.arrivals.add(1);
    place
        .settled(working, 0, |status| status.done + status.dead >= wanted)
        .await?;
    Ok(enqueued.accepted.first().copied())
}

/// From the end of each organization to the ends of its people, all by the numbers of their items.
fn after(
    watched: &Watched,
    families: &[(Option<i64>, std::ops::RangeInclusive<usize>)],
) -> Result<Latencies, Failure> {
    let mut latencies = Latencies::default();
    for (landed, people) in families {
        let landed = landed.and_then(|id| watched.ended_us(id));
        for person in people.clone() {
            let done = watched.ended_us(i64::try_from(person)?);
            if let (Some(landed), Some(done)) = (landed, done) {
                latencies.add_us(done.saturating_sub(landed));
            }
        }
    }
    Ok(latencies)
}

fn organization(parent: usize) -> NewItem {
    let id = format!("organization-{parent:08}");
    let row = json!({
        "id": id, "identity_type": "organization", "name": format!("School {parent}"),
        "website": format!("https://school-{parent}.example"), "updated_at": "2026-11-24T10:00:00.000Z",
    });
    NewItem {
        mapping: Some("account".to_owned()),
        payload_type: "identity_changed".to_owned(),
        lane: id.clone(),
        key: id,
        payload: row.to_string(),
        ..NewItem::default()
    }
}
