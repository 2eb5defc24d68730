//! Answers that other orgs give: rights of single records, locks in other words, an org that moves.

use runtime::queue::State;
use serde_json::json;
use simulator::{FaultKind, LockWording};

use super::museum::{Museum, WRITES, person};

#[tokio::test(start_paused = true)]
async fn a_record_that_may_not_be_edited_stops_nobody_else() {
    let museum = Museum::working();
    museum.people(20).await;
    museum.settled().await;
    let rule = FaultKind::ReadOnly {
        field: "LastName".to_owned(),
        equals: json!("Lovelace 7"),
    };
    museum.fault("/sobjects", None, rule);
    let edited = (0..20).map(|number| {
        let mut person = person(number);
        person["mobile"] = json!("555 0100");
        person
    });
    museum.tell(edited).await;
    museum.settled().await;
    let phones = museum.simulator.find("Contact", "MobilePhone", "555 0100");
    assert_eq!(phones.len(), 19);
    let errors = museum.errors().await;
    let codes: Vec<&str> = errors
        .iter()
        .map(|(_, error)| error.code.as_str())
        .collect();
    assert_eq!(codes, ["INSUFFICIENT_ACCESS_OR_READONLY"]);
}

#[tokio::test(start_paused = true)]
async fn a_lock_in_other_words_is_a_lock() {
    for wording in LockWording::ALL {
        let museum = Museum::working();
        let rule = FaultKind::WrappedLock { one_in: 1, wording };
        museum.fault(WRITES, Some(2), rule);
        museum.people(3).await;
        museum.settled().await;
        assert_eq!(museum.contacts(), 3, "{wording:?}");
        assert_eq!(museum.errors().await, [], "{wording:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_org_that_moves_or_ends_sessions_with_403_is_logged_in_to_anew() {
    for kind in [
        FaultKind::Moved {
            status: 301,
            to: "https://elsewhere.my.salesforce.com".to_owned(),
        },
        FaultKind::SessionForbidden,
    ] {
        let museum = Museum::working();
        museum.fault(WRITES, Some(1), kind);
        museum.people(3).await;
        museum.settled().await;
        assert_eq!(museum.contacts(), 3);
        assert_eq!(museum.state(1).await, (State::Done, 0));
    }
}
