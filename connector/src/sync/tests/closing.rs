//! A settled error leaves the error log, and no other error does.

use serde_json::{Value, json};
use simulator::FaultKind;

use super::museum::{Museum, pass, person};
use crate::trees::tests::shapes::webhook;

fn ada(more: Value) -> Value {
    let mut ada = person(0);
    if let (Value::Object(ada), Value::Object(more)) = (&mut ada, more) {
        ada.extend(more);
    }
    ada
}

/// Changes the person in Ticketure, which sends the row.
async fn tell(museum: &Museum, row: Value) {
    museum.tell([row]).await;
    museum.settled().await;
}

/// Sends a row with an old time.
async fn tell_late(museum: &Museum, mut row: Value) {
    row["updated_at"] = json!("2001-01-01T00:00:00Z");
    museum
        .send(vec![webhook("identity_changed", "identity", 99, vec![row])])
        .await;
    museum.settled().await;
}

async fn codes(museum: &Museum) -> Vec<String> {
    let errors = museum.errors().await;
    errors.into_iter().map(|(_, error)| error.code).collect()
}

#[tokio::test(start_paused = true)]
async fn a_row_of_before_puts_nothing_right_and_a_later_one_does() {
    let museum = Museum::working();
    tell(&museum, ada(json!({ "last_name": null }))).await;
    assert_eq!(codes(&museum).await, ["REQUIRED_FIELD_MISSING"]);
    // The late row is older than the failed one, so the present name is still unknown.
    tell_late(&museum, ada(json!({}))).await;
    assert!(museum.contact("i-0").is_some());
    assert_eq!(codes(&museum).await, ["REQUIRED_FIELD_MISSING"]);
    tell(&museum, ada(json!({ "last_name": "King" }))).await;
    assert_eq!(codes(&museum).await, Vec::<String>::new());
    let contact = museum.contact("i-0").unwrap();
    assert_eq!(contact["LastName"], "King");
}

#[tokio::test(start_paused = true)]
async fn what_salesforce_refuses_of_a_pair_closes_when_both_are_in_step() {
    let museum = Museum::working();
    tell(&museum, ada(json!({}))).await;
    museum.fault(
        "/services/data",
        None,
        FaultKind::Reject {
            field: "MobilePhone".to_owned(),
            equals: json!("666"),
            code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
            message: "no such number".to_owned(),
        },
    );
    tell(&museum, ada(json!({ "mobile": "666" }))).await;
    assert_eq!(codes(&museum).await.len(), 1);
    // A change in Salesforce is refused in the same way.
    let id = museum.contact("i-0").unwrap()["Id"]
        .as_str()
        .unwrap()
        .to_owned();
    museum.looked_at(&id).await;
    museum.settled().await;
    assert_eq!(codes(&museum).await.len(), 2);
    tell(&museum, ada(json!({ "mobile": "667" }))).await;
    pass(60).await;
    museum.settled().await;
    assert_eq!(codes(&museum).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_field_that_does_not_fit_is_named_until_a_row_has_one_that_does() {
    let museum = Museum::working();
    tell(&museum, ada(json!({ "date_of_birth": "1990-02-30" }))).await;
    let errors = museum.errors().await;
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].0, "i-0");
    let line = errors[0].1.line();
    assert!(
        line.contains("date_of_birth") && line.contains("Birthdate is left out"),
        "{line}"
    );
    assert!(!line.contains("1990"), "{line}");
    // Neither a change of another field nor an older row settles the error.
    tell(&museum, ada(json!({ "mobile": "2" }))).await;
    tell_late(&museum, ada(json!({ "date_of_birth": "1990-02-28" }))).await;
    assert_eq!(codes(&museum).await.len(), 1);
    tell(&museum, ada(json!({ "date_of_birth": "1990-02-28" }))).await;
    assert_eq!(codes(&museum).await, Vec::<String>::new());
    assert_eq!(museum.contact("i-0").unwrap()["Birthdate"], "1990-02-28");
}
