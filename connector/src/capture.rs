//! Changes in Salesforce to queue items. An echo of our own write is no difference, and becomes no item.

mod judge;
mod pushes;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runtime::mapping::{Direction, MappingDescriptor};
use runtime::queue::{Captured, StoreError};
use runtime::salesforce::{CallError, ChangesPage, SalesforceClient};
use runtime::worker::Arrivals;
use serde_json::Value;
use tokio::sync::watch;

use crate::sync::{TwoWaySync, held_name, image};

/// Rows may be committed with a time that is already past. The cursor, before which nothing is read again, stays so
/// far behind Salesforce's own time.
const OVERLAP_MS: i64 = 120_000;
/// While webhooks are being worked off, reading waits for them, but not longer than this.
const YIELD_MAX_MS: i64 = 60_000;
/// Times that a reading begins at its cursor again. The next reading, which comes in any case, goes on from there.
const RESTARTS_MAX: u32 = 3;

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
        for mapping in mappings {
            let name = held_name(mapping.name);
            if !self.sync.may_be_read(&name) {
                continue;
            }
            let fault = match self.poisoned(mapping).await? {
                Some(poisoned) => Some(poisoned),
                None => self.fault(mapping.object, self.read(mapping).await?),
            };
            self.sync.note_reading(&name, fault);
        }
        for watched in pushes::watched(&self.sync) {
            let name = format!("reading {}", watched.object);
            if self.sync.may_be_read(&name) {
                let read = self.read_pushes(&watched).await?;
                self.sync
                    .note_reading(&name, self.fault(watched.object, read));
            }
        }
        self.sync.show_standstills().await
    }

    /// Why the changes of an object could not be read, where time does not mend it.
    fn fault(&self, object: &str, read: Result<usize, CallError>) -> Option<String> {
        match read {
            Ok(new) => {
                self.arrivals.add(new);
                None
            }
            Err(error) => {
                tracing::warn!(%error, object, "changes in Salesforce cannot be read");
                is_lasting(&error).then(|| format!("changes of {object} cannot be read: {error}"))
            }
        }
    }

    /// The same of records that are no pairs.
    async fn read_pushes(
        &self,
        watched: &pushes::Watched,
    ) -> Result<Result<usize, CallError>, StoreError> {
        if let Err(error) = self.sync.npsp().await {
            return Ok(Err(error));
        }
        let name = format!("salesforce:pushes:{}", watched.object);
        let mut reading = match self.reading(name, watched.object).await? {
            Ok(reading) => reading,
            Err(error) => return Ok(Err(error)),
        };
        reading.select = watched.select(self.sync.has_npsp());
        let mut new = 0;
        loop {
            let page = match self.page(&mut reading).await {
                Ok(page) => page,
                Err(error) => return Ok(Err(error)),
            };
            let judged = watched.judge(&self.sync, page.records).await?;
            new += self.keep(&reading, judged).await?;
            if reading.next.is_none() {
                return Ok(Ok(new));
            }
        }
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
        for watched in pushes::watched(&self.sync) {
            let name = format!("salesforce:pushes:{}", watched.object);
            let cursor = Some((name, "0".to_owned()));
            let captured = Captured {
                cursor,
                ..Captured::default()
            };
            self.sync.store.capture(captured).await?;
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
        let mut reading = match self.reading(cursor_name(mapping), mapping.object).await? {
            Ok(reading) => reading,
            Err(error) => return Ok(Err(error)),
        };
        reading.select = image::select(mapping, self.sync.has_npsp());
        let household = self.sync.household_of(mapping.name);
        for field in ["IsDeleted", "MasterRecordId"].into_iter().chain(household) {
            // Salesforce refuses a field that is named twice.
            if !reading.select.contains(&field) {
                reading.select.push(field);
            }
        }
        let mut new = 0;
        loop {
            let page = match self.page(&mut reading).await {
                Ok(page) => page,
                Err(error) => return Ok(Err(error)),
            };
            let judged = judge::judge(&self.sync, mapping, page.records).await?;
            new += self.keep(&reading, judged).await?;
            if reading.next.is_none() {
                return Ok(Ok(new));
            }
        }
    }

    /// From where on an object is read.
    async fn reading(
        &self,
        name: String,
        object: &'static str,
    ) -> Result<Result<Reading, CallError>, StoreError> {
        let kept = self.sync.store.cursor(&name).await?;
        let cursor = match kept.as_deref().and_then(|kept| kept.parse::<i64>().ok()) {
            Some(cursor) => cursor,
            // Nothing was read yet: from now on. What was there before is for a backfill.
            None => match self.sync.salesforce.limits().await {
                // Any answer tells Salesforce's time.
                Ok(_) => self.sync.now_ms() + self.sync.salesforce.offset_ms() - OVERLAP_MS,
                Err(error) => return Ok(Err(error)),
            },
        };
        Ok(Ok(Reading {
            name,
            object,
            select: Vec::new(),
            since: literal(cursor),
            cursor,
            started_ms: self.sync.now_ms(),
            next: None,
            restarts: 0,
        }))
    }

    /// Reads the next page, from the cursor again when the locator of the pages has ended.
    async fn asked(&self, reading: &mut Reading) -> Result<ChangesPage, CallError> {
        loop {
            let answer = self
                .source
                .changes(
                    reading.object,
                    &reading.select,
                    &reading.since,
                    reading.next.as_deref(),
                )
                .await;
            match answer {
                Err(error) if error.is_locator_over() && reading.restarts < RESTARTS_MAX => {
                    reading.restarts += 1;
                    reading.next = None;
                    reading.since = literal(reading.cursor);
                }
                answer => return answer,
            }
        }
    }

    /// The next page, and how far it goes.
    async fn page(&self, reading: &mut Reading) -> Result<ChangesPage, CallError> {
        let page = self.asked(reading).await?;
        let stamps = page.records.iter().filter_map(|record| {
            runtime::clock::parse_ms(record.get("SystemModstamp").and_then(Value::as_str)?)
        });
        let cursor = reading.cursor;
        reading.cursor = stamps
            .max()
            .map_or(cursor, |latest| cursor.max(latest - OVERLAP_MS));
        if page.next.is_none() {
            // All of it was read: what is committed from now on has a time that is hardly older than now.
            let theirs = reading.started_ms + self.sync.salesforce.offset_ms();
            reading.cursor = reading.cursor.max(theirs - OVERLAP_MS);
        }
        reading.next.clone_from(&page.next);
        Ok(page)
    }

    async fn keep(&self, reading: &Reading, judged: Captured) -> Result<usize, StoreError> {
        let captured = Captured {
            cursor: Some((reading.name.clone(), reading.cursor.to_string())),
            ..judged
        };
        self.sync.store.capture(captured).await
    }
}

/// The reading of one object, page by page.
struct Reading {
    /// Of the cursor.
    name: String,
    object: &'static str,
    select: Vec<&'static str>,
    since: String,
    /// How far it came, by Salesforce's clock.
    cursor: i64,
    started_ms: i64,
    next: Option<String>,
    /// Count of times that it began anew at its cursor.
    restarts: u32,
}

fn cursor_name(mapping: &MappingDescriptor) -> String {
    format!("salesforce:{}", mapping.name)
}

/// Nothing that time mends: the schema, the rights. What makes every call fail is said of the other direction.
fn is_lasting(error: &CallError) -> bool {
    let refused = matches!(error, CallError::Refused { status, .. } if (400..500).contains(status));
    refused && !error.is_everybodys() && !error.is_locator_over()
}

/// As SOQL writes a time.
fn literal(ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(ms.max(0)).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
