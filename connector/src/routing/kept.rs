//! Payloads that are kept whole, since no mapping takes them as they are. `usher retry` routes them anew.

use runtime::mapping::{Envelope, MappingDescriptor};
use runtime::queue::{ErrorRecord, NewItem, UNKNOWN_WEBHOOK, Word};

use super::delivery_key;

/// The name of payloads that do not say what they are.
pub const NAMELESS: &str = "payload without event_type";

/// The most characters of a type or an event id that are kept outside the payload.
const NAME_MAX: usize = 200;

/// Cuts a name that a sender chose.
pub(super) fn shortened(name: &str) -> String {
    name.chars().take(NAME_MAX).collect()
}

/// A payload that is kept whole.
pub(super) struct Payload<'p> {
    pub(super) payload: &'p str,
    pub(super) payload_type: String,
    pub(super) event_id: Option<&'p str>,
}

impl Payload<'_> {
    /// The error of a type that no mapping takes: one line for all of it.
    pub(super) fn unknown(self) -> NewItem {
        let payload_type = &self.payload_type;
        let error = ErrorRecord {
            code: "unknown".to_owned(),
            message: format!("no mapping takes {payload_type}"),
            help: "Add a mapping for this webhook, build and start usher anew, and retry this line. Or list the type in ignore_webhooks of usher.toml. After done_days of [.keep] the payloads go by themselves.".to_owned(),
            group: Some(format!("{UNKNOWN_WEBHOOK}{payload_type}")),
            ..ErrorRecord::default()
        };
        self.dead(error)
    }

    /// The error of a payload that does not say its type by any envelope's name.
    pub(super) fn nameless(self, names: &[Envelope]) -> NewItem {
        let names = names.iter().map(|names| names.event_type.join("."));
        let names = names.collect::<Vec<_>>().join(", nor ");
        let error = ErrorRecord {
            code: "unknown".to_owned(),
            message: format!("the payload has no {names}"),
            help: "Name the member as the tenant sends it in the webhook's schema, in mappings/schemas/webhooks; build and start usher anew. Then retry this line. After done_days of [.keep] the payloads go by themselves.".to_owned(),
            group: Some(UNKNOWN_WEBHOOK.to_owned()),
            ..ErrorRecord::default()
        };
        self.dead(error)
    }

    /// The error of a payload without rows where its schema has them.
    pub(super) fn without_rows(self, path: &str) -> NewItem {
        let payload_type = &self.payload_type;
        let error = ErrorRecord {
            code: "does_not_fit".to_owned(),
            message: format!("{payload_type}: there are no rows at {path}"),
            help: format!(
                "Correct mappings/schemas/webhooks/{payload_type}.schema.json, so that it says where the tenant sends the rows; build and start usher anew. Then retry this line."
            ),
            group: Some(format!("payload:{payload_type}")),
            ..ErrorRecord::default()
        };
        self.dead(error)
    }

    /// The error of a payload that says a member twice: each reader would take another one.
    pub(super) fn twice(self, member: &str) -> NewItem {
        let payload_type = &self.payload_type;
        let error = ErrorRecord {
            code: "does_not_fit".to_owned(),
            message: format!("{payload_type}: the payload has {member} twice"),
            help: "Have the sender say it once, and send it again: usher cannot know which of the two is meant.".to_owned(),
            ..ErrorRecord::default()
        };
        self.dead(error)
    }

    /// The item of a payload with an empty list of rows: done at once, so that the delivery has a trace.
    pub(super) fn empty(self, first: &MappingDescriptor) -> NewItem {
        NewItem {
            mapping: Some(first.name.to_owned()),
            reason: Some("the payload has no rows".to_owned()),
            word: Word::Nothing,
            ..self.item()
        }
    }

    fn dead(self, error: ErrorRecord) -> NewItem {
        NewItem {
            reason: Some(error.message.clone()),
            word: Word::Unknown {
                error,
                asked: false,
            },
            ..self.item()
        }
    }

    fn item(self) -> NewItem {
        let key = self.event_id.map(shortened);
        let id = key.as_deref();
        NewItem {
            dedupe: id.map(|id| delivery_key(&self.payload_type, id, 0, self.payload)),
            lane: self.payload_type.clone(),
            payload_type: self.payload_type,
            key: key.unwrap_or_default(),
            payload: self.payload.to_owned(),
            ..NewItem::default()
        }
    }
}
