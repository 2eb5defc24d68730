//! An entity whose table was made at run time: the same slots and the same tables, with no struct behind them.
//!
//! What runs a mapping without compiling it uses this one type for every payload and record. JSON, lengths,
//! differences and merges are the code that compiled entities use, since all of it is written over [`Entity`].

use std::any::Any;

use jiff::civil::Date;

use crate::change::{Mask, note_change, present};
use crate::entity::{Entity, EntityDescriptor, Kind, Slot, SlotMut, SlotRef};

/// A slot for each field of a table.
#[derive(Debug, Clone)]
pub struct Record {
    descriptor: &'static EntityDescriptor,
    /// All but the last.
    slots: Vec<AnySlot>,
    /// Where an index out of range leads as well.
    last: AnySlot,
}

#[derive(Debug, Clone)]
enum AnySlot {
    Text(Slot<String>),
    Boolean(Slot<bool>),
    Date(Slot<Date>),
}

impl Record {
    /// Every field absent.
    pub fn new(descriptor: &'static EntityDescriptor) -> Self {
        let mut slots: Vec<AnySlot> = descriptor
            .fields
            .iter()
            .map(|field| AnySlot::absent(field.kind))
            .collect();
        let last = slots.pop().unwrap_or(AnySlot::absent(Kind::Text));
        Record {
            descriptor,
            slots,
            last,
        }
    }

    /// For [`EntityDescriptor::new`].
    pub fn boxed(descriptor: &'static EntityDescriptor) -> Box<dyn Entity> {
        Box::new(Record::new(descriptor))
    }
}

impl Entity for Record {
    fn descriptor(&self) -> &'static EntityDescriptor {
        self.descriptor
    }

    fn slot(&self, index: usize) -> SlotRef<'_> {
        match self.slots.get(index).unwrap_or(&self.last) {
            AnySlot::Text(slot) => SlotRef::Text(slot),
            AnySlot::Boolean(slot) => SlotRef::Boolean(slot),
            AnySlot::Date(slot) => SlotRef::Date(slot),
        }
    }

    fn slot_mut(&mut self, index: usize) -> SlotMut<'_> {
        match self.slots.get_mut(index).unwrap_or(&mut self.last) {
            AnySlot::Text(slot) => SlotMut::Text(slot),
            AnySlot::Boolean(slot) => SlotMut::Boolean(slot),
            AnySlot::Date(slot) => SlotMut::Date(slot),
        }
    }

    fn changed_since(&self, base: &dyn Entity) -> Mask {
        let base = (base as &dyn Any).downcast_ref::<Self>();
        let Some(base) = base.filter(|base| std::ptr::eq(base.descriptor, self.descriptor)) else {
            return present(self);
        };
        let mut mask = Mask::default();
        for index in 0..self.descriptor.fields.len() {
            match (self.slot(index), base.slot(index)) {
                (SlotRef::Text(now), SlotRef::Text(before)) => {
                    note_change(&mut mask, index, now, before);
                }
                (SlotRef::Boolean(now), SlotRef::Boolean(before)) => {
                    note_change(&mut mask, index, now, before);
                }
                (SlotRef::Date(now), SlotRef::Date(before)) => {
                    note_change(&mut mask, index, now, before);
                }
                // One table gives one kind to an index.
                _ => {}
            }
        }
        mask
    }
}

impl AnySlot {
    fn absent(kind: Kind) -> Self {
        match kind {
            Kind::Text
            | Kind::Decimal { .. }
            | Kind::DateTime
            | Kind::Reference { .. }
            | Kind::Lookup(_) => AnySlot::Text(Slot::Absent),
            Kind::Boolean => AnySlot::Boolean(Slot::Absent),
            Kind::Date => AnySlot::Date(Slot::Absent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::{FieldDescriptor, copied};
    use crate::json;

    static PERSON: EntityDescriptor = EntityDescriptor {
        name: "person",
        fields: &[
            FieldDescriptor::new(&["born"], Kind::Date),
            FieldDescriptor::new(&["friend"], Kind::Reference { mapping: "person" }),
            FieldDescriptor::new(&["home", "city"], Kind::Text),
            FieldDescriptor::new(&["member"], Kind::Boolean),
        ],
        new: Record::boxed,
    };

    static OTHER: EntityDescriptor = EntityDescriptor {
        name: "other",
        fields: &[FieldDescriptor::new(&["born"], Kind::Date)],
        new: Record::boxed,
    };

    fn person(json: &str) -> Box<dyn Entity> {
        let mut person = PERSON.new_entity();
        json::read(person.as_mut(), json.as_bytes()).unwrap();
        person
    }

    fn written(entity: &dyn Entity) -> String {
        serde_json::Value::Object(json::write_tree(entity, &present(entity))).to_string()
    }

    #[test]
    fn json_comes_in_and_goes_out_by_the_table() {
        let text = r#"{"born":"1815-12-10","friend":"i-2","home":{"city":null},"member":true}"#;
        assert_eq!(written(person(text).as_ref()), text);
        let wrong = json::read(PERSON.new_entity().as_mut(), br#"{"born":"soon"}"#);
        assert_eq!(
            wrong.unwrap_err().to_string(),
            "the row does not fit its schema: born is not a date"
        );
    }

    #[test]
    fn an_index_out_of_range_is_one_of_the_fields() {
        let mut person = Record::new(&PERSON);
        assert!(matches!(person.slot_mut(99), SlotMut::Boolean(_)));
        assert!(matches!(person.slot(4), SlotRef::Boolean(_)));
    }

    #[test]
    fn what_changed_is_what_says_something_else() {
        let before = person(r#"{"born":"1815-12-10","home":{"city":"London"},"member":true}"#);
        let after = person(r#"{"home":{"city":"Ockham"},"member":true,"friend":null}"#);
        let changed = after.changed_since(before.as_ref());
        assert_eq!(
            (0..4)
                .filter(|index| changed.contains(*index))
                .collect::<Vec<_>>(),
            [1, 2]
        );
        // Another table's record: all that is there counts.
        assert_eq!(after.changed_since(OTHER.new_entity().as_ref()).len(), 3);
        assert_eq!(
            written(copied(after.as_ref()).as_ref()),
            written(after.as_ref())
        );
    }
}
