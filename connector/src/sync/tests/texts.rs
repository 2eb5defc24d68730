//! Error texts: each names the record, has each code once, and ends with help that fits the case.

use runtime::queue::{ErrorRecord, Keep, NewItem, Outcome, Store, StoreOptions};
use runtime::retry::{self, ATTEMPTS_MAX, Verdict};
use serde_json::json;
use simulator::FaultKind;

use super::museum::{Museum, Setup};
use crate::sync::outcome::Failure;
use crate::trees::tests::shapes::{cart, ticket, webhook};

/// Endings of help texts.
const ENDINGS: [&str; 3] = [
    "retry the item.",
    "goes on by itself.",
    "the error closes when the value fits.",
];

fn check(id: &str, key: &str, error: &ErrorRecord) {
    let line = format!("{key}: {}", error.line());
    assert!(line.contains(id), "{line} does not name {id}");
    assert!(line.matches(&error.code).count() <= 1, "{line}");
    let help = &error.help;
    let says_what_to_do = ENDINGS.iter().any(|ending| help.ends_with(ending));
    assert!(says_what_to_do, "{}: {help}", error.code);
    // An item of the error log is not retried, so the help must not promise it.
    assert!(!help.contains("tried again"), "{}: {help}", error.code);
    assert!(!help.starts_with("Nothing"), "{}: {help}", error.code);
}

/// Codes that bring a record into the error log, at once or after the last attempt.
fn codes() -> impl Iterator<Item = &'static str> {
    let passes = |code: &&str| {
        let verdict = retry::verdict(code, "");
        !matches!(
            verdict,
            Verdict::Innocent
                | Verdict::Limit
                | Verdict::OrgWide
                | Verdict::Mapping
                | Verdict::Full
        )
    };
    retry::codes().filter(passes).chain(["SOMETHING_NEW"])
}

#[tokio::test(start_paused = true)]
async fn every_code_that_comes_into_the_error_log_says_what_to_do() {
    let museum = Museum::new(Setup {
        works: false,
        ..Setup::default()
    });
    let dead = |code: &'static str, verdict| {
        let failure = Failure {
            code,
            verdict,
            message: format!("{code}: no; {code}: and no again"),
            place: None,
        };
        match museum.sync.failed_after(ATTEMPTS_MAX - 1, failure) {
            Outcome::Dead { error } => error,
            other => panic!("{code}: {other:?}"),
        }
    };
    for code in codes() {
        check("i-1", "contact i-1", &dead(code, retry::verdict(code, "")));
    }
    // A single record may be refused with an org-wide code while others are written.
    for code in retry::codes().filter(|code| retry::verdict(code, "") == Verdict::OrgWide) {
        check("i-1", "contact i-1", &dead(code, Verdict::Permanent));
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_that_is_refused_is_named() {
    for code in codes().filter(|code| retry::verdict(code, "") == Verdict::Permanent) {
        let museum = Museum::working();
        museum.refuse(None, code, "it is refused");
        museum.people(1).await;
        museum.settled().await;
        let errors = museum.errors().await;
        assert_eq!(errors.len(), 1, "{code}: {errors:?}");
        check("i-0", &errors[0].0.replace("i-1", "i-0"), &errors[0].1);
    }
}

#[tokio::test(start_paused = true)]
async fn tickets_that_are_refused_alike_are_one_line_that_names_them() {
    let refused = |code: &&str| {
        let verdict = retry::verdict(code, "");
        matches!(verdict, Verdict::Permanent | Verdict::Duplicate)
    };
    for code in codes().filter(refused) {
        let museum = Museum::working();
        let kind = FaultKind::Reject {
            field: "Ticketure_Kind__c".to_owned(),
            equals: json!("admission"),
            code: code.to_owned(),
            message: "it is refused".to_owned(),
        };
        museum.fault("/services/data", None, kind);
        let tickets = vec![ticket("c-1", 1, "purchased"), ticket("c-1", 2, "purchased")];
        museum
            .send(vec![
                webhook("ticket_audit", "ticket_audit", 1, tickets),
                webhook("cart_changed", "cart", 2, vec![cart("c-1")]),
            ])
            .await;
        museum.settled().await;
        let errors = museum.errors().await;
        assert_eq!(errors.len(), 1, "{code}: {errors:?}");
        let (key, error) = &errors[0];
        assert_eq!(key, "c-1");
        check("ticket t-1, t-2 of cart c-1", key, error);
    }
}

#[tokio::test]
async fn what_the_queue_says_by_itself_names_the_record_and_what_to_do() {
    let keep = Keep {
        parked_ms: 500,
        ..Keep::default()
    };
    let options = StoreOptions {
        keep,
        ..StoreOptions::default()
    };
    let store = Store::in_memory(options, std::sync::Arc::new(|| 1_000)).unwrap();
    let item = |mapping: Option<&str>, key: &str, reason: Option<&str>| NewItem {
        mapping: mapping.map(str::to_owned),
        payload_type: "identity_changed".to_owned(),
        lane: key.to_owned(),
        key: key.to_owned(),
        payload: "{}".to_owned(),
        reason: reason.map(str::to_owned),
        ..NewItem::default()
    };
    let items = vec![
        item(None, "i-1", None),
        item(Some("contact"), "i-2", Some("email is not text")),
        item(Some("contact"), "i-3", None),
    ];
    store.enqueue(items).await.unwrap();
    let claimed = store.claim(10, 1_000).await.unwrap();
    let waits = Outcome::Park {
        key: "account:o-1".to_owned(),
        reason: "it is not there yet".to_owned(),
    };
    let parked = runtime::queue::Settlement::new(claimed[0].id, claimed[0].attempt, waits);
    store.settle(vec![parked]).await.unwrap();
    store.claim(10, 5_000).await.unwrap();
    let errors = store.errors(10).await.unwrap();
    assert_eq!(errors.len(), 3);
    for failed in &errors {
        check(&failed.key, &failed.key, &failed.error);
    }
    assert!(errors[0].error.message.contains("account o-1"));
}
