//! The words that generated code speaks: slots of three states, entities as tables of slots.
//!
//! Generated structs have named fields; everything that treats all fields alike (reading and writing JSON,
//! checking lengths, merging) is written once, here and beside this file, over [`Entity`] and its descriptor.

use std::any::Any;

use jiff::civil::Date;

use crate::change::Mask;
use crate::mapping::Lookup;

/// A field's value: absent leaves the other side alone, null clears it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Slot<T> {
    #[default]
    Absent,
    Null,
    Value(T),
}

impl<T> Slot<T> {
    pub fn value(&self) -> Option<&T> {
        match self {
            Slot::Value(value) => Some(value),
            Slot::Absent | Slot::Null => None,
        }
    }

    pub fn is_absent(&self) -> bool {
        matches!(self, Slot::Absent)
    }

    /// Changes the value; absent and null stay what they are.
    pub fn try_map<U, E>(self, change: impl FnOnce(T) -> Result<Slot<U>, E>) -> Result<Slot<U>, E> {
        match self {
            Slot::Absent => Ok(Slot::Absent),
            Slot::Null => Ok(Slot::Null),
            Slot::Value(value) => change(value),
        }
    }
}

impl Slot<String> {
    /// A constant.
    pub fn text(text: &str) -> Self {
        Slot::Value(text.to_owned())
    }
}

/// The scale of a number with as many digits after its point as there are.
pub const ANY_SCALE: u32 = rust_decimal::Decimal::MAX_SCALE;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Boolean,
    Date,
    /// A number, as text with this many digits after the point: money is never a float.
    Decimal {
        scale: u32,
    },
    /// A moment, as RFC 3339 text.
    DateTime,
    /// The source id of another mapping's record; sent as that record's Salesforce id.
    Reference {
        mapping: &'static str,
    },
    /// What a look-up asks for, as JSON; sent as the id of the record that it finds.
    Lookup(&'static Lookup),
}

impl Kind {
    /// As an error names it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Boolean => "true or false",
            Kind::Date => "a date",
            Kind::Decimal { .. } => "a number",
            Kind::DateTime => "a time",
            Kind::Reference { .. } => "an id",
            Kind::Lookup(_) => "what a look-up asks for",
        }
    }
}

/// One row of an entity's table.
#[derive(Debug)]
pub struct FieldDescriptor {
    /// Member names from the object's root: `["address", "city"]`; one name in a Salesforce record.
    pub path: &'static [&'static str],
    pub kind: Kind,
    /// In characters.
    pub max_length: Option<u32>,
    /// Personal data: its value never reaches a log.
    pub pii: bool,
    /// Sent with a create, never with an update.
    pub create_only: bool,
    /// Left out where NPSP is not installed.
    pub needs_npsp: bool,
    /// The source's schema lists it under `required`.
    pub required: bool,
    /// True if Salesforce refuses the record without the field, or if the record is useless without it.
    pub demanded: bool,
    /// The most digits before the decimal point of a number.
    pub whole_digits: Option<u32>,
}

impl FieldDescriptor {
    pub const fn new(path: &'static [&'static str], kind: Kind) -> Self {
        FieldDescriptor {
            path,
            kind,
            max_length: None,
            pii: false,
            create_only: false,
            needs_npsp: false,
            required: false,
            demanded: false,
            whole_digits: None,
        }
    }

    pub const fn reference(path: &'static [&'static str], mapping: &'static str) -> Self {
        FieldDescriptor::new(path, Kind::Reference { mapping })
    }

    pub const fn max_length(mut self, characters: u32) -> Self {
        self.max_length = Some(characters);
        self
    }

    pub const fn pii(mut self) -> Self {
        self.pii = true;
        self
    }

    pub const fn create_only(mut self) -> Self {
        self.create_only = true;
        self
    }

    pub const fn needs_npsp(mut self) -> Self {
        self.needs_npsp = true;
        self
    }

    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub const fn demanded(mut self) -> Self {
        self.demanded = true;
        self
    }

    pub const fn whole_digits(mut self, digits: u32) -> Self {
        self.whole_digits = Some(digits);
        self
    }

    /// `address.city`.
    pub fn dotted(&self) -> String {
        self.path.join(".")
    }
}

/// An entity's table. Fields are sorted by path, which the JSON reader relies on.
#[derive(Debug)]
pub struct EntityDescriptor {
    /// `identity`, or `Contact`.
    pub name: &'static str,
    pub fields: &'static [FieldDescriptor],
    /// Makes an entity of this table with every field absent; it is given the table itself.
    pub new: fn(&'static EntityDescriptor) -> Box<dyn Entity>,
}

impl EntityDescriptor {
    /// An entity of this table with every field absent.
    pub fn new_entity(&'static self) -> Box<dyn Entity> {
        (self.new)(self)
    }

    /// The index of a field whose path is this one name.
    pub fn field(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.path == [name])
    }
}

/// A struct whose fields can be reached by their index in its descriptor.
pub trait Entity: Any + Send + Sync {
    fn descriptor(&self) -> &'static EntityDescriptor;

    /// The field of this index; out of range is one of them.
    fn slot(&self, index: usize) -> SlotRef<'_>;

    /// As [`Entity::slot`], to write to.
    fn slot_mut(&mut self, index: usize) -> SlotMut<'_>;

    /// Which fields of `self` say something else than `base`. An absent field says nothing.
    /// Entities of two types have all that is not absent changed.
    fn changed_since(&self, base: &dyn Entity) -> Mask;
}

/// A field to read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SlotRef<'a> {
    Text(&'a Slot<String>),
    Boolean(&'a Slot<bool>),
    Date(&'a Slot<Date>),
}

impl SlotRef<'_> {
    pub fn is_absent(&self) -> bool {
        match self {
            SlotRef::Text(slot) => slot.is_absent(),
            SlotRef::Boolean(slot) => slot.is_absent(),
            SlotRef::Date(slot) => slot.is_absent(),
        }
    }

    /// Do both say the same? Blank text is none, blanks around it do not count, and a check box that is not ticked is
    /// one that nobody ticked: so both systems store them.
    pub fn equivalent(self, other: SlotRef<'_>) -> bool {
        fn text(slot: &Slot<String>) -> &str {
            slot.value().map_or("", |text| text.trim())
        }
        match (self, other) {
            (SlotRef::Text(one), SlotRef::Text(other)) => text(one) == text(other),
            (SlotRef::Boolean(one), SlotRef::Boolean(other)) => {
                one.value().copied().unwrap_or(false) == other.value().copied().unwrap_or(false)
            }
            (SlotRef::Date(one), SlotRef::Date(other)) => one.value() == other.value(),
            _ => false,
        }
    }

    /// Could an org have made this of the other? Triggers and flows change capitals and white space.
    pub fn resembles(self, other: SlotRef<'_>) -> bool {
        let folded = |slot: &Slot<String>| -> Option<String> {
            let letters = slot
                .value()?
                .chars()
                .filter(|letter| !letter.is_whitespace());
            Some(letters.flat_map(char::to_lowercase).collect())
        };
        match (self, other) {
            (SlotRef::Text(one), SlotRef::Text(other)) => {
                folded(one).unwrap_or_default() == folded(other).unwrap_or_default()
            }
            _ => self.equivalent(other),
        }
    }

    /// Null, absent, or text of blanks.
    pub fn is_blank(self) -> bool {
        match self {
            SlotRef::Text(slot) => slot.value().is_none_or(|text| text.trim().is_empty()),
            SlotRef::Boolean(slot) => slot.value().is_none(),
            SlotRef::Date(slot) => slot.value().is_none(),
        }
    }

    /// The value of a text or reference field.
    pub fn text(&self) -> Option<&str> {
        match self {
            SlotRef::Text(slot) => slot.value().map(String::as_str),
            SlotRef::Boolean(_) | SlotRef::Date(_) => None,
        }
    }
}

/// A field to write.
#[derive(Debug)]
pub enum SlotMut<'a> {
    Text(&'a mut Slot<String>),
    Boolean(&'a mut Slot<bool>),
    Date(&'a mut Slot<Date>),
}

impl SlotMut<'_> {
    pub fn set_absent(self) {
        match self {
            SlotMut::Text(slot) => *slot = Slot::Absent,
            SlotMut::Boolean(slot) => *slot = Slot::Absent,
            SlotMut::Date(slot) => *slot = Slot::Absent,
        }
    }

    pub fn set_null(self) {
        match self {
            SlotMut::Text(slot) => *slot = Slot::Null,
            SlotMut::Boolean(slot) => *slot = Slot::Null,
            SlotMut::Date(slot) => *slot = Slot::Null,
        }
    }

    /// Says that there is nothing: null, and of a check box that it is not ticked.
    pub fn set_blank(self) {
        match self {
            SlotMut::Boolean(slot) => *slot = Slot::Value(false),
            SlotMut::Text(_) | SlotMut::Date(_) => self.set_null(),
        }
    }

    /// Takes over the other's value; slots of two kinds are left alone.
    pub fn set(self, other: SlotRef<'_>) {
        match (self, other) {
            (SlotMut::Text(slot), SlotRef::Text(value)) => slot.clone_from(value),
            (SlotMut::Boolean(slot), SlotRef::Boolean(value)) => slot.clone_from(value),
            (SlotMut::Date(slot), SlotRef::Date(value)) => slot.clone_from(value),
            _ => {}
        }
    }
}

/// A copy of the entity.
pub fn copied(entity: &dyn Entity) -> Box<dyn Entity> {
    let mut copy = entity.descriptor().new_entity();
    overlay(copy.as_mut(), entity);
    copy
}

/// Lays what `newer` says over `older`: what `newer` leaves absent stays.
pub fn overlay(older: &mut dyn Entity, newer: &dyn Entity) {
    for index in 0..newer.descriptor().fields.len() {
        let slot = newer.slot(index);
        if !slot.is_absent() {
            older.slot_mut(index).set(slot);
        }
    }
}
