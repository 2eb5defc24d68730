//! A lane that is slow, or fails, delays no other: what the others wait, by the clock of the simulation.

use serde_json::json;
use simulator::{Fault, FaultKind};

use super::museum::{Museum, WRITES, person};

/// The network of the museum.
const CALL_MS: i64 = 20;
/// How much longer a call with the slow record takes.
const SLOW_MS: u64 = 2_000;
const PEOPLE: usize = 200;
const EVERY: std::time::Duration = std::time::Duration::from_millis(150);
const ROUNDS: usize = 400;
/// People of each tick.
const TOLD: usize = 6;

/// The one in trouble.
const TROUBLED: &str = "i-0";

/// Each tick tells of some people's new numbers, each twentieth of the troubled one's as well. Gives what the others
/// waited, from the webhook to the record, the longest last.
async fn waited_ms(trouble: impl Fn(&str) -> Option<FaultKind>) -> Vec<i64> {
    let museum = Museum::working();
    museum.people(PEOPLE).await;
    museum.settled().await;
    let id = museum.contact(TROUBLED).unwrap()["Id"].clone();
    let id = id.as_str().unwrap();
    if let Some(kind) = trouble(id) {
        museum.simulator.add_fault(Fault {
            method: Some("PATCH".to_owned()),
            ..about(id, kind)
        });
    }
    let mut told = Vec::new();
    for round in 0..ROUNDS {
        let mut rows = Vec::new();
        for other in 0..TOLD {
            let mobile = format!("556 {round} {other}");
            let person = 1 + (round * TOLD + other) % (PEOPLE - 1);
            rows.push(json!({ "id": format!("i-{person}"), "mobile": mobile }));
            told.push((mobile, museum.store.now_ms()));
        }
        if round % 20 == 0 {
            rows.push(json!({ "id": TROUBLED, "mobile": format!("557 {round}") }));
        }
        museum.tell(rows).await;
        tokio::time::sleep(EVERY).await;
    }
    super::museum::pass(30).await;
    let written = museum.simulator.write_log();
    let waited = told.iter().map(|(mobile, at_ms)| {
        let write = written
            .iter()
            .find(|write| write.fields.get("MobilePhone") == Some(&json!(mobile)));
        write.unwrap().at_ms - at_ms
    });
    let mut waited: Vec<i64> = waited.collect();
    waited.sort_unstable();
    waited
}

fn about(text: &str, kind: FaultKind) -> Fault {
    Fault {
        path: Some(WRITES.to_owned()),
        about: Some(text.to_owned()),
        ..Fault::always(kind)
    }
}

fn p99(waited: &[i64]) -> i64 {
    waited[waited.len() * 99 / 100 - 1]
}

/// The promise: 1.2 times what it is without, and one call.
async fn is_kept(call_ms: i64, trouble: impl Fn(&str) -> Option<FaultKind>) {
    let alone = p99(&waited_ms(|_| None).await);
    let beside = p99(&waited_ms(trouble).await);
    assert!(
        beside * 10 <= alone * 12 + call_ms * 10,
        "{beside} ms beside it, {alone} ms without"
    );
}

fn refused(code: &str, id: &str) -> Option<FaultKind> {
    Some(FaultKind::Refuse {
        code: code.to_owned(),
        message: "each time".to_owned(),
        matches: Vec::new(),
        one_in: 1,
        with: Some(("id".to_owned(), json!(id))),
    })
}

#[tokio::test(start_paused = true)]
async fn a_slow_lane_delays_no_other() {
    let call_ms = CALL_MS + SLOW_MS as i64;
    is_kept(call_ms, |_| Some(FaultKind::Slow { ms: SLOW_MS })).await;
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_is_refused_for_good_delays_no_other() {
    is_kept(CALL_MS, |id| {
        refused("FIELD_CUSTOM_VALIDATION_EXCEPTION", id)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_fails_for_now_delays_no_other() {
    is_kept(CALL_MS, |id| refused("UNKNOWN_EXCEPTION", id)).await;
}

/// One call is refused before it is known why; from then on the record goes alone.
#[tokio::test(start_paused = true)]
async fn a_lane_whose_calls_are_refused_as_a_whole_delays_no_other() {
    is_kept(CALL_MS, |id| {
        Some(FaultKind::RefuseCall {
            status: 400,
            code: "JSON_PARSER_ERROR".to_owned(),
            message: "each time".to_owned(),
            with: Some(("id".to_owned(), json!(id))),
        })
    })
    .await;
}

/// Records that meet for the first time: while the creation of one hangs, the others are created.
#[tokio::test(start_paused = true)]
async fn who_is_created_slowly_delays_nobody_else() {
    let museum = Museum::working();
    let hangs = FaultKind::Slow { ms: 20_000 };
    museum.simulator.add_fault(about(TROUBLED, hangs));
    museum.people(1).await;
    super::museum::pass(2).await;
    museum.tell((1..10).map(person)).await;
    super::museum::pass(3).await;
    assert_eq!(museum.contacts(), 9, "all but the slow one");
    museum.settled().await;
    assert_eq!(museum.contacts(), 10);
}
