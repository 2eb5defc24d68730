//! Roles of two contacts that became one: one role is left, and the trees that made the two know which.

use std::collections::BTreeSet;

use runtime::mapping::MappingDescriptor;
use runtime::queue::{StoreError, TreeRecord};
use serde_json::{Map, Value};

use super::roles::{ROLE_HOLDER, ROLE_MEMBER, SOMEBODYS, WORD};
use super::takeover::{LEADS, ROLE};
use crate::sync::TwoWaySync;

/// Two roles of one contact in one opportunity.
pub(crate) struct Joined {
    pub(crate) opportunity: String,
    /// The role that is about to be deleted, and the one that is left.
    pub(crate) goes: Map<String, Value>,
    pub(crate) stays: Map<String, Value>,
}

impl TwoWaySync {
    /// Compares roles: the primary one is more than a member's, and that is more than a ticket holder's.
    pub(crate) fn role_rank(&self, object: &str, role: &Map<String, Value>) -> u8 {
        let settings = self.terms().settings;
        let word = role.get(WORD).filter(|word| word.is_string());
        let is = |setting: &str| word.is_some() && word == settings.get(&format!("${setting}"));
        match role.get(LEADS) == Some(&Value::Bool(true)) {
            _ if object != ROLE => 0,
            true => 3,
            false if is(ROLE_MEMBER) => 2,
            false if is(ROLE_HOLDER) => 1,
            false => 0,
        }
    }

    /// Notes for the trees that made such roles which one is left. It is the tree's whose role was more; to another tree
    /// it is somebody else's, who takes it away from nobody.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn keep_joined(
        &self,
        root: &'static MappingDescriptor,
        joined: &[Joined],
    ) -> Result<(), StoreError> {
        if joined.is_empty() {
            return Ok(());
        }
        let opportunities = joined.iter().map(|one| one.opportunity.as_str());
        let opportunities: BTreeSet<&str> = opportunities.collect();
        let kept = self.roles_known(root.object, &opportunities).await?;
        let mut noted = Vec::new();
        for one in joined {
            let rank = self.role_rank(ROLE, &one.goes);
            let takes_over = rank == 3 || rank > self.role_rank(ROLE, &one.stays);
            let id = one.stays.get("Id").and_then(Value::as_str);
            for record in &kept {
                let base: Map<String, Value> =
                    serde_json::from_str(&record.base).unwrap_or_default();
                let is_now = if self.is_made(record, &one.goes) {
                    id.filter(|_| takes_over).unwrap_or(SOMEBODYS)
                } else if takes_over
                    && self.is_made(record, &one.stays)
                    && self.role_rank(ROLE, &base) < rank
                {
                    SOMEBODYS
                } else {
                    continue;
                };
                noted.push(TreeRecord {
                    destination_id: is_now.to_owned(),
                    ..record.clone()
                });
            }
        }
        self.store.keep_records(noted).await
    }
}
