//! What is wrong with a call to Ticketure. The shapes are those of its storefront API.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::Value;

use crate::breaker::Trouble;
use crate::http::TransportError;
use crate::retry::{self, Verdict};

/// Where Ticketure wants to be left alone and does not say for how long.
const BUSY_MS: i64 = 2_000;

/// A call that gave no result. No text in it holds personal data or secrets, except what Ticketure itself says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error(
        "Ticketure refused the API key ({status}); check api_key of [.ticketure] in usher.toml"
    )]
    LogIn { status: u16 },
    #[error("Ticketure refused the call with {status}: {reason}")]
    Refused {
        status: u16,
        reason: String,
        /// Ticketure says how long to wait.
        retry_after_ms: Option<i64>,
    },
    #[error("Ticketure's answer ({status}) is not what was expected: {reason}")]
    Answer { status: u16, reason: String },
    #[error(
        "an address for Ticketure cannot be built: {reason}; check url of [.ticketure] in usher.toml"
    )]
    Address { reason: String },
    /// No call was made: the address would be that of something else.
    #[error("Ticketure is not asked: {reason}")]
    Id { reason: String },
    /// No call was made.
    #[error("nothing is asked of Ticketure for now: {reason}")]
    StandsStill { until_ms: i64, reason: String },
}

impl CallError {
    /// The record may have been written although no result came back.
    pub fn may_have_committed(&self) -> bool {
        match self {
            CallError::Transport(TransportError::Lost { .. }) | CallError::Answer { .. } => true,
            CallError::Refused { status, .. } => *status >= 500,
            CallError::Transport(TransportError::NotSent { .. })
            | CallError::LogIn { .. }
            | CallError::Address { .. }
            | CallError::Id { .. }
            | CallError::StandsStill { .. } => false,
        }
    }

    /// Ticketure has looked at the record, and does not take it; or its id is none.
    pub fn is_about_content(&self) -> bool {
        matches!(self.code(), "TICKETURE_REFUSED" | "TICKETURE_ID")
    }

    /// One of our codes, as `retry` knows them.
    pub fn code(&self) -> &'static str {
        match self {
            CallError::Transport(_) => "TRANSPORT",
            CallError::LogIn { .. } | CallError::Address { .. } => "TICKETURE_LOG_IN",
            CallError::Refused { status: 429, .. } => "TICKETURE_BUSY",
            CallError::Refused { status, .. } if *status >= 500 => "TICKETURE_UNAVAILABLE",
            CallError::Refused { .. } => "TICKETURE_REFUSED",
            CallError::Answer { .. } => "TICKETURE_ANSWER",
            CallError::Id { .. } => "TICKETURE_ID",
            CallError::StandsStill { .. } => "STANDS_STILL",
        }
    }

    pub fn verdict(&self) -> Verdict {
        retry::verdict(self.code(), "")
    }

    /// Every other call would fail as well: how long Ticketure is left alone.
    pub fn trouble(&self) -> Option<Trouble> {
        match (self, self.code()) {
            (_, "TRANSPORT" | "TICKETURE_UNAVAILABLE") => Some(Trouble::Outage),
            (_, "TICKETURE_LOG_IN") => Some(Trouble::Lasting),
            (CallError::Refused { retry_after_ms, .. }, "TICKETURE_BUSY") => Some(Trouble::Wait {
                ms: retry_after_ms.unwrap_or(BUSY_MS),
            }),
            _ => None,
        }
    }

    /// No record of the call is to blame: every other call fails as well, or was not made.
    pub fn is_everybodys(&self) -> bool {
        self.trouble().is_some() || matches!(self, CallError::StandsStill { .. })
    }
}

pub(super) fn checked(answer: Response<Bytes>) -> Result<Response<Bytes>, CallError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
        return Err(CallError::LogIn {
            status: status.as_u16(),
        });
    }
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
    let first = |path: &str| {
        body.pointer(path)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let reason = first("/details/_data/0/_description")
        .or_else(|| first("/_data/0/_description"))
        .or_else(|| first("/_data/0/_code"))
        .or_else(|| status.canonical_reason().map(str::to_owned));
    Err(CallError::Refused {
        retry_after_ms: retry_after_ms(&answer),
        status: status.as_u16(),
        reason: reason.unwrap_or_else(|| "no reason given".to_owned()),
    })
}

/// `Retry-After` in seconds, an hour at most; its other form, a date, is as good as none.
fn retry_after_ms(answer: &Response<Bytes>) -> Option<i64> {
    let seconds: i64 = answer
        .headers()
        .get(http::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(seconds.clamp(0, 3_600) * 1_000)
}

/// `{"_data": [{"_code": "conflict", "_extra": {"identity_id": ".."}}]}`: the id of what is there already.
pub(super) fn conflict(answer: &Response<Bytes>, entity: &str) -> Option<String> {
    if answer.status().is_success() {
        return None;
    }
    let body: Value = serde_json::from_slice(answer.body()).ok()?;
    let first = body.get("_data")?.get(0)?;
    if first.get("_code").and_then(Value::as_str) != Some("conflict") {
        return None;
    }
    let id = crate::json::text_at(first.get("_extra")?, &[&format!("{entity}_id")])?;
    super::unfit_id(&id).is_none().then_some(id)
}

pub(super) fn unexpected(answer: &Response<Bytes>, reason: &str) -> CallError {
    CallError::Answer {
        status: answer.status().as_u16(),
        reason: reason.to_owned(),
    }
}
