//! Identities and records that were merged: what refers to the old one is the survivor's.

use runtime::queue::State;
use serde_json::{Map, Value, json};
use simulator::{Fault, FaultKind};

use super::museum::{Museum, pass, person};

fn text(record: &Map<String, Value>, field: &str) -> String {
    let value = record.get(field).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}

fn school(id: &str) -> Value {
    json!({ "id": id, "identity_type": "organization", "name": format!("School {id}") })
}

fn teacher(number: usize, school: &str) -> Value {
    let mut teacher = person(number);
    teacher["organization_id"] = json!(school);
    teacher
}

async fn with(ids: &[&str]) -> Museum {
    let museum = Museum::working();
    museum.tell(ids.iter().map(|id| school(id))).await;
    museum.settled().await;
    museum
}

/// Merged in Ticketure, which tells so.
async fn merge(museum: &Museum, loser: &str, into: &str) {
    museum.simulator.end_identity(loser, Some(into));
    museum.tell([json!({ "id": loser })]).await;
    museum.settled().await;
}

fn account(museum: &Museum, id: &str) -> String {
    let mut found = museum
        .simulator
        .find("Account", "Ticketure_Identity_Id__c", id);
    text(&found.remove(0), "Id")
}

fn employer(museum: &Museum, person: &str) -> String {
    text(
        &museum.contact(person).unwrap(),
        "npsp__Primary_Affiliation__c",
    )
}

#[tokio::test(start_paused = true)]
async fn a_reference_to_one_that_was_merged_is_one_to_the_survivor() {
    // The survivor had an account of its own; a second merge follows.
    let museum = with(&["o-1", "o-2", "o-3"]).await;
    let survivor = account(&museum, "o-3");
    merge(&museum, "o-1", "o-2").await;
    merge(&museum, "o-2", "o-3").await;
    museum.tell([teacher(0, "o-1")]).await;
    museum.settled().await;
    assert_eq!(employer(&museum, "i-0"), survivor);
    // As a change of a pair as well.
    museum.tell([person(1)]).await;
    museum.settled().await;
    museum.tell([teacher(1, "o-2")]).await;
    museum.settled().await;
    assert_eq!(employer(&museum, "i-1"), survivor);
    assert_eq!(museum.errors().await, []);
}

#[tokio::test(start_paused = true)]
async fn the_survivor_that_was_never_heard_of_takes_the_record_over() {
    let museum = with(&["o-1"]).await;
    let kept = account(&museum, "o-1");
    museum
        .simulator
        .put_identity(school("o-2").as_object().unwrap().clone());
    merge(&museum, "o-1", "o-2").await;
    assert_eq!(account(&museum, "o-2"), kept);
    museum.tell([teacher(0, "o-1")]).await;
    museum.settled().await;
    assert_eq!(employer(&museum, "i-0"), kept);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_one_that_is_merged_meanwhile_goes_on_when_the_survivor_comes() {
    let museum = Museum::working();
    museum.tell([teacher(0, "o-1")]).await;
    pass(60).await;
    assert_eq!(museum.state(1).await.0, State::Parked);
    let mut merged = school("o-1");
    merged["merged_into_id"] = json!("o-2");
    museum.tell([merged]).await;
    pass(60).await;
    assert_eq!(museum.state(1).await.0, State::Parked);
    museum.tell([school("o-2")]).await;
    museum.settled().await;
    assert_eq!(employer(&museum, "i-0"), account(&museum, "o-2"));
}

#[tokio::test(start_paused = true)]
async fn merged_in_ticketure_and_then_in_salesforce_leaves_no_question() {
    for survivor_is_kept in [true, false] {
        let museum = with(&["o-1", "o-2"]).await;
        museum.read().await;
        let (one, two) = (account(&museum, "o-1"), account(&museum, "o-2"));
        merge(&museum, "o-1", "o-2").await;
        let asked = museum.store.reviews().await.unwrap();
        assert!(
            asked[0]
                .reason
                .contains("merge the two records in Salesforce"),
            "{asked:?}"
        );
        let (master, loser) = match survivor_is_kept {
            true => (&two, &one),
            false => (&one, &two),
        };
        museum
            .simulator
            .merge_by_user("Account", master, loser)
            .unwrap();
        museum.read().await;
        pass(300).await;
        museum.settled().await;
        assert!(
            museum.store.reviews().await.unwrap().is_empty(),
            "{survivor_is_kept}"
        );
        assert_eq!(&account(&museum, "o-2"), master);
        assert_eq!(museum.errors().await, []);
    }
}

#[tokio::test(start_paused = true)]
async fn merged_in_salesforce_and_then_in_ticketure_leaves_no_question() {
    let museum = with(&["o-1", "o-2"]).await;
    museum.read().await;
    let (one, two) = (account(&museum, "o-1"), account(&museum, "o-2"));
    museum
        .simulator
        .merge_by_user("Account", &two, &one)
        .unwrap();
    museum.read().await;
    pass(300).await;
    museum.settled().await;
    let asked = museum.store.reviews().await.unwrap();
    assert!(
        asked[0].reason.contains("merge the two in Ticketure"),
        "{asked:?}"
    );
    // What refers to the old one is the survivor's already.
    museum.tell([teacher(0, "o-1")]).await;
    museum.settled().await;
    assert_eq!(employer(&museum, "i-0"), two);
    merge(&museum, "o-1", "o-2").await;
    assert!(museum.store.reviews().await.unwrap().is_empty());
    museum.tell([teacher(1, "o-1")]).await;
    museum.settled().await;
    assert_eq!(employer(&museum, "i-1"), two);
}

#[tokio::test(start_paused = true)]
async fn a_merge_that_waits_for_a_hidden_object_is_in_status() {
    let museum = Museum::working();
    museum.people(2).await;
    museum.settled().await;
    museum.simulator.add_fault(Fault {
        path: Some("/query".to_owned()),
        about: Some("OpportunityContactRole".to_owned()),
        ..Fault::always(FaultKind::Error {
            status: 400,
            code: "INVALID_TYPE".to_owned(),
        })
    });
    museum.simulator.end_identity("i-0", Some("i-1"));
    museum.tell([json!({ "id": "i-0" })]).await;
    pass(60).await;
    let pauses = museum.store.status().await.unwrap().pauses;
    let names: Vec<String> = pauses.into_iter().map(|pause| pause.direction).collect();
    assert!(
        names.iter().any(|name| name.starts_with("mapping ")),
        "{names:?}"
    );
    museum.simulator.clear_faults();
    museum.settled().await;
    pass(10).await;
    assert_eq!(museum.store.status().await.unwrap().pauses, []);
    assert_eq!(museum.errors().await, []);
}
