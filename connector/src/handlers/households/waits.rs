//! Reasons to judge the family of a cart or membership again: changed names and addresses, merges, and moves by the
//! office.

use std::collections::{BTreeMap, BTreeSet};

use runtime::queue::{StoreError, TreeWait};
use runtime::salesforce::normalise;
use serde_json::{Map, Value};

use super::notes::Claim;
use super::{HOUSEHOLD_OF, Kin, PEOPLE};
use crate::sync::TwoWaySync;
use crate::trees::Work;

impl TwoWaySync {
    /// A tree is worked again when the name or the address of somebody changes who shares neither with the anchor, and
    /// when the office moves somebody, so that it is noted before the contact is merged.
    pub(super) async fn wait_for_kin(
        &self,
        work: &Work,
        kin: &[Kin],
        strangers: &[usize],
    ) -> Result<(), StoreError> {
        let mut waits: Vec<TreeWait> = kin.iter().flat_map(|one| home_waits(work, one)).collect();
        for one in strangers.iter().filter_map(|index| kin.get(*index)) {
            let pair = vec![one.claim.member.clone(), one.claim.anchor.clone()];
            let tree = work.trees.get(one.tree).map(|tree| tree.id.clone());
            let mut identities = self.identities_of(pair).await?;
            // A contact that was merged is no identity's any more.
            identities.extend([one.claim.identity.clone(), one.anchor.clone()]);
            for identity in identities {
                waits.extend(tree.clone().map(|root| TreeWait {
                    key: kin_key(&identity),
                    tree: work.root.name.to_owned(),
                    root,
                }));
            }
        }
        self.keep_waits(work, waits).await
    }

    /// Wakes trees that took contacts for their families' while the pairs of these ended.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn wake_families<'c>(
        &self,
        mapping: &str,
        contacts: impl Iterator<Item = &'c str>,
    ) -> Result<(), StoreError> {
        match mapping == PEOPLE && self.has_npsp() {
            true => self.wake_trees(contacts.map(family_key).collect()).await,
            false => Ok(()),
        }
    }

    /// The field that has the household of a changed record, if it may have one.
    pub(crate) fn household_of(&self, mapping: &str) -> Option<&'static str> {
        Some(HOUSEHOLD_OF).filter(|_| mapping == PEOPLE && self.has_npsp())
    }

    /// Takes in what changed contacts say of households, before they become items: who was merged into whom, and whom the
    /// office moved. Trees note the latter, since they alone know that nobody else moves the contact meanwhile.
    pub(crate) async fn hear_of_homes(
        &self,
        mapping: &str,
        contacts: &[Map<String, Value>],
    ) -> Result<(), StoreError> {
        if mapping != PEOPLE || !self.has_npsp() {
            return Ok(());
        }
        let id = |record: &Map<String, Value>, field: &str| {
            let id = record.get(field).and_then(Value::as_str)?;
            Some(normalise(id))
        };
        let merged = contacts.iter().filter_map(|one| {
            let account = id(one, HOUSEHOLD_OF).unwrap_or_default();
            Some((id(one, "Id")?, id(one, "MasterRecordId")?, account))
        });
        self.note_absorbed(merged).await?;
        let seen = contacts.iter();
        let seen = seen.filter_map(|one| Some((id(one, "Id")?, id(one, HOUSEHOLD_OF)?)));
        let seen: BTreeMap<String, String> = seen.collect();
        let mut homes = self.homes(seen.keys().cloned().collect()).await?;
        homes.retain(|contact, home| {
            let account = seen.get(contact);
            home.at.is_some() && account.is_some_and(|account| !home.is_at(account))
        });
        self.wake_trees(homes.keys().map(|contact| home_key(contact)).collect())
            .await
    }

    /// The keys by which trees wait for changes of these people's names and addresses. A tree that was last worked before
    /// a merge waits for the identity that was merged.
    pub(crate) async fn kin_keys<'i>(
        &self,
        mapping: &str,
        identities: impl Iterator<Item = &'i str>,
    ) -> Result<Vec<String>, StoreError> {
        if mapping != PEOPLE || !self.has_npsp() {
            return Ok(Vec::new());
        }
        let mut all: BTreeSet<String> = identities.map(str::to_owned).collect();
        let ids = all.iter().cloned().collect();
        let absorbed = self.store.absorbed(PEOPLE, ids).await?;
        all.extend(absorbed.into_values().flat_map(|one| one.sources));
        Ok(all.iter().map(|identity| kin_key(identity)).collect())
    }
}

fn kin_key(identity: &str) -> String {
    format!("kin of {identity}")
}

/// The key by which nobody else moves the contact meanwhile.
pub(crate) fn home_key(contact: &str) -> String {
    format!("home of {contact}")
}

/// The key by which trees wait for the end of a contact's pair: a survivor may be of the family in its place.
fn family_key(contact: &str) -> String {
    format!("family of {}", normalise(contact))
}

fn home_waits(work: &Work, one: &Kin) -> Vec<TreeWait> {
    let Claim {
        member,
        anchor,
        is_former,
        ..
    } = &one.claim;
    let mut keys = vec![home_key(member), home_key(anchor), family_key(anchor)];
    keys.extend((!is_former).then(|| family_key(member)));
    let tree = work.trees.get(one.tree);
    let wait = |key| {
        Some(TreeWait {
            key,
            tree: work.root.name.to_owned(),
            root: tree?.id.clone(),
        })
    };
    keys.into_iter().filter_map(wait).collect()
}
