//! Opt-outs of a survivor: the identities and records that were merged into it, and are still there, are opted out as well.

use std::collections::BTreeSet;

use runtime::mapping::Side;
use runtime::queue::{Outcome, StoreError, Tombstone, TreeRecord};

use super::{HANDED_ON, OWED, kept};
use crate::sync::pair::Pair;
use crate::sync::{Broken, TwoWaySync};

impl TwoWaySync {
    /// Opts out, each once, what stands for the people who were merged into a pair: the identity whose record was merged
    /// in Salesforce, and the record whose identity was merged in Ticketure. Returns the outcome of a call that stays out.
    pub(in crate::sync) async fn refuse_for_merged(
        &self,
        pair: &Pair,
        refused: &[usize],
    ) -> Result<Option<Outcome>, StoreError> {
        if self.breaks(Broken::Consent) {
            return Ok(None);
        }
        let mapping = pair.mapping();
        let ids = pair.merged.iter().map(|one| one.source_id.clone());
        let known = self.store.tree_records(HANDED_ON, ids.collect()).await?;
        let known: BTreeSet<(&str, &str)> = known
            .iter()
            .filter(|one| one.mapping == mapping.name)
            .map(|one| (one.root.as_str(), one.key.as_str()))
            .collect();
        for merged in &pair.merged {
            let is_new = |field: &usize| {
                let of_field = (merged.source_id.as_str(), mapping.field_name(*field));
                !known.contains(&of_field)
            };
            let missing: Vec<usize> = refused.iter().copied().filter(is_new).collect();
            if missing.is_empty() {
                continue;
            }
            if let Some(outcome) = self.refuse_for(pair, merged, &missing).await? {
                return Ok(Some(outcome));
            }
            // The survivor has them: when it hears of them from the merged one, that is no news.
            let base = match merged.side {
                Side::Source => merged.merged_into.clone().unwrap_or_default(),
                Side::Destination => pair.unit.source_id.clone(),
            };
            let handed_on = missing.iter().map(|field| TreeRecord {
                tree: HANDED_ON.to_owned(),
                base: base.clone(),
                ..kept((mapping, &merged.source_id), *field, OWED.to_owned())
            });
            self.store.keep_records(handed_on.collect()).await?;
        }
        Ok(None)
    }

    async fn refuse_for(
        &self,
        pair: &Pair,
        merged: &Tombstone,
        missing: &[usize],
    ) -> Result<Option<Outcome>, StoreError> {
        let (unit, record) = (&pair.unit, &merged.destination_id);
        let outcome = match merged.side {
            Side::Source if record.is_empty() => None,
            Side::Source => self.opt_out_record(unit, record, missing).await,
            Side::Destination => {
                self.opt_out_identity(unit, &merged.source_id, missing)
                    .await?
            }
        };
        // A record that is refused for good, such as an identity that was merged as well, stays as it is.
        Ok(outcome.filter(|outcome| matches!(outcome, Outcome::Retry { .. })))
    }
}
