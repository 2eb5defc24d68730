//! A field as it was last written to a side, and its form as JSON.

use serde_json::{Value, json};

/// Member of an object at the end of the form, with the value of [`Sent::late`].
const LATE: &str = "late";

/// A field as it was last written to a side.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sent {
    pub(super) value: Value,
    /// What stood there, as far as was known.
    pub(super) before: Value,
    /// A write of ours that came late stood there instead.
    pub(super) late: Option<Value>,
    /// That was somebody's change, and lost: the conflict log has it.
    pub(super) decided: bool,
    /// The same value again and again is a value that does not stay.
    pub(super) times: u32,
    /// Nothing has been seen of the side since.
    pub(super) unseen: bool,
    /// As of when the side was known then; 0 where that says nothing.
    pub(super) read_ms: i64,
    /// As of when it was known before that reading; the reading's own where that says nothing.
    pub(super) known_ms: i64,
}

impl Sent {
    /// The write that made a record, of which nothing stood there before.
    pub(super) fn new(value: Value) -> Self {
        Sent {
            value,
            before: Value::Null,
            late: None,
            decided: false,
            times: 1,
            unseen: true,
            read_ms: 0,
            known_ms: 0,
        }
    }

    /// What was read before it was written may have been changed and put back since this time, unseen and untold.
    pub(super) fn untold_since_ms(&self) -> i64 {
        match self.decided {
            true => self.read_ms,
            false => self.known_ms,
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let mut kept = vec![
            self.value.clone(),
            Value::from(self.times),
            Value::from(self.unseen),
            self.before.clone(),
        ];
        if self.read_ms > 0 {
            kept.push(Value::from(self.read_ms));
            if self.known_ms != self.read_ms {
                kept.push(Value::from(self.known_ms));
            }
        }
        if self.decided {
            kept.push(Value::from(true));
        }
        kept.extend(late_json(self.late.as_ref()));
        Value::Array(kept)
    }

    pub(super) fn from_json(kept: &Value) -> Self {
        let at = |index: usize| kept.get(index);
        let read_ms = at(4).and_then(Value::as_i64).unwrap_or_default();
        Sent {
            value: at(0).cloned().unwrap_or(Value::Null),
            times: at(1).and_then(Value::as_u64).unwrap_or(1) as u32,
            unseen: at(2).and_then(Value::as_bool).unwrap_or(false),
            before: at(3).cloned().unwrap_or(Value::Null),
            late: late_from_json(kept),
            read_ms,
            known_ms: at(5).and_then(Value::as_i64).unwrap_or(read_ms),
            decided: [at(4), at(5), at(6)].contains(&Some(&Value::Bool(true))),
        }
    }
}

/// The last entry of a kept list, where there is a late value.
pub(super) fn late_json(late: Option<&Value>) -> Option<Value> {
    late.map(|late| json!({ LATE: late }))
}

pub(super) fn late_from_json(kept: &Value) -> Option<Value> {
    let last = kept.as_array()?.last()?;
    last.get(LATE).cloned()
}
