//! sum(lines) = Amount; sum(payments) = charges - refunds - chargebacks; sum(allocations) = donations kept. To the cent.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use simulator::Simulator;

use super::history::{Books, History};

type Record = Map<String, Value>;

/// The carts whose opportunity says something else than what was bought: what it should say, and what it says.
pub(crate) fn disagreeing(
    simulator: &Simulator,
    histories: &[History],
    settings: &Map<String, Value>,
    npsp: bool,
) -> Vec<(String, Entry, Entry)> {
    let there = There::read(simulator);
    let each = histories.iter().map(|history| {
        let expected = Entry::of(&history.books, settings, npsp);
        let found = there.entry(&history.cart, &history.books);
        (history.cart.clone(), expected, found)
    });
    each.filter(|(_, expected, found)| expected != found)
        .collect()
}

/// What the org has to say, in cents.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    opportunities: usize,
    amount: i64,
    lines: i64,
    count: usize,
    payments: i64,
    allocations: i64,
    funds: BTreeMap<String, i64>,
    stage: String,
}

impl Entry {
    fn of(books: &Books, settings: &Map<String, Value>, npsp: bool) -> Entry {
        let is = |name: &str, word: &str| settings.get(name).and_then(Value::as_str) == Some(word);
        let (derived, reduces) = (is("cart_source", "derived"), is("refund", "reduce_lines"));
        let mut kept = books.lines.clone();
        kept.retain(|id, _| !reduces || !books.refunded.contains(id));
        let all_went = reduces && books.all_refunded && was_told_of_it(books);
        let has_extras = !(derived || all_went);
        let extras = [books.fees, books.taxes]
            .into_iter()
            .filter(|cents| *cents > 0 && has_extras);
        let extras: Vec<i64> = extras.collect();
        let lines = kept.values().sum::<i64>() + extras.iter().sum::<i64>();
        Entry {
            opportunities: 1,
            amount: lines,
            lines,
            count: kept.len() + extras.len(),
            payments: if npsp { books.paid } else { 0 },
            allocations: if npsp { books.donated } else { 0 },
            funds: if npsp {
                books.funds.clone()
            } else {
                BTreeMap::new()
            },
            stage: "Closed Won".to_owned(),
        }
    }
}

/// A cart whose money comes back is told of as refunded.
fn was_told_of_it(books: &Books) -> bool {
    books
        .refunded
        .iter()
        .filter_map(|id| books.lines.get(id))
        .sum::<i64>()
        > 0
}

struct There {
    opportunities: Vec<Record>,
    lines: Vec<Record>,
    payments: Vec<Record>,
    allocations: Vec<Record>,
    funds: BTreeMap<String, String>,
}

impl There {
    fn read(simulator: &Simulator) -> There {
        let all = |object: &str| simulator.records(object);
        There {
            opportunities: all("Opportunity"),
            lines: all("OpportunityLineItem"),
            payments: all("npe01__OppPayment__c"),
            allocations: all("npsp__Allocation__c"),
            funds: all("npsp__General_Accounting_Unit__c")
                .iter()
                .map(|fund| (text(fund, "Id"), text(fund, "Name")))
                .collect(),
        }
    }

    fn entry(&self, cart: &str, books: &Books) -> Entry {
        let mine: Vec<&Record> = self
            .opportunities
            .iter()
            .filter(|record| text(record, "Ticketure_Cart_Id__c") == cart)
            .collect();
        let Some(opportunity) = mine.first() else {
            return Entry::default();
        };
        let id = text(opportunity, "Id");
        let of = |records: &[Record], field: &str, amount: &str| -> Vec<i64> {
            let own = records.iter().filter(|record| text(record, field) == id);
            own.map(|record| record.get(amount).map_or(0, cents))
                .collect()
        };
        let lines = of(&self.lines, "OpportunityId", "TotalPrice");
        let mut funds: BTreeMap<String, i64> = BTreeMap::new();
        for allocation in self
            .allocations
            .iter()
            .filter(|record| text(record, "npsp__Opportunity__c") == id)
        {
            let fund = text(allocation, "npsp__General_Accounting_Unit__c");
            let name = self.funds.get(&fund).cloned().unwrap_or(fund);
            *funds.entry(name).or_default() += allocation.get("npsp__Amount__c").map_or(0, cents);
        }
        let allocations = funds.values().sum();
        Entry {
            opportunities: mine.len(),
            amount: opportunity.get("Amount").map_or(0, cents),
            lines: lines.iter().sum(),
            count: lines.len(),
            payments: of(
                &self.payments,
                "npe01__Opportunity__c",
                "npe01__Payment_Amount__c",
            )
            .iter()
            .sum(),
            allocations,
            // A split by percent is known as a whole.
            funds: if books.funds.is_empty() {
                BTreeMap::new()
            } else {
                funds
            },
            stage: text(opportunity, "StageName"),
        }
    }
}

fn text(record: &Record, field: &str) -> String {
    record
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// Nobody's amount is so wrong that it would be this one.
const NO_AMOUNT: i64 = i64::MIN / 4;

fn cents(value: &Value) -> i64 {
    let text = match value {
        Value::Null => return 0,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let amount: Option<rust_decimal::Decimal> = text.parse().ok();
    let cents = amount.map(|amount| amount * rust_decimal::Decimal::ONE_HUNDRED);
    cents
        .and_then(|cents| cents.normalize().to_string().parse().ok())
        .unwrap_or(NO_AMOUNT)
}
