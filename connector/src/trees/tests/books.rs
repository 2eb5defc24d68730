//! sum(lines) = Amount; sum(payments) = charges - refunds - chargebacks; sum(allocations) = donations kept. To the cent,
//! after any history, in any order.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::history::{self, Books, History};
use crate::sync::tests::museum::{Museum, Setup};

type Record = Map<String, Value>;

/// What is told in one go, at most.
const AT_ONCE: usize = 400;

async fn histories_end_in_their_books(seed: u64, count: usize, settings: Value, npsp: bool) {
    let settings = crate::settings::with(settings.as_object().unwrap()).unwrap();
    let museum = Museum::new(Setup {
        npsp,
        settings: settings.clone().into(),
        ..Setup::default()
    });
    let mut random = Rng::with_seed(seed);
    let histories: Vec<History> = (0..count)
        .map(|number| history::history(&mut random, number))
        .collect();
    let mut webhooks: Vec<Value> = histories
        .iter()
        .flat_map(|history| history.webhooks.clone())
        .collect();
    let again: Vec<Value> = webhooks
        .iter()
        .filter(|_| random.u8(..10) == 0)
        .cloned()
        .collect();
    webhooks.extend(again);
    random.shuffle(&mut webhooks);
    while !webhooks.is_empty() {
        let some = 1 + random.usize(..AT_ONCE);
        let rest = webhooks.split_off(some.min(webhooks.len()));
        museum.send(std::mem::replace(&mut webhooks, rest)).await;
        crate::sync::tests::museum::pass(random.u64(..3)).await;
    }
    museum.settled().await;
    assert_eq!(museum.errors().await, [], "seed {seed}");
    let there = There::read(&museum);
    for history in &histories {
        let expected = Expected::of(&history.books, &settings, npsp);
        assert_eq!(
            there.books(&history.cart, &history.books),
            expected,
            "seed {seed}, cart {}, {settings:?}",
            history.cart
        );
    }
}

/// What the org has to say, in cents.
#[derive(Debug, PartialEq, Eq)]
struct Expected {
    opportunities: usize,
    amount: i64,
    lines: i64,
    count: usize,
    payments: i64,
    allocations: i64,
    funds: BTreeMap<String, i64>,
    stage: String,
}

impl Expected {
    fn of(books: &Books, settings: &Map<String, Value>, npsp: bool) -> Expected {
        let derived = settings["cart_source"] == "derived";
        let reduces = settings["refund"] == "reduce_lines";
        let mut kept = books.lines.clone();
        kept.retain(|id, _| !reduces || !books.refunded.contains(id));
        let has_extras = !derived && !(reduces && books.all_refunded && was_told_of_it(books));
        let extras = [books.fees, books.taxes]
            .into_iter()
            .filter(|cents| *cents > 0 && has_extras);
        let extras: Vec<i64> = extras.collect();
        let lines = kept.values().sum::<i64>() + extras.iter().sum::<i64>();
        Expected {
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
    fn read(museum: &Museum) -> There {
        let all = |object: &str| museum.simulator.records(object);
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

    fn books(&self, cart: &str, books: &Books) -> Expected {
        let mine: Vec<&Record> = self
            .opportunities
            .iter()
            .filter(|record| text(record, "Ticketure_Cart_Id__c") == cart)
            .collect();
        let Some(opportunity) = mine.first() else {
            panic!("cart {cart} has no opportunity");
        };
        let id = text(opportunity, "Id");
        let of = |records: &[Record], field: &str, amount: &str| -> Vec<i64> {
            let own = records.iter().filter(|record| text(record, field) == id);
            own.map(|record| cents(&record[amount])).collect()
        };
        let lines = of(&self.lines, "OpportunityId", "TotalPrice");
        let mut funds: BTreeMap<String, i64> = BTreeMap::new();
        for allocation in self
            .allocations
            .iter()
            .filter(|record| text(record, "npsp__Opportunity__c") == id)
        {
            let fund = &self.funds[&text(allocation, "npsp__General_Accounting_Unit__c")];
            *funds.entry(fund.clone()).or_default() += cents(&allocation["npsp__Amount__c"]);
        }
        let allocations = funds.values().sum();
        Expected {
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

fn cents(value: &Value) -> i64 {
    let amount: rust_decimal::Decimal = match value {
        Value::Null => return 0,
        Value::String(text) => text.parse().unwrap(),
        other => other.to_string().parse().unwrap(),
    };
    (amount * rust_decimal::Decimal::ONE_HUNDRED)
        .normalize()
        .to_string()
        .parse()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn carts_of_webhooks() {
    histories_end_in_their_books(1, 150, json!({}), true).await;
}

#[tokio::test(start_paused = true)]
async fn carts_of_tickets() {
    histories_end_in_their_books(2, 150, json!({ "cart_source": "derived" }), true).await;
}

#[tokio::test(start_paused = true)]
async fn lines_that_are_taken_away() {
    histories_end_in_their_books(3, 150, json!({ "refund": "reduce_lines" }), true).await;
}

#[tokio::test(start_paused = true)]
async fn without_npsp() {
    histories_end_in_their_books(4, 150, json!({}), false).await;
    histories_end_in_their_books(
        5,
        100,
        json!({ "cart_source": "derived", "refund": "reduce_lines" }),
        false,
    )
    .await;
}
