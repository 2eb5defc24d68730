//! What is wrong with a call to Ticketure. The shapes are those of its storefront API.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::Value;

use crate::http::TransportError;
use crate::retry::{self, Verdict};

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
}

impl CallError {
    /// The record may have been written although no result came back.
    pub fn may_have_committed(&self) -> bool {
        match self {
            CallError::Transport(TransportError::Lost { .. }) | CallError::Answer { .. } => true,
            CallError::Refused { status, .. } => *status >= 500,
            CallError::Transport(TransportError::NotSent { .. })
            | CallError::LogIn { .. }
            | CallError::Address { .. } => false,
        }
    }

    /// So long Ticketure wants to be left alone.
    pub fn retry_after_ms(&self) -> Option<i64> {
        match self {
            CallError::Refused { retry_after_ms, .. } => *retry_after_ms,
            _ => None,
        }
    }

    pub fn code(&self) -> &'static str {
        match self {
            CallError::Transport(_) => "TRANSPORT",
            CallError::LogIn { .. } => "TICKETURE_LOG_IN",
            CallError::Refused { status: 429, .. } => "TICKETURE_BUSY",
            CallError::Refused { status, .. } if *status >= 500 => "TICKETURE_UNAVAILABLE",
            CallError::Refused { .. } => "TICKETURE_REFUSED",
            CallError::Answer { .. } | CallError::Address { .. } => "TICKETURE_ANSWER",
        }
    }

    pub fn verdict(&self) -> Verdict {
        match self {
            // Nobody's record is at fault.
            CallError::Transport(_) => Verdict::Innocent,
            _ => retry::verdict(self.code(), ""),
        }
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
    let id = first.get("_extra")?.get(format!("{entity}_id"))?;
    id.as_str().map(str::to_owned)
}

pub(super) fn unexpected(answer: &Response<Bytes>, reason: &str) -> CallError {
    CallError::Answer {
        status: answer.status().as_u16(),
        reason: reason.to_owned(),
    }
}
