//! What every store must do, told through its public face.

mod crowds;
mod files;
mod formats;
mod heirs;
mod order;
mod outcomes;
mod problems;
mod reviews;
mod schedules;
mod sync;
mod trees;
mod unknown;
mod words;

use std::sync::Arc;

use tempfile::TempDir;

use super::*;

/// A store in a folder of its own, at the time 1,000.
struct Bench {
    folder: TempDir,
    store: Store,
}

impl Bench {
    fn new() -> Bench {
        Bench::with(StoreOptions::default())
    }

    fn with(options: StoreOptions) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder, options).unwrap();
        Bench { folder, store }
    }

    /// As after a crash: whatever was not committed is gone.
    fn reopen(self) -> Bench {
        let Bench { folder, store } = self;
        drop(store);
        let store = open(&folder, StoreOptions::default()).unwrap();
        Bench { folder, store }
    }

    async fn enqueue(&self, items: Vec<NewItem>) -> Vec<i64> {
        self.store.enqueue(items).await.unwrap().accepted
    }

    async fn claim(&self) -> Vec<Item> {
        self.store.claim(100, 1_000).await.unwrap()
    }

    async fn claim_ids(&self) -> Vec<i64> {
        self.claim().await.iter().map(|item| item.id).collect()
    }

    async fn settle(&self, item: &Item, outcome: Outcome) -> Settled {
        let settlement = settlement(item, outcome);
        self.store.settle(vec![settlement]).await.unwrap()
    }

    async fn view(&self, id: i64) -> ItemView {
        self.store.item(id).await.unwrap().unwrap()
    }
}

fn open(folder: &TempDir, options: StoreOptions) -> Result<Store, StoreError> {
    Store::open_with_time(path(folder), options, Arc::new(|| 1_000))
}

fn path(folder: &TempDir) -> std::path::PathBuf {
    folder.path().join("usher.db")
}

fn new_item(lane: &str) -> NewItem {
    NewItem {
        mapping: Some("contact".into()),
        payload_type: "identity_changed".into(),
        lane: lane.into(),
        key: lane.into(),
        payload: r#"{"id":1}"#.into(),
        ..NewItem::default()
    }
}

fn new_items(lanes: &[&str]) -> Vec<NewItem> {
    lanes.iter().map(|lane| new_item(lane)).collect()
}

fn settlement(item: &Item, outcome: Outcome) -> Settlement {
    Settlement::new(item.id, item.attempt, outcome)
}

fn link(source_id: &str, destination_id: &str) -> Link {
    Link {
        mapping: "account".into(),
        source_id: source_id.into(),
        destination_id: destination_id.into(),
        base: "{}".into(),
        lock: String::new(),
        lane: String::new(),
    }
}

fn park(key: &str) -> Outcome {
    Outcome::Park {
        key: key.into(),
        reason: "its account is not here yet".into(),
    }
}

fn retry_at(due_ms: i64, charge: bool) -> Outcome {
    Outcome::Retry {
        due_ms,
        error: "503".into(),
        charge,
    }
}

fn dead() -> Outcome {
    Outcome::Dead {
        error: ErrorRecord {
            code: "REQUIRED_FIELD_MISSING".into(),
            message: "LastName is empty".into(),
            mapping_line: Some("contact.yaml:12".into()),
            help: "fill it in".into(),
            group: None,
        },
    }
}
