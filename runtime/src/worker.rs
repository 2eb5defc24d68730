//! The loop: claim, process, and wait for more. What a batch does is somebody else's; nothing here knows it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, watch};

use crate::queue::{Item, Store, StoreError};

/// Does a batch and settles every item of it.
#[async_trait]
pub trait Process: Send + Sync {
    /// # Errors
    /// Only when the store fails. Items that were not settled are claimed again after a restart.
    async fn process(&self, items: Vec<Item>) -> Result<(), StoreError>;
}

/// How long the worker sleeps at most: what it misses, it finds then.
const IDLE_MS: i64 = 1_000;
/// The net under parking: every so often, parked items whose link is there are woken.
const SWEEP_EVERY: u32 = 60;

/// One worker over one store.
pub struct Worker {
    pub store: Store,
    pub process: Arc<dyn Process>,
    /// Items of a batch.
    pub batch: usize,
    /// Somebody enqueued or mended something.
    pub arrived: Arc<Notify>,
}

impl Worker {
    /// Works until `stop` is true; a batch that has begun is finished.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) -> Result<(), StoreError> {
        let mut idle = 0;
        while !*stop.borrow() {
            let items = self.store.claim(self.batch, now_ms()).await?;
            if !items.is_empty() {
                self.process.process(items).await?;
                continue;
            }
            idle += 1;
            if idle % SWEEP_EVERY == 0 && self.store.sweep().await? > 0 {
                continue;
            }
            let wait = self.wait_ms().await?;
            tokio::select! {
                () = self.arrived.notified() => {}
                () = tokio::time::sleep(Duration::from_millis(wait)) => {}
                _ = stop.changed() => {}
            }
        }
        Ok(())
    }

    async fn wait_ms(&self) -> Result<u64, StoreError> {
        let due = self
            .store
            .next_due()
            .await?
            .map_or(IDLE_MS, |due| due - now_ms());
        Ok(due.clamp(1, IDLE_MS).unsigned_abs())
    }
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
