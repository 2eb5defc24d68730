//! The error log of a pair: problems of its fields, and entries that a later item settles. An entry that may still be
//! true stays.

use std::collections::{BTreeMap, BTreeSet};

use runtime::entity::Entity;
use runtime::handler::{self, FieldError};
use runtime::mapping::{MappingDescriptor, Origin};
use runtime::queue::{
    Extent, Failed, MERGED, Outcome, Problem, ProblemStage, Problems, SALESFORCE_CHANGED,
    StoreError,
};
use serde_json::Value;

use super::batch::version_of;
use super::pair::Pair;
use super::{TwoWaySync, Unit, fields, lane_of};

impl TwoWaySync {
    /// Loads the error log's entries of these records. If a change of Salesforce's failed, the pair is read there: its
    /// present values show whether the entry is settled.
    pub(super) async fn know_failed(
        &self,
        mapping: &'static MappingDescriptor,
        pairs: &mut [Pair],
        unlinked: &mut [Unit],
    ) -> Result<(), StoreError> {
        let of_pairs = pairs
            .iter()
            .flat_map(|pair| [&pair.link.source_id, &pair.link.destination_id]);
        let others = unlinked.iter().map(|unit| &unit.source_id);
        let keys: Vec<String> = of_pairs.chain(others).cloned().collect();
        let mut failed: BTreeMap<String, Vec<Failed>> = BTreeMap::new();
        for one in self.store.failed_of(mapping.name, keys).await? {
            failed.entry(one.key.clone()).or_default().push(one);
        }
        if failed.is_empty() {
            return Ok(());
        }
        for pair in pairs {
            let back = failed.remove(&pair.link.destination_id).unwrap_or_default();
            pair.destination.wanted |= self.ticketure.is_some() && !back.is_empty();
            let forward = failed.remove(&pair.link.source_id).unwrap_or_default();
            pair.unit.know(forward.into_iter().chain(back).collect());
        }
        for unit in unlinked {
            unit.know(failed.remove(&unit.source_id).unwrap_or_default());
        }
        Ok(())
    }
}

impl Unit {
    /// Notes the errors of the latest row. Earlier errors stay for fields that the row leaves out.
    pub(super) fn note_errors(&mut self, said: &dyn Entity, errors: Vec<FieldError>) {
        let mapping = self.mapping;
        let is_said = |error: &FieldError| {
            let index = mapping.record.field(error.destination);
            index.is_some_and(|index| !said.slot(index).is_absent())
                || errors
                    .iter()
                    .any(|new| new.destination == error.destination)
        };
        self.errors.retain(|error| !is_said(error));
        self.errors.extend(errors);
    }

    fn know(&mut self, failed: Vec<Failed>) {
        self.failed = failed;
        self.right = self.put_right_by(self.record.as_ref());
    }

    /// Replaces the errors by those of a row that Ticketure was asked for.
    pub(super) fn was_read(&mut self, said: &dyn Entity, errors: Vec<FieldError>) {
        self.errors = errors;
        self.right = self.put_right_by(said);
    }

    /// Drops the errors of rows that are older than the link's version.
    pub(super) fn says_nothing_of_errors(&mut self) {
        self.errors.clear();
        self.right.clear();
    }

    /// Causes of open problems for whose fields the row has values that fit.
    fn put_right_by(&self, said: &dyn Entity) -> Vec<String> {
        let wrong: BTreeSet<String> = self.errors.iter().map(cause).collect();
        let open = self
            .failed
            .iter()
            .filter_map(|failed| failed.cause.as_ref());
        let is_right = |cause: &&String| {
            let origins = self.mapping.origins.iter().enumerate();
            let mut fields = origins.filter(|(index, origin)| {
                !said.slot(*index).is_absent() && cause_of_origin(self.mapping, origin) == **cause
            });
            !wrong.contains(*cause) && fields.next().is_some()
        };
        open.filter(is_right).cloned().collect()
    }

    /// The report of the record's problems. `None` if its rows wait or retry, or change no problem.
    pub(super) fn problems(&self, outcome: &Outcome) -> Option<Problems> {
        let is_gone = self.fate.is_some() || matches!(outcome, Outcome::Ignored { .. });
        let is_open = self.failed.iter().any(|failed| failed.cause.is_some());
        let says = match outcome {
            Outcome::Done | Outcome::Dead { .. } | Outcome::Ignored { .. } => {
                !self.errors.is_empty() || !self.right.is_empty() || (is_gone && is_open)
            }
            Outcome::Park { .. } | Outcome::Retry { .. } => false,
        };
        says.then(|| Problems {
            mapping: self.mapping.name.to_owned(),
            key: self.source_id.clone(),
            lane: Some(lane_of(self)),
            all: match is_gone {
                true => Vec::new(),
                false => self.all_problems(),
            },
            extent: match is_gone {
                true => Extent::Whole,
                false => Extent::PutRight(self.right.clone()),
            },
        })
    }

    fn all_problems(&self) -> Vec<Problem> {
        let mut causes: BTreeMap<String, Vec<&FieldError>> = BTreeMap::new();
        for error in &self.errors {
            causes.entry(cause(error)).or_default().push(error);
        }
        let problems = causes.into_iter().filter_map(|(cause, errors)| {
            let names: BTreeSet<&str> = errors.iter().map(|error| error.destination).collect();
            let mut error = fields::record(errors.first()?);
            error.message += &fields::left_out(&names);
            Some(Problem {
                cause,
                stage: ProblemStage::Failed,
                error,
            })
        });
        problems.collect()
    }

    /// Failed rows up to this version, which a newer write to Salesforce settles.
    pub(crate) fn forward_put_right(&self, version_ms: i64) -> Vec<i64> {
        let is_row = |failed: &&Failed| {
            let is_of_row = ![SALESFORCE_CHANGED, MERGED].contains(&failed.payload_type.as_str());
            is_of_row && failed.cause.is_none() && failed.key == self.source_id
        };
        let rows = self.failed.iter().filter(is_row);
        let rows = rows.filter(|failed| {
            let row: Value = serde_json::from_str(&failed.payload).unwrap_or_default();
            version_of(&row).unwrap_or(failed.received_at_ms) <= version_ms
        });
        rows.map(|failed| failed.id).collect()
    }

    /// Failed changes of Salesforce's, which are settled once the record's present values are in Ticketure.
    pub(super) fn back_put_right(&self) -> Vec<i64> {
        let failed = self.failed.iter();
        let changes = failed.filter(|failed| failed.payload_type == SALESFORCE_CHANGED);
        changes.map(|failed| failed.id).collect()
    }
}

/// The cause names the member alone, so that a later value replaces an earlier one.
fn cause(error: &FieldError) -> String {
    format!("field {}", error.member)
}

fn cause_of_origin(mapping: &MappingDescriptor, origin: &Origin) -> String {
    let Origin::Payload(index) = origin else {
        return String::new();
    };
    let field = mapping.payload.fields.get(*index);
    let path = field.map(|field| field.path).unwrap_or_default();
    format!("field {}", handler::source_of(mapping, &Value::Null, path))
}
