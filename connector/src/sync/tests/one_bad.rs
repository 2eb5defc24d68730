//! One bad record among a thousand that arrive: what it costs in calls, for each class, and that all others land at once.

use runtime::queue::State;
use serde_json::{Value, json};
use simulator::{Fault, FaultKind};

use super::museum::{Museum, pass, person};

/// People that arrive together.
const PEOPLE: usize = 1_000;
/// Calls that a bad record may cost.
const MOST: u64 = 12;
/// The number of the bad one.
const BAD: usize = 423;

/// Codes of each class, and messages that have a class of their own. Those of known records come first.
const CODES: &[(&str, &str)] = &[
    ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access"),
    ("DUPLICATE_VALUE", "duplicate value found: Card__c"),
    ("ENTITY_IS_DELETED", "entity is deleted"),
    ("SOMETHING_NEW", "try later"),
    ("UNKNOWN_EXCEPTION", "An unexpected error occurred."),
    ("REQUEST_RUNNING_TOO_LONG", "It was running for too long."),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", CPU_TIME),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", WRAPPED_LOCK),
    ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "A gift needs a date."),
    ("DUPLICATES_DETECTED", "Use one of these records?"),
    ("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded"),
    ("API_DISABLED_FOR_ORG", "API is not enabled"),
    ("INVALID_TYPE", "sObject type 'Contact' is not supported."),
];
/// Codes that cost other calls where the record is known.
const OF_KNOWN: usize = 3;
const CPU_TIME: &str = "npsp.TDTM_Contact: System.LimitException: Apex CPU time limit exceeded";
const WRAPPED_LOCK: &str = "npsp.TDTM_Contact: execution caused by: UNABLE_TO_LOCK_ROW";

/// The museum before the thousand arrive. `known`: their records are there.
async fn museum(known: bool) -> Museum {
    let museum = Museum::working();
    let earlier = |number| {
        let mut earlier = person(number);
        earlier["last_name"] = json!("Byron");
        earlier
    };
    if known {
        museum.tell((0..PEOPLE).map(earlier)).await;
        museum.settled().await;
    }
    pass(5).await;
    museum
}

/// One of the thousand is refused so.
fn refuse_one(museum: &Museum, code: &str, message: &str) {
    with_one(museum, |with| FaultKind::Refuse {
        code: code.to_owned(),
        message: message.to_owned(),
        matches: Vec::new(),
        one_in: 1,
        with: Some(with),
    });
}

fn with_one(museum: &Museum, kind: impl Fn((String, Value)) -> FaultKind) {
    let one = ("LastName".to_owned(), json!(format!("Lovelace {BAD}")));
    museum.simulator.add_fault(Fault {
        path: Some("/sobjects".to_owned()),
        ..Fault::always(kind(one))
    });
}

fn landed(museum: &Museum) -> usize {
    let contacts = museum.simulator.records("Contact");
    let is_new = |name: &str| name.starts_with("Lovelace");
    let landed = contacts
        .iter()
        .filter(|contact| contact["LastName"].as_str().is_some_and(is_new));
    landed.count()
}

/// Returns the calls for the thousand within an hour. All but so many have landed after half a minute.
async fn calls(museum: &Museum, bad: usize) -> u64 {
    let before = museum.simulator.calls();
    museum.people(PEOPLE).await;
    pass(30).await;
    assert_eq!(landed(museum), PEOPLE - bad);
    pass(3_570).await;
    museum.simulator.calls() - before
}

async fn costs_little(known: bool, bad: impl AsyncFn(&Museum)) {
    let without = calls(&museum(known).await, 0).await;
    let museum = museum(known).await;
    bad(&museum).await;
    let with = calls(&museum, 1).await;
    let errors = museum.errors().await;
    assert!(
        with <= without + MOST,
        "{with} calls, {without} without it: {errors:?}"
    );
    assert_eq!(errors.len(), 1, "{errors:?}");
}

#[tokio::test(start_paused = true)]
async fn a_bad_record_costs_a_dozen_calls_at_most_and_the_others_land() {
    for known in [false, true] {
        let without = calls(&museum(known).await, 0).await;
        let mut dear = Vec::new();
        let codes = if known { OF_KNOWN } else { CODES.len() };
        for (code, message) in CODES.iter().take(codes) {
            let museum = museum(known).await;
            refuse_one(&museum, code, message);
            let more = calls(&museum, 1).await.saturating_sub(without);
            let errors = museum.errors().await.len();
            if more > MOST || errors != 1 {
                dear.push((known, code, message, more, errors));
            }
        }
        assert_eq!(dear, [], "known, code, message, calls more, errors");
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_over_which_whole_calls_are_refused_costs_no_more() {
    for known in [false, true] {
        costs_little(known, async |museum| {
            with_one(museum, |with| FaultKind::RefuseCall {
                status: 400,
                code: "JSON_PARSER_ERROR".to_owned(),
                message: "Cannot deserialize instance of date".to_owned(),
                with: Some(with),
            });
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_of_ten_minutes_ends_by_itself() {
    for known in [false, true] {
        let museum = museum(known).await;
        refuse_one(&museum, "UNABLE_TO_LOCK_ROW", "unable to obtain");
        museum.people(PEOPLE).await;
        pass(600).await;
        assert_eq!(
            (landed(&museum), museum.errors().await.len()),
            (PEOPLE - 1, 0)
        );
        museum.simulator.clear_faults();
        museum.settled().await;
        assert_eq!((landed(&museum), museum.errors().await.len()), (PEOPLE, 0));
        let last = if known { 2 * PEOPLE } else { PEOPLE };
        assert_eq!(museum.item(last as i64).await.state, State::Done);
    }
}
