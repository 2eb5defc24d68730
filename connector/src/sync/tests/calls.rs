//! How many records a call takes, and what a call that is refused as a whole costs.

use runtime::queue::State;
use serde_json::json;
use simulator::{FaultKind, Operation};

use super::museum::{Museum, WRITES, pass, person};

#[tokio::test(start_paused = true)]
async fn calls_get_smaller_until_apex_has_the_time_and_larger_again() {
    let museum = Museum::working();
    museum.fault(WRITES, None, FaultKind::TooManyRecords { above: 30 });
    museum.people(1_000).await;
    museum.settled().await;
    assert_eq!(museum.contacts(), 1_000);
    assert_eq!(museum.errors().await, []);
    for id in 1..=1_000 {
        assert_eq!(museum.state(id).await, (State::Done, 0), "item {id}");
    }
    museum.simulator.clear_faults();
    // Full calls that go well bring it back.
    for round in 0..12 {
        let phone =
            |number: usize| json!({ "id": format!("i-{number}"), "mobile": format!("{round}") });
        museum.tell((0..1_000).map(phone)).await;
        museum.settled().await;
    }
    let log = museum.simulator.write_log();
    let last = log.last().unwrap().call;
    assert_eq!(log.iter().filter(|write| write.call == last).count(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_too_much_by_itself_is_to_blame_in_the_end() {
    let museum = Museum::working();
    museum.fault(WRITES, None, FaultKind::TooManyRecords { above: 0 });
    museum.people(3).await;
    museum.settled().await;
    let errors = museum.errors().await;
    assert_eq!(errors.len(), 3);
    assert!(errors[0].1.message.contains("tried 6 times"));
}

#[tokio::test(start_paused = true)]
async fn one_record_that_spoils_its_call_is_found_and_the_others_land() {
    let museum = Museum::working();
    let kind = FaultKind::RefuseCall {
        status: 400,
        code: "JSON_PARSER_ERROR".to_owned(),
        message: "Cannot deserialize instance of date".to_owned(),
        with: Some(("LastName".to_owned(), json!("Lovelace 123"))),
    };
    museum.fault(WRITES, None, kind);
    let before = museum.simulator.calls();
    museum.people(200).await;
    museum.settled().await;
    let errors = museum.errors().await;
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].0, "i-123");
    assert_eq!(museum.contacts(), 199);
    for id in (1..=200).filter(|id| *id != 124) {
        let item = museum.item(id).await;
        assert_eq!(
            (item.state, item.attempt, item.attempts),
            (State::Done, 1, 0)
        );
    }
    let calls = museum.simulator.calls() - before;
    // A look-up, the call, and twelve to find it.
    assert!(calls <= 15, "{calls} calls to find it");
}

/// A server error that one record causes: nobody else pays for it, and it does not go on for ever.
#[tokio::test(start_paused = true)]
async fn one_record_over_which_the_server_fails_is_found() {
    let museum = Museum::working();
    let kind = FaultKind::RefuseCall {
        status: 500,
        code: "UNKNOWN_EXCEPTION".to_owned(),
        message: "An unexpected error occurred.".to_owned(),
        with: Some(("LastName".to_owned(), json!("Lovelace 5"))),
    };
    museum.fault(WRITES, None, kind);
    museum.people(20).await;
    museum.settled().await;
    let errors = museum.errors().await;
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].0, "i-5");
    assert_eq!(museum.contacts(), 19);
    pass(10).await;
    let creates = museum.simulator.write_log();
    let creates = creates
        .iter()
        .filter(|write| write.object == "Contact" && write.operation == Operation::Create);
    assert_eq!(creates.count(), 19);
    museum.simulator.clear_faults();
    museum.tell([person(30)]).await;
    museum.settled().await;
    assert_eq!(museum.contacts(), 20);
}
