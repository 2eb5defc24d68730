//! Opportunities with their lines, payments and allocations, read from the simulated org.

use std::collections::BTreeMap;

use simulator::Simulator;

use super::{Entry, Wants, agree};
use crate::purchases::{Books, Record, cents, text};

/// Records grouped by the value of one field.
type Under = BTreeMap<String, Vec<Record>>;

pub(super) struct There {
    opportunities: Under,
    lines: Under,
    payments: Under,
    allocations: Under,
    /// Lower-case names of funds, by id. A name that several funds share ends with their count, so that it equals no
    /// expected name.
    funds: BTreeMap<String, String>,
    /// Names of products, by the id of a price book entry.
    products: BTreeMap<String, String>,
}

impl There {
    pub(super) fn read(simulator: &Simulator) -> There {
        let by = |object: &str, field: &str| {
            let mut under = Under::new();
            for record in simulator.records(object) {
                let of = text(&record, field).to_owned();
                under.entry(of).or_default().push(record);
            }
            under
        };
        There {
            opportunities: by("Opportunity", "Ticketure_Cart_Id__c"),
            lines: by("OpportunityLineItem", "OpportunityId"),
            payments: by("npe01__OppPayment__c", "npe01__Opportunity__c"),
            allocations: by("npsp__Allocation__c", "npsp__Opportunity__c"),
            funds: funds(simulator),
            products: products(simulator),
        }
    }

    pub(super) fn entry(&self, cart: &str, books: &Books, wants: &Wants) -> Entry {
        let [opportunity, others @ ..] = under(&self.opportunities, cart) else {
            return Entry::default();
        };
        let id = text(opportunity, "Id");
        let lines = under(&self.lines, id);
        Entry {
            opportunities: 1 + others.len(),
            amount: cents(opportunity.get("Amount")),
            lines: totals(lines),
            kept: self.kept(cart, lines),
            payments: paid(under(&self.payments, id), books, wants.payments),
            funds: self.allocated(under(&self.allocations, id), books, wants),
            stage: text(opportunity, "StageName").to_owned(),
        }
    }

    fn kept(&self, cart: &str, lines: &[Record]) -> String {
        let key = format!("{cart}:kept");
        let is_kept = |line: &&Record| text(line, LINE_KEY) == key;
        let Some(line) = lines.iter().find(is_kept) else {
            return String::new();
        };
        let product = self.products.get(text(line, "PricebookEntryId"));
        let quantity = cents(line.get("Quantity")) / 100;
        format!(
            "{}, {}, {quantity}",
            product.map_or("", String::as_str),
            text(line, "Ticketure_Kind__c")
        )
    }

    fn allocated(
        &self,
        allocations: &[Record],
        books: &Books,
        wants: &Wants,
    ) -> BTreeMap<String, i64> {
        let mut funds: BTreeMap<String, i64> = BTreeMap::new();
        let mut is_nothing = false;
        for allocation in allocations {
            let fund = text(allocation, "npsp__General_Accounting_Unit__c");
            let name = self.funds.get(fund).map_or(fund, String::as_str);
            let amount = cents(allocation.get("npsp__Amount__c"));
            is_nothing |= amount == 0;
            *funds.entry(name.to_owned()).or_default() += amount;
        }
        let expected = wants.funds(books);
        if !is_nothing && agree(&expected, &funds) {
            let each = expected
                .into_iter()
                .map(|(fund, share)| (fund, share.cents));
            return each.filter(|(_, cents)| *cents > 0).collect();
        }
        funds
    }
}

const LINE_KEY: &str = "Ticketure_Ticket_Id__c";

fn totals(lines: &[Record]) -> Vec<(String, i64)> {
    let each = lines.iter();
    let each = each.map(|line| {
        (
            text(line, LINE_KEY).to_owned(),
            cents(line.get("TotalPrice")),
        )
    });
    let mut lines: Vec<(String, i64)> = each.collect();
    lines.sort();
    lines
}

/// Payments by key. NPSP's own payments have no key, and are left out if NPSP makes the payments.
fn paid(payments: &[Record], books: &Books, are_ours: bool) -> Vec<(String, i64)> {
    let mut refunds: BTreeMap<String, i64> = BTreeMap::new();
    let mut charges: Vec<(String, i64)> = Vec::new();
    for payment in payments {
        let key = text(payment, "Ticketure_Payment_Id__c");
        let amount = cents(payment.get("npe01__Payment_Amount__c"));
        match refund(key, books) {
            Some(id) => *refunds.entry(id.to_owned()).or_default() += amount,
            None if are_ours || !key.is_empty() => charges.push((key.to_owned(), amount)),
            None => {}
        }
    }
    charges.extend(refunds);
    charges.sort();
    charges
}

/// The refund row that a payment's key belongs to. The parts of a refund have the keys `id`, `id:2`, `id:3`.
fn refund<'k>(key: &'k str, books: &Books) -> Option<&'k str> {
    let is_refund = |id: &str| books.parts.get(id).is_some_and(|part| part.is_refund);
    let of_part = key.rsplit_once(':').map_or(key, |(id, _)| id);
    [key, of_part].into_iter().find(|id| is_refund(id))
}

fn funds(simulator: &Simulator) -> BTreeMap<String, String> {
    // An unused fund may come from a create whose answer the network lost, and that a later create repeated.
    let allocations = simulator.records("npsp__Allocation__c");
    let is_used = |fund: &Record| {
        let mut used = allocations.iter();
        used.any(|one| text(one, "npsp__General_Accounting_Unit__c") == text(fund, "Id"))
    };
    let mut records = simulator.records("npsp__General_Accounting_Unit__c");
    records.retain(is_used);
    let name = |fund: &Record| text(fund, "Name").to_lowercase();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for fund in &records {
        *counts.entry(name(fund)).or_default() += 1;
    }
    let each = records.iter().map(|fund| {
        let name = match counts.get(&name(fund)) {
            Some(count) if *count > 1 => format!("{}, which is {count} funds", name(fund)),
            _ => name(fund),
        };
        (text(fund, "Id").to_owned(), name)
    });
    each.collect()
}

fn products(simulator: &Simulator) -> BTreeMap<String, String> {
    let products = simulator.records("Product2");
    let names: BTreeMap<&str, &str> = products
        .iter()
        .map(|product| (text(product, "Id"), text(product, "Name")))
        .collect();
    let entries = simulator.records("PricebookEntry");
    let each = entries.iter().map(|entry| {
        let name = names.get(text(entry, "Product2Id")).copied();
        (
            text(entry, "Id").to_owned(),
            name.unwrap_or_default().to_owned(),
        )
    });
    each.collect()
}

fn under<'r>(records: &'r Under, of: &str) -> &'r [Record] {
    records.get(of).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purchases::Part;
    use serde_json::json;

    #[test]
    fn parts_of_a_refund_are_one_and_everything_else_is_by_its_key() {
        let part = |is_refund| Part {
            is_refund,
            ..Part::default()
        };
        let books = Books {
            parts: [
                ("g-1".to_owned(), part(false)),
                ("g-2".to_owned(), part(true)),
            ]
            .into(),
            ..Books::default()
        };
        let payment = |key: serde_json::Value, amount: f64| {
            let record =
                json!({ "Ticketure_Payment_Id__c": key, "npe01__Payment_Amount__c": amount });
            record.as_object().unwrap().clone()
        };
        let payments = [
            payment(json!("g-2:2"), -5.5),
            payment(json!("c-1:g-1"), 100.0),
            payment(json!("g-2"), -10.0),
            payment(json!(null), 7.0),
        ];
        let list = |are_ours| {
            let paid = paid(&payments, &books, are_ours);
            let each = paid.iter().map(|(key, cents)| format!("{key} {cents}"));
            each.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(list(true), " 700, c-1:g-1 10000, g-2 -1550");
        assert_eq!(list(false), "c-1:g-1 10000, g-2 -1550");
    }
}
