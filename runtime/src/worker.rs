//! The loop: wait for arrivals, claim, process. What a batch does is somebody else's; nothing here knows it.
//!
//! Several batches are worked on at a time, none of which shares a lane with another: while one waits for a slow call,
//! the others go on. While webhooks keep coming the worker lets them gather: Salesforce counts calls, and a call takes
//! 200 records. A short silence, or ten seconds, ends the gathering.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::queue::{Item, Store, StoreError};

/// Does a batch and settles every item of it.
#[async_trait]
pub trait Process: Send + Sync {
    /// # Errors
    /// Only when the store fails. Items that were not settled are claimed again after a restart.
    async fn process(&self, items: Vec<Item>) -> Result<(), StoreError>;

    /// How many of the `wanted` items may be claimed. While nothing can be done with any, it waits some seconds for that
    /// to change, and says 0 when it has not.
    ///
    /// # Errors
    /// Only when the store fails.
    async fn ready(&self, wanted: usize) -> Result<usize, StoreError> {
        Ok(wanted)
    }
}

/// How long the worker sleeps at most: what it misses, it finds then.
const IDLE_MS: i64 = 5_000;
/// The net under parking: every so often, parked items whose link is there are woken.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Every so often, what is old goes.
const PRUNE_EVERY: Duration = Duration::from_secs(10);
/// Nothing came for so long: what is there is all.
const SILENCE: Duration = Duration::from_millis(60);
/// No arrival waits longer than this for others.
const GATHER_MAX: Duration = Duration::from_secs(10);
/// A full batch that takes longer waits for others, and leaves the core to one more.
const SLOW: Duration = Duration::from_millis(500);
/// Records of one call: while more is coming, batches are whole calls.
const CALL: usize = 200;

/// Cores of this machine, or two when it does not tell.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// How receivers tell the worker that there is something to do.
#[derive(Debug, Default)]
pub struct Arrivals {
    count: AtomicUsize,
    notify: Notify,
}

impl Arrivals {
    /// So many items were stored.
    pub fn add(&self, items: usize) {
        self.count.fetch_add(items, Ordering::Relaxed);
        self.notify.notify_one();
    }

    /// Items that were stored and, as far as is known, not claimed yet.
    pub fn waiting(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Somebody mended something: look again.
    pub fn look(&self) {
        self.notify.notify_one();
    }

    /// Items that came back may be among them, so the count is a hint and never below nothing.
    fn took(&self, items: usize) {
        let less = |count: usize| {
            Some(if items == 0 {
                0
            } else {
                count.saturating_sub(items)
            })
        };
        let _ = self
            .count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

/// One worker over one store.
pub struct Worker {
    pub store: Store,
    pub process: Arc<dyn Process>,
    /// Items of a batch.
    pub batch: usize,
    /// Batches at a time.
    pub batches: usize,
    /// Of the machine. Full batches that are quick are not more at a time: they would share the cores, and what can only
    /// be done one after the other (a hot lane) gets the smaller part of them.
    pub cores: usize,
    pub arrivals: Arc<Arrivals>,
}

type Batches = JoinSet<Result<(), StoreError>>;

impl Worker {
    /// Works until `stop` is true; batches that have begun are finished.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) -> Result<(), StoreError> {
        let mut working = Batches::new();
        let mut care = Care::new();
        let mut full = false;
        while !*stop.borrow() {
            let limit = match full {
                true => self.batch,
                false => self.gather().await,
            };
            let ready = tokio::select! {
                biased;
                ready = self.process.ready(limit) => ready?,
                _ = stop.changed() => continue,
            };
            let items = match ready {
                0 => Vec::new(),
                ready => self.store.claim(ready, self.store.now_ms()).await?,
            };
            if ready > 0 {
                self.arrivals.took(items.len());
            }
            full = items.len() == self.batch;
            let nothing = items.is_empty();
            // What has failed before comes in batches of its own: whatever else there is comes with the next.
            let more = full || items.first().is_some_and(|item| item.attempts > 0);
            if !nothing {
                let process = self.process.clone();
                working.spawn(async move { process.process(items).await });
            }
            care.take(&self.store).await?;
            let crowded = full && working.len() >= self.cores;
            if !nothing && more && !crowded && working.len() < self.batches.max(1) {
                continue;
            }
            self.wait(&mut working, crowded, &mut stop).await?;
        }
        while let Some(ended) = working.join_next().await {
            outcome(ended)?;
        }
        Ok(())
    }

    /// Until a batch is done; or, while there is room for another, until something arrives or is due. While the cores have
    /// enough to do there is room when they turn out not to.
    async fn wait(
        &self,
        working: &mut Batches,
        crowded: bool,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), StoreError> {
        let room = working.len() < self.batches.max(1);
        let wait = match crowded {
            true => SLOW,
            false => Duration::from_millis(self.wait_ms().await?),
        };
        tokio::select! {
            biased;
            Some(ended) = working.join_next() => outcome(ended),
            () = self.arrivals.notify.notified(), if room && !crowded => Ok(()),
            () = tokio::time::sleep(wait), if room => Ok(()),
            _ = stop.changed() => Ok(()),
        }
    }

    /// Lets arrivals gather while they keep coming, and says how many to claim.
    async fn gather(&self) -> usize {
        let start = Instant::now();
        let mut seen = self.arrivals.waiting();
        while seen > 0 && seen < self.batch {
            tokio::time::sleep(SILENCE).await;
            let now = self.arrivals.waiting();
            if now == seen {
                return self.batch;
            }
            seen = now;
            if start.elapsed() >= GATHER_MAX {
                // More is coming: what does not fill a call goes with the next.
                return (seen / CALL * CALL).max(CALL).min(self.batch);
            }
        }
        self.batch
    }

    async fn wait_ms(&self) -> Result<u64, StoreError> {
        let due = self
            .store
            .next_due()
            .await?
            .map_or(IDLE_MS, |due| due - self.store.now_ms());
        Ok(due.clamp(1, IDLE_MS).unsigned_abs())
    }
}

/// A batch that panicked is a batch that a crash ended: the store is asked to stop, and a restart goes on with it.
fn outcome(
    ended: Result<Result<(), StoreError>, tokio::task::JoinError>,
) -> Result<(), StoreError> {
    ended.unwrap_or(Err(StoreError::Stopped))
}

/// What has to be done now and then.
struct Care {
    swept: Instant,
    pruned: Instant,
    /// There was more to prune than one slice.
    more: bool,
}

impl Care {
    fn new() -> Self {
        let now = Instant::now();
        Care {
            swept: now,
            pruned: now,
            more: false,
        }
    }

    async fn take(&mut self, store: &Store) -> Result<(), StoreError> {
        if self.swept.elapsed() >= SWEEP_EVERY {
            self.swept = Instant::now();
            store.sweep().await?;
        }
        if self.more || self.pruned.elapsed() >= PRUNE_EVERY {
            self.pruned = Instant::now();
            self.more = store.prune().await? > 0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::{NewItem, Outcome, Settlement, StoreOptions};

    const BATCH: usize = 10;

    /// Takes its time for a batch, and notes how many are worked on at once.
    struct Slowly {
        store: Store,
        takes: Duration,
        at_once: AtomicUsize,
        most: AtomicUsize,
    }

    #[async_trait]
    impl Process for Slowly {
        async fn process(&self, items: Vec<Item>) -> Result<(), StoreError> {
            let at_once = self.at_once.fetch_add(1, Ordering::Relaxed) + 1;
            self.most.fetch_max(at_once, Ordering::Relaxed);
            tokio::time::sleep(self.takes).await;
            let done = items
                .iter()
                .map(|item| Settlement::new(item.id, item.attempt, Outcome::Done));
            self.store.settle(done.collect()).await?;
            self.at_once.fetch_sub(1, Ordering::Relaxed);
            Ok(())
        }
    }

    /// Works a hundred items off on two cores, four batches at a time, and says how many were worked on at once.
    async fn most_at_once(takes: Duration) -> usize {
        let store = Store::in_memory(StoreOptions::default(), Arc::new(|| 1_000)).unwrap();
        let item = |number: usize| NewItem {
            mapping: Some("contact".into()),
            payload_type: "identity_changed".into(),
            lane: number.to_string(),
            key: number.to_string(),
            payload: "{}".into(),
            ..NewItem::default()
        };
        let items: Vec<NewItem> = (0..10 * BATCH).map(item).collect();
        store.enqueue(items).await.unwrap();
        let process = Arc::new(Slowly {
            store: store.clone(),
            takes,
            at_once: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        });
        let worker = Worker {
            store: store.clone(),
            process: process.clone(),
            batch: BATCH,
            batches: 4,
            cores: 2,
            arrivals: Arc::default(),
        };
        let (stop, stopped) = watch::channel(false);
        let working = tokio::spawn(async move { worker.run(stopped).await });
        tokio::time::sleep(takes * 20).await;
        stop.send(true).unwrap();
        working.await.unwrap().unwrap();
        assert_eq!(store.status().await.unwrap().done, 10 * BATCH as u64);
        process.most.load(Ordering::Relaxed)
    }

    #[tokio::test(start_paused = true)]
    async fn quick_batches_are_as_many_as_cores_and_slow_ones_more() {
        assert_eq!(most_at_once(Duration::from_millis(200)).await, 2);
        assert_eq!(most_at_once(Duration::from_secs(10)).await, 4);
    }
}
