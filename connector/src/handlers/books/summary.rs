//! The sums of a cart for `usher explain`.

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Refunds, amount, money, refunds};

/// The sums of a cart, each as text with two decimals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The sum of the lines, which is the opportunity's amount.
    pub amount: String,
    /// Charges less voids.
    pub charged: String,
    /// Booked refunds and chargebacks.
    pub given_back: String,
    pub balance: Balance,
}

/// The difference between the amount and the payments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    Even,
    Owed(String),
    Overpaid(String),
}

/// Sums up a cart. `None` if no payment has arrived.
pub(crate) fn of(rows: &[Value], lines: Decimal, settings: &Map<String, Value>) -> Option<Summary> {
    let entries: Vec<money::Entry> = money::told(rows)
        .into_iter()
        .map(|(entry, _)| entry)
        .collect();
    if entries.is_empty() {
        return None;
    }
    let money = money::settle(&entries);
    let paid = match refunds(settings) {
        Refunds::ReduceLines => money.charged() - money.refunded(),
        // With this setting refunds are payments of their own, so the lines add up to the charged amount.
        Refunds::NegativePayment => money.charged(),
    };
    let owed = lines - paid;
    Some(Summary {
        amount: amount(lines),
        charged: amount(money.charged()),
        given_back: amount(money.refunded()),
        balance: match () {
            () if owed.is_zero() => Balance::Even,
            () if owed > Decimal::ZERO => Balance::Owed(amount(owed)),
            () => Balance::Overpaid(amount(-owed)),
        },
    })
}

impl Summary {
    /// Returns the sums as one line of text.
    pub fn text(&self) -> String {
        let balance = match &self.balance {
            Balance::Even => "nothing is owed".to_owned(),
            Balance::Owed(owed) => format!("{owed} are owed"),
            Balance::Overpaid(over) => format!("{over} are overpaid"),
        };
        format!(
            "amount {}, charged {}, given back {}: {balance}",
            self.amount, self.charged, self.given_back
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(lines: i64, settings: Value) -> String {
        let row = |id: &str, action: &str, amount: &str| {
            json!({
                "id": id, "action": action, "amount": amount, "gateway_reference": "ch_1",
                "occurred_at": "2026-03-01T18:00:00Z",
            })
        };
        let rows = [
            row("g-1", "charge", "100.00"),
            row("g-2", "refund", "40.00"),
        ];
        let settings = settings.as_object().cloned().unwrap_or_default();
        of(&rows, Decimal::from(lines), &settings).unwrap().text()
    }

    #[test]
    fn what_is_owed_is_beside_what_was_paid() {
        let start = "charged 100.00, given back 40.00";
        assert_eq!(
            said(60, json!({})),
            format!("amount 60.00, {start}: nothing is owed")
        );
        assert_eq!(
            said(75, json!({})),
            format!("amount 75.00, {start}: 15.00 are owed")
        );
        assert_eq!(
            said(50, json!({})),
            format!("amount 50.00, {start}: 10.00 are overpaid")
        );
        let negative = json!({ "refund": "negative_payment" });
        assert_eq!(
            said(100, negative),
            format!("amount 100.00, {start}: nothing is owed")
        );
        assert_eq!(of(&[], Decimal::ONE, &Map::new()), None);
    }
}
