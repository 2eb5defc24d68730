//! What the receiver answers, and what it keeps.

use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_request_has_its_answer() {
    let world = World::running(true, "size_limit_bytes = 5000").await;
    let fine = json!({ "event_type": "identity_changed", "event_id": "e-1", "data": { "identity": { "_data": [{ "id": "i-1", "identity_type": "person", "last_name": "L" }] } } });
    assert_eq!(world.post(fine.to_string(), "wrong").await.unwrap().0, 401);
    assert_eq!(
        world.post(fine.to_string(), "secret").await.unwrap(),
        (202, json!({ "accepted": 1, "duplicates": 0 }))
    );
    assert_eq!(
        world.post(fine.to_string(), "secret").await.unwrap(),
        (202, json!({ "accepted": 0, "duplicates": 1 }))
    );
    for (body, part) in [("{\"event_type\":", "line 1, column"), ("", "not JSON")] {
        let (status, answer) = world
            .post(body.as_bytes().to_vec(), "secret")
            .await
            .unwrap();
        assert_eq!(status, 400, "{body}");
        assert!(
            answer["error"].as_str().unwrap().contains(part),
            "{body}: {answer}"
        );
    }
    assert_eq!(
        world.post("x".repeat(5_001), "secret").await.unwrap().0,
        413
    );
    for body in ["[1]", "\"text\"", "{}"] {
        let (status, _) = world
            .post(body.as_bytes().to_vec(), "secret")
            .await
            .unwrap();
        assert_eq!(status, 202, "{body}: any JSON is kept");
    }
    let kept = world.usher_json(&["errors"]);
    assert_eq!(kept.as_array().unwrap().len(), 1, "{kept}");
    assert_eq!(kept[0]["count"], 3, "{kept}");
    let unknown = json!({ "event_type": "never_heard_of", "event_id": "e-2", "data": 5 });
    assert_eq!(
        world.post(unknown.to_string(), "secret").await.unwrap().0,
        202
    );
    let errors = world.usher_json(&["errors"]);
    assert_eq!(errors[0]["error"]["code"], "unknown");
    let shown = world.usher_json(&["show", &errors[0]["id"].to_string()]);
    assert_eq!(
        shown["payload"]
            .as_str()
            .map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap()),
        Some(unknown)
    );
    let status = world.usher_json(&["status"]);
    assert_eq!(status["duplicates"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_asks_the_sender_to_wait() {
    let world = World::running(true, "queue_limit = 3").await;
    world
        .simulator
        .add_fault(simulator::Fault::always(simulator::FaultKind::Unavailable));
    for number in 0..3 {
        world
            .change(json!({ "id": format!("i-{number}"), "last_name": "L" }))
            .await;
    }
    let id = world
        .simulator
        .put_identity(json!({ "last_name": "L" }).as_object().unwrap().clone());
    let (status, answer) = world
        .post(world.simulator.webhook(&id).unwrap().to_string(), "secret")
        .await
        .unwrap();
    assert_eq!(status, 429, "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("the limit is 3"));
}
