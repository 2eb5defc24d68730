//! One table from what went wrong to what happens next, and how long to wait.

/// What happens to an item after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Another record has to arrive first.
    Waiting,
    /// It may work later: again after a while, a bounded number of times.
    Transient,
    /// Again, without counting against the item: it was not its fault.
    Innocent,
    /// It cannot work as it is: into the error log at once.
    Permanent,
}

/// One line of the table.
struct Row {
    code: &'static str,
    verdict: Verdict,
    help: &'static str,
}

const fn row(code: &'static str, verdict: Verdict, help: &'static str) -> Row {
    Row {
        code,
        verdict,
        help,
    }
}

use Verdict::{Innocent, Permanent, Transient};

/// Salesforce's error codes. What is not in it is transient until its tries are used up.
const TABLE: &[Row] = &[
    row(
        "UNABLE_TO_LOCK_ROW",
        Transient,
        "Nothing: it is tried again.",
    ),
    row(
        "SERVER_UNAVAILABLE",
        Transient,
        "Nothing: it is tried again. If it lasts, see status.salesforce.com.",
    ),
    row(
        "UNKNOWN_EXCEPTION",
        Transient,
        "It is tried again. If it stays, give Salesforce's support the message.",
    ),
    row("QUERY_TIMEOUT", Transient, "Nothing: it is tried again."),
    row(
        "REQUEST_RUNNING_TOO_LONG",
        Transient,
        "Nothing: it is tried again.",
    ),
    row(
        "TICKETURE_UNAVAILABLE",
        Innocent,
        "Nothing: it is tried again. If it lasts, ask TixTrack.",
    ),
    row(
        "TICKETURE_BUSY",
        Innocent,
        "Nothing: it is tried again, more slowly.",
    ),
    row(
        "TICKETURE_LOG_IN",
        Innocent,
        "Put a valid API key where usher.toml names it; nothing is lost meanwhile.",
    ),
    row(
        "TICKETURE_REFUSED",
        Permanent,
        "Correct the value in Salesforce or the mapping, then retry the item.",
    ),
    row(
        "TICKETURE_ANSWER",
        Transient,
        "It is tried again. If it stays, the address in usher.toml may not be Ticketure's API.",
    ),
    row(
        "TRANSPORT",
        Transient,
        "Check the network and status.salesforce.com; it is tried again.",
    ),
    row(
        "DUPLICATE_VALUE",
        Transient,
        "It is looked up and adopted. If it stays, another unique field holds a value that is taken.",
    ),
    row(
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        Innocent,
        "Nothing: another record of the call failed; it is tried again.",
    ),
    row(
        "PROCESSING_HALTED",
        Innocent,
        "Nothing: another record of the call failed; it is tried again.",
    ),
    row(
        "INVALID_SESSION_ID",
        Innocent,
        "Nothing: a new session is opened.",
    ),
    row(
        "REQUEST_LIMIT_EXCEEDED",
        Innocent,
        "Wait until the org's API limit frees up, or raise it; it is tried again.",
    ),
    row(
        "REQUIRED_FIELD_MISSING",
        Permanent,
        "Fill in the field in Ticketure or map it, then retry the item.",
    ),
    row(
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        Permanent,
        "A validation rule of the org refused it: mend the value in Ticketure or the rule, then retry the item.",
    ),
    row(
        "STRING_TOO_LONG",
        Permanent,
        "Shorten the value in Ticketure or lengthen the field, then retry the item.",
    ),
    row(
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        Permanent,
        "Add the value to the picklist or mend it in Ticketure, then retry the item.",
    ),
    row(
        "INVALID_EMAIL_ADDRESS",
        Permanent,
        "Mend the e-mail address in Ticketure, then retry the item.",
    ),
    row(
        "FIELD_INTEGRITY_EXCEPTION",
        Permanent,
        "Mend the value in Ticketure or the mapping, then retry the item.",
    ),
    row(
        "INVALID_TYPE_ON_FIELD_IN_RECORD",
        Permanent,
        "The mapping sends a wrong type: correct it at the line, then retry the item.",
    ),
    row(
        "MALFORMED_ID",
        Permanent,
        "The mapping sends what is no id: correct it at the line, then retry the item.",
    ),
    row(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        Permanent,
        "The field cannot be written by this user: give it access or take the field out of the mapping, then retry the item.",
    ),
    row(
        "INVALID_FIELD",
        Permanent,
        "The org has no such field, or this user does not see it: pull the schema, correct the mapping, then retry the item.",
    ),
    row(
        "JSON_PARSER_ERROR",
        Permanent,
        "The mapping sends a wrong type: correct it, then retry the item.",
    ),
    row(
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        Permanent,
        "A trigger or flow of the org refused it: read its message, mend it, then retry the item.",
    ),
    row(
        "DUPLICATES_DETECTED",
        Permanent,
        "A duplicate rule refused it: merge or tell apart the records in Salesforce, then retry the item.",
    ),
    row(
        "ENTITY_IS_DELETED",
        Permanent,
        "The record was deleted in Salesforce: restore it there, then retry the item.",
    ),
    row(
        "NOT_FOUND",
        Permanent,
        "The record is gone from Salesforce: restore it there, then retry the item.",
    ),
    row(
        "INVALID_CROSS_REFERENCE_KEY",
        Permanent,
        "The record, or one that it names, is gone from Salesforce: restore it, then retry the item.",
    ),
    row(
        "INSUFFICIENT_ACCESS_OR_READONLY",
        Permanent,
        "Give the integration user access to the object, then retry all.",
    ),
    row(
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        Permanent,
        "Give the integration user access to the record that it names, then retry the item.",
    ),
    row(
        "INVALID_TYPE",
        Permanent,
        "The org has no such object, or this user does not see it: check the installation, then retry all.",
    ),
    row(
        "API_DISABLED_FOR_ORG",
        Permanent,
        "Switch on the API in the org, then retry all.",
    ),
    row(
        "STORAGE_LIMIT_EXCEEDED",
        Permanent,
        "The org's storage is full: free some, then retry all.",
    ),
];

/// Messages that say more than their code.
const MESSAGES: &[(&str, &str, Verdict)] = &[
    ("INVALID_FIELD", "Foreign key external ID", Verdict::Waiting),
    // Not taken back with others, as the code says otherwise: the node itself asks for what another does not have.
    ("PROCESSING_HALTED", "Invalid reference", Permanent),
    (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "UNABLE_TO_LOCK_ROW",
        Transient,
    ),
    (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "Apex CPU time limit",
        Transient,
    ),
];

/// How often a transient failure is tried before it goes to the error log.
pub const ATTEMPTS_MAX: u32 = 12;

/// What to make of an error code and its message.
pub fn verdict(code: &str, message: &str) -> Verdict {
    let by_message = MESSAGES
        .iter()
        .find(|(of, part, _)| *of == code && message.contains(part));
    match by_message {
        Some((_, _, verdict)) => *verdict,
        None => find(code).map_or(Transient, |row| row.verdict),
    }
}

/// What an operator does about it.
pub fn help(code: &str) -> &'static str {
    find(code).map_or(
        "Read Salesforce's message, mend what it says, then retry the item.",
        |row| row.help,
    )
}

fn find(code: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.code == code)
}

/// Full jitter: anything up to 0.5 s doubled with each attempt, at most five minutes.
pub fn backoff_ms(attempts: u32, random: &mut fastrand::Rng) -> i64 {
    let ceiling = 500_i64.saturating_mul(1 << attempts.min(20)).min(300_000);
    random.i64(0..=ceiling)
}

/// Full jitter for what nobody's record is to blame for: anything up to 0.1 s doubled with each call that failed in a
/// row, at most a minute.
pub fn outage_ms(failures: u32, random: &mut fastrand::Rng) -> i64 {
    let ceiling = 100_i64.saturating_mul(1 << failures.min(20)).min(60_000);
    random.i64(0..=ceiling)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_stands_twice() {
        let mut codes: Vec<_> = TABLE.iter().map(|row| row.code).collect();
        codes.sort_unstable();
        let count = codes.len();
        codes.dedup();
        assert_eq!(count, codes.len());
    }

    #[test]
    fn the_message_decides_where_the_code_is_not_enough() {
        let missing = "Foreign key external ID: 0116 not found for field X__c in entity Y";
        assert_eq!(verdict("INVALID_FIELD", missing), Verdict::Waiting);
        assert_eq!(verdict("INVALID_FIELD", "No such column 'Nmae'"), Permanent);
        let wrapped = "t: execution of AfterInsert caused by: UNABLE_TO_LOCK_ROW";
        assert_eq!(
            verdict("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", wrapped),
            Transient
        );
    }

    #[test]
    fn what_is_unknown_is_tried_again() {
        assert_eq!(verdict("SOMETHING_NEW", ""), Transient);
    }

    #[test]
    fn the_wait_grows_and_is_bounded() {
        let mut random = fastrand::Rng::with_seed(7);
        for attempts in 0..64 {
            let wait = backoff_ms(attempts, &mut random);
            assert!((0..=300_000).contains(&wait));
            assert!(attempts > 0 || wait <= 500);
        }
    }
}
