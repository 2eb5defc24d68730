//! How a record that is there already is found, on both sides, and who is asked where that does not tell.

use runtime::mapping::{AfterDelete, MatchPolicy};
use runtime::queue::{Choice, ReviewDecision, State};
use serde_json::{Map, Value, json};

use super::museum::{Museum, Setup, pass, person};
use crate::sim::tests::{changed, with};

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn text(record: &Map<String, Value>, field: &str) -> String {
    let value = record.get(field).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}

fn ada() -> Value {
    json!({ "FirstName": "Ada", "LastName": "Lovelace 0", "Email": "ada0@example.org" })
}

fn insert(museum: &Museum, contact: Value) -> String {
    museum
        .simulator
        .insert_by_user("Contact", fields(contact))
        .unwrap()
}

async fn decide(museum: &Museum, source_id: &str, choice: Choice) {
    let decision = ReviewDecision {
        mapping: "contact".to_owned(),
        source_id: source_id.to_owned(),
        choice,
        because: String::new(),
    };
    museum.store.decide(decision).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn of_several_that_are_the_same_a_person_says_which() {
    let museum = Museum::working();
    let (one, other) = (insert(&museum, ada()), insert(&museum, ada()));
    museum.people(1).await;
    pass(60).await;
    let review = museum.store.reviews().await.unwrap().remove(0);
    assert!(
        review
            .reason
            .starts_with("several records have the same Email, FirstName, LastName")
    );
    assert_eq!(review.candidates.len(), 2);
    let destination_id = other.clone();
    decide(&museum, "i-0", Choice::Link { destination_id }).await;
    museum.settled().await;
    assert_eq!(text(&museum.contact("i-0").unwrap(), "Id"), other);
    let left = museum.simulator.find("Contact", "Id", &one).remove(0);
    assert_eq!(text(&left, "Ticketure_Identity_Id__c"), "");
}

#[tokio::test(start_paused = true)]
async fn a_record_that_two_customers_are_like_is_one_of_theirs() {
    let museum = Museum::working();
    let there = insert(&museum, ada());
    let mut twin = person(0);
    twin["id"] = json!("i-twin");
    museum.tell([person(0), twin]).await;
    pass(60).await;
    assert_eq!(museum.contacts(), 2);
    let review = museum.store.reviews().await.unwrap().remove(0);
    assert!(review.source_id.ends_with(":double"));
    assert_eq!(review.candidates, [there]);
    decide(&museum, &review.source_id, Choice::Ignore).await;
    museum.settled().await;
    assert!(museum.store.reviews().await.unwrap().is_empty());
    assert_eq!(museum.contacts(), 2);
    assert!(museum.contact("i-0").is_some() && museum.contact("i-twin").is_some());
}

#[tokio::test(start_paused = true)]
async fn the_record_that_ticketure_names_is_the_one_whatever_it_is_called() {
    let museum = Museum::working();
    let there = insert(
        &museum,
        json!({ "FirstName": "Augusta", "LastName": "King" }),
    );
    insert(&museum, ada());
    let mut named = person(0);
    named["external_ref"] = json!(there);
    museum.tell([named]).await;
    museum.settled().await;
    assert_eq!(text(&museum.contact("i-0").unwrap(), "Id"), there);
}

#[tokio::test(start_paused = true)]
async fn the_record_that_ticketure_names_may_be_anothers_by_now() {
    let museum = Museum::working();
    let there = insert(&museum, ada());
    museum.people(1).await;
    museum.settled().await;
    let mut late = person(1);
    late["external_ref"] = json!(there);
    museum.tell([late]).await;
    museum.settled().await;
    assert_eq!(museum.contacts(), 2);
    let review = museum.store.reviews().await.unwrap().remove(0);
    assert_eq!(review.source_id, "i-1:double");
    assert_eq!(review.candidates, [there]);
    assert!(review.reason.contains("made from"), "{}", review.reason);
}

#[tokio::test(start_paused = true)]
async fn a_mapping_may_ask_about_every_match_or_look_for_none() {
    let museum = |policy| {
        let museum = Museum::new(Setup {
            handlers: changed(move |mapping| mapping.policy = policy),
            ..Setup::default()
        });
        insert(&museum, ada());
        museum
    };
    let asks = museum(MatchPolicy::Review);
    asks.people(1).await;
    pass(60).await;
    assert_eq!((asks.state(1).await.0, asks.contacts()), (State::Parked, 1));
    let creates = museum(MatchPolicy::AlwaysCreate);
    creates.people(1).await;
    creates.settled().await;
    assert_eq!(creates.contacts(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_is_made_in_salesforce_and_known_in_ticketure_is_that_one() {
    let museum = Museum::working();
    museum.read().await;
    museum.simulator.put_identity(fields(person(0)));
    let contact = insert(
        &museum,
        json!({ "FirstName": "A.", "LastName": "Lovelace", "Email": "ADA0@example.org" }),
    );
    museum.read().await;
    museum.settled().await;
    assert_eq!(text(&museum.contact("i-0").unwrap(), "Id"), contact);
    assert_eq!(museum.simulator.identities().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_second_record_of_a_customer_is_asked_about_and_may_stay_in_salesforce() {
    let museum = Museum::working();
    museum.read().await;
    museum.people(1).await;
    museum.settled().await;
    let first = text(&museum.contact("i-0").unwrap(), "Id");
    let second = insert(
        &museum,
        json!({ "LastName": "King", "Email": "ada0@example.org" }),
    );
    museum.read().await;
    museum.settled().await;
    let review = museum.store.reviews().await.unwrap().remove(0);
    assert_eq!(
        (review.source_id, review.candidates),
        (format!("sf:{second}"), vec![first])
    );
    assert_eq!(museum.errors().await[0].1.code, "DUPLICATE");
    decide(&museum, &format!("sf:{second}"), Choice::Ignore).await;
    museum.settled().await;
    let change = json!({ "MobilePhone": "1" });
    museum
        .simulator
        .update_by_user("Contact", &second, fields(change))
        .unwrap();
    museum.read().await;
    museum.settled().await;
    assert_eq!(museum.errors().await, []);
    assert!(museum.store.reviews().await.unwrap().is_empty());
    // With an address of its own it is a customer of its own.
    let change = json!({ "Email": "king@example.org" });
    museum
        .simulator
        .update_by_user("Contact", &second, fields(change))
        .unwrap();
    decide(&museum, &format!("sf:{second}"), Choice::Create).await;
    museum.settled().await;
    assert_eq!(museum.simulator.identities().len(), 2);
}

/// An identity is deleted: its contact stays, and what becomes of it is said by the mapping.
#[tokio::test(start_paused = true)]
async fn who_is_deleted_in_ticketure_keeps_the_contact_and_a_person_is_asked_where_the_mapping_says_so()
 {
    for (policy, questions) in [(AfterDelete::Detach, 0), (AfterDelete::Review, 1)] {
        let museum = Museum::new(Setup {
            handlers: match policy {
                AfterDelete::Review => with(|policies| policies.after_delete = AfterDelete::Review),
                AfterDelete::Detach | AfterDelete::Recreate => crate::handlers::all(),
            },
            ..Setup::default()
        });
        museum.people(1).await;
        museum.settled().await;
        museum.simulator.end_identity("i-0", None);
        museum.tell([json!({ "id": "i-0" })]).await;
        museum.settled().await;
        assert_eq!(museum.contacts(), 1);
        assert_eq!(museum.store.reviews().await.unwrap().len(), questions);
        assert!(museum.store.links_of("i-0").await.unwrap().is_empty());
    }
}
