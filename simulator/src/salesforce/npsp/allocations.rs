//! Allocations of a donation to funds: they are never more than it.

use super::super::Org;
use super::super::automation::Outcome;
use super::super::error::ApiError;
use super::super::table::Record;
use super::super::values::{cents, differs, holds, money, number, owned, share, text};
use super::refusal;
use crate::write_log::Actor;

const ALLOCATION: &str = "npsp__Allocation__c";
const DONATION: &str = "npsp__Opportunity__c";
const AMOUNT: &str = "npsp__Amount__c";
const PERCENT: &str = "npsp__Percent__c";

/// What an allocation can belong to.
const PARENTS: &[&str] = &[
    "npsp__Payment__c",
    DONATION,
    "npsp__Recurring_Donation__c",
    "npsp__Campaign__c",
];

/// What the allocations of one donation come to.
#[derive(Default)]
struct Totals {
    cents: i64,
    percent: f64,
}

impl Totals {
    fn add(&mut self, allocation: &Record) {
        self.cents += cents(allocation, AMOUNT).unwrap_or_default();
        self.percent += number(allocation, PERCENT).unwrap_or_default();
    }
}

impl Org {
    /// Whatever NPSP has against an allocation; its amount is computed where it has a percentage.
    pub(in super::super) fn check_allocation(&self, allocation: &mut Record) -> Outcome {
        self.check_fund(allocation)?;
        let (mut errors, has_parent) = by_itself(allocation);
        if has_parent {
            errors.extend(self.beside_others(allocation));
        }
        match errors.is_empty() {
            true => Ok(()),
            false => Err(errors),
        }
    }

    /// The look-up takes active funds only.
    fn check_fund(&self, allocation: &Record) -> Outcome {
        let fund = owned(allocation, "npsp__General_Accounting_Unit__c");
        let fund = self.found("npsp__General_Accounting_Unit__c", &fund);
        let of_payment = text(allocation, "npsp__Payment__c").is_some();
        if of_payment || fund.is_none_or(|fund| holds(fund, "npsp__Active__c")) {
            return Ok(());
        }
        let text = "Choose an active General Accounting Unit for this Allocation. You cannot modify an Allocation assigned to an inactive General Accounting Unit.";
        let error = ApiError::new("FIELD_FILTER_VALIDATION_EXCEPTION", text);
        Err(vec![error.on("npsp__General_Accounting_Unit__c")])
    }

    /// What it has to be together with the other allocations of its donation.
    fn beside_others(&self, allocation: &mut Record) -> Vec<ApiError> {
        let donation = owned(allocation, DONATION);
        let others = self.child_records(ALLOCATION, DONATION, &donation);
        let others = self.beside_in_the_call(&donation, others);
        let own = text(allocation, "Id").map(str::to_owned);
        let whole = self.found("Opportunity", &donation);
        let whole = whole.and_then(|donation| cents(donation, "Amount"));
        take_share(whole, allocation);
        let mut totals = Totals::default();
        for mut other in others {
            if text(&other, "Id").is_none() || text(&other, "Id") != own.as_deref() {
                take_share(whole, &mut other);
                totals.add(&other);
            }
        }
        totals.add(allocation);
        objections(&totals, whole, cents(allocation, AMOUNT))
    }

    /// A donation's amount changed: percentages are computed anew, and what is too much is refused.
    pub(in super::super) fn allocations_follow(&mut self, old: &Record, id: &str) -> Outcome {
        let Some(donation) = self.found("Opportunity", id) else {
            return Ok(());
        };
        let had_amount = cents(old, "Amount").is_some();
        if !differs(old, donation, "Amount") || !had_amount {
            return Ok(());
        }
        let Some(whole) = cents(donation, "Amount") else {
            return self.no_allocations(id);
        };
        let mut totals = Totals::default();
        let allocations = self.child_records(ALLOCATION, DONATION, id);
        // Only donations that have some are judged: one of less than nothing may stand.
        if allocations.is_empty() {
            return Ok(());
        }
        for mut allocation in allocations {
            let amount = match number(&allocation, PERCENT) {
                // Of nothing there is nothing to allocate.
                None if whole == 0 => Some(0),
                Some(percent) if percent > 0.0 => Some(share(whole, percent)),
                _ => None,
            };
            if let Some(amount) = amount {
                allocation.insert(AMOUNT.to_owned(), money(amount));
                let fields = [(AMOUNT, money(amount))];
                self.put_plainly(ALLOCATION, &owned(&allocation, "Id"), &fields);
            }
            totals.add(&allocation);
        }
        if totals.cents > whole {
            let text = "The Allocation totals for this Opportunity exceed the Opportunity amount. Update your Allocation amounts first, then update the Opportunity amount to match.";
            return Err(vec![refusal(text).on("Amount")]);
        }
        Ok(())
    }

    fn no_allocations(&mut self, donation: &str) -> Outcome {
        for allocation in self.children(ALLOCATION, DONATION, donation) {
            self.remove(ALLOCATION, &allocation, Actor::Automation)?;
        }
        Ok(())
    }
}

/// What is wrong with an allocation on its own, and whether it has the one parent that it has to have.
fn by_itself(allocation: &Record) -> (Vec<ApiError>, bool) {
    let parents = PARENTS
        .iter()
        .filter(|parent| text(allocation, parent).is_some());
    let has_one = parents.count() == 1;
    let of_payment = text(allocation, "npsp__Payment__c").is_some();
    let (amount, percent) = (cents(allocation, AMOUNT), number(allocation, PERCENT));
    let mistakes = [
        (
            of_payment,
            "You must enable Default Allocations in order to allocate at the payment level.",
        ),
        (
            of_payment,
            "Payment-level Allocations aren't enabled for your organization. Try allocating at the Opportunity level instead.",
        ),
        (
            !has_one,
            "Ensure that this Allocation has only one parent object: Payment, Opportunity, Recurring Donation, or Campaign.",
        ),
        (
            amount.is_none() && percent.is_none(),
            "Enter a value in either the Amount field or the Percent field.",
        ),
        (
            !of_payment && amount.is_some_and(|amount| amount < 0),
            "The Amount field can't contain a negative value.",
        ),
        (
            percent.is_some_and(|percent| percent < 0.0),
            "The Percent field can't contain a negative value.",
        ),
    ];
    let errors = mistakes.into_iter().filter(|(made, _)| *made);
    let errors = errors.map(|(_, text)| refusal(text)).collect();
    (errors, has_one && !of_payment)
}

/// With a percentage the amount is computed.
fn take_share(whole: Option<i64>, allocation: &mut Record) {
    if let (Some(whole), Some(percent)) = (whole, number(allocation, PERCENT)) {
        allocation.insert(AMOUNT.to_owned(), money(share(whole, percent)));
    }
}

fn objections(totals: &Totals, whole: Option<i64>, amount: Option<i64>) -> Vec<ApiError> {
    let mut errors = Vec::new();
    if totals.percent > 100.0 {
        errors.push(refusal("Percent-based Allocations cannot exceed 100%."));
    }
    let Some(whole) = whole else {
        return errors;
    };
    if amount.is_some_and(|amount| (amount >= 0) != (whole >= 0)) {
        let text = "Negative Allocations are only allowed in negative donations and positive Allocations are not allowed in negative donations.";
        errors.push(refusal(text));
    }
    let over = match totals.cents >= 0 {
        true => totals.cents > whole,
        false => totals.cents < whole,
    };
    if over {
        let text =
            "Allocation totals can't exceed the amount of the related Payment or Opportunity.";
        errors.push(refusal(text));
    }
    errors
}
