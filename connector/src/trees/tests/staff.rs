//! Edits of staff: the conflict log has those that stay, the error log the others until usher restores the value.

use serde_json::{Map, Value, json};

use crate::sync::tests::museum::{Museum, pass};

fn webhook(kind: &str, entity: &str, id: usize, row: Value) -> Value {
    json!({
        "event_type": kind, "event_id": format!("{kind}-{id}"), "occurred_at": "2026-03-01T18:06:00Z",
        "data": { entity: { "_data": [row] } },
    })
}

fn ticket(number: usize, action: &str) -> Value {
    webhook(
        "ticket_audit",
        "ticket_audit",
        number,
        json!({
            "id": format!("a-{number}"), "ticket_id": "t-1", "cart_id": "c-1", "action": action, "price_paid": "25.00",
            "occurred_at": "2026-03-01T18:04:00Z", "item_kind": "admission", "ticket_type": "Adult", "ticket_type_id": "tt",
        }),
    )
}

async fn sold() -> Museum {
    let museum = Museum::working();
    museum.read().await;
    let cart = json!({
        "id": "c-1", "cart_number": "N1", "status": "checked_out", "checked_out_at": "2026-03-01T18:05:00Z",
    });
    let cart = webhook("cart_changed", "cart", 1, cart);
    museum.send(vec![cart, ticket(1, "purchased")]).await;
    museum.settled().await;
    museum
}

fn only(museum: &Museum, object: &str) -> Map<String, Value> {
    let mut records = museum.simulator.records(object);
    assert_eq!(records.len(), 1, "{object}");
    records.remove(0)
}

impl Museum {
    /// Edits the only record of an object as a user. usher reads the edit twice.
    async fn typed(&self, object: &str, field: &str, value: Value) {
        pass(60).await;
        let id = only(self, object)["Id"].as_str().unwrap().to_owned();
        let fields = Map::from_iter([(field.to_owned(), value)]);
        self.simulator.update_by_user(object, &id, fields).unwrap();
        for _ in 0..2 {
            pass(30).await;
            self.read().await;
            self.settled().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_price_that_was_typed_over_is_in_the_conflict_log_once_and_stays() {
    let museum = sold().await;
    museum
        .typed("OpportunityLineItem", "UnitPrice", json!(20))
        .await;
    museum.send(vec![ticket(2, "redeemed")]).await;
    museum.settled().await;
    assert_eq!(museum.errors().await, []);
    let conflicts = museum.store.conflicts().await.unwrap();
    let said: Vec<_> = conflicts
        .iter()
        .map(|one| {
            (
                one.source_id.as_str(),
                one.value.as_str(),
                one.loser.as_deref(),
            )
        })
        .collect();
    assert_eq!(said, [("c-1", "\"20.00\"", Some("\"25.00\""))]);
    let line = only(&museum, "OpportunityLineItem");
    assert_eq!(line["UnitPrice"].as_f64(), Some(20.0));
    assert_eq!(line["Ticketure_Status__c"], "Redeemed");
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_was_typed_over_is_an_error_until_the_next_row() {
    let museum = sold().await;
    museum
        .typed("Opportunity", "StageName", json!("Closed Lost"))
        .await;
    let errors = museum.errors().await;
    assert_eq!(errors.len(), 1, "{errors:?}");
    let (key, error) = &errors[0];
    assert_eq!(
        (key.as_str(), error.code.as_str()),
        ("c-1", "changed_in_salesforce")
    );
    assert!(error.message.contains("Closed Lost") && error.message.contains("Closed Won"));
    // A repeated delivery gives no new value, so the edit stays.
    museum.send(vec![ticket(1, "purchased")]).await;
    museum.settled().await;
    assert_eq!(museum.errors().await.len(), 1);
    assert_eq!(only(&museum, "Opportunity")["StageName"], "Closed Lost");
    museum.send(vec![ticket(2, "redeemed")]).await;
    museum.settled().await;
    assert_eq!(museum.errors().await, []);
    assert_eq!(only(&museum, "Opportunity")["StageName"], "Closed Won");
}
