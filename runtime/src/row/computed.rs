//! Members that are made of others.

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::{RowError, at, conditions, hold, text};
use crate::mapping::{
    Case, Computed, Constant, Lookup, Made, MappingDescriptor, Otherwise, Path, Piece, Rule,
};

/// So many characters of a value are said in an error.
const SAID_MAX: usize = 80;

/// Puts what a mapping computes beside a row's own members, one after the other: a later one may use an earlier.
///
/// # Errors
/// Names the member that cannot be made.
pub fn compute(mapping: &MappingDescriptor, row: &mut Value) -> Result<(), RowError> {
    for computed in mapping.computed {
        let made = made(mapping, computed, row)?;
        if let (Value::Object(members), Some(made)) = (&mut *row, made) {
            members.insert(computed.name.to_owned(), made);
        }
    }
    Ok(())
}

/// Nothing where it stays absent.
fn made(
    mapping: &MappingDescriptor,
    computed: &Computed,
    row: &Value,
) -> Result<Option<Value>, RowError> {
    let fail = |what: String| {
        let name = computed.name.trim_start_matches('$');
        RowError(format!("{name}: {what}"))
    };
    match &computed.rule {
        Rule::Template(pieces) => Ok(Some(Value::from(template(pieces, row)))),
        Rule::Cases(cases) => Ok(cases
            .iter()
            .find(|case| hold(case.when, row))
            .map(|case: &Case| value(&case.then, row))),
        Rule::Values {
            of,
            table,
            otherwise,
        } => {
            let word = other_word(of, table, otherwise, row);
            word.map_err(|written| fail(unlisted(of, &written, is_personal(mapping, computed, of))))
        }
        Rule::DateIn { time, zones } => date_in(time, zones, row).map_err(fail),
        Rule::Negative(path) => Ok(Some(negative(path, row).map_err(fail)?)),
        Rule::FirstOf(paths) => Ok(Some(first_of(paths, row))),
        Rule::Lookup(lookup) => Ok(Some(asked(lookup, row))),
    }
}

/// Is the member, or what is made of it, personal data?
fn is_personal(mapping: &MappingDescriptor, computed: &Computed, of: Path) -> bool {
    let fields = mapping.payload.fields.iter().chain(mapping.record.fields);
    let made = [computed.name, computed.name.trim_start_matches('$')];
    let is_it = |path: Path| path == of || made.iter().any(|name| path == [*name]);
    fields
        .filter(|field| field.pii)
        .any(|field| is_it(field.path))
}

/// Which value the mapping has no word for; what is personal data is not said.
fn unlisted(of: Path, written: &Value, personal: bool) -> String {
    let of = of.join(".");
    let what = match personal {
        true => format!("the value of {of} is"),
        false => {
            let written: String = written.to_string().chars().take(SAID_MAX).collect();
            format!("{of} is {written}, which is")
        }
    };
    format!("{what} not in `values`: add it to the mapping, with what it becomes")
}

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

fn date_in(time: Path, zones: &[Path], row: &Value) -> Result<Option<Value>, String> {
    let Some(written) = text(row, time) else {
        return Ok(Some(Value::Null));
    };
    let moment = crate::json::moment(&written)
        .ok_or_else(|| format!("{} is no time with its zone", time.join(".")))?;
    let name = zones.iter().find_map(|zone| text(row, zone));
    let zone = match &name {
        Some(name) => TimeZone::get(name).map_err(|_| {
            "the zone is not in the IANA database: `America/Los_Angeles` is".to_owned()
        })?,
        None => TimeZone::UTC,
    };
    Ok(Some(Value::from(
        moment.to_zoned_datetime(zone).date().to_string(),
    )))
}

fn negative(path: Path, row: &Value) -> Result<Value, String> {
    match at(row, path) {
        None => Ok(Value::Null),
        found => conditions::number(found)
            .map(|number| Value::from((-number).to_string()))
            .ok_or_else(|| format!("{} is no number", path.join("."))),
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
