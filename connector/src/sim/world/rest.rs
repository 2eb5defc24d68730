//! How a world comes to rest, and everything is looked at once more.

use std::collections::BTreeSet;
use std::error::Error;
use std::time::Duration;

use runtime::queue::{State, StoreError};
use serde_json::Value;
use tokio::time::Instant;

use super::{Process, Rested, World};

/// How long a world gets to come to rest.
const REST_MS: u64 = 3_600_000;
/// The longest skip of idle time, so that all objects are read once a day as usual.
const SKIP_MAX: Duration = Duration::from_secs(24 * 3_600);
/// The shortest skip. Within ten minutes trees are read again, breakers close and sweeps run.
const SKIP_MIN: Duration = Duration::from_secs(600);

impl World<'_> {
    /// Until nothing happens any more, and then everything is looked at again, three times.
    pub(super) async fn come_to_rest(&mut self) -> Result<Rested, Box<dyn Error>> {
        let mut unfinished = self.rest().await?;
        let quiet_at_ms = (self.now)();
        let waited = self.found.watch.waiting().await?;
        for _ in 0..2 {
            if unfinished.is_none() {
                unfinished = self.reconcile().await?;
            }
        }
        let writes_after_reconcile = self.writes();
        if unfinished.is_none() {
            self.tell_of_carts_again().await?;
            unfinished = self.reconcile().await?;
        }
        Ok(Rested {
            quiet_at_ms,
            waited: waited.into_iter().map(|item| item.key).collect(),
            writes_after_reconcile,
            writes_after_second: self.writes(),
            unfinished,
        })
    }

    /// Until nothing is on its way any more; or what is left.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rest(&mut self) -> Result<Option<String>, Box<dyn Error>> {
        let reading = self.reading_time();
        let end = Instant::now() + Duration::from_millis(REST_MS);
        let mut calm = 0;
        while Instant::now() < end {
            let before = self.writes();
            self.until(Instant::now() + reading).await?;
            if self.is_moving().await? || self.writes() != before {
                calm = 0;
            } else {
                calm += 1;
            }
            // Changes are read every so often, and become calls: three quiet rounds are an end.
            if calm >= 3 {
                return Ok(None);
            }
        }
        let status = self.found.store.status().await?;
        Ok(Some(format!("no rest after an hour: {status:?}")))
    }

    /// Lets time pass as `until` does, but at rest moves the clock to the time of the next due item. Polls and sweeps
    /// that would find nothing are left out, so that days cost neither API calls nor real time.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn until_skipping(&mut self, end: Instant) -> Result<(), Box<dyn Error>> {
        loop {
            let round = Instant::now() + self.reading_time();
            let before = self.writes();
            self.until(round.min(end)).await?;
            if Instant::now() >= end {
                return Ok(());
            }
            let moves = self.is_moving().await? || self.writes() != before;
            let skipped = self.may_skip(end).await?;
            if !moves && skipped >= SKIP_MIN {
                tokio::time::advance(skipped).await;
            }
        }
    }

    /// Time until the next item is due, at most `SKIP_MAX` and the time left.
    async fn may_skip(&self, end: Instant) -> Result<Duration, StoreError> {
        let left = end.saturating_duration_since(Instant::now());
        let due_ms = self.found.store.next_due().await?;
        let due = due_ms.map_or(SKIP_MAX, |due_ms| {
            let wait_ms = due_ms.saturating_sub((self.now)()).max(0);
            Duration::from_millis(wait_ms.unsigned_abs())
        });
        Ok(left.min(due).min(SKIP_MAX))
    }

    /// Time in which every object is read at least once.
    fn reading_time(&self) -> Duration {
        Duration::from_millis(self.history.poll_ms.max(500) + 2 * self.history.call_ms_max + 1_000)
    }

    /// Returns whether an item, a webhook or a late call is in progress.
    async fn is_moving(&self) -> Result<bool, StoreError> {
        let busy = self.is_busy().await?;
        let late = self.simulator.run_late();
        Ok(busy || late > 0 || !self.on_the_way.is_empty())
    }

    /// Will anything happen to an item? What parks holds its lane: that is rest as well. While Salesforce is left alone
    /// after an outage, its changes are still to be read.
    async fn is_busy(&self) -> Result<bool, StoreError> {
        let salesforce = |process: &Process| process.capture.sync.salesforce.standstill();
        if self
            .process
            .as_ref()
            .is_some_and(|it| salesforce(it).is_some())
        {
            return Ok(true);
        }
        if !self.found.store.to_be_asked().await?.is_empty() {
            return Ok(true);
        }
        let waiting = self.found.watch.waiting().await?;
        let parked: BTreeSet<&str> = waiting
            .iter()
            .filter(|item| item.state == State::Parked)
            .map(|item| item.lane.as_str())
            .collect();
        Ok(waiting.iter().any(|item| match item.state {
            State::Parked => false,
            State::Ready => !parked.contains(item.lane.as_str()),
            _ => true,
        }))
    }

    /// Everything is looked at once more, on both sides: what a lost webhook did not tell is found.
    async fn reconcile(&mut self) -> Result<Option<String>, Box<dyn Error>> {
        let ids: Vec<String> = self
            .simulator
            .identities()
            .iter()
            .filter_map(|identity| {
                identity
                    .get("id")
                    .and_then(Value::as_str)
                    .map(str::to_owned)
            })
            .collect();
        let webhooks: Vec<Value> = ids
            .iter()
            .filter_map(|id| self.simulator.webhook(id))
            .collect();
        self.receive(webhooks).await?;
        if let Some(process) = &self.process {
            process.capture.read_everything().await?;
        }
        self.rest().await
    }

    /// Every row of a cart's once more, under new event ids: only now, so that nothing of it can make good what is wrong.
    async fn tell_of_carts_again(&mut self) -> Result<(), Box<dyn Error>> {
        let mut webhooks = Vec::new();
        for entity in ["cart", "ticket_audit", "gateway_audit", "membership"] {
            for row in self.simulator.rows(entity) {
                let id = row.get("id").and_then(Value::as_str).unwrap_or_default();
                webhooks.extend(self.simulator.row_webhook(entity, id));
            }
        }
        self.receive(webhooks).await
    }

    /// Writes through both APIs so far.
    fn writes(&self) -> usize {
        let all = self.simulator.write_log();
        let there = self.simulator.tenant_log();
        all.iter()
            .chain(&there)
            .filter(|write| write.actor == simulator::Actor::Api)
            .count()
    }
}
