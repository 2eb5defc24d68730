//! A list of a row becomes rows of its own, and its entries share an amount to the cent.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use super::{RowError, conditions};
use crate::mapping::ForEach;

/// One row an entry, the entry at `each`; with what it gets of the shared amount at `each.share`.
///
/// # Errors
/// When the entries take more than there is.
pub fn entries(for_each: &ForEach, row: &Value) -> Result<Vec<Value>, RowError> {
    let list = super::at(row, for_each.list).and_then(Value::as_array);
    let mut entries: Vec<Value> = list.cloned().unwrap_or_default();
    if let Some(path) = for_each.share
        && !entries.is_empty()
    {
        let whole = conditions::number(super::at(row, path)).ok_or_else(|| {
            RowError(format!(
                "{} is no amount that can be shared",
                path.join(".")
            ))
        })?;
        let shares = shares(whole, &entries).ok_or_else(|| {
            RowError(format!(
                "the entries of {} take more than {}",
                for_each.list.join("."),
                path.join(".")
            ))
        })?;
        for (entry, share) in entries.iter_mut().zip(shares) {
            if let Value::Object(members) = entry {
                members.insert("share".to_owned(), Value::from(share.to_string()));
            }
        }
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

/// Amounts in whole cents, of the same sum to the cent.
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
}
