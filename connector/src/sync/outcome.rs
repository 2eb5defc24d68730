//! What went wrong to what happens to the item.

use runtime::handler::{FieldError, RecordError};
use runtime::mapping::MappingDescriptor;
use runtime::queue::{ErrorRecord, Item, Link, Outcome, SALESFORCE_CHANGED, Settlement};
use runtime::retry::{self, Verdict};
use runtime::salesforce::CallError;
use runtime::ticketure;

use super::calls::{Refusal, Sent};
use super::{TwoWaySync, Unit, fields};

/// A system that stood still a moment ago may be asked again by then.
const ASK_AGAIN_MS: i64 = 100;
/// It was rolled back with others: those are dealt with by then.
const INNOCENT_MS: i64 = 500;
/// Claims of an item after which it waits longer: those that were to blame are dealt with by then.
const QUICK_CLAIMS: u32 = 3;
/// A call of many records was too much for the org.
const FEWER: &str = "fewer records go together next time";
/// No record of a mapping gets through: so long it waits.
const MAPPING_MS: i64 = 300_000;
/// One record alone ran into a limit: so long it waits.
const LIMIT_MS: i64 = 5_000;

/// The row does not fit its schema, or a value cannot become its field.
pub(crate) fn unfit(mapping: &MappingDescriptor, error: &RecordError) -> Outcome {
    let (code, help) = match error {
        RecordError::Read(_) => (
            "does_not_fit",
            "Correct the payload at its source, or the schema of the entity when the source is right; then retry the item.",
        ),
        _ => (
            fields::CANNOT_CONVERT,
            "Correct the value in Ticketure or the mapping at this line; then retry the item.",
        ),
    };
    dead(
        code,
        fields::unfit(mapping, error),
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
        fields::CANNOT_CONVERT,
        messages.join("; "),
        line,
        "Correct the value in Salesforce or the mapping at this line; then retry the item.",
    )
}

/// The outcome of a row that was sent back and still lacks what its mapping needs.
pub(crate) fn still_unfit(reason: String) -> Outcome {
    dead(
        "does_not_fit",
        reason,
        None,
        "Compare the payload with its schema and correct either, then retry the item.",
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
            group: None,
        },
    }
}

/// What went wrong, in the words of the table.
pub(crate) struct Failure<'f> {
    pub(crate) code: &'f str,
    pub(crate) verdict: Verdict,
    pub(crate) message: String,
    /// The line of the mapping that is to blame.
    pub(crate) place: Option<String>,
}

impl<'f> Failure<'f> {
    /// Of a call as a whole, by its code.
    pub(crate) fn of(code: &'f str, message: String) -> Self {
        Failure {
            code,
            verdict: retry::verdict(code, &message),
            message,
            place: None,
        }
    }

    /// Removes the code from Salesforce's message, since the error log shows it by itself.
    fn without_code(self) -> Self {
        let message = match self.code.is_empty() {
            true => self.message,
            false => self.message.replace(&format!("{}: ", self.code), ""),
        };
        Failure { message, ..self }
    }

    /// Joins the code and the message. A message that contains the code stands alone.
    pub(crate) fn line(&self) -> String {
        match self.message.contains(self.code) {
            true => self.message.clone(),
            false => format!("{}: {}", self.code, self.message),
        }
    }
}

impl TwoWaySync {
    /// A call gave no result for any of its records.
    pub(crate) fn not_answered(&self, unit: &Unit, error: &CallError) -> Outcome {
        self.unanswered_by(&[unit.mapping], attempts_of(unit), error)
    }

    /// Returns the outcome after a call without an answer that these mappings made.
    pub(crate) fn unanswered_by(
        &self,
        asking: &[&'static MappingDescriptor],
        attempts: u32,
        error: &CallError,
    ) -> Outcome {
        if error.is_everybodys() {
            return self
                .held()
                .unwrap_or_else(|| self.again(ASK_AGAIN_MS, &error.to_string()));
        }
        if let Some(held) = self.held_by_call(asking, error) {
            return held;
        }
        self.failed_after(attempts, Failure::of(error.code(), error.to_string()))
    }

    /// What becomes of what was to be written; nothing where it landed, and the refusal where the record is to blame.
    pub(crate) fn unless_refused<'s>(
        &self,
        asking: &[&'static MappingDescriptor],
        attempts: u32,
        sent: &'s Sent,
    ) -> Result<Option<Outcome>, &'s Refusal> {
        Ok(Some(match sent {
            Sent::Landed(_) => return Ok(None),
            Sent::Later(outcome) => outcome.clone(),
            // Only what is too much by itself is to blame for it.
            Sent::Unanswered { error, alone } if error.is_too_much() => match alone {
                true => self.failed_after(attempts, Failure::of(error.code(), error.to_string())),
                false => self.again(0, FEWER),
            },
            Sent::Unanswered { error, .. } => self.unanswered_by(asking, attempts, error),
            Sent::Refused(refusal) if refusal.is_too_much() && !refusal.is_to_blame() => {
                self.again(0, FEWER)
            }
            Sent::Refused(refusal) => return Err(refusal),
        }))
    }

    /// A call to Ticketure gave no result.
    pub(crate) fn not_pushed(&self, unit: &Unit, error: &ticketure::CallError) -> Outcome {
        if error.is_everybodys() {
            return self
                .held_back()
                .unwrap_or_else(|| self.again(ASK_AGAIN_MS, &error.to_string()));
        }
        self.failed(unit, Failure::of(error.code(), error.to_string()))
    }

    /// What the table says.
    pub(super) fn failed(&self, unit: &Unit, failure: Failure<'_>) -> Outcome {
        let outcome = self.failed_after(attempts_of(unit), failure);
        self.later_each_time(&unit.items, outcome)
    }

    /// Lets uncharged items wait longer, the more often they were claimed.
    pub(crate) fn later_each_time(&self, items: &[Item], outcome: Outcome) -> Outcome {
        let claims = items.iter().map(|item| item.attempt).max();
        let claims = u32::try_from(claims.unwrap_or_default()).unwrap_or(u32::MAX);
        match outcome {
            Outcome::Retry {
                due_ms,
                error,
                charge: false,
            } if claims > QUICK_CLAIMS => Outcome::Retry {
                due_ms: due_ms.max(self.now_ms() + self.backoff_ms(claims)),
                error,
                charge: false,
            },
            other => other,
        }
    }

    /// The outcome that the table gives after so many charged failures.
    pub(crate) fn failed_after(&self, attempts: u32, failure: Failure<'_>) -> Outcome {
        let failure = failure.without_code();
        match failure.verdict {
            Verdict::Innocent => self.again(INNOCENT_MS, &failure.line()),
            Verdict::Limit => self.again(LIMIT_MS, &failure.line()),
            Verdict::Mapping | Verdict::Full => self.again(MAPPING_MS, &failure.line()),
            Verdict::OrgWide => {
                let help = retry::help(failure.code);
                let until_ms = self.hold(&format!("{}. {help}", failure.line()));
                self.again(until_ms - self.now_ms(), &failure.line())
            }
            // usher could not find out whether the write landed, or whom it waits for.
            Verdict::Transient | Verdict::Lock | Verdict::Waiting | Verdict::Stale => {
                self.charged(attempts, failure)
            }
            Verdict::Permanent | Verdict::Duplicate => dead(
                failure.code,
                failure.message,
                failure.place,
                retry::help_of_one(failure.code),
            ),
        }
    }

    /// Again, a bounded number of times.
    fn charged(&self, attempts: u32, failure: Failure<'_>) -> Outcome {
        if let Some(wait_ms) = self.next_try_ms(&failure, attempts) {
            return Outcome::Retry {
                due_ms: self.now_ms() + wait_ms,
                error: failure.line(),
                charge: true,
            };
        }
        dead(
            failure.code,
            format!("{} (tried {} times)", failure.message, attempts + 1),
            failure.place,
            retry::help_of_one(failure.code),
        )
    }

    /// Again after so long, uncharged.
    pub(crate) fn again(&self, wait_ms: i64, error: &str) -> Outcome {
        Outcome::Retry {
            due_ms: self.now_ms() + wait_ms.max(0),
            error: error.to_owned(),
            charge: false,
        }
    }
}

pub(super) fn attempts_of(unit: &Unit) -> u32 {
    let attempts = unit.items.iter().map(|item| item.attempts).max();
    attempts.unwrap_or_default()
}

/// Settles all items of a unit with one outcome; the link goes with the last.
pub(crate) fn settle(unit: Unit, outcome: &Outcome, link: Option<Link>) -> Vec<Settlement> {
    let settlements = settle_each(&unit, outcome, outcome);
    with_link(settlements, link)
}

/// One outcome for what came from Ticketure, one for what came from Salesforce.
pub(crate) fn settle_each(unit: &Unit, forward: &Outcome, back: &Outcome) -> Vec<Settlement> {
    let mut seen = [false; 2];
    let mut settlements: Vec<Settlement> = unit
        .items
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
        .collect();
    // The last item of a row reports the problems of all rows.
    let of_row = |item: &Item| item.payload_type != SALESFORCE_CHANGED;
    if let Some(last) = unit.items.iter().rposition(of_row)
        && let Some(settlement) = settlements.get_mut(last)
    {
        settlement.problems = unit.problems(&settlement.outcome);
    }
    settlements
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
