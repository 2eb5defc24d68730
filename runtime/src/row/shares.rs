//! A list of a row becomes rows of its own, and its entries share an amount to the cent.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use super::{RowError, conditions};
use crate::mapping::ForEach;

/// Makes one row of each entry of a list: `each` is the entry, `each.share` its share of the amount. If an amount is
/// shared, entries that differ only in their shares are merged.
///
/// # Errors
/// If the entries take more than the amount, or an amount is no number.
pub fn entries(for_each: &ForEach, row: &Value) -> Result<Vec<Value>, RowError> {
    let list = super::at(row, for_each.list).and_then(Value::as_array);
    let mut entries: Vec<Value> = list.cloned().unwrap_or_default();
    if let Some(path) = for_each.share
        && !entries.is_empty()
    {
        let whole = conditions::number(super::at(row, path)).ok_or_else(|| {
            let said = super::at(row, path).cloned().unwrap_or_default();
            RowError(format!(
                "{} is {said}, which is no amount that can be shared",
                path.join(".")
            ))
        })?;
        if let Some(value) = entries.iter().find_map(unreadable) {
            let list = for_each.list.join(".");
            return Err(RowError(format!(
                "an entry of {list} has {value}, which is no number"
            )));
        }
        let shares = shares(whole, &entries).ok_or_else(|| {
            let list = for_each.list.join(".");
            let said: Vec<String> = entries.iter().filter_map(part_said).collect();
            RowError(format!(
                "the entries of {list} take more than {}, which is {whole}; their parts are {}",
                path.join("."),
                said.join(", ")
            ))
        })?;
        for (entry, share) in entries.iter_mut().zip(shares) {
            if let Value::Object(members) = entry {
                members.insert(SHARE.to_owned(), Value::from(share.to_string()));
            }
        }
    }
    if for_each.share.is_some() {
        entries = joined(entries);
    }
    Ok(entries
        .into_iter()
        .map(|entry| {
            let mut row = row.clone();
            if let Value::Object(members) = &mut row {
                members.insert("each".to_owned(), entry);
            }
            row
        })
        .collect())
}

/// Formats the amount or percentage that an entry asks for, for error texts.
fn part_said(entry: &Value) -> Option<String> {
    let amount = entry.get("amount").filter(|amount| !amount.is_null());
    let percent = entry.get("percent").filter(|percent| !percent.is_null());
    match (amount, percent) {
        (Some(amount), _) => Some(amount.to_string()),
        (None, Some(percent)) => Some(format!("{percent} percent")),
        (None, None) => None,
    }
}

/// The amount or percentage of an entry that is no number. Without this check the entry would get the rest.
fn unreadable(entry: &Value) -> Option<&Value> {
    let said = ["amount", "percent"].map(|name| entry.get(name));
    let mut said = said.into_iter().flatten();
    said.find(|value| {
        let is_blank = value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
        !is_blank && conditions::number(Some(value)).is_none()
    })
}

/// Members of an entry that give its share.
const OF_A_SHARE: [&str; 3] = ["amount", "percent", SHARE];
const SHARE: &str = "share";

/// Merges entries that differ only in their shares or in case, and adds up the shares. For example, a gift may name one
/// fund twice. The first spelling stays.
fn joined(entries: Vec<Value>) -> Vec<Value> {
    let mut joined: Vec<(Value, Value)> = Vec::with_capacity(entries.len());
    for entry in entries {
        let name = named_by(&entry);
        match joined.iter_mut().find(|(known, _)| *known == name) {
            Some((_, first)) => add(first, &entry),
            None => joined.push((name, entry)),
        }
    }
    joined.into_iter().map(|(_, entry)| entry).collect()
}

fn add(first: &mut Value, entry: &Value) {
    let share = |entry: &Value| conditions::number(entry.get(SHARE)).unwrap_or_default();
    let sum = Value::from((share(first) + share(entry)).to_string());
    if let Value::Object(members) = first {
        members.remove("percent");
        // The entry's own amount was one part alone.
        members.insert("amount".to_owned(), sum.clone());
        members.insert(SHARE.to_owned(), sum);
    }
}

/// The members of an entry without its share, in lower case. Members that are null are left out.
fn named_by(entry: &Value) -> Value {
    let Value::Object(members) = entry else {
        return entry.clone();
    };
    let named = members
        .iter()
        .filter(|(name, value)| !OF_A_SHARE.contains(&name.as_str()) && !value.is_null());
    Value::Object(
        named
            .map(|(name, value)| (name.clone(), lower(value)))
            .collect(),
    )
}

fn lower(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(text.trim().to_lowercase()),
        Value::Array(items) => items.iter().map(lower).collect(),
        Value::Object(members) => {
            let members = members.iter();
            Value::Object(
                members
                    .map(|(name, value)| (name.clone(), lower(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

/// Amounts first, then percents of the whole, then the rest for those that say neither. Cents that rounding leaves go
/// to the largest remainders, the first of equals. Nothing where that is more than the whole.
fn shares(whole: Decimal, entries: &[Value]) -> Option<Vec<Decimal>> {
    let member = |entry: &Value, name: &str| conditions::number(entry.get(name));
    let hundred = Decimal::ONE_HUNDRED;
    let mut exact: Vec<Option<Decimal>> = entries
        .iter()
        .map(|entry| {
            member(entry, "amount").or_else(|| Some(whole * member(entry, "percent")? / hundred))
        })
        .collect();
    let taken: Decimal = exact.iter().flatten().sum();
    let open = exact.iter().filter(|share| share.is_none()).count();
    if taken > whole || exact.iter().flatten().any(Decimal::is_sign_negative) {
        return None;
    }
    if open > 0 {
        let rest = (whole - taken) / Decimal::from(open);
        exact = exact
            .into_iter()
            .map(|share| Some(share.unwrap_or(rest)))
            .collect();
    }
    Some(to_cents(&exact.into_iter().flatten().collect::<Vec<_>>()))
}

/// Rounds amounts to whole cents, by largest remainder. Their sum is the rounded sum of the exact amounts.
pub fn to_cents(exact: &[Decimal]) -> Vec<Decimal> {
    let down = |amount: &Decimal| amount.round_dp_with_strategy(2, RoundingStrategy::ToZero);
    let mut shares: Vec<Decimal> = exact.iter().map(down).collect();
    let total = exact
        .iter()
        .sum::<Decimal>()
        .round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    let cent = Decimal::new(1, 2);
    let mut left = total - shares.iter().sum::<Decimal>();
    let mut order: Vec<usize> = (0..exact.len()).collect();
    let remainder = |index: &usize| {
        exact.get(*index).copied().unwrap_or_default()
            - shares.get(*index).copied().unwrap_or_default()
    };
    order.sort_by_key(|index| std::cmp::Reverse(remainder(index)));
    for index in order {
        if left < cent {
            break;
        }
        if let Some(share) = shares.get_mut(index) {
            *share += cent;
            left -= cent;
        }
    }
    shares.iter_mut().for_each(|share| share.rescale(2));
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shared(whole: &str, funds: Value) -> Option<Vec<String>> {
        let funds = funds.as_array().cloned().unwrap_or_default();
        let shares = shares(whole.parse().unwrap(), &funds)?;
        Some(shares.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn no_cent_is_lost_or_made() {
        let third = json!({ "percent": "33.333333" });
        assert_eq!(
            shared("10.00", json!([third, third, third])).unwrap(),
            ["3.34", "3.33", "3.33"]
        );
        assert_eq!(
            shared("0.05", json!([{ "percent": 50 }, { "percent": 50 }])).unwrap(),
            ["0.03", "0.02"]
        );
        assert_eq!(
            shared("50.00", json!([{ "amount": "20.00" }, {}])).unwrap(),
            ["20.00", "30.00"]
        );
        assert_eq!(
            shared("1.00", json!([{}, {}, {}])).unwrap(),
            ["0.34", "0.33", "0.33"]
        );
        assert_eq!(
            shared("50.00", json!([{ "amount": "20.00" }])).unwrap(),
            ["20.00"]
        );
        assert_eq!(shared("50.00", json!([{ "amount": "50.01" }])), None);
        assert_eq!(
            shared("50.00", json!([{ "percent": 60 }, { "percent": 60 }])),
            None
        );
        assert_eq!(shared("50.00", json!([{ "amount": "-1" }, {}])), None);
    }

    fn entries_of(funds: Value) -> Vec<Value> {
        let shared = ForEach {
            list: &["funds"],
            share: Some(&["price"]),
        };
        let row = json!({ "price": "10.00", "funds": funds });
        let rows = entries(&shared, &row).unwrap();
        rows.into_iter().map(|mut row| row["each"].take()).collect()
    }

    #[test]
    fn what_is_no_number_is_not_the_rest() {
        let shared = ForEach {
            list: &["funds"],
            share: Some(&["price"]),
        };
        for (percent, is_read) in [(json!("half"), false), (json!(""), true), (json!(50), true)] {
            let funds = json!([{ "code": "Roof", "percent": percent }]);
            let row = json!({ "price": "10.00", "funds": funds });
            assert_eq!(entries(&shared, &row).is_ok(), is_read);
        }
    }

    #[test]
    fn a_fund_that_is_named_twice_gets_both_parts() {
        let twice = json!([{ "code": "Roof", "amount": "4.00" }, { "code": "Bees" }, { "code": " roof", "percent": 10 }]);
        assert_eq!(
            entries_of(twice),
            [
                json!({ "code": "Roof", "amount": "5.00", "share": "5.00" }),
                json!({ "code": "Bees", "share": "5.00" }),
            ]
        );
        let rest = json!([{ "code": "Roof" }, { "code": "ROOF", "note": null }, { "code": "roof", "note": "east" }]);
        assert_eq!(
            entries_of(rest),
            [
                json!({ "code": "Roof", "amount": "6.67", "share": "6.67" }),
                json!({ "code": "roof", "note": "east", "share": "3.33" }),
            ]
        );
    }

    #[test]
    fn entries_that_share_nothing_stay_as_they_are() {
        let each = ForEach {
            list: &["members"],
            share: None,
        };
        let row = json!({ "members": [{ "id": "i-1" }, { "id": "I-1" }] });
        assert_eq!(entries(&each, &row).unwrap().len(), 2);
    }
}
