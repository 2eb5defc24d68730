//! The review list, from the question to what becomes of the answer.

use runtime::queue::{Choice, ReviewDecision, State};
use serde_json::{Map, Value, json};

use super::museum::{Museum, pass};

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn text(record: &Map<String, Value>, field: &str) -> String {
    let value = record.get(field).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}

async fn decide(museum: &Museum, mapping: &str, source_id: &str, choice: Choice) {
    let decision = ReviewDecision {
        mapping: mapping.to_owned(),
        source_id: source_id.to_owned(),
        choice,
        because: "she rang".to_owned(),
    };
    museum.store.decide(decision).await.unwrap();
}

/// A daughter whose mother has the same address is known to Ticketure; a person is asked about her.
async fn asked() -> Museum {
    let museum = Museum::working();
    let mother = json!({ "FirstName": "Marie", "LastName": "Curie", "Email": "curie@example.org" });
    let there = museum.simulator.insert_by_user("Contact", fields(mother));
    there.unwrap();
    museum.tell([daughter()]).await;
    pass(60).await;
    assert_eq!(museum.store.reviews().await.unwrap().len(), 1);
    museum
}

fn daughter() -> Value {
    json!({ "id": "i-1", "first_name": "Irene", "last_name": "Curie", "email": "curie@example.org" })
}

#[tokio::test(start_paused = true)]
async fn create_makes_a_record_beside_those_that_are_like_it() {
    let museum = asked().await;
    decide(&museum, "contact", "i-1", Choice::Create).await;
    museum.settled().await;
    assert_eq!(museum.contacts(), 2);
    assert_eq!(text(&museum.contact("i-1").unwrap(), "FirstName"), "Irene");
    assert!(museum.store.reviews().await.unwrap().is_empty());
    assert_eq!(museum.errors().await, []);
}

#[tokio::test(start_paused = true)]
async fn ignore_settles_what_waits_and_what_comes_until_it_is_taken_in() {
    let museum = asked().await;
    decide(&museum, "contact", "i-1", Choice::Ignore).await;
    museum.settled().await;
    museum.tell([json!({ "id": "i-1", "mobile": "1" })]).await;
    museum.settled().await;
    assert_eq!(museum.contacts(), 1);
    assert!(museum.store.reviews().await.unwrap().is_empty());
    let later = museum.item(2).await;
    assert_eq!(
        (later.state, later.history[0].what.as_str()),
        (State::Done, "ignored")
    );
    let said = &later.history[0].detail;
    assert!(
        said.contains("she rang") && said.contains("--create contact i-1"),
        "{said}"
    );
    // Nothing waits: Ticketure is asked for the row.
    decide(&museum, "contact", "i-1", Choice::Create).await;
    museum.settled().await;
    assert_eq!(text(&museum.contact("i-1").unwrap(), "MobilePhone"), "1");
}

#[tokio::test(start_paused = true)]
async fn who_refers_to_what_is_kept_out_goes_on_without_it() {
    let museum = Museum::working();
    let mut teacher = daughter();
    teacher["organization_id"] = json!("o-1");
    museum.tell([teacher.clone()]).await;
    pass(60).await;
    assert_eq!(museum.state(1).await.0, State::Parked);
    decide(&museum, "account", "o-1", Choice::Ignore).await;
    museum.settled().await;
    let contact = museum.contact("i-1").unwrap();
    assert_eq!(text(&contact, "npsp__Primary_Affiliation__c"), "");
    // Another one as a change of a pair that is there.
    teacher["organization_id"] = json!("o-2");
    decide(&museum, "account", "o-2", Choice::Ignore).await;
    museum.tell([teacher]).await;
    museum.settled().await;
    assert_eq!(museum.errors().await, []);
    let school = json!({ "id": "o-2", "identity_type": "organization", "name": "Hill School" });
    museum.tell([school]).await;
    museum.settled().await;
    assert!(
        museum
            .simulator
            .find("Account", "Ticketure_Identity_Id__c", "o-2")
            .is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_is_made_again_when_a_person_wants_it_and_once_only() {
    let museum = Museum::working();
    museum.tell([daughter()]).await;
    museum.settled().await;
    for round in 0..2 {
        let id = text(&museum.contact("i-1").unwrap(), "Id");
        museum.simulator.delete_by_user("Contact", &id).unwrap();
        museum.looked_at(&id).await;
        pass(300).await;
        museum
            .tell([json!({ "id": "i-1", "mobile": format!("{round}") })])
            .await;
        museum.settled().await;
        assert!(
            museum.contact("i-1").is_none(),
            "an answer counts for what was deleted before it"
        );
        let review = museum.store.reviews().await.unwrap().remove(0);
        assert!(
            review.reason.contains("create it again"),
            "{}",
            review.reason
        );
        decide(&museum, "contact", "i-1", Choice::Create).await;
        museum.settled().await;
        assert_eq!(
            text(&museum.contact("i-1").unwrap(), "MobilePhone"),
            format!("{round}")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn linked_by_a_person_both_sides_meet_without_a_word_from_either() {
    let museum = asked().await;
    decide(&museum, "contact", "i-1", Choice::Ignore).await;
    museum.settled().await;
    let mother = text(&museum.simulator.records("Contact")[0], "Id");
    let destination_id = mother.clone();
    decide(&museum, "contact", "i-1", Choice::Link { destination_id }).await;
    museum.settled().await;
    assert_eq!(text(&museum.contact("i-1").unwrap(), "Id"), mother);
}
