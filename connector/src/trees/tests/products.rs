//! Lines whose product changes while usher does not know their values in Salesforce.

use runtime::queue::TreeRecord;
use serde_json::{Value, json};
use simulator::FaultKind;

use super::shapes::{cart, ticket, webhook};
use crate::sync::tests::museum::Museum;

fn of_type(kind: &str) -> Value {
    let mut ticket = ticket("c-1", 1, "purchased");
    ticket["ticket_type"] = json!(kind);
    ticket["ticket_type_id"] = json!(kind);
    ticket
}

/// The names of the lines' products.
fn products(museum: &Museum) -> Vec<String> {
    let named = |object: &str, id: &Value| {
        let mut records = museum.simulator.records(object).into_iter();
        records.find(|record| record["Id"] == *id).unwrap()
    };
    let lines = museum.simulator.records("OpportunityLineItem");
    let names = lines.iter().map(|line| {
        let entry = named("PricebookEntry", &line["PricebookEntryId"]);
        let product = named("Product2", &entry["Product2Id"]);
        product["Name"].as_str().unwrap_or_default().to_owned()
    });
    names.collect()
}

/// Sells a ticket of the type `Adult`, and forgets the ids of its records.
async fn forgotten() -> Museum {
    let museum = Museum::working();
    museum
        .send(vec![
            webhook("cart_changed", "cart", 1, vec![cart("c-1")]),
            webhook("ticket_audit", "ticket_audit", 2, vec![of_type("Adult")]),
        ])
        .await;
    museum.settled().await;
    assert_eq!(products(&museum), ["Adult"]);
    let known = museum.store.tree_records("cart", vec!["c-1".to_owned()]);
    let forgotten = known.await.unwrap().into_iter().map(|record| TreeRecord {
        destination_id: String::new(),
        ..record
    });
    museum
        .store
        .keep_records(forgotten.collect())
        .await
        .unwrap();
    museum
}

async fn sell_as_child(museum: &Museum) {
    let mut corrected = of_type("Child");
    corrected["occurred_at"] = json!("2026-03-02T18:00:00Z");
    let rows = vec![corrected];
    let webhook = webhook("ticket_audit", "ticket_audit", 3, rows);
    museum.send(vec![webhook]).await;
    museum.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_line_of_a_database_made_anew_gets_the_product_that_is_said_now() {
    let museum = forgotten().await;
    sell_as_child(&museum).await;
    assert_eq!(museum.errors().await, []);
    assert_eq!(products(&museum), ["Child"]);
}

#[tokio::test(start_paused = true)]
async fn it_gets_it_also_where_the_product_is_created_at_the_second_attempt() {
    let museum = forgotten().await;
    museum.fault("/composite/sobjects", Some(1), FaultKind::Unavailable);
    sell_as_child(&museum).await;
    assert_eq!(museum.errors().await, []);
    assert_eq!(products(&museum), ["Child"]);
}

#[tokio::test(start_paused = true)]
async fn a_line_with_the_product_that_is_said_now_stays_after_a_second_attempt() {
    let museum = forgotten().await;
    let before = museum.simulator.records("OpportunityLineItem");
    museum.fault("/composite/sobjects", Some(1), FaultKind::Unavailable);
    let mut other = ticket("c-1", 2, "purchased");
    other["ticket_type"] = json!("Child");
    let webhook = webhook("ticket_audit", "ticket_audit", 3, vec![other]);
    museum.send(vec![webhook]).await;
    museum.settled().await;
    assert_eq!(museum.errors().await, []);
    assert_eq!(products(&museum), ["Adult", "Child"]);
    let after = museum.simulator.records("OpportunityLineItem");
    assert_eq!(before[0]["Id"], after[0]["Id"]);
}
