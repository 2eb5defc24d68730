//! Outages, limits and full storage: what it costs, what an operator is told, and that it goes on by itself.

use runtime::queue::State;
use serde_json::json;
use simulator::FaultKind;

use super::museum::{Museum, Setup, WRITES, pass};

/// Nobody was charged, and everybody has arrived.
async fn arrived(museum: &Museum, people: usize) {
    assert_eq!(museum.contacts(), people);
    assert_eq!(museum.errors().await, []);
    let items: Vec<i64> = (1..=people as i64).collect();
    for id in items {
        assert_eq!(museum.state(id).await, (State::Done, 0), "item {id}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_costs_one_call_at_a_time_and_touches_no_item() {
    let museum = Museum::working();
    pass(10).await;
    let before = museum.simulator.calls();
    museum.fault("/services/data", None, FaultKind::Unavailable);
    museum.people(1_000).await;
    pass(60).await;
    let told = museum.pause("to_salesforce").await.unwrap();
    assert!(told.contains("503") && told.contains("next try"), "{told}");
    pass(3_540).await;
    let calls = museum.simulator.calls() - before;
    assert!((60..=160).contains(&calls), "{calls} calls in an hour");
    for id in 1..=1_000 {
        let item = museum.item(id).await;
        assert!(
            item.attempt <= 2,
            "item {id} was claimed {} times",
            item.attempt
        );
    }
    goes_on_after_the_mend(&museum, 1_000).await;
}

/// Nothing is wrong any more: everybody arrives, and nobody is told of a standstill.
async fn goes_on_after_the_mend(museum: &Museum, people: usize) {
    museum.simulator.clear_faults();
    museum.settled().await;
    arrived(museum, people).await;
    pass(10).await;
    assert_eq!(museum.pause("to_salesforce").await, None);
}

#[tokio::test(start_paused = true)]
async fn what_is_the_orgs_trouble_is_charged_to_nobody_and_goes_on_by_itself() {
    let refused = |status, code: &str| FaultKind::Error {
        status,
        code: code.to_owned(),
    };
    for kind in [
        FaultKind::Page { status: 200 },
        FaultKind::Page { status: 404 },
        FaultKind::Page { status: 403 },
        FaultKind::Status { status: 302 },
        FaultKind::Status { status: 420 },
        refused(403, "API_CURRENTLY_DISABLED"),
        refused(403, "INVALID_SESSION_ID"),
        refused(400, "URL_NOT_RESET"),
        refused(500, "INVALID_OPERATION_WITH_EXPIRED_PASSWORD"),
        refused(503, "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE"),
    ] {
        let museum = Museum::working();
        pass(10).await;
        let before = museum.simulator.calls();
        museum.fault("/services/data", None, kind.clone());
        museum.people(50).await;
        pass(600).await;
        let told = museum.pause("to_salesforce").await;
        assert!(
            told.is_some_and(|told| told.contains("next try")),
            "{kind:?}"
        );
        let calls = museum.simulator.calls() - before;
        assert!(calls <= 60, "{kind:?}: {calls} calls in ten minutes");
        museum.simulator.clear_faults();
        pass(60).await;
        assert_eq!(museum.contacts(), 50, "{kind:?}: within a minute");
        goes_on_after_the_mend(&museum, 50).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_with_403_or_moves_is_renewed_at_once() {
    for kind in [
        FaultKind::Error {
            status: 403,
            code: "INVALID_SESSION_ID".to_owned(),
        },
        FaultKind::Status { status: 302 },
    ] {
        let museum = Museum::working();
        museum.fault(WRITES, Some(1), kind);
        museum.people(3).await;
        pass(2).await;
        arrived(&museum, 3).await;
    }
}

#[tokio::test(start_paused = true)]
async fn while_ticketure_is_away_salesforce_goes_on() {
    let museum = Museum::working();
    museum.people(2).await;
    museum.settled().await;
    let contact = museum.contact("i-0").unwrap();
    let id = contact["Id"].as_str().unwrap();
    museum.fault("/api/", None, FaultKind::Status { status: 503 });
    let before = museum.simulator.calls();
    let change = json!({ "MobilePhone": "1" });
    museum
        .simulator
        .update_by_user("Contact", id, change.as_object().unwrap().clone())
        .unwrap();
    let item = museum.looked_at(id).await;
    pass(60).await;
    let told = museum.pause("to_ticketure").await.unwrap();
    assert!(told.contains("Ticketure"), "{told}");
    museum.tell([json!({ "id": "i-1", "mobile": "2" })]).await;
    pass(1_740).await;
    assert_eq!(museum.contact("i-1").unwrap()["MobilePhone"], "2");
    let calls = museum.simulator.calls() - before;
    // It is read before each try to push it.
    assert!(calls <= 60, "{calls} calls to Salesforce in half an hour");
    assert_eq!(museum.state(item).await, (State::Delayed, 0));
    museum.simulator.clear_faults();
    museum.settled().await;
    let identities = museum.simulator.identities();
    assert!(identities.iter().any(|identity| identity["mobile"] == "1"));
    assert_eq!(museum.pause("to_ticketure").await, None);
}

#[tokio::test(start_paused = true)]
async fn a_system_that_nobody_needs_is_asked_after() {
    let museum = Museum::working();
    museum.fault("/api/", Some(5), FaultKind::Unavailable);
    let ticketure = museum.sync.ticketure.clone().unwrap();
    ticketure.read("identity", "i-1").await.unwrap_err();
    for _ in 0..600 {
        pass(1).await;
        museum.sync.ask_after_ticketure().await;
    }
    assert_eq!(ticketure.standstill(), None);
    pass(10).await;
    assert_eq!(museum.pause("to_ticketure").await, None);
}

#[tokio::test(start_paused = true)]
async fn the_calls_of_a_day_are_asked_for_slowly_until_there_are_some() {
    let museum = Museum::working();
    pass(10).await;
    museum.simulator.set_calls(100_000);
    museum.people(500).await;
    pass(3_600).await;
    assert_eq!(museum.simulator.calls(), 100_000, "none was let through");
    let told = museum.pause("to_salesforce").await.unwrap();
    assert!(told.contains("REQUEST_LIMIT_EXCEEDED"), "{told}");
    museum.simulator.set_calls(0);
    museum.settled().await;
    arrived(&museum, 500).await;
}

#[tokio::test(start_paused = true)]
async fn the_reserve_is_left_to_others() {
    let museum = Museum::new(Setup {
        daily_limit: 1_000,
        ..Setup::default()
    });
    museum.people(1).await;
    museum.settled().await;
    // Others use the most of it.
    museum.simulator.set_calls(897);
    for round in 0..20 {
        let phone = |number: usize| json!({ "id": format!("i-{number}"), "last_name": "L", "mobile": format!("{round}") });
        museum.tell((0..3).map(phone)).await;
        pass(10).await;
    }
    // Once in five minutes it is asked.
    let used = museum.simulator.calls();
    assert!((900..=901).contains(&used), "{used}");
    let told = museum.pause("to_salesforce").await.unwrap();
    assert!(
        told.contains("of the 1000 API calls") && told.contains("100 are left to others"),
        "{told}"
    );
    pass(3_600).await;
    assert!(museum.simulator.calls() <= 914);
    assert_eq!(museum.errors().await, []);
    museum.simulator.set_calls(0);
    museum.settled().await;
    assert_eq!(museum.contact("i-2").unwrap()["MobilePhone"], "19");
    pass(10).await;
    assert_eq!(museum.pause("to_salesforce").await, None);
}

#[tokio::test(start_paused = true)]
async fn full_storage_holds_creates_until_somebody_frees_some() {
    let museum = Museum::working();
    museum.refuse(None, "STORAGE_LIMIT_EXCEEDED", "storage limit exceeded");
    let before = museum.simulator.calls();
    museum.people(1_000).await;
    pass(3_600).await;
    let told = museum.pause("creates").await.unwrap();
    assert!(
        told.contains("STORAGE_LIMIT_EXCEEDED") && told.contains("free some"),
        "{told}"
    );
    assert_eq!(museum.errors().await, []);
    // A look-up and a write each minute.
    let calls = museum.simulator.calls() - before;
    assert!(calls <= 160, "{calls}");
    goes_on_after_the_mend(&museum, 1_000).await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_nobody_may_touch_stops_nobody() {
    let museum = Museum::working();
    let rule = FaultKind::Reject {
        field: "LastName".to_owned(),
        equals: json!("Lovelace 7"),
        code: "INSUFFICIENT_ACCESS_OR_READONLY".to_owned(),
        message: "insufficient access rights on object id".to_owned(),
    };
    museum.fault(WRITES, None, rule);
    museum.people(50).await;
    museum.settled().await;
    assert_eq!(museum.errors().await[0].0, "i-7");
    assert_eq!(museum.contacts(), 49);
    assert_eq!(museum.pause("to_salesforce").await, None);
}

#[tokio::test(start_paused = true)]
async fn a_log_in_that_is_refused_is_said_and_tried_every_minute() {
    let museum = Museum::working();
    museum.fault("/services", None, FaultKind::Status { status: 401 });
    museum.people(10).await;
    pass(300).await;
    let told = museum.pause("to_salesforce").await.unwrap();
    assert!(told.contains("log-in"), "{told}");
    museum.simulator.clear_faults();
    museum.settled().await;
    arrived(&museum, 10).await;
}
