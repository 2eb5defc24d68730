//! The rows of one record become one, the same whatever the order in which they came.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::{RowError, conditions, hold, text};
use crate::mapping::{Condition, Fold, How, MappingDescriptor, Path, Rank, Reduce};

/// The rows of a mapping, each that of one record. `$at` in a row is when its delivery says that it happened.
///
/// `rows` have to be in the order of arrival, which decides between two deliveries of one row.
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
    // A stable sort keeps deliveries of one row in the order of arrival.
    rows.sort_by(|one, other| compare(order, distinct, one, other));
    let mut rows: Vec<Cow<'_, Value>> = that_hold(when, &rows)
        .into_iter()
        .map(Cow::Borrowed)
        .collect();
    if let Some(distinct) = distinct {
        rows = last_of_each(rows, distinct);
    }
    let mut last = laid_over(&rows)?;
    if let (Some(reduce), Value::Object(members)) = (reduce, &mut last) {
        for fold in reduce.folds {
            let found = found_before(fold, members);
            let counted = rows
                .iter()
                .map(AsRef::as_ref)
                .filter(|row| hold(fold.of, row));
            let counted = counted.filter(|row| agrees(fold, found.as_ref(), row));
            members.insert(fold.name.to_owned(), folded(fold.how, counted));
        }
    }
    Some(last)
}

/// The rows for which the conditions hold. The nearest earlier row, or else the nearest later one, supplies a member
/// that a row leaves out. For example, a refund need not repeat the kind of its ticket.
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

/// The first given fold of `same`, as the member that it is made of and its value.
fn found_before(fold: &Fold, members: &Map<String, Value>) -> Option<(Path, String)> {
    let mut given = fold.same.iter().filter_map(|(name, path)| {
        let found = members.get(*name)?;
        Some((*path, text(found, &[])?))
    });
    given.next()
}

/// Returns whether the row has the value of the earlier fold. Without such a value no row counts.
fn agrees(fold: &Fold, found: Option<&(Path, String)>, row: &Value) -> bool {
    let is_found = |(path, word): &(Path, String)| {
        let said = text(row, path);
        said.is_some_and(|said| said.trim().eq_ignore_ascii_case(word.trim()))
    };
    fold.same.is_empty() || found.is_some_and(is_found)
}

/// Each row over those before it: what it does not say stays as it was.
fn laid_over(rows: &[Cow<'_, Value>]) -> Option<Value> {
    let mut rows = rows.iter().map(AsRef::as_ref).cloned();
    let mut whole = rows.next()?;
    for row in rows {
        lay_over(&mut whole, row);
    }
    Some(whole)
}

fn lay_over(whole: &mut Value, row: Value) {
    match (whole, row) {
        (Value::Object(whole), Value::Object(row)) => whole.extend(row),
        (whole, row) => *whole = row,
    }
}

/// Orders rows by the ranks, then by the distinct member. Two deliveries of one row are equal. Rows without that member
/// go by their whole text, so that the result does not depend on their order.
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

/// Merges the deliveries of one row at the place of the last. Members that it leaves out keep their earlier values. A
/// row without the distinct member stands alone.
fn last_of_each<'r>(rows: Vec<Cow<'r, Value>>, distinct: Path) -> Vec<Cow<'r, Value>> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut kept: Vec<Option<Cow<'r, Value>>> = Vec::with_capacity(rows.len());
    for row in rows {
        let earlier = text(&row, distinct).and_then(|id| places.insert(id, kept.len()));
        let earlier = earlier.and_then(|place| kept.get_mut(place)?.take());
        kept.push(Some(match earlier {
            Some(earlier) => {
                let mut whole = earlier.into_owned();
                lay_over(&mut whole, row.into_owned());
                Cow::Owned(whole)
            }
            None => row,
        }));
    }
    kept.into_iter().flatten().collect()
}

fn folded<'r>(how: How, mut rows: impl DoubleEndedIterator<Item = &'r Value>) -> Value {
    match how {
        How::First(path) => rows.find_map(|row| said(row, path)).unwrap_or_default(),
        How::Last(path) => rows
            .rev()
            .find_map(|row| said(row, path))
            .unwrap_or_default(),
        How::Count => Value::from(rows.count()),
        How::Sum(path) => {
            let numbers = rows.filter_map(|row| conditions::number(super::at(row, path)));
            Value::from(numbers.sum::<Decimal>().to_string())
        }
        How::Max(path) => extreme(rows, path, Ordering::Greater),
        How::Min(path) => extreme(rows, path, Ordering::Less),
    }
}

/// The value of a member, which may be null. `None` if the row leaves the member out.
fn said(row: &Value, path: Path) -> Option<Value> {
    let mut names = path.iter();
    names.try_fold(row, |value, name| value.get(name)).cloned()
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
