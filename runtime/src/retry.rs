//! One table from what went wrong to what happens next, and how long to wait.

mod groups;
mod table;
mod tries;

use groups::GROUPS;
pub use table::{APEX_LIMIT, CPU_TIME, QUERY_ROWS};
use table::{AUTOMATION, MESSAGES, TABLE, WRAPPED};
pub use tries::{next_try_ms, tries};

/// What happens to an item after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Another record has to arrive first: it parks.
    Waiting,
    /// It may work later: again after a while, a bounded number of times.
    Transient,
    /// As transient; and it and those that need the same lock go one after another from then on.
    Lock,
    /// The system wants fewer calls: all of them wait, and no item is charged.
    Limit,
    /// Again, without counting against the item: it was not its fault.
    Innocent,
    /// There is such a record already: a person decides.
    Duplicate,
    /// A record that it is linked or refers to is no more: what became of it is looked at.
    Stale,
    /// It cannot work as it is: into the error log at once.
    Permanent,
    /// No record of its mapping can work until somebody mends the org or the mapping. The mapping is held, and no item
    /// is charged.
    Mapping,
    /// The org has no room for new records. Creates are held, and no item is charged.
    Full,
    /// Nothing can work until somebody mends the system: the direction stands still, and no item is charged.
    OrgWide,
}

/// Number of tries before usher gives up an open question.
pub const ATTEMPTS_MAX: u32 = 12;

/// Another record has the value of a unique field.
pub const DUPLICATE_VALUE: &str = "DUPLICATE_VALUE";

/// What to make of an error code and its message.
pub fn verdict(code: &str, message: &str) -> Verdict {
    let by_message = MESSAGES
        .iter()
        .find(|(of, part, _)| *of == code && message.contains(part));
    match by_message {
        Some((_, _, verdict)) => *verdict,
        None => wrapped(code, message)
            .or_else(|| find(code).map(|(verdict, _)| verdict))
            .unwrap_or(Verdict::Transient),
    }
}

/// Returns whether the table has the code.
pub fn is_known(code: &str) -> bool {
    find(code).is_some()
}

/// Finds the trouble that automation of the org met, in its message.
fn wrapped(code: &str, message: &str) -> Option<Verdict> {
    if !AUTOMATION.contains(&code) {
        return None;
    }
    let message = message.to_lowercase();
    let found = WRAPPED.iter().find(|(part, _)| message.contains(part));
    found.map(|(_, verdict)| *verdict)
}

/// What an operator does about it.
pub fn help(code: &str) -> &'static str {
    find(code).map_or(
        "Read Salesforce's message, mend what it says, then retry the item.",
        |(_, help)| help,
    )
}

/// Returns whether Salesforce refused the value of one field. usher can write the record without it.
pub fn is_about_a_value(code: &str) -> bool {
    ABOUT_A_VALUE.contains(&code)
}

/// Codes by which Salesforce refuses the value of a field that it names.
const ABOUT_A_VALUE: &[&str] = &[
    "FIELD_INTEGRITY_EXCEPTION",
    "INVALID_EMAIL_ADDRESS",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    "NUMBER_OUTSIDE_VALID_RANGE",
    "STRING_TOO_LONG",
];

/// Returns whether the code says that the org takes no call of usher's at all.
pub fn is_whole_org(code: &str) -> bool {
    WHOLE_ORG.contains(&code)
}

/// Codes with which every call of the org's fails, whatever it asks for.
const WHOLE_ORG: &[&str] = &[
    "API_CURRENTLY_DISABLED",
    "API_DISABLED_FOR_ORG",
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
    "INVALID_OPERATION_WITH_EXPIRED_PASSWORD",
    "INVALID_SESSION_ID",
    "LOGIN_CHALLENGE_ISSUED",
    "LOGIN_CHALLENGE_PENDING",
    "LOGIN_MUST_USE_SECURITY_TOKEN",
    "UNSUPPORTED_API_VERSION",
    "URL_NOT_RESET",
];

/// Help for a single refused record, where others of its kind are written. usher does not retry then by itself.
pub fn help_of_one(code: &str) -> &'static str {
    match find(code).map(|(verdict, _)| verdict) {
        Some(Verdict::OrgWide | Verdict::Full) => {
            "Give usher's user access to this record, or mend what the message says; then retry the item."
        }
        _ => help(code),
    }
}

/// Finds the class and the help of a code.
fn find(code: &str) -> Option<(Verdict, &'static str)> {
    let row = TABLE.iter().find(|row| row.code == code);
    let group = || GROUPS.iter().find(|group| group.codes.contains(&code));
    row.map(|row| (row.verdict, row.help))
        .or_else(|| group().map(|group| (group.verdict, group.help)))
}

/// Full jitter: anything up to 0.5 s doubled with each attempt, at most five minutes.
pub fn backoff_ms(attempts: u32, random: &mut fastrand::Rng) -> i64 {
    let ceiling = 500_i64.saturating_mul(1 << attempts.min(20)).min(300_000);
    random.i64(0..=ceiling)
}

/// Every code that the table knows.
pub fn codes() -> impl Iterator<Item = &'static str> {
    let groups = GROUPS.iter().flat_map(|group| group.codes.iter().copied());
    TABLE.iter().map(|row| row.code).chain(groups)
}

#[cfg(test)]
mod tests {
    use super::Verdict::*;
    use super::*;

    #[test]
    fn no_code_stands_twice() {
        let mut codes: Vec<_> = codes().collect();
        codes.sort_unstable();
        let count = codes.len();
        codes.dedup();
        assert_eq!(count, codes.len());
    }

    #[test]
    fn the_message_decides_where_the_code_is_not_enough() {
        let missing = "Foreign key external ID: 0116 not found for field X__c in entity Y";
        assert_eq!(verdict("INVALID_FIELD", missing), Waiting);
        assert_eq!(verdict("INVALID_FIELD", "No such column 'Nmae'"), Mapping);
        assert_eq!(verdict("INVALID_FIELD", "something else"), Permanent);
        for (code, message) in [
            (
                "INVALID_CROSS_REFERENCE_KEY",
                "Record Type ID: this ID value isn't valid for the user: 012000000000001AAA",
            ),
            (
                "INSUFFICIENT_ACCESS",
                "Upsert requires view all data on a non-unique custom index",
            ),
            (
                "NOT_FOUND",
                "Provided external ID field does not exist or is not accessible: Key__c",
            ),
        ] {
            assert_eq!(verdict(code, message), Mapping, "{code}");
        }
        assert_eq!(
            verdict("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),
            Stale
        );
        let wrapped = "t: execution of AfterInsert caused by: UNABLE_TO_LOCK_ROW";
        assert_eq!(
            verdict("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", wrapped),
            Lock
        );
        let time = "t: System.LimitException: Apex CPU time limit exceeded";
        assert_eq!(
            verdict("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", time),
            Transient
        );
    }

    #[test]
    fn every_published_code_has_a_class_and_a_help() {
        let known: Vec<&str> = codes().collect();
        for code in include_str!("retry/published.txt").split_whitespace() {
            assert!(known.contains(&code), "{code}");
        }
        for code in known {
            assert!(help(code).ends_with('.'), "{code}");
        }
    }

    #[test]
    fn locks_and_limits_are_known_in_the_words_of_automation() {
        for (code, message, expected) in [
            (
                "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                "Update failed: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access to this record",
                Lock,
            ),
            (
                "CANNOT_EXECUTE_FLOW_TRIGGER",
                "The record is currently being modified by another user. Please try again.",
                Lock,
            ),
            (
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                "Record Currently Unavailable: The record you are attempting to edit",
                Lock,
            ),
            (
                "CANNOT_EXECUTE_FLOW_TRIGGER",
                "The flow ended: Too many query rows: 50001",
                Transient,
            ),
            (
                "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                "A gift needs a date.",
                Permanent,
            ),
            ("STRING_TOO_LONG", "UNABLE_TO_LOCK_ROW", Permanent),
        ] {
            assert_eq!(verdict(code, message), expected, "{code}: {message}");
        }
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
