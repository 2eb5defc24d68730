//! A lane that is slow, or fails, beside others: webhooks at a given rate until the records of the others are written,
//! in turns without and with the trouble.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use runtime::queue::Store;
use serde_json::{Value, json};
use simulator::{Actor, Fault, FaultKind, Simulator};
use tokio::sync::watch;

use super::load::{self, Load};
use super::measure::{Latencies, Percentiles};
use super::people::{self, Template};
use super::place;
use super::report::Report;
use super::{Common, Failure};
use crate::demo::stage::InProcess;
use crate::service::Service;

const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Nobody waits longer for the others' last record.
const PATIENCE: Duration = Duration::from_secs(120);
/// What the p99 of the others may be, beside one call: so many times what it is without the trouble.
const RATIO_MAX: f64 = 1.2;

#[derive(Args, Clone)]
pub struct BesideArguments {
    #[command(flatten)]
    common: Common,
    /// Webhooks a second.
    #[arg(long, default_value_t = 200.0)]
    rate: f64,
    /// Lanes beside the one in trouble: each a person whom both sides know.
    #[arg(long, default_value_t = 1_000)]
    lanes: usize,
    /// One webhook in so many is of the lane in trouble.
    #[arg(long, default_value_t = 20)]
    one_in: usize,
    /// So long takes every call.
    #[arg(long, default_value_t = 50)]
    call_ms: u64,
    /// So much longer takes a call that writes the slow record.
    #[arg(long, default_value_t = 2_000)]
    slow_ms: u64,
    /// Connections that send at the same time.
    #[arg(long, default_value_t = 16)]
    concurrency: usize,
}

/// What is wrong with one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Nothing,
    Slow,
    Refused,
    Failing,
    CallRefused,
}

/// In this order; each has a person of its own, so that what is left of one does not disturb the next.
const TROUBLES: [Trouble; 5] = [
    Trouble::Nothing,
    Trouble::Slow,
    Trouble::Refused,
    Trouble::Failing,
    Trouble::CallRefused,
];

impl Trouble {
    fn name(self) -> &'static str {
        match self {
            Trouble::Nothing => "nothing",
            Trouble::Slow => "every call that writes its record is slow",
            Trouble::Refused => "its record is refused for good, each time",
            Trouble::Failing => "its record is refused for now, each time",
            Trouble::CallRefused => "every call with its record is refused as a whole",
        }
    }

    fn fault(self, id: &str, slow_ms: u64) -> Option<Fault> {
        let with = Some(("id".to_owned(), Value::from(id)));
        let (message, matches) = (self.name().to_owned(), Vec::new());
        let refuse = |code: &str, with| FaultKind::Refuse {
            code: code.to_owned(),
            message: message.clone(),
            matches: matches.clone(),
            one_in: 1,
            with,
        };
        let kind = match self {
            Trouble::Nothing => return None,
            Trouble::Slow => FaultKind::Slow { ms: slow_ms },
            Trouble::Refused => refuse("FIELD_CUSTOM_VALIDATION_EXCEPTION", with),
            Trouble::Failing => refuse("UNKNOWN_EXCEPTION", with),
            Trouble::CallRefused => FaultKind::RefuseCall {
                status: 400,
                code: "JSON_PARSER_ERROR".to_owned(),
                message: message.clone(),
                with,
            },
        };
        // What is written, not what is read: triggers take long.
        Some(Fault {
            method: Some("PATCH".to_owned()),
            about: Some(id.to_owned()),
            ..Fault::always(kind)
        })
    }
}

/// The service at work, and whoever sends to it.
struct Beside<'a> {
    arguments: &'a BesideArguments,
    simulator: Simulator,
    store: Store,
    address: std::net::SocketAddr,
}

/// How the others fared in one turn.
struct Turn {
    others: usize,
    written: usize,
    seconds: f64,
    api_calls: u64,
    latencies: Latencies,
}

/// One turn for each trouble. False when a record of the others is missing.
pub async fn run(arguments: &BesideArguments) -> Result<bool, Failure> {
    if !(arguments.rate.is_finite() && arguments.rate > 0.0) {
        return Err("--rate is a number of webhooks a second, larger than 0".into());
    }
    let folder = place::folder(&arguments.common)?;
    let config = place::configured(&folder);
    let simulator = place::simulator(false)?;
    let service = Service::build(&config, Arc::new(InProcess(simulator.clone())), 1)?;
    let listener = crate::service::listen(&config.listen).await?;
    let bench = Beside {
        arguments,
        simulator,
        store: service.store.clone(),
        address: listener.local_addr()?,
    };
    bench.prepare(&service.sync.handlers).await?;
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(service.run(listener, stopped));
    let mut whole = true;
    let mut alone: Option<Percentiles> = None;
    for trouble in TROUBLES {
        let turn = bench.turn(trouble).await?;
        let percentiles = turn.latencies.clone().percentiles();
        let alone = *alone.get_or_insert(percentiles);
        whole &= turn.written == turn.others;
        bench.report(trouble, turn, percentiles, alone);
    }
    let _ = stop.send(true);
    running.await??;
    Ok(whole)
}

impl Beside<'_> {
    /// Everybody is there on both sides: first those in trouble, then the others.
    async fn prepare(&self, handlers: &crate::routing::Handlers) -> Result<(), Failure> {
        let template = Template::row(self.arguments.common.payload_bytes);
        let people = TROUBLES.len() + self.arguments.lanes.max(1);
        let links = people::known(&self.simulator, handlers, &template, people, &people::id_of)?;
        for some in links.chunks(2_000) {
            self.store.put_links(some.to_vec()).await?;
        }
        Ok(())
    }

    async fn turn(&self, trouble: Trouble) -> Result<Turn, Failure> {
        let items = self.arguments.common.items;
        let place = TROUBLES.iter().position(|other| *other == trouble);
        let place = place.unwrap_or_default();
        let (lanes, one_in) = (self.arguments.lanes.max(1), self.arguments.one_in.max(2));
        let person = move |number: usize| match number % one_in {
            0 => place,
            _ => TROUBLES.len() + number % lanes,
        };
        // Events are counted through all turns, so that each has a time of its own.
        let event = move |number: usize| place * items + number + 1;
        self.trouble(trouble, place);
        let template = Template::webhook(self.arguments.common.payload_bytes);
        let (epoch, started_ms) = (Instant::now(), runtime::clock::wall()());
        let before = (self.simulator.write_log().len(), self.simulator.calls());
        let answered = load::send(Load {
            address: self.address,
            connections: self.arguments.concurrency.max(1),
            requests: items,
            body: Arc::new(move |number, body| template.write(person(number), event(number), body)),
            rate: Some(self.arguments.rate),
        })
        .await?;
        if answered.refused > 0 {
            return Err(format!("{} webhooks were not taken", answered.refused).into());
        }
        let start = answered.start.unwrap_or(epoch);
        let due_ms = |number: usize| {
            let due = load::due(start, number, self.arguments.rate) - epoch;
            started_ms + due.as_millis() as i64
        };
        let wanted: Vec<(usize, usize, i64)> = (0..items)
            .filter(|number| person(*number) != place)
            .map(|number| (person(number), event(number), due_ms(number)))
            .collect();
        let written = self.written(before.0, &wanted).await;
        self.simulator.clear_faults();
        let took = |(person, event, due_ms): &(usize, usize, i64)| {
            let (_, at_ms) = written.get(person)?.range(*event..).next()?;
            Some(Duration::from_millis(
                (at_ms - due_ms).max(0).unsigned_abs(),
            ))
        };
        let mut latencies = Latencies::with_capacity(wanted.len());
        wanted
            .iter()
            .filter_map(took)
            .for_each(|took| latencies.add(took));
        Ok(Turn {
            others: wanted.len(),
            written: latencies.len(),
            seconds: epoch.elapsed().as_secs_f64(),
            api_calls: self.simulator.calls() - before.1,
            latencies,
        })
    }

    fn trouble(&self, trouble: Trouble, place: usize) {
        self.simulator.add_fault(Fault::always(FaultKind::Slow {
            ms: self.arguments.call_ms,
        }));
        let found =
            self.simulator
                .find("Contact", "Ticketure_Identity_Id__c", &people::id_of(place));
        let id = found.first().and_then(|record| record.get("Id")?.as_str());
        if let Some(fault) = id.and_then(|id| trouble.fault(id, self.arguments.slow_ms)) {
            self.simulator.add_fault(fault);
        }
    }

    /// When which event of each person was written, once the last ones of `wanted` were, or patience is at its end.
    async fn written(
        &self,
        from: usize,
        wanted: &[(usize, usize, i64)],
    ) -> HashMap<usize, BTreeMap<usize, i64>> {
        let last: HashMap<usize, usize> = wanted
            .iter()
            .map(|(who, event, _)| (*who, *event))
            .collect();
        let end = Instant::now() + PATIENCE;
        loop {
            let written = written_since(&self.simulator, from);
            let there = |(who, event): (&usize, &usize)| {
                let newest = written
                    .get(who)
                    .and_then(|events| events.keys().next_back());
                newest.is_some_and(|newest| newest >= event)
            };
            if last.iter().all(there) || Instant::now() > end {
                return written;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn report(&self, trouble: Trouble, turn: Turn, now: Percentiles, alone: Percentiles) {
        let p99 = |percentiles: Percentiles| percentiles.p99_ms.unwrap_or_default();
        let one_call_ms = match trouble {
            Trouble::Slow => self.arguments.call_ms + self.arguments.slow_ms,
            _ => self.arguments.call_ms,
        };
        let most_ms = RATIO_MAX * p99(alone) + one_call_ms as f64;
        Report::new("beside")
            .with("trouble", trouble.name().to_owned())
            .with("items", self.arguments.common.items)
            .with("rate_per_s", self.arguments.rate)
            .with("lanes", self.arguments.lanes)
            .with("call_ms", self.arguments.call_ms)
            .with("others", turn.others)
            .with("others_written", turn.written)
            .calls(turn.api_calls, turn.others)
            .pace(turn.written, turn.seconds, turn.latencies)
            .with("p99_ratio", p99(now) / p99(alone).max(1e-9))
            .with("p99_most_ms", most_ms)
            .with("kept", json!(p99(now) <= most_ms).to_string())
            .note("of the others: from when a webhook was due to be sent until its record was written, or a later state of it, in whole milliseconds")
            .note("p99_ratio: beside the first turn; p99_most_ms: 1.2 times that and one call")
            .print(self.arguments.common.json);
    }
}

/// By person and event, which the mobile number tells: when it was written.
fn written_since(simulator: &Simulator, from: usize) -> HashMap<usize, BTreeMap<usize, i64>> {
    let people = people::by_contact(simulator);
    let mut written: HashMap<usize, BTreeMap<usize, i64>> = HashMap::new();
    for write in simulator.write_log().iter().skip(from) {
        let mobile = write.fields.get("MobilePhone").and_then(Value::as_str);
        let event = mobile.and_then(|text| text.strip_prefix("556 ")?.parse().ok());
        let person = people.get(&write.id).filter(|_| write.actor == Actor::Api);
        if let (Some(person), Some(event)) = (person, event) {
            written
                .entry(*person)
                .or_default()
                .entry(event)
                .or_insert(write.at_ms);
        }
    }
    written
}
