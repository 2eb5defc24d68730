//! A backlog through the worker: claim, parse, map, difference, calls of 200 to the simulator in process, link, done.

use clap::Args;
use runtime::queue::NewItem;

use super::measure::{Meter, rss_mb};
use super::people::{self, Template};
use super::place::{Place, is_empty};
use super::report::Report;
use super::watched::Watched;
use super::{Common, Failure, Kind};

/// People of a backlog that is to show memory: the simulator keeps each of them, so they are few.
const MEMORY_KEYS: usize = 4_000;

#[derive(Args, Clone)]
pub struct DrainArguments {
    #[command(flatten)]
    common: Common,
    /// What the items say.
    #[arg(long, value_enum, default_value = "linked")]
    kind: Kind,
    /// People that the items are about; by default each item is about another one.
    #[arg(long)]
    keys: Option<usize>,
    /// This part of the items lies in one lane, as distinct records.
    #[arg(long, default_value_t = 0.0)]
    skew: f64,
    /// So many items about four thousand people, to see the memory of the queue and the worker and not the simulator's.
    #[arg(long, conflicts_with_all = ["items", "keys"])]
    memory: Option<usize>,
    /// Batches at a time, as in usher.toml.
    #[arg(long)]
    batches: Option<usize>,
    /// Items of a batch, as in usher.toml.
    #[arg(long)]
    batch: Option<usize>,
}

impl DrainArguments {
    fn items(&self) -> usize {
        self.memory.unwrap_or(self.common.items)
    }

    fn keys(&self) -> usize {
        let wanted = match self.memory {
            Some(_) => Some(MEMORY_KEYS),
            None => self.keys,
        };
        wanted.unwrap_or(self.items()).clamp(1, self.items().max(1))
    }

    /// The lane of a person: their own, or the hot one.
    fn lane(&self, person: usize) -> String {
        let before = (person as f64 * self.skew).floor();
        match ((person + 1) as f64 * self.skew).floor() > before {
            true => "hot".to_owned(),
            false => people::id_of(person),
        }
    }

    fn item(&self, template: &Template, number: usize) -> NewItem {
        let person = number % self.keys();
        let event = match self.kind {
            Kind::Repeats => 0,
            Kind::Linked | Kind::New => number + 1,
        };
        NewItem {
            mapping: Some("contact".to_owned()),
            payload_type: "identity_changed".to_owned(),
            lane: self.lane(person),
            key: people::id_of(person),
            dedupe: Some(format!("event-{number:08}#0")),
            payload: template.text(person, event),
            ..NewItem::default()
        }
    }
}

/// Makes the backlog and drains it. False when something of it is left, or failed.
pub async fn run(arguments: &DrainArguments) -> Result<bool, Failure> {
    let mut place = Place::open(&arguments.common)?;
    place.work_in(arguments.batch, arguments.batches);
    let template = Template::row(arguments.common.payload_bytes);
    if arguments.kind != Kind::New {
        let lane = |person| arguments.lane(person);
        let links = people::known(
            &place.simulator,
            &place.handlers,
            &template,
            arguments.keys(),
            &lane,
        )?;
        place.put_links(links).await?;
    }
    let empty_mb = rss_mb();
    fill(arguments, &place, &template).await?;
    drain(arguments, &place, empty_mb).await
}

/// What is to be drained; the figure of `enqueue` comes with it.
async fn fill(
    arguments: &DrainArguments,
    place: &Place,
    template: &Template,
) -> Result<(), Failure> {
    let items = arguments.items();
    let (commits, meter) = (place.store.commits(), Meter::start());
    place
        .enqueue(items, &|number| arguments.item(template, number))
        .await?;
    let used = meter.stop();
    Report::new("enqueue")
        .with("items", items)
        .with("rows_per_s", items as f64 / used.seconds)
        .with("fsyncs", place.store.commits() - commits)
        .used(used, items)
        .note("a thousand items a transaction, from one task; the time holds the making of the payloads")
        .print(arguments.common.json);
    Ok(())
}

async fn drain(
    arguments: &DrainArguments,
    place: &Place,
    empty_mb: Option<f64>,
) -> Result<bool, Failure> {
    let items = arguments.items();
    let (commits, calls, writes) = (
        place.store.commits(),
        place.simulator.calls(),
        place.simulator.writes(),
    );
    let (waiting_mb, meter) = (rss_mb(), Meter::start());
    let working = place.work();
    let status = place.settled(&working, items, is_empty).await?;
    let used = meter.stop();
    let watched = working.stop().await?;
    let seconds = (watched.last_end() - watched.start()).as_secs_f64();
    let done = usize::try_from(status.done)?;
    let report = Report::new("drain")
        .with("kind", format!("{:?}", arguments.kind).to_lowercase())
        .with("items", items)
        .with("keys", arguments.keys())
        .with("skew", arguments.skew)
        .with("done", done)
        .with("dead", status.dead)
        .with("written", place.simulator.writes() - writes)
        .with("fsyncs", place.store.commits() - commits)
        .calls(place.simulator.calls() - calls, done)
        .used(used, items)
        .with("rss_before_backlog_mb", empty_mb)
        .with("rss_backlog_waits_mb", waiting_mb);
    finish(report, &watched, (done, seconds), arguments.common.json);
    Ok(done == items && status.dead == 0)
}

fn finish(report: Report, watched: &Watched, (done, seconds): (usize, f64), json: bool) {
    let claimed = watched.claimed_to_done().percentiles();
    report
        .with("batches", watched.batches())
        .with("handed_out", watched.handed_out())
        .with("claimed_p50_ms", claimed.p50_ms)
        .with("claimed_p99_ms", claimed.p99_ms)
        .pace(done, seconds, watched.ready_to_done())
        .note("p50, p99, p999: from the start, when all are ready, until the batch that finished the item was through")
        .note("claimed_...: from the first time in the worker's hand")
        .note("fsyncs: commits of the queue, each of which syncs the log once; checkpoints come on top")
        .note("memory: of the whole process, the simulator's records and 8 bytes an item of the bench included; rss_before_backlog_mb is before the items were made")
        .print(json);
}
