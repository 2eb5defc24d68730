//! How generated code is called without knowing its types: one handler a payload type.

mod fitted;
mod range;

use std::any::Any;

use crate::entity::{Entity, FieldDescriptor, Kind, Slot, SlotMut, SlotRef};
use crate::json::{self, ReadError};
use crate::mapping::{MappingDescriptor, Origin};
use crate::merge::refusals;

pub(crate) use fitted::said;
pub use fitted::{Fitted, Read, fed, fitted, source_of};

/// Takes the rows of one payload type. The generated adapter of each handler trait implements it.
pub trait Handler: Send + Sync {
    /// `identity_changed`.
    fn payload_type(&self) -> &'static str;

    /// The mappings that this payload type feeds, sorted by name.
    fn mappings(&self) -> &'static [&'static MappingDescriptor];

    /// The destination record that a row becomes.
    ///
    /// # Errors
    /// When the row does not fit its schema, or a value cannot become its field: every such value is named.
    fn to_record(&self, mapping: &str, row: &[u8]) -> Result<Box<dyn Entity>, RecordError>;

    /// What a record of Salesforce's says in the source's words.
    ///
    /// # Errors
    /// When the mapping has no way back, or the record is not one of its type.
    fn back(&self, mapping: &str, record: &dyn Entity) -> Result<Back, RecordError>;
}

impl<H: Handler + ?Sized> Handler for &H {
    fn payload_type(&self) -> &'static str {
        (**self).payload_type()
    }

    fn mappings(&self) -> &'static [&'static MappingDescriptor] {
        (**self).mappings()
    }

    fn to_record(&self, mapping: &str, row: &[u8]) -> Result<Box<dyn Entity>, RecordError> {
        (**self).to_record(mapping, row)
    }

    fn back(&self, mapping: &str, record: &dyn Entity) -> Result<Back, RecordError> {
        (**self).back(mapping, record)
    }
}

/// The mappings and nothing else: each generated handler trait is implemented for it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mapped;

/// A record on its way back.
pub struct Back {
    /// The fields that go back, as the source has them.
    pub payload: Box<dyn Entity>,
    /// The record as it would come out of the payload again: what both sides are compared by.
    pub image: Box<dyn Entity>,
    /// Fields whose value the source cannot hold; they are absent in the payload.
    pub errors: Vec<FieldError>,
}

impl Back {
    /// `again` is the record that the payload becomes. A field that does not survive the way stays as it is.
    pub fn new<P: Entity, R: Entity>(
        mapping: &'static MappingDescriptor,
        record: &dyn Entity,
        mut payload: P,
        errors: Vec<FieldError>,
        again: Result<R, RecordError>,
    ) -> Back {
        let mut image = crate::entity::copied(record);
        if let Ok(again) = again {
            for (index, sync) in mapping.sync.iter().enumerate() {
                let slot = again.slot(index);
                let failed = errors
                    .iter()
                    .any(|error| error.destination == mapping.field_name(index));
                if sync.both && !failed && !slot.is_absent() {
                    image.slot_mut(index).set(slot);
                }
            }
        }
        no_word(mapping, record, &mut payload);
        Back {
            payload: Box::new(payload),
            image,
            errors,
        }
    }
}

/// Blanks consents that the record permits: an empty check box is no word of the person's.
fn no_word(mapping: &'static MappingDescriptor, record: &dyn Entity, payload: &mut dyn Entity) {
    for field in refusals(mapping) {
        let permits =
            matches!(record.slot(field), SlotRef::Boolean(slot) if slot.value() == Some(&false));
        let members = 0..mapping.payload.fields.len();
        let own = members.filter(|member| fed(mapping, *member).any(|fed| fed == field));
        for member in own.filter(|_| permits) {
            payload.slot_mut(member).set_null();
        }
    }
}

/// The record as the type that the mapping made for it.
///
/// # Errors
/// When it is another mapping's.
pub fn of_type<'r, R: Entity>(mapping: &str, record: &'r dyn Entity) -> Result<&'r R, RecordError> {
    (record as &dyn Any)
        .downcast_ref::<R>()
        .ok_or_else(|| RecordError::UnknownMapping(mapping.to_owned()))
}

/// Why a row did not become a record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Fields(#[from] Unconverted),
    #[error("no mapping {0} is fed by this payload type")]
    UnknownMapping(String),
    /// From a handler written by hand; one sentence with no personal data in it.
    #[error("{0}")]
    Refused(String),
}

impl RecordError {
    /// The mapping's line of the first field at fault.
    pub fn line(&self) -> Option<u32> {
        match self {
            RecordError::Fields(found) => found.errors.first().map(|field| field.line),
            RecordError::Read(_) | RecordError::UnknownMapping(_) | RecordError::Refused(_) => None,
        }
    }
}

/// A record without the fields whose values do not fit, and the errors of these fields.
#[derive(thiserror::Error)]
#[error("{}", .errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Unconverted {
    /// An error for each field.
    pub errors: Vec<FieldError>,
    /// The record, in which the fields with errors are absent.
    pub rest: Box<dyn Entity>,
}

impl std::fmt::Debug for Unconverted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.errors.fmt(formatter)
    }
}

/// A value that does not fit its field.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line} ({destination}): {message}")]
pub struct FieldError {
    pub file: &'static str,
    pub line: u32,
    pub destination: &'static str,
    pub message: String,
    /// The member of the row that has the value. Blank for a row that goes from Salesforce to Ticketure.
    pub member: String,
    /// The value as JSON. `None` if it is unknown or personal data.
    pub value: Option<String>,
}

impl FieldError {
    /// Formats the member, its value and the reason for an error text.
    pub fn said(&self) -> String {
        match (self.member.as_str(), &self.value) {
            ("", _) => self.message.clone(),
            (member, Some(value)) => format!("{member} is {value}: {}", self.message),
            (member, None) => format!("{member} does not fit: {}", self.message),
        }
    }
}

/// Collects the errors of one record's conversions, so that one pass names them all.
pub struct Conversions<'m> {
    mapping: &'m MappingDescriptor,
    errors: Vec<FieldError>,
}

impl<'m> Conversions<'m> {
    pub fn new(mapping: &'m MappingDescriptor) -> Self {
        Conversions {
            mapping,
            errors: Vec::new(),
        }
    }

    /// Notes that the record's field of this name, or its way back, could not be converted, and goes on with an
    /// absent field.
    pub fn field<T: Default>(
        &mut self,
        destination: &str,
        converted: Result<T, crate::convert::ConvertError>,
    ) -> T {
        converted.unwrap_or_else(|error| {
            let index = self.mapping.record.field(destination);
            self.note(index.unwrap_or_default(), error.0.to_owned());
            T::default()
        })
    }

    /// Checks what the table says of every field, and gives the record when nothing is wrong with it.
    ///
    /// # Errors
    /// The fields whose values do not fit, and the record without them.
    pub fn finish<R: Entity>(&mut self, mut record: R) -> Result<R, RecordError> {
        for (index, field) in record.descriptor().fields.iter().enumerate() {
            let wrong = spell(&mut record, index, field)
                .or_else(|| range::outside(field, record.slot(index)))
                .or_else(|| too_long(field, record.slot(index)))
                .or_else(|| control(field, record.slot(index)));
            if let Some(message) = wrong {
                record.slot_mut(index).set_absent();
                self.note(index, message);
            }
        }
        if self.errors.is_empty() {
            return Ok(record);
        }
        let errors = std::mem::take(&mut self.errors);
        let rest = Box::new(record);
        Err(RecordError::Fields(Unconverted { errors, rest }))
    }

    /// The payload of the way back with all that fits, and what does not.
    pub fn finish_back<P: Entity>(&mut self, mut payload: P) -> (P, Vec<FieldError>) {
        for (index, origin) in self.mapping.origins.iter().enumerate() {
            let Origin::Payload(target) = origin else {
                continue;
            };
            let field = self.mapping.payload.fields.get(*target);
            let slot = payload.slot(*target);
            let unfit =
                field.and_then(|field| too_long(field, slot).or_else(|| control(field, slot)));
            if let Some(message) = unfit.filter(|_| self.mapping.sync(index).both) {
                self.note(index, message);
                payload.slot_mut(*target).set_absent();
            }
        }
        (payload, std::mem::take(&mut self.errors))
    }

    fn note(&mut self, index: usize, message: String) {
        self.errors.push(FieldError {
            file: self.mapping.file,
            line: self.mapping.line(index).unwrap_or_default(),
            destination: self.mapping.field_name(index),
            message,
            ..FieldError::default()
        });
    }
}

/// Rewrites a number or a time in the one spelling of its field. Returns the error text if the value is neither.
fn spell(record: &mut dyn Entity, index: usize, field: &FieldDescriptor) -> Option<String> {
    let message = match field.kind {
        Kind::Decimal { scale } => {
            format!("the value is not a number with at most {scale} digits after the point")
        }
        Kind::DateTime => "the value is not a time with its zone".to_owned(),
        _ => return None,
    };
    let SlotMut::Text(slot) = record.slot_mut(index) else {
        return None;
    };
    let Slot::Value(text) = &*slot else {
        return None;
    };
    match text.trim() {
        // A blank value clears the field.
        "" => *slot = Slot::Null,
        text => match json::canonical(field.kind, text) {
            Some(text) => *slot = Slot::Value(text),
            None => return Some(message),
        },
    }
    None
}

fn too_long(field: &FieldDescriptor, slot: SlotRef<'_>) -> Option<String> {
    let limit = field.max_length?;
    let text = slot.text()?;
    // No text has more characters than bytes.
    if text.len() <= limit as usize {
        return None;
    }
    let length = text.chars().count();
    (length > limit as usize)
        .then(|| format!("the value has {length} characters, the field takes {limit}"))
}

/// Names the first control character of a text. Tabs and line ends are texts, too.
fn control(field: &FieldDescriptor, slot: SlotRef<'_>) -> Option<String> {
    let text = slot.text()?;
    let letter = match field.kind {
        // A look-up's key is JSON, in which they are escaped.
        Kind::Lookup(_) if text.contains('\\') => in_json(&serde_json::from_str(text).ok()?),
        _ => control_character(text),
    };
    letter.map(|letter| {
        format!(
            "the value has the control character U+{:04X}",
            u32::from(letter)
        )
    })
}

fn control_character(text: &str) -> Option<char> {
    // Texts are long and hardly ever have one: bytes are quicker than letters.
    let is_one = |letter: u8| letter < b' ' && !matches!(letter, b'\t' | b'\n' | b'\r');
    text.bytes().find(|letter| is_one(*letter)).map(char::from)
}

fn in_json(value: &serde_json::Value) -> Option<char> {
    use serde_json::Value;
    match value {
        Value::String(text) => control_character(text),
        Value::Array(items) => items.iter().find_map(in_json),
        Value::Object(members) => members.values().find_map(in_json),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
