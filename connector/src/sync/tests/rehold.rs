//! Holds that come back, change, or outlive a restart, and refusals of whole calls.

use runtime::worker::Process;
use serde_json::{Value, json};
use simulator::{Fault, FaultKind};

use super::museum::{Museum, Setup, pass, person};
use crate::config::Npsp;
use crate::sync::TwoWaySync;
use crate::trees::tests::shapes::{cart, ticket, webhook};

const RULE: &str = "FIELD_CUSTOM_VALIDATION_EXCEPTION";

fn refuse(code: &str, message: &str, with: Option<(&str, Value)>) -> FaultKind {
    FaultKind::Refuse {
        code: code.to_owned(),
        message: message.to_owned(),
        matches: Vec::new(),
        one_in: 1,
        with: with.map(|(field, value)| (field.to_owned(), value)),
    }
}

fn on_contacts(museum: &Museum, kind: FaultKind) {
    museum.simulator.add_fault(Fault {
        path: Some("/sobjects".to_owned()),
        about: Some("\"LastName\"".to_owned()),
        ..Fault::always(kind)
    });
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_refused_for_everybody_with_a_code_of_records() {
    let museum = Museum::working();
    pass(5).await;
    museum.fault(
        "/composite/sobjects",
        None,
        FaultKind::RefuseCall {
            status: 400,
            code: "INVALID_FIELD_FOR_INSERT_UPDATE".to_owned(),
            message: "Unable to create/update fields: Birthdate.".to_owned(),
            with: None,
        },
    );
    let before = museum.simulator.calls();
    museum.people(1_000).await;
    pass(600).await;
    let calls = museum.simulator.calls() - before;
    let errors = museum.errors().await.len();
    assert!(calls < 200 && errors == 0, "{calls} calls, {errors} errors");
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_is_switched_on_twice_holds_twice() {
    let museum = Museum::working();
    museum.people(30).await;
    museum.settled().await;
    let moved = |round: usize| {
        (0..30).map(move |number| {
            let mut person = person(number);
            person["last_name"] = json!(format!("Byron {round} {number}"));
            person
        })
    };
    for round in 0..3 {
        on_contacts(&museum, refuse(RULE, "A gift needs a date.", None));
        museum.tell(moved(round)).await;
        pass(30).await;
        assert!(
            museum.pause("mapping contact").await.is_some(),
            "round {round}: {:?}",
            museum.errors().await.len()
        );
        museum.simulator.clear_faults();
        pass(70).await;
        museum.settled().await;
        assert_eq!(museum.errors().await, [], "round {round}");
        assert_eq!(
            museum.contact("i-7").unwrap()["LastName"],
            format!("Byron {round} 7")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn opt_outs_that_land_end_no_streak() {
    let museum = Museum::working();
    museum.people(60).await;
    museum.settled().await;
    on_contacts(&museum, refuse(RULE, "A gift needs a date.", None));
    for number in 0..60 {
        let mut person = person(number);
        person["last_name"] = json!(format!("Byron {number}"));
        person["email_opt_in"] = json!(false);
        museum.tell([person]).await;
        pass(2).await;
    }
    pass(60).await;
    assert_eq!(museum.errors().await.len(), 0);
    assert!(museum.pause("mapping contact").await.is_some());
    museum.simulator.clear_faults();
    pass(70).await;
    museum.settled().await;
    assert_eq!(museum.errors().await, []);
    assert_eq!(museum.contact("i-7").unwrap()["LastName"], "Byron 7");
}

fn sale(number: usize) -> Vec<Value> {
    let id = format!("c-{number}");
    vec![
        webhook(
            "ticket_audit",
            "ticket_audit",
            number,
            vec![ticket(&id, number, "purchased")],
        ),
        webhook("cart_changed", "cart", number, vec![cart(&id)]),
    ]
}

fn sales(museum: &Museum) -> usize {
    museum.simulator.records("Opportunity").len()
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_not_there_holds_carts_and_contacts_go_on() {
    let museum = Museum::working();
    museum.simulator.add_fault(Fault {
        path: Some("/services/data".to_owned()),
        about: Some("Opportunity".to_owned()),
        ..Fault::always(FaultKind::RefuseCall {
            status: 404,
            code: "INVALID_TYPE".to_owned(),
            message: "sObject type 'Opportunity' is not supported.".to_owned(),
            with: None,
        })
    });
    museum.simulator.add_fault(Fault {
        path: Some("/services/data".to_owned()),
        about: Some("Opportunity".to_owned()),
        ..Fault::always(FaultKind::Error {
            status: 400,
            code: "INVALID_TYPE".to_owned(),
        })
    });
    let mut all = Vec::new();
    for number in 0..100 {
        all.extend(sale(number));
    }
    museum.send(all).await;
    museum.people(50).await;
    pass(20).await;
    assert_eq!(museum.contacts(), 50);
    let before = museum.simulator.calls();
    pass(3_600).await;
    let calls = museum.simulator.calls() - before;
    assert!(
        !museum.store.status().await.unwrap().pauses.is_empty(),
        "status says nothing"
    );
    assert!(calls < 200, "{calls}");
    museum.simulator.clear_faults();
    pass(330).await;
    museum.settled().await;
    assert_eq!((sales(&museum), museum.errors().await.len()), (100, 0));
    pass(10).await;
    assert!(museum.store.status().await.unwrap().pauses.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_field_that_is_hidden_from_reads_alone() {
    let museum = Museum::working();
    museum.people(5).await;
    museum.settled().await;
    for path in ["/query", "/composite/sobjects/Contact"] {
        museum.simulator.add_fault(Fault {
            path: Some(path.to_owned()),
            ..Fault::always(FaultKind::HiddenField {
                object: "Contact".to_owned(),
                field: "Birthdate".to_owned(),
            })
        });
    }
    museum.people(200).await;
    museum.tell((0..10).map(|number| json!({"id": format!("o-{number}"), "identity_type": "organization", "name": format!("School {number}")}))).await;
    let id = museum.contact("i-0").unwrap()["Id"]
        .as_str()
        .unwrap()
        .to_owned();
    museum.looked_at(&id).await;
    museum.read().await;
    pass(30).await;
    assert_eq!(museum.errors().await, []);
    let before = museum.simulator.calls();
    pass(3_600).await;
    let calls = museum.simulator.calls() - before;
    assert!(calls < 200, "{calls}");
    museum.simulator.clear_faults();
    pass(330).await;
    museum.settled().await;
    museum.read().await;
    assert_eq!(museum.contacts(), 200);
    assert_eq!(museum.errors().await, []);
    pass(10).await;
    assert!(
        museum.store.status().await.unwrap().pauses.is_empty(),
        "{:?}",
        museum.store.status().await.unwrap().pauses
    );
}

#[tokio::test(start_paused = true)]
async fn a_hold_of_one_rule_goes_on_under_another() {
    // The rule that held is replaced by another one.
    let museum = Museum::working();
    on_contacts(&museum, refuse(RULE, "A gift needs a date.", None));
    museum.people(60).await;
    pass(30).await;
    assert!(museum.pause("mapping contact").await.is_some());
    museum.simulator.clear_faults();
    on_contacts(
        &museum,
        refuse(
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [X__c]",
            None,
        ),
    );
    pass(7_200).await;
    let errors = museum.errors().await.len();
    museum.simulator.clear_faults();
    pass(120).await;
    museum.settled().await;
    assert!(errors < 20, "{errors} errors");
}

#[tokio::test(start_paused = true)]
async fn people_of_a_held_mapping_are_merged_deleted_and_refused_otherwise() {
    let museum = Museum::working();
    museum.people(10).await;
    museum.settled().await;
    on_contacts(&museum, refuse(RULE, "A gift needs a date.", None));
    museum.tell((10..50).map(person)).await;
    pass(20).await;
    assert!(museum.pause("mapping contact").await.is_some());
    // A new one into a new one, a new one into an old one, an old one into a new one.
    for (loser, into) in [
        ("i-10", "i-11"),
        ("i-12", "i-1"),
        ("i-2", "i-13"),
        ("i-49", "i-48"),
    ] {
        museum.simulator.end_identity(loser, Some(into));
        museum.tell([json!({ "id": loser })]).await;
    }
    for gone in ["i-3", "i-14"] {
        museum.simulator.end_identity(gone, None);
        museum.tell([json!({ "id": gone })]).await;
    }
    pass(600).await;
    museum.simulator.clear_faults();
    pass(70).await;
    museum.settled().await;
    for id in ["i-11", "i-1", "i-13", "i-48"] {
        assert!(museum.contact(id).is_some(), "{id}");
    }
    for id in ["i-10", "i-12", "i-14", "i-49"] {
        assert!(museum.contact(id).is_none(), "{id}");
    }
    assert_eq!(museum.errors().await, []);
}

/// Works like a process of its own for so long.
async fn work(sync: &TwoWaySync, seconds: u64) {
    let end_ms = sync.now_ms() + seconds as i64 * 1_000;
    while sync.now_ms() < end_ms {
        let may = sync.ready(2_000).await.unwrap();
        let items = sync.store.claim(may, sync.now_ms()).await.unwrap();
        if !items.is_empty() {
            sync.process(items).await.unwrap();
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
}

fn restarted(museum: &Museum) -> TwoWaySync {
    let old = &museum.sync;
    TwoWaySync::new(
        museum.store.clone(),
        old.salesforce.clone(),
        old.ticketure.clone(),
        old.handlers.clone(),
        Npsp::Yes,
        8,
    )
}

#[tokio::test(start_paused = true)]
async fn a_hold_outlives_restarts() {
    for (people, kind) in [
        (60, refuse(RULE, "A gift needs a date.", None)),
        (22, refuse(RULE, "A gift needs a date.", None)),
        (
            60,
            FaultKind::RefuseCall {
                status: 400,
                code: "INVALID_FIELD".to_owned(),
                message: "No such column 'Birthdate' on sobject of type Contact".to_owned(),
                with: None,
            },
        ),
        (
            60,
            refuse("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded", None),
        ),
    ] {
        let museum = Museum::new(Setup {
            works: false,
            ..Setup::default()
        });
        on_contacts(&museum, kind.clone());
        museum.people(people).await;
        let first = restarted(&museum);
        work(&first, 60).await;
        assert_eq!(
            museum.store.status().await.unwrap().pauses.len(),
            1,
            "{kind:?}"
        );
        drop(first);
        let second = restarted(&museum);
        work(&second, 200).await;
        assert_eq!(museum.errors().await.len(), 0, "{kind:?}");
        museum.simulator.clear_faults();
        drop(second);
        // Restarted after the mend: nothing is left that says it is held.
        let third = restarted(&museum);
        work(&third, 30).await;
        assert_eq!(museum.contacts(), people, "{kind:?}");
        assert_eq!(museum.store.status().await.unwrap().pauses, [], "{kind:?}");
    }
}

/// 60 carts and three people, and a call of carts with one of the tickets is refused as a whole.
async fn with_one_bad_cart(status: u16, code: &str) -> Museum {
    let museum = Museum::working();
    museum.simulator.add_fault(Fault {
        path: Some("/services/data".to_owned()),
        method: Some("POST".to_owned()),
        about: Some("t-7\"".to_owned()),
        ..Fault::always(FaultKind::Error {
            status,
            code: code.to_owned(),
        })
    });
    museum.send((0..60).flat_map(sale).collect()).await;
    museum.people(3).await;
    pass(120).await;
    museum
}

#[tokio::test(start_paused = true)]
async fn a_cart_over_which_a_call_of_carts_is_refused_is_alone_in_the_error_log() {
    let museum = with_one_bad_cart(400, "JSON_PARSER_ERROR").await;
    let errors = museum.errors().await.len();
    assert_eq!((sales(&museum), museum.contacts(), errors), (59, 3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_cart_over_which_the_server_fails_stops_no_other() {
    let museum = with_one_bad_cart(500, "UNKNOWN_EXCEPTION").await;
    assert_eq!((sales(&museum), museum.contacts()), (59, 3));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_rolled_back_each_time_costs_fewer_calls_each_time() {
    let museum = Museum::working();
    let code = "ALL_OR_NONE_OPERATION_ROLLED_BACK";
    let of_one = Some(("LastName", json!("Lovelace 7")));
    on_contacts(&museum, refuse(code, "rolled back", of_one));
    museum.people(50).await;
    pass(10).await;
    assert_eq!(museum.contacts(), 49);
    let before = museum.simulator.calls();
    pass(3_600).await;
    let calls = museum.simulator.calls() - before;
    assert!(calls <= 100, "{calls} calls in an hour");
    museum.simulator.clear_faults();
    pass(330).await;
    assert_eq!(museum.contacts(), 50);
}

/// A process that is killed between the twentieth refusal and the end of its batch takes nobody back.
#[tokio::test(start_paused = true)]
async fn what_a_killed_process_left_in_the_error_log_is_taken_back() {
    let museum = Museum::new(Setup {
        works: false,
        ..Setup::default()
    });
    on_contacts(&museum, refuse(RULE, "A gift needs a date.", None));
    let first = restarted(&museum);
    for number in 0..19 {
        museum.tell([person(number)]).await;
        work(&first, 1).await;
    }
    drop(first);
    assert_eq!(museum.errors().await.len(), 19);
    let second = restarted(&museum);
    museum.tell((19..60).map(person)).await;
    work(&second, 30).await;
    assert_eq!(museum.errors().await, []);
    museum.simulator.clear_faults();
    work(&second, 90).await;
    assert_eq!((museum.contacts(), museum.errors().await.len()), (60, 0));
}
