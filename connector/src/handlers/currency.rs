//! An org with one currency takes its amounts for its own: what was paid in another is not booked as if it were.

use std::collections::BTreeMap;

use serde_json::Value;

/// The currency of a row that is not the org's; nothing where the org's is not set.
pub(crate) fn another(rows: &BTreeMap<String, Vec<Value>>, own: Option<&str>) -> Option<String> {
    let own = own?;
    let mut said = rows
        .values()
        .flatten()
        .filter_map(|row| runtime::json::text_at(row, &["currency"]))
        .filter(|currency| !currency.trim().is_empty());
    said.find(|currency| !currency.trim().eq_ignore_ascii_case(own))
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
}
