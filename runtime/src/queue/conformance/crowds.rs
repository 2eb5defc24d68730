//! Many at once: wakes and prunes in slices, long tails behind one item, locks, and what never comes.

use super::*;

fn waiting_for(count: usize, key: &str) -> Vec<NewItem> {
    (0..count)
        .map(|number| new_item(&format!("{key}-{number}")))
        .collect()
}

async fn park_all(bench: &Bench, key: &str) -> Vec<i64> {
    let items = bench.store.claim(10_000, 1_000).await.unwrap();
    let settlements = items
        .iter()
        .map(|item| settlement(item, park(key)))
        .collect();
    bench.store.settle(settlements).await.unwrap();
    items.iter().map(|item| item.id).collect()
}

#[tokio::test]
async fn five_thousand_children_wake_in_slices_and_in_order() {
    let bench = Bench::new();
    bench.enqueue(waiting_for(5_000, "child")).await;
    let ids = park_all(&bench, "account:i-9").await;
    assert_eq!(ids.len(), 5_000);
    let woken = bench.store.put_links(vec![link("i-9", "001")]).await;
    assert_eq!(woken.unwrap(), 2_000);
    assert_eq!(bench.store.status().await.unwrap().parked, 3_000);
    // There is more to do at once, whatever the time.
    assert_eq!(bench.store.next_due().await.unwrap(), Some(0));
    let mut order = Vec::new();
    for _ in 0..4 {
        let items = bench.store.claim(2_000, 1_000).await.unwrap();
        order.extend(items.iter().map(|item| item.id));
    }
    assert_eq!(order, ids);
    assert_eq!(bench.store.next_due().await.unwrap(), None);
}

#[tokio::test]
async fn a_child_that_comes_while_its_siblings_wake_does_not_wait() {
    let bench = Bench::new();
    bench.enqueue(waiting_for(2_500, "child")).await;
    park_all(&bench, "account:i-9").await;
    let late = bench.enqueue(new_items(&["late"])).await;
    let item = bench.claim().await.remove(0);
    assert_eq!(item.id, late[0]);
    bench
        .store
        .put_links(vec![link("i-9", "001")])
        .await
        .unwrap();
    assert_eq!(bench.settle(&item, park("account:i-9")).await.woken, 1);
}

#[tokio::test]
async fn a_long_tail_is_set_aside_and_comes_back_in_order() {
    let bench = Bench::new();
    let mut items = vec![new_item("hot"); 15_000];
    items.push(new_item("other"));
    bench.enqueue(items).await;
    let head = bench.store.claim(1, 1_000).await.unwrap().remove(0);
    bench.settle(&head, retry_at(5_000, true)).await;
    // Each claim sets some aside, until the other lane is reached.
    let mut other = Vec::new();
    for _ in 0..5 {
        other.extend(bench.claim().await);
    }
    assert_eq!(other.len(), 1);
    assert_eq!(other[0].lane, "other");
    bench.settle(&other[0], Outcome::Done).await;
    let status = bench.store.status().await.unwrap();
    assert!(status.parked >= 2_000, "{status:?}");
    // One that comes later stays behind them.
    bench.enqueue(new_items(&["hot"])).await;
    let mut seen = Vec::new();
    for round in 0..2_000 {
        let items = bench.store.claim(1_500, 5_000).await.unwrap();
        let settlements = items
            .iter()
            .map(|item| settlement(item, Outcome::Done))
            .collect();
        seen.extend(items.iter().map(|item| item.id));
        bench.store.settle(settlements).await.unwrap();
        if seen.len() == 15_001 {
            break;
        }
        assert!(round < 1_000, "stuck at {}", seen.len());
    }
    assert!(seen.is_sorted());
    assert_eq!(bench.store.status().await.unwrap().done, 15_002);
}

#[tokio::test]
async fn what_brings_the_awaited_record_overtakes() {
    let bench = Bench::new();
    let account = |lane: &str, key: &str| NewItem {
        mapping: Some("account".into()),
        key: key.into(),
        ..new_item(lane)
    };
    bench.enqueue(new_items(&["a"])).await;
    let child = bench.claim().await.remove(0);
    bench.settle(&child, park("account:i-9")).await;
    let items = vec![account("a", "i-8"), account("a", "i-9"), new_item("a")];
    let ids = bench.enqueue(items).await;
    let mother = bench.claim().await.remove(0);
    assert_eq!(mother.id, ids[1]);
    // While that waits for something else itself, nobody passes it.
    bench.settle(&mother, park("account:i-7")).await;
    bench.enqueue(vec![account("a", "i-9")]).await;
    assert!(bench.claim().await.is_empty());
}

#[tokio::test]
async fn what_was_set_aside_still_overtakes() {
    let bench = Bench::new();
    let mut items = vec![new_item("hot"); 15_000];
    items.push(NewItem {
        mapping: Some("account".into()),
        key: "i-9".into(),
        ..new_item("hot")
    });
    bench.enqueue(items).await;
    let head = bench.store.claim(1, 1_000).await.unwrap().remove(0);
    bench.settle(&head, retry_at(5_000, true)).await;
    for _ in 0..6 {
        assert!(bench.claim().await.is_empty());
    }
    let head = bench.store.claim(1, 5_000).await.unwrap().remove(0);
    bench.settle(&head, park("account:i-9")).await;
    assert_eq!(bench.claim_ids().await, [15_001]);
}

#[tokio::test]
async fn what_was_set_aside_behind_a_running_item_is_let_pass_when_that_is_done() {
    let bench = Bench::new();
    let mut items = new_items(&["crowd", "hot", "hot"]);
    items.extend(vec![new_item("crowd"); 9_000]);
    items.push(NewItem {
        mapping: Some("account".into()),
        key: "i-9".into(),
        ..new_item("hot")
    });
    items.extend(vec![new_item("crowd"); 1_500]);
    let ids = bench.enqueue(items).await;
    let taken = bench.store.claim(3, 1_000).await.unwrap();
    assert_eq!(taken.len(), 3);
    let mother = ids[9_003];
    // The one waits for what comes behind both; the other runs on, so that nobody may pass it yet.
    bench.settle(&taken[1], park("account:i-9")).await;
    assert!(bench.claim().await.is_empty());
    assert_eq!(bench.view(mother).await.state, State::Parked);
    bench.settle(&taken[2], Outcome::Done).await;
    assert_eq!(bench.claim_ids().await, [mother]);
}

#[tokio::test]
async fn calls_in_flight_share_no_lock() {
    let bench = Bench::new();
    let child = |source_id: &str, destination_id: &str, lock: &str| Link {
        mapping: "contact".into(),
        lock: lock.into(),
        ..link(source_id, destination_id)
    };
    let links = vec![
        child("a", "003a", "001x"),
        child("b", "003b", "001x"),
        child("c", "003c", "001y"),
        // The parent itself.
        link("x", "001x"),
    ];
    bench.store.put_links(links).await.unwrap();
    let mut items = new_items(&["a", "b", "b", "c"]);
    items.push(NewItem {
        mapping: Some("account".into()),
        ..new_item("x")
    });
    bench.enqueue(items).await;
    let first = bench.store.claim(1, 1_000).await.unwrap().remove(0);
    // b's lock and the record x are a's call's; c goes.
    assert_eq!(bench.claim_ids().await, [4]);
    bench.settle(&first, Outcome::Done).await;
    assert_eq!(bench.claim_ids().await, [2, 3, 5]);
}

#[tokio::test]
async fn what_never_arrives_is_dead_with_its_chain_and_comes_back_when_it_does() {
    let bench = Bench::with(StoreOptions {
        keep: Keep {
            parked_ms: 100,
            ..Keep::default()
        },
        ..StoreOptions::default()
    });
    let account = NewItem {
        mapping: Some("account".into()),
        key: "i-8".into(),
        ..new_item("account")
    };
    bench.enqueue(vec![new_item("child"), account]).await;
    let items = bench.claim().await;
    bench.settle(&items[0], park("account:i-8")).await;
    bench.settle(&items[1], park("account:i-9")).await;
    assert_eq!(bench.store.next_due().await.unwrap(), Some(1_100));
    assert!(bench.store.claim(10, 1_100).await.unwrap().is_empty());
    let errors = bench.store.errors(10).await.unwrap();
    let child = errors.iter().find(|failed| failed.id == 1).unwrap();
    assert_eq!(child.error.code, "NEVER_ARRIVED");
    assert_eq!(
        child.error.message,
        "it waits for account i-8, which waits for account i-9, which never arrived"
    );
    assert!(child.error.help.contains("account i-9"));
    let woken = bench.store.put_links(vec![link("i-9", "009")]).await;
    assert_eq!(woken.unwrap(), 1);
    assert_eq!(bench.claim_ids().await, [2]);
    assert_eq!(bench.store.status().await.unwrap().dead, 1);
}

#[tokio::test]
async fn what_waits_for_a_cart_that_was_never_sold_is_told_so() {
    let bench = Bench::with(StoreOptions {
        keep: Keep {
            parked_ms: 100,
            ..Keep::default()
        },
        ..StoreOptions::default()
    });
    let row = TreeRow {
        tree: "cart".into(),
        root: "c-1".into(),
        payload_type: "cart_changed".into(),
        id: "c-1".into(),
        arrived: 0,
        row: "{}".into(),
        subject: None,
    };
    bench.store.keep_rows(vec![row]).await.unwrap();
    bench.enqueue(vec![new_item("term")]).await;
    let items = bench.claim().await;
    bench.settle(&items[0], park("cart:c-1")).await;
    assert!(bench.store.claim(10, 1_100).await.unwrap().is_empty());
    let errors = bench.store.errors(10).await.unwrap();
    assert_eq!(
        errors[0].error.message,
        "it waits for cart c-1, of which there are rows and no record in Salesforce"
    );
    assert!(errors[0].error.help.contains("usher explain c-1"));
}

#[tokio::test]
async fn a_lane_waits_once_for_what_never_arrives() {
    let bench = Bench::with(StoreOptions {
        keep: Keep {
            parked_ms: 100,
            ..Keep::default()
        },
        ..StoreOptions::default()
    });
    bench.enqueue(new_items(&["cart", "cart"])).await;
    let first = bench.store.claim(1, 1_000).await.unwrap().remove(0);
    bench.settle(&first, park("account:i-9")).await;
    // The first item's waiting time is over, so its lane goes on with the second.
    let second = bench.store.claim(10, 1_100).await.unwrap().remove(0);
    bench.settle(&second, park("account:i-9")).await;
    assert!(bench.store.claim(10, 1_100).await.unwrap().is_empty());
    let status = bench.store.status().await.unwrap();
    assert_eq!((status.parked, status.dead), (0, 2));
    let woken = bench.store.put_links(vec![link("i-9", "009")]).await;
    assert_eq!(woken.unwrap(), 2);
    // For another key the full waiting time applies again.
    let again = bench.store.claim(1, 1_100).await.unwrap().remove(0);
    bench.settle(&again, park("account:i-8")).await;
    assert_eq!(bench.store.status().await.unwrap().parked, 1);
}

#[tokio::test]
async fn a_ticket_before_its_cart_has_the_reason_of_the_cart() {
    let bench = Bench::with(StoreOptions {
        keep: Keep {
            parked_ms: 100,
            ..Keep::default()
        },
        ..StoreOptions::default()
    });
    let of_cart = || NewItem {
        mapping: Some("cart".into()),
        key: "c-1".into(),
        ..new_item("c-1")
    };
    bench.enqueue(vec![of_cart(), of_cart()]).await;
    let ticket = bench.store.claim(1, 1_000).await.unwrap().remove(0);
    bench.settle(&ticket, park("cart:c-1")).await;
    let cart = bench.store.claim(1, 1_000).await.unwrap().remove(0);
    bench.settle(&cart, park("contact:i-9")).await;
    assert!(bench.store.claim(10, 1_100).await.unwrap().is_empty());
    let errors = bench.store.errors(10).await.unwrap().into_iter();
    let said: Vec<String> = errors.map(|failed| failed.error.message).collect();
    let reason = "it waits for contact i-9, which never arrived";
    assert_eq!(said, [reason, reason]);
}

#[tokio::test]
async fn what_waits_for_a_person_waits_on() {
    let bench = Bench::with(StoreOptions {
        keep: Keep {
            parked_ms: 100,
            ..Keep::default()
        },
        ..StoreOptions::default()
    });
    bench.enqueue(new_items(&["child"])).await;
    let item = bench.claim().await.remove(0);
    let review = Review {
        mapping: "contact".into(),
        source_id: "child".into(),
        ..Review::default()
    };
    bench.store.add_review(review).await.unwrap();
    bench.settle(&item, park("contact:child")).await;
    assert!(bench.store.claim(10, 5_000).await.unwrap().is_empty());
    assert_eq!(bench.store.status().await.unwrap().parked, 1);
}

#[tokio::test]
async fn what_is_old_goes_in_slices_and_what_is_new_stays() {
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(std::sync::atomic::AtomicI64::new(1_000));
    let clock = now.clone();
    let options = StoreOptions {
        event_log: true,
        keep: Keep {
            done_ms: 10_000,
            events_ms: 50_000,
            events_bytes: 1_000,
            ..Keep::default()
        },
        ..StoreOptions::default()
    };
    let time: Now = Arc::new(move || clock.load(std::sync::atomic::Ordering::Relaxed));
    let store = Store::open_with_time(path(&folder), options, time).unwrap();
    let delivered = |number: usize| NewItem {
        dedupe: Some(format!("e-{number}")),
        ..new_item(&number.to_string())
    };
    for batch in 0..3 {
        let items = (batch * 1_000..(batch + 1) * 1_000)
            .map(delivered)
            .collect();
        store.enqueue(items).await.unwrap();
    }
    let items = store.claim(3_000, 1_000).await.unwrap();
    let settlements = items.iter().map(|item| settlement(item, Outcome::Done));
    store.settle(settlements.collect()).await.unwrap();
    // Nothing is old; the event log is too large, and 125 payloads of 8 bytes are left of it.
    while store.prune().await.unwrap() > 0 {}
    assert_eq!(store.events(5_000).await.unwrap().len(), 125);
    assert!(store.item(1).await.unwrap().is_some());
    assert_eq!(repeated(&store, delivered(0)).await, 1);
    now.store(20_000, std::sync::atomic::Ordering::Relaxed);
    let mut slices = 0;
    while store.prune().await.unwrap() > 0 {
        slices += 1;
    }
    assert!(slices >= 2);
    assert!(store.item(1).await.unwrap().is_none());
    // A repeat after so long is a delivery.
    assert_eq!(repeated(&store, delivered(0)).await, 0);
    assert!(!store.events(5_000).await.unwrap().is_empty());
    now.store(90_000, std::sync::atomic::Ordering::Relaxed);
    while store.prune().await.unwrap() > 0 {}
    assert!(store.events(5_000).await.unwrap().is_empty());
}

async fn repeated(store: &Store, item: NewItem) -> usize {
    store.enqueue(vec![item]).await.unwrap().duplicates
}
