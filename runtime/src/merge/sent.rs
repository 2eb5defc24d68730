//! A field as it was last written to a side, and its form as JSON.

use serde_json::{Value, json};

/// Member of an object at the end of the form, with the value of [`Sent::late`].
const LATE: &str = "late";

/// A field as it was last written to a side.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sent {
    pub(super) value: Value,
    /// Value before our write, as last read.
    pub(super) before: Value,
    /// Value of our own late write that the field had before this write.
    pub(super) late: Option<Value>,
    /// True: the overwritten value was a user's edit, and the conflict log has it.
    pub(super) decided: bool,
    /// Number of consecutive writes of this value. Many mean that the org changes it back.
    pub(super) times: u32,
    /// True: the side was not read after the write.
    pub(super) unseen: bool,
    /// As of when the side was known then; 0 where that says nothing.
    pub(super) read_ms: i64,
    /// Time of the reading before that one, or `read_ms` if there is none.
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

    /// Start of the window in which the field may have been changed and reverted without our reading it.
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
