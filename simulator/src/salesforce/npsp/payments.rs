//! Payments: a donation gets one of its whole amount, which follows it while it is the only one and not paid.

use serde_json::{Map, Value};

use super::super::Org;
use super::super::automation::Outcome;
use super::super::table::Record;
use super::super::values::{cents, differs, holds, money, owned, text};
use super::refusal;
use crate::write_log::Actor;

const PAYMENT: &str = "npe01__OppPayment__c";
const PARENT: &str = "npe01__Opportunity__c";

impl Org {
    /// The automatic payment of a new donation.
    pub(in super::super) fn first_payment(&mut self, id: &str) -> Outcome {
        self.count_payments(id);
        let Some(donation) = self.found("Opportunity", id).cloned() else {
            return Ok(());
        };
        let has_amount = cents(&donation, "Amount").is_some_and(|amount| amount > 0);
        if !has_amount || !self.makes_payments(&donation) || !self.payments_of(id).is_empty() {
            return Ok(());
        }
        self.new_payment(&donation, holds(&donation, "IsWon"))
    }

    fn makes_payments(&self, donation: &Record) -> bool {
        let switched_off = holds(donation, "npe01__Do_Not_Automatically_Create_Payment__c");
        !switched_off && self.table(PAYMENT).is_some()
    }

    /// Payments that are not written off.
    fn payments_of(&self, donation: &str) -> Vec<Record> {
        let mut all = self.child_records(PAYMENT, PARENT, donation);
        all.retain(|payment| !holds(payment, "npe01__Written_Off__c"));
        all
    }

    fn new_payment(&mut self, donation: &Record, is_paid: bool) -> Outcome {
        let is_lost = holds(donation, "IsClosed") && !holds(donation, "IsWon");
        let value = |field: &str| donation.get(field).cloned().unwrap_or(Value::Null);
        let mut fields = Map::new();
        let mut set = |name: &str, value| fields.insert(name.to_owned(), value);
        set(PARENT, value("Id"));
        set("npe01__Payment_Amount__c", value("Amount"));
        set("npe01__Paid__c", Value::Bool(is_paid));
        if is_paid {
            set("npe01__Payment_Date__c", value("CloseDate"));
        } else if !is_lost {
            set("npe01__Scheduled_Date__c", value("CloseDate"));
        }
        self.insert(PAYMENT, fields, Actor::Automation).map(|_| ())
    }

    /// A donation changed: its own payment follows, or it gets one now that it has an amount.
    pub(in super::super) fn payments_follow(&mut self, old: &Record, id: &str) -> Outcome {
        self.count_payments(id);
        let Some(donation) = self.found("Opportunity", id).cloned() else {
            return Ok(());
        };
        let payments = self.payments_of(id);
        let amount = cents(&donation, "Amount").unwrap_or_default();
        let (closed, won) = (holds(&donation, "IsClosed"), holds(&donation, "IsWon"));
        match payments.as_slice() {
            [] => {
                let had_none = cents(old, "Amount").unwrap_or_default() == 0;
                let wants = amount != 0 && had_none && (!closed || won);
                match wants && self.makes_payments(&donation) {
                    true => self.new_payment(&donation, closed),
                    false => Ok(()),
                }
            }
            [only] if amount > 0 && is_its_own(only, old, &donation) => {
                self.payment_follows(only, old, &donation)
            }
            _ if closed && !won => self.write_off(&payments),
            _ => Ok(()),
        }
    }

    fn payment_follows(&mut self, payment: &Record, old: &Record, donation: &Record) -> Outcome {
        let (closed, won) = (holds(donation, "IsClosed"), holds(donation, "IsWon"));
        let moved = |field: &str| differs(old, donation, field);
        let changed = moved("Amount") || moved("CloseDate");
        let amount = ("npe01__Payment_Amount__c", value_of(donation, "Amount"));
        let date = value_of(donation, "CloseDate");
        let id = owned(payment, "Id");
        match (closed, won) {
            (false, _) if changed => {
                let fields = [amount, ("npe01__Scheduled_Date__c", date)];
                self.automate(PAYMENT, &id, &fields)
            }
            (true, true) if changed || moved("IsWon") => {
                let paid = ("npe01__Paid__c", Value::Bool(true));
                let fields = [amount, paid, ("npe01__Payment_Date__c", date)];
                self.automate(PAYMENT, &id, &fields)
            }
            (true, false) => self.write_off(std::slice::from_ref(payment)),
            _ => Ok(()),
        }
    }

    fn write_off(&mut self, payments: &[Record]) -> Outcome {
        for payment in payments.iter().filter(|one| !holds(one, "npe01__Paid__c")) {
            let id = owned(payment, "Id");
            self.automate(
                PAYMENT,
                &id,
                &[("npe01__Written_Off__c", Value::Bool(true))],
            )?;
        }
        Ok(())
    }

    pub(in super::super) fn payment_written(&mut self, old: Option<&Record>, id: &str) -> Outcome {
        let Some(payment) = self.found(PAYMENT, id).cloned() else {
            return Ok(());
        };
        if holds(&payment, "npe01__Paid__c") && holds(&payment, "npe01__Written_Off__c") {
            let text = "A Payment can't be both paid and written off. You must deselect one or both checkboxes.";
            return Err(vec![refusal(text)]);
        }
        self.count_payments(text(&payment, PARENT).unwrap_or_default());
        self.refund_lowers(old, &payment)
    }

    /// The donation's roll-ups, and what is computed of them.
    pub(in super::super) fn count_payments(&mut self, donation: &str) {
        let payments = self.child_records(PAYMENT, PARENT, donation);
        let sum = |mark: &str| -> i64 {
            let marked = payments.iter().filter(|payment| holds(payment, mark));
            marked
                .filter_map(|payment| cents(payment, "npe01__Payment_Amount__c"))
                .sum()
        };
        let (made, written_off) = (sum("npe01__Paid__c"), sum("npe01__Written_Off__c"));
        let Some(record) = self.found("Opportunity", donation) else {
            return;
        };
        let amount = cents(record, "Amount").unwrap_or_default();
        let account = self.found("Account", &owned(record, "AccountId"));
        let individual = account.is_some_and(|one| holds(one, "npe01__SYSTEMIsIndividual__c"));
        let fields = [
            (
                "npe01__Number_of_Payments__c",
                Value::from(payments.len() as f64),
            ),
            ("npe01__Payments_Made__c", money(made)),
            ("npe01__Amount_Written_Off__c", money(written_off)),
            (
                "npe01__Amount_Outstanding__c",
                money(amount - made - written_off),
            ),
            (
                "npe01__Is_Opp_From_Individual__c",
                Value::from(individual.to_string()),
            ),
        ];
        self.compute("Opportunity", donation, &fields);
    }
}

/// Nobody has paid it, and it still says what the donation says, or said before.
fn is_its_own(payment: &Record, old: &Record, donation: &Record) -> bool {
    let is_one_of = |value: Option<&Value>, field: &str| {
        let value = value.cloned().unwrap_or(Value::Null);
        value == value_of(old, field) || value == value_of(donation, field)
    };
    let dates = ["npe01__Scheduled_Date__c", "npe01__Payment_Date__c"];
    let in_time = dates
        .iter()
        .any(|date| is_one_of(payment.get(*date), "CloseDate"));
    let amount = is_one_of(payment.get("npe01__Payment_Amount__c"), "Amount");
    amount && in_time && !holds(payment, "npe01__Paid__c")
}

fn value_of(record: &Record, field: &str) -> Value {
    record.get(field).cloned().unwrap_or(Value::Null)
}
