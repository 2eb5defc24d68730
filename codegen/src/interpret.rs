//! ir -> what a generated module does, at once and without a Rust build.
//!
//! Nothing of a mapping's meaning is written a second time here: rows are read, values converted, lengths checked,
//! pairs merged and tests compared by `runtime`, over tables of the same shape as the generated ones. What is left is
//! to go through the fields in their order, as generated code does line by line.

mod tables;

use std::any::Any;

use runtime::convert::{self, ConvertError, Named};
use runtime::dynamic::Record;
use runtime::entity::{Entity, Slot, SlotMut};
use runtime::expect::{self, Failure, Fitted};
use runtime::handler::{Back, Conversions, FieldError, Handler, RecordError};
use runtime::mapping::MappingDescriptor;

use crate::ir::{self, Program, Records, Subject};

/// One handler a payload type, as the generated crate has one adapter each.
pub fn handlers(program: &Program) -> Vec<Interpreter> {
    let of = |handler: &ir::Handler| {
        let fed = handler
            .mappings
            .iter()
            .filter_map(|index| program.mappings.get(*index));
        Interpreter::new(&handler.payload_type, fed.map(Mapping::new).collect())
    };
    program.handlers.iter().map(of).collect()
}

/// The mappings that one payload type feeds.
pub struct Interpreter {
    payload_type: &'static str,
    descriptors: &'static [&'static MappingDescriptor],
    mappings: Vec<Mapping>,
}

/// One mapping.
pub struct Mapping {
    descriptor: &'static MappingDescriptor,
    /// For each record field, its value.
    values: Vec<Value>,
}

enum Value {
    /// A payload field through a conversion.
    Payload {
        index: usize,
        convert: Option<&'static Named>,
    },
    Text(Slot<String>),
    Boolean(Slot<bool>),
    /// A text that `convert: date` takes.
    Date(Slot<String>),
}

impl Mapping {
    /// Makes the mapping's tables, which stay for the life of the process.
    pub fn new(mapping: &ir::Mapping) -> Self {
        Mapping {
            descriptor: tables::mapping(mapping),
            values: mapping.values.iter().map(Value::new).collect(),
        }
    }

    pub fn descriptor(&self) -> &'static MappingDescriptor {
        self.descriptor
    }

    /// The record that a row becomes.
    ///
    /// # Errors
    /// When the row does not fit its schema, or a value cannot become its field: every such value is named.
    pub fn to_record(&self, row: &[u8]) -> Result<Record, RecordError> {
        let mut payload = Record::new(self.descriptor.payload);
        runtime::json::read_row(&mut payload, row)?;
        self.converted(&payload)
    }

    /// What a record of Salesforce's says in the source's words.
    ///
    /// # Errors
    /// When the mapping has no way back, or the record is not one of its own.
    pub fn back(&self, record: &dyn Entity) -> Result<Back, RecordError> {
        let own = (record as &dyn Any)
            .downcast_ref::<Record>()
            .filter(|record| std::ptr::eq(record.descriptor(), self.descriptor.record));
        let two_way = self.descriptor.direction == runtime::mapping::Direction::Both;
        let Some(record) = own.filter(|_| two_way) else {
            return Err(RecordError::UnknownMapping(self.descriptor.name.to_owned()));
        };
        let (payload, errors) = self.converted_back(record);
        let again = self.converted(&payload);
        Ok(Back::new(self.descriptor, record, payload, errors, again))
    }

    /// Carries out one of the mapping's tests.
    ///
    /// # Errors
    /// What came out otherwise than the test says.
    pub fn test(&self, test: &ir::Test) -> Result<(), Failure> {
        match &test.subject {
            Subject::Record { given, expect } if test.exact => {
                expect::exactly(self.record(given), expect)
            }
            Subject::Record { given, expect } => expect::at_least(self.record(given), expect),
            Subject::Rows {
                given,
                settings,
                expect,
            } => {
                let made = || self.made(given, settings);
                match expect {
                    Records::None => expect::absent(self.descriptor, given, settings),
                    Records::One(expect) if test.exact => expect::exactly(made(), expect),
                    Records::One(expect) => expect::at_least(made(), expect),
                    Records::Several(expect) => {
                        expect::all(self.all(given, settings), expect, test.exact)
                    }
                }
            }
            Subject::Pushed { now, push } => expect::pushed(self.descriptor, now, push),
            Subject::Pair(pair) => {
                let pair = expect::Pair {
                    base: pair.base.as_deref(),
                    now: pair.now.as_deref(),
                    row: pair.given.as_deref().map(|given| match &pair.settings {
                        Some(settings) => self.made(given, settings),
                        None => self.record(given),
                    }),
                    expect: pair.expect.as_deref(),
                    exact: test.exact,
                    push: pair.push.as_deref(),
                };
                expect::pair(self.descriptor, pair, |record| self.back(record))
            }
        }
    }

    /// The record that rows become, once they are made ready.
    fn made(&self, rows: &str, settings: &str) -> Result<Fitted, RecordError> {
        expect::made(self.descriptor, rows, settings, &|row| self.boxed(row))
    }

    /// The same where they are those of several records.
    fn all(&self, rows: &str, settings: &str) -> Result<Vec<Fitted>, RecordError> {
        expect::all_made(self.descriptor, rows, settings, &|row| self.boxed(row))
    }

    fn record(&self, row: &str) -> Result<Fitted, RecordError> {
        expect::read(self.descriptor, row, &|row| self.boxed(row))
    }

    fn boxed(&self, row: &[u8]) -> Result<Box<dyn Entity>, RecordError> {
        Ok(Box::new(self.to_record(row)?))
    }

    fn converted(&self, payload: &Record) -> Result<Record, RecordError> {
        let mut conversions = Conversions::new(self.descriptor);
        let mut record = Record::new(self.descriptor.record);
        for (index, value) in self.values.iter().enumerate() {
            let given = value.give(payload, record.slot_mut(index));
            conversions.field(self.descriptor.field_name(index), given);
        }
        conversions.finish(record)
    }

    fn converted_back(&self, record: &Record) -> (Record, Vec<FieldError>) {
        let mut conversions = Conversions::new(self.descriptor);
        let mut payload = Record::new(self.descriptor.payload);
        for (index, value) in self.values.iter().enumerate() {
            let Value::Payload {
                index: target,
                convert,
            } = value
            else {
                continue;
            };
            if self.descriptor.sync(index).both {
                let convert = known(*convert).map(|convert| convert.back);
                let (from, into) = (record.slot(index), payload.slot_mut(*target));
                let converted = convert.and_then(|convert| convert.apply(from, into));
                conversions.field(self.descriptor.field_name(index), converted);
            }
        }
        conversions.finish_back(payload)
    }
}

impl Value {
    fn new(value: &ir::Value) -> Self {
        match value {
            ir::Value::Payload {
                index, function, ..
            } => Value::Payload {
                index: *index,
                convert: convert::named(function),
            },
            ir::Value::Text(text) => Value::Text(Slot::Value(text.clone())),
            ir::Value::Boolean(truth) => Value::Boolean(Slot::Value(*truth)),
            ir::Value::Date(year, month, day) => {
                Value::Date(Slot::Value(format!("{year:04}-{month:02}-{day:02}")))
            }
        }
    }

    /// Gives a record's field its value.
    fn give(&self, payload: &Record, into: SlotMut<'_>) -> Result<(), ConvertError> {
        match (self, into) {
            (Value::Payload { index, convert }, into) => {
                known(*convert)?.to.apply(payload.slot(*index), into)?;
            }
            (Value::Text(text), SlotMut::Text(slot)) => slot.clone_from(text),
            (Value::Boolean(truth), SlotMut::Boolean(slot)) => slot.clone_from(truth),
            (Value::Date(text), SlotMut::Date(slot)) => *slot = convert::date(text.clone())?,
            // `lower` gives a constant the kind of its field.
            _ => {}
        }
        Ok(())
    }
}

/// A conversion that `runtime` does not have is a defect of ours; a test holds the two lists together.
fn known(convert: Option<&'static Named>) -> Result<&'static Named, ConvertError> {
    convert.ok_or(ConvertError("mapc does not know this conversion"))
}

impl Interpreter {
    fn new(payload_type: &str, mappings: Vec<Mapping>) -> Self {
        let descriptors = mappings.iter().map(|mapping| mapping.descriptor).collect();
        Interpreter {
            payload_type: tables::text(payload_type),
            descriptors: tables::list(descriptors),
            mappings,
        }
    }

    fn mapping(&self, name: &str) -> Result<&Mapping, RecordError> {
        self.mappings
            .iter()
            .find(|mapping| mapping.descriptor.name == name)
            .ok_or_else(|| RecordError::UnknownMapping(name.to_owned()))
    }
}

impl Handler for Interpreter {
    fn payload_type(&self) -> &'static str {
        self.payload_type
    }

    fn mappings(&self) -> &'static [&'static MappingDescriptor] {
        self.descriptors
    }

    fn to_record(&self, mapping: &str, row: &[u8]) -> Result<Box<dyn Entity>, RecordError> {
        Ok(Box::new(self.mapping(mapping)?.to_record(row)?))
    }

    fn back(&self, mapping: &str, record: &dyn Entity) -> Result<Back, RecordError> {
        self.mapping(mapping)?.back(record)
    }
}
