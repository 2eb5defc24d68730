//! Records into calls: as many a call as their object takes, those that fight for a lock apart, and a call that is
//! refused as a whole divided until the record to blame is alone.

mod divided;

use std::collections::{BTreeMap, VecDeque};
use std::sync::PoisonError;

use runtime::lock_groups::{LockGroups, Ticket};
use runtime::mapping::{Duplicates, MappingDescriptor};
use runtime::queue::Outcome;
use runtime::retry::{self, Verdict};
use runtime::salesforce::{CallError, RecordResult, SalesforceError};

use super::TwoWaySync;
use super::blamed::Blamed;
use super::held::calls::Parts;
use divided::Divided;

/// Somebody else's call has the lock now; so long it takes, about.
const LOCK_TAKEN_MS: i64 = 500;

/// A record on its way into a call.
pub(crate) struct Record<T> {
    pub(crate) of: T,
    /// Of the source record.
    pub(crate) key: String,
    /// Of the record to be changed; none makes a new one.
    pub(crate) id: Option<String>,
    /// JSON: the fields.
    pub(crate) body: String,
    /// Ids of the records that Salesforce locks with it.
    pub(crate) locks: Vec<String>,
}

/// What became of it.
pub(crate) enum Sent {
    /// Its id.
    Landed(String),
    Refused(Refusal),
    /// The call gave no result. `alone`: nothing else was in it.
    Unanswered {
        error: CallError,
        alone: bool,
    },
    /// No call was made.
    Later(Outcome),
}

impl Sent {
    /// Surely nothing was written.
    pub(crate) fn is_undone(&self) -> bool {
        match self {
            Sent::Landed(_) => false,
            Sent::Refused(_) | Sent::Later(_) => true,
            Sent::Unanswered { error, .. } => !error.may_have_committed(),
        }
    }

    /// The org has looked at the record, and takes none like it.
    pub(crate) fn is_refused_for_good(&self) -> bool {
        let verdict = match self {
            Sent::Refused(refusal) => refusal.errors.first().map(SalesforceError::verdict),
            _ => None,
        };
        verdict == Some(Verdict::Permanent)
    }
}

/// Salesforce refused one record.
pub(crate) struct Refusal {
    pub(crate) errors: Vec<SalesforceError>,
    /// Nothing else was in the call.
    pub(crate) alone: bool,
    /// Others of its own call were written.
    pub(crate) call_landed: bool,
    /// Others of the same calls were written.
    pub(crate) others_landed: bool,
    /// A person has said already that it is none of the records that are there.
    pub(crate) decided: bool,
    pub(crate) locks: Vec<String>,
}

impl Refusal {
    /// Returns whether the record is to blame for what its call ran out of: it was alone in it, or others landed.
    pub(crate) fn is_to_blame(&self) -> bool {
        self.alone || self.call_landed
    }

    /// The org ran out of time, or of something else, over the call.
    pub(crate) fn is_too_much(&self) -> bool {
        let error = self.errors.first();
        error.is_some_and(SalesforceError::is_too_much)
    }

    /// Why no record can be written. Where others of the call were, it is this record that nobody may touch.
    pub(crate) fn orgs_reason(&self) -> Option<String> {
        let error = self.errors.first()?;
        (error.verdict() == Verdict::OrgWide && !self.others_landed).then(|| {
            let help = retry::help(&error.code);
            format!("{}: {}. {help}", error.code, error.message)
        })
    }
}

impl TwoWaySync {
    /// Writes records of one mapping, either all new or all there already.
    pub(crate) async fn in_calls<T: Send>(
        &self,
        mapping: &'static MappingDescriptor,
        records: Vec<Record<T>>,
    ) -> Vec<(T, Sent)> {
        let duplicates = mapping.policies.duplicates;
        self.in_calls_with(mapping, duplicates, records).await
    }

    /// Writes opt-outs of records whose other fields were refused.
    pub(super) async fn opt_outs_in_calls<T: Send>(
        &self,
        mapping: &'static MappingDescriptor,
        records: Vec<Record<T>>,
    ) -> Vec<(T, Sent)> {
        let duplicates = mapping.policies.duplicates;
        self.parts_in_calls(mapping, duplicates, records, Parts::OptOuts)
            .await
    }

    /// Writes records with another word on duplicates than the mapping's.
    pub(super) async fn in_calls_with<T: Send>(
        &self,
        mapping: &'static MappingDescriptor,
        duplicates: Duplicates,
        records: Vec<Record<T>>,
    ) -> Vec<(T, Sent)> {
        self.parts_in_calls(mapping, duplicates, records, Parts::Whole)
            .await
    }

    async fn parts_in_calls<T: Send>(
        &self,
        mapping: &'static MappingDescriptor,
        duplicates: Duplicates,
        records: Vec<Record<T>>,
        parts: Parts,
    ) -> Vec<(T, Sent)> {
        let object = mapping.object;
        let (records, mut sent) = self.with_room(records);
        let mut left = VecDeque::from(records);
        let mut divided: Divided<Record<T>> = Divided::new();
        let ticket = self.lock_groups().ticket();
        while !left.is_empty() || !divided.is_empty() {
            let waits = parts == Parts::Whole && self.is_held_back(mapping.name);
            if self.held().is_some() || waits {
                let rest = divided.rest().chain(left);
                sent.extend(rest.map(|record| self.put_off_record(mapping.name, record)));
                break;
            }
            let size = self.call_size(object);
            let call = match divided.next() {
                Some(part) => part,
                None => self.next_call(ticket, &mut left, size),
            };
            if call.is_empty() {
                // The locks of all that is left are taken by calls of other batches.
                let later = self.again(LOCK_TAKEN_MS, "another call has its lock");
                sent.extend(
                    left.drain(..)
                        .map(|record| (record.of, Sent::Later(later.clone()))),
                );
                break;
            }
            let results = self.one_call(object, duplicates, &call).await;
            self.note_blame(&call, &results);
            match results {
                Err(error)
                    if call.len() > 1
                        && (error.is_about_content() || self.is_doubted(mapping, &error)) =>
                {
                    divided.refused(call);
                }
                results => {
                    match results {
                        Ok(_) => divided.answered(),
                        Err(_) => divided.ended(),
                    }
                    let alone = self.alone(object, duplicates, &call, &results).await;
                    self.release(ticket, &call);
                    let held = self.held_after(mapping, &call, &results, parts).await;
                    let results = each(call, results, alone, held);
                    self.hold_if_orgs(&results);
                    sent.extend(results);
                }
            }
        }
        others_landed(sent)
    }

    fn next_call<T>(
        &self,
        ticket: Ticket,
        left: &mut VecDeque<Record<T>>,
        size: usize,
    ) -> Vec<Record<T>> {
        let now_ms = self.now_ms();
        let blamed = self.blamed();
        let mut groups = self.lock_groups();
        take(
            left,
            size,
            |record| blamed.is(&record.key, now_ms),
            |locks| groups.take(ticket, locks, now_ms),
        )
    }

    fn note_blame<T>(&self, call: &[Record<T>], results: &Result<Vec<RecordResult>, CallError>) {
        if let [record] = call {
            let is_refused =
                |error: &CallError| error.is_about_content() || error.verdict() == Verdict::Mapping;
            let to_blame = results.as_ref().is_err_and(is_refused);
            self.blamed().note(&record.key, to_blame, self.now_ms());
        }
    }

    fn blamed(&self) -> std::sync::MutexGuard<'_, Blamed> {
        self.blamed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What no record gets past stops the calls that were still to come.
    fn hold_if_orgs<T>(&self, sent: &[(T, Sent)]) {
        let orgs = sent.iter().find_map(|(_, sent)| match sent {
            Sent::Refused(refusal) => refusal.orgs_reason(),
            _ => None,
        });
        if let Some(reason) = orgs {
            self.hold(&reason);
        }
    }

    async fn one_call<T>(
        &self,
        object: &'static str,
        duplicates: Duplicates,
        call: &[Record<T>],
    ) -> Result<Vec<RecordResult>, CallError> {
        let changes: Option<Vec<(String, String)>> = call
            .iter()
            .map(|record| Some((record.id.clone()?, record.body.clone())))
            .collect();
        let salesforce = match duplicates {
            Duplicates::Review => self.salesforce.clone(),
            Duplicates::Allow => self.salesforce.saving_duplicates(),
        };
        let results = match changes {
            Some(changes) => salesforce.update(object, &changes).await,
            None => {
                let bodies: Vec<String> = call.iter().map(|record| record.body.clone()).collect();
                salesforce.create(object, &bodies).await
            }
        };
        self.note_size(object, call.len(), &results);
        results
    }

    /// Sends the records alone that a duplicate rule refused: a call of many does not say which records the rule found.
    /// The results by the place in the call.
    async fn alone<T>(
        &self,
        object: &'static str,
        duplicates: Duplicates,
        call: &[Record<T>],
        results: &Result<Vec<RecordResult>, CallError>,
    ) -> BTreeMap<usize, Alone> {
        let mut alone = BTreeMap::new();
        let Ok(results) = results else { return alone };
        let refused = call.iter().zip(results).enumerate();
        let refused = refused.filter(|(_, (_, result))| names_no_match(result));
        for (place, (record, _)) in refused.filter(|_| duplicates == Duplicates::Review) {
            let sent = match alone.len() < ALONE_MAX {
                true => {
                    let id = record.id.as_deref();
                    let sent = self.salesforce.write_alone(object, id, &record.body);
                    Alone::Sent(sent.await)
                }
                false => Alone::Later(self.again(ALONE_MS, "others go alone first")),
            };
            alone.insert(place, sent);
        }
        alone
    }

    fn note_size(&self, object: &str, sent: usize, results: &Result<Vec<RecordResult>, CallError>) {
        let too_much = match results {
            Err(error) => error.is_too_much(),
            // If other records of the call landed, the call was not too large.
            Ok(results) if results.iter().any(Result::is_ok) => false,
            Ok(results) => results
                .iter()
                .filter_map(|result| result.as_ref().err())
                .any(|errors| errors.iter().any(SalesforceError::is_too_much)),
        };
        self.note_call_size(object, sent, too_much, results.is_ok());
    }

    /// Notes whether a call of so many records or trees was too much.
    pub(crate) fn note_call_size(&self, object: &str, sent: usize, too_much: bool, is_ok: bool) {
        let mut sizes = self
            .call_sizes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if too_much {
            sizes.too_many(object, sent);
        } else if is_ok {
            sizes.went_well(object, sent);
        }
    }

    pub(crate) fn call_size(&self, object: &str) -> usize {
        self.call_sizes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .of(object)
    }

    pub(crate) fn lock_groups(&self) -> std::sync::MutexGuard<'_, LockGroups> {
        self.lock_groups
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn release<T>(&self, ticket: Ticket, call: &[Record<T>]) {
        let locks = call.iter().flat_map(|record| &record.locks);
        self.lock_groups().release(ticket, locks);
    }
}

/// The next call: the first records that may go together, or one that goes alone when no others are left.
fn take<T>(
    left: &mut VecDeque<Record<T>>,
    size: usize,
    goes_alone: impl Fn(&Record<T>) -> bool,
    mut may_go: impl FnMut(&[String]) -> bool,
) -> Vec<Record<T>> {
    let mut call = Vec::with_capacity(size.min(left.len()));
    let (mut alone, mut later) = (VecDeque::new(), VecDeque::new());
    while call.len() < size
        && let Some(record) = left.pop_front()
    {
        match goes_alone(&record) {
            true => alone.push_back(record),
            false if may_go(&record.locks) => call.push(record),
            false => later.push_back(record),
        }
    }
    if call.is_empty() {
        let first = alone.iter().position(|record| may_go(&record.locks));
        call.extend(first.and_then(|index| alone.remove(index)));
    }
    later.append(left);
    later.append(&mut alone);
    *left = later;
    call
}

/// Records of one call that go alone at once; the others do soon.
const ALONE_MAX: usize = 20;
const ALONE_MS: i64 = 1_000;

/// A record that was refused among others.
enum Alone {
    Sent(Result<RecordResult, CallError>),
    Later(Outcome),
}

/// Returns whether a duplicate rule refused the record, and the answer names none of the records that it found.
fn names_no_match(result: &RecordResult) -> bool {
    let first = result.as_ref().err().and_then(|errors| errors.first());
    first.is_some_and(|error| error.code == DUPLICATES_DETECTED && error.matches.is_empty())
}

/// The code of a duplicate rule's refusal.
const DUPLICATES_DETECTED: &str = "DUPLICATES_DETECTED";

/// One result a record, also when the call as a whole failed.
fn each<T>(
    call: Vec<Record<T>>,
    results: Result<Vec<RecordResult>, CallError>,
    mut sent_alone: BTreeMap<usize, Alone>,
    mut held: BTreeMap<usize, Outcome>,
) -> Vec<(T, Sent)> {
    let alone = call.len() == 1;
    match results {
        Err(error) => {
            let records = call.into_iter().enumerate();
            let mut sent = |place| match held.remove(&place) {
                Some(later) => Sent::Later(later),
                None if alone => refused_alone(error.clone()),
                None => Sent::Unanswered {
                    error: error.clone(),
                    alone,
                },
            };
            records
                .map(|(place, record)| (record.of, sent(place)))
                .collect()
        }
        Ok(results) => {
            let call_landed = results.iter().any(Result::is_ok);
            let sent = |record: Record<T>, result: RecordResult| match result {
                Ok(id) => (record.of, Sent::Landed(id)),
                Err(errors) => {
                    let refusal = Refusal {
                        errors,
                        alone,
                        call_landed,
                        others_landed: call_landed,
                        decided: false,
                        locks: record.locks,
                    };
                    (record.of, Sent::Refused(refusal))
                }
            };
            let both = call.into_iter().zip(results).enumerate();
            both.map(|(place, (record, result))| {
                if let Some(later) = held.remove(&place) {
                    return (record.of, Sent::Later(later));
                }
                match sent_alone.remove(&place) {
                    None => sent(record, result),
                    Some(Alone::Sent(Ok(result))) => sent(record, result),
                    Some(Alone::Sent(Err(error))) => (record.of, refused_alone(error)),
                    Some(Alone::Later(outcome)) => (record.of, Sent::Later(outcome)),
                }
            })
            .collect()
        }
    }
}

/// Returns the result of a failed call over one record. A refusal that holds no mapping is charged to the record.
fn refused_alone(error: CallError) -> Sent {
    let sounds_like_all = matches!(error.verdict(), Verdict::Mapping | Verdict::Full);
    match error {
        CallError::Refused { errors, .. } if sounds_like_all => Sent::Refused(Refusal {
            errors,
            alone: true,
            call_landed: false,
            others_landed: true,
            decided: false,
            locks: Vec::new(),
        }),
        error => Sent::Unanswered { error, alone: true },
    }
}

/// Marks the refused records where any other of the calls landed: they are to blame themselves.
fn others_landed<T>(mut sent: Vec<(T, Sent)>) -> Vec<(T, Sent)> {
    if sent.iter().any(|(_, sent)| matches!(sent, Sent::Landed(_))) {
        for (_, sent) in &mut sent {
            if let Sent::Refused(refusal) = sent {
                refusal.others_landed = true;
            }
        }
    }
    sent
}
