//! Changes in Salesforce to queue items. An echo of our own write is no difference, and becomes no item.

mod judge;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runtime::mapping::{Direction, MappingDescriptor};
use runtime::queue::{Captured, StoreError};
use runtime::salesforce::{CallError, ChangesPage, SalesforceClient};
use runtime::worker::Arrivals;
use serde_json::Value;
use tokio::sync::watch;

use crate::sync::{TwoWaySync, image};

/// Rows may be committed with a time that is already past. The cursor, before which nothing is read again, stays so
/// far behind Salesforce's own time.
const OVERLAP_MS: i64 = 120_000;
/// While webhooks are being worked off, reading waits for them, but not longer than this.
const YIELD_MAX_MS: i64 = 60_000;
/// How often a direction that stands still is tried.
const PAUSED_MS: i64 = 60_000;

/// Where changes come from: asking for them today, being told of them later.
#[async_trait]
pub trait ChangeSource: Send + Sync {
    /// Records changed at this time or later, oldest first, deleted ones among them; or the page of an earlier answer.
    async fn changes(
        &self,
        object: &str,
        select: &[&str],
        since: &str,
        next: Option<&str>,
    ) -> Result<ChangesPage, CallError>;
}

/// Asks Salesforce every so often.
pub struct Polling(pub SalesforceClient);

#[async_trait]
impl ChangeSource for Polling {
    async fn changes(
        &self,
        object: &str,
        select: &[&str],
        since: &str,
        next: Option<&str>,
    ) -> Result<ChangesPage, CallError> {
        match next {
            Some(next) => self.0.more_changes(next).await,
            None => self.0.changes(object, select, Some(since)).await,
        }
    }
}

/// Reads changes until it is told to stop.
pub struct Capture {
    pub source: Box<dyn ChangeSource>,
    pub sync: Arc<TwoWaySync>,
    pub every: Duration,
    pub arrivals: Arc<Arrivals>,
}

impl Capture {
    /// # Errors
    /// When the store fails. A reading that fails is made again.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) -> Result<(), StoreError> {
        let mut read_at = i64::MIN / 2;
        self.sync.owe_parked().await?;
        while !*stop.borrow() {
            self.sync.ask_after_ticketure().await;
            self.sync.fetch_owed().await?;
            if self.may_read(read_at).await? {
                read_at = self.sync.now_ms();
                self.read_all().await?;
            }
            tokio::select! {
                biased;
                () = tokio::time::sleep(self.every) => {}
                _ = stop.changed() => {}
            }
        }
        Ok(())
    }

    async fn may_read(&self, read_at: i64) -> Result<bool, StoreError> {
        let waited = self.sync.now_ms() - read_at;
        if self.sync.held().is_some() {
            return Ok(false);
        }
        if !self.sync.reads() {
            return Ok(waited >= PAUSED_MS);
        }
        let status = self.sync.store.status().await?;
        let busy = status.ready + status.running > 0 || self.arrivals.waiting() > 0;
        Ok(!busy || waited >= YIELD_MAX_MS)
    }

    /// Every mapping that goes back, once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read_all(&self) -> Result<(), StoreError> {
        let mappings: Vec<&'static MappingDescriptor> = self
            .sync
            .handlers
            .iter()
            .flat_map(|handler| handler.mappings())
            .copied()
            .filter(|mapping| mapping.direction == Direction::Both)
            .collect();
        let mut fault = None;
        for mapping in mappings {
            if let Some(poisoned) = self.poisoned(mapping).await? {
                fault = Some(poisoned);
                continue;
            }
            match self.read(mapping).await? {
                Ok(new) => self.arrivals.add(new),
                Err(error) => {
                    tracing::warn!(%error, object = mapping.object, "changes in Salesforce cannot be read");
                    if is_lasting(&error) {
                        fault = Some(format!(
                            "changes of {} cannot be read: {error}",
                            mapping.object
                        ));
                    }
                }
            }
        }
        self.sync.note_reading(fault);
        self.sync.show_standstills().await
    }

    /// Everything there is, whatever was read before.
    ///
    /// # Errors
    /// When the store fails.
    #[cfg(feature = "demo")]
    pub async fn read_everything(&self) -> Result<(), StoreError> {
        for handler in self.sync.handlers.iter() {
            for mapping in handler.mappings() {
                let cursor = Some((cursor_name(mapping), "0".to_owned()));
                self.sync
                    .store
                    .capture(Captured {
                        cursor,
                        ..Captured::default()
                    })
                    .await?;
            }
        }
        self.read_all().await
    }

    /// A cursor that says no time: to go on from now would pass over changes, so a person has to say from when.
    async fn poisoned(&self, mapping: &MappingDescriptor) -> Result<Option<String>, StoreError> {
        let name = cursor_name(mapping);
        let kept = self.sync.store.cursor(&name).await?;
        Ok(kept.filter(|kept| kept.parse::<i64>().is_err()).map(|kept| {
            format!("the cursor {name} is `{kept}`, which is no time: set it in the table `cursors` to milliseconds since 1970 from when on changes are to be read (0 is everything)")
        }))
    }

    /// All pages since the cursor; says how many items are new.
    async fn read(
        &self,
        mapping: &'static MappingDescriptor,
    ) -> Result<Result<usize, CallError>, StoreError> {
        if let Err(error) = self.sync.npsp().await {
            return Ok(Err(error));
        }
        let name = cursor_name(mapping);
        let kept = self.sync.store.cursor(&name).await?;
        let mut cursor = match kept.as_deref().and_then(|kept| kept.parse::<i64>().ok()) {
            Some(cursor) => cursor,
            // Nothing was read yet: from now on. What was there before is for a backfill.
            None => match self.sync.salesforce.limits().await {
                // Any answer tells Salesforce's time.
                Ok(_) => self.sync.now_ms() + self.sync.salesforce.offset_ms() - OVERLAP_MS,
                Err(error) => return Ok(Err(error)),
            },
        };
        let mut select = image::select(mapping, self.sync.has_npsp());
        for field in ["IsDeleted", "MasterRecordId"] {
            select.push(field);
        }
        let started_ms = self.sync.now_ms();
        let since = literal(cursor);
        let mut next: Option<String> = None;
        let mut new = 0;
        loop {
            let page = self
                .source
                .changes(mapping.object, &select, &since, next.as_deref())
                .await;
            let page = match page {
                Ok(page) => page,
                Err(error) => return Ok(Err(error)),
            };
            let stamps = page.records.iter().filter_map(|record| {
                runtime::clock::parse_ms(record.get("SystemModstamp").and_then(Value::as_str)?)
            });
            cursor = stamps
                .max()
                .map_or(cursor, |latest| cursor.max(latest - OVERLAP_MS));
            if page.next.is_none() {
                // All of it was read: what is committed from now on has a time that is hardly older than now.
                let theirs = started_ms + self.sync.salesforce.offset_ms();
                cursor = cursor.max(theirs - OVERLAP_MS);
            }
            let judged = judge::judge(&self.sync, mapping, page.records).await?;
            let captured = Captured {
                cursor: Some((name.clone(), cursor.to_string())),
                ..judged
            };
            new += self.sync.store.capture(captured).await?;
            next = page.next;
            if next.is_none() {
                return Ok(Ok(new));
            }
        }
    }
}

fn cursor_name(mapping: &MappingDescriptor) -> String {
    format!("salesforce:{}", mapping.name)
}

/// Nothing that time mends: the schema, the rights. What makes every call fail is said of the other direction.
fn is_lasting(error: &CallError) -> bool {
    let refused = matches!(error, CallError::Refused { status, .. } if (400..500).contains(status));
    refused && !error.is_everybodys()
}

/// As SOQL writes a time.
fn literal(ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(ms.max(0)).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
