//! The disk fails under the real program: what it said is stored, is.
//!
//! `strace` makes system calls of the running service fail. What had a 202 is done in the end; what did not is told so.

use bytes::Bytes;
use serde_json::Value;
use std::collections::BTreeSet;

use crate::world::{World, creates};

/// Requests of one run; the disk fails somewhere among them.
const REQUESTS: usize = 120;

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_fails_is_no_acknowledgement() {
    no_false_acknowledgement("fsync,fdatasync:error=EIO:when=40..60").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_without_space_is_no_acknowledgement() {
    no_false_acknowledgement("pwrite64:error=ENOSPC:when=150..190").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_cannot_be_written_is_no_acknowledgement() {
    no_false_acknowledgement("pwrite64:error=EIO:when=150..190").await;
}

async fn no_false_acknowledgement(fault: &str) {
    let mut world = World::new(true, "").await;
    let inject = format!("inject={fault}");
    let runner = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &inject];
    world.start_under(&runner).await;
    let ids = world.people(REQUESTS);
    let mut acknowledged = BTreeSet::new();
    let mut refused = 0;
    for id in &ids {
        match said(&world, id).await {
            Some(202) => _ = acknowledged.insert(id.clone()),
            Some(503) => refused += 1,
            other => assert_eq!(other, None, "{}", world.log()),
        }
    }
    assert!(refused > 0, "the fault was not met: {}", world.log());
    assert!(!acknowledged.is_empty());
    // The fault is over; whatever it left behind, a new start goes on from the file.
    world.kill();
    world.start().await;
    world.settled().await;
    let created = creates(&world.writes());
    let once: BTreeSet<String> = created.iter().cloned().collect();
    assert_eq!(once.len(), created.len(), "somebody was created twice");
    let lost: Vec<_> = acknowledged.difference(&once).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
}

/// The status of the answer; nothing when there was none.
async fn said(world: &World, id: &str) -> Option<u16> {
    let webhook = world.simulator.webhook(id).unwrap();
    let body = Bytes::from(Value::from(vec![webhook]).to_string());
    let (status, body) = world.post(body, "secret").await?;
    if status == 503 {
        let reason = body["error"].as_str().unwrap_or_default();
        assert!(reason.contains("nothing"), "{reason}");
    }
    Some(status)
}
