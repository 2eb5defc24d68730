//! A long backlog, worked off while changes in Salesforce are read slowly: usher's own writes are nobody's edits.

use serde_json::{Value, json};
use simulator::{Fault, FaultKind};

use super::museum::{Museum, pass, person};

const PEOPLE: usize = 600;
const ROUNDS: usize = 5;

fn changed(number: usize, round: usize) -> Value {
    let mut changed = person(number);
    // Two of them come back to what they were.
    changed["mobile"] = json!(format!("555 {}", round % 3));
    changed["first_name"] = json!(format!("Ada {round}"));
    changed
}

#[tokio::test(start_paused = true)]
async fn own_writes_of_a_backlog_are_no_edits() {
    let museum = Museum::working();
    museum.people(PEOPLE).await;
    museum.settled().await;
    museum.read().await;
    museum.settled().await;
    let before = museum.simulator.calls();
    museum.fault("/services/data", None, FaultKind::Unavailable);
    for round in 0..ROUNDS {
        museum
            .tell((0..PEOPLE).map(|number| changed(number, round)))
            .await;
        pass(60).await;
    }
    museum.simulator.clear_faults();
    museum.simulator.add_fault(Fault {
        path: Some("/query".to_owned()),
        ..Fault::always(FaultKind::Latency { ms: 5_000 })
    });
    museum.fault("/composite", None, FaultKind::Latency { ms: 2_000 });
    for _ in 0..30 {
        museum.read().await;
        pass(1).await;
    }
    museum.settled().await;
    assert_eq!(museum.store.conflicts().await.unwrap(), []);
    let calls = museum.simulator.calls() - before;
    assert!(calls <= 60, "{calls} calls");
}

#[tokio::test(start_paused = true)]
async fn an_edit_beside_own_writes_is_one_also_if_it_repeats_an_earlier_value() {
    let museum = Museum::working();
    museum.people(1).await;
    museum.tell([changed(0, 0)]).await;
    museum.settled().await;
    museum.tell([changed(0, 1)]).await;
    museum.settled().await;
    let contact = museum.contact("i-0").unwrap();
    let id = contact["Id"].as_str().unwrap().to_owned();
    let back = json!({ "FirstName": "Ada 0" });
    let back = back.as_object().unwrap().clone();
    museum
        .simulator
        .update_by_user("Contact", &id, back)
        .unwrap();
    museum.read().await;
    museum.settled().await;
    let identity = museum.simulator.identities().remove(0);
    assert_eq!(identity["first_name"], "Ada 0");
}
