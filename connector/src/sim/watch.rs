//! The queue as it is seen from outside while a history is played: who is handed out, who waits, who should not.

use std::collections::{BTreeMap, BTreeSet};

use runtime::queue::{Item, ItemView, SALESFORCE_CHANGED, State, Store, StoreError};
use tokio::sync::Mutex;

/// Looks at one store, by what everybody may see of it.
pub struct Watch {
    store: Store,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// Items that were neither done nor dead when they were last looked at, with their lanes and when they were found.
    open: BTreeMap<i64, (String, i64)>,
    /// The last item that was looked at.
    last: i64,
    /// When items were handed out last.
    since: BTreeMap<i64, i64>,
    faults: BTreeSet<String>,
}

impl Watch {
    pub fn new(store: Store) -> Watch {
        Watch {
            store,
            kept: Mutex::default(),
        }
    }

    /// What was wrong.
    pub async fn faults(&self) -> Vec<String> {
        self.kept.lock().await.faults.iter().cloned().collect()
    }

    /// How many items there ever were.
    pub async fn items(&self) -> u64 {
        self.kept.lock().await.last.unsigned_abs()
    }

    /// Every item that is neither done nor dead.
    pub async fn waiting(&self) -> Result<Vec<ItemView>, StoreError> {
        let mut kept = self.kept.lock().await;
        self.find_new(&mut kept).await?;
        let ids: Vec<i64> = kept.open.keys().copied().collect();
        self.views(&mut kept, ids).await
    }

    /// The records that somebody works on at this moment, by their ids on both sides, and since when.
    pub async fn in_hand(&self) -> Result<Vec<(Vec<String>, i64)>, StoreError> {
        let mut found = Vec::new();
        for item in self.waiting().await? {
            if item.state != State::Running {
                continue;
            }
            let links = self.store.links_of(&item.key).await?;
            let both = links
                .into_iter()
                .flat_map(|link| [link.source_id, link.destination_id]);
            let since = self.kept.lock().await.since.get(&item.id).copied();
            found.push((both.chain([item.key]).collect(), since.unwrap_or_default()));
        }
        Ok(found)
    }

    /// A batch was claimed: what comes before its items in their lanes is done, dead, or waits for one of them.
    pub async fn handed_out(&self, items: &[Item]) -> Result<(), StoreError> {
        let mut kept = self.kept.lock().await;
        self.find_new(&mut kept).await?;
        let now_ms = self.store.now_ms();
        kept.since
            .extend(items.iter().map(|item| (item.id, now_ms)));
        let mine = |id: &i64| items.iter().any(|item| item.id == *id);
        for item in items {
            let before = kept.open.range(..item.id);
            let before = before.filter(|(id, (lane, _))| *lane == item.lane && !mine(id));
            let before: Vec<i64> = before.map(|(id, _)| *id).collect();
            for earlier in self.views(&mut kept, before).await? {
                let found = kept.open.get(&earlier.id).map(|(_, found)| *found);
                if self.goes_first(&earlier, item) && !self.may_have_moved(&earlier, found) {
                    kept.faults.insert(format!(
                        "item {} about {} was handed out before item {} of its lane, which is {:?}, waiting for {:?}",
                        item.id, item.key, earlier.id, earlier.state, earlier.wait_key
                    ));
                }
            }
        }
        Ok(())
    }

    /// Checks that no item waits for a link that exists. `parked_by_key` leaves out problems, which wait for no link.
    pub async fn nobody_forgotten(&self) -> Result<(), StoreError> {
        for (key, _) in self.store.status().await?.parked_by_key {
            let Some((mapping, id)) = key.split_once(':') else {
                continue;
            };
            let mut found = self.store.links(mapping, vec![id.to_owned()]).await?;
            if mapping == "contact" && self.is_of_a_cart(&key).await? {
                // The buyer may turn out to be an organization.
                found.extend(self.store.links("account", vec![id.to_owned()]).await?);
            }
            // The link may have come since: then it has woken them.
            let still = |(waited, _): &(String, u64)| *waited == key;
            if !found.is_empty() && self.store.status().await?.parked_by_key.iter().any(still) {
                let fault = format!("an item waits for {key}, whose link is there");
                self.kept.lock().await.faults.insert(fault);
            }
        }
        Ok(())
    }

    /// Checks whether another than the person's own item waits for them.
    async fn is_of_a_cart(&self, key: &str) -> Result<bool, StoreError> {
        let waiting = self.waiting().await?;
        Ok(waiting.iter().any(|item| {
            item.wait_key.as_deref() == Some(key) && item.mapping.as_deref() != Some("contact")
        }))
    }

    /// An item that brings what an earlier one waits for goes first; who was woken this moment was not there to be taken.
    fn goes_first(&self, earlier: &ItemView, item: &Item) -> bool {
        let brings = item
            .mapping
            .as_deref()
            .map(|mapping| format!("{mapping}:{}", item.key));
        let now_ms = self.store.now_ms();
        let woken = earlier
            .history
            .iter()
            .any(|line| line.what == "woken" && line.at_ms == now_ms);
        // A link may have brought it into another lane meanwhile.
        let moved = earlier.lane != item.lane;
        !(woken || moved || earlier.state == State::Parked && earlier.wait_key == brings)
    }

    /// A change in Salesforce that was found this moment: a link may have brought it into the lane since the claim.
    fn may_have_moved(&self, earlier: &ItemView, found_ms: Option<i64>) -> bool {
        earlier.payload_type == SALESFORCE_CHANGED && found_ms == Some(self.store.now_ms())
    }

    async fn find_new(&self, kept: &mut Kept) -> Result<(), StoreError> {
        while let Some(item) = self.store.item(kept.last + 1).await? {
            kept.last = item.id;
            kept.open.insert(item.id, (item.lane, self.store.now_ms()));
        }
        Ok(())
    }

    /// Those that are still open.
    async fn views(&self, kept: &mut Kept, ids: Vec<i64>) -> Result<Vec<ItemView>, StoreError> {
        let mut open = Vec::new();
        for id in ids {
            match self.store.item(id).await? {
                Some(item) if item.state == State::Done => _ = kept.open.remove(&id),
                // What is dead may come back.
                Some(item) if item.state == State::Dead => {}
                Some(item) => open.push(item),
                None => _ = kept.faults.insert(format!("item {id} is gone")),
            }
        }
        Ok(open)
    }
}
