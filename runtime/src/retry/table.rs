//! The table itself: Salesforce's codes, HTTP's, the network's and Ticketure's. What is not in it is transient until its
//! tries are used up. Facts: Salesforce's reference, "Core data types used in API calls", `StatusCode` and `ExceptionCode`.

use super::Verdict::{
    self, Duplicate, Full, Innocent, Limit, Lock, Mapping, OrgWide, Permanent, Stale, Transient,
    Waiting,
};

/// One line of the table.
pub(super) struct Row {
    pub(super) code: &'static str,
    pub(super) verdict: Verdict,
    /// Help for the operator, shown in the error log or at a paused direction.
    pub(super) help: &'static str,
}

const fn row(code: &'static str, verdict: Verdict, help: &'static str) -> Row {
    Row {
        code,
        verdict,
        help,
    }
}

pub(super) const TABLE: &[Row] = &[
    // Nobody answers, or nothing was asked: no record is charged.
    row(
        "TRANSPORT",
        Innocent,
        "Check the network and status.salesforce.com; it is tried again.",
    ),
    row(
        "STANDS_STILL",
        Innocent,
        "Nothing: see the first line of usher status.",
    ),
    // Another record has to be written at the same time: one after another.
    row(
        "UNABLE_TO_LOCK_ROW",
        Lock,
        "Something else in the org held the record at every try: see what runs there at that time, then retry the item.",
    ),
    // Salesforce's own trouble with one record or one call.
    row(
        "SERVER_UNAVAILABLE",
        Transient,
        "See status.salesforce.com; when Salesforce is well, retry the item.",
    ),
    row(
        "UNKNOWN_EXCEPTION",
        Transient,
        "Give Salesforce's support the message, then retry the item.",
    ),
    row(
        "QUERY_TIMEOUT",
        Transient,
        "Salesforce was too slow at every try: see status.salesforce.com, then retry the item.",
    ),
    row(
        "REQUEST_RUNNING_TOO_LONG",
        Transient,
        "Automation of the org takes too long over this record: see which one, mend it, then retry the item.",
    ),
    row(
        "UNEXPECTED_ANSWER",
        Transient,
        "login_url in usher.toml may not be Salesforce's, or something on the way answers instead: mend that, then retry the item.",
    ),
    // Too many calls: all of them wait.
    row(
        "REQUEST_LIMIT_EXCEEDED",
        Limit,
        "Wait until the org's API limit frees up, or raise it; it is tried again.",
    ),
    row(
        "HTTP_420",
        Limit,
        "Nothing: it is tried again, more slowly.",
    ),
    row(
        "HTTP_429",
        Limit,
        "Nothing: it is tried again, more slowly.",
    ),
    row(
        "TICKETURE_BUSY",
        Limit,
        "Nothing: it is tried again, more slowly.",
    ),
    // Rolled back with others, or not tried at all.
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
    // The link leads to a record that is no more, or the record refers to one.
    row(
        "ENTITY_IS_DELETED",
        Stale,
        "The record, or one that it refers to, was deleted in Salesforce: take it out of the recycle bin there, then retry the item.",
    ),
    row(
        "NOT_FOUND",
        Stale,
        "usher's user may not see the record, or it was deleted: give access or restore it, then retry the item.",
    ),
    row(
        "INVALID_CROSS_REFERENCE_KEY",
        Stale,
        "The record, or one that it refers to, is missing in Salesforce: restore it, or correct the reference in Ticketure; then retry the item.",
    ),
    // It is there already: a person says which one it is.
    row(
        "DUPLICATES_DETECTED",
        Duplicate,
        "A duplicate rule refused it: `usher review` lists the records that it found; say there which of them it is, or that it is a new one. Where the rule blocks even that, change the rule for usher's user, then retry the item.",
    ),
    row(
        "HTTP_300",
        Duplicate,
        "Several records have the same external id: leave it to one of them, then retry the item.",
    ),
    // It is looked up by its external id and adopted.
    row(
        super::DUPLICATE_VALUE,
        Transient,
        "Another record in Salesforce has the value of a unique field: change one of them, then retry the item.",
    ),
    // The record cannot be written as it is.
    row(
        "REQUIRED_FIELD_MISSING",
        Permanent,
        "Fill in the field in Ticketure or map it, then retry the item.",
    ),
    row(
        "FIELD_FILTER_VALIDATION_EXCEPTION",
        Permanent,
        "A filter of the org's look-up field refused the record that is referred to: mend that record or the filter, then retry the item.",
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
        "NUMBER_OUTSIDE_VALID_RANGE",
        Permanent,
        "Mend the number in Ticketure or give the field more digits, then retry the item.",
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
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        Permanent,
        "Give the integration user access to the record that it names, then retry the item.",
    ),
    row(
        "HTTP_413",
        Permanent,
        "The record is too large for Salesforce: shorten it in Ticketure, then retry the item.",
    ),
    row(
        "HTTP_414",
        Permanent,
        "The record is too large for Salesforce: shorten it in Ticketure, then retry the item.",
    ),
    row(
        "HTTP_431",
        Permanent,
        "The record is too large for Salesforce: shorten it in Ticketure, then retry the item.",
    ),
    row(
        "TICKETURE_REFUSED",
        Permanent,
        "Correct the value in Salesforce or the mapping, then retry the item.",
    ),
    row(
        "TICKETURE_ID",
        Permanent,
        "Correct the id in Ticketure, then retry the item.",
    ),
    // No record can be written: all of them wait until somebody mends it.
    row(
        "API_DISABLED_FOR_ORG",
        OrgWide,
        "Switch on the API in the org; it goes on by itself.",
    ),
    row(
        "STORAGE_LIMIT_EXCEEDED",
        Full,
        "The org's storage is full: free some; it goes on by itself.",
    ),
    row(
        "LOG_IN",
        OrgWide,
        "Mend what usher.toml says of Salesforce, or the app there; nothing is lost meanwhile.",
    ),
    row(
        "NO_JSON",
        OrgWide,
        "Check login_url in usher.toml, and what on the way may answer in Salesforce's place; it goes on by itself.",
    ),
    row(
        "TICKETURE_LOG_IN",
        OrgWide,
        "Put a valid API key where usher.toml names it; nothing is lost meanwhile.",
    ),
    // Ticketure.
    row(
        "TICKETURE_UNAVAILABLE",
        Innocent,
        "Nothing: it is tried again. If it lasts, ask TixTrack.",
    ),
    row(
        "TICKETURE_ANSWER",
        Transient,
        "The address in usher.toml may not be Ticketure's API: mend that, then retry the item.",
    ),
];

/// A trigger, a flow or a process of the org ran out of the time that all of them have together.
pub const CPU_TIME: &str = "Apex CPU time limit exceeded";
/// Or out of something else that grows with the records of a call.
pub const APEX_LIMIT: &str = "System.LimitException";
/// Or read too much, in the words of a flow.
pub const QUERY_ROWS: &str = "Too many query rows";

/// The external id of an upsert is hidden from the user, or gone.
const EXTERNAL_ID: &str = "Provided external ID field does not exist or is not accessible";
/// The user may not look an external id up.
const VIEW_ALL: &str = "Upsert requires view all data";

/// Messages that say more than their code: the first that fits.
pub(super) const MESSAGES: &[(&str, &str, Verdict)] = &[
    ("INVALID_FIELD", "Foreign key external ID", Waiting),
    ("INVALID_FIELD", "No such column", Mapping),
    ("INVALID_FIELD", EXTERNAL_ID, Mapping),
    ("NOT_FOUND", EXTERNAL_ID, Mapping),
    ("INSUFFICIENT_ACCESS", VIEW_ALL, Mapping),
    ("INSUFFICIENT_ACCESS_OR_READONLY", VIEW_ALL, Mapping),
    ("INVALID_CROSS_REFERENCE_KEY", "Record Type ID", Mapping),
    // Not rolled back with others, as the code says otherwise: the node itself asks for what another does not have.
    ("PROCESSING_HALTED", "Invalid reference", Permanent),
];

/// Codes of automation, which wraps the trouble that it met in a message of its own.
pub(super) const AUTOMATION: &[&str] = &[
    "APEX_ERROR",
    "CANNOT_EXECUTE_FLOW_TRIGGER",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION",
];

/// Parts of automation's messages, in small letters, and the class of each: the first that fits counts.
pub(super) const WRAPPED: &[(&str, Verdict)] = &[
    ("unable_to_lock_row", Lock),
    ("unable to obtain exclusive access", Lock),
    ("currently being modified by another user", Lock),
    ("record currently unavailable", Lock),
    ("record_in_use_by_workflow", Lock),
    ("apex cpu time limit exceeded", Transient),
    ("system.limitexception", Transient),
    ("too many query rows", Transient),
    ("too many soql queries", Transient),
    ("too many dml", Transient),
];
