//! Trees that are to be asked for at some time.

use super::*;

const MINUTE_MS: i64 = 60_000;

impl Bench {
    async fn ask_at(&self, root: &str, at_ms: i64) {
        let roots = vec![root.to_owned()];
        self.store.ask_at("cart", roots, at_ms).await.unwrap();
    }

    async fn waiting_roots(&self) -> Vec<String> {
        let waits = self.store.to_be_asked().await.unwrap();
        waits.into_iter().map(|(_, root)| root).collect()
    }
}

#[tokio::test]
async fn a_tree_is_asked_for_once_when_its_time_has_come() {
    let bench = Bench::new();
    bench.ask_at("c-1", -MINUTE_MS).await;
    bench.ask_at("c-1", -MINUTE_MS - 1).await;
    bench.ask_at("c-2", MINUTE_MS).await;
    assert_eq!(bench.store.sweep().await.unwrap(), 1);
    let items = bench.claim().await;
    let said: Vec<_> = items
        .iter()
        .map(|item| {
            (
                item.payload_type.as_str(),
                item.key.as_str(),
                item.payload.as_str(),
            )
        })
        .collect();
    assert_eq!(said, [(TREE_AGAIN, "c-1", ASK)]);
    assert_eq!(bench.store.sweep().await.unwrap(), 0);
    let bench = bench.reopen();
    assert_eq!(bench.waiting_roots().await, ["c-2"]);
}

#[tokio::test]
async fn a_full_queue_takes_what_follows_from_its_own() {
    let bench = Bench::with(StoreOptions {
        queue_limit: 1,
        ..StoreOptions::default()
    });
    bench.ask_at("c-1", -MINUTE_MS).await;
    bench.enqueue(new_items(&["a"])).await;
    let refused = bench.store.enqueue(new_items(&["b"])).await;
    assert!(matches!(refused, Err(StoreError::QueueFull { .. })));
    assert_eq!(bench.store.sweep().await.unwrap(), 1);
    let added = bench.store.add(new_items(&["c"])).await.unwrap();
    assert_eq!(added.accepted.len(), 1);
    let keys: Vec<String> = bench
        .claim()
        .await
        .into_iter()
        .map(|item| item.key)
        .collect();
    assert_eq!(keys, ["a", "c-1", "c"]);
}

#[tokio::test]
async fn rows_of_a_tree_come_in_the_order_of_their_first_arrival() {
    let bench = Bench::new();
    let row = |id: &str, arrived| TreeRow {
        tree: "cart".into(),
        root: "c-1".into(),
        payload_type: "ticket_audit".into(),
        id: id.into(),
        arrived,
        row: "{}".into(),
        subject: None,
    };
    let rows = vec![row("a", 7), row("b", 3), row("c", 5), row("b", 9)];
    assert_eq!(bench.store.keep_rows(rows).await.unwrap(), 3);
    let bench = bench.reopen();
    let roots = vec!["c-1".to_owned()];
    let kept = bench.store.tree_rows("cart", roots).await.unwrap();
    let ids: Vec<_> = kept.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, ["b", "c", "a"]);
}

#[tokio::test]
async fn a_tree_looks_again_with_the_settlement_of_what_it_waits_for() {
    let bench = Bench::new();
    let wait = TreeWait {
        key: "kin of i-1".to_owned(),
        tree: "cart".to_owned(),
        root: "c-1".to_owned(),
    };
    bench.store.keep_waits(vec![wait]).await.unwrap();
    bench.enqueue(new_items(&["i-1"])).await;
    let item = bench.claim().await.remove(0);
    let mut settlement = settlement(&item, Outcome::Done);
    settlement.wakes = vec!["kin of i-1".to_owned(), "kin of i-2".to_owned()];
    // A settlement that comes too late has written the record all the same.
    settlement.attempt += 1;
    bench.store.settle(vec![settlement]).await.unwrap();
    let bench = bench.reopen();
    let woken = bench.claim().await;
    let woken: Vec<&str> = woken
        .iter()
        .map(|item| item.payload_type.as_str())
        .collect();
    assert!(woken.contains(&TREE_AGAIN), "{woken:?}");
}
