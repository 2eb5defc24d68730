//! Rows with an unknown word that an operator retries.

use runtime::queue::{NewItem, State, Word};
use serde_json::{Value, json};

use crate::sync::tests::museum::{Museum, pass};

fn cart(status: &str) -> Value {
    json!({ "id": "c-1", "cart_number": "N1", "status": status, "checked_out_at": "2026-03-01T18:05:00Z" })
}

fn webhook(status: &str) -> Value {
    json!({
        "event_type": "cart_changed", "event_id": status, "occurred_at": "2026-03-01T18:06:00Z",
        "data": { "cart": { "_data": [cart(status)] } },
    })
}

fn opportunities(museum: &Museum) -> usize {
    museum.simulator.records("Opportunity").len()
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_back_too_early_is_the_same_error() {
    let museum = Museum::working();
    museum.send(vec![webhook("voided")]).await;
    let before = museum.store.errors(9).await.unwrap();
    assert_eq!(before[0].error.code, "unknown_word");
    assert_eq!(museum.retry(before[0].id).await, 1);
    pass(5).await;
    assert_eq!(museum.store.errors(9).await.unwrap(), before);
    assert_eq!(opportunities(&museum), 0);
}

#[tokio::test(start_paused = true)]
async fn all_rows_of_a_word_are_taken_once_a_mapping_knows_it() {
    let museum = Museum::working();
    // Items as an earlier version stored them, which did not know the word yet.
    let kept = |id: &str| {
        let mut row = cart("checked_out");
        row["id"] = json!(id);
        row["$at"] = json!("2026-03-01T18:06:00Z");
        let earlier = crate::routing::route(
            &crate::handlers::all(),
            webhook("voided").to_string().as_bytes(),
        );
        NewItem {
            payload: row.to_string(),
            dedupe: None,
            ..earlier.unwrap().remove(0)
        }
    };
    assert!(matches!(kept("c-1").word, Word::Unknown { .. }));
    let items = vec![kept("c-1"), kept("c-2")];
    let ids = museum.store.enqueue(items).await.unwrap().accepted;
    assert_eq!(museum.retry(ids[1]).await, 2);
    museum.settled().await;
    assert_eq!(museum.errors().await, []);
    assert_eq!(opportunities(&museum), 2);
    assert_eq!(museum.state(ids[0]).await.0, State::Done);
}
