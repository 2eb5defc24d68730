//! Every committed write, in order: from it an outside checker can judge what happened.

use bytes::Bytes;
use http::Request;
use serde::Serialize;
use serde_json::{Map, Value};

/// Who wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    Api,
    /// A trigger or flow of the org.
    Automation,
    /// A person on the screen.
    User,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    Create,
    Update,
    Delete,
}

/// One record written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Write {
    /// Counted from 1.
    pub sequence: u64,
    /// The API call that did it, counted from 1; 0 when it was no call.
    pub call: u64,
    /// What the caller named that call, in the header `x-request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    pub actor: Actor,
    pub operation: Operation,
    pub object: String,
    pub id: String,
    /// The fields written, as they were sent.
    pub fields: Map<String, Value>,
    /// By the clock of the system that was written.
    pub at_ms: i64,
}

/// What the caller named a call.
pub(crate) fn request_id(request: &Request<Bytes>) -> Option<String> {
    let id = request.headers().get("x-request-id")?;
    id.to_str().ok().map(str::to_owned)
}

#[derive(Debug)]
pub(crate) struct WriteLog {
    entries: Vec<Write>,
    made: u64,
    by_api: u64,
    /// Only counted, where a million writes would fill the memory.
    only_counts: bool,
}

impl WriteLog {
    pub(crate) fn new(only_counts: bool) -> Self {
        WriteLog {
            entries: Vec::new(),
            made: 0,
            by_api: 0,
            only_counts,
        }
    }

    pub(crate) fn add(&mut self, mut write: Write) {
        self.made += 1;
        self.by_api += u64::from(write.actor == Actor::Api);
        write.sequence = self.made;
        if !self.only_counts {
            self.entries.push(write);
        }
    }

    pub(crate) fn entries(&self) -> &[Write] {
        &self.entries
    }

    /// Writes through the API, whether they are kept or not.
    pub(crate) fn by_api(&self) -> u64 {
        self.by_api
    }

    /// Where the log ends now.
    pub(crate) fn end(&self) -> End {
        End {
            made: self.made,
            by_api: self.by_api,
        }
    }

    /// What was written since was rolled back.
    pub(crate) fn roll_back(&mut self, to: &End) {
        self.made = to.made;
        self.by_api = to.by_api;
        let kept = self
            .entries
            .partition_point(|write| write.sequence <= to.made);
        self.entries.truncate(kept);
    }
}

/// An end that the log had.
pub(crate) struct End {
    made: u64,
    by_api: u64,
}
