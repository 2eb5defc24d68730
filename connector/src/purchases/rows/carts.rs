//! State of a cart from its rows. A cart is sold once a row has one of the statuses of `SOLD`.

use std::collections::BTreeSet;

use super::Rows;
use crate::purchases::{Books, Record, cents, text};

const OPEN: &str = "open";
/// Statuses of a cart that is not open, from docs/ASSUMPTIONS.md.
const SOLD: &[&str] = &["checked_out", "part_refunded", "refunded", "cancelled"];

pub(super) fn enter(rows: &Rows, cart: &str, books: &mut Books) {
    let mut unknown = BTreeSet::new();
    let row = sold(rows, cart, &mut unknown);
    books.words.append(&mut unknown);
    let Some(row) = row else {
        return;
    };
    text(&row, "status").clone_into(&mut books.status);
    books.owed = cents(row.get("total_outstanding"));
    books.fees = cents(row.get("total_fee_fixed_outside"));
    books.taxes = cents(row.get("total_fee_percent_outside"));
    books.checked_out = !text(&row, "checked_out_at").is_empty();
}

/// Merges the cart's rows since its sale. Rows of a reopened cart or with an unknown status do not count. Adds unknown
/// statuses to `unknown`.
pub(super) fn sold(rows: &Rows, cart: &str, unknown: &mut BTreeSet<String>) -> Option<Record> {
    let mut row: Option<Record> = None;
    let mut is_open = true;
    for told in rows.carts.iter().filter(|told| text(told, "id") == cart) {
        match text(told, "status") {
            "" => {}
            OPEN => is_open = true,
            status if SOLD.contains(&status) => {
                // A known status settles the errors of the unknown ones before it.
                unknown.clear();
                is_open = false;
            }
            status => {
                unknown.insert(status.to_lowercase());
                continue;
            }
        }
        if !is_open {
            let members = told
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()));
            row.get_or_insert_default().extend(members);
        }
    }
    row
}
