//! One story for each class of the table, from the refusal to the end.

use runtime::queue::{Link, State};
use serde_json::{Map, Value, json};
use simulator::FaultKind;

use super::museum::{ANY_WRITE, Museum, Setup, WRITES, pass, person};

fn text(record: &Map<String, Value>, field: &str) -> String {
    let value = record.get(field).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// Everybody is there once, and nobody was charged.
async fn all_landed(museum: &Museum, people: usize) {
    assert_eq!(museum.contacts(), people);
    assert_eq!(museum.errors().await, []);
    for id in 1..=people {
        assert_eq!(museum.state(id as i64).await, (State::Done, 0), "item {id}");
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_parks_until_the_record_is_there() {
    let museum = Museum::working();
    let message = "Foreign key external ID: o-1 not found for field Ticketure_Identity_Id__c in entity Account";
    museum.refuse(Some(1), "INVALID_FIELD", message);
    museum.people(1).await;
    pass(60).await;
    let item = museum.item(1).await;
    assert_eq!(
        (item.state, item.wait_key.as_deref()),
        (State::Parked, Some("account:o-1"))
    );
    let school = json!({ "id": "o-1", "identity_type": "organization", "name": "Hill School" });
    museum.tell([school]).await;
    museum.settled().await;
    assert!(museum.contact("i-0").is_some());
}

#[tokio::test(start_paused = true)]
async fn transient_is_tried_again_and_an_unknown_code_not_for_ever() {
    let museum = Museum::working();
    museum.refuse(Some(3), "SOMETHING_NEW", "try later");
    museum.people(1).await;
    museum.settled().await;
    assert_eq!(museum.state(1).await, (State::Done, 3));
    museum.refuse(None, "SOMETHING_NEW", "try later");
    museum.tell([person(1)]).await;
    museum.settled().await;
    let (_, error) = museum.errors().await.remove(0);
    assert_eq!(error.code, "SOMETHING_NEW");
    assert!(error.message.contains("tried 6 times"), "{}", error.message);
}

#[tokio::test(start_paused = true)]
async fn records_that_fight_for_a_lock_go_one_after_another() {
    let museum = Museum::working();
    let household = museum
        .simulator
        .insert_by_user("Account", fields(json!({ "Name": "Lovelace Household" })))
        .unwrap();
    for number in 0..6 {
        let family = json!({ "FirstName": "Ada", "LastName": format!("Lovelace {number}"),
            "Email": format!("ada{number}@example.org"), "AccountId": household });
        museum
            .simulator
            .insert_by_user("Contact", fields(family))
            .unwrap();
    }
    let shared = FaultKind::LockShared {
        field: "AccountId".to_owned(),
    };
    museum.fault(WRITES, None, shared);
    museum.people(6).await;
    museum.settled().await;
    assert_eq!(museum.errors().await, []);
    for id in 1..=6 {
        // Once together, then each by itself.
        assert_eq!(museum.state(id).await, (State::Done, 1), "item {id}");
    }
    // From then on they are kept apart from the start.
    let phone = |number: usize| json!({ "id": format!("i-{number}"), "mobile": "555 0100" });
    museum.tell((0..6).map(phone)).await;
    museum.settled().await;
    for id in 7..=12 {
        assert_eq!(museum.state(id).await, (State::Done, 0), "item {id}");
    }
}

#[tokio::test(start_paused = true)]
async fn innocents_go_again_and_are_not_charged() {
    let museum = Museum::working();
    museum.refuse(Some(2), "ALL_OR_NONE_OPERATION_ROLLED_BACK", "");
    museum.people(20).await;
    museum.settled().await;
    all_landed(&museum, 20).await;
}

#[tokio::test(start_paused = true)]
async fn after_a_partial_failure_only_what_failed_goes_back() {
    let museum = Museum::working();
    let rule = FaultKind::Reject {
        field: "LastName".to_owned(),
        equals: json!("Lovelace 7"),
        code: "UNABLE_TO_LOCK_ROW".to_owned(),
        message: "unable to obtain exclusive access to this record".to_owned(),
    };
    museum.fault(WRITES, Some(1), rule);
    museum.people(200).await;
    museum.settled().await;
    let charged = |id: i64| u32::from(id == 8);
    for id in 1..=200 {
        let item = museum.item(id).await;
        assert_eq!((item.state, item.attempts), (State::Done, charged(id)));
        assert_eq!(item.attempt, 1 + i64::from(charged(id)), "claims of {id}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_is_a_persons_decision() {
    let museum = Museum::working();
    let other = json!({ "FirstName": "A.", "LastName": "Lovelace", "Email": "a@example.org" });
    let there = museum
        .simulator
        .insert_by_user("Contact", fields(other))
        .unwrap();
    let kind = FaultKind::Refuse {
        code: "DUPLICATES_DETECTED".to_owned(),
        message: "Use one of these records?".to_owned(),
        matches: vec![there.clone()],
        one_in: 1,
        with: None,
    };
    museum.fault(ANY_WRITE, None, kind);
    museum.people(1).await;
    pass(60).await;
    assert_eq!(museum.state(1).await, (State::Parked, 0));
    let review = museum.store.reviews().await.unwrap().remove(0);
    assert_eq!(
        (review.source_id.as_str(), &review.candidates),
        ("i-0", &vec![there.clone()])
    );
    let link = Link {
        mapping: "contact".to_owned(),
        source_id: "i-0".to_owned(),
        destination_id: there.clone(),
        base: "{}".to_owned(),
        lock: String::new(),
        lane: "i-0".to_owned(),
    };
    museum.simulator.clear_faults();
    museum.store.put_links(vec![link]).await.unwrap();
    museum.settled().await;
    assert_eq!(museum.contacts(), 1);
    assert_eq!(text(&museum.contact("i-0").unwrap(), "Id"), there);
}

#[tokio::test(start_paused = true)]
async fn a_linked_record_that_is_a_duplicate_is_in_the_error_log_and_the_review_list() {
    let museum = Museum::working();
    museum.people(1).await;
    museum.settled().await;
    let kind = FaultKind::Refuse {
        code: "DUPLICATES_DETECTED".to_owned(),
        message: "Use one of these records?".to_owned(),
        matches: vec!["0035e000000000BAAQ".to_owned()],
        one_in: 1,
        with: None,
    };
    museum.fault(ANY_WRITE, None, kind);
    museum.tell([json!({ "id": "i-0", "mobile": "1" })]).await;
    museum.settled().await;
    assert_eq!(museum.errors().await[0].1.code, "DUPLICATES_DETECTED");
    let review = museum.store.reviews().await.unwrap().remove(0);
    assert_eq!(review.candidates, ["0035e000000000BAAQ"]);
}

/// Where nothing goes back, records are not read before they are written over.
fn one_way() -> Museum {
    Museum::new(Setup {
        two_way: false,
        ..Setup::default()
    })
}

#[tokio::test(start_paused = true)]
async fn a_link_to_a_deleted_record_is_dealt_with_and_not_dead() {
    for two_way in [true, false] {
        let museum = if two_way {
            Museum::working()
        } else {
            one_way()
        };
        museum.people(2).await;
        museum.settled().await;
        let id = text(&museum.contact("i-0").unwrap(), "Id");
        museum.simulator.delete_by_user("Contact", &id).unwrap();
        let phone = |number: usize| json!({ "id": format!("i-{number}"), "mobile": "1" });
        museum.tell([phone(0), phone(1)]).await;
        museum.settled().await;
        assert_eq!(museum.errors().await, []);
        assert_eq!(museum.contacts(), 1, "what was deleted stays so");
        assert_eq!(text(&museum.contact("i-1").unwrap(), "MobilePhone"), "1");
        let links = museum.store.links("contact", vec!["i-0".to_owned()]).await;
        assert!(links.unwrap().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_to_a_merged_record_goes_to_the_survivor() {
    let museum = one_way();
    museum.people(1).await;
    museum.settled().await;
    let id = text(&museum.contact("i-0").unwrap(), "Id");
    let master = museum
        .simulator
        .insert_by_user("Contact", fields(json!({ "LastName": "King" })))
        .unwrap();
    museum
        .simulator
        .merge_by_user("Contact", &master, &id)
        .unwrap();
    museum.tell([json!({ "id": "i-0", "mobile": "1" })]).await;
    museum.settled().await;
    assert_eq!(museum.errors().await, []);
    let links = museum.store.links("contact", vec!["i-0".to_owned()]).await;
    assert_eq!(links.unwrap()["i-0"].destination_id, master);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_refers_to_a_deleted_one_waits_for_it() {
    let museum = Museum::working();
    let school = json!({ "id": "o-1", "identity_type": "organization", "name": "Hill School" });
    museum.tell([school]).await;
    museum.settled().await;
    let account = museum.simulator.records("Account").remove(0);
    museum
        .simulator
        .delete_by_user("Account", &text(&account, "Id"))
        .unwrap();
    let mut teacher = person(0);
    teacher["organization_id"] = json!("o-1");
    museum.refuse(
        Some(1),
        "INVALID_CROSS_REFERENCE_KEY",
        "invalid cross reference id",
    );
    museum.tell([teacher]).await;
    pass(600).await;
    assert_eq!(museum.errors().await, []);
    let item = museum.item(2).await;
    assert_eq!(item.wait_key.as_deref(), Some("account:o-1"), "{item:?}");
}

#[tokio::test(start_paused = true)]
async fn permanent_is_in_the_error_log_at_once_and_holds_nobody_up() {
    let museum = Museum::working();
    let rule = FaultKind::Reject {
        field: "LastName".to_owned(),
        equals: json!("Lovelace 7"),
        code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
        message: "No.".to_owned(),
    };
    museum.fault(WRITES, None, rule);
    museum.people(100).await;
    museum.settled().await;
    let errors = museum.errors().await;
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].0, "i-7");
    assert_eq!(museum.contacts(), 99);
    assert_eq!(museum.item(8).await.attempt, 1);
}
