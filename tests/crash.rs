//! `kill -9` under load: what was acknowledged arrives, once.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use simulator::{Fault, FaultKind};

use crate::world::{World, creates};

/// Ten kills, or a hundred with USHER_LONG.
fn kills() -> usize {
    if std::env::var_os("USHER_LONG").is_some() {
        100
    } else {
        10
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_kills_lose_nothing_and_double_nothing() {
    let world = World::running(true, "batch = 200").await;
    kill_and_count(world, 11, 5_000).await;
}

/// Nothing refuses a double here: none is made, since what was begun before a kill is read back first.
#[tokio::test(flavor = "multi_thread")]
async fn kills_double_nothing_where_the_org_would_take_a_double() {
    let world = World::running(true, "batch = 200").await;
    world.simulator.allow_doubles();
    kill_and_count(world, 12, 2_000).await;
}

async fn kill_and_count(mut world: World, seed: u64, count: usize) {
    // Slow enough that kills fall between a call and its answer, and between the answer and the disk.
    world
        .simulator
        .add_fault(Fault::always(FaultKind::Latency { ms: 15 }));
    let ids = world.people(count);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut acknowledged = BTreeSet::new();
    let rounds = kills();
    for (round, part) in ids.chunks(ids.len().div_ceil(rounds)).enumerate() {
        for chunk in part.chunks(25) {
            let webhooks: Vec<Value> = chunk
                .iter()
                .map(|id| world.simulator.webhook(id).unwrap())
                .collect();
            let sent = world
                .post(Bytes::from(Value::from(webhooks).to_string()), "secret")
                .await;
            if sent.is_some_and(|(status, _)| status == 202) {
                acknowledged.extend(chunk.iter().cloned());
            }
        }
        tokio::time::sleep(Duration::from_millis(random.u64(0..250))).await;
        world.kill();
        if round + 1 < rounds {
            world.start().await;
        }
    }
    world.simulator.clear_faults();
    world.start().await;
    world.settled().await;
    let created = creates(&world.writes());
    let once: BTreeSet<String> = created.iter().cloned().collect();
    assert_eq!(once.len(), created.len(), "somebody was created twice");
    assert_eq!(once, acknowledged);
    assert_eq!(acknowledged.len(), count);
}
