//! How what happened in Ticketure is heard of: at once, late, twice, in any order, row by row or all together.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Map, Value, json};
use simulator::{Fault, FaultKind};

use super::{Order, Stage};
use crate::scenarios::file::Step;

/// How a run goes about it.
pub(super) struct Manner {
    /// The order of the file, at once, and nothing twice.
    plain: bool,
    /// The process is killed now and then.
    killed: bool,
    /// Calls go wrong now and then.
    troubled: bool,
    /// In the end everything is delivered once more.
    pub(super) repeats_all: bool,
    /// The longest that a delivery takes.
    late_ms: u64,
}

/// What was sent.
pub(super) struct Delivered {
    webhook: Value,
}

impl Manner {
    pub(super) fn drawn(random: &mut fastrand::Rng, order: Order, ordered: bool) -> Manner {
        let plain = order.seed == 0;
        Manner {
            plain: plain || ordered,
            killed: !plain && random.u32(0..3) == 0,
            troubled: !plain && random.u32(0..3) == 0,
            repeats_all: !plain && random.u32(0..3) == 0,
            late_ms: match random.u32(0..3) {
                0 => 2_000,
                1 => 30_000,
                _ => 150_000,
            },
        }
    }

    /// Whose turn it is, and whose if they cannot.
    pub(super) fn turns(
        &self,
        random: &mut fastrand::Rng,
        sides: &[VecDeque<&Step>; 3],
    ) -> Vec<usize> {
        let mut turns: Vec<usize> = (0..sides.len()).collect();
        if self.plain {
            let line = |place: &usize| {
                let first = sides.get(*place).and_then(|side| side.front());
                first.map_or(usize::MAX, |step| step.line)
            };
            turns.sort_by_key(line);
        } else {
            random.shuffle(&mut turns);
        }
        turns
    }

    /// What goes wrong from now on with a few calls, where anything does.
    pub(super) fn trouble(&self, random: &mut fastrand::Rng) -> Option<Fault> {
        if !self.troubled || random.bool() {
            return None;
        }
        let kind = match random.u32(0..5) {
            0 => FaultKind::LostAfterCommit,
            1 => FaultKind::LostBeforeCommit,
            2 => FaultKind::Unavailable,
            3 => FaultKind::LockRow { one_in: 2 },
            _ => FaultKind::ExpireSessions,
        };
        let path = match random.u32(0..3) {
            0 => "/composite",
            1 => "/services/data",
            _ => "/api/",
        };
        Some(Fault::on(path, random.u32(1..3), kind))
    }

    pub(super) fn crashes(&self, random: &mut fastrand::Rng) -> bool {
        self.killed && random.u32(0..2) == 0
    }
}

impl Stage<'_> {
    /// Rows of a webhook set out: in one delivery or in several, some of them twice.
    pub(super) fn send(
        &mut self,
        payload_type: &str,
        entity: &str,
        rows: Vec<Map<String, Value>>,
        line: usize,
    ) {
        let together = self.manner.plain || self.random.bool();
        let parts: Vec<Vec<Map<String, Value>>> = match together {
            true => vec![rows],
            false => rows.into_iter().map(|row| vec![row]).collect(),
        };
        for (place, part) in parts.into_iter().enumerate() {
            let event_id = format!("event-{line}-{place}-{}", self.delivered.len());
            let webhook = envelope(payload_type, entity, &event_id, part, &self.now());
            self.delivered.push(Delivered {
                webhook: webhook.clone(),
            });
            self.deliver(webhook, line);
        }
    }

    /// As Ticketure writes it.
    fn now(&self) -> String {
        let now = (self.world.found.now)();
        let now = jiff::Timestamp::from_millisecond(now).unwrap_or_default();
        now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }

    fn deliver(&mut self, webhook: Value, line: usize) {
        let mut times = 1;
        if !self.manner.plain {
            times += usize::from(self.random.u32(0..3) == 0);
        }
        for _ in 0..times {
            let delay = match self.manner.plain {
                true => 0,
                false => self.random.u64(0..=self.manner.late_ms),
            };
            self.tell(format!("line {line}: told, and heard of {delay} ms later"));
            self.world
                .send_in(Duration::from_millis(delay), webhook.clone());
        }
    }

    /// Under new ids: nobody can tell that they are repeats but by what they say.
    pub(super) fn deliver_all_again(&mut self) {
        let mut all: Vec<Value> = self
            .delivered
            .iter()
            .map(|sent| sent.webhook.clone())
            .collect();
        self.random.shuffle(&mut all);
        for mut webhook in all {
            let event_id = webhook.get("event_id").and_then(Value::as_str);
            let again = format!("{}-again", event_id.unwrap_or_default());
            if let Some(place) = webhook.get_mut("event_id") {
                *place = Value::from(again);
            }
            let delay = Duration::from_millis(self.random.u64(0..=self.manner.late_ms));
            self.world.send_in(delay, webhook);
        }
    }
}

/// What Ticketure wraps rows in. Rows that say no time of their own are as they were when they were told of.
fn envelope(
    payload_type: &str,
    entity: &str,
    event_id: &str,
    rows: Vec<Map<String, Value>>,
    now: &str,
) -> Value {
    let times = rows.iter().filter_map(|row| {
        let time = row.get("occurred_at").or_else(|| row.get("updated_at"));
        time.and_then(Value::as_str).map(str::to_owned)
    });
    json!({
        "event_type": payload_type,
        "event_id": event_id,
        "occurred_at": times.max().unwrap_or_else(|| now.to_owned()),
        "tenant": "simulator",
        "environment": "sandbox",
        "data": { entity: { "_count": rows.len(), "_data": rows } },
    })
}
