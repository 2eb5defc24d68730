//! Makes records of rows and leaves out the fields whose values do not fit. The rest of the record is written.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{FieldError, RecordError, Unconverted};
use crate::entity::Entity;
use crate::json::{Misfit, ReadError};
use crate::mapping::{How, Made, MappingDescriptor, Origin, Path, Rule};
use crate::row::hold;

/// The most characters of a value in an error text.
const SAID_MAX: usize = 80;

/// The compiled function that reads a row as a record.
pub type Read<'r> = &'r dyn Fn(&[u8]) -> Result<Box<dyn Entity>, RecordError>;

/// A record without the fields whose values do not fit, and the errors of these fields.
pub struct Fitted {
    pub record: Box<dyn Entity>,
    pub errors: Vec<FieldError>,
}

/// Makes the record of a row. A field whose value does not fit is left out, unless Salesforce demands it.
///
/// # Errors
/// If the row is no JSON object, or a value does not fit a field that Salesforce demands.
pub fn fitted(
    mapping: &'static MappingDescriptor,
    row: &[u8],
    to_record: Read<'_>,
) -> Result<Fitted, RecordError> {
    let error = match to_record(row) {
        Ok(record) => {
            let errors = Vec::new();
            return Ok(Fitted { record, errors });
        }
        Err(error) => error,
    };
    // Only a row that failed is parsed again, since most rows fit.
    let Ok(mut row) = serde_json::from_slice(row) else {
        return Err(error);
    };
    let (error, errors) = match error {
        RecordError::Read(ReadError::Misfits(misfits)) => {
            let Some(errors) = take_out(mapping, &mut row, &misfits) else {
                return Err(RecordError::Read(ReadError::Misfits(misfits)));
            };
            match to_record(row.to_string().as_bytes()) {
                Ok(record) => return Ok(Fitted { record, errors }),
                Err(error) => (error, errors),
            }
        }
        error => (error, Vec::new()),
    };
    without_unconverted(mapping, &row, error, errors)
}

/// Adds the conversion errors to the errors of reading.
fn without_unconverted(
    mapping: &'static MappingDescriptor,
    row: &Value,
    error: RecordError,
    mut errors: Vec<FieldError>,
) -> Result<Fitted, RecordError> {
    let RecordError::Fields(Unconverted {
        errors: found,
        rest,
    }) = error
    else {
        return Err(error);
    };
    errors.extend(
        found
            .into_iter()
            .map(|error| with_value(mapping, row, error)),
    );
    let is_demanded = |error: &FieldError| {
        let index = mapping.record.field(error.destination);
        let field = index.and_then(|index| mapping.record.fields.get(index));
        field.is_none_or(|field| field.demanded)
    };
    if !errors.iter().any(is_demanded) {
        let record = rest;
        return Ok(Fitted { record, errors });
    }
    // The first error is the one that stops the record.
    errors.sort_by_key(|error| !is_demanded(error));
    Err(RecordError::Fields(Unconverted { errors, rest }))
}

/// Removes the members that cannot be read from the row. `None` if the record cannot do without one of them.
fn take_out(
    mapping: &'static MappingDescriptor,
    row: &mut Value,
    misfits: &[Misfit],
) -> Option<Vec<FieldError>> {
    let mut errors = Vec::new();
    for misfit in misfits {
        let path: Vec<&str> = misfit.path.as_ref()?.split('.').collect();
        let value = path.iter().try_fold(&*row, |value, name| value.get(*name));
        let value = value.cloned();
        for index in misfit.fields.clone() {
            let field = mapping.payload.fields.get(index)?;
            let fed: Vec<usize> = fed(mapping, index).collect();
            let records = || {
                fed.iter()
                    .filter_map(|index| mapping.record.fields.get(*index))
            };
            if field.required || fed.is_empty() || records().any(|field| field.demanded) {
                return None;
            }
            let personal = field.pii || records().any(|field| field.pii);
            errors.extend(fed.iter().map(|index| FieldError {
                file: mapping.file,
                line: mapping.line(*index).unwrap_or_default(),
                destination: mapping.field_name(*index),
                message: format!("the value {}", misfit.what),
                member: source_of(mapping, row, field.path),
                value: value.as_ref().filter(|_| !personal).map(said),
            }));
        }
        remove(row, &path);
    }
    Some(errors)
}

fn remove(row: &mut Value, path: &[&str]) {
    let Some((last, parents)) = path.split_last() else {
        return;
    };
    let parent = parents
        .iter()
        .try_fold(row, |value, name| value.get_mut(*name));
    if let Some(Value::Object(members)) = parent {
        members.remove(*last);
    }
}

/// The indexes of the record's fields that a payload field feeds.
pub fn fed(mapping: &MappingDescriptor, payload: usize) -> impl Iterator<Item = usize> + '_ {
    let origins = mapping.origins.iter().enumerate();
    origins
        .filter(move |(_, origin)| matches!(origin, Origin::Payload(index) if *index == payload))
        .map(|(index, _)| index)
}

/// Adds the member that the value came from, and the value unless it is personal data.
fn with_value(mapping: &MappingDescriptor, row: &Value, mut error: FieldError) -> FieldError {
    let index = mapping.record.field(error.destination);
    let origin = index.and_then(|index| mapping.origins.get(index));
    let Some(Origin::Payload(payload)) = origin else {
        return error;
    };
    let Some(field) = mapping.payload.fields.get(*payload) else {
        return error;
    };
    let destination = index.and_then(|index| mapping.record.fields.get(index));
    let personal = field.pii || destination.is_some_and(|field| field.pii);
    let value = crate::row::at(row, converted(mapping, row, field.path));
    error.member = source_of(mapping, row, field.path);
    error.value = value.filter(|_| !personal).map(said);
    error
}

/// The member that a computed member was made of.
fn converted(mapping: &MappingDescriptor, row: &Value, path: Path) -> Path {
    let is_computed = |path: Path| {
        let mut computed = mapping.computed.iter();
        computed.any(|computed| path == [computed.name])
    };
    let mut path = path;
    let mut seen = BTreeSet::new();
    while is_computed(path)
        && seen.insert(path)
        && let Some(before) = made_of(mapping, row, path)
    {
        path = before;
    }
    path
}

/// Formats a value for an error text, shortened to `SAID_MAX` characters.
pub(crate) fn said(value: &Value) -> String {
    value.to_string().chars().take(SAID_MAX).collect()
}

/// The member of Ticketure's row that a computed or reduced member came from. Follows each step back as far as it goes.
pub fn source_of(mapping: &MappingDescriptor, row: &Value, path: Path) -> String {
    let mut path = path;
    let mut seen = BTreeSet::new();
    while seen.insert(path)
        && let Some(before) = made_of(mapping, row, path)
    {
        path = before;
    }
    path.join(".").trim_start_matches('$').to_owned()
}

fn made_of(mapping: &MappingDescriptor, row: &Value, path: Path) -> Option<Path> {
    let [name] = path else { return None };
    let mut computed = mapping.computed.iter();
    if let Some(computed) = computed.find(|computed| computed.name == *name) {
        return match &computed.rule {
            Rule::Values { of, .. } => Some(of),
            Rule::DateIn { time, .. } => Some(time),
            Rule::Negative(path) => Some(path),
            Rule::FirstOf(paths) => given(paths, row),
            Rule::Cases(cases) => {
                let case = cases.iter().find(|case| hold(case.when, row))?;
                match case.then {
                    Made::Member(path) => Some(path),
                    Made::FirstOf(paths) => given(paths, row),
                    Made::Constant(_) => None,
                }
            }
            Rule::Template(_) | Rule::Lookup(_) => None,
        };
    }
    let reduce = mapping.tree?.reduce.as_ref()?;
    let fold = reduce.folds.iter().find(|fold| fold.name == *name)?;
    match fold.how {
        How::First(path) | How::Last(path) | How::Min(path) | How::Max(path) | How::Sum(path) => {
            Some(path)
        }
        How::Count => None,
    }
}

fn given(paths: &[Path], row: &Value) -> Option<Path> {
    let mut paths = paths.iter().copied();
    paths.find(|path| crate::row::text(row, path).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert;
    use crate::dynamic::Record;
    use crate::entity::{EntityDescriptor, FieldDescriptor, Kind, SlotMut, SlotRef};
    use crate::handler::Conversions;
    use crate::mapping::{
        AfterDelete, Direction, Duplicates, FieldSync, MatchPolicy, OnLink, OnRewrite, Policies,
        Side,
    };

    static PAYLOAD: EntityDescriptor = EntityDescriptor {
        name: "person",
        fields: &[
            FieldDescriptor::new(&["born"], Kind::Text).pii(),
            FieldDescriptor::new(&["id"], Kind::Text).required(),
            FieldDescriptor::new(&["level"], Kind::Text).max_length(9),
            FieldDescriptor::new(&["member"], Kind::Boolean),
            FieldDescriptor::new(&["price"], Kind::Text),
        ],
        new: Record::boxed,
    };

    static RECORD: EntityDescriptor = EntityDescriptor {
        name: "Contact",
        fields: &[
            FieldDescriptor::new(&["Born"], Kind::Date).pii(),
            FieldDescriptor::new(&["Id__c"], Kind::Text).demanded(),
            FieldDescriptor::new(&["Level"], Kind::Text).max_length(5),
            FieldDescriptor::new(&["Member"], Kind::Boolean),
            FieldDescriptor::new(&["Price"], Kind::Decimal { scale: 2 }).demanded(),
        ],
        new: Record::boxed,
    };

    static MAPPING: MappingDescriptor = MappingDescriptor {
        name: "contact",
        file: "mappings/contact.yaml",
        payload_type: "person_changed",
        rows: &[],
        envelope: crate::mapping::Envelope::USUAL,
        nothing: &[],
        when: &[],
        direction: Direction::Forward,
        when_record: &[],
        key: &["id"],
        lane: &["id"],
        object: "Contact",
        external_id: "Id__c",
        lock: None,
        policy: MatchPolicy::AlwaysCreate,
        rungs: &[],
        adopts_on_conflict: false,
        policies: Policies {
            tie: Side::Source,
            on_link: OnLink::FillBlanks,
            on_rewrite: OnRewrite::Accept,
            after_delete: AfterDelete::Review,
            duplicates: Duplicates::Review,
        },
        payload: &PAYLOAD,
        record: &RECORD,
        origins: &[
            Origin::Payload(0),
            Origin::Payload(1),
            Origin::Payload(2),
            Origin::Payload(3),
            Origin::Payload(4),
        ],
        sync: &[FieldSync::FORWARD; 5],
        lines: &[1, 2, 3, 4, 5],
        computed: &[],
        tree: None,
        rows_of: None,
        push_as: None,
        refuses_edits: false,
    };

    /// Reads a row as compiled code does.
    fn read(row: &[u8]) -> Result<Box<dyn Entity>, RecordError> {
        let mut payload = Record::new(&PAYLOAD);
        crate::json::read_row(&mut payload, row)?;
        let mut conversions = Conversions::new(&MAPPING);
        let mut record = Record::new(&RECORD);
        if let (SlotRef::Text(born), SlotMut::Date(into)) = (payload.slot(0), record.slot_mut(0)) {
            *into = conversions.field("Born", convert::date(born.clone()));
        }
        for index in 1..RECORD.fields.len() {
            record.slot_mut(index).set(payload.slot(index));
        }
        Ok(Box::new(conversions.finish(record)?))
    }

    fn of(row: Value) -> Result<(Value, Vec<String>), String> {
        let fitted = fitted(&MAPPING, row.to_string().as_bytes(), &read);
        let fitted = fitted.map_err(|error| error.to_string())?;
        let record = fitted.record.as_ref();
        let written = crate::json::write_tree(record, &crate::change::present(record));
        let said = fitted.errors.iter();
        let said = said.map(|error| format!("{}: {}", error.destination, error.said()));
        Ok((Value::Object(written), said.collect()))
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_named_without_personal_data() {
        let (record, said) = of(serde_json::json!({
            "id": "i-1", "born": "1990-02-30", "level": "Platinum", "member": "yes", "price": "1",
        }))
        .unwrap();
        assert_eq!(
            record,
            serde_json::json!({ "Id__c": "i-1", "Price": "1.00" })
        );
        assert_eq!(
            said,
            [
                "Member: member is \"yes\": the value is not true or false",
                "Born: born does not fit: the value is not a date such as 2001-02-03",
                "Level: level is \"Platinum\": the value has 8 characters, the field takes 5",
            ]
        );
        let (_, said) = of(serde_json::json!({ "id": "i-1", "born": "0001-01-01" })).unwrap();
        assert!(
            said[0].contains("from 1700-01-01 to 4000-12-31"),
            "{said:?}"
        );
        assert!(!said[0].contains("0001"), "{said:?}");
    }

    #[test]
    fn what_its_schema_does_not_allow_is_left_out_with_its_length() {
        let (record, said) =
            of(serde_json::json!({ "id": "i-1", "level": "Gold and more" })).unwrap();
        assert_eq!(record, serde_json::json!({ "Id__c": "i-1" }));
        assert_eq!(
            said,
            ["Level: level is \"Gold and more\": the value has 13 characters, its schema allows 9"]
        );
        let (record, said) = of(serde_json::json!({ "id": "i-1", "level": "a\u{1b}\n" })).unwrap();
        assert_eq!(record, serde_json::json!({ "Id__c": "i-1" }));
        assert_eq!(
            said,
            ["Level: level is \"a\\u001b\\n\": the value has the control character U+001B"]
        );
        let (record, _) = of(serde_json::json!({ "id": "i-1", "level": "a\t\r\n" })).unwrap();
        assert_eq!(record["Level"], "a\t\r\n");
        assert!(of(serde_json::json!({ "id": "i\u{0}" })).is_err());
    }

    #[test]
    fn what_salesforce_demands_fails_the_record() {
        let price = of(serde_json::json!({ "id": "i-1", "price": "abc", "level": "Platinum" }));
        let error = price.unwrap_err();
        assert!(error.contains("(Price)"), "{error}");
        let typed = of(serde_json::json!({ "id": "i-1", "price": true }));
        assert_eq!(
            typed.unwrap_err(),
            "the row does not fit its schema: price is not text"
        );
        assert!(of(serde_json::json!({ "level": "Gold" })).is_err());
        assert!(of(serde_json::json!([])).is_err());
    }
}
