//! One run of a scenario: what is given is put there, what happens happens in an order drawn from a seed, everything
//! comes to rest, and the end is told.

mod act;
mod deliver;

use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::time::Duration;

use serde_json::Value;
use simulator::Simulator;
use tokio::time::Instant;

use super::catalogue::Catalogue;
use super::consent;
use super::file::{Act, Scenario, Step};
use super::state::{Left, Named, State};
use super::tree::Mistake;
use crate::sim::history::History;
use crate::sim::world::World;
use deliver::{Delivered, Manner};

/// So long what is given has been there when the process begins: its first reading looks back for some minutes.
const LONG_BEFORE: Duration = Duration::from_secs(600);
/// So long the process runs before anything happens.
const BEFORE: Duration = Duration::from_secs(5);
/// So long is between two things that people do, at least: what is nearer is a tie.
const BETWEEN_S: std::ops::Range<u64> = 6..20;
/// Waits of this length or more skip idle time, since a day has too many polls to play.
const LONG: Duration = Duration::from_secs(3_600);
/// Seeds are drawn anew for each use.
const SALT: u64 = 0x7363_656e_6172_696f;

/// Which run it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// 0 is the order of the file, without anything in its way; every other seed is another order.
    pub seed: u64,
    pub npsp: bool,
    /// The writes of both systems are told as well.
    pub show: bool,
}

/// How a run ended.
pub struct Ended {
    pub state: State,
    /// What could not be done, or was wrong on the way.
    pub faults: Vec<Mistake>,
    /// What happened when.
    pub story: Vec<String>,
}

/// Plays one order.
///
/// # Errors
/// When the store fails, or there are no schemas.
pub async fn play(
    scenario: &Scenario,
    catalogue: &Catalogue,
    order: Order,
) -> Result<Ended, Box<dyn Error>> {
    let mut random = fastrand::Rng::with_seed(order.seed ^ SALT);
    let history = history(&mut random, order);
    let handlers = std::sync::Arc::new(crate::handlers::all());
    let world = World::new(&history, None, handlers)?;
    let mut stage = Stage {
        scenario,
        catalogue,
        shows: order.show,
        manner: Manner::drawn(&mut random, order, scenario.ordered.is_some()),
        begin: Instant::now(),
        world,
        random,
        named: Named::default(),
        records: BTreeMap::new(),
        entities: BTreeMap::new(),
        delivered: Vec::new(),
        faults: Vec::new(),
        story: Vec::new(),
    };
    stage.play().await?;
    stage.end().await
}

/// What the network and the clocks are like.
fn history(random: &mut fastrand::Rng, order: Order) -> History {
    let plain = order.seed == 0;
    History {
        seed: order.seed,
        without_npsp: !order.npsp,
        fetch_missing: true,
        webhook_delay_ms_max: if plain { 0 } else { random.u64(0..20_000) },
        webhook_repeat_one_in: if plain { 0 } else { random.u32(0..4) },
        call_ms_max: if plain { 50 } else { random.u64(1..2_000) },
        poll_ms: if plain {
            5_000
        } else {
            random.u64(1_000..30_000)
        },
        batch: if plain { 0 } else { random.usize(0..4) },
        batches: if plain { 0 } else { random.usize(0..5) },
        ..History::default()
    }
}

/// Count of the steps before the final waits.
fn end_of_acts(steps: &[Step]) -> usize {
    let last = steps
        .iter()
        .rposition(|step| !matches!(step.act, Act::Wait(_)));
    last.map_or(0, |last| last + 1)
}

/// Where it is played.
struct Stage<'s> {
    scenario: &'s Scenario,
    catalogue: &'s Catalogue,
    manner: Manner,
    shows: bool,
    begin: Instant,
    world: World<'s>,
    random: fastrand::Rng,
    named: Named,
    /// The scenario's names: object and Salesforce id.
    records: BTreeMap<String, (String, String)>,
    /// Of each row of Ticketure's, what it is.
    entities: BTreeMap<String, String>,
    delivered: Vec<Delivered>,
    faults: Vec<Mistake>,
    story: Vec<String>,
}

impl Stage<'_> {
    async fn play(&mut self) -> Result<(), Box<dyn Error>> {
        let scenario = self.scenario;
        for row in &scenario.given.ticketure {
            self.put(row);
        }
        for record in &scenario.given.salesforce {
            if !self.create(record) {
                let message = "it refers to a record that nobody has made";
                self.faults.push(Mistake::new(record.line, message));
            }
        }
        self.settle_settings();
        self.world.until(Instant::now() + LONG_BEFORE).await?;
        self.world.start();
        // The first reading says from when on changes count.
        self.pass(BEFORE).await?;
        for step in &scenario.given.steps {
            self.in_order(step).await?;
        }
        // Final waits come after the repeats, so that those too lie that far in the past.
        let (acts, waits) = scenario.when.split_at(end_of_acts(&scenario.when));
        let mut group = Vec::new();
        for step in acts {
            if let Act::Wait(time) = &step.act {
                self.together(&std::mem::take(&mut group)).await?;
                self.pass(*time).await?;
            } else if scenario.ordered.is_some() {
                self.in_order(step).await?;
            } else {
                group.push(step);
            }
        }
        self.together(&group).await?;
        if self.manner.repeats_all {
            self.tell("everything is delivered once more".to_owned());
            self.deliver_all_again();
            self.rest().await?;
        }
        for step in waits {
            self.in_order(step).await?;
        }
        if !waits.is_empty() {
            self.rest().await?;
        }
        Ok(())
    }

    /// A setting may be a record of the scenario's.
    fn settle_settings(&mut self) {
        let written = self.resolved(&self.scenario.settings);
        match written.map(|written| crate::settings::with(&written)) {
            Some(Ok(settings)) => self.world.found.settings = settings.into(),
            Some(Err((_, message))) => self.faults.push(Mistake::new(1, message)),
            None => {
                let message = "a setting refers to a record that nobody has made";
                self.faults.push(Mistake::new(1, message));
            }
        }
    }

    /// By itself, and then everything comes to rest.
    async fn in_order(&mut self, step: &Step) -> Result<(), Box<dyn Error>> {
        if let Act::Wait(time) = &step.act {
            return self.pass(*time).await;
        }
        self.together(&[step]).await
    }

    /// Each side's people do one thing after the other; what the sides do is shuffled.
    async fn together(&mut self, steps: &[&Step]) -> Result<(), Box<dyn Error>> {
        let mut sides: [VecDeque<&Step>; 3] = Default::default();
        for step in steps {
            let side = match step.act {
                Act::Salesforce(_) => 1,
                Act::Operator(_) => 2,
                _ => 0,
            };
            if let Some(side) = sides.get_mut(side) {
                side.push_back(step);
            }
        }
        let mut rested = false;
        while sides.iter().any(|side| !side.is_empty()) {
            let mut done = false;
            for place in self.manner.turns(&mut self.random, &sides) {
                let Some(step) = sides.get(place).and_then(VecDeque::front).copied() else {
                    continue;
                };
                if self.act(step).await? {
                    if let Some(side) = sides.get_mut(place) {
                        side.pop_front();
                    }
                    done = true;
                    break;
                }
            }
            if !done && rested {
                self.cannot(&sides);
                break;
            }
            rested = !done;
            let between = Duration::from_secs(self.random.u64(BETWEEN_S));
            match done {
                true => self.pass(between).await?,
                // What it is about may still come.
                false => self.rest().await?,
            }
        }
        self.rest().await
    }

    fn cannot(&mut self, sides: &[VecDeque<&Step>; 3]) {
        for step in sides.iter().filter_map(VecDeque::front) {
            let message =
                "this cannot be done: what it is about is not there, and nothing more happens";
            self.faults.push(Mistake::new(step.line, message));
        }
    }

    async fn pass(&mut self, time: Duration) -> Result<(), Box<dyn Error>> {
        if self.manner.crashes(&mut self.random)
            && let Some(process) = &self.world.process
        {
            let awaits = self.random.u64(1..150);
            process.life.end_after(awaits);
            self.tell(format!("the process dies after {awaits} more awaits"));
        }
        if let Some(fault) = self.manner.trouble(&mut self.random) {
            self.tell(format!("calls go wrong: {fault:?}"));
            self.simulator().add_fault(fault);
        }
        let end = Instant::now() + time;
        if time < LONG {
            return self.world.until(end).await;
        }
        self.world.until_skipping(end).await
    }

    async fn rest(&mut self) -> Result<(), Box<dyn Error>> {
        if let Some(unfinished) = self.world.rest().await? {
            self.faults.push(Mistake::new(1, unfinished));
        }
        Ok(())
    }

    fn tell(&mut self, what: String) {
        let at = self.begin.elapsed().as_secs_f64();
        self.story.push(format!("{at:8.1} s  {what}"));
    }

    /// What was written by whom, among what happened.
    fn tell_of_writes(&mut self) {
        let begin_ms = (self.world.found.now)() - self.begin.elapsed().as_millis() as i64;
        let salesforce = self.simulator().write_log().into_iter();
        let ticketure = self.simulator().tenant_log().into_iter();
        for write in salesforce.chain(ticketure) {
            let at = (write.at_ms - begin_ms) as f64 / 1_000.0;
            let (actor, operation) = (write.actor, write.operation);
            let fields = Value::Object(write.fields);
            self.story.push(format!(
                "{at:8.1} s    {actor:?} {operation:?} {} {} {fields}",
                write.object, write.id
            ));
        }
        // By time alone: what happened at one moment stays in its order.
        self.story
            .sort_by(|one, other| one.get(..10).cmp(&other.get(..10)));
    }

    fn simulator(&self) -> &Simulator {
        &self.world.simulator
    }

    async fn end(mut self) -> Result<Ended, Box<dyn Error>> {
        let found = &self.world.found;
        let left = Left {
            errors: found.store.errors(1_000).await?,
            reviews: found.store.reviews().await?,
            waiting: found.watch.waiting().await?,
        };
        found.watch.nobody_forgotten().await?;
        if self.shows {
            self.tell_of_writes();
        }
        let found = &self.world.found;
        let wrong = found.watch.faults().await;
        self.faults
            .extend(wrong.into_iter().map(|fault| Mistake::new(1, fault)));
        let one_sided = consent::faults(&self.world.simulator, &left);
        self.faults
            .extend(one_sided.into_iter().map(|fault| Mistake::new(1, fault)));
        Ok(Ended {
            state: State::of(&self.world.simulator, self.catalogue, &self.named, &left),
            faults: self.faults,
            story: self.story,
        })
    }
}
