//! Directions that stand still: why, who may try, and what an operator is told.
//!
//! A system that does not answer, or wants fewer calls, is left alone by its client (`runtime::breaker`). What no record
//! can get past, such as full storage, is held here, by the same rules: after a while some items try for all.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use runtime::breaker::{Breaker, Decision, Standstill, Trouble};
use runtime::queue::{Outcome, StoreError};
use runtime::salesforce::CallError;

use super::TwoWaySync;

/// The directions, as an operator reads them.
const TO_SALESFORCE: &str = "to_salesforce";
const TO_TICKETURE: &str = "to_ticketure";

/// Items that try whether the org takes records again: one call's.
const TRIAL_ITEMS: usize = 200;
/// So long the worker waits for a system before it looks after other things.
const PATIENCE_MS: i64 = 5_000;
/// How often changes are read that could not be.
const UNREADABLE_MS: i64 = 300_000;
/// What is over sooner is not shown.
const SHOWN_MS: i64 = 2_000;

/// What holds the directions beside the clients.
#[derive(Default)]
pub(crate) struct Standstills {
    org: Mutex<Breaker>,
    /// Why changes in Salesforce cannot be read, and since when, by mapping or object.
    reading: Mutex<BTreeMap<String, (i64, String)>>,
    /// The reasons that the store has, by direction or mapping; `None` right after a start.
    shown: tokio::sync::Mutex<Option<BTreeMap<String, String>>>,
}

fn locked<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TwoWaySync {
    /// How many items may be claimed. While Salesforce is away, one call at a time finds out, and no item is touched.
    pub(crate) async fn may_claim(&self, wanted: usize) -> Result<usize, StoreError> {
        let end_ms = self.now_ms() + PATIENCE_MS;
        loop {
            self.tend_holds().await?;
            self.show_standstills().await?;
            let until_ms = match self.salesforce.standstill() {
                Some(stands) if stands.until_ms > self.now_ms() => stands.until_ms,
                Some(_) => match self.salesforce.limits().await {
                    Err(CallError::StandsStill { until_ms, .. }) => until_ms,
                    _ => continue,
                },
                None => match locked(&self.standstills.org).ask(self.now_ms()) {
                    Decision::Call => return Ok(wanted),
                    Decision::Probe => return Ok(wanted.min(TRIAL_ITEMS)),
                    Decision::Wait { until_ms } => until_ms,
                },
            };
            let now_ms = self.now_ms();
            if now_ms >= end_ms {
                return Ok(0);
            }
            let wait_ms = (until_ms.min(end_ms) - now_ms).max(1).unsigned_abs();
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        }
    }

    /// Where no item needs Ticketure, somebody has to find out whether it is back. What is not there is an answer, too.
    pub(crate) async fn ask_after_ticketure(&self) {
        let now_ms = self.now_ms();
        if let Some(ticketure) = &self.ticketure
            && let Some(stands) = ticketure.standstill()
            && stands.until_ms <= now_ms
        {
            let _ = ticketure.read("identity", "usher").await;
        }
    }

    /// No record gets past this until somebody mends the org. Until when the direction stands still.
    pub(crate) fn hold(&self, reason: &str) -> i64 {
        let now_ms = self.now_ms();
        let mut org = locked(&self.standstills.org);
        org.failed(now_ms, Trouble::Lasting, reason);
        org.standstill(now_ms)
            .map_or(now_ms, |stands| stands.until_ms)
    }

    /// Items were tried, and nothing held them.
    pub(crate) fn not_held(&self) {
        locked(&self.standstills.org).succeeded();
    }

    /// While nothing can go to Salesforce: what becomes of an item that was claimed already.
    pub(crate) fn held(&self) -> Option<Outcome> {
        let org = self
            .org()
            .filter(|_| !locked(&self.standstills.org).is_probing());
        self.later(self.salesforce.standstill().or(org))
    }

    /// The same of an item that needs Ticketure.
    pub(crate) fn held_back(&self) -> Option<Outcome> {
        self.later(self.ticketure.as_ref()?.standstill())
    }

    fn org(&self) -> Option<Standstill> {
        locked(&self.standstills.org).standstill(self.now_ms())
    }

    /// Uncharged, at the next try; nothing when that may be now.
    fn later(&self, stands: Option<Standstill>) -> Option<Outcome> {
        let stands = stands.filter(|stands| stands.until_ms > self.now_ms())?;
        Some(Outcome::Retry {
            due_ms: stands.until_ms,
            error: stands.reason,
            charge: false,
        })
    }

    /// Notes why changes of an object cannot be read until somebody mends something, or that they can.
    pub(crate) fn note_reading(&self, name: &str, fault: Option<String>) {
        let mut reading = locked(&self.standstills.reading);
        match fault {
            Some(fault) => _ = reading.insert(name.to_owned(), (self.now_ms(), fault)),
            None => _ = reading.remove(name),
        }
    }

    /// Returns whether changes may be read: they could be, or it is time for another try.
    pub(crate) fn may_be_read(&self, name: &str) -> bool {
        let reading = locked(&self.standstills.reading);
        let is_soon = |(at_ms, _): &(i64, String)| self.now_ms() - at_ms < UNREADABLE_MS;
        !reading.get(name).is_some_and(is_soon)
    }

    /// Tells the store what has changed, for `usher status`.
    pub(crate) async fn show_standstills(&self) -> Result<(), StoreError> {
        let reasons = self.reasons();
        let mut told = self.standstills.shown.lock().await;
        let told = match &mut *told {
            Some(told) => told,
            // An earlier process may have left something.
            nothing => {
                let pauses = self.store.status().await?.pauses.into_iter();
                let pauses = pauses.map(|pause| (pause.direction, pause.reason));
                nothing.insert(pauses.collect())
            }
        };
        let gone = told.keys().filter(|name| !reasons.contains_key(*name));
        for name in gone.cloned().collect::<Vec<_>>() {
            self.store.pause(&name, None).await?;
            told.remove(&name);
        }
        for (name, reason) in reasons {
            if told.get(&name) != Some(&reason) {
                self.store.pause(&name, Some(reason.clone())).await?;
                told.insert(name, reason);
            }
        }
        Ok(())
    }

    /// Everything that stands still now, by direction or mapping.
    fn reasons(&self) -> BTreeMap<String, String> {
        let forward = self.salesforce.standstill().or(self.org());
        let ticketure = self.ticketure.as_ref();
        let back = ticketure.and_then(|client| client.standstill());
        let directions = [(TO_SALESFORCE, forward), (TO_TICKETURE, back)];
        let directions = directions
            .into_iter()
            .filter_map(|(direction, stands)| Some((direction.to_owned(), shown(stands?)?)));
        let reading = locked(&self.standstills.reading).clone();
        let reading = reading.into_iter().map(|(name, (_, fault))| (name, fault));
        directions
            .chain(reading)
            .chain(self.shown_holds())
            .collect()
    }
}

fn shown(stands: Standstill) -> Option<String> {
    let next = jiff::Timestamp::from_millisecond(stands.until_ms).unwrap_or_default();
    (stands.until_ms - stands.since_ms >= SHOWN_MS).then(|| {
        format!(
            "{}; the next try is at {}",
            stands.reason,
            next.strftime("%T UTC")
        )
    })
}
