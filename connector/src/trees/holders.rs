//! Who has the records that trees would take over, who waits for them, and how one is handed on.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use runtime::mapping::MappingDescriptor;
use runtime::queue::{NewItem, StoreError, TREE_AGAIN, TreeWait};
use runtime::salesforce::CallError;
use serde_json::json;

use super::Work;
use super::adopt::Wish;
use crate::sync::TwoWaySync;

/// A push that is not settled by then is in the error log.
const PUSHED_MS: i64 = 600_000;

/// Read at once for all trees of a batch, after the records were claimed: no other batch changes it until the end.
#[derive(Default)]
pub(super) struct Holders {
    /// The record of each tree that has one.
    own: HashMap<String, String>,
    /// The tree of each record that has one.
    holders: HashMap<String, String>,
    /// The trees that wait for a record which another has, by record.
    waits: BTreeMap<String, BTreeSet<String>>,
    /// Records that are being pushed to Ticketure.
    pushed: BTreeSet<String>,
    /// Trees that were to be on a record which was left out then, and have one of their own: they, and it.
    passed_over: BTreeSet<(String, String)>,
}

impl Holders {
    /// The record that the tree has so far.
    pub(super) fn record_of(&self, tree: &str) -> Option<&str> {
        self.own.get(tree).map(String::as_str)
    }

    pub(super) fn holder_of(&self, id: &str) -> Option<&str> {
        self.holders.get(id).map(String::as_str)
    }

    /// The first of those that wait for the record.
    pub(super) fn first_waiting(&self, id: &str) -> Option<&str> {
        self.waits.get(id)?.first().map(String::as_str)
    }

    /// Its ids are on their way to it: another write would meet them.
    pub(super) fn is_pushed(&self, id: &str) -> bool {
        self.pushed.contains(id)
    }

    /// Has the tree a record of its own only because the one that it wishes for was left out?
    pub(super) fn passed_over(&self, tree: &str, wish: &Wish) -> bool {
        let Wish::Record { of, .. } = wish else {
            return false;
        };
        let key = passed_over_key(of.0, &of.1);
        self.passed_over.contains(&(tree.to_owned(), key))
    }

    /// One more tree waits for the record.
    pub(super) fn waits(&mut self, id: &str, tree: &str) {
        let waits = self.waits.entry(id.to_owned()).or_default();
        waits.insert(tree.to_owned());
    }
}

impl TwoWaySync {
    pub(super) async fn holders(
        &self,
        work: &Work,
        ids: Vec<String>,
        wished: &[(&'static str, String)],
    ) -> Result<Holders, StoreError> {
        let root = work.root;
        if ids.is_empty() {
            return Ok(Holders::default());
        }
        let trees = work.trees.iter().map(|tree| tree.id.clone());
        let own = self.store.links(root.name, trees.collect()).await?;
        let theirs = self
            .store
            .links_by_destination(root.name, ids.clone())
            .await?;
        let record_of = |key: &str| key.split_once(" on ").map(|(_, id)| id.to_owned());
        let keys = ids.iter().map(|id| claim_of(root, id)).collect();
        let mut waits: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for wait in self.store.tree_waits(keys).await? {
            if let Some(id) = record_of(&wait.key) {
                waits.entry(id).or_default().insert(wait.root);
            }
        }
        let waits = self.wishing_still(work, waits).await?;
        Ok(Holders {
            own: own
                .into_iter()
                .map(|(tree, link)| (tree, link.destination_id))
                .collect(),
            holders: theirs
                .into_iter()
                .map(|(id, link)| (id, link.source_id))
                .collect(),
            waits,
            pushed: self.pushed(root, &ids).await?,
            passed_over: self.passed_over(root, wished).await?,
        })
    }

    async fn passed_over(
        &self,
        root: &MappingDescriptor,
        wished: &[(&'static str, String)],
    ) -> Result<BTreeSet<(String, String)>, StoreError> {
        let keys = wished.iter().map(|(name, id)| passed_over_key(name, id));
        let waits = self.store.tree_waits(keys.collect()).await?.into_iter();
        let waits = waits.filter(|wait| wait.tree == root.name);
        Ok(waits.map(|wait| (wait.root, wait.key)).collect())
    }

    /// What the tree was to be on is left out: it gets a record of its own, for as long as that is so.
    pub(super) async fn pass_over(
        &self,
        work: &Work,
        place: usize,
        of: &(&'static str, String),
    ) -> Result<(), StoreError> {
        let Some(tree) = work.trees.get(place) else {
            return Ok(());
        };
        let wait = TreeWait {
            key: passed_over_key(of.0, &of.1),
            tree: work.root.name.to_owned(),
            root: tree.id.clone(),
        };
        self.store.keep_waits(vec![wait]).await
    }

    /// Who passed over what is there from now on looks again. That it was passed over stays known until then.
    pub(super) async fn no_longer_left_out(&self, work: &Work) -> Result<(), StoreError> {
        let mut shapes = work.members.iter().filter_map(|mapping| mapping.tree);
        if !shapes.any(|shape| !shape.unless.is_empty()) {
            return Ok(());
        }
        let new = work.trees.iter();
        let new = new.filter(|tree| !tree.was_there && tree.root_id.is_some());
        let keys: Vec<String> = new
            .map(|tree| passed_over_key(work.root.name, &tree.id))
            .collect();
        if keys.is_empty() {
            return Ok(());
        }
        let waits = self.store.tree_waits(keys).await?.into_iter();
        let items: Vec<NewItem> = waits
            .map(|wait| once_more(&wait.tree, &wait.root))
            .collect();
        match items.is_empty() {
            true => Ok(()),
            false => self.store.add(items).await.map(|_| ()),
        }
    }

    /// Those of the records whose push is begun and not settled yet.
    async fn pushed(
        &self,
        root: &MappingDescriptor,
        ids: &[String],
    ) -> Result<BTreeSet<String>, StoreError> {
        let since = self.now_ms() - PUSHED_MS;
        let mut pushed = BTreeSet::new();
        let mappings = self.handlers.iter().flat_map(|handler| handler.mappings());
        for mapping in mappings.filter(|one| one.push_as.is_some() && one.object == root.object) {
            let keys = ids.iter().map(|id| format!("sf:{id}")).collect();
            let begun = self.store.intents(mapping.name, keys).await?;
            let recent = begun.into_iter().filter(|one| one.made_at_ms > since);
            pushed.extend(
                recent.filter_map(|one| one.key.key.strip_prefix("sf:").map(str::to_owned)),
            );
        }
        Ok(pushed)
    }

    /// Waits for the record, and has its holder look again.
    pub(super) async fn claim_root(
        &self,
        root: &MappingDescriptor,
        claimant: &str,
        holder: &str,
        id: &str,
    ) -> Result<(), StoreError> {
        let wait = TreeWait {
            key: claim_of(root, id),
            tree: root.name.to_owned(),
            root: claimant.to_owned(),
        };
        self.store.keep_waits(vec![wait]).await?;
        // Those that ask again and again within a minute have asked.
        let minute = self.now_ms() / 60_000;
        let again = NewItem {
            dedupe: Some(format!("{} for {claimant} {minute}", claim_of(root, id))),
            ..once_more(root.name, holder)
        };
        self.store.add(vec![again]).await.map(|_| ())
    }

    /// The record is no longer known by the tree's key, so that another can have the key.
    pub(super) async fn let_go(&self, root: &MappingDescriptor, id: &str) -> Result<(), CallError> {
        let body = json!({ root.external_id: null }).to_string();
        let results = self
            .salesforce
            .update(root.object, &[(id.to_owned(), body)])
            .await?;
        // One that is gone is let go as well; what else is refused is refused again when the key is used.
        drop(results);
        Ok(())
    }
}

/// The tree is looked at once more.
pub(crate) fn once_more(tree: &str, root: &str) -> NewItem {
    NewItem {
        mapping: Some(tree.to_owned()),
        payload_type: TREE_AGAIN.to_owned(),
        lane: root.to_owned(),
        key: root.to_owned(),
        payload: "{}".to_owned(),
        ..NewItem::default()
    }
}

/// What is kept of a tree that was to be on a record which is left out.
fn passed_over_key(mapping: &str, id: &str) -> String {
    format!("{mapping} {id} is left out")
}

/// What is kept of a tree that waits for a record.
pub(super) fn claim_of(root: &MappingDescriptor, id: &str) -> String {
    format!("{} on {id}", root.name)
}
