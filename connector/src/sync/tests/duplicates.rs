//! The org's duplicate rule: a person decides, or the mapping allows.

use runtime::mapping::Duplicates;
use runtime::queue::{Choice, ReviewDecision, State};
use serde_json::{Map, Value, json};
use simulator::FaultKind;

use super::museum::{ANY_WRITE, Museum, Setup, pass};
use crate::sim::tests::with;

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn text(record: &Map<String, Value>, field: &str) -> String {
    let value = record.get(field).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}

fn irene(email: &str) -> Value {
    json!({ "id": "i-1", "first_name": "Irene", "last_name": "Curie", "email": email })
}

/// The rule is active, and Marie Curie is there.
fn ruled(duplicates: Duplicates) -> (Museum, String) {
    let museum = Museum::new(Setup {
        handlers: match duplicates {
            Duplicates::Review => crate::handlers::all(),
            Duplicates::Allow => with(|policies| policies.duplicates = Duplicates::Allow),
        },
        ..Setup::default()
    });
    let marie = json!({ "FirstName": "Marie", "LastName": "Curie", "Email": "curie@example.org" });
    let marie = museum.simulator.insert_by_user("Contact", fields(marie));
    museum.simulator.set_duplicate_rule(true);
    (museum, marie.unwrap())
}

async fn create(museum: &Museum) {
    let decision = ReviewDecision {
        mapping: "contact".to_owned(),
        source_id: "i-1".to_owned(),
        choice: Choice::Create,
        because: "a daughter".to_owned(),
    };
    museum.store.decide(decision).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_a_person_says_is_somebody_else_is_saved_although_the_rule_finds_others() {
    let (museum, marie) = ruled(Duplicates::Review);
    museum.tell([irene("curie@example.org")]).await;
    pass(60).await;
    let review = museum.store.reviews().await.unwrap().remove(0);
    assert_eq!(review.candidates, [marie]);
    create(&museum).await;
    museum.settled().await;
    assert_eq!(text(&museum.contact("i-1").unwrap(), "FirstName"), "Irene");
    assert_eq!(museum.contacts(), 2);
    assert_eq!(museum.errors().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_pair_that_becomes_like_another_record_is_asked_about_and_saved_when_a_person_says_so() {
    let (museum, marie) = ruled(Duplicates::Review);
    museum.tell([irene("irene@example.org")]).await;
    museum.settled().await;
    museum
        .tell([json!({ "id": "i-1", "email": "curie@example.org" })])
        .await;
    museum.settled().await;
    assert_eq!(museum.state(2).await.0, State::Dead);
    let review = museum.store.reviews().await.unwrap().remove(0);
    assert_eq!(
        (review.source_id.as_str(), &review.candidates),
        ("i-1", &vec![marie])
    );
    create(&museum).await;
    museum.settled().await;
    let contact = museum.contact("i-1").unwrap();
    assert_eq!(text(&contact, "Email"), "curie@example.org");
    assert_eq!(
        museum.errors().await,
        [],
        "what failed goes through with the answer"
    );
}

#[tokio::test(start_paused = true)]
async fn where_the_mapping_allows_it_nobody_is_asked() {
    let (museum, _) = ruled(Duplicates::Allow);
    museum.tell([irene("irene@example.org")]).await;
    museum.settled().await;
    museum
        .tell([json!({ "id": "i-1", "email": "curie@example.org" })])
        .await;
    museum.settled().await;
    let contact = museum.contact("i-1").unwrap();
    assert_eq!(text(&contact, "Email"), "curie@example.org");
    assert!(museum.store.reviews().await.unwrap().is_empty());
    assert_eq!(museum.errors().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_blocks_even_what_was_decided_is_in_the_error_log_and_asks_nobody_twice() {
    let (museum, marie) = ruled(Duplicates::Review);
    let kind = FaultKind::Refuse {
        code: "DUPLICATES_DETECTED".to_owned(),
        message: "Use one of these records?".to_owned(),
        matches: vec![marie],
        one_in: 1,
        with: None,
    };
    museum.fault(ANY_WRITE, None, kind);
    museum.tell([irene("irene@example.org")]).await;
    pass(60).await;
    create(&museum).await;
    museum.settled().await;
    assert!(museum.store.reviews().await.unwrap().is_empty());
    let (_, error) = museum.errors().await.remove(0);
    assert!(
        error.help.contains("Where the rule blocks"),
        "{}",
        error.help
    );
}
