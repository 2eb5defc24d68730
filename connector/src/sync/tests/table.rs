//! Every row of the table: what a record that is refused so becomes.

use runtime::queue::State;
use runtime::retry::{self, Verdict};
use simulator::FaultKind;

use super::museum::{Museum, Setup, WRITES, person};

/// After one try; where one record proves nothing of the org, after one of a second record.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Becomes {
    /// Again after a while; it counts.
    Charged,
    /// Again; it does not count.
    Uncharged,
    /// Again when somebody has mended the org; it does not count.
    Held,
    /// Again when somebody has mended what is held of the org; it does not count.
    PartHeld,
    /// In the error log.
    Dead,
}
use Becomes::{Charged, Dead, Held, PartHeld, Uncharged};

const ROWS: &[(&str, Becomes)] = &[
    ("TRANSPORT", Uncharged),
    ("STANDS_STILL", Uncharged),
    ("UNABLE_TO_LOCK_ROW", Charged),
    ("SERVER_UNAVAILABLE", Charged),
    ("UNKNOWN_EXCEPTION", Charged),
    ("QUERY_TIMEOUT", Charged),
    ("REQUEST_RUNNING_TOO_LONG", Charged),
    ("UNEXPECTED_ANSWER", Charged),
    ("REQUEST_LIMIT_EXCEEDED", Uncharged),
    ("HTTP_420", Uncharged),
    ("HTTP_429", Uncharged),
    ("TICKETURE_BUSY", Uncharged),
    ("ALL_OR_NONE_OPERATION_ROLLED_BACK", Uncharged),
    ("PROCESSING_HALTED", Uncharged),
    ("INVALID_SESSION_ID", Uncharged),
    ("ENTITY_IS_DELETED", Charged),
    ("NOT_FOUND", Charged),
    ("INVALID_CROSS_REFERENCE_KEY", Charged),
    // Without a record that it could be.
    ("DUPLICATES_DETECTED", Dead),
    ("HTTP_300", Dead),
    ("DUPLICATE_VALUE", Charged),
    ("REQUIRED_FIELD_MISSING", Dead),
    ("FIELD_FILTER_VALIDATION_EXCEPTION", Dead),
    ("FIELD_CUSTOM_VALIDATION_EXCEPTION", Dead),
    ("STRING_TOO_LONG", Dead),
    ("NUMBER_OUTSIDE_VALID_RANGE", Dead),
    ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", Dead),
    ("INVALID_EMAIL_ADDRESS", Dead),
    ("FIELD_INTEGRITY_EXCEPTION", Dead),
    ("INVALID_TYPE_ON_FIELD_IN_RECORD", Dead),
    ("MALFORMED_ID", Dead),
    ("INVALID_FIELD_FOR_INSERT_UPDATE", Dead),
    ("INVALID_FIELD", Dead),
    ("JSON_PARSER_ERROR", Dead),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", Dead),
    ("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", Dead),
    ("HTTP_413", Dead),
    ("HTTP_414", Dead),
    ("HTTP_431", Dead),
    ("TICKETURE_REFUSED", Dead),
    ("TICKETURE_ID", Dead),
    ("INVALID_TYPE", PartHeld),
    ("API_DISABLED_FOR_ORG", Held),
    ("STORAGE_LIMIT_EXCEEDED", PartHeld),
    ("LOG_IN", Held),
    ("NO_JSON", Held),
    ("TICKETURE_LOG_IN", Held),
    ("TICKETURE_UNAVAILABLE", Uncharged),
    ("TICKETURE_ANSWER", Charged),
];

/// Of messages that say more than their code.
const MESSAGES: &[(&str, &str, Becomes)] = &[
    (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "npsp.TDTM_Contact: execution of AfterInsert caused by: UNABLE_TO_LOCK_ROW",
        Charged,
    ),
    (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "npsp.TDTM_Contact: System.LimitException: Apex CPU time limit exceeded",
        Charged,
    ),
    (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "npsp.TDTM_Contact: System.LimitException: Too many SOQL queries: 101",
        Charged,
    ),
    // Nobody brings such a record.
    (
        "INVALID_FIELD",
        "Foreign key external ID: 0116 not found for field Invoice_Id__c in entity Invoice__c",
        Charged,
    ),
    ("PROCESSING_HALTED", "Invalid reference specified.", Dead),
    (
        "INVALID_FIELD",
        "No such column 'Nmae' on sobject of type Contact",
        PartHeld,
    ),
    (
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "Upsert requires view all data on a non-unique custom index",
        PartHeld,
    ),
    ("SOMETHING_NEW", "", Charged),
];

async fn after_one_try(code: &str, message: &str) -> Becomes {
    let museum = Museum::new(Setup {
        works: false,
        ..Setup::default()
    });
    museum.refuse(None, code, message);
    museum.people(1).await;
    let item = museum.step().await.remove(0);
    let seen = museum.item(item.id).await;
    let waits = |item: &runtime::queue::ItemView| item.due_ms.is_some();
    match (seen.state, seen.attempts) {
        (State::Dead, _) => {
            let error = seen.error.unwrap();
            assert_eq!(error.code, code);
            assert!(error.help.ends_with('.'), "{code}: {}", error.help);
            Dead
        }
        (State::Delayed, 1) if waits(&seen) => Charged,
        (State::Delayed, 0) if museum.sync.held().is_some() => Held,
        (State::Delayed, 0) if !museum.sync.holds().is_empty() => PartHeld,
        (State::Delayed, 0) => after_a_second_record(&museum).await,
        other => panic!("{code}: {other:?}"),
    }
}

async fn after_a_second_record(museum: &Museum) -> Becomes {
    museum.tell([person(1)]).await;
    let item = museum.step().await.remove(0);
    assert_eq!(museum.state(item.id).await, (State::Delayed, 0));
    match museum.sync.held() {
        Some(_) => Held,
        None => Uncharged,
    }
}

#[tokio::test(start_paused = true)]
async fn every_row_becomes_what_the_table_says() {
    for (code, becomes) in ROWS {
        assert_eq!(after_one_try(code, "").await, *becomes, "{code}");
    }
    for (code, message, becomes) in MESSAGES {
        assert_eq!(
            after_one_try(code, message).await,
            *becomes,
            "{code}: {message}"
        );
    }
}

/// Codes that share their class with others.
#[tokio::test(start_paused = true)]
async fn every_other_code_becomes_what_its_class_says() {
    let others = retry::codes().filter(|code| ROWS.iter().all(|(row, _)| row != code));
    for code in others {
        let becomes = match retry::verdict(code, "") {
            Verdict::Permanent => Dead,
            Verdict::OrgWide => Held,
            Verdict::Mapping | Verdict::Full => PartHeld,
            Verdict::Innocent | Verdict::Limit => Uncharged,
            Verdict::Transient | Verdict::Lock => Charged,
            other => panic!("{code} is {other:?}: it needs a row of its own"),
        };
        assert_eq!(after_one_try(code, "").await, becomes, "{code}");
    }
}

/// What Salesforce says of a call as a whole.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_refused_becomes_what_the_table_says() {
    let cases = [
        (403, "REQUEST_LIMIT_EXCEEDED", Held),
        (403, "API_DISABLED_FOR_ORG", Held),
        (401, "INVALID_SESSION_ID", Held),
        (404, "INVALID_TYPE", PartHeld),
        (404, "NOT_FOUND", PartHeld),
        (403, "STORAGE_LIMIT_EXCEEDED", PartHeld),
        (500, "SERVER_UNAVAILABLE", Held),
        // With one record it can be that record.
        (500, "UNKNOWN_EXCEPTION", Charged),
        (400, "REQUEST_RUNNING_TOO_LONG", Charged),
        (503, "REQUEST_RUNNING_TOO_LONG", Charged),
        (400, "JSON_PARSER_ERROR", Dead),
        (409, "SOMETHING_NEW", Charged),
    ];
    for (status, code, becomes) in cases {
        let museum = Museum::new(Setup {
            works: false,
            ..Setup::default()
        });
        let kind = FaultKind::RefuseCall {
            status,
            code: code.to_owned(),
            message: String::new(),
            with: None,
        };
        museum.fault(WRITES, None, kind);
        museum.people(1).await;
        let item = museum.step().await.remove(0);
        let became = match museum.state(item.id).await {
            (State::Dead, _) => Dead,
            (State::Delayed, 1) => Charged,
            (State::Delayed, 0) if museum.sync.held().is_some() => Held,
            (State::Delayed, 0) if !museum.sync.holds().is_empty() => PartHeld,
            other => panic!("{status} {code}: {other:?}"),
        };
        assert_eq!(became, becomes, "{status} {code}");
    }
}

/// What comes between, and what Ticketure says.
#[tokio::test(start_paused = true)]
async fn nobody_is_charged_for_an_outage() {
    for kind in [
        FaultKind::Unavailable,
        FaultKind::Status { status: 502 },
        FaultKind::LostAfterCommit,
        FaultKind::LostBeforeCommit,
    ] {
        let museum = Museum::new(Setup {
            works: false,
            ..Setup::default()
        });
        museum.fault(WRITES, None, kind.clone());
        museum.people(3).await;
        for item in museum.step().await {
            assert_eq!(museum.state(item.id).await, (State::Delayed, 0), "{kind:?}");
        }
        assert!(museum.sync.held().is_some());
    }
}
