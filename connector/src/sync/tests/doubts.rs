//! Refusals of one record that sound like all: others go on, and the record is charged once they have landed.

use serde_json::json;
use simulator::{Fault, FaultKind};

use super::museum::{Museum, pass, person};

/// Codes that hold a mapping, all creates or the direction, if a second record meets them.
const CODES: [(&str, &str); 3] = [
    (
        "INVALID_CROSS_REFERENCE_KEY",
        "Record Type ID: this ID value isn't valid for the user: 012000000000001AAA",
    ),
    ("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded"),
    ("API_DISABLED_FOR_ORG", "API is not enabled"),
];

fn refuse(museum: &Museum, code: &str, message: &str, last_name: Option<&str>) {
    museum.simulator.add_fault(Fault {
        path: Some("/sobjects".to_owned()),
        ..Fault::always(FaultKind::Refuse {
            code: code.to_owned(),
            message: message.to_owned(),
            matches: Vec::new(),
            one_in: 1,
            with: last_name.map(|name| ("LastName".to_owned(), json!(name))),
        })
    });
}

#[tokio::test(start_paused = true)]
async fn a_bad_record_that_comes_alone_stops_no_other() {
    for (code, message) in CODES {
        let museum = Museum::working();
        refuse(&museum, code, message, Some("Lovelace 7"));
        museum.tell([person(7)]).await;
        pass(2).await;
        for number in (0..7).chain(8..20) {
            museum.tell([person(number)]).await;
            pass(2).await;
            assert!(
                museum.contact(&format!("i-{number}")).is_some(),
                "{code}: {number} waits"
            );
        }
        museum.settled().await;
        let errors = museum.errors().await;
        assert_eq!((museum.contacts(), errors.len()), (19, 1), "{code}");
        assert_eq!(errors[0].1.code, code);
        pass(10).await;
        assert_eq!(museum.store.status().await.unwrap().pauses, [], "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_record_that_is_refused_alike_holds_all() {
    for (code, message) in CODES {
        let museum = Museum::working();
        refuse(&museum, code, message, None);
        museum.tell([person(0)]).await;
        pass(2).await;
        museum.tell([person(1)]).await;
        pass(3).await;
        museum.people(100).await;
        pass(3).await;
        let before = museum.simulator.calls();
        assert_eq!(
            museum.store.status().await.unwrap().pauses.len(),
            1,
            "{code}"
        );
        pass(600).await;
        let calls = museum.simulator.calls() - before;
        assert!(calls <= 60, "{code}: {calls} calls in ten minutes");
        museum.simulator.clear_faults();
        pass(330).await;
        museum.settled().await;
        assert_eq!(
            (museum.contacts(), museum.errors().await.len()),
            (100, 0),
            "{code}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_not_found_is_charged_and_holds_the_others_once_at_most() {
    for (known, seconds) in [(true, 60), (false, 400)] {
        let museum = Museum::working();
        if known {
            museum.tell((2_000..2_100).map(person)).await;
            museum.settled().await;
        }
        museum.simulator.add_fault(Fault {
            path: Some("/sobjects".to_owned()),
            ..Fault::always(FaultKind::RefuseCall {
                status: 404,
                code: "NOT_FOUND".to_owned(),
                message: "The requested resource does not exist".to_owned(),
                with: Some(("LastName".to_owned(), json!("Lovelace 7"))),
            })
        });
        museum.people(1_000).await;
        pass(seconds).await;
        let landed = museum.contacts() - if known { 100 } else { 0 };
        assert_eq!(landed, 999, "known: {known}");
        museum.settled().await;
        assert_eq!(museum.errors().await.len(), 1, "known: {known}");
        pass(10).await;
        assert_eq!(museum.store.status().await.unwrap().pauses, []);
    }
}
