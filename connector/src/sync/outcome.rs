//! What went wrong to what happens to the item.

use runtime::handler::{FieldError, RecordError};
use runtime::mapping::MappingDescriptor;
use runtime::queue::{ErrorRecord, Item, Link, Outcome, SALESFORCE_CHANGED, Settlement};
use runtime::retry::{self, ATTEMPTS_MAX, Verdict};
use runtime::salesforce::{CallError, SalesforceError};
use runtime::ticketure;

use super::{TwoWaySync, Unit};

/// The row does not fit its schema, or a value cannot become its field.
pub(crate) fn unfit(mapping: &MappingDescriptor, error: &RecordError) -> Outcome {
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

/// A value of Salesforce's that Ticketure cannot hold.
pub(crate) fn cannot_go_back(errors: &[FieldError]) -> Outcome {
    let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let line = errors
        .first()
        .map(|error| format!("{}:{}", error.file, error.line));
    dead(
        "cannot_convert",
        messages.join("; "),
        line,
        "Correct the value in Salesforce or the mapping at this line; then retry the item.",
    )
}

/// Nobody takes it.
pub(crate) fn unknown(item: &Item) -> Outcome {
    dead(
        "unknown",
        format!("no mapping takes this {}", item.payload_type),
        None,
        "Add a mapping for it, or leave it here; then retry the item.",
    )
}

pub(crate) fn dead(
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

impl TwoWaySync {
    /// Salesforce refused one record.
    pub(crate) fn refused(&self, unit: &Unit, errors: &[SalesforceError]) -> Outcome {
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
        self.failed(unit, (&error.code, error.verdict()), message, place, 0)
    }

    /// A call gave no result for any of its records.
    pub(crate) fn not_answered(&self, unit: &Unit, error: &CallError) -> Outcome {
        let kind = (error.code(), error.verdict());
        self.failed(unit, kind, error.to_string(), None, 0)
    }

    /// A call to Ticketure gave no result.
    pub(crate) fn not_pushed(&self, unit: &Unit, error: &ticketure::CallError) -> Outcome {
        let kind = (error.code(), error.verdict());
        let wait_ms = error.retry_after_ms().unwrap_or_default();
        self.failed(unit, kind, error.to_string(), None, wait_ms)
    }

    fn failed(
        &self,
        unit: &Unit,
        (code, verdict): (&str, Verdict),
        message: String,
        place: Option<String>,
        wait_ms_min: i64,
    ) -> Outcome {
        let attempts = unit
            .items
            .iter()
            .map(|item| item.attempts)
            .max()
            .unwrap_or_default();
        let again = |charge: bool, wait_ms: i64| Outcome::Retry {
            due_ms: self.now_ms() + wait_ms.max(wait_ms_min),
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
pub(crate) fn settle(unit: Unit, outcome: &Outcome, link: Option<Link>) -> Vec<Settlement> {
    let settlements = settle_each(&unit, outcome, outcome);
    with_link(settlements, link)
}

/// One outcome for what came from Ticketure, one for what came from Salesforce.
pub(crate) fn settle_each(unit: &Unit, forward: &Outcome, back: &Outcome) -> Vec<Settlement> {
    let mut seen = [false; 2];
    unit.items
        .iter()
        .map(|item| {
            let is_back = item.payload_type == SALESFORCE_CHANGED;
            let outcome = if is_back { back } else { forward };
            let first = seen
                .get_mut(usize::from(is_back))
                .map(|seen| std::mem::replace(seen, true));
            let outcome = outcome_of(first == Some(false), outcome);
            Settlement::new(item.id, item.attempt, outcome)
        })
        .collect()
}

/// What belongs to the whole unit goes with its last item.
pub(crate) fn with_link(mut settlements: Vec<Settlement>, link: Option<Link>) -> Vec<Settlement> {
    if let Some(last) = settlements.last_mut() {
        last.link = link;
    }
    settlements
}

/// When the first item waits or fails, those behind it in the lane go back: they come again after it.
fn outcome_of(first: bool, outcome: &Outcome) -> Outcome {
    match outcome {
        Outcome::Park { .. } | Outcome::Retry { .. } if !first => super::batch::give_back(),
        other => other.clone(),
    }
}
