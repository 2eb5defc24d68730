//! Long answers of Salesforce: pages that are small, and locators that end between two pages.

use serde_json::json;
use simulator::FaultKind;

use super::museum::Museum;

/// Users of Salesforce change everybody; reading finds each of them once.
async fn all_changes_are_read(faults: &[(&str, u32, FaultKind)]) {
    let museum = Museum::working();
    museum.people(50).await;
    museum.settled().await;
    museum.read().await;
    museum.settled().await;
    let contacts = museum.simulator.records("Contact");
    for contact in &contacts {
        let id = contact["Id"].as_str().unwrap();
        let change = json!({ "MobilePhone": "555 0100" });
        let change = change.as_object().unwrap().clone();
        museum
            .simulator
            .update_by_user("Contact", id, change)
            .unwrap();
    }
    museum.fault("/query", None, FaultKind::SmallPages { rows: 7 });
    for (path, times, kind) in faults {
        museum.fault(path, Some(*times), kind.clone());
    }
    museum.read().await;
    museum.settled().await;
    let identities = museum.simulator.identities();
    assert_eq!(identities.len(), 50);
    for identity in identities {
        assert_eq!(identity["mobile"], "555 0100", "{}", identity["id"]);
    }
    assert_eq!(museum.errors().await, []);
}

#[tokio::test(start_paused = true)]
async fn changes_are_read_by_small_pages() {
    all_changes_are_read(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_locator_that_ends_is_no_fault_of_anybody() {
    all_changes_are_read(&[("/query/", 2, FaultKind::LocatorsEnd)]).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_between_two_pages_ends_the_locator_too() {
    all_changes_are_read(&[("/query/", 1, FaultKind::ExpireSessions)]).await;
}

/// Salesforce stores the address in lower case, and Ticketure keeps its own spelling.
#[tokio::test(start_paused = true)]
async fn the_case_of_an_address_is_no_edit() {
    let museum = Museum::working();
    let ada = json!({ "id": "i-1", "identity_type": "person", "first_name": "Ada", "last_name": "Lovelace", "email": "Ada@Example.ORG" });
    museum.tell([ada.clone()]).await;
    museum.settled().await;
    let contact = museum.contact("i-1").unwrap();
    assert_eq!(contact["Email"], "ada@example.org");
    let writes = museum.simulator.writes();
    let told = museum.simulator.tenant_log().len();
    let id = contact["Id"].as_str().unwrap();
    let change = json!({ "MobilePhone": "555 0100", "Email": "ADA@example.org" });
    let change = change.as_object().unwrap().clone();
    museum
        .simulator
        .update_by_user("Contact", id, change)
        .unwrap();
    museum.read().await;
    museum.settled().await;
    let identity = museum.simulator.identities().remove(0);
    assert_eq!(identity["mobile"], "555 0100");
    assert_eq!(identity["email"], "Ada@Example.ORG");
    // Its webhook, which repeats the address as Ticketure spells it, changes nothing.
    let webhooks = museum.simulator.take_webhooks();
    museum.send(webhooks).await;
    museum.settled().await;
    museum.read().await;
    museum.settled().await;
    assert_eq!(museum.simulator.writes(), writes);
    assert_eq!(museum.simulator.tenant_log().len(), told + 1);
    assert_eq!(museum.errors().await, []);
}

#[tokio::test(start_paused = true)]
async fn deletions_are_noticed_by_small_pages() {
    let museum = Museum::working();
    museum.people(50).await;
    museum.settled().await;
    museum.fault("/query", None, FaultKind::SmallPages { rows: 7 });
    let ids = museum.simulator.records("Contact");
    let ids: Vec<String> = ids
        .iter()
        .map(|contact| contact["Id"].as_str().unwrap().to_owned())
        .collect();
    let found = museum
        .sync
        .salesforce
        .with_deleted("Contact", "Id", &ids)
        .await
        .unwrap();
    assert_eq!(found.len(), ids.len());
}
