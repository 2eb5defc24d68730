//! A value that Salesforce refuses does not delay the money.

use serde_json::{Value, json};
use simulator::FaultKind;

use super::shapes::{cart, ticket, webhook};
use crate::sync::tests::museum::Museum;

/// Has the org refuse the event's name.
fn refuse_event(museum: &Museum, code: &str) {
    let kind = FaultKind::Reject {
        field: "Ticketure_Event__c".to_owned(),
        equals: json!("Dinosaurs"),
        code: code.to_owned(),
        message: "Event: bad value for restricted picklist field: Dinosaurs".to_owned(),
    };
    museum.fault("/services/data", None, kind);
}

fn at_the_dinosaurs(number: usize) -> Value {
    let mut ticket = ticket("c-1", number, "purchased");
    ticket["event_name"] = json!("Dinosaurs");
    ticket
}

async fn sell(museum: &Museum) {
    let tickets = vec![at_the_dinosaurs(1), at_the_dinosaurs(2)];
    museum
        .send(vec![
            webhook("ticket_audit", "ticket_audit", 1, tickets),
            webhook("cart_changed", "cart", 2, vec![cart("c-1")]),
        ])
        .await;
    museum.settled().await;
}

fn amount(museum: &Museum) -> Option<f64> {
    let found = museum
        .simulator
        .find("Opportunity", "Ticketure_Cart_Id__c", "c-1");
    found.first()?["Amount"].as_f64()
}

#[tokio::test(start_paused = true)]
async fn a_record_goes_without_the_field_and_the_error_names_it_once() {
    let museum = Museum::working();
    refuse_event(&museum, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST");
    sell(&museum).await;
    assert_eq!(amount(&museum), Some(2.5));
    let lines = museum.simulator.records("OpportunityLineItem");
    assert!(
        lines
            .iter()
            .all(|line| line.get("Ticketure_Event__c").is_none_or(Value::is_null))
    );
    let errors = museum.errors().await;
    let [(key, error)] = errors.as_slice() else {
        panic!("one cause is one line: {errors:?}");
    };
    assert_eq!(key, "c-1");
    let line = error.line();
    for part in [
        "ticket t-1, t-2 of cart c-1",
        "Ticketure_Event__c is \"Dinosaurs\"",
        "is left out",
    ] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert_eq!(line.matches(&error.code).count(), 1, "{line}");
    assert!(
        error
            .mapping_line
            .as_deref()
            .is_some_and(|line| line.contains("ticket.yaml:"))
    );
    // The value is corrected in Salesforce, and the operator retries.
    museum.simulator.clear_faults();
    museum
        .store
        .retry(runtime::queue::Which::All)
        .await
        .unwrap();
    museum.settled().await;
    assert_eq!(museum.errors().await, []);
    let lines = museum.simulator.records("OpportunityLineItem");
    assert!(
        lines
            .iter()
            .all(|line| line["Ticketure_Event__c"] == "Dinosaurs")
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_no_value_of_one_field_is_refused_as_a_whole() {
    let museum = Museum::working();
    refuse_event(&museum, "FIELD_CUSTOM_VALIDATION_EXCEPTION");
    sell(&museum).await;
    assert_eq!(museum.simulator.records("OpportunityLineItem").len(), 0);
    let errors = museum.errors().await;
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(
        errors[0]
            .1
            .message
            .starts_with("ticket t-1, t-2 of cart c-1: ")
    );
}
