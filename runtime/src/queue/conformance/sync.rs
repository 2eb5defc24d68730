//! Two-way sync's part: what is captured, intended, gated and buried.

use super::*;

fn changed(key: &str, payload: &str) -> NewItem {
    NewItem {
        mapping: Some("contact".into()),
        payload_type: SALESFORCE_CHANGED.into(),
        lane: format!("sf:{key}"),
        key: key.into(),
        payload: payload.into(),
        ..NewItem::default()
    }
}

fn contact(source_id: &str, destination_id: &str) -> Link {
    Link {
        mapping: "contact".into(),
        ..link(source_id, destination_id)
    }
}

fn captured(items: Vec<NewItem>) -> Captured {
    Captured {
        items,
        cursor: Some(("salesforce:contact".into(), "7".into())),
        ..Captured::default()
    }
}

#[tokio::test]
async fn the_same_change_waits_once_and_the_cursor_comes_with_it() {
    let bench = Bench::new();
    let store = &bench.store;
    let one = captured(vec![changed("003A", "{\"a\":1}")]);
    assert_eq!(store.capture(one.clone()).await.unwrap(), 1);
    assert_eq!(store.capture(one).await.unwrap(), 0);
    let other = captured(vec![changed("003A", "{\"a\":2}")]);
    assert_eq!(store.capture(other).await.unwrap(), 1);
    assert_eq!(
        store.cursor("salesforce:contact").await.unwrap().as_deref(),
        Some("7")
    );
}

#[tokio::test]
async fn linking_makes_one_lane_of_two() {
    let bench = Bench::new();
    let store = &bench.store;
    store
        .capture(captured(vec![changed("003A", "{}")]))
        .await
        .unwrap();
    let linked = Link {
        lane: "i-1".into(),
        ..contact("i-1", "003A")
    };
    store.put_links(vec![linked]).await.unwrap();
    let items = store.claim(10, 1_000).await.unwrap();
    assert_eq!(items[0].lane, "i-1");
    // What comes later is in that lane at once.
    store
        .capture(captured(vec![changed("003A", "{\"b\":1}")]))
        .await
        .unwrap();
    let done = vec![settlement(&items[0], Outcome::Done)];
    store.settle(done).await.unwrap();
    assert_eq!(store.claim(10, 1_000).await.unwrap()[0].lane, "i-1");
}

#[tokio::test]
async fn an_intent_is_there_until_its_outcome_is_known() {
    let bench = Bench::new();
    let store = &bench.store;
    let key = IntentKey {
        mapping: "contact".into(),
        key: "i-1".into(),
        side: Side::Source,
    };
    let intent = Intent {
        key: key.clone(),
        kind: "update",
        fields: "{}".into(),
        repeat: Repeat::AbsoluteState,
        made_at_ms: 0,
    };
    store
        .begin(vec![intent], Vec::new(), Vec::new())
        .await
        .unwrap();
    let open_ones = store.intents("contact", vec!["i-1".into()]).await.unwrap();
    assert_eq!(open_ones[0].key, key);
    assert_eq!(store.status().await.unwrap().open_intents, 1);
    store
        .capture(captured(vec![changed("003A", "{}")]))
        .await
        .unwrap();
    let item = store.claim(1, 1_000).await.unwrap().remove(0);
    let mut closing = settlement(&item, Outcome::Done);
    closing.closes.push(key);
    store.settle(vec![closing]).await.unwrap();
    assert!(
        store
            .intents("contact", vec!["i-1".into()])
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_gate_shows_its_latest_reason_and_goes() {
    let bench = Bench::new();
    let store = &bench.store;
    let note = |held| GateNote {
        mapping: "contact".into(),
        destination_id: "003A".into(),
        held,
    };
    for (held, reasons) in [
        (Some(("incomplete", "Email".to_owned())), vec!["Email"]),
        (
            Some(("incomplete", "LastName".to_owned())),
            vec!["LastName"],
        ),
        (None, vec![]),
    ] {
        let gates = vec![note(held)];
        store
            .capture(Captured {
                gates,
                ..Captured::default()
            })
            .await
            .unwrap();
        let gated = store.gated(None).await.unwrap();
        assert_eq!(
            gated
                .iter()
                .map(|gated| gated.reason.as_str())
                .collect::<Vec<_>>(),
            reasons
        );
    }
}

#[tokio::test]
async fn another_pair_may_take_over_the_record_of_one_that_is_buried() {
    let bench = Bench::new();
    let store = &bench.store;
    store.put_links(vec![contact("i-1", "003A")]).await.unwrap();
    store
        .capture(captured(vec![changed("003A", "{}")]))
        .await
        .unwrap();
    let item = store.claim(1, 1_000).await.unwrap().remove(0);
    let mut settled = settlement(&item, Outcome::Done);
    settled.link = Some(contact("i-2", "003A"));
    settled.tombstone = Some(Tombstone {
        mapping: "contact".into(),
        source_id: "i-1".into(),
        destination_id: "003A".into(),
        side: Side::Source,
        deleted_at_ms: 5,
        merged_into: Some("i-2".into()),
    });
    assert_eq!(store.settle(vec![settled]).await.unwrap().conflicts, 0);
    let links = store
        .links_by_destination("contact", vec!["003A".into()])
        .await
        .unwrap();
    assert_eq!(links["003A"].source_id, "i-2");
    let buried = store
        .tombstones("contact", Side::Source, vec!["i-1".into()])
        .await
        .unwrap();
    assert_eq!(buried[0].merged_into.as_deref(), Some("i-2"));
}

#[tokio::test]
async fn what_was_seen_does_not_overwrite_what_a_worker_knows() {
    let bench = Bench::new();
    let store = &bench.store;
    let old = Link {
        base: "old".into(),
        ..contact("i-1", "003A")
    };
    store.put_links(vec![old.clone()]).await.unwrap();
    let seen = |before: &str| Captured {
        seen: vec![(
            Link {
                base: "seen".into(),
                ..old.clone()
            },
            before.to_owned(),
        )],
        ..Captured::default()
    };
    let base = async || {
        let links = store.links("contact", vec!["i-1".into()]).await.unwrap();
        links["i-1"].base.clone()
    };
    store.capture(seen("other")).await.unwrap();
    assert_eq!(base().await, "old");
    store.capture(seen("old")).await.unwrap();
    assert_eq!(base().await, "seen");
}

#[tokio::test]
async fn a_store_in_memory_forgets_who_was_at_work() {
    let store = Store::in_memory(StoreOptions::default(), std::sync::Arc::new(|| 5)).unwrap();
    store
        .capture(captured(vec![changed("003A", "{}")]))
        .await
        .unwrap();
    let first = store.claim(1, 5).await.unwrap().remove(0);
    assert!(store.claim(1, 5).await.unwrap().is_empty());
    store.released().unwrap();
    let second = store.claim(1, 5).await.unwrap().remove(0);
    // The one that was killed has nothing to say any more.
    let late = store
        .settle(vec![settlement(&first, Outcome::Done)])
        .await
        .unwrap();
    assert_eq!((late.stale, second.id), (1, first.id));
}

#[tokio::test]
async fn a_tombstone_is_kept_for_four_hundred_days() {
    let day_ms = 24 * 3_600_000;
    let now = Arc::new(std::sync::atomic::AtomicI64::new(day_ms));
    let clock = now.clone();
    let time = Arc::new(move || clock.load(std::sync::atomic::Ordering::Relaxed));
    let store = Store::in_memory(StoreOptions::default(), time).unwrap();
    store.enqueue(vec![new_item("i-1")]).await.unwrap();
    let item = store.claim(1, day_ms).await.unwrap().remove(0);
    let mut settled = settlement(&item, Outcome::Done);
    settled.tombstone = Some(Tombstone {
        mapping: "contact".into(),
        source_id: "i-1".into(),
        destination_id: "003A".into(),
        side: Side::Source,
        deleted_at_ms: day_ms,
        merged_into: None,
    });
    store.settle(vec![settled]).await.unwrap();
    for (day, left) in [(400, 1), (402, 0)] {
        now.store(day * day_ms, std::sync::atomic::Ordering::Relaxed);
        store.sweep().await.unwrap();
        let kept = store.tombstones("contact", Side::Source, vec!["i-1".into()]);
        assert_eq!(kept.await.unwrap().len(), left, "day {day}");
    }
}
