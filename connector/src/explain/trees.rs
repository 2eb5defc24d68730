//! A tree in an explanation: what was heard of it, and what was written because of it.

use runtime::json::text_at;
use runtime::queue::{DecisionRecord, ItemView, Store, StoreError, TreeRow};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

use super::{decided, items_shown};
use crate::handlers::books::summary::{self, Summary};
use crate::handlers::books::{CART, PAYMENTS};
use crate::handlers::households::PLACED;
use crate::settings::Settings;
use crate::trees::USED;

/// One tree.
#[derive(Debug, Serialize)]
pub struct TreeView {
    /// The mapping of its root, and the root's id in Ticketure.
    pub mapping: String,
    pub ticketure_id: String,
    /// In the order in which it happened.
    pub heard: Vec<Heard>,
    pub written: Vec<Written>,
    /// The sums of a cart. `None` if no payment has arrived.
    pub books: Option<Summary>,
    /// Waiting and failed items, and open problems.
    pub items: Vec<ItemView>,
    /// Edits of staff that stay over Ticketure's values, the latest first.
    pub decisions: Vec<DecisionRecord>,
    /// A call for it has no answer yet: Salesforce is asked before anything else is written.
    pub in_doubt: bool,
}

/// A row of Ticketure's, without what it says of people.
#[derive(Debug, Serialize)]
pub struct Heard {
    pub at: String,
    pub payload_type: String,
    /// The record that it is about, and what happened to it.
    pub id: String,
    pub what: String,
}

/// A record of Salesforce's.
#[derive(Debug, Serialize)]
pub struct Written {
    pub mapping: String,
    pub ticketure_id: String,
    pub salesforce_id: String,
    /// What it was given last.
    pub fields: Value,
}

/// The trees that the id is of.
///
/// # Errors
/// When the store fails.
pub async fn of(
    store: &Store,
    id: &str,
    normal: &str,
    settings: &Settings,
) -> Result<Vec<TreeView>, StoreError> {
    let mut found = store.trees_of(id).await?;
    if found.is_empty() && id != normal {
        found = store.trees_of(normal).await?;
    }
    // Where people were brought, and what look-ups used, is no tree of records.
    found.retain(|(tree, _)| tree != PLACED && tree != USED);
    let mut views = Vec::with_capacity(found.len());
    for (tree, root) in found {
        views.push(view(store, tree, root, settings).await?);
    }
    Ok(views)
}

async fn view(
    store: &Store,
    tree: String,
    root: String,
    settings: &Settings,
) -> Result<TreeView, StoreError> {
    let rows = store.tree_rows(&tree, vec![root.clone()]).await?;
    let mut heard: Vec<Heard> = rows
        .iter()
        .map(|row| heard(&row.payload_type, &row.row))
        .collect();
    heard.sort_by(|one, other| (&one.at, &one.id).cmp(&(&other.at, &other.id)));
    let records = store.tree_records(&tree, vec![root.clone()]).await?;
    let links = store.links(&tree, vec![root.clone()]).await?;
    let record = links.get(&root).map(|link| link.destination_id.clone());
    let keys: Vec<String> = record.into_iter().chain([root.clone()]).collect();
    let written: Vec<Written> = records
        .into_iter()
        .map(|record| Written {
            mapping: record.mapping,
            ticketure_id: record.key,
            salesforce_id: record.destination_id,
            fields: serde_json::from_str(&record.base).unwrap_or_default(),
        })
        .collect();
    Ok(TreeView {
        books: books(&tree, &rows, &written, settings),
        heard,
        written,
        items: store.open_items(keys).await?,
        decisions: store.decisions(&tree, &root).await?,
        in_doubt: !store.intents(&tree, vec![root.clone()]).await?.is_empty(),
        mapping: tree,
        ticketure_id: root,
    })
}

fn books(
    tree: &str,
    rows: &[TreeRow],
    written: &[Written],
    settings: &Settings,
) -> Option<Summary> {
    if tree != CART {
        return None;
    }
    let payments = rows.iter().filter(|row| row.payload_type == PAYMENTS);
    let payments: Vec<Value> = payments
        .filter_map(|row| serde_json::from_str(&row.row).ok())
        .collect();
    let lines = written.iter().filter_map(|record| {
        let price = text_at(&record.fields, &["UnitPrice"])?;
        price.parse::<Decimal>().ok()
    });
    summary::of(&payments, lines.sum(), settings)
}

fn heard(payload_type: &str, row: &str) -> Heard {
    let row: Value = serde_json::from_str(row).unwrap_or_default();
    let first = |names: &[&str]| {
        let found = names.iter().find_map(|name| text_at(&row, &[name]));
        found.unwrap_or_default()
    };
    Heard {
        at: first(&["occurred_at", "updated_at", "$at"]),
        payload_type: payload_type.to_owned(),
        id: first(&["ticket_id", "id"]),
        what: first(&["action", "status"]),
    }
}

/// For people.
pub fn text(tree: &TreeView) -> String {
    let mut text = format!("{}  Ticketure {}\n", tree.mapping, tree.ticketure_id);
    for heard in &tree.heard {
        text += &format!(
            "  {:24} {:16} {:36} {}\n",
            heard.at, heard.payload_type, heard.id, heard.what
        );
    }
    for written in &tree.written {
        text += &format!(
            "  {:20} {:36} Salesforce {}\n",
            written.mapping, written.ticketure_id, written.salesforce_id
        );
    }
    if let Some(books) = &tree.books {
        text += &format!("  books: {}\n", books.text());
    }
    text += &items_shown(&tree.items);
    for decision in &tree.decisions {
        text += &format!("  {}\n", decided(decision));
    }
    if tree.in_doubt {
        text += "  a call for it has no answer yet: Salesforce is asked before anything else is written\n";
    }
    text
}
