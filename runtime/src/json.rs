//! Entities from JSON and to JSON, written once over the descriptors.
//!
//! Reading goes straight from the text into the slots, with no tree in between. What does not fit is collected,
//! so that one pass names every misfit; members that no field maps are skipped.

mod find;
mod value;

use std::fmt;
use std::ops::Range;

use jiff::civil::Date;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};

use crate::change::Mask;
use crate::entity::{Entity, EntityDescriptor, FieldDescriptor, Kind, Slot, SlotMut, SlotRef};

pub use find::{Found, find, find_all, members};
pub(crate) use value::canonical;
pub use value::parse_moment as moment;

/// Why a row is not what its schema says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// One sentence a misfit, none with a value in it.
    #[error("the row does not fit its schema: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Misfits(Vec<Misfit>),
    #[error("the row is not JSON: {0}")]
    Syntax(String),
}

/// A member of a row that does not fit its schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} {what}", .path.as_deref().unwrap_or("the row"))]
pub struct Misfit {
    /// Its path, such as `address.city`. `None` for the row as a whole.
    pub path: Option<String>,
    /// The range of the fields that cannot be read because of this member.
    pub fields: Range<usize>,
    /// The reason, such as `is not text`.
    pub what: String,
}

/// Fills an entity from a JSON object.
///
/// # Errors
/// When the text is not a JSON object, a value has another type than its field, or a required field is missing or null.
pub fn read(entity: &mut dyn Entity, json: &[u8]) -> Result<(), ReadError> {
    read_as(entity, json, false)
}

/// As [`read`], of a row of Ticketure's: its texts are as long as their schema allows.
///
/// # Errors
/// As [`read`], and when a text is longer than that.
pub fn read_row(entity: &mut dyn Entity, json: &[u8]) -> Result<(), ReadError> {
    read_as(entity, json, true)
}

fn read_as(entity: &mut dyn Entity, json: &[u8], is_measured: bool) -> Result<(), ReadError> {
    let mut reader = Reader {
        descriptor: entity.descriptor(),
        is_measured,
        entity,
        misfits: Vec::new(),
    };
    // Looking once whether all of it is UTF-8 is cheaper than at every text; what is not has its place told.
    match std::str::from_utf8(json) {
        Ok(text) => reader.fill(serde_json::Deserializer::from_str(text)),
        Err(_) => reader.fill(serde_json::Deserializer::from_slice(json)),
    }
    .map_err(|error| ReadError::Syntax(without_value(&error)))?;
    reader.demand_required();
    if reader.misfits.is_empty() {
        Ok(())
    } else {
        Err(ReadError::Misfits(reader.misfits))
    }
}

/// A parser's message may quote the text, which may be personal data: only the place is kept.
fn without_value(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}

struct Reader<'a> {
    descriptor: &'static EntityDescriptor,
    /// Texts that are longer than the table says are misfits.
    is_measured: bool,
    entity: &'a mut dyn Entity,
    misfits: Vec<Misfit>,
}

impl Reader<'_> {
    fn fill<'j, R: serde_json::de::Read<'j>>(
        &mut self,
        mut source: serde_json::Deserializer<R>,
    ) -> Result<(), serde_json::Error> {
        let all = 0..self.descriptor.fields.len();
        let root = ObjectSeed {
            reader: self,
            fields: all,
            depth: 0,
        };
        root.deserialize(&mut source)?;
        source.end()
    }

    fn misfit(&mut self, index: usize, field: &FieldDescriptor) {
        self.misfits.push(Misfit {
            path: Some(field.dotted()),
            fields: index..index + 1,
            what: format!("is not {}", field.kind.name()),
        });
    }

    fn demand_required(&mut self) {
        for (index, field) in self.descriptor.fields.iter().enumerate() {
            if !field.required {
                continue;
            }
            let empty = match self.entity.slot(index) {
                SlotRef::Text(slot) => slot.value().is_none(),
                SlotRef::Boolean(slot) => slot.value().is_none(),
                SlotRef::Date(slot) => slot.value().is_none(),
            };
            if empty {
                self.misfits.push(Misfit {
                    path: Some(field.dotted()),
                    fields: index..index + 1,
                    what: "is missing".to_owned(),
                });
            }
        }
    }

    /// The fields among `candidates` whose path has this name at this depth. Sorted paths make them neighbours, and
    /// let them be found by halves.
    fn named(&self, candidates: Range<usize>, depth: usize, name: &str) -> Range<usize> {
        let Some(fields) = self.descriptor.fields.get(candidates.clone()) else {
            return 0..0;
        };
        let before = fields.partition_point(|field| field.path.get(depth) < Some(&name));
        let count = fields
            .iter()
            .skip(before)
            .take_while(|field| field.path.get(depth) == Some(&name))
            .count();
        let start = candidates.start + before;
        start..start + count
    }

    fn set_null(&mut self, fields: Range<usize>) {
        for index in fields {
            self.entity.slot_mut(index).set_null();
        }
    }
}

/// Reads one object: each member into its field, or into the objects below.
struct ObjectSeed<'r, 'e> {
    reader: &'r mut Reader<'e>,
    fields: Range<usize>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<Name>()? {
            let fields = self.reader.named(self.fields.clone(), self.depth, &name.0);
            let leaf = self
                .reader
                .descriptor
                .fields
                .get(fields.start)
                .filter(|field| fields.len() == 1 && field.path.len() == self.depth + 1);
            if fields.is_empty() {
                members.next_value::<IgnoredAny>()?;
            } else if let Some(field) = leaf {
                members.next_value_seed(ValueSeed {
                    reader: self.reader,
                    index: fields.start,
                    field,
                })?;
            } else {
                members.next_value_seed(ObjectSeed {
                    reader: self.reader,
                    fields,
                    depth: self.depth + 1,
                })?;
            }
        }
        Ok(())
    }

    /// An object that is null has null fields.
    fn visit_unit<E>(self) -> Result<(), E> {
        if self.depth == 0 {
            return self.not_an_object();
        } else {
            self.reader.set_null(self.fields);
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.not_an_object()
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.not_an_object()
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.not_an_object()
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.not_an_object()
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.not_an_object()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        self.not_an_object()
    }
}

impl ObjectSeed<'_, '_> {
    fn not_an_object<E>(self) -> Result<(), E> {
        let name = match self.reader.descriptor.fields.get(self.fields.start) {
            Some(field) if self.depth > 0 => {
                field.path.get(..self.depth).map(|names| names.join("."))
            }
            _ => None,
        };
        self.reader.misfits.push(Misfit {
            path: name,
            fields: self.fields,
            what: "is not an object".to_owned(),
        });
        Ok(())
    }
}

/// A member's name, borrowed from the text where it has no escapes.
pub struct Name<'de>(pub std::borrow::Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a name")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(text.into()))
            }
            fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
                Ok(Name(text.to_owned().into()))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

/// Reads one value into one field.
struct ValueSeed<'r, 'e> {
    reader: &'r mut Reader<'e>,
    index: usize,
    field: &'static FieldDescriptor,
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl ValueSeed<'_, '_> {
    fn misfit<E>(self) -> Result<(), E> {
        self.reader.misfit(self.index, self.field);
        Ok(())
    }

    /// A number's text is what was sent: doubles are written with the fewest digits that are theirs alone.
    fn number<E>(self, text: &str) -> Result<(), E> {
        let canonical = match self.field.kind {
            Kind::Decimal { .. } => value::canonical(self.field.kind, text),
            _ => None,
        };
        match (self.reader.entity.slot_mut(self.index), canonical) {
            (SlotMut::Text(slot), Some(text)) => *slot = Slot::Value(text),
            _ => return self.misfit(),
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.field.kind.name())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.reader.entity.slot_mut(self.index).set_null();
        Ok(())
    }

    fn visit_bool<E>(self, truth: bool) -> Result<(), E> {
        match self.reader.entity.slot_mut(self.index) {
            SlotMut::Boolean(slot) => *slot = Slot::Value(truth),
            SlotMut::Text(_) | SlotMut::Date(_) => return self.misfit(),
        }
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        let kind = self.field.kind;
        let is_measured = self.reader.is_measured && kind == Kind::Text;
        if let (true, Some(what)) = (is_measured, too_long(self.field, text)) {
            self.reader.misfits.push(Misfit {
                path: Some(self.field.dotted()),
                fields: self.index..self.index + 1,
                what,
            });
            return Ok(());
        }
        match self.reader.entity.slot_mut(self.index) {
            SlotMut::Text(slot) => match value::canonical(kind, text) {
                Some(text) => *slot = Slot::Value(text),
                None => return self.misfit(),
            },
            SlotMut::Date(slot) => match text.parse::<Date>() {
                Ok(date) => *slot = Slot::Value(date),
                Err(_) => return self.misfit(),
            },
            SlotMut::Boolean(_) => return self.misfit(),
        }
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.number(&number.to_string())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.number(&number.to_string())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.number(&number.to_string())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        self.misfit()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.misfit()
    }
}

/// The words about a text that is longer than its schema allows.
fn too_long(field: &FieldDescriptor, text: &str) -> Option<String> {
    let limit = field.max_length? as usize;
    // No text has more characters than bytes.
    if text.len() <= limit {
        return None;
    }
    let length = text.chars().count();
    (length > limit).then(|| format!("has {length} characters, its schema allows {limit}"))
}

/// Writes the fields of the mask as one flat JSON object, named by their last name; absent fields are left out.
/// `resolve` turns a reference (mapping, source id) into what is sent; a reference that it does not know is left out.
pub fn write(
    entity: &dyn Entity,
    mask: &Mask,
    resolve: &dyn Fn(&str, &str) -> Option<String>,
) -> Result<String, serde_json::Error> {
    let mut bytes = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::new(&mut bytes);
    let mut object = serializer.serialize_map(None)?;
    for (index, field) in entity.descriptor().fields.iter().enumerate() {
        let Some(name) = field.path.last().filter(|_| mask.contains(index)) else {
            continue;
        };
        match (entity.slot(index), field.kind) {
            (SlotRef::Text(Slot::Value(id)), Kind::Reference { mapping }) => {
                if let Some(sent) = resolve(mapping, id) {
                    object.serialize_entry(name, &sent)?;
                }
            }
            (SlotRef::Text(Slot::Value(text)), Kind::Decimal { .. }) => {
                object.serialize_entry(name, &value::number(text)?)?;
            }
            (SlotRef::Text(Slot::Value(text)), _) => object.serialize_entry(name, text)?,
            (SlotRef::Boolean(Slot::Value(truth)), _) => object.serialize_entry(name, truth)?,
            (SlotRef::Date(Slot::Value(date)), _) => object.serialize_entry(name, &date)?,
            (slot, _) if !slot.is_absent() => object.serialize_entry(name, &())?,
            _ => {}
        }
    }
    object.end()?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// One value, null where there is none; a reference is its source id, as the base keeps it.
pub fn value(slot: SlotRef<'_>) -> serde_json::Value {
    use serde_json::Value;
    match slot {
        SlotRef::Text(Slot::Value(text)) => Value::from(text.as_str()),
        SlotRef::Boolean(Slot::Value(truth)) => Value::from(*truth),
        SlotRef::Date(Slot::Value(date)) => Value::from(date.to_string()),
        SlotRef::Text(_) | SlotRef::Boolean(_) | SlotRef::Date(_) => Value::Null,
    }
}

/// Writes the fields of the mask as the source takes them: `address.city` inside `address`. Absent fields are left out.
pub fn write_tree(entity: &dyn Entity, mask: &Mask) -> serde_json::Map<String, serde_json::Value> {
    let mut root = serde_json::Map::new();
    for (index, field) in entity.descriptor().fields.iter().enumerate() {
        let slot = entity.slot(index);
        if mask.contains(index) && !slot.is_absent() {
            insert_at(&mut root, field.path, value(slot));
        }
    }
    root
}

fn insert_at(
    members: &mut serde_json::Map<String, serde_json::Value>,
    path: &[&str],
    value: serde_json::Value,
) {
    match path {
        [] => {}
        [last] => {
            members.insert((*last).to_owned(), value);
        }
        [first, rest @ ..] => {
            let inner = members
                .entry((*first).to_owned())
                .or_insert_with(|| serde_json::Value::Object(serde_json::Map::new()));
            if let serde_json::Value::Object(inner) = inner {
                insert_at(inner, rest, value);
            }
        }
    }
}

/// A reference as its source id: how the base keeps it.
pub fn as_source_id(_mapping: &str, source_id: &str) -> Option<String> {
    Some(source_id.to_owned())
}

/// Text at a path of a parsed document; a number or a truth as its text. None when there is nothing, or an object.
pub fn text_at(value: &serde_json::Value, path: &[&str]) -> Option<String> {
    let mut value = value;
    for name in path {
        value = value.get(name)?;
    }
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::Bool(truth) => Some(truth.to_string()),
        serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
            None
        }
    }
}
