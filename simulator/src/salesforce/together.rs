//! What fault rules have against the records of one collection together.

use http::StatusCode;
use serde_json::{Map, Value};

use super::Org;
use super::error::ApiError;
use crate::faults::{Effect, FaultKind};

impl Org {
    /// Why the call as a whole is refused.
    pub(super) fn refused_call(
        records: &[Map<String, Value>],
        effect: &Effect,
    ) -> Option<(StatusCode, ApiError)> {
        effect.together.iter().find_map(|rule| match rule {
            FaultKind::RefuseCall {
                status,
                code,
                message,
                with,
            } => {
                let met = records.iter().any(|record| is_met(with, record));
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_REQUEST);
                met.then(|| (status, ApiError::new(code, message.clone())))
            }
            _ => None,
        })
    }

    /// Why each of the records is refused.
    pub(super) fn refused_together(
        &self,
        records: &[Map<String, Value>],
        effect: &Effect,
    ) -> Vec<Option<ApiError>> {
        let refused = |record: &Map<String, Value>| {
            effect
                .together
                .iter()
                .find_map(|rule| self.refused_by(rule, record, records, effect))
        };
        records.iter().map(refused).collect()
    }

    /// Why a record is refused that comes in a call of its own.
    pub(super) fn refused_alone(
        &self,
        record: &Map<String, Value>,
        effect: &Effect,
    ) -> Option<ApiError> {
        let together = self.refused_together(std::slice::from_ref(record), effect);
        let alone = together.into_iter().flatten().next();
        alone.or_else(|| self.refused_by_rule(record, effect))
    }

    fn refused_by(
        &self,
        rule: &FaultKind,
        record: &Map<String, Value>,
        all: &[Map<String, Value>],
        effect: &Effect,
    ) -> Option<ApiError> {
        match rule {
            FaultKind::TooManyRecords { above } => (all.len() > *above).then(|| {
                let text = "Households: System.LimitException: Apex CPU time limit exceeded";
                ApiError::new("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text)
            }),
            FaultKind::LockShared { field } => {
                let value = self.stored_or_sent(record, field)?;
                let sharing = all
                    .iter()
                    .filter(|other| self.stored_or_sent(other, field).as_ref() == Some(&value));
                (sharing.count() > 1).then(|| {
                    let text = format!(
                        "unable to obtain exclusive access to this record or 1 records: {}",
                        value.as_str().unwrap_or_default()
                    );
                    ApiError::new("UNABLE_TO_LOCK_ROW", text)
                })
            }
            FaultKind::Refuse {
                code,
                message,
                matches,
                one_in,
                with,
            } => (is_met(with, record) && effect.falls(*one_in)).then(|| ApiError {
                matches: matches.clone(),
                ..ApiError::new(code, message.clone())
            }),
            _ => None,
        }
    }

    fn stored_or_sent(&self, record: &Map<String, Value>, field: &str) -> Option<Value> {
        let stored = || {
            let id = record.get("id")?.as_str()?;
            let mut tables = self.tables.values();
            tables.find_map(|table| table.get(id))?.get(field)
        };
        let value = record.get(field).or_else(stored)?;
        (!value.is_null()).then(|| value.clone())
    }
}

/// Has the record this value, where a rule is about one?
fn is_met(with: &Option<(String, Value)>, record: &Map<String, Value>) -> bool {
    with.as_ref()
        .is_none_or(|(field, value)| record.get(field) == Some(value))
}
