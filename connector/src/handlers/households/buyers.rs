//! Who bought a membership: the family of one that an organization bought makes no household.

use std::collections::BTreeSet;

use runtime::json::text_at;
use runtime::queue::{StoreError, TreeWait};
use serde_json::Value;

use super::Unknown;
use crate::handlers::books::CART;
use crate::handlers::organizations::{Buyer, Rows};
use crate::sync::TwoWaySync;
use crate::trees::{Tree, Work};

impl TwoWaySync {
    /// May the members of this membership be a family? Not where an organization bought it. A tree whose buyer is not
    /// known waits: it is worked again with its cart.
    pub(super) async fn may_be_family(&self, work: &Work, tree: &Tree) -> Result<bool, Unknown> {
        let rows = tree.rows.get("membership_changed").into_iter().flatten();
        let carts: BTreeSet<String> = rows.filter_map(|row| given(row, "cart_id")).collect();
        // A term on its cart's opportunity has waited for the cart; one whose cart never came goes on without.
        let waits_for_carts = work.setting("membership_opportunity") == Some("separate");
        let mut may_be = true;
        for cart in carts {
            may_be &= match self.buyer(&cart).await? {
                Buyer::Person => true,
                Buyer::Organization => false,
                Buyer::Unknown => {
                    self.wait_for_buyer(work, tree, &cart).await?;
                    !waits_for_carts
                }
            };
        }
        Ok(may_be)
    }

    async fn buyer(&self, cart: &str) -> Result<Buyer, Unknown> {
        let rows = self.store.tree_rows(CART, vec![cart.to_owned()]).await?;
        let mut by_type = Rows::new();
        for row in rows {
            if let Ok(value) = serde_json::from_str(&row.row) {
                by_type.entry(row.payload_type).or_default().push(value);
            }
        }
        match by_type.is_empty() {
            true => Ok(Buyer::Unknown),
            false => self.buyer_of(by_type).await,
        }
    }

    async fn wait_for_buyer(&self, work: &Work, tree: &Tree, cart: &str) -> Result<(), StoreError> {
        let wait = TreeWait {
            key: buyer_key(cart),
            tree: work.root.name.to_owned(),
            root: tree.id.clone(),
        };
        self.store.keep_waits(vec![wait]).await
    }

    /// Memberships that wait for the buyers of these carts look again.
    pub(crate) async fn wake_for_buyers(&self, work: &Work) -> Result<(), StoreError> {
        if work.root.name != CART {
            return Ok(());
        }
        let going = work.trees.iter().filter(|tree| tree.goes_on());
        self.wake_trees(going.map(|tree| buyer_key(&tree.id)).collect())
            .await
    }
}

fn buyer_key(cart: &str) -> String {
    format!("buyer of {cart}")
}

fn given(row: &Value, name: &str) -> Option<String> {
    text_at(row, &[name]).filter(|text| !text.is_empty())
}
