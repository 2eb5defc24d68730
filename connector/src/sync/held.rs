//! Held mappings in the work: what is held for which error, what may go, and what goes on when the hold ends.

pub(crate) mod calls;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use runtime::mapping::MappingDescriptor;
use runtime::queue::{Outcome, StoreError, TakeBack};
use runtime::retry::{self, Verdict};
use runtime::salesforce::{CallError, SalesforceError};

use super::holds::{Admission, CREATES, Cause, HELD, Holds, IN_A_ROW, Refused, note};
use super::outcome::{Failure, settle};
use super::{TwoWaySync, Unit};

/// How often the schema of a held mapping is read.
const SCHEMA_MS: i64 = 60_000;
/// Time in which a batch under way may still delay items of a hold that has ended.
/// usher looks for them every `LOOK_MS`.
const GO_ON_MS: i64 = 30_000;
const LOOK_MS: i64 = 5_000;
/// Age of the items that an earlier process may have left in the error log.
const LEFT_MS: i64 = 3_600_000;
/// How long usher takes the rights that it read of an object for granted.
const RIGHTS_MS: i64 = 300_000;

/// The holds, and what is done about them beside the work.
#[derive(Default)]
pub(crate) struct Held {
    holds: Mutex<Holds>,
    tended: Mutex<Tended>,
}

#[derive(Default)]
struct Tended {
    /// Earlier processes may have left items delayed.
    begun: bool,
    /// The mappings of which many records in a row were refused.
    streaks: BTreeSet<&'static str>,
    /// Holds that ended, until when their items are looked for, and when that is next.
    ended: BTreeMap<String, (i64, i64)>,
    /// A hash of the schema of a held mapping's object, and when it was read.
    schemas: BTreeMap<&'static str, (i64, u64)>,
    /// Whether the user may create and update records of an object, and when that was read.
    rights: BTreeMap<&'static str, (i64, Rights)>,
}

/// The user's rights on an object.
#[derive(Debug, Clone, Copy)]
struct Rights {
    creates: bool,
    updates: bool,
}

fn locked<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TwoWaySync {
    pub(crate) fn holds(&self) -> MutexGuard<'_, Holds> {
        locked(&self.held_mappings.holds)
    }

    /// The outcome of an item while the mapping is held; `None` if it is not held.
    pub(crate) fn held_mapping(&self, name: &str, key: &str) -> Option<Outcome> {
        self.holds().outcome(name, key, self.now_ms())
    }

    /// The units that may go; the others come back when their mapping may be tried.
    pub(super) async fn without_held_mapping(
        &self,
        mapping: &'static MappingDescriptor,
        units: Vec<Unit>,
    ) -> Result<Vec<Unit>, StoreError> {
        let (units, back) = match self.holds().get(mapping.name).map(|hold| hold.cause) {
            None => return Ok(units),
            // Nothing that goes to Ticketure alone was refused.
            Some(Cause::Streak | Cause::Full) => units.into_iter().partition(Unit::goes_forward),
            Some(Cause::Mapping { .. } | Cause::Reading { .. }) => (units, Vec::new()),
        };
        let mut going = back;
        let admission = {
            let keys = units.iter().map(|unit| unit.source_id.as_str());
            self.holds().admit(mapping.name, keys, self.now_ms())
        };
        let mut waiting = Vec::new();
        for unit in units {
            let later = match admission.lets(&unit.source_id) {
                true => None,
                false => self.held_mapping(mapping.name, &unit.source_id),
            };
            match later {
                Some(later) => waiting.push((unit, later)),
                None => going.push(unit),
            }
        }
        let settlements = self.wait_but_opt_out(mapping, waiting).await?;
        self.store.settle(settlements).await?;
        Ok(going)
    }

    /// Rows without a record in Salesforce wait while the org is full.
    pub(super) async fn without_creates(&self, units: Vec<Unit>) -> Result<Vec<Unit>, StoreError> {
        if self.holds().look(CREATES, self.now_ms()) == Admission::All {
            return Ok(units);
        }
        let (rows, mut going): (Vec<Unit>, Vec<Unit>) =
            units.into_iter().partition(Unit::goes_forward);
        let mut settlements = Vec::new();
        for unit in rows {
            match self.held_mapping(CREATES, &unit.source_id) {
                Some(later) => settlements.extend(settle(unit, &later, None)),
                None => going.push(unit),
            }
        }
        self.store.settle(settlements).await?;
        Ok(going)
    }

    /// Holds the mapping, or all creates if the org is full. `only`: the record, if one alone was refused. Returns the
    /// name of the hold.
    pub(crate) fn hold_for(
        &self,
        mapping: &'static MappingDescriptor,
        error: &SalesforceError,
        only: Option<&str>,
    ) -> &'static str {
        let object = mapping.object;
        self.hold_as(mapping, error, only, Cause::Mapping { object })
    }

    fn hold_as(
        &self,
        mapping: &'static MappingDescriptor,
        error: &SalesforceError,
        only: Option<&str>,
        cause: Cause,
    ) -> &'static str {
        let (name, cause) = match error.verdict() {
            Verdict::Full => (CREATES, Cause::Full),
            _ => (mapping.name, cause),
        };
        let reason = self.reason(name, error);
        self.holds()
            .hold(name, cause, (reason, only), self.now_ms());
        name
    }

    /// Returns the outcome of an item after a call that no record of a mapping gets past. Of the mappings that asked, it
    /// holds the one whose object the error names, else the first one. `None` if the error is of another class.
    pub(super) fn held_by_call(
        &self,
        asking: &[&'static MappingDescriptor],
        error: &CallError,
    ) -> Option<Outcome> {
        let CallError::Refused { errors, .. } = error else {
            return None;
        };
        let first = errors.first()?;
        if !matches!(error.verdict(), Verdict::Mapping | Verdict::Full) {
            return None;
        }
        let is_named =
            |mapping: &&&'static MappingDescriptor| names_object(&first.message, mapping.object);
        let named = asking.iter().find(is_named).or(asking.first());
        let mapping = *named?;
        let object = mapping.object;
        let name = self.hold_as(mapping, first, None, Cause::Reading { object });
        self.held_mapping(name, "")
    }

    /// Notes that a call of the mapping's own was answered, beside the calls over its records.
    pub(crate) fn answered(&self, name: &'static str) {
        self.holds().answered(name);
    }

    fn reason(&self, name: &str, error: &SalesforceError) -> String {
        let place = self.mapping(name).and_then(|mapping| {
            let named = error.fields.iter().map(String::as_str);
            let named = named.chain(named_column(&error.message));
            named.into_iter().find_map(|field| mapping.place(field))
        });
        let file = self.mapping(name).map(|mapping| mapping.file.to_owned());
        let place = place.or(file).map(|place| format!(" ({place})"));
        format!(
            "{}{} {}",
            said(error),
            place.unwrap_or_default(),
            goes_on(&error.code)
        )
    }

    /// Counts a record that is refused for good. `Some` if its mapping is held, as for many others of its kind.
    pub(crate) fn held_in_a_row(
        &self,
        mapping: &'static MappingDescriptor,
        (of, key): (&'static str, &str),
        failure: &Failure<'_>,
        field: Option<&String>,
    ) -> Option<Outcome> {
        let counts = failure.verdict == Verdict::Permanent
            || failure.verdict == Verdict::Transient && !retry::is_known(failure.code);
        let refused = Refused {
            mapping: mapping.name,
            of,
            key,
            code: failure.code,
            field: field.map(String::as_str).unwrap_or_default(),
        };
        let mut holds = self.holds();
        if !counts || !holds.refused(refused, self.now_ms()) {
            return None;
        }
        let place = failure.place.as_ref().map(|place| format!(" ({place})"));
        let reason = format!(
            "{IN_A_ROW} records in a row were refused, and none landed: {}{} One record is tried a minute. {}",
            failure.line(),
            place.unwrap_or_default(),
            goes_on(failure.code),
        );
        holds.say(mapping.name, reason);
        holds.outcome(mapping.name, key, self.now_ms())
    }

    /// A record of the mapping landed.
    pub(crate) fn landed(&self, name: &'static str, is_new: bool) {
        let mut holds = self.holds();
        let now_ms = self.now_ms();
        holds.landed(name, now_ms);
        if is_new {
            holds.landed(CREATES, now_ms);
        }
    }

    /// Returns whether the user may not write records of the object at all. Asked once in a while.
    pub(crate) async fn is_closed(&self, object: &'static str, creates: bool) -> bool {
        let now_ms = self.now_ms();
        let known = locked(&self.held_mappings.tended)
            .rights
            .get(object)
            .copied();
        let rights = match known {
            Some((at_ms, rights)) if now_ms - at_ms < RIGHTS_MS => rights,
            _ => {
                // An object whose describe is refused is not known to be closed.
                let described = self.salesforce.describe(object).await.unwrap_or_default();
                let may = |what: &str| described.get(what).and_then(serde_json::Value::as_bool);
                let rights = Rights {
                    creates: may("createable") != Some(false),
                    updates: may("updateable") != Some(false),
                };
                let mut tended = locked(&self.held_mappings.tended);
                tended.rights.insert(object, (now_ms, rights));
                rights
            }
        };
        match creates {
            true => !rights.creates,
            false => !rights.updates,
        }
    }

    /// Takes items back that were refused alike, lets go on what is held no longer, and looks for changed schemas.
    pub(super) async fn tend_holds(&self) -> Result<(), StoreError> {
        self.take_back_refused().await?;
        self.look_at_schemas().await;
        let now_ms = self.now_ms();
        let due: Vec<String> = {
            let released = self.holds().take_released();
            let mut tended = locked(&self.held_mappings.tended);
            if !std::mem::replace(&mut tended.begun, true) {
                tended.ended.insert(HELD.to_owned(), (now_ms, now_ms));
            }
            let ended = released
                .into_iter()
                .map(|name| (note(name), (now_ms + GO_ON_MS, now_ms)));
            tended.ended.extend(ended);
            let mut due = Vec::new();
            tended.ended.retain(|beginning, (end_ms, next_ms)| {
                if *next_ms <= now_ms {
                    due.push(beginning.clone());
                    *next_ms = now_ms + LOOK_MS;
                }
                now_ms < *end_ms
            });
            due
        };
        for beginning in due {
            self.store.go_on(beginning).await?;
        }
        Ok(())
    }

    async fn take_back_refused(&self) -> Result<(), StoreError> {
        let taken = self.holds().take_back();
        for back in taken {
            // An earlier process may have ended before it took its refused records back.
            let is_first = locked(&self.held_mappings.tended).streaks.insert(back.name);
            // The latest errors with the code are probably that process's.
            let latest = if is_first { 2 * IN_A_ROW } else { 0 };
            let mut by_mapping: BTreeMap<&str, Vec<String>> = BTreeMap::new();
            for (mapping, key) in back.records {
                by_mapping.entry(mapping).or_default().push(key);
            }
            for (mapping, keys) in by_mapping {
                let later = keys
                    .first()
                    .and_then(|key| self.held_mapping(back.name, key));
                // The hold may have ended meanwhile.
                let (due_ms, note) = match later {
                    Some(Outcome::Retry { due_ms, error, .. }) => (due_ms, error),
                    _ => (self.now_ms(), note(back.name)),
                };
                let back = TakeBack {
                    mapping: mapping.to_owned(),
                    keys,
                    code: back.code.clone(),
                    latest,
                    since_ms: self.now_ms() - LEFT_MS,
                    due_ms,
                    note,
                };
                self.store.take_back(back).await?;
            }
        }
        Ok(())
    }

    /// Reads the schemas of held mappings now and then. A mapping whose object has changed is tried at once.
    async fn look_at_schemas(&self) {
        let held: Vec<(&'static str, &'static str)> = {
            let holds = self.holds();
            let objects = holds
                .all()
                .filter_map(|(name, hold)| Some((name, hold.cause.object()?)));
            objects.collect()
        };
        locked(&self.held_mappings.tended)
            .schemas
            .retain(|name, _| held.iter().any(|(held, _)| held == name));
        for (name, object) in held {
            let now_ms = self.now_ms();
            let known = locked(&self.held_mappings.tended)
                .schemas
                .get(name)
                .copied();
            if known.is_some_and(|(at_ms, _)| now_ms - at_ms < SCHEMA_MS) || self.held().is_some() {
                continue;
            }
            let seen = match self.salesforce.describe(object).await {
                Ok(described) => {
                    let mut hasher = DefaultHasher::new();
                    described.to_string().hash(&mut hasher);
                    hasher.finish()
                }
                // The object is hidden: that is its schema.
                Err(error) if error.verdict() == Verdict::Mapping => 0,
                Err(_) => continue,
            };
            let mut tended = locked(&self.held_mappings.tended);
            tended.schemas.insert(name, (now_ms, seen));
            if known.is_some_and(|(_, before)| before != seen) {
                tended.rights.remove(object);
                drop(tended);
                self.holds().try_now(name, now_ms);
            }
        }
    }

    /// The reasons of the holds, by name, as an operator reads them.
    pub(super) fn shown_holds(&self) -> BTreeMap<String, String> {
        let holds = self.holds();
        let shown = holds.all().map(|(name, hold)| {
            let name = match self.mapping(name) {
                Some(_) => held_name(name),
                None => name.to_owned(),
            };
            (name, hold.reason.clone())
        });
        shown.collect()
    }
}

/// The name of a held mapping in `usher status`.
pub(crate) fn held_name(mapping: &str) -> String {
    format!("mapping {mapping}")
}

/// Help for an operator whose items go on by themselves.
fn goes_on(code: &str) -> String {
    let help = retry::help(code);
    help.replace("retry the item", "it goes on by itself")
}

fn said(error: &SalesforceError) -> String {
    match error.message.as_str() {
        "" => format!("{}.", error.code),
        message => format!("{}: {}.", error.code, message.trim_end_matches('.')),
    }
}

/// `No such column 'Nickname__c' on sobject of type Contact`.
fn named_column(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("No such column '")?;
    rest.split_once('\'').map(|(column, _)| column)
}

/// Returns whether the message names the object as a word.
fn names_object(message: &str, object: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    message
        .split(|letter| !is_part(letter))
        .any(|word| word == object)
}
