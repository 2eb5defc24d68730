//! Members that are made of others.

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::{RowError, at, conditions, hold, text};
use crate::entity::FieldDescriptor;
use crate::handler::{self, FieldError};
use crate::mapping::{
    Case, Computed, Constant, Lookup, Made, MappingDescriptor, Otherwise, Path, Piece, Rule,
};

/// A member that cannot be computed: the wrong member that it is made of, that member's value, and the reason.
struct Unmade {
    source: Path,
    value: Option<Value>,
    message: String,
}

/// Adds a mapping's computed members to a row. In order, since a later one may use an earlier one. If a member cannot
/// be computed, its fields stay absent and their errors are returned.
///
/// # Errors
/// The member that cannot be computed, if Salesforce demands one of its fields.
pub fn compute(mapping: &MappingDescriptor, row: &mut Value) -> Result<Vec<FieldError>, RowError> {
    let mut errors = Vec::new();
    for computed in mapping.computed {
        match made(computed, row) {
            Ok(made) => {
                if let (Value::Object(members), Some(made)) = (&mut *row, made) {
                    members.insert(computed.name.to_owned(), made);
                }
            }
            Err(unmade) => errors.extend(left_out(mapping, computed, row, &unmade)?),
        }
    }
    Ok(errors)
}

/// The errors of the fields that a failed member feeds.
fn left_out(
    mapping: &MappingDescriptor,
    computed: &Computed,
    row: &Value,
    unmade: &Unmade,
) -> Result<Vec<FieldError>, RowError> {
    let personal = is_personal(mapping, computed, unmade.source);
    let value = unmade.value.as_ref().filter(|_| !personal);
    let error = FieldError {
        file: mapping.file,
        message: unmade.message.clone(),
        member: handler::source_of(mapping, row, unmade.source),
        value: value.map(handler::said),
        ..FieldError::default()
    };
    let is_its = |field: &FieldDescriptor| field.path == [computed.name];
    let payload = mapping.payload.fields.iter().position(is_its);
    let fed: Vec<usize> = payload
        .into_iter()
        .flat_map(|payload| handler::fed(mapping, payload))
        .collect();
    let mut fields = fed.iter().map(|index| mapping.record.fields.get(*index));
    let demanded = |field: Option<&FieldDescriptor>| field.is_none_or(|field| field.demanded);
    if fed.is_empty() || fields.any(demanded) {
        let name = computed.name.trim_start_matches('$');
        return Err(RowError(format!("{name}: {}", error.said())));
    }
    let each = fed.into_iter().map(|index| FieldError {
        line: mapping.line(index).unwrap_or_default(),
        destination: mapping.field_name(index),
        ..error.clone()
    });
    Ok(each.collect())
}

/// Computes a member. `None` leaves it absent.
fn made(computed: &Computed, row: &Value) -> Result<Option<Value>, Unmade> {
    match &computed.rule {
        Rule::Template(pieces) => Ok(Some(Value::from(template(pieces, row)))),
        Rule::Cases(cases) => match cases.iter().find(|case| hold(case.when, row)) {
            Some(case) => chosen(case, row).map(Some),
            None => Ok(None),
        },
        Rule::Values {
            of,
            table,
            otherwise,
        } => other_word(of, table, otherwise, row).map_err(|written| Unmade {
            source: of,
            value: Some(written),
            message: UNLISTED.to_owned(),
        }),
        Rule::DateIn { time, zones } => date_in(time, zones, row),
        Rule::Negative(path) => Ok(Some(negative(path, row)?)),
        Rule::FirstOf(paths) => Ok(Some(first_of(paths, row))),
        Rule::Lookup(lookup) => Ok(Some(asked(lookup, row))),
    }
}

/// The value of a case. An error if the case holds only because a value is no number.
fn chosen(case: &Case, row: &Value) -> Result<Value, Unmade> {
    let mut conditions = case.when.iter();
    let unreadable = conditions.find_map(|condition| {
        let value = at(row, condition.path);
        let unmade = || Unmade {
            source: condition.path,
            value: value.cloned(),
            message: NO_NUMBER.to_owned(),
        };
        condition.is.is_unreadable(value).then(unmade)
    });
    match unreadable {
        Some(unmade) => Err(unmade),
        None => Ok(value(&case.then, row)),
    }
}

/// Reason for a value that has to be a number.
const NO_NUMBER: &str = "the value is no number";

/// Is the member, or what is made of it, personal data?
fn is_personal(mapping: &MappingDescriptor, computed: &Computed, of: Path) -> bool {
    let fields = mapping.payload.fields.iter().chain(mapping.record.fields);
    let made = [computed.name, computed.name.trim_start_matches('$')];
    let is_it = |path: Path| path == of || made.iter().any(|name| path == [*name]);
    fields
        .filter(|field| field.pii)
        .any(|field| is_it(field.path))
}

/// Reason for a value that the mapping's `values` does not list.
const UNLISTED: &str = "the mapping's `values` do not list it: add it there, with what it becomes";

/// The value of a setting, a constant or a member; null where there is none.
fn value(made: &Made, row: &Value) -> Value {
    match made {
        Made::Constant(constant) => plain(*constant),
        Made::Member(path) => at(row, path).cloned().unwrap_or_default(),
        Made::FirstOf(paths) => first_of(paths, row),
    }
}

fn first_of(paths: &[Path], row: &Value) -> Value {
    let given = paths.iter().find(|path| text(row, path).is_some());
    given
        .and_then(|path| at(row, path))
        .cloned()
        .unwrap_or_default()
}

/// A constant as JSON.
pub fn plain(constant: Constant) -> Value {
    match constant {
        Constant::Null => Value::Null,
        Constant::Boolean(truth) => Value::from(truth),
        Constant::Integer(number) => Value::from(number),
        Constant::Text(text) => Value::from(text),
    }
}

/// White space that an absent member leaves is taken away.
fn template(pieces: &[Piece], row: &Value) -> String {
    let text: String = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => (*text).to_owned(),
            Piece::Member(path) => text(row, path).unwrap_or_default(),
        })
        .collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the table makes of a value; one that nothing is said of is the error.
fn other_word(
    of: Path,
    table: &[(Constant, Constant)],
    otherwise: &Otherwise,
    row: &Value,
) -> Result<Option<Value>, Value> {
    let written = at(row, of);
    let listed = table
        .iter()
        .find(|(from, _)| conditions::is(*from, written));
    match (listed, written, otherwise) {
        (Some((_, to)), _, _) => Ok(Some(plain(*to))),
        (None, _, Otherwise::Constant(constant)) => Ok(Some(plain(*constant))),
        (None, None, _) => Ok(Some(Value::Null)),
        (None, Some(written), Otherwise::Same) => Ok(Some(written.clone())),
        (None, Some(written), Otherwise::Fail) => Err(written.clone()),
    }
}

fn date_in(time: Path, zones: &[Path], row: &Value) -> Result<Option<Value>, Unmade> {
    let Some(written) = text(row, time) else {
        return Ok(Some(Value::Null));
    };
    let unmade = |source: Path, value: &str, message: &str| Unmade {
        source,
        value: Some(Value::from(value)),
        message: message.to_owned(),
    };
    let moment = crate::json::moment(&written)
        .ok_or_else(|| unmade(time, &written, "the value is not a time with its zone"))?;
    let zone = zones
        .iter()
        .find_map(|zone| Some((*zone, text(row, zone)?)));
    let zone = match &zone {
        Some((path, name)) => TimeZone::get(name).map_err(|_| unmade(path, name, NO_ZONE))?,
        None => TimeZone::UTC,
    };
    Ok(Some(Value::from(
        moment.to_zoned_datetime(zone).date().to_string(),
    )))
}

/// Reason for a name that is no time zone.
const NO_ZONE: &str = "the IANA database of zones has no such name; `America/Los_Angeles` is one";

fn negative(path: Path, row: &Value) -> Result<Value, Unmade> {
    match at(row, path) {
        None => Ok(Value::Null),
        found => conditions::number(found)
            .map(|number| Value::from((-number).to_string()))
            .ok_or_else(|| Unmade {
                source: path,
                value: found.cloned(),
                message: NO_NUMBER.to_owned(),
            }),
    }
}

/// `{"by": {...}, "within": [[mapping, id], ...], "create": {...}}`; null where a row does not say what to look for.
fn asked(lookup: &Lookup, row: &Value) -> Value {
    let values = |fields: &[(&'static str, Made)]| -> Map<String, Value> {
        fields
            .iter()
            .map(|(field, made)| ((*field).to_owned(), value(made, row)))
            .collect()
    };
    let by = values(lookup.by);
    if by.values().any(|value| value.is_null() || value == "") {
        return Value::Null;
    }
    let mut asked = Map::new();
    asked.insert("by".to_owned(), Value::Object(by));
    if let Some(within) = &lookup.within {
        let whose: Vec<Value> = within
            .of
            .iter()
            .filter_map(|(mapping, path)| Some(json!([mapping, text(row, path)?])))
            .collect();
        asked.insert("within".to_owned(), Value::Array(whose));
    }
    if !lookup.create.is_empty() {
        asked.insert("create".to_owned(), Value::Object(values(lookup.create)));
    }
    Value::from(Value::Object(asked).to_string())
}
