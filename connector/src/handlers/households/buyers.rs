//! Who bought a membership: the family of one that an organization bought makes no household.

use std::collections::BTreeSet;

use runtime::json::text_at;
use runtime::queue::{StoreError, TreeWait};
use serde_json::Value;

use super::PEOPLE;
use crate::handlers::books::CART;
use crate::sync::TwoWaySync;
use crate::trees::{Tree, Work};

/// The mapping of organizations.
const ORGANIZATIONS: &str = "account";
/// The members of a cart that name its buyer.
const ORGANIZATION_ID: &str = "organization_id";
const IDENTITY_ID: &str = "identity_id";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Buyer {
    Person,
    Organization,
    /// The cart is not heard of yet, or nobody knows what its buyer is.
    Unknown,
}

impl TwoWaySync {
    /// May the members of this membership be a family? Not where an organization bought it. A tree whose buyer is not
    /// known waits: it is worked again with its cart.
    pub(super) async fn may_be_family(&self, work: &Work, tree: &Tree) -> Result<bool, StoreError> {
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

    async fn buyer(&self, cart: &str) -> Result<Buyer, StoreError> {
        let rows = self.store.tree_rows(CART, vec![cart.to_owned()]).await?;
        let rows = rows
            .iter()
            .filter_map(|row| serde_json::from_str(&row.row).ok());
        let rows: Vec<Value> = rows.collect();
        if rows.iter().any(|row| given(row, ORGANIZATION_ID).is_some()) {
            return Ok(Buyer::Organization);
        }
        let is_sale = |row: &&Value| row.get("ticket_id").is_none();
        let buyers = rows.iter().filter(is_sale);
        let buyers: BTreeSet<String> = buyers.filter_map(|row| given(row, IDENTITY_ID)).collect();
        let buyers: Vec<String> = buyers.into_iter().collect();
        if buyers.is_empty() {
            return Ok(if rows.is_empty() {
                Buyer::Unknown
            } else {
                Buyer::Person
            });
        }
        let is = async |mapping: &str| -> Result<bool, StoreError> {
            let linked = !self.store.links(mapping, buyers.clone()).await?.is_empty();
            Ok(linked || !self.store.heirs(mapping, buyers.clone()).await?.is_empty())
        };
        if is(ORGANIZATIONS).await? {
            return Ok(Buyer::Organization);
        }
        Ok(if is(PEOPLE).await? {
            Buyer::Person
        } else {
            Buyer::Unknown
        })
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
