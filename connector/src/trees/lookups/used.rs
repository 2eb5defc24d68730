//! Which record counts where there are several of what a mapping makes when it is missing.
//!
//! Such a record may have no key that is its own: funds go by their names. A create whose answer was lost may be carried
//! out after it was made once more, and then there are two.

use runtime::mapping::{Lookup, Missing};
use runtime::queue::{StoreError, TreeRecord};

use super::search::{Hit, Several, are_several, said};
use super::{Asked, Found, Why};
use crate::sync::TwoWaySync;

/// Records that were found or made where a mapping makes what is missing, as they are kept.
pub(crate) const USED: &str = "lookup";

/// In the place of an id: there was none, and it is about to be made.
const MAKING: &str = "making";

impl TwoWaySync {
    /// There was none of these, and they are about to be made.
    pub(super) async fn begin_making(
        &self,
        lookup: &'static Lookup,
        missing: &[Asked],
    ) -> Result<(), StoreError> {
        let makes = lookup.missing == Missing::Create;
        let made = missing.iter().filter(|_| makes);
        let made: Vec<TreeRecord> = made
            .map(|asked| used(lookup, &said(asked), MAKING.to_owned()))
            .collect();
        match made.is_empty() {
            true => Ok(()),
            false => self.store.keep_records(made).await,
        }
    }

    /// Of several the one counts that was used before; where none was, and they are there because this was made here,
    /// the first: a create whose answer was lost may have been carried out after it was made once more.
    pub(super) async fn of_several(
        &self,
        lookup: &'static Lookup,
        several: Vec<Several>,
    ) -> Result<Vec<Hit>, StoreError> {
        let keys = several
            .iter()
            .map(|one| used_key(lookup, &said(&one.asked)));
        let known = match several.is_empty() {
            true => Vec::new(),
            false => self.store.tree_records(USED, keys.collect()).await?,
        };
        let which = |Several { asked, hits }: Several| {
            let key = used_key(lookup, &said(&asked));
            let before = known.iter().find(|record| record.root == key);
            let before = before.map(|record| record.destination_id.as_str());
            let meant = match before {
                Some(MAKING) => hits.first(),
                Some(id) => hits.get(id),
                None => None,
            };
            let found = match meant {
                Some(id) => Found::Id(id.clone()),
                None => Found::Stop(Why::Dead(are_several(lookup, &asked))),
            };
            Hit::of_asked(&asked, found)
        };
        Ok(several.into_iter().map(which).collect())
    }

    /// Where a mapping makes what is missing, what is used is known from now on.
    pub(super) async fn remember_used(
        &self,
        lookup: &'static Lookup,
        found: &[Hit],
    ) -> Result<(), StoreError> {
        let ids = found.iter().filter_map(|hit| match &hit.found {
            Found::Id(id) if lookup.missing == Missing::Create => {
                Some(used(lookup, &hit.said, id.clone()))
            }
            _ => None,
        });
        let used: Vec<TreeRecord> = ids.collect();
        match used.is_empty() {
            true => Ok(()),
            false => self.store.keep_records(used).await,
        }
    }
}

fn used_key(lookup: &Lookup, said: &str) -> String {
    // Salesforce compares text without regard to case.
    format!("{} with {}", lookup.object, said.to_lowercase())
}

fn used(lookup: &Lookup, said: &str, id: String) -> TreeRecord {
    TreeRecord {
        tree: USED.to_owned(),
        root: used_key(lookup, said),
        mapping: lookup.object.to_owned(),
        key: String::new(),
        destination_id: id,
        base: "{}".to_owned(),
    }
}
