//! Webhooks that no mapping takes: ignored ones are counted, others are one line for each type and go in time.

use std::sync::atomic::{AtomicI64, Ordering};

use super::*;

fn unknown(number: usize, payload_type: &str) -> NewItem {
    let error = ErrorRecord {
        code: "unknown".to_owned(),
        message: format!("no mapping takes {payload_type}"),
        group: Some(format!("{UNKNOWN_WEBHOOK}{payload_type}")),
        ..ErrorRecord::default()
    };
    NewItem {
        mapping: None,
        payload_type: payload_type.to_owned(),
        key: String::new(),
        payload: format!("{{\"n\":{number}}}"),
        word: Word::Unknown {
            error,
            asked: false,
        },
        ..NewItem::default()
    }
}

#[tokio::test]
async fn a_type_is_one_line_and_goes_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(1_000));
    let clock = now.clone();
    let options = StoreOptions {
        queue_limit: 10,
        keep: Keep {
            done_ms: 10_000,
            ..Keep::default()
        },
        ..StoreOptions::default()
    };
    let time: Now = Arc::new(move || clock.load(Ordering::Relaxed));
    let store = Store::open_with_time(path(&folder), options, time).unwrap();
    for number in 0..40 {
        let event_type = ["session_changed", "gate_opened"][number % 2];
        let items = vec![unknown(number, event_type)];
        assert_eq!(store.enqueue(items).await.unwrap().accepted.len(), 1);
    }
    let errors = store.errors(100).await.unwrap();
    let lines: Vec<(&str, u64)> = errors
        .iter()
        .map(|line| (line.payload_type.as_str(), line.count))
        .collect();
    assert_eq!(lines, [("gate_opened", 20), ("session_changed", 20)]);
    let kept = NewItem {
        reason: Some("id is missing".into()),
        ..new_item("b")
    };
    let kept = store.enqueue(vec![kept]).await.unwrap().accepted[0];
    now.store(20_000, Ordering::Relaxed);
    while store.prune().await.unwrap() > 0 {}
    let status = store.status().await.unwrap();
    assert_eq!((status.dead, status.expired), (1, 40));
    assert_eq!(store.errors(100).await.unwrap()[0].id, kept);
}

#[tokio::test]
async fn an_ignored_item_is_counted_alone() {
    let bench = Bench::new();
    let ignored = NewItem {
        word: Word::Ignored,
        ..unknown(1, "session_changed")
    };
    let enqueued = bench.store.enqueue(vec![ignored, new_item("a")]).await;
    let enqueued = enqueued.unwrap();
    assert_eq!((enqueued.accepted.len(), enqueued.ignored), (1, 1));
    bench.store.count_refused().await.unwrap();
    let status = bench.store.status().await.unwrap();
    assert_eq!((status.ready, status.dead), (1, 0));
    assert_eq!((status.ignored, status.refused), (1, 1));
}

#[tokio::test]
async fn an_empty_payload_is_done_with_its_reason() {
    let bench = Bench::new();
    let empty = NewItem {
        reason: Some("the payload has no rows".to_owned()),
        word: Word::Nothing,
        ..new_item("a")
    };
    let id = bench.enqueue(vec![empty]).await[0];
    let item = bench.store.item(id).await.unwrap().unwrap();
    assert_eq!(item.state, State::Done);
    assert_eq!(item.history[0].detail, "the payload has no rows");
}

#[tokio::test]
async fn what_did_not_fit_is_routed_anew_when_it_is_sent_back() {
    let bench = Bench::new();
    let unfit = |payload_type: &str| NewItem {
        payload_type: payload_type.to_owned(),
        reason: Some("there are no rows".into()),
        ..new_item(payload_type)
    };
    bench
        .enqueue(vec![unfit("identity_changed"), unfit(SALESFORCE_CHANGED)])
        .await;
    assert_eq!(bench.store.retry(Which::All).await.unwrap(), 2);
    let claimed = bench.claim().await;
    let mappings: Vec<bool> = claimed.iter().map(|item| item.mapping.is_some()).collect();
    assert_eq!(mappings, [false, true]);
}
