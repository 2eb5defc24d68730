//! Who is handed out, and when.

use proptest::prelude::*;

use super::*;

#[tokio::test]
async fn the_oldest_come_first_and_a_lane_comes_together() {
    let bench = Bench::new();
    let ids = bench.enqueue(new_items(&["a", "b", "a", "c"])).await;
    let items = bench.store.claim(3, 1_000).await.unwrap();
    assert_eq!(
        items.iter().map(|item| item.id).collect::<Vec<_>>(),
        ids[..3]
    );
    assert_eq!((items[0].attempt, items[0].attempts), (1, 0));
    assert_eq!(items[0].received_at_ms, 1_000);
    assert_eq!(bench.claim_ids().await, ids[3..]);
}

#[tokio::test]
async fn a_lane_in_flight_is_left_alone() {
    let bench = Bench::new();
    bench.enqueue(new_items(&["a"])).await;
    let first = bench.claim().await.remove(0);
    let later = bench.enqueue(new_items(&["a", "b"])).await;
    assert_eq!(bench.claim_ids().await, later[1..]);
    bench.settle(&first, Outcome::Done).await;
    assert_eq!(bench.claim_ids().await, later[..1]);
}

#[tokio::test]
async fn a_delayed_item_holds_those_behind_it_until_it_is_due() {
    let bench = Bench::new();
    bench.enqueue(new_items(&["a"])).await;
    let first = bench.claim().await.remove(0);
    bench.settle(&first, retry_at(5_000, true)).await;
    bench.enqueue(new_items(&["a"])).await;
    assert!(bench.claim_ids().await.is_empty());
    assert_eq!(bench.store.next_due().await.unwrap(), Some(5_000));
    let items = bench.store.claim(10, 5_000).await.unwrap();
    let seen: Vec<_> = items.iter().map(|item| (item.id, item.attempts)).collect();
    assert_eq!(seen, [(1, 1), (2, 0)]);
}

#[tokio::test]
async fn what_has_failed_is_handed_out_apart_with_its_lane() {
    let bench = Bench::new();
    bench.enqueue(new_items(&["a", "b"])).await;
    let items = bench.claim().await;
    bench.settle(&items[0], retry_at(0, true)).await;
    bench.settle(&items[1], retry_at(0, false)).await;
    bench.enqueue(new_items(&["a", "c"])).await;
    assert_eq!(bench.claim_ids().await, [1, 3]);
    assert_eq!(bench.claim_ids().await, [2, 4]);
}

#[tokio::test]
async fn a_parked_item_holds_those_behind_it_and_no_other_lane() {
    let bench = Bench::new();
    bench.enqueue(new_items(&["a", "b", "a"])).await;
    let items = bench.claim().await;
    bench.settle(&items[0], park("account:i-9")).await;
    bench.settle(&items[1], retry_at(0, false)).await;
    bench.settle(&items[2], retry_at(0, false)).await;
    assert_eq!(bench.claim_ids().await, [2]);
}

#[tokio::test]
async fn an_item_before_the_parked_one_is_free() {
    let bench = Bench::new();
    bench.enqueue(new_items(&["a", "a"])).await;
    let items = bench.claim().await;
    bench.settle(&items[0], retry_at(0, false)).await;
    bench.settle(&items[1], park("account:i-9")).await;
    assert_eq!(bench.claim_ids().await, [1]);
}

#[tokio::test]
async fn a_dead_item_frees_its_lane() {
    let bench = Bench::new();
    bench.enqueue(new_items(&["a"])).await;
    let first = bench.claim().await.remove(0);
    bench.settle(&first, dead()).await;
    let later = bench.enqueue(new_items(&["a"])).await;
    assert_eq!(bench.claim_ids().await, later);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever workers answer: each item is done once, and each lane in order of arrival.
    #[test]
    fn lanes_keep_their_order(lanes in prop::collection::vec(0..4_u8, 1..24), answers in prop::collection::vec(0..3_u8, 0..40), limit in 1..6_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let done = runtime.block_on(work_off(&lanes, &answers, limit));
        let mut all: Vec<_> = done.iter().map(|(id, _)| *id).collect();
        all.sort_unstable();
        prop_assert_eq!(all, (1..=lanes.len() as i64).collect::<Vec<_>>());
        for lane in 0..4_u8 {
            let ids = done.iter().filter(|(_, other)| *other == lane.to_string()).map(|(id, _)| *id);
            prop_assert!(ids.is_sorted());
        }
    }
}

/// Claims and settles as `answers` say, with those behind a waiting lane-mate given back, until nothing is left.
async fn work_off(lanes: &[u8], answers: &[u8], limit: usize) -> Vec<(i64, String)> {
    let bench = Bench::new();
    let lanes: Vec<_> = lanes
        .iter()
        .map(|lane| new_item(&lane.to_string()))
        .collect();
    bench.enqueue(lanes).await;
    let mut answers = answers.iter().copied();
    let mut done = Vec::new();
    for round in 0_i64.. {
        let items = bench.store.claim(limit, round).await.unwrap();
        let mut held = std::collections::HashSet::new();
        for item in &items {
            let outcome = match answers.next() {
                _ if held.contains(&item.lane) => retry_at(0, false),
                Some(1) => retry_at(round + 2, true),
                Some(2) => park("account:late"),
                _ => Outcome::Done,
            };
            match outcome {
                Outcome::Done => done.push((item.id, item.lane.clone())),
                _ => _ = held.insert(item.lane.clone()),
            }
            bench.settle(item, outcome).await;
        }
        if round > 100 {
            bench
                .store
                .put_links(vec![link("late", "001")])
                .await
                .unwrap();
        }
        let status = bench.store.status().await.unwrap();
        if status.done == lanes_total(&status) {
            return done;
        }
        assert!(round < 1_000, "stuck: {status:?}");
    }
    done
}

fn lanes_total(status: &Status) -> u64 {
    status.done + status.ready + status.running + status.delayed + status.parked
}
