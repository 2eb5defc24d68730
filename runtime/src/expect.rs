//! What the tests of a mapping compare: a record's fields against those that the mapping's author wrote.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::change::present;
use crate::entity::Entity;
use crate::handler::{self, Back, Read, RecordError};
use crate::json;
use crate::mapping::{MappingDescriptor, Side};
use crate::merge::{Clocks, Gate, LinkState, Plan};
use crate::pushed;
use crate::row::{self, Ready};

pub use crate::handler::Fitted;

/// What came out otherwise than the test says.
#[derive(Clone, PartialEq, Default)]
pub struct Failure {
    /// Why a record of the test could not be made at all.
    pub error: Option<String>,
    pub differences: Vec<Difference>,
    /// What explains the differences, one sentence each.
    pub notes: Vec<String>,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// `FirstName`, or `push.address.city` of what goes to the source.
    pub field: String,
    /// Nothing where the field was not to be there; null is a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
    /// Nothing where the field is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<Value>,
}

/// Reads a row as a record, as it is.
///
/// # Errors
/// If a value does not fit a demanded field.
pub fn read(
    mapping: &'static MappingDescriptor,
    row: &str,
    read: Read<'_>,
) -> Result<Fitted, RecordError> {
    handler::fitted(mapping, row.as_bytes(), read)
}

/// Makes the one record of a test's rows: reduced, with settings and computed members.
/// `given` is a row or a list of rows, `$at` in one when it was delivered; `settings` an object of names and values.
///
/// # Errors
/// If the rows do not make exactly one record, or a value does not fit a demanded field.
pub fn made(
    mapping: &'static MappingDescriptor,
    given: &str,
    settings: &str,
    read: Read<'_>,
) -> Result<Fitted, RecordError> {
    let mut rows = all_made(mapping, given, settings, read)?;
    let count = rows.len();
    let (Some(record), 1) = (rows.pop(), count) else {
        let message = format!("the rows of this test are those of {count} records, not of one");
        return Err(RecordError::Refused(message));
    };
    Ok(record)
}

/// The same where they are those of several records, in the order of their keys.
///
/// # Errors
/// If a value does not fit a demanded field.
pub fn all_made(
    mapping: &'static MappingDescriptor,
    given: &str,
    settings: &str,
    read: Read<'_>,
) -> Result<Vec<Fitted>, RecordError> {
    let rows = ready(mapping, given, settings)?.into_iter();
    let made = rows.map(|ready| {
        let mut fitted = handler::fitted(mapping, ready.row.to_string().as_bytes(), read)?;
        fitted.errors.splice(..0, ready.errors);
        Ok(fitted)
    });
    made.collect()
}

/// Each record has the fields of its entry in the list, and where it is exact no others.
///
/// # Errors
/// Every difference, or another number of records.
pub fn all(
    records: Result<Vec<Fitted>, RecordError>,
    expected: &str,
    exact: bool,
) -> Result<(), Failure> {
    let records = part("given", records)?;
    let expected: Vec<Value> = part("the test", serde_json::from_str(expected))?;
    if records.len() != expected.len() {
        let (wanted, got) = (expected.len(), records.len());
        return Err(Failure {
            error: Some(format!("expected {wanted} records, and there are {got}")),
            ..Failure::default()
        });
    }
    let mut failure = Failure::default();
    for (number, (fitted, expected)) in records.iter().zip(&expected).enumerate() {
        let found = compare(fitted.record.as_ref(), &expected.to_string(), exact)?;
        let found = found.into_iter().map(|difference| Difference {
            field: format!("{}. {}", number + 1, difference.field),
            ..difference
        });
        failure.differences.extend(found);
        failure.notes.extend(left_out(fitted));
    }
    failure.or_fine()
}

/// Says for each field that is left out why.
fn left_out(fitted: &Fitted) -> impl Iterator<Item = String> + '_ {
    let errors = fitted.errors.iter();
    errors.map(|error| format!("{} is left out: {}", error.destination, error.said()))
}

/// The rows are those of no record.
///
/// # Errors
/// When there is one.
pub fn absent(mapping: &MappingDescriptor, given: &str, settings: &str) -> Result<(), Failure> {
    let count = part("given", ready(mapping, given, settings))?.len();
    match count {
        0 => Ok(()),
        count => Err(Failure {
            error: Some(format!("expected no record, and there are {count}")),
            ..Failure::default()
        }),
    }
}

fn ready(
    mapping: &MappingDescriptor,
    given: &str,
    settings: &str,
) -> Result<Vec<Ready>, RecordError> {
    let parsed = |text: &str| {
        serde_json::from_str::<Value>(text).map_err(|error| RecordError::Refused(error.to_string()))
    };
    let given = match parsed(given)? {
        Value::Array(rows) => rows,
        row => vec![row],
    };
    let settings = parsed(settings)?;
    let settings = settings.as_object().cloned().unwrap_or_default();
    row::records(mapping, &given, &settings).map_err(|error| RecordError::Refused(error.0))
}

/// The record has these fields and no others.
///
/// # Errors
/// Every difference.
pub fn exactly(record: Result<Fitted, RecordError>, expected: &str) -> Result<(), Failure> {
    one(record, expected, true)
}

/// The record has these fields, and may have more.
///
/// # Errors
/// Every difference.
pub fn at_least(record: Result<Fitted, RecordError>, expected: &str) -> Result<(), Failure> {
    one(record, expected, false)
}

fn one(record: Result<Fitted, RecordError>, expected: &str, exact: bool) -> Result<(), Failure> {
    let fitted = part("given", record)?;
    let failure = Failure {
        differences: compare(fitted.record.as_ref(), expected, exact)?,
        notes: left_out(&fitted).collect(),
        ..Failure::default()
    };
    failure.or_fine()
}

/// The two sides of a pair, as a test gives them. Records and bodies are JSON.
pub struct Pair<'a> {
    /// What both agreed on; nothing where they meet for the first time.
    pub base: Option<&'a str>,
    /// What Salesforce has now; what was agreed where the test does not say.
    pub now: Option<&'a str>,
    /// What the source has now.
    pub row: Option<Result<Fitted, RecordError>>,
    /// What is to be written to Salesforce.
    pub expect: Option<&'a str>,
    pub exact: bool,
    /// The body that is to go to the source; `{}` for none.
    pub push: Option<&'a str>,
}

/// What is written to both sides of a pair.
///
/// # Errors
/// Every difference, on either side.
pub fn pair(
    mapping: &'static MappingDescriptor,
    pair: Pair<'_>,
    back: impl Fn(&dyn Entity) -> Result<Back, RecordError>,
) -> Result<(), Failure> {
    let (expect, exact, push) = (pair.expect, pair.exact, pair.push);
    let plan = plan(mapping, pair, &back)?;
    let mut failure = Failure::default();
    if let Some(expect) = expect {
        failure.differences = compare(plan.to_destination.as_ref(), expect, exact)?;
    }
    if let Some(push) = push {
        let sent = part("push", back(plan.to_source.as_ref()))?;
        let body = json::write_tree(sent.payload.as_ref(), &present(sent.payload.as_ref()));
        let differences = differences(&leaves(object(push)?), &leaves(body), true);
        if !differences.is_empty() {
            failure.notes.extend(why_not(mapping, &plan.gate));
            let unfit = sent
                .errors
                .iter()
                .map(|error| format!("{error}, so it stays here"));
            failure.notes.extend(unfit);
        }
        failure.differences.extend(differences);
    }
    if !failure.differences.is_empty() {
        failure.notes.extend(undecided(mapping, &plan));
    }
    failure.or_fine()
}

/// What becomes of a record of Salesforce's that goes back only. What it refers to stands in the body by the id that the
/// record has; NPSP is there.
///
/// # Errors
/// Every difference.
pub fn pushed(
    mapping: &'static MappingDescriptor,
    record: &str,
    push: &str,
) -> Result<(), Failure> {
    let record = object(record)?;
    let said = pushed::said(mapping, &record, true);
    let mut failure = Failure::default();
    let held = [
        (!mapping.holds_for(&record, true))
            .then(|| "nothing goes: `when` does not hold".to_owned()),
        (!said.missing.is_empty()).then(|| {
            format!(
                "nothing goes: required and blank: {}",
                said.missing.join(", ")
            )
        }),
        said.unknown.first().map(|(field, value)| {
            format!("nothing goes: {field} is `{value}`, which no line of its table has")
        }),
    ];
    let held: Vec<String> = held.into_iter().flatten().collect();
    let mut body = Map::new();
    if held.is_empty() {
        body = said.row;
        for (path, _, id) in said.references {
            pushed::put(&mut body, path, Value::from(id));
        }
    }
    failure.differences = differences(&leaves(object(push)?), &leaves(body), true);
    if !failure.differences.is_empty() {
        failure.notes = held;
    }
    failure.or_fine()
}

fn plan(
    mapping: &'static MappingDescriptor,
    pair: Pair<'_>,
    back: &dyn Fn(&dyn Entity) -> Result<Back, RecordError>,
) -> Result<Plan, Failure> {
    let image = |part: &str, text: &str| {
        let mut record = mapping.new_record();
        self::part(part, json::read(record.as_mut(), text.as_bytes()))?;
        Ok::<_, Failure>(self::part(part, back(record.as_ref()))?.image)
    };
    let row = pair.row.map(|row| part("given", row)).transpose()?;
    let row = row.map(|fitted| fitted.record);
    let now = pair.now.map(|text| image("after", text)).transpose()?;
    let base = pair.base.map(|text| image("before", text)).transpose()?;
    let mut state = match (&base, &row, &now) {
        (Some(base), _, _) => LinkState::created(mapping, base.as_ref(), 0),
        (None, Some(row), Some(now)) => {
            LinkState::meet(mapping, (row.as_ref(), 1), (now.as_ref(), 1))
        }
        (None, ..) => LinkState::new(mapping),
    };
    if base.is_some() {
        if let Some(row) = &row {
            state.observe(Side::Source, row.as_ref(), 1, 1);
        }
        if let Some(now) = &now {
            state.observe(Side::Destination, now.as_ref(), 1, 1);
        }
    }
    Ok(state.plan(&Clocks::default()))
}

/// What was made of a part of the test, or why nothing could be.
fn part<T, E: fmt::Display>(name: &str, made: Result<T, E>) -> Result<T, Failure> {
    made.map_err(|error| Failure {
        error: Some(format!("{name}: {error}")),
        ..Failure::default()
    })
}

/// Why nothing goes back.
fn why_not(mapping: &MappingDescriptor, gate: &Gate) -> Option<String> {
    match gate {
        Gate::Open => None,
        Gate::Unmonitored => Some("nothing goes back: no monitored field changed".to_owned()),
        Gate::Incomplete(fields) => {
            let names: Vec<&str> = fields
                .iter()
                .map(|field| mapping.field_name(*field))
                .collect();
            Some(format!(
                "nothing goes back: required and blank: {}",
                names.join(", ")
            ))
        }
    }
}

/// Fields that wait for a person.
fn undecided(mapping: &'static MappingDescriptor, plan: &Plan) -> impl Iterator<Item = String> {
    let waiting = plan
        .decisions
        .iter()
        .filter(|decision| decision.winner.is_none());
    waiting.map(|decision| {
        format!(
            "{} waits for a person to decide",
            mapping.field_name(decision.field)
        )
    })
}

fn compare(record: &dyn Entity, expected: &str, exact: bool) -> Result<Vec<Difference>, Failure> {
    let written = json::write(record, &present(record), &json::as_source_id);
    let got = object(&part("given", written)?)?;
    Ok(differences(&object(expected)?, &got, exact))
}

fn differences(
    expected: &Map<String, Value>,
    got: &Map<String, Value>,
    exact: bool,
) -> Vec<Difference> {
    let mut found: Vec<Difference> = expected
        .iter()
        .filter(|(name, value)| got.get(*name).is_none_or(|got| !is_same(got, value)))
        .map(|(name, value)| Difference {
            field: name.clone(),
            expected: Some(value.clone()),
            got: got.get(name).cloned(),
        })
        .collect();
    let surplus = got
        .iter()
        .filter(|(name, _)| exact && !expected.contains_key(*name));
    found.extend(surplus.map(|(name, value)| Difference {
        field: name.clone(),
        expected: None,
        got: Some(value.clone()),
    }));
    found
}

/// `25` is the same number as `25.00`.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(_), Value::Number(_)) => one == other || row::is_same_number(one, other),
        (one, other) => one == other,
    }
}

fn object(json: &str) -> Result<Map<String, Value>, Failure> {
    part("the test", serde_json::from_str(json))
}

/// A body's members by their dotted paths: `push.address.city`.
fn leaves(body: Map<String, Value>) -> Map<String, Value> {
    let mut flat = Map::new();
    flatten("push", body, &mut flat);
    flat
}

fn flatten(path: &str, members: Map<String, Value>, flat: &mut Map<String, Value>) {
    for (name, value) in members {
        let path = format!("{path}.{name}");
        match value {
            Value::Object(inner) if !inner.is_empty() => flatten(&path, inner, flat),
            leaf => {
                flat.insert(path, leaf);
            }
        }
    }
}

impl Failure {
    fn or_fine(self) -> Result<(), Failure> {
        match self.differences.is_empty() {
            true => Ok(()),
            false => Err(self),
        }
    }
}

/// A line a difference, then a line a note.
impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let differences = self.differences.iter().map(ToString::to_string);
        let notes = self.notes.iter().map(|note| format!("({note})"));
        let lines: Vec<String> = self
            .error
            .iter()
            .cloned()
            .chain(differences)
            .chain(notes)
            .collect();
        formatter.write_str(&lines.join("\n"))
    }
}

/// As Display: this is how `cargo test` shows what a test returned.
impl fmt::Debug for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::error::Error for Failure {}

/// `FirstName: expected "Ada", got "Augusta"`.
impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<Value>| match value {
            Some(value) => value.to_string(),
            None => "nothing".to_owned(),
        };
        write!(
            formatter,
            "{}: expected {}, got {}",
            self.field,
            shown(&self.expected),
            shown(&self.got)
        )
    }
}
