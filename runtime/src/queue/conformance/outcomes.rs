//! What becomes of items: done, parked, delayed, dead, and back again.

use super::*;

#[tokio::test]
async fn a_second_delivery_is_counted_and_dropped_even_after_the_first_is_done() {
    let bench = Bench::new();
    let mut item = new_item("a");
    item.dedupe = Some("event-1".into());
    let first = bench
        .store
        .enqueue(vec![item.clone(), item.clone()])
        .await
        .unwrap();
    assert_eq!((first.accepted.len(), first.duplicates), (1, 1));
    let claimed = bench.claim().await.remove(0);
    bench.settle(&claimed, Outcome::Done).await;
    let second = bench.store.enqueue(vec![item]).await.unwrap();
    assert_eq!((second.accepted.len(), second.duplicates), (0, 1));
    let status = bench.store.status().await.unwrap();
    assert_eq!((status.done, status.duplicates, status.ready), (1, 2, 0));
    assert_eq!(status.oldest_age_ms, None);
}

#[tokio::test]
async fn a_full_queue_takes_nothing_of_a_request() {
    let bench = Bench::with(StoreOptions {
        queue_limit: 2,
        ..StoreOptions::default()
    });
    bench.enqueue(new_items(&["a"])).await;
    let refused = bench.store.enqueue(new_items(&["b", "c"])).await;
    assert!(matches!(
        refused,
        Err(StoreError::QueueFull {
            waiting: 1,
            limit: 2
        })
    ));
    assert_eq!(bench.store.status().await.unwrap().ready, 1);
    bench.enqueue(new_items(&["b"])).await;
}

#[tokio::test]
async fn what_nobody_can_process_is_kept_and_shown() {
    let bench = Bench::new();
    let unknown = NewItem {
        mapping: None,
        reason: Some("no such type".into()),
        ..new_item("a")
    };
    let unfit = NewItem {
        reason: Some("id is missing".into()),
        ..new_item("b")
    };
    let ids = bench.enqueue(vec![unknown, unfit]).await;
    assert!(bench.claim_ids().await.is_empty());
    let errors = bench.store.errors(10).await.unwrap();
    let seen: Vec<_> = errors
        .iter()
        .map(|e| (e.error.code.as_str(), e.error.message.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("does_not_fit", "id is missing"),
            ("unknown", "no such type")
        ]
    );
    assert_eq!(bench.store.retry(Which::One(ids[0])).await.unwrap(), 1);
    assert_eq!(bench.claim().await[0].mapping, None);
}

#[tokio::test]
async fn a_stale_settlement_changes_nothing() {
    let bench = Bench::new();
    bench.enqueue(new_items(&["a"])).await;
    let old = bench.claim().await.remove(0);
    let bench = bench.reopen();
    let new = bench.claim().await.remove(0);
    assert_eq!((old.attempt, new.attempt), (1, 2));
    let mut late = settlement(&old, Outcome::Done);
    late.link = Some(link("i-9", "001"));
    assert_eq!(bench.store.settle(vec![late]).await.unwrap().stale, 1);
    assert!(
        bench
            .store
            .links("account", vec!["i-9".into()])
            .await
            .unwrap()
            .is_empty()
    );
    let twice = vec![settlement(&new, Outcome::Done), settlement(&new, dead())];
    assert_eq!(bench.store.settle(twice).await.unwrap().stale, 1);
    assert_eq!(bench.settle(&new, Outcome::Done).await.stale, 1);
    assert_eq!(bench.store.status().await.unwrap().done, 1);
}

#[tokio::test]
async fn a_link_wakes_its_waiters_in_order() {
    let bench = Bench::new();
    bench.enqueue(new_items(&["a", "b", "c", "school"])).await;
    let items = bench.claim().await;
    bench.settle(&items[1], park("account:i-9")).await;
    bench.settle(&items[0], park("account:i-9")).await;
    bench.settle(&items[2], park("account:i-7")).await;
    let status = bench.store.status().await.unwrap();
    assert_eq!(
        status.parked_by_key,
        [("account:i-9".to_owned(), 2), ("account:i-7".to_owned(), 1)]
    );
    let mut school = settlement(&items[3], Outcome::Done);
    school.link = Some(link("i-9", "001"));
    assert_eq!(bench.store.settle(vec![school]).await.unwrap().woken, 2);
    assert_eq!(bench.claim_ids().await, [1, 2]);
    let history = bench.view(1).await.history;
    let what: Vec<_> = history.iter().map(|line| line.what.as_str()).collect();
    assert_eq!(what, ["parked", "woken"]);
}

#[tokio::test]
async fn nobody_parks_for_what_is_there_or_comes_in_the_same_batch() {
    let bench = Bench::new();
    bench.enqueue(new_items(&["a", "school"])).await;
    let items = bench.claim().await;
    let mut school = settlement(&items[1], Outcome::Done);
    school.link = Some(link("i-9", "001"));
    let both = vec![settlement(&items[0], park("account:i-9")), school];
    assert_eq!(bench.store.settle(both).await.unwrap().woken, 1);
    let again = bench.claim().await.remove(0);
    bench.settle(&again, park("account:i-9")).await;
    assert_eq!(bench.claim_ids().await, [1]);
    assert_eq!(bench.store.sweep().await.unwrap(), 0);
}

#[tokio::test]
async fn a_destination_record_has_one_source() {
    let bench = Bench::new();
    bench
        .store
        .put_links(vec![link("i-1", "001")])
        .await
        .unwrap();
    let refused = bench
        .store
        .put_links(vec![link("i-3", "003"), link("i-2", "001")])
        .await;
    assert!(matches!(refused, Err(StoreError::LinkConflict { .. })));
    assert!(
        bench
            .store
            .links("account", vec!["i-3".into()])
            .await
            .unwrap()
            .is_empty()
    );
    bench.enqueue(new_items(&["a"])).await;
    // Looked at anew once, since another batch may have linked it meanwhile; then it is a person's to mend.
    for _ in 0..2 {
        let item = bench.claim().await.remove(0);
        let mut settlement = settlement(&item, Outcome::Done);
        settlement.link = Some(link("i-2", "001"));
        let settled = bench.store.settle(vec![settlement]).await.unwrap();
        assert_eq!(settled.conflicts, 1);
    }
    assert_eq!(
        bench.store.errors(1).await.unwrap()[0].error.code,
        "link_conflict"
    );
}

#[tokio::test]
async fn links_are_found_from_both_sides_and_replaced() {
    let bench = Bench::new();
    bench
        .store
        .put_links(vec![link("i-1", "001"), link("i-2", "002")])
        .await
        .unwrap();
    let newer = Link {
        base: r#"{"Name":"x"}"#.into(),
        ..link("i-1", "001")
    };
    bench.store.put_links(vec![newer.clone()]).await.unwrap();
    let ids = vec!["i-1".to_owned(), "i-8".to_owned()];
    let found = bench.store.links("account", ids).await.unwrap();
    assert_eq!(found, HashMap::from([("i-1".to_owned(), newer)]));
    let found = bench
        .store
        .links_by_destination("account", vec!["002".into()])
        .await
        .unwrap();
    assert_eq!(found["002"].source_id, "i-2");
}

#[tokio::test]
async fn a_dead_item_comes_back_in_its_old_place() {
    let bench = Bench::new();
    bench.enqueue(new_items(&["a"])).await;
    let item = bench.claim().await.remove(0);
    bench.settle(&item, retry_at(0, true)).await;
    let item = bench.claim().await.remove(0);
    bench.settle(&item, dead()).await;
    bench.enqueue(new_items(&["b"])).await;
    let view = bench.view(1).await;
    assert_eq!((view.state, view.attempts), (State::Dead, 1));
    assert_eq!(
        view.error.unwrap().mapping_line.as_deref(),
        Some("contact.yaml:12")
    );
    assert_eq!(bench.store.retry(Which::All).await.unwrap(), 1);
    assert!(bench.store.errors(9).await.unwrap().is_empty());
    let items = bench.claim().await;
    assert_eq!((items[0].id, items[0].attempts, items[1].id), (1, 0, 2));
}

#[tokio::test]
async fn a_done_item_can_still_be_looked_at() {
    let bench = Bench::with(StoreOptions {
        event_log: true,
        ..StoreOptions::default()
    });
    let mut new = new_item("a");
    new.dedupe = Some("event-1".into());
    bench.store.enqueue(vec![new.clone(), new]).await.unwrap();
    let item = bench.claim().await.remove(0);
    bench.settle(&item, Outcome::Done).await;
    let view = bench.view(1).await;
    assert_eq!(
        (view.state, view.finished_at_ms),
        (State::Done, Some(1_000))
    );
    assert_eq!(view.payload.as_deref(), Some(r#"{"id":1}"#));
    let events = bench.store.events(10).await.unwrap();
    let items: Vec<_> = events.iter().map(|event| event.item_id).collect();
    assert_eq!(items, [None, Some(1)]);
    assert_eq!(bench.store.item(99).await.unwrap(), None);
}

#[tokio::test]
async fn a_review_is_open_until_the_link_is_there() {
    let bench = Bench::new();
    let review = Review {
        mapping: "account".into(),
        source_id: "i-9".into(),
        candidates: vec!["001".into(), "002".into()],
        reason: "same e-mail".into(),
    };
    bench.store.add_review(review.clone()).await.unwrap();
    bench.store.add_review(review.clone()).await.unwrap();
    let open = bench.store.reviews().await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].candidates, review.candidates);
    // The first one makes the pair; of a pair that is there, whatever is asked later is answered the same way.
    for _ in 0..2 {
        let put = bench.store.put_links(vec![link("i-9", "001")]).await;
        put.unwrap();
        assert!(bench.store.reviews().await.unwrap().is_empty());
        bench.store.add_review(review.clone()).await.unwrap();
    }
}
