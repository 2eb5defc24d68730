//! Trees of unusual shapes.

use serde_json::{Map, Value, json};

use crate::sync::tests::museum::{Museum, Setup};

pub(crate) fn webhook(kind: &str, entity: &str, id: usize, rows: Vec<Value>) -> Value {
    json!({
        "event_type": kind, "event_id": format!("{kind}-{id}"), "occurred_at": "2026-03-01T18:06:00Z",
        "data": { entity: { "_data": rows } },
    })
}

pub(crate) fn cart(id: &str) -> Value {
    json!({
        "id": id, "cart_number": "N1", "status": "checked_out", "checked_out_at": "2026-03-01T18:05:00Z",
        "currency": "USD", "total_outstanding": "0.00",
    })
}

pub(crate) fn ticket(cart: &str, number: usize, action: &str) -> Value {
    json!({
        "id": format!("{action}-{number}"), "ticket_id": format!("t-{number}"), "cart_id": cart, "action": action,
        "occurred_at": "2026-03-01T18:04:00Z", "item_kind": "admission", "ticket_type": "Group", "ticket_type_id": "tt",
        "price_paid": "1.25", "currency": "USD",
    })
}

fn settings(written: Value) -> Map<String, Value> {
    crate::settings::with(written.as_object().unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_cart_that_is_too_large_for_one_graph_goes_step_by_step() {
    const TICKETS: usize = 700;
    let museum = Museum::working();
    let tickets = (0..TICKETS)
        .map(|number| ticket("c-1", number, "purchased"))
        .collect();
    museum
        .send(vec![
            webhook("ticket_audit", "ticket_audit", 1, tickets),
            webhook("cart_changed", "cart", 2, vec![cart("c-1")]),
        ])
        .await;
    museum.settled().await;
    assert_eq!(museum.errors().await, []);
    let found = museum
        .simulator
        .find("Opportunity", "Ticketure_Cart_Id__c", "c-1");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["StageName"], "Closed Won");
    assert_eq!(found[0]["Amount"].as_f64(), Some(875.0));
    assert_eq!(
        museum.simulator.records("OpportunityLineItem").len(),
        TICKETS
    );
    // A scan of one of them is one write more.
    let before = museum.simulator.writes();
    museum
        .send(vec![webhook(
            "ticket_audit",
            "ticket_audit",
            3,
            vec![ticket("c-1", 7, "redeemed")],
        )])
        .await;
    museum.settled().await;
    assert_eq!(museum.simulator.writes() - before, 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_paid_in_another_currency_is_not_booked() {
    let museum = Museum::new(Setup {
        settings: settings(json!({ "currency": "EUR" })).into(),
        ..Setup::default()
    });
    museum
        .send(vec![webhook("cart_changed", "cart", 1, vec![cart("c-1")])])
        .await;
    museum.settled().await;
    let errors = museum.errors().await;
    assert_eq!(errors[0].1.code, "another_currency");
    assert!(museum.simulator.records("Opportunity").is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_same_webhooks_again_write_nothing() {
    let museum = Museum::working();
    let webhooks = |round: usize| {
        vec![
            webhook("cart_changed", "cart", round, vec![cart("c-1")]),
            webhook(
                "ticket_audit",
                "ticket_audit",
                round,
                vec![ticket("c-1", 1, "purchased"), ticket("c-1", 1, "redeemed")],
            ),
        ]
    };
    museum.send(webhooks(1)).await;
    museum.settled().await;
    let before = museum.simulator.writes();
    // Under new event ids they are not known as duplicates.
    museum.send(webhooks(2)).await;
    museum.settled().await;
    assert_eq!(museum.simulator.writes(), before);
    assert_eq!(museum.errors().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_line_that_somebody_deleted_is_made_again_when_its_ticket_is_heard_of() {
    let museum = Museum::working();
    museum
        .send(vec![
            webhook("cart_changed", "cart", 1, vec![cart("c-1")]),
            webhook(
                "ticket_audit",
                "ticket_audit",
                1,
                vec![ticket("c-1", 1, "purchased")],
            ),
        ])
        .await;
    museum.settled().await;
    let line = museum
        .simulator
        .records("OpportunityLineItem")
        .pop()
        .unwrap();
    let id = line["Id"].as_str().unwrap().to_owned();
    museum
        .simulator
        .delete_by_user("OpportunityLineItem", &id)
        .unwrap();
    museum
        .send(vec![webhook(
            "ticket_audit",
            "ticket_audit",
            2,
            vec![ticket("c-1", 1, "redeemed")],
        )])
        .await;
    museum.settled().await;
    assert_eq!(museum.errors().await, []);
    let lines = museum.simulator.records("OpportunityLineItem");
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["Ticketure_Status__c"], "Redeemed");
}

#[tokio::test(start_paused = true)]
async fn of_two_funds_of_one_name_nobody_says_which() {
    let museum = Museum::working();
    for _ in 0..2 {
        let fund = json!({ "Name": "Roof", "npsp__Active__c": true });
        let fund = fund.as_object().unwrap().clone();
        museum
            .simulator
            .insert_by_user("npsp__General_Accounting_Unit__c", fund)
            .unwrap();
    }
    let mut gift = ticket("c-1", 1, "purchased");
    gift["item_kind"] = json!("donation");
    gift["fund_code"] = json!("Roof");
    museum
        .send(vec![
            webhook("cart_changed", "cart", 1, vec![cart("c-1")]),
            webhook("ticket_audit", "ticket_audit", 1, vec![gift]),
        ])
        .await;
    museum.settled().await;
    let errors = museum.errors().await;
    assert!(
        errors
            .iter()
            .all(|(_, error)| error.code == "ambiguous_lookup"),
        "{errors:?}"
    );
    assert!(!errors.is_empty());
}
