//! Records that carry an external id which is another's.

use runtime::queue::{Choice, ReviewDecision, State};
use serde_json::{Map, Value, json};

use super::museum::{Museum, pass, person};

const ID: &str = "Ticketure_Identity_Id__c";

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn text(record: &Map<String, Value>, field: &str) -> String {
    let value = record.get(field).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}

/// An org whose field is not unique; somebody clones the contact of an identity.
async fn cloned() -> (Museum, String, String) {
    let museum = Museum::working();
    museum.simulator.allow_doubles();
    museum.read().await;
    museum.people(1).await;
    museum.settled().await;
    let original = museum.contact("i-0").unwrap();
    let id = text(&original, "Id");
    let clone = json!({ "FirstName": "Ada", "LastName": "Copy", "Email": text(&original, "Email"), ID: "i-0" });
    let clone = museum.simulator.insert_by_user("Contact", fields(clone));
    let clone = clone.unwrap();
    museum.read().await;
    museum.settled().await;
    (museum, id, clone)
}

async fn linked_to(museum: &Museum) -> String {
    let links = museum.store.links("contact", vec!["i-0".to_owned()]).await;
    links.unwrap()["i-0"].destination_id.clone()
}

#[tokio::test(start_paused = true)]
async fn a_clone_is_never_taken_for_the_identity_and_a_person_is_told_what_to_clear() {
    let (museum, original, clone) = cloned().await;
    assert_eq!(linked_to(&museum).await, original);
    let review = museum.store.reviews().await.unwrap().remove(0);
    assert_eq!(review.source_id, format!("sf:{clone}"));
    assert_eq!(review.candidates, std::slice::from_ref(&original));
    assert!(
        review.reason.contains("clear the field on it"),
        "{}",
        review.reason
    );
    // What is typed there stays there.
    museum
        .simulator
        .update_by_user("Contact", &clone, fields(json!({ "MobilePhone": "1" })))
        .unwrap();
    museum.read().await;
    museum.settled().await;
    assert_eq!(linked_to(&museum).await, original);
    let identity = museum.simulator.identities().remove(0);
    assert_eq!(
        (text(&identity, "last_name"), text(&identity, "mobile")),
        ("Lovelace 0".to_owned(), String::new())
    );
    assert_eq!(museum.errors().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_clone_that_is_cleared_is_a_record_of_its_own() {
    let (museum, original, clone) = cloned().await;
    let change = json!({ ID: null, "Email": "copy@example.org" });
    museum
        .simulator
        .update_by_user("Contact", &clone, fields(change))
        .unwrap();
    museum.read().await;
    museum.settled().await;
    assert!(museum.store.reviews().await.unwrap().is_empty());
    assert_eq!(museum.simulator.identities().len(), 2);
    assert_eq!(linked_to(&museum).await, original);
}

#[tokio::test(start_paused = true)]
async fn a_clone_that_is_merged_or_deleted_raises_no_question() {
    for merged in [true, false] {
        let (museum, original, clone) = cloned().await;
        match merged {
            true => museum.simulator.merge_by_user("Contact", &original, &clone),
            false => museum.simulator.delete_by_user("Contact", &clone),
        }
        .unwrap();
        museum.read().await;
        pass(120).await;
        museum.settled().await;
        assert!(
            museum.store.reviews().await.unwrap().is_empty(),
            "merged: {merged}"
        );
        assert_eq!(linked_to(&museum).await, original);
    }
}

#[tokio::test(start_paused = true)]
async fn the_original_may_be_merged_into_the_clone() {
    let (museum, original, clone) = cloned().await;
    museum
        .simulator
        .merge_by_user("Contact", &clone, &original)
        .unwrap();
    museum.read().await;
    pass(300).await;
    museum.settled().await;
    assert_eq!(linked_to(&museum).await, clone);
    assert!(museum.store.reviews().await.unwrap().is_empty());
    assert_eq!(museum.errors().await, []);
}

#[tokio::test(start_paused = true)]
async fn of_clones_that_are_there_first_a_person_says_which_it_is() {
    let museum = Museum::working();
    museum.simulator.allow_doubles();
    let same = || fields(json!({ "LastName": "Lovelace", "Email": "a@example.org", ID: "i-0" }));
    let one = museum.simulator.insert_by_user("Contact", same()).unwrap();
    let other = museum.simulator.insert_by_user("Contact", same()).unwrap();
    museum.tell([person(0)]).await;
    pass(60).await;
    assert_eq!(museum.state(1).await, (State::Parked, 0));
    let review = museum.store.reviews().await.unwrap().remove(0);
    assert_eq!(review.source_id, "i-0");
    assert!(review.candidates.contains(&one) && review.candidates.contains(&other));
    let decision = ReviewDecision {
        mapping: "contact".to_owned(),
        source_id: "i-0".to_owned(),
        choice: Choice::Link {
            destination_id: other.clone(),
        },
        because: String::new(),
    };
    museum.store.decide(decision).await.unwrap();
    museum.settled().await;
    assert_eq!(linked_to(&museum).await, other);
    assert_eq!(museum.contacts(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_refers_to_clones_waits_for_the_answer() {
    let museum = Museum::working();
    museum.simulator.allow_doubles();
    let school = || fields(json!({ "Name": "Hill School", ID: "o-1" }));
    museum
        .simulator
        .insert_by_user("Account", school())
        .unwrap();
    museum
        .simulator
        .insert_by_user("Account", school())
        .unwrap();
    let mut teacher = person(0);
    teacher["organization_id"] = json!("o-1");
    museum.tell([teacher]).await;
    pass(60).await;
    assert_eq!(
        museum.item(1).await.wait_key.as_deref(),
        Some("account:o-1")
    );
    let review = museum.store.reviews().await.unwrap().remove(0);
    assert_eq!(
        (review.mapping.as_str(), review.candidates.len()),
        ("account", 2)
    );
}
