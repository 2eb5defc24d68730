//! Payloads that were kept, since no mapping took them as they were, and are sent back after a correction.

use runtime::mapping::Envelope;
use runtime::queue::Which;
use serde_json::json;

use super::museum::Museum;
use crate::routing;

/// Routes a webhook by schemas that say something else than the tenant sends.
async fn kept(museum: &Museum, webhook: &serde_json::Value) {
    let wrong = crate::sim::tests::changed(|mapping| {
        mapping.rows = &["payload", "rows"];
        mapping.envelope = Envelope {
            event_type: &["kind"],
            ..Envelope::USUAL
        };
    });
    let items = routing::route(&wrong, webhook.to_string().as_bytes()).unwrap();
    museum.store.enqueue(items).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn rows_land_once_their_schema_is_right() {
    let museum = Museum::working();
    let person = |id: &str| json!({ "id": id, "identity_type": "person", "last_name": id, "email": format!("{id}@example.org") });
    let webhook = |id: &str, kind: &str| {
        let rows = json!([person(id), person(&format!("{id}b")), { "id": format!("{id}c") }]);
        json!({ "event_type": kind, "event_id": id, "data": { "identity": { "_data": rows } } })
    };
    kept(&museum, &webhook("i-1", "identity_changed")).await;
    kept(&museum, &webhook("i-2", "session_changed")).await;
    museum.settled().await;
    let codes: Vec<String> = museum
        .errors()
        .await
        .into_iter()
        .map(|(_, error)| error.code)
        .collect();
    assert_eq!(codes, ["unknown", "does_not_fit"]);
    assert_eq!(museum.contacts(), 0);
    assert_eq!(museum.store.retry(Which::All).await.unwrap(), 2);
    museum.people(1).await;
    museum.settled().await;
    for id in ["i-1", "i-1b", "i-0"] {
        assert!(museum.contact(id).is_some(), "{id}");
    }
    assert_eq!(museum.contacts(), 3);
    // The one row that still does not fit has a line of its own, and so has the type that nobody takes.
    let errors = museum.errors().await;
    let messages: Vec<&str> = errors
        .iter()
        .map(|(_, error)| error.message.as_str())
        .collect();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(
        messages
            .iter()
            .any(|message| message.contains("i-1c does not say identity_type"))
    );
    assert!(
        messages
            .iter()
            .any(|message| message.contains("session_changed"))
    );
}
