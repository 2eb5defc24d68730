//! Consent: the status names edits that are held, and a merged opt-out is explained.

use serde_json::{Map, Value, json};
use simulator::{Fault, FaultKind};

use super::museum::{Museum, WRITES, pass, person};
use crate::{explain, settings, show};

async fn edit(museum: &Museum, id: &str, fields: Value) {
    let contact = museum.contact(id).unwrap();
    let fields = fields.as_object().unwrap().clone();
    let contact = contact.get("Id").and_then(Value::as_str).unwrap();
    museum
        .simulator
        .update_by_user("Contact", contact, fields)
        .unwrap();
    museum.read().await;
    museum.settled().await;
}

fn consent(museum: &Museum, id: &str) -> Option<bool> {
    let identities = museum.simulator.identities();
    let is = |identity: &&Map<String, Value>| identity.get("id") == Some(&json!(id));
    let identity = identities.iter().find(is);
    identity?.get("email_opt_in")?.as_bool()
}

fn is_out(museum: &Museum, id: &str) -> bool {
    let contact = museum.contact(id).unwrap();
    contact.get("HasOptedOutOfEmail") == Some(&json!(true))
}

async fn first_line(museum: &Museum) -> String {
    let shown = show::status(&museum.store.status().await.unwrap());
    shown.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn the_status_counts_linked_people_whose_edits_are_held() {
    let museum = Museum::working();
    museum.people(3).await;
    museum.settled().await;
    let cleared = json!({ "Email": null, "MobilePhone": "2", "HasOptedOutOfEmail": true });
    edit(&museum, "i-0", cleared).await;
    edit(&museum, "i-1", json!({ "Email": null })).await;
    edit(&museum, "i-2", json!({ "HasOptedOutOfEmail": true })).await;
    // A contact without an address that was never linked has no edits that are held.
    let alone = json!({ "FirstName": "Ada", "LastName": "Alone" });
    let alone = alone.as_object().unwrap().clone();
    museum.simulator.insert_by_user("Contact", alone).unwrap();
    museum.read().await;
    museum.settled().await;
    assert_eq!(
        first_line(&museum).await,
        "all done, but edits of 2 people are held: 2 without Email (usher gates)"
    );
    assert_eq!(consent(&museum, "i-0"), Some(false));
    assert_eq!(consent(&museum, "i-2"), Some(false));
    for id in ["i-0", "i-1"] {
        edit(&museum, id, json!({ "Email": format!("{id}@example.org") })).await;
    }
    assert_eq!(first_line(&museum).await, "all done");
}

#[tokio::test(start_paused = true)]
async fn an_opt_out_alone_is_held_by_nothing() {
    let museum = Museum::working();
    let mut silent = person(0);
    silent.as_object_mut().unwrap().remove("email");
    museum.tell([silent]).await;
    museum.settled().await;
    edit(&museum, "i-0", json!({ "HasOptedOutOfEmail": true })).await;
    assert_eq!(consent(&museum, "i-0"), Some(false));
    assert_eq!(first_line(&museum).await, "all done");
}

#[tokio::test(start_paused = true)]
async fn explain_says_that_a_merge_brought_the_opt_out() {
    let museum = Museum::working();
    let mut refused = person(0);
    refused["email_opt_in"] = json!(false);
    let mut agreed = person(1);
    agreed["email_opt_in"] = json!(true);
    museum.tell([refused, agreed]).await;
    museum.settled().await;
    museum.simulator.end_identity("i-0", Some("i-1"));
    museum.tell([json!({ "id": "i-0" })]).await;
    museum.settled().await;
    assert_eq!(consent(&museum, "i-1"), Some(false));
    assert!(is_out(&museum, "i-1"));
    let settings = settings::defaults();
    let told = explain::explain(&museum.store, "i-1", &settings).await;
    let told = explain::text(&told.unwrap());
    let because = "(a record merged into this one was opted out), over false";
    assert!(told.contains(because), "{told}");
}

#[tokio::test(start_paused = true)]
async fn an_opt_out_goes_where_the_org_refuses_the_rest() {
    let museum = Museum::working();
    museum.people(1).await;
    museum.settled().await;
    let kind = FaultKind::Reject {
        field: "MailingCity".to_owned(),
        equals: json!("Nowhere"),
        code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
        message: "We do not deliver there.".to_owned(),
    };
    museum.fault(WRITES, None, kind);
    let refused = json!({ "id": "i-0", "address": { "city": "Nowhere" }, "email_opt_in": false });
    museum.tell([refused]).await;
    museum.settled().await;
    assert!(is_out(&museum, "i-0"));
    assert_eq!(museum.contact("i-0").unwrap().get("MailingCity"), None);
    let errors = museum.errors().await;
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].1.code, "FIELD_CUSTOM_VALIDATION_EXCEPTION");
}

#[tokio::test(start_paused = true)]
async fn an_opt_out_goes_while_the_rest_waits_for_the_employer() {
    let museum = Museum::working();
    museum.people(1).await;
    museum.settled().await;
    let teacher = json!({ "id": "i-0", "organization_id": "o-1", "email_opt_in": false });
    museum.tell([teacher]).await;
    pass(60).await;
    assert!(is_out(&museum, "i-0"));
    assert_eq!(museum.store.status().await.unwrap().parked, 1);
    let school = json!({ "id": "o-1", "identity_type": "organization", "name": "Hill School" });
    museum.tell([school]).await;
    museum.settled().await;
    let employer = museum.contact("i-0").unwrap();
    assert!(employer.contains_key("npsp__Primary_Affiliation__c"));
}

#[tokio::test(start_paused = true)]
async fn an_opt_out_goes_where_ticketure_refuses_the_rest() {
    let museum = Museum::working();
    museum.people(1).await;
    museum.settled().await;
    museum.simulator.add_fault(Fault {
        method: Some("PATCH".to_owned()),
        path: Some("/api/identity".to_owned()),
        about: Some("Nowhere".to_owned()),
        ..Fault::always(FaultKind::Status { status: 422 })
    });
    let edited = json!({ "MailingCity": "Nowhere", "HasOptedOutOfEmail": true });
    edit(&museum, "i-0", edited).await;
    assert_eq!(consent(&museum, "i-0"), Some(false));
    assert_eq!(museum.errors().await.len(), 1);
}

/// Every write of contacts that names the last name is met.
fn on_names(museum: &Museum, kind: FaultKind) {
    museum.simulator.add_fault(Fault {
        path: Some("/composite/sobjects".to_owned()),
        about: Some("\"LastName\"".to_owned()),
        ..Fault::always(kind)
    });
}

fn rule() -> FaultKind {
    FaultKind::Refuse {
        code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
        message: "A gift needs a date.".to_owned(),
        matches: Vec::new(),
        one_in: 1,
        with: None,
    }
}

fn no_record_type() -> FaultKind {
    FaultKind::RefuseCall {
        status: 400,
        code: "INVALID_TYPE_FOR_OPERATION".to_owned(),
        message: "entity type Contact does not support update".to_owned(),
        with: None,
    }
}

fn renamed(number: usize) -> Value {
    let mut renamed = person(number);
    renamed["last_name"] = json!(format!("Byron {number}"));
    renamed
}

/// Holds contacts by refused names of the people 0 to 29.
async fn held_by(kind: FaultKind) -> Museum {
    let museum = Museum::working();
    museum.people(40).await;
    museum.settled().await;
    museum.read().await;
    on_names(&museum, kind);
    for number in 0..30 {
        museum.tell([renamed(number)]).await;
        pass(1).await;
    }
    assert!(museum.pause("mapping contact").await.is_some());
    museum
}

#[tokio::test(start_paused = true)]
async fn opt_outs_wait_behind_no_held_mapping() {
    for kind in [rule(), no_record_type()] {
        let museum = held_by(kind).await;
        let mut refused = renamed(35);
        refused["email_opt_in"] = json!(false);
        museum.tell([refused]).await;
        pass(5).await;
        assert!(is_out(&museum, "i-35"));
        let contact = museum.contact("i-36").unwrap();
        let contact = contact.get("Id").and_then(Value::as_str).unwrap();
        let edit = json!({ "HasOptedOutOfEmail": true, "MailingCity": "Reno" });
        let edit = edit.as_object().unwrap().clone();
        museum
            .simulator
            .update_by_user("Contact", contact, edit)
            .unwrap();
        museum.read().await;
        pass(5).await;
        assert_eq!(consent(&museum, "i-36"), Some(false));
        assert!(museum.pause("mapping contact").await.is_some());
        assert_eq!(museum.contact("i-35").unwrap()["LastName"], "Lovelace 35");
        museum.simulator.clear_faults();
        pass(300).await;
        museum.settled().await;
        assert_eq!(museum.errors().await, []);
        assert_eq!(museum.contact("i-35").unwrap()["LastName"], "Byron 35");
        assert!(is_out(&museum, "i-35"));
        assert_eq!(consent(&museum, "i-36"), Some(false));
    }
}

#[tokio::test(start_paused = true)]
async fn opt_outs_beside_refused_edits_go_with_the_edits_that_hold_their_mapping() {
    let museum = Museum::working();
    museum.people(30).await;
    museum.settled().await;
    on_names(&museum, no_record_type());
    let opting_out = (0..30).map(|number| {
        let mut refused = renamed(number);
        refused["email_opt_in"] = json!(false);
        refused
    });
    museum.tell(opting_out).await;
    pass(10).await;
    assert!(museum.pause("mapping contact").await.is_some());
    for number in 0..30 {
        assert!(is_out(&museum, &format!("i-{number}")), "i-{number}");
    }
}
