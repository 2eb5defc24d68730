//! Files that earlier versions wrote, back-ups, and files that are no more what they were.

use super::*;

/// A database as the first `version` files of the format leave it, with an item of each state in it.
fn older(folder: &TempDir, version: usize) {
    let connection = Connection::open(path(folder)).unwrap();
    let steps = [
        include_str!("../formats/1.sql"),
        include_str!("../formats/2.sql"),
    ];
    for step in steps.iter().take(version) {
        connection.execute_batch(step).unwrap();
    }
    connection
        .execute_batch(
            r#"INSERT INTO items (id, state, attempt, mapping, payload_type, lane, key, payload, received_at, due, wait_key)
               VALUES (1, 0, 0, 'contact', 'identity_changed', 'a', 'a', '{"id":1}', 900, NULL, NULL),
                      (2, 1, 3, 'contact', 'identity_changed', 'b', 'b', '{"id":2}', 900, NULL, NULL),
                      (3, 2, 1, 'contact', 'identity_changed', 'c', 'c', '{"id":3}', 900, NULL, 'account:i-9'),
                      (4, 3, 1, 'contact', 'identity_changed', 'd', 'd', '{"id":4}', 900, 5000, NULL);
               INSERT INTO items (id, state, attempt, mapping, payload_type, lane, key, payload, received_at, error)
               VALUES (5, 4, 1, 'contact', 'identity_changed', 'e', 'e', '{"id":5}', 900, '{"code":"X","message":"m","mapping_line":null,"help":"h"}');
               INSERT INTO links (mapping, source_id, destination_id, base, facts)
               VALUES ('contact', 'i-1', '003', '{"agreed":{}}', '{"AccountId":"001"}'), ('account', 'i-2', '001', '{}', '{}');
               INSERT INTO events (id, at, item_id, payload_type, payload) VALUES (1, 900, 1, 'identity_changed', 'äb');
               UPDATE counters SET value = 7 WHERE name = 'done';"#,
        )
        .unwrap();
    connection
        .pragma_update(None, "user_version", version as i64)
        .unwrap();
}

#[tokio::test]
async fn a_file_of_every_earlier_version_is_brought_up_to_date() {
    for version in [1, 2] {
        let folder = tempfile::tempdir().unwrap();
        older(&folder, version);
        let refused = Store::open_read_only(path(&folder)).err().unwrap();
        assert!(matches!(refused, StoreError::OlderVersion { .. }));
        let store = open(&folder, StoreOptions::default()).unwrap();
        let status = store.status().await.unwrap();
        assert_eq!((status.ready, status.running), (2, 0), "version {version}");
        assert_eq!((status.parked, status.delayed, status.dead), (1, 1, 1));
        assert_eq!(status.done, 7);
        let items = store.claim(10, 1_000).await.unwrap();
        let payloads: Vec<_> = items.iter().map(|item| item.payload.as_str()).collect();
        assert_eq!(payloads, [r#"{"id":1}"#, r#"{"id":2}"#]);
        assert_eq!(items[1].attempt, 4);
        let links = store.links("contact", vec!["i-1".into()]).await.unwrap();
        assert_eq!(links["i-1"].lock, "001");
        assert_eq!(links["i-1"].base, r#"{"agreed":{}}"#);
        assert_eq!(store.retry(Which::All).await.unwrap(), 1);
        assert_eq!(store.put_links(vec![link("i-9", "009")]).await.unwrap(), 1);
        drop(store);
        assert_eq!(tables(&path(&folder)), tables_of_a_new_file());
    }
}

fn tables_of_a_new_file() -> Vec<(String, String)> {
    let bench = Bench::new();
    let file = path(&bench.folder);
    drop(bench.store);
    tables(&file)
}

/// Every table and index with its columns, whatever way they came about.
fn tables(file: &std::path::Path) -> Vec<(String, String)> {
    let connection = Connection::open(file).unwrap();
    let mut statement = connection
        .prepare(
            "SELECT m.name, coalesce(group_concat(c.name || ' ' || c.type || ' ' || c.\"notnull\", ', '), '')
             FROM sqlite_schema m LEFT JOIN pragma_table_xinfo(m.name) c GROUP BY m.name ORDER BY m.name",
        )
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn a_back_up_is_what_was_there_and_comes_back() {
    let bench = Bench::new();
    bench.enqueue(new_items(&["a", "b"])).await;
    let copy = bench.folder.path().join("copy.db");
    bench.store.backup(&copy).await.unwrap();
    let refused = bench.store.backup(&copy).await;
    assert!(matches!(refused, Err(StoreError::Exists { .. })));
    bench.enqueue(new_items(&["c"])).await;
    let used = Store::restore(&copy, path(&bench.folder));
    assert!(matches!(used, Err(StoreError::Locked { .. })));
    let Bench { folder, store } = bench;
    drop(store);
    let before = Store::restore(&copy, path(&folder)).unwrap().unwrap();
    let bench = Bench {
        store: open(&folder, StoreOptions::default()).unwrap(),
        folder,
    };
    assert_eq!(bench.claim_ids().await, [1, 2]);
    let kept = Store::open_read_only(before).unwrap();
    assert_eq!(kept.status().await.unwrap().ready, 3);
}

#[tokio::test]
async fn a_back_up_can_be_made_by_another_process_that_only_reads() {
    let bench = Bench::new();
    bench.enqueue(new_items(&["a"])).await;
    let reader = Store::open_read_only(path(&bench.folder)).unwrap();
    let copy = bench.folder.path().join("copy.db");
    reader.backup(&copy).await.unwrap();
    let copied = Store::open_read_only(copy).unwrap();
    assert_eq!(copied.status().await.unwrap().ready, 1);
}

#[tokio::test]
async fn a_damaged_file_is_neither_used_nor_restored() {
    let bench = Bench::new();
    for number in 0..200 {
        bench.enqueue(vec![new_item(&number.to_string())]).await;
    }
    let Bench { folder, store } = bench;
    drop(store);
    let mut bytes = std::fs::read(path(&folder)).unwrap();
    let middle = bytes.len() / 2;
    bytes[8_192..middle].fill(0x5A);
    let damaged = folder.path().join("damaged.db");
    std::fs::write(&damaged, &bytes).unwrap();
    let refused = Store::open(&damaged, StoreOptions::default())
        .err()
        .unwrap();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused}");
    assert!(refused.to_string().contains("usher restore"));
    let refused = Store::restore(&damaged, path(&folder)).unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused}");
    std::fs::write(&damaged, b"this is no database at all, but a letter").unwrap();
    let refused = Store::open(&damaged, StoreOptions::default())
        .err()
        .unwrap();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused}");
    // What is in use was not touched.
    assert!(open(&folder, StoreOptions::default()).is_ok());
}

/// What is asked for each batch reads an index and nothing beside it.
#[test]
fn what_is_asked_again_and_again_reads_an_index_alone() {
    let bench = Bench::new();
    let connection = Connection::open(path(&bench.folder)).unwrap();
    for question in [
        "SELECT id, lane FROM items WHERE state = 0 ORDER BY id",
        "SELECT DISTINCT lane FROM items WHERE state = 1",
        "SELECT min(wait_key) FROM items WHERE wait_key IS NOT NULL AND wait_key > 'a'",
    ] {
        let plan: String = connection
            .query_row(&format!("EXPLAIN QUERY PLAN {question}"), [], |row| {
                row.get(3)
            })
            .unwrap();
        assert!(plan.contains("COVERING INDEX"), "{question}: {plan}");
    }
}

/// Statements are planned once, whatever is bound to them.
#[test]
fn a_statement_is_planned_once() {
    let connection = crate::queue::file::open_in_memory().unwrap();
    let mut statement = connection
        .prepare("SELECT id FROM items WHERE wait_key = ?1 AND wait_key IS NOT NULL ORDER BY id LIMIT ?2")
        .unwrap();
    for round in 0..3 {
        assert!(!statement.exists((round.to_string(), round + 1)).unwrap());
    }
    let again = statement.get_status(rusqlite::StatementStatus::RePrepare);
    assert_eq!(again, 0);
}
