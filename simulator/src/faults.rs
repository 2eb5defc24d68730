//! What goes wrong, by rule: which calls a rule meets, how often, and what happens then.

use bytes::Bytes;
use http::Request;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// Only calls with this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only calls whose path has this in it.
    #[serde(default)]
    pub path: Option<String>,
    /// Only calls that have this text in their path, query or body: those about one record, by its id.
    #[serde(default)]
    pub about: Option<String>,
    /// So many calls pass unharmed first.
    #[serde(default)]
    pub after: u32,
    /// So many calls are met; for ever when there is no number.
    #[serde(default)]
    pub times: Option<u32>,
    #[serde(flatten)]
    pub kind: FaultKind,
}

/// What happens to a call that a rule meets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// The answer comes later.
    Latency { ms: u64 },
    /// The call takes longer: it is carried out at the end of it, and answered then.
    Slow { ms: u64 },
    /// This status instead of an answer, nothing is done: 401 is a key that is not valid any more, 429 wants to be left
    /// alone for two seconds.
    Status { status: u16 },
    /// A page for people with this status instead of an answer, nothing is done.
    Page { status: u16 },
    /// This error instead of an answer, whatever the call, nothing is done.
    Error { status: u16, code: String },
    /// 503, nothing is done.
    Unavailable,
    /// Everything is done, the answer never arrives.
    LostAfterCommit,
    /// Nothing is done, no answer arrives.
    LostBeforeCommit,
    /// No answer arrives, and everything is done so much later.
    CommitLate { after_ms: u64 },
    /// One in so many records fails with UNABLE_TO_LOCK_ROW; 1 is every record.
    LockRow { one_in: u32 },
    /// All sessions end.
    ExpireSessions,
    /// Collections of more records run out of time: each of them fails over "Apex CPU time limit exceeded".
    TooManyRecords { above: usize },
    /// Records of one collection whose field has one value fail with UNABLE_TO_LOCK_ROW; so do their repeats, until they
    /// come in calls of their own.
    LockShared { field: String },
    /// Records of a collection are refused with this code: all of them, one in so many, or those whose field has this
    /// value; `matches` are the records that a duplicate rule names.
    Refuse {
        code: String,
        message: String,
        #[serde(default)]
        matches: Vec<String>,
        #[serde(default = "all")]
        one_in: u32,
        #[serde(default)]
        with: Option<(String, Value)>,
    },
    /// The call as a whole is refused: every collection, or those with a record whose field has this value.
    RefuseCall {
        status: u16,
        code: String,
        message: String,
        #[serde(default)]
        with: Option<(String, Value)>,
    },
    /// Sharing of the org: the user may read the records whose stored field has this value, and may not edit them.
    ReadOnly { field: String, equals: Value },
    /// The user does not see this field: each call that names it fails as a whole.
    HiddenField { object: String, field: String },
    /// Records, 1 in so many, fail over a lock that the org reports in other words.
    WrappedLock { one_in: u32, wording: LockWording },
    /// The org has moved: this status, and where to.
    Moved { status: u16, to: String },
    /// All sessions end, and this call is answered with 403 and INVALID_SESSION_ID in the place of 401.
    SessionForbidden,
    /// Pages of queries have so many rows, and not 2,000.
    SmallPages { rows: usize },
    /// The locators of all queries end before the call.
    LocatorsEnd,
    /// REQUEST_LIMIT_EXCEEDED, as for too many long calls at a time.
    LimitExceeded,
    /// A validation rule of the org: records with this value are refused.
    Reject {
        field: String,
        equals: Value,
        code: String,
        message: String,
    },
}

/// Words of the org for a row lock, other than UNABLE_TO_LOCK_ROW (sources: docs/simulator.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LockWording {
    /// A trigger of the org passes the lock on as a validation message.
    ValidationException,
    /// A flow fails over it.
    FlowTrigger,
    /// An Apex trigger fails over it.
    ApexTrigger,
    /// Somebody else edits the record.
    BeingModified,
    /// The record cannot be had for a while.
    RecordUnavailable,
}

impl LockWording {
    /// Every wording, in the order of its declaration.
    pub const ALL: [LockWording; 5] = [
        LockWording::ValidationException,
        LockWording::FlowTrigger,
        LockWording::ApexTrigger,
        LockWording::BeingModified,
        LockWording::RecordUnavailable,
    ];

    /// The code and the sentence of the error.
    pub(crate) fn words(self) -> (&'static str, &'static str) {
        match self {
            LockWording::ValidationException => (
                "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                "Rollup: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access to this record",
            ),
            LockWording::FlowTrigger => (
                "CANNOT_EXECUTE_FLOW_TRIGGER",
                "We can't save this record because the \u{201c}Household\u{201d} process failed. UNABLE_TO_LOCK_ROW: unable to obtain exclusive access to this record or 1 records: 0015e00000AAAAAAAA",
            ),
            LockWording::ApexTrigger => (
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                "npsp.TDTM_Contact: execution of AfterUpdate caused by: System.DmlException: Update failed. First exception on row 0; first error: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access to this record: []",
            ),
            LockWording::BeingModified => (
                "UNKNOWN_EXCEPTION",
                "The record you are attempting to edit, or one of its related records, is currently being modified by another user. Please try again.",
            ),
            LockWording::RecordUnavailable => (
                "UNKNOWN_EXCEPTION",
                "Record Currently Unavailable: The record you are attempting to edit, or one of its related records, is currently being modified by another user. Please try again.",
            ),
        }
    }
}

fn all() -> u32 {
    1
}

impl Fault {
    /// On every call, for ever.
    pub fn always(kind: FaultKind) -> Self {
        Fault {
            method: None,
            path: None,
            about: None,
            after: 0,
            times: None,
            kind,
        }
    }

    /// On so many calls whose path has this in it.
    pub fn on(path: &str, times: u32, kind: FaultKind) -> Self {
        Fault {
            path: Some(path.to_owned()),
            times: Some(times),
            ..Fault::always(kind)
        }
    }
}

impl Fault {
    fn fits(&self, request: &Request<Bytes>) -> bool {
        let (method, uri) = (request.method().as_str(), request.uri());
        self.method.as_deref().is_none_or(|of| of == method)
            && self
                .path
                .as_deref()
                .is_none_or(|part| uri.path().contains(part))
            && self.about.as_deref().is_none_or(|text| {
                uri.path_and_query()
                    .is_some_and(|all| all.as_str().contains(text))
                    || has(request.body(), text.as_bytes())
            })
    }
}

fn has(body: &[u8], text: &[u8]) -> bool {
    !text.is_empty() && body.windows(text.len()).any(|part| part == text)
}

/// What all rules together do to one call.
#[derive(Debug, Default)]
pub(crate) struct Effect {
    pub(crate) latency_ms: u64,
    pub(crate) slow_ms: u64,
    pub(crate) unavailable: bool,
    pub(crate) status: Option<u16>,
    pub(crate) page: Option<u16>,
    pub(crate) error: Option<(u16, String)>,
    pub(crate) lost_after: bool,
    pub(crate) lost_before: bool,
    pub(crate) late_ms: Option<u64>,
    pub(crate) expire_sessions: bool,
    pub(crate) limit_exceeded: bool,
    pub(crate) rejects: Vec<Rejection>,
    pub(crate) moved: Option<(u16, String)>,
    pub(crate) session_forbidden: bool,
    pub(crate) locators_end: bool,
    pub(crate) page_rows: Option<usize>,
    /// Objects and their fields that the user does not see.
    pub(crate) hidden: Vec<(String, String)>,
    /// Stored fields and their values: records that the user may not edit.
    pub(crate) read_only: Vec<(String, Value)>,
    wrapped_lock: Option<(u32, LockWording)>,
    /// What befalls the records of one collection together.
    pub(crate) together: Vec<FaultKind>,
    lock_one_in: Option<u32>,
    random: std::cell::RefCell<fastrand::Rng>,
}

#[derive(Debug, Clone)]
pub(crate) struct Rejection {
    pub(crate) field: String,
    pub(crate) equals: Value,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Effect {
    /// Is this record's row locked by somebody else?
    pub(crate) fn locks_row(&self) -> bool {
        self.lock_one_in.is_some_and(|one_in| self.falls(one_in))
    }

    /// The words in which this record's lock is reported, if it has one.
    pub(crate) fn wraps_lock(&self) -> Option<LockWording> {
        let (one_in, wording) = self.wrapped_lock?;
        self.falls(one_in).then_some(wording)
    }

    /// Is it this one of so many?
    pub(crate) fn falls(&self, one_in: u32) -> bool {
        self.random.borrow_mut().u32(0..one_in.max(1)) == 0
    }
}

#[derive(Debug)]
pub(crate) struct Faults {
    rules: Vec<Fault>,
    random: fastrand::Rng,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Faults {
            rules: Vec::new(),
            random: fastrand::Rng::with_seed(seed),
        }
    }

    pub(crate) fn add(&mut self, fault: Fault) {
        self.rules.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// What the org's own rules do to a call that is carried out late.
    pub(crate) fn lasting(&self) -> Effect {
        let mut effect = Effect::default();
        let rules = self.rules.iter().map(|rule| &rule.kind);
        rules
            .filter(|kind| {
                matches!(
                    kind,
                    FaultKind::Reject { .. }
                        | FaultKind::ReadOnly { .. }
                        | FaultKind::HiddenField { .. }
                )
            })
            .for_each(|kind| apply(&mut effect, kind));
        effect
    }

    /// Which rules meet this call; their counts go down.
    pub(crate) fn meet(&mut self, request: &Request<Bytes>) -> Effect {
        let mut effect = Effect {
            random: self.random.fork().into(),
            ..Effect::default()
        };
        for rule in self.rules.iter_mut().rev() {
            if !rule.fits(request) || rule.times == Some(0) {
                continue;
            }
            if rule.after > 0 {
                rule.after -= 1;
                continue;
            }
            rule.times = rule.times.map(|times| times - 1);
            apply(&mut effect, &rule.kind);
        }
        self.rules.retain(|rule| rule.times != Some(0));
        effect
    }
}

fn apply(effect: &mut Effect, kind: &FaultKind) {
    match kind {
        FaultKind::Latency { ms } => effect.latency_ms += ms,
        FaultKind::Slow { ms } => effect.slow_ms += ms,
        FaultKind::Status { status } => effect.status = Some(*status),
        FaultKind::Page { status } => effect.page = Some(*status),
        FaultKind::Error { status, code } => effect.error = Some((*status, code.clone())),
        FaultKind::Unavailable => effect.unavailable = true,
        FaultKind::LostAfterCommit => effect.lost_after = true,
        FaultKind::LostBeforeCommit => effect.lost_before = true,
        FaultKind::CommitLate { after_ms } => effect.late_ms = Some(*after_ms),
        FaultKind::LockRow { one_in } => effect.lock_one_in = Some(*one_in),
        FaultKind::ExpireSessions => effect.expire_sessions = true,
        FaultKind::Moved { status, to } => effect.moved = Some((*status, to.clone())),
        FaultKind::SessionForbidden => effect.session_forbidden = true,
        FaultKind::SmallPages { rows } => effect.page_rows = Some(*rows),
        FaultKind::LocatorsEnd => effect.locators_end = true,
        FaultKind::HiddenField { object, field } => {
            effect.hidden.push((object.clone(), field.clone()));
        }
        FaultKind::ReadOnly { field, equals } => {
            effect.read_only.push((field.clone(), equals.clone()));
        }
        FaultKind::WrappedLock { one_in, wording } => {
            effect.wrapped_lock = Some((*one_in, *wording));
        }
        FaultKind::LimitExceeded => effect.limit_exceeded = true,
        FaultKind::TooManyRecords { .. }
        | FaultKind::LockShared { .. }
        | FaultKind::Refuse { .. }
        | FaultKind::RefuseCall { .. } => effect.together.push(kind.clone()),
        FaultKind::Reject {
            field,
            equals,
            code,
            message,
        } => effect.rejects.push(Rejection {
            field: field.clone(),
            equals: equals.clone(),
            code: code.clone(),
            message: message.clone(),
        }),
    }
}
