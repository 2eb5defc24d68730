//! Carts that name somebody, as the buyer or with a ticket: each with what is in the way.

use std::collections::BTreeSet;

use runtime::json::text_at;
use runtime::queue::{ItemView, Store, StoreError};
use serde::Serialize;
use serde_json::Value;

use super::items_shown;
use crate::handlers::books::CART;

/// Members of rows that name whoever acts.
const NAMED: &[&str] = &["identity_id", "organization_id"];

/// A cart that names the record.
#[derive(Debug, Serialize)]
pub struct CartView {
    pub ticketure_id: String,
    /// Its opportunity, where it has one so far.
    pub salesforce_id: Option<String>,
    /// True if the cart's own row names the record; else its tickets do.
    pub is_buyer: bool,
    /// Waiting and failed items, and open problems.
    pub items: Vec<ItemView>,
}

/// Finds the carts whose rows name this source id.
///
/// # Errors
/// When the store fails.
pub async fn of(store: &Store, id: &str) -> Result<Vec<CartView>, StoreError> {
    let roots: BTreeSet<String> = store.roots_that_say(CART, id).await?.into_iter().collect();
    let mut views = Vec::new();
    for root in roots {
        let rows = store.tree_rows(CART, vec![root.clone()]).await?;
        let rows = rows.iter().filter_map(|row| {
            let value: Value = serde_json::from_str(&row.row).ok()?;
            let names = |name: &&str| text_at(&value, &[name]).as_deref() == Some(id);
            NAMED.iter().any(names).then_some(value)
        });
        let rows: Vec<Value> = rows.collect();
        if root == id || rows.is_empty() {
            continue;
        }
        let links = store.links(CART, vec![root.clone()]).await?;
        let salesforce_id = links.get(&root).map(|link| link.destination_id.clone());
        let keys = salesforce_id.iter().cloned().chain([root.clone()]);
        views.push(CartView {
            items: store.open_items(keys.collect()).await?,
            is_buyer: rows.iter().any(|row| row.get("ticket_id").is_none()),
            ticketure_id: root,
            salesforce_id,
        });
    }
    Ok(views)
}

/// For people.
pub fn text(cart: &CartView) -> String {
    let role = match cart.is_buyer {
        true => "buyer",
        false => "ticket holder",
    };
    let record = cart.salesforce_id.as_deref().unwrap_or("none yet");
    format!(
        "  {role:14} of cart {:24} opportunity {record}\n{}",
        cart.ticketure_id,
        items_shown(&cart.items).replace("  item", "    item")
    )
}
