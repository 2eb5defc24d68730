//! The file itself: crashes, locks, formats, and many writers at once.

use super::*;

#[tokio::test]
async fn what_was_acknowledged_survives_and_what_ran_is_ready_again() {
    let bench = Bench::new();
    bench.enqueue(new_items(&["a", "b", "c", "d"])).await;
    let items = bench.claim().await;
    bench.settle(&items[0], Outcome::Done).await;
    bench.settle(&items[1], park("account:i-9")).await;
    bench.settle(&items[2], retry_at(9_000, true)).await;
    let bench = bench.reopen();
    let status = bench.store.status().await.unwrap();
    assert_eq!((status.ready, status.running), (1, 0));
    assert_eq!((status.done, status.parked, status.delayed), (1, 1, 1));
    assert_eq!(bench.claim().await[0].attempt, 2);
}

#[tokio::test]
async fn a_second_process_is_told_so() {
    let bench = Bench::new();
    let refused = open(&bench.folder, StoreOptions::default()).err().unwrap();
    assert!(matches!(refused, StoreError::Locked { .. }));
    assert!(refused.to_string().contains("in use by another process"));
    bench.reopen();
}

#[tokio::test]
async fn a_reader_sees_what_the_writer_does_and_cannot_write() {
    let bench = Bench::new();
    let reader = Store::open_read_only(path(&bench.folder)).unwrap();
    bench.enqueue(new_items(&["a"])).await;
    assert_eq!(reader.status().await.unwrap().ready, 1);
    let refused = reader.enqueue(new_items(&["b"])).await;
    assert!(matches!(refused, Err(StoreError::ReadOnly)));
    drop(bench.store);
    let alone = Store::open_read_only(path(&bench.folder)).unwrap();
    assert_eq!(alone.status().await.unwrap().ready, 1);
}

#[test]
fn a_database_that_is_not_there_is_not_made_by_a_reader() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Store::open_read_only(path(&folder)).err().unwrap();
    assert!(matches!(refused, StoreError::Missing { .. }));
    assert!(!path(&folder).exists());
}

#[test]
fn a_newer_format_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::open(path(&folder)).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let refused = open(&folder, StoreOptions::default()).err().unwrap();
    assert!(matches!(
        refused,
        StoreError::NewerVersion { found: 99, .. }
    ));
    let refused = Store::open_read_only(path(&folder)).err().unwrap();
    assert!(matches!(refused, StoreError::NewerVersion { .. }));
}

#[test]
fn a_full_disk_has_a_sentence_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::open(path(&folder)).unwrap();
    connection
        .execute_batch("CREATE TABLE t (x); PRAGMA max_page_count = 2")
        .unwrap();
    let error = connection
        .execute("INSERT INTO t VALUES (zeroblob(100000))", [])
        .unwrap_err();
    assert!(matches!(StoreError::from(error), StoreError::DiskFull));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_share_commits_and_each_gets_its_own_answer() {
    let bench = Bench::with(StoreOptions {
        queue_limit: 2_000,
        ..StoreOptions::default()
    });
    let mut callers = Vec::new();
    for number in 0..1_000 {
        let store = bench.store.clone();
        let item = new_item(&number.to_string());
        callers.push(tokio::spawn(async move { store.enqueue(vec![item]).await }));
    }
    // One that is refused in the middle takes nobody with it.
    let too_many = vec![new_item("x"); 2_001];
    assert!(bench.store.enqueue(too_many).await.is_err());
    let mut ids = Vec::new();
    for caller in callers {
        ids.extend(caller.await.unwrap().unwrap().accepted);
    }
    ids.sort_unstable();
    assert_eq!(ids, (1..=1_000).collect::<Vec<_>>());
    assert_eq!(bench.store.status().await.unwrap().ready, 1_000);
}
