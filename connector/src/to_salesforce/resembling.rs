//! Customers that are like others: what is compared, who becomes a record of their own, and what is asked then.

use icu_normalizer::ComposingNormalizerBorrowed;
use runtime::entity::Entity;
use runtime::mapping::{MappingDescriptor, Rung};
use runtime::queue::{Review, StoreError};

use super::adopt::{Record, rungs, text};
use crate::sync::meeting::Meeting;
use crate::sync::{TwoWaySync, Unit};

const RESEMBLES: &str = "another customer has a record with the same names and address";
const MADE_FROM: &str = "the record that it was made from is another customer's";

impl TwoWaySync {
    /// Returns whether a record like this one is about to be made, in this batch or another: it is linked first.
    pub(super) fn is_twin(&self, unit: &Unit, meeting: &mut Meeting) -> bool {
        let keys: Vec<String> = adopting(unit.mapping)
            .filter_map(|rung| {
                let values = values_of(unit, rung)?;
                Some(format!("{} like {}", unit.mapping.name, values.join("\n")))
            })
            .collect();
        if unit.new_since_ms.is_some() || keys.is_empty() {
            return false;
        }
        keys.iter().any(|key| meeting.has(key)) || !meeting.claim(keys)
    }

    /// Asks a person whether the new record is one of those that it resembles, or the one that it was made from.
    /// Meanwhile its sales land.
    pub(super) async fn ask_whom_it_resembles(
        &self,
        unit: &Unit,
        (resembled, made_from): (Vec<String>, Option<String>),
    ) -> Result<(), StoreError> {
        let question = format!("{}:double", unit.source_id);
        let (candidates, why) = match made_from {
            Some(record) => (vec![record], MADE_FROM),
            None => (resembled, RESEMBLES),
        };
        if candidates.is_empty() {
            return Ok(());
        }
        let reason = format!(
            "{why}, and this one got a record of its own: merge the two in Ticketure and in Salesforce if they are one, or leave it"
        );
        let review = Review {
            mapping: unit.mapping.name.to_owned(),
            source_id: question,
            candidates,
            reason,
        };
        self.store.add_review(review).await
    }
}

/// The rungs that adopt without a question.
fn adopting(mapping: &MappingDescriptor) -> impl Iterator<Item = &'static Rung> {
    let rungs = rungs(mapping).iter();
    rungs.filter(|rung| !rung.proposes_only)
}

/// The values of a rung's fields as they are compared: Salesforce keeps no blanks around a text.
pub(super) fn values_of(unit: &Unit, rung: &Rung) -> Option<Vec<String>> {
    let values = rung.fields.iter().map(|field| {
        let value = unit.record.slot(*field).text().map(compared);
        value.filter(|text| !text.is_empty())
    });
    values.collect()
}

/// A text as it is compared: trimmed, in small letters, and in NFC, since one letter may be written as two code points.
pub(super) fn compared(text: &str) -> String {
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    nfc.normalize(&text.trim().to_lowercase()).into_owned()
}

/// Tells two people of one name and address apart.
const BORN: &str = "Birthdate";

/// Returns whether both say when somebody was born, and not the same day.
pub(super) fn are_apart(unit: &Unit, record: &Record) -> bool {
    let own = born(unit.mapping, unit.record.as_ref());
    let theirs = text(record, BORN);
    own.is_some_and(|own| !theirs.is_empty() && own != theirs)
}

/// Returns whether two records of the mapping have different birth dates.
pub(crate) fn are_born_apart(
    mapping: &MappingDescriptor,
    one: &dyn Entity,
    other: &dyn Entity,
) -> bool {
    let (one, other) = (born(mapping, one), born(mapping, other));
    one.zip(other).is_some_and(|(one, other)| one != other)
}

fn born(mapping: &MappingDescriptor, record: &dyn Entity) -> Option<String> {
    let value = runtime::json::value(record.slot(mapping.record.field(BORN)?));
    let born = value.as_str().filter(|born| !born.is_empty());
    born.map(str::to_owned)
}
