//! The conversions by name, over slots whose kind is known only at run time.
//!
//! Generated code calls the typed functions beside this file; what runs a mapping without compiling it finds the same
//! functions here. A mapping that passed its checks never brings a slot of another kind than its conversion takes.

use jiff::civil::Date;

use super::{ConvertError, back, date, email, not, phone};
use crate::entity::{Slot, SlotMut, SlotRef};

/// A conversion and its way back.
#[derive(Debug)]
pub struct Named {
    /// The name of its function in [`super`] and in [`super::back`].
    pub name: &'static str,
    pub to: Convert,
    pub back: Convert,
}

/// A typed function, by what it takes and gives.
#[derive(Debug, Clone, Copy)]
pub enum Convert {
    /// The value as it is, of any kind.
    Same,
    Text(fn(Slot<String>) -> Result<Slot<String>, ConvertError>),
    Truth(fn(Slot<bool>) -> Result<Slot<bool>, ConvertError>),
    TextToDate(fn(Slot<String>) -> Result<Slot<Date>, ConvertError>),
    DateToText(fn(Slot<Date>) -> Result<Slot<String>, ConvertError>),
}

/// Every conversion, sorted by name.
pub static ALL: &[Named] = &[
    Named {
        name: "date",
        to: Convert::TextToDate(date),
        back: Convert::DateToText(back::date),
    },
    Named {
        name: "email",
        to: Convert::Text(email),
        back: Convert::Text(back::email),
    },
    Named {
        name: "not",
        to: Convert::Truth(not),
        back: Convert::Truth(back::not),
    },
    Named {
        name: "phone",
        to: Convert::Text(phone),
        back: Convert::Text(back::phone),
    },
    Named {
        name: "same",
        to: Convert::Same,
        back: Convert::Same,
    },
];

/// The conversion of this name.
pub fn named(name: &str) -> Option<&'static Named> {
    ALL.iter().find(|conversion| conversion.name == name)
}

impl Convert {
    /// Converts `from` into `into`.
    ///
    /// # Errors
    /// As the typed function; also when a slot is of another kind than it takes or gives. `into` is then left alone.
    pub fn apply(self, from: SlotRef<'_>, into: SlotMut<'_>) -> Result<(), ConvertError> {
        match (self, from, into) {
            (Convert::Same, SlotRef::Text(from), SlotMut::Text(into)) => into.clone_from(from),
            (Convert::Same, SlotRef::Boolean(from), SlotMut::Boolean(into)) => {
                into.clone_from(from);
            }
            (Convert::Same, SlotRef::Date(from), SlotMut::Date(into)) => into.clone_from(from),
            (Convert::Text(convert), SlotRef::Text(from), SlotMut::Text(into)) => {
                *into = convert(from.clone())?;
            }
            (Convert::Truth(convert), SlotRef::Boolean(from), SlotMut::Boolean(into)) => {
                *into = convert(from.clone())?;
            }
            (Convert::TextToDate(convert), SlotRef::Text(from), SlotMut::Date(into)) => {
                *into = convert(from.clone())?;
            }
            (Convert::DateToText(convert), SlotRef::Date(from), SlotMut::Text(into)) => {
                *into = convert(from.clone())?;
            }
            _ => {
                return Err(ConvertError(
                    "the value is of another kind than the conversion takes",
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_finds_the_typed_function_and_its_way_back() {
        let date = named("date").unwrap();
        let mut day = Slot::Absent;
        let text = Slot::Value("2001-02-03".to_owned());
        date.to
            .apply(SlotRef::Text(&text), SlotMut::Date(&mut day))
            .unwrap();
        assert_eq!(day, Slot::Value(jiff::civil::date(2001, 2, 3)));
        let mut again = Slot::Absent;
        date.back
            .apply(SlotRef::Date(&day), SlotMut::Text(&mut again))
            .unwrap();
        assert_eq!(again, text);
        assert!(named("dat").is_none());
    }

    #[test]
    fn what_cannot_be_converted_leaves_the_slot_alone() {
        let email = named("email").unwrap().to;
        let mut before = Slot::Value("ada@example.org".to_owned());
        let wrong = Slot::Value("ada".to_owned());
        assert!(
            email
                .apply(SlotRef::Text(&wrong), SlotMut::Text(&mut before))
                .is_err()
        );
        let truth = Slot::Value(true);
        assert!(
            email
                .apply(SlotRef::Boolean(&truth), SlotMut::Text(&mut before))
                .is_err()
        );
        assert_eq!(before, Slot::Value("ada@example.org".to_owned()));
    }
}
