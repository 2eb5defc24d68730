//! Refunds: a payment of less than nothing that names the one that it gives back. NPSP judges only those whose debit type
//! is a refund; a chargeback is a payment like any other.

use serde_json::Value;

use super::super::Org;
use super::super::automation::Outcome;
use super::super::table::Record;
use super::super::values::{cents, holds, money, number, owned, share, text};
use super::refusal;

const PAYMENT: &str = "npe01__OppPayment__c";
const ALLOCATION: &str = "npsp__Allocation__c";

impl Org {
    /// What NPSP has against a refund.
    pub(in super::super) fn check_payment(
        &self,
        payment: &mut Record,
        old: Option<&Record>,
    ) -> Outcome {
        if !is_refund(payment) {
            return Ok(());
        }
        let original = self.found(PAYMENT, &owned(payment, "npsp__OriginalPayment__c"));
        let Some(original) = original else {
            return Err(vec![refusal(
                "You can't edit a refund without an Original Payment.",
            )]);
        };
        if !holds(original, "npe01__Paid__c") {
            let text = "This payment's still processing and can't be refunded yet.";
            return Err(vec![refusal(text)]);
        }
        let left = self.left_to_refund(original);
        if is_refund(original) || left <= 0 {
            let text = "This payment has already been refunded, or is a refund itself.";
            return Err(vec![refusal(text)]);
        }
        let same = |old: &&Record| {
            text(old, "npsp__OriginalPayment__c") == text(payment, "npsp__OriginalPayment__c")
        };
        let before = old.filter(same).and_then(amount_of).unwrap_or_default();
        if left - before + amount_of(payment).unwrap_or_default() < 0 {
            let text = "Enter a refund that's less than or equal to the remaining balance.";
            return Err(vec![refusal(text)]);
        }
        Ok(())
    }

    /// What of a payment has not been given back.
    fn left_to_refund(&self, original: &Record) -> i64 {
        let id = owned(original, "Id");
        let refunds = self.child_records(PAYMENT, "npsp__OriginalPayment__c", &id);
        let back: i64 = refunds.iter().filter_map(amount_of).sum();
        amount_of(original).unwrap_or_default() + back
    }

    /// A refund lowers the donation. A part of it also makes its allocations shares of what is left.
    pub(super) fn refund_lowers(&mut self, old: Option<&Record>, payment: &Record) -> Outcome {
        let amount = amount_of(payment).unwrap_or_default();
        if amount >= 0 || !is_refund(payment) {
            return Ok(());
        }
        let donation = owned(payment, "npe01__Opportunity__c");
        if text(payment, "npsp__DebitType__c") == Some("Partial Refund") {
            self.allocations_become_shares(&donation);
        }
        // With lines the amount is theirs, and nobody else writes it.
        if self.has_lines(&donation) {
            return Ok(());
        }
        let lowered = amount - old.and_then(amount_of).unwrap_or_default();
        let record = self.found("Opportunity", &donation);
        let before = record.and_then(|record| cents(record, "Amount"));
        let fields = [("Amount", money(before.unwrap_or_default() + lowered))];
        self.automate("Opportunity", &donation, &fields)
    }

    fn allocations_become_shares(&mut self, donation: &str) {
        let whole = self.found("Opportunity", donation);
        let whole = whole.and_then(|whole| cents(whole, "Amount"));
        let Some(whole) = whole.filter(|whole| *whole != 0) else {
            return;
        };
        for allocation in self.child_records(ALLOCATION, "npsp__Opportunity__c", donation) {
            if number(&allocation, "npsp__Percent__c").is_some() {
                continue;
            }
            let amount = cents(&allocation, "npsp__Amount__c").unwrap_or_default();
            let percent = amount as f64 / whole as f64 * 100.0;
            let percent = (percent * 1_000_000.0).round() / 1_000_000.0;
            let fields = [
                ("npsp__Percent__c", Value::from(percent)),
                ("npsp__Amount__c", money(share(whole, percent))),
            ];
            self.put_plainly(ALLOCATION, &owned(&allocation, "Id"), &fields);
        }
    }
}

fn is_refund(payment: &Record) -> bool {
    let debit = text(payment, "npsp__DebitType__c");
    matches!(debit, Some("Refund" | "Partial Refund"))
}

fn amount_of(payment: &Record) -> Option<i64> {
    cents(payment, "npe01__Payment_Amount__c")
}
