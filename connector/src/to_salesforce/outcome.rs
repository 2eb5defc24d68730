//! What went wrong to what happens to the item.

use runtime::handler::RecordError;
use runtime::mapping::MappingDescriptor;
use runtime::queue::{ErrorRecord, Item, Link, Outcome, Settlement};
use runtime::retry::{self, ATTEMPTS_MAX, Verdict};
use runtime::salesforce::{CallError, SalesforceError};

use super::{ToSalesforce, Unit};

/// The row does not fit its schema, or a value cannot become its field.
pub(super) fn unfit(mapping: &MappingDescriptor, error: &RecordError) -> Outcome {
    let (code, help) = match error {
        RecordError::Read(_) => (
            "does_not_fit",
            "Correct the payload at its source, or the schema of the entity when the source is right; then retry the item.",
        ),
        _ => (
            "cannot_convert",
            "Correct the value in Ticketure or the mapping at this line; then retry the item.",
        ),
    };
    dead(
        code,
        error.to_string(),
        error.line().map(|line| format!("{}:{line}", mapping.file)),
        help,
    )
}

/// Nobody takes it.
pub(super) fn unknown(item: &Item) -> Outcome {
    dead(
        "unknown",
        format!("no mapping takes this {}", item.payload_type),
        None,
        "Add a mapping for it, or leave it here; then retry the item.",
    )
}

pub(super) fn dead(
    code: &str,
    message: String,
    mapping_line: Option<String>,
    help: &str,
) -> Outcome {
    Outcome::Dead {
        error: ErrorRecord {
            code: code.to_owned(),
            message,
            mapping_line,
            help: help.to_owned(),
        },
    }
}

impl ToSalesforce {
    /// Salesforce refused one record.
    pub(super) fn refused(&self, unit: &Unit, errors: &[SalesforceError]) -> Outcome {
        let unnamed = SalesforceError::default();
        let error = errors.first().unwrap_or(&unnamed);
        let place = error
            .fields
            .iter()
            .find_map(|field| unit.mapping.place(field));
        let message = errors
            .iter()
            .map(|error| format!("{}: {}", error.code, error.message))
            .collect::<Vec<_>>()
            .join("; ");
        self.failed(unit, &error.code, error.verdict(), message, place)
    }

    /// A call gave no result for any of its records.
    pub(super) fn not_answered(&self, unit: &Unit, error: &CallError) -> Outcome {
        self.failed(unit, error.code(), error.verdict(), error.to_string(), None)
    }

    fn failed(
        &self,
        unit: &Unit,
        code: &str,
        verdict: Verdict,
        message: String,
        place: Option<String>,
    ) -> Outcome {
        let attempts = unit
            .items
            .iter()
            .map(|item| item.attempts)
            .max()
            .unwrap_or_default();
        let again = |charge: bool, wait_ms: i64| Outcome::Retry {
            due_ms: now_ms() + wait_ms,
            error: message.clone(),
            charge,
        };
        match verdict {
            // What it waits for is not ours to know: it is tried again, as often as anything transient.
            Verdict::Transient | Verdict::Waiting if attempts + 1 < ATTEMPTS_MAX => {
                again(true, self.backoff_ms(attempts))
            }
            Verdict::Innocent => again(false, self.outage_ms()),
            Verdict::Transient | Verdict::Waiting => dead(
                code,
                format!("{message} (tried {} times)", attempts + 1),
                place,
                retry::help(code),
            ),
            Verdict::Permanent => dead(code, message, place, retry::help(code)),
        }
    }
}

/// The same outcome for all items of a unit; the link goes with the last.
pub(super) fn settle(unit: Unit, outcome: &Outcome, link: Option<Link>) -> Vec<Settlement> {
    let last = unit.items.len().saturating_sub(1);
    unit.items
        .iter()
        .enumerate()
        .map(|(index, item)| Settlement {
            id: item.id,
            attempt: item.attempt,
            outcome: outcome_of(index, outcome),
            link: if index == last { link.clone() } else { None },
        })
        .collect()
}

/// When the first item waits or fails, those behind it in the lane go back: they come again after it.
fn outcome_of(index: usize, outcome: &Outcome) -> Outcome {
    match outcome {
        Outcome::Park { .. } | Outcome::Retry { .. } if index > 0 => super::batch::give_back(),
        other => other.clone(),
    }
}

pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
