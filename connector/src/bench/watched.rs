//! A process that is timed: when each item was handed out first, and when the batch that finished it was through.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use runtime::queue::{Item, StoreError};
use runtime::worker::Process;

use super::measure::{Latencies, micros};

/// Eight bytes for each item, so that a million of them stay small.
pub struct Watched {
    inner: Arc<dyn Process>,
    start: Instant,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// By the item's number: microseconds since the start, 0 for not yet. An item that was given back and
    /// handed out again keeps its first claim and its last end.
    claimed_us: Vec<u32>,
    ended_us: Vec<u32>,
    batches: usize,
    handed_out: usize,
    last_end: Option<Instant>,
}

impl Watched {
    pub fn new(inner: Arc<dyn Process>, start: Instant) -> Watched {
        Watched {
            inner,
            start,
            seen: Mutex::default(),
        }
    }

    pub fn start(&self) -> Instant {
        self.start
    }

    /// Items handed out, those that were given back as often as they were.
    pub fn handed_out(&self) -> usize {
        self.seen().handed_out
    }

    pub fn batches(&self) -> usize {
        self.seen().batches
    }

    /// When the last batch so far was through.
    pub fn last_end(&self) -> Instant {
        self.seen().last_end.unwrap_or(self.start)
    }

    /// From the start, when all of a backlog is ready, to the end of each item.
    pub fn ready_to_done(&self) -> Latencies {
        let mut latencies = Latencies::default();
        let seen = self.seen();
        seen.ended_us
            .iter()
            .filter(|us| **us > 0)
            .for_each(|us| latencies.add_us(*us));
        latencies
    }

    /// From the first time in a worker's hand to the end of each item.
    pub fn claimed_to_done(&self) -> Latencies {
        let mut latencies = Latencies::default();
        let seen = self.seen();
        for (claimed, ended) in seen.claimed_us.iter().zip(&seen.ended_us) {
            if *ended > 0 {
                latencies.add_us(ended.saturating_sub(*claimed));
            }
        }
        latencies
    }

    /// When an item's last batch was through, in microseconds since the start.
    pub fn ended_us(&self, id: i64) -> Option<u32> {
        let place = usize::try_from(id).ok()?;
        self.seen()
            .ended_us
            .get(place)
            .copied()
            .filter(|us| *us > 0)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn claimed(&self, ids: &[usize]) {
        let now = self.now_us();
        let mut seen = self.seen();
        let most = ids.iter().max().map_or(0, |most| most + 1);
        if seen.ended_us.len() < most {
            seen.claimed_us.resize(most, 0);
            seen.ended_us.resize(most, 0);
        }
        for id in ids {
            if let Some(claimed) = seen.claimed_us.get_mut(*id).filter(|us| **us == 0) {
                *claimed = now;
            }
        }
        seen.handed_out += ids.len();
    }

    fn ended(&self, ids: &[usize]) {
        let now = self.now_us();
        let mut seen = self.seen();
        for id in ids {
            if let Some(ended) = seen.ended_us.get_mut(*id) {
                *ended = now;
            }
        }
        seen.batches += 1;
        seen.last_end = Some(Instant::now());
    }

    fn now_us(&self) -> u32 {
        micros(self.start.elapsed()).max(1)
    }
}

#[async_trait]
impl Process for Watched {
    async fn process(&self, items: Vec<Item>) -> Result<(), StoreError> {
        let ids: Vec<usize> = items
            .iter()
            .filter_map(|item| usize::try_from(item.id).ok())
            .collect();
        self.claimed(&ids);
        let result = self.inner.process(items).await;
        self.ended(&ids);
        result
    }

    async fn ready(&self, wanted: usize) -> Result<usize, StoreError> {
        self.inner.ready(wanted).await
    }
}
