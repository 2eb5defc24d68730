//! Mappings that are held: what it costs, what an operator is told, who goes on, and that it ends by itself.

use runtime::queue::State;
use serde_json::{Value, json};
use simulator::{Fault, FaultKind};

use super::museum::{Museum, Setup, pass, person};

const RULE: &str = "FIELD_CUSTOM_VALIDATION_EXCEPTION";
const NO_ACCESS: &str = "INSUFFICIENT_ACCESS_OR_READONLY";

fn organization(number: usize) -> Value {
    json!({
        "id": format!("o-{number}"),
        "identity_type": "organization",
        "name": format!("School {number}"),
    })
}

/// Every write of contacts is met.
fn on_contacts(museum: &Museum, kind: FaultKind) {
    museum.simulator.add_fault(Fault {
        path: Some("/composite/sobjects".to_owned()),
        about: Some("\"LastName\"".to_owned()),
        ..Fault::always(kind)
    });
}

fn refuse(code: &str, message: &str, with: Option<(String, Value)>) -> FaultKind {
    FaultKind::Refuse {
        code: code.to_owned(),
        message: message.to_owned(),
        matches: Vec::new(),
        one_in: 1,
        with,
    }
}

fn hidden_field() -> FaultKind {
    FaultKind::RefuseCall {
        status: 400,
        code: "INVALID_FIELD".to_owned(),
        message: "No such column 'Birthdate' on sobject of type Contact".to_owned(),
        with: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_hidden_field_holds_its_mapping_after_one_call_and_no_other() {
    let museum = Museum::working();
    on_contacts(&museum, hidden_field());
    pass(10).await;
    let before = museum.simulator.calls();
    museum.people(1_000).await;
    museum.tell((0..30).map(organization)).await;
    pass(30).await;
    assert_eq!(museum.simulator.records("Account").len(), 30);
    let told = museum.pause("mapping contact").await.unwrap();
    assert!(
        told.contains("Birthdate") && told.contains("contact.yaml:"),
        "{told}"
    );
    assert_eq!(museum.errors().await, []);
    pass(3_570).await;
    let calls = museum.simulator.calls() - before;
    // A describe a minute, and one record every five.
    assert!(calls <= 120, "{calls} calls in an hour");
    museum.simulator.clear_faults();
    pass(300).await;
    museum.settled().await;
    assert_eq!(museum.contacts(), 1_000);
    assert_eq!(museum.errors().await, []);
    pass(10).await;
    assert_eq!(museum.pause("mapping contact").await, None);
}

#[tokio::test(start_paused = true)]
async fn twenty_refusals_alike_hold_the_mapping_and_all_go_on_by_themselves() {
    let museum = Museum::working();
    on_contacts(&museum, refuse(RULE, "A gift needs a date.", None));
    // The people come a few at a time.
    for number in 0..30 {
        museum.tell([person(number)]).await;
        pass(2).await;
    }
    let told = museum.pause("mapping contact").await.unwrap();
    assert!(
        told.contains("20 records") && told.contains("A gift needs a date."),
        "{told}"
    );
    assert_eq!(museum.errors().await, [], "the first ones are taken back");
    let before = museum.simulator.calls();
    pass(1_800).await;
    let calls = museum.simulator.calls() - before;
    assert!(calls <= 3 * 30, "{calls} calls in half an hour");
    museum.simulator.clear_faults();
    pass(60).await;
    museum.settled().await;
    assert_eq!(museum.contacts(), 30);
    for id in 1..=30 {
        assert_eq!(museum.state(id).await, (State::Done, 0), "item {id}");
    }
}

#[tokio::test(start_paused = true)]
async fn twenty_bad_records_are_in_the_error_log_after_a_good_one() {
    let museum = Museum::working();
    let of_ada = Some(("FirstName".to_owned(), json!("Ada")));
    on_contacts(&museum, refuse(RULE, "No Adas.", of_ada));
    for number in 0..25 {
        museum.tell([person(number)]).await;
        pass(2).await;
    }
    assert!(museum.pause("mapping contact").await.is_some());
    let mut good = person(99);
    good["first_name"] = json!("Grace");
    museum.tell([good]).await;
    pass(70).await;
    assert!(
        museum.contact("i-99").is_some(),
        "it is tried within a minute"
    );
    museum.settled().await;
    assert_eq!(museum.errors().await.len(), 25);
    pass(10).await;
    assert_eq!(museum.pause("mapping contact").await, None);
}

#[tokio::test(start_paused = true)]
async fn refusals_among_records_that_land_hold_nothing() {
    let museum = Museum::working();
    let of_ada = Some(("FirstName".to_owned(), json!("Ada")));
    on_contacts(&museum, refuse(RULE, "No Adas.", of_ada));
    let people = (0..60).map(|number| {
        let mut person = person(number);
        if number % 2 == 0 {
            person["first_name"] = json!("Grace");
        }
        person
    });
    museum.tell(people).await;
    museum.settled().await;
    assert_eq!(museum.contacts(), 30);
    assert_eq!(museum.errors().await.len(), 30);
    assert_eq!(museum.pause("mapping contact").await, None);
}

#[tokio::test(start_paused = true)]
async fn a_full_org_holds_creates_and_updates_go_on() {
    let museum = Museum::working();
    museum.people(1).await;
    museum.settled().await;
    // New contacts carry their external id.
    museum.simulator.add_fault(Fault {
        path: Some("/composite/sobjects".to_owned()),
        method: Some("POST".to_owned()),
        ..Fault::always(refuse(
            "STORAGE_LIMIT_EXCEEDED",
            "storage limit exceeded",
            None,
        ))
    });
    museum.tell((1..500).map(person)).await;
    pass(10).await;
    let told = museum.pause("creates").await.unwrap();
    assert!(told.contains("STORAGE_LIMIT_EXCEEDED"), "{told}");
    let mut changed = person(0);
    changed["mobile"] = json!("+1 555 0100");
    museum.tell([changed]).await;
    pass(5).await;
    assert_eq!(museum.contact("i-0").unwrap()["MobilePhone"], "+1 555 0100");
    let before = museum.simulator.calls();
    pass(1_800).await;
    let calls = museum.simulator.calls() - before;
    assert!(calls <= 4 * 30, "{calls} calls in half an hour");
    museum.simulator.clear_faults();
    pass(60).await;
    museum.settled().await;
    assert_eq!(museum.contacts(), 500);
    assert_eq!(museum.errors().await, []);
}

#[tokio::test(start_paused = true)]
async fn one_record_that_nobody_may_edit_is_its_own_fault() {
    let museum = Museum::working();
    let of_one = Some(("LastName".to_owned(), json!("Lovelace 7")));
    on_contacts(
        &museum,
        refuse(NO_ACCESS, "insufficient access rights on object id", of_one),
    );
    museum.people(1).await;
    for number in 7..12 {
        museum.tell([person(number)]).await;
        pass(5).await;
    }
    museum.settled().await;
    assert_eq!(museum.contacts(), 5);
    let errors = museum.errors().await;
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].1.code, NO_ACCESS);
}

#[tokio::test(start_paused = true)]
async fn a_record_type_that_the_user_lacks_is_the_records_where_others_land() {
    let museum = Museum::new(Setup::default());
    let of_one = Some(("LastName".to_owned(), json!("Lovelace 7")));
    let message = "Record Type ID: this ID value isn't valid for the user: 012000000000001AAA";
    on_contacts(
        &museum,
        refuse("INVALID_CROSS_REFERENCE_KEY", message, of_one),
    );
    museum.tell([person(7)]).await;
    pass(5).await;
    assert!(museum.pause("mapping contact").await.is_some());
    museum.tell([person(8)]).await;
    pass(330).await;
    assert_eq!(museum.contacts(), 1, "the others go on");
    museum.settled().await;
    assert_eq!(museum.errors().await.len(), 1);
    pass(10).await;
    assert_eq!(museum.pause("mapping contact").await, None);
}
