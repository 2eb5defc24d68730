//! The rows of one record become one, the same whatever the order in which they came.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::Value;

use super::{RowError, conditions, hold, text};
use crate::mapping::{Condition, How, MappingDescriptor, Path, Rank, Reduce};

/// The rows of a mapping, each that of one record. `$at` in a row is when its delivery says that it happened.
///
/// `rows` come in the order of their arrival, which counts only between two deliveries of one row.
///
/// # Errors
/// When a row lacks what its record is known by.
pub fn reduced(mapping: &MappingDescriptor, rows: &[Value]) -> Result<Vec<Value>, RowError> {
    let reduce = mapping.tree.and_then(|tree| tree.reduce.as_ref());
    let own = [mapping.key];
    let by = reduce.map_or(&own[..], |reduce| reduce.by);
    let mut records: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for row in rows {
        match by.iter().find_map(|path| text(row, path)) {
            Some(key) => records.entry(key).or_default().push(row),
            None if hold(mapping.when, row) => {
                return Err(RowError(format!("the row has no {}", named(by))));
            }
            None => {}
        }
    }
    Ok(records
        .into_values()
        .filter_map(|rows| one(mapping.when, reduce, rows))
        .collect())
}

fn named(paths: &[Path]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.join(".")).collect();
    paths.join(" or ")
}

fn one(when: &[Condition], reduce: Option<&Reduce>, mut rows: Vec<&Value>) -> Option<Value> {
    let order = reduce.map_or(&[] as &[Rank], |reduce| reduce.order);
    let distinct = reduce.and_then(|reduce| reduce.distinct);
    // Stable: deliveries of one row that no rank tells apart stay in the order of their arrival.
    rows.sort_by(|one, other| compare(order, distinct, one, other));
    let mut rows = that_hold(when, &rows);
    if let Some(distinct) = distinct {
        keep_last_of_each(&mut rows, distinct);
    }
    let mut last = laid_over(&rows)?;
    if let (Some(reduce), Value::Object(members)) = (reduce, &mut last) {
        for fold in reduce.folds {
            let counted = rows.iter().copied().filter(|row| hold(fold.of, row));
            members.insert(fold.name.to_owned(), folded(fold.how, counted));
        }
    }
    Some(last)
}

/// The rows for which the conditions hold. A member that a row leaves out is as the nearest earlier row says it, or else
/// the nearest later one: a refund need not repeat the kind of its ticket.
fn that_hold<'r>(when: &[Condition], rows: &[&'r Value]) -> Vec<&'r Value> {
    let holds = |place: usize| {
        when.iter().all(|condition| {
            let said = |row: &&Value| conditions::says(condition, row);
            let own = rows
                .get(place..=place)
                .and_then(|own| own.iter().find(|row| said(row)));
            let earlier = || rows.get(..place)?.iter().rev().find(|row| said(row));
            let later = || rows.get(place + 1..)?.iter().find(|row| said(row));
            let row = own.or_else(earlier).or_else(later);
            condition
                .is
                .holds(row.and_then(|row| super::at(row, condition.path)))
        })
    };
    let rows = rows.iter().enumerate();
    rows.filter_map(|(place, row)| holds(place).then_some(*row))
        .collect()
}

/// Each row over those before it: what it does not say stays as it was.
fn laid_over(rows: &[&Value]) -> Option<Value> {
    let mut rows = rows.iter().copied().cloned();
    let mut whole = rows.next()?;
    for row in rows {
        match (&mut whole, row) {
            (Value::Object(whole), Value::Object(row)) => whole.extend(row),
            (whole, row) => *whole = row,
        }
    }
    Some(whole)
}

/// By the ranks, then by what tells rows apart. Two deliveries of one row are equal here. Rows that nothing tells apart
/// go by their whole text: any order will do, if it is always the same.
fn compare(order: &[Rank], distinct: Option<Path>, one: &Value, other: &Value) -> Ordering {
    let mut ranks = order.iter().chain(&LAST);
    let ranked =
        ranks.find_map(|rank| Some(by_rank(rank, one, other)).filter(|ordering| ordering.is_ne()));
    let id = |row| distinct.and_then(|distinct| text(row, distinct));
    ranked.unwrap_or_else(|| match (id(one), id(other)) {
        (None, None) => one.to_string().cmp(&other.to_string()),
        (one, other) => one.cmp(&other),
    })
}

/// What every row may have.
static LAST: [Rank; 1] = [Rank {
    path: &["$at"],
    words: &[],
}];

fn by_rank(rank: &Rank, one: &Value, other: &Value) -> Ordering {
    let (one, other) = (text(one, rank.path), text(other, rank.path));
    if rank.words.is_empty() {
        return by_value(one.as_deref(), other.as_deref());
    }
    let place = |word: &Option<String>| {
        let word = word.as_deref().unwrap_or_default().to_lowercase();
        let found = rank.words.iter().position(|known| *known == word);
        found.unwrap_or(rank.words.len())
    };
    place(&one).cmp(&place(&other))
}

/// Times by time, numbers by size, the rest as text; what is not there comes first.
fn by_value(one: Option<&str>, other: Option<&str>) -> Ordering {
    let moments = one
        .and_then(crate::json::moment)
        .zip(other.and_then(crate::json::moment));
    if let Some((one, other)) = moments {
        return one.cmp(&other);
    }
    let numbers = one.and_then(number).zip(other.and_then(number));
    numbers.map_or_else(|| one.cmp(&other), |(one, other)| one.cmp(&other))
}

fn number(text: &str) -> Option<Decimal> {
    text.trim().parse().ok()
}

/// The last of those that have this in common; a row without it is one of its own.
fn keep_last_of_each(rows: &mut Vec<&Value>, distinct: Path) {
    let mut seen = std::collections::BTreeSet::new();
    rows.reverse();
    rows.retain(|row| text(row, distinct).is_none_or(|id| seen.insert(id)));
    rows.reverse();
}

fn folded<'r>(how: How, mut rows: impl DoubleEndedIterator<Item = &'r Value>) -> Value {
    let value = |row: Option<&Value>, path| row.and_then(|row| super::at(row, path)).cloned();
    match how {
        How::First(path) => value(rows.next(), path).unwrap_or_default(),
        How::Last(path) => value(rows.next_back(), path).unwrap_or_default(),
        How::Count => Value::from(rows.count()),
        How::Sum(path) => {
            let numbers = rows.filter_map(|row| conditions::number(super::at(row, path)));
            Value::from(numbers.sum::<Decimal>().to_string())
        }
        How::Max(path) => extreme(rows, path, Ordering::Greater),
        How::Min(path) => extreme(rows, path, Ordering::Less),
    }
}

fn extreme<'r>(rows: impl Iterator<Item = &'r Value>, path: Path, wanted: Ordering) -> Value {
    let mut best: Option<String> = None;
    for found in rows.filter_map(|row| text(row, path)) {
        let is_better = best
            .as_deref()
            .is_none_or(|best| by_value(Some(&found), Some(best)) == wanted);
        if is_better {
            best = Some(found);
        }
    }
    best.map_or(Value::Null, Value::from)
}
