//! Salesforce's answers when something is wrong, in all the shapes that it has for them.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Map, Value};

use crate::breaker::Trouble;
use crate::http::TransportError;
use crate::retry::{self, Verdict};

/// The calls of the day are used up: so often it is asked whether there are some again.
pub(super) const LIMIT_MS: i64 = 300_000;
/// Too many long calls at a time: they end.
const CONCURRENT_MS: i64 = 5_000;
/// Statuses with which nothing was done and something in the request is to blame.
const UNDONE: std::ops::Range<u16> = 400..500;

/// One error of Salesforce's: a code, a sentence and the fields it is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SalesforceError {
    pub code: String,
    pub message: String,
    pub fields: Vec<String>,
    /// Records that a duplicate rule found.
    pub matches: Vec<String>,
}

impl SalesforceError {
    pub fn verdict(&self) -> Verdict {
        retry::verdict(&self.code, &self.message)
    }

    /// Automation of the org ran out of time with the records of the call.
    pub fn is_too_much(&self) -> bool {
        self.code == "REQUEST_RUNNING_TOO_LONG"
            || [retry::CPU_TIME, retry::APEX_LIMIT, retry::QUERY_ROWS]
                .iter()
                .any(|limit| self.message.contains(limit))
    }
}

/// A call that gave no result. No text in it holds personal data or secrets, except what Salesforce itself says.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("Salesforce refused the call with {status}: {}", shown(.errors))]
    Refused {
        status: u16,
        errors: Vec<SalesforceError>,
    },
    #[error(
        "Salesforce refused the log-in: {error}: {description}; check login_url, client id, user and key in usher.toml and that the app is pre-authorised"
    )]
    LogIn { error: String, description: String },
    #[error(
        "the private key for Salesforce is not an RSA key in PEM form; check the file that usher.toml names"
    )]
    Key,
    #[error("Salesforce's answer ({status}) is not what was expected: {reason}")]
    Answer { status: u16, reason: String },
    #[error(
        "Salesforce's answer ({status}) is no JSON: {reason}; check login_url in usher.toml, and what on the way may answer in Salesforce's place"
    )]
    Page { status: u16, reason: String },
    #[error("an address for Salesforce cannot be built: {reason}; check login_url in usher.toml")]
    Address { reason: String },
    /// No call was made.
    #[error("nothing is asked of Salesforce for now: {reason}")]
    StandsStill { until_ms: i64, reason: String },
}

impl CallError {
    /// The records may have been written although no result came back.
    pub fn may_have_committed(&self) -> bool {
        match self {
            CallError::Transport(TransportError::Lost { .. }) | CallError::Answer { .. } => true,
            CallError::Refused { status, .. } => *status >= 500,
            CallError::Page { status, .. } => *status < 300,
            CallError::Transport(TransportError::NotSent { .. })
            | CallError::LogIn { .. }
            | CallError::Key
            | CallError::Address { .. }
            | CallError::StandsStill { .. } => false,
        }
    }

    /// Salesforce's code, or one of ours: `TRANSPORT`, `LOG_IN`, `UNEXPECTED_ANSWER`, `NO_JSON`, `STANDS_STILL`.
    pub fn code(&self) -> &str {
        match self {
            CallError::Transport(_) => "TRANSPORT",
            CallError::Refused { errors, .. } => errors
                .first()
                .map_or("UNEXPECTED_ANSWER", |error| &error.code),
            CallError::LogIn { .. } | CallError::Key | CallError::Address { .. } => "LOG_IN",
            CallError::Answer { .. } => "UNEXPECTED_ANSWER",
            CallError::Page { .. } => "NO_JSON",
            CallError::StandsStill { .. } => "STANDS_STILL",
        }
    }

    /// What happens to the records of the call.
    pub fn verdict(&self) -> Verdict {
        match self {
            _ if self.is_outage() => Verdict::Innocent,
            // Its address names an object.
            _ if self.is_about_what_it_names() => Verdict::Mapping,
            CallError::Refused { errors, .. } => errors
                .first()
                .map_or(Verdict::Transient, SalesforceError::verdict),
            _ => retry::verdict(self.code(), ""),
        }
    }

    /// Every other call would fail as well: how long Salesforce is left alone.
    pub fn trouble(&self) -> Option<Trouble> {
        match (self, self.verdict()) {
            _ if self.is_outage() => Some(Trouble::Outage),
            (CallError::Refused { status: 401, .. } | CallError::Page { .. }, _) => {
                Some(Trouble::Lasting)
            }
            (CallError::Refused { .. }, _) if retry::is_whole_org(self.code()) => {
                Some(Trouble::Lasting)
            }
            (CallError::Refused { .. }, Verdict::Limit) => Some(Trouble::Wait {
                ms: match self.to_string().contains("TotalRequests") {
                    true => LIMIT_MS,
                    false => CONCURRENT_MS,
                },
            }),
            (CallError::LogIn { .. } | CallError::Key | CallError::Address { .. }, _) => {
                Some(Trouble::Lasting)
            }
            _ => None,
        }
    }

    /// Returns whether the locator of a query has ended: its session has, or the user opened many others. The query has
    /// to be made again.
    pub fn is_locator_over(&self) -> bool {
        matches!(self, CallError::Refused { .. }) && self.code() == "INVALID_QUERY_LOCATOR"
    }

    /// No record of the call is to blame: every other call fails as well, or was not made.
    pub fn is_everybodys(&self) -> bool {
        self.trouble().is_some() || matches!(self, CallError::StandsStill { .. })
    }

    /// Nothing was done, and it may be one record of many that is to blame.
    pub fn is_about_content(&self) -> bool {
        matches!(self, CallError::Refused { status, .. } if UNDONE.contains(status))
            && self.verdict() == Verdict::Permanent
    }

    /// Nothing was found of what the call names: its object, or a record.
    pub fn is_about_what_it_names(&self) -> bool {
        matches!(self, CallError::Refused { status: 404, .. }) && self.code() == "NOT_FOUND"
    }

    /// With fewer records it may go: Salesforce ran out of time, or failed over one of them.
    pub fn is_too_much(&self) -> bool {
        self.ran_out_of_time() || self.has_own_reason()
    }

    fn ran_out_of_time(&self) -> bool {
        matches!(self, CallError::Refused { errors, .. } if errors.iter().any(SalesforceError::is_too_much))
    }

    /// The server failed and says over what: it need not be every call.
    fn has_own_reason(&self) -> bool {
        matches!(self, CallError::Refused { status: 500.., .. })
            && self.code() != "SERVER_UNAVAILABLE"
    }

    /// Nobody answers, or the server fails.
    fn is_outage(&self) -> bool {
        match self {
            CallError::Transport(_) => true,
            CallError::Refused { status, .. } => *status >= 500 && !self.ran_out_of_time(),
            _ => false,
        }
    }
}

fn shown(errors: &[SalesforceError]) -> String {
    let each = errors
        .iter()
        .map(|error| format!("{}: {}", error.code, error.message));
    let text = each.collect::<Vec<_>>().join("; ");
    if text.is_empty() {
        "no reason given".to_owned()
    } else {
        text
    }
}

/// An error as any of Salesforce's APIs spells it; members that are not known are skipped, those that are may be null.
fn read_error(raw: &Map<String, Value>) -> SalesforceError {
    let first = |names: &[&str]| {
        names
            .iter()
            .filter_map(|name| raw.get(*name))
            .find(|value| !value.is_null())
            .cloned()
    };
    SalesforceError {
        code: text(first(&["errorCode", "statusCode", "error", "code"])),
        message: text(first(&["message", "error_description", "errorMessage"])),
        fields: match first(&["fields"]) {
            Some(Value::Array(fields)) => {
                fields.into_iter().map(|field| text(Some(field))).collect()
            }
            Some(Value::String(field)) => vec![field],
            _ => Vec::new(),
        },
        matches: raw.get("duplicateResult").map(matches).unwrap_or_default(),
    }
}

fn text(value: Option<Value>) -> String {
    match value {
        Some(Value::String(text)) => text,
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// `matchResults[].matchRecords[].record.Id`: each once, in the long form.
fn matches(result: &Value) -> Vec<String> {
    let list = |value: &Value, name: &str| {
        let found = value.get(name).and_then(Value::as_array);
        found.cloned().unwrap_or_default()
    };
    let results = list(result, "matchResults");
    let records = results
        .iter()
        .flat_map(|result| list(result, "matchRecords"));
    let mut ids: Vec<String> = Vec::new();
    for found in records {
        let id = found.pointer("/record/Id").and_then(Value::as_str);
        let id = id.map(super::normalise);
        ids.extend(id.filter(|id| !ids.contains(id)));
    }
    ids
}

/// One error of a record or of a call.
pub(super) fn parse_one(value: &Value) -> SalesforceError {
    let found = value.as_object().map(read_error).unwrap_or_default();
    if found.code.is_empty() {
        SalesforceError {
            code: "UNKNOWN_EXCEPTION".to_owned(),
            ..found
        }
    } else {
        found
    }
}

/// Codes that end a session.
const SESSION_OVER: [&str; 2] = ["INVALID_SESSION_ID", "URL_NOT_RESET"];

/// Returns whether the session is over, or the org has moved. A log-in gives the new session and address.
pub(super) fn is_session_over(answer: &Response<Bytes>) -> bool {
    match answer.status() {
        StatusCode::UNAUTHORIZED
        | StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => true,
        status if status.is_client_error() => errors_of(answer)
            .iter()
            .any(|error| SESSION_OVER.contains(&error.code.as_str())),
        _ => false,
    }
}

/// The errors that an answer names. Empty if it is no JSON.
fn errors_of(answer: &Response<Bytes>) -> Vec<SalesforceError> {
    match serde_json::from_slice::<Value>(answer.body()) {
        Ok(Value::Array(errors)) if answer.status() != StatusCode::MULTIPLE_CHOICES => {
            errors.iter().map(parse_one).collect()
        }
        Ok(Value::Object(error)) => vec![parse_one(&Value::Object(error))],
        _ => Vec::new(),
    }
}

/// Statuses with which something else than Salesforce's API answers, if the body is no JSON.
fn is_of_another(status: StatusCode) -> bool {
    status.is_redirection() && status != StatusCode::MULTIPLE_CHOICES
        || matches!(status.as_u16(), 403 | 404 | 405 | 407 | 410 | 420 | 451)
}

/// What an answer says that is empty, or a page for people: no more than its status.
pub(super) fn nothing_said(status: StatusCode) -> SalesforceError {
    SalesforceError {
        code: if status.is_server_error() {
            "SERVER_UNAVAILABLE".to_owned()
        } else {
            format!("HTTP_{}", status.as_u16())
        },
        message: status
            .canonical_reason()
            .unwrap_or("no reason given")
            .to_owned(),
        ..SalesforceError::default()
    }
}

/// The answer, when its status says that it worked.
pub(super) fn checked(answer: Response<Bytes>) -> Result<Response<Bytes>, CallError> {
    let status = answer.status();
    if status == StatusCode::NO_CONTENT {
        return Ok(answer);
    }
    if status.is_success() {
        return match serde_json::from_slice::<IgnoredAny>(answer.body()) {
            Ok(IgnoredAny) => Ok(answer),
            // Cut off on the way: this answer is lost, and the next need not be.
            Err(error) if answer.body().trim_ascii().is_empty() => Err(CallError::Answer {
                status: status.as_u16(),
                reason: unread(answer.body(), &error),
            }),
            Err(error) => Err(page(&answer, &error)),
        };
    }
    let mut errors = errors_of(&answer);
    if errors.is_empty() && is_of_another(status) {
        let nothing = serde_json::from_slice::<IgnoredAny>(answer.body());
        return Err(match nothing {
            Err(error) => page(&answer, &error),
            Ok(IgnoredAny) => CallError::Page {
                status: status.as_u16(),
                reason: "it names no error".to_owned(),
            },
        });
    }
    if errors.is_empty() {
        errors.push(nothing_said(status));
    }
    Err(CallError::Refused {
        status: status.as_u16(),
        errors,
    })
}

fn page(answer: &Response<Bytes>, error: &serde_json::Error) -> CallError {
    CallError::Page {
        status: answer.status().as_u16(),
        reason: unread(answer.body(), error),
    }
}

/// Why a body was not read: its place, never its text.
fn unread(body: &[u8], error: &serde_json::Error) -> String {
    match body.trim_ascii_start().first() {
        None => "it is empty".to_owned(),
        Some(b'<') => "it is a page for people".to_owned(),
        Some(_) => format!(
            "line {}, column {} ({:?})",
            error.line(),
            error.column(),
            error.classify()
        ),
    }
}

/// The token endpoint's `{"error","error_description"}`, or whatever came instead.
pub(super) fn refused_token(answer: &Response<Bytes>) -> CallError {
    let said = serde_json::from_slice::<Value>(answer.body());
    let said = said.map_or_else(|_| nothing_said(answer.status()), |error| parse_one(&error));
    CallError::LogIn {
        error: said.code,
        description: said.message,
    }
}

/// The body as JSON of this shape. The reason names the place, never the text.
pub(super) fn json<T: DeserializeOwned>(answer: &Response<Bytes>) -> Result<T, CallError> {
    let body = answer.body();
    serde_json::from_slice(body).map_err(|error| CallError::Answer {
        status: answer.status().as_u16(),
        reason: unread(body, &error),
    })
}
