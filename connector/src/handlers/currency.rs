//! An org with one currency takes its amounts for its own: what was paid in another is not booked as if it were.

use std::collections::BTreeMap;

use serde_json::Value;

use super::books::PAYMENTS;

/// Returns a currency of the cart's or its tickets' rows other than the org's own. `None` where the org's is not set.
pub(crate) fn another(rows: &BTreeMap<String, Vec<Value>>, own: Option<&str>) -> Option<String> {
    let own = own?;
    let sold = rows.iter().filter(|(name, _)| *name != PAYMENTS);
    let mut said = sold.flat_map(|(_, rows)| rows);
    said.find_map(|row| foreign(row, own))
}

/// Removes payments in another currency than the org's own. Returns their ids and currencies.
pub(crate) fn set_aside(payments: &mut Vec<Value>, own: &str) -> Vec<(String, String)> {
    let found = payments.iter().filter_map(|row| {
        let id = runtime::json::text_at(row, &["id"])?;
        Some((id, foreign(row, own)?))
    });
    let found: BTreeMap<String, String> = found.collect();
    payments.retain(|row| foreign(row, own).is_none());
    found.into_iter().collect()
}

fn foreign(row: &Value, own: &str) -> Option<String> {
    let said = runtime::json::text_at(row, &["currency"])?;
    let is_foreign = !said.trim().is_empty() && !said.trim().eq_ignore_ascii_case(own);
    is_foreign.then(|| said.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_another_currency_is_another() {
        let rows = |currency: Value| {
            [(
                "cart_changed".to_owned(),
                vec![json!({ "currency": currency })],
            )]
            .into()
        };
        assert_eq!(
            another(&rows(json!("EUR")), Some("USD")).as_deref(),
            Some("EUR")
        );
        assert_eq!(another(&rows(json!("usd")), Some("USD")), None);
        assert_eq!(another(&rows(Value::Null), Some("USD")), None);
        assert_eq!(another(&rows(json!("EUR")), None), None);
    }

    #[test]
    fn a_payment_in_another_currency_is_set_aside() {
        let mut payments = vec![
            json!({ "id": "g-1", "currency": "USD" }),
            json!({ "id": "g-2", "currency": "eur" }),
        ];
        let found = set_aside(&mut payments, "USD");
        assert_eq!(found, [("g-2".to_owned(), "eur".to_owned())]);
        assert_eq!(payments.len(), 1);
    }
}
