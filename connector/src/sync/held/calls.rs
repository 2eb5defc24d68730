//! Held mappings and calls: which records go, and what an answer holds.

use std::collections::BTreeMap;

use runtime::mapping::MappingDescriptor;
use runtime::queue::Outcome;
use runtime::retry::Verdict;
use runtime::salesforce::{CallError, RecordResult, SalesforceError};

use crate::sync::TwoWaySync;
use crate::sync::calls::{Record, Sent};
use crate::sync::holds::{CREATES, Hold, OrgSaid, Refused};
use crate::sync::outcome::Failure;

/// Fields of the records of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sync) enum Parts {
    Whole,
    /// Opt-outs of records whose other fields were refused or wait: no hold keeps them, and that they land says nothing
    /// of the others.
    OptOuts,
}

/// The user may not write the record, or none of its object.
pub(crate) const NO_ACCESS: &str = "INSUFFICIENT_ACCESS_OR_READONLY";

/// Wait of a record that was refused with a code of the whole org, before a second one was.
const ORG_AGAIN_MS: i64 = 5_000;

impl TwoWaySync {
    /// Returns whether nothing of the mapping may be sent now. While a record is tried, its calls go.
    pub(crate) fn is_held_back(&self, name: &str) -> bool {
        let stops = |hold: &Hold| !hold.is_tried() && !hold.is_of_one();
        self.holds().get(name).is_some_and(stops)
    }

    /// The records for which the org has room as far as is known, and those that wait for some.
    pub(in crate::sync) fn with_room<T>(
        &self,
        records: Vec<Record<T>>,
    ) -> (Vec<Record<T>>, Vec<(T, Sent)>) {
        if records.iter().any(|record| record.id.is_some()) {
            return (records, Vec::new());
        }
        let admission = {
            let keys = records.iter().map(|record| record.key.as_str());
            self.holds().admit(CREATES, keys, self.now_ms())
        };
        let goes = |record: &Record<T>| admission.lets(&record.key);
        let (going, later): (Vec<_>, Vec<_>) = records.into_iter().partition(goes);
        let later = later.into_iter();
        let later = later.map(|record| self.put_off_record(CREATES, record));
        (going, later.collect())
    }

    /// A record that is not sent while something is held.
    pub(in crate::sync) fn put_off_record<T>(
        &self,
        name: &'static str,
        record: Record<T>,
    ) -> (T, Sent) {
        let later = self.not_now(name, &record.key);
        (record.of, Sent::Later(later))
    }

    /// The outcome of a record that is not sent, since its direction or its mapping is held.
    pub(crate) fn not_now(&self, name: &str, key: &str) -> Outcome {
        let later = self.held();
        let later = later.or_else(|| self.held_mapping(name, key));
        // The hold has ended meanwhile.
        later.unwrap_or_else(|| self.again(0, "its mapping was held a moment ago"))
    }

    /// Notes what an answer says of the mapping as a whole. Returns the outcomes of the records that it holds, by place.
    pub(in crate::sync) async fn held_after<T>(
        &self,
        mapping: &'static MappingDescriptor,
        call: &[Record<T>],
        results: &Result<Vec<RecordResult>, CallError>,
        parts: Parts,
    ) -> BTreeMap<usize, Outcome> {
        if parts == Parts::OptOuts {
            return BTreeMap::new();
        }
        let creates = call.iter().all(|record| record.id.is_none());
        let results = match results {
            Ok(results) => results,
            Err(error) => return self.held_by_refusal(mapping, call, error),
        };
        if results.iter().any(Result::is_ok) {
            self.records_landed(mapping, call, results);
            self.landed(mapping.name, creates);
            return BTreeMap::new();
        }
        let mut held = BTreeMap::new();
        let refused = call.iter().zip(results).enumerate();
        for (place, (record, result)) in refused {
            let Some(error) = result.as_ref().err().and_then(|errors| errors.first()) else {
                continue;
            };
            let later = if self.is_closed_to(mapping, error, creates).await {
                self.held_now(mapping, &record.key, error, None)
            } else if self.is_of_all(mapping, &record.key, error, call.len() == 1) {
                self.held_now(mapping, &record.key, error, Some(&record.key))
            } else {
                self.doubted_org(mapping.name, &record.key, error)
            };
            held.extend(later.map(|later| (place, later)));
        }
        held
    }

    fn records_landed<T>(
        &self,
        mapping: &'static MappingDescriptor,
        call: &[Record<T>],
        results: &[RecordResult],
    ) {
        let mut holds = self.holds();
        for (record, _) in call
            .iter()
            .zip(results)
            .filter(|(_, result)| result.is_ok())
        {
            holds.record_landed(mapping.name, &record.key);
        }
    }

    fn held_by_refusal<T>(
        &self,
        mapping: &'static MappingDescriptor,
        call: &[Record<T>],
        error: &CallError,
    ) -> BTreeMap<usize, Outcome> {
        let CallError::Refused { errors, .. } = error else {
            return BTreeMap::new();
        };
        if let [record] = call
            && mapping.tree.is_none()
            && error.is_about_content()
        {
            let record = (mapping.name, record.key.as_str());
            let held = self.held_for_content(mapping, record, error);
            return held.into_iter().map(|held| (0, held)).collect();
        }
        let is_of_all = matches!(error.verdict(), Verdict::Mapping | Verdict::Full);
        let Some(first) = errors.first().filter(|_| is_of_all) else {
            return BTreeMap::new();
        };
        let only = match call {
            [record] if !self.is_call_of_all(mapping, &record.key, error) => {
                return BTreeMap::new();
            }
            [record] => Some(record.key.as_str()),
            _ => None,
        };
        let records = call.iter().enumerate();
        let held = records.filter_map(|(place, record)| {
            let later = self.held_now(mapping, &record.key, first, only)?;
            Some((place, later))
        });
        held.collect()
    }

    /// Returns whether the refusal of a call over one record says something of all.
    fn is_call_of_all(
        &self,
        mapping: &'static MappingDescriptor,
        key: &str,
        error: &CallError,
    ) -> bool {
        let name = match error.verdict() {
            Verdict::Full => CREATES,
            _ => mapping.name,
        };
        let refused = Refused {
            mapping: name,
            of: mapping.name,
            key,
            code: error.code(),
            field: "",
        };
        self.holds().is_of_all(&refused)
    }

    /// Returns whether one record may be to blame for a refusal that sounds like all: Salesforce does not find what the
    /// call names, and a record of the mapping landed a short while ago.
    pub(in crate::sync) fn is_doubted(
        &self,
        mapping: &'static MappingDescriptor,
        error: &CallError,
    ) -> bool {
        error.is_about_what_it_names() && self.holds().landed_lately(mapping.name, self.now_ms())
    }

    /// The outcome of a record that was refused with a code of the whole org, until a second record is refused alike.
    pub(crate) fn doubted_org(
        &self,
        of: &str,
        key: &str,
        error: &SalesforceError,
    ) -> Option<Outcome> {
        if error.verdict() != Verdict::OrgWide {
            return None;
        }
        let failure = Failure::of(&error.code, error.message.clone());
        let said = self
            .holds()
            .org_said(format!("{of}:{key}"), &error.code, self.now_ms());
        match said {
            OrgSaid::Everybodys => None,
            OrgSaid::Doubt => Some(self.again(ORG_AGAIN_MS, &failure.line())),
            OrgSaid::Own => Some(self.failed_after(
                0,
                Failure {
                    verdict: Verdict::Permanent,
                    ..failure
                },
            )),
        }
    }

    /// Counts a record over which a call of its own was refused as a whole. `Some` if its mapping is held.
    pub(crate) fn held_for_content(
        &self,
        mapping: &'static MappingDescriptor,
        record: (&'static str, &str),
        error: &CallError,
    ) -> Option<Outcome> {
        let CallError::Refused { errors, .. } = error else {
            return None;
        };
        let first = errors.first().filter(|_| error.is_about_content())?;
        let failure = Failure::of(error.code(), first.message.clone());
        self.held_in_a_row(mapping, record, &failure, first.fields.first())
    }

    /// Holds the mapping, and returns what becomes of the record. `only`: the record, if one alone was refused.
    pub(crate) fn held_now(
        &self,
        mapping: &'static MappingDescriptor,
        key: &str,
        error: &SalesforceError,
        only: Option<&str>,
    ) -> Option<Outcome> {
        let name = self.hold_for(mapping, error, only);
        self.holds().was_tried(name, key);
        self.held_mapping(name, key)
    }

    /// Returns whether the error of one record says that no record of its mapping gets through. A record that is refused
    /// so once more after others landed is to blame itself; for want of room only if it was alone in its call.
    pub(crate) fn is_of_all(
        &self,
        mapping: &'static MappingDescriptor,
        key: &str,
        error: &SalesforceError,
        alone: bool,
    ) -> bool {
        let name = match error.verdict() {
            Verdict::Full if !alone => return true,
            // The org may be full once more: a record is to blame only if it is refused again and again.
            Verdict::Full => return self.holds().lacks_room(mapping.name, key),
            Verdict::Mapping => mapping.name,
            _ => return false,
        };
        let refused = Refused {
            mapping: name,
            of: mapping.name,
            key,
            code: &error.code,
            field: "",
        };
        self.holds().is_of_all(&refused)
    }

    /// Returns whether the user may not write any record of the object, where one was refused for lack of access.
    pub(crate) async fn is_closed_to(
        &self,
        mapping: &'static MappingDescriptor,
        error: &SalesforceError,
        creates: bool,
    ) -> bool {
        error.code == NO_ACCESS
            && error.verdict() != Verdict::Mapping
            && self.is_closed(mapping.object, creates).await
    }
}
