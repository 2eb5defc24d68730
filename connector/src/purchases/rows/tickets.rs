//! Lines of a cart from the rows of its tickets.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Rows, action};
use crate::purchases::reckoning::proportional;
use crate::purchases::{Books, Record, Share, amount, decimal, text};

/// Known actions. At equal times they happen in this order.
const KNOWN: &[&str] = &[
    "purchased",
    "transfer_from",
    "transfer_to",
    "redeemed",
    "force_redeemed",
    "unredeemed",
    "invalidated",
    "revalidated",
    "refunded",
];

pub(super) fn rank(row: &Record) -> usize {
    let action = action(row);
    let place = KNOWN.iter().position(|known| *known == action);
    place.unwrap_or(KNOWN.len())
}

pub(super) fn enter(rows: &Rows, cart: &str, books: &mut Books) {
    let mut tickets: Vec<&str> = Vec::new();
    for row in rows.tickets_of(cart) {
        let action = action(row);
        if !KNOWN.contains(&action.as_str()) {
            books.words.insert(action);
        }
        books.bought |= moves(row);
        tickets.push(text(row, "ticket_id"));
    }
    tickets.sort_unstable();
    tickets.dedup();
    for ticket in tickets.into_iter().filter(|ticket| !ticket.is_empty()) {
        let of_it = |row: &&Record| text(row, "ticket_id") == ticket;
        let told: Vec<&Record> = rows.tickets.iter().filter(of_it).collect();
        enter_ticket(ticket, &told, cart, books);
    }
}

/// Returns whether the row brings the ticket into its cart.
fn moves(row: &Record) -> bool {
    matches!(action(row).as_str(), "purchased" | "transfer_to")
}

/// Enters a ticket into the books as a line or a refunded line, if it is in this cart.
fn enter_ticket(ticket: &str, told: &[&Record], cart: &str, books: &mut Books) {
    let moved = || told.iter().rev().filter(|row| moves(row));
    let is_here = moved().next().map(|row| text(row, "cart_id")) == Some(cart);
    if !is_here {
        return;
    }
    let price = moved().find_map(|row| amount(row.get("price_paid")));
    let price = price.unwrap_or_default();
    let own = told.iter().rev().filter(|row| text(row, "cart_id") == cart);
    let mut decisive = own.filter(|row| moves(row) || action(row) == "refunded");
    if !decisive.next().is_some_and(|row| moves(row)) {
        books.refunded.insert(ticket.to_owned(), price);
        return;
    }
    books.lines.insert(ticket.to_owned(), price);
    let is_known = |row: &&&Record| KNOWN.contains(&action(row).as_str());
    let kinds = told.iter().rev().filter(is_known);
    let kind = kinds
        .map(|row| text(row, "item_kind"))
        .find(|kind| !kind.is_empty());
    if kind == Some("donation") {
        let funds = moved().find_map(|row| shares(row, price));
        books
            .gifts
            .insert(ticket.to_owned(), funds.unwrap_or_default());
    }
}

/// Shares of the funds that a row names, by lower-case name. `None` if the row names no fund.
fn shares(row: &Record, price: i64) -> Option<BTreeMap<String, Share>> {
    let mut funds: BTreeMap<String, Share> = BTreeMap::new();
    let list = row.get("funds").and_then(Value::as_array);
    let Some(list) = list.filter(|list| !list.is_empty()) else {
        let code = text(row, "fund_code");
        let whole = Share {
            cents: price,
            slack: 0,
        };
        return (!code.is_empty()).then(|| [(code.to_lowercase(), whole)].into());
    };
    let parts: Vec<&Record> = list.iter().filter_map(Value::as_object).collect();
    for (part, share) in parts.iter().zip(of_list(&parts, price)) {
        let fund = funds.entry(text(part, "code").to_lowercase()).or_default();
        fund.cents += share.cents;
        fund.slack += share.slack;
    }
    Some(funds)
}

/// Shares of a list of funds. An entry gives an amount, or a percentage of the price, or gets the rest.
fn of_list(parts: &[&Record], price: i64) -> Vec<Share> {
    let percent = |part: &Record| decimal(part.get("percent"));
    // Percentages have at most six decimals, so 100 percent are 100 million.
    let millionths = |part: &Record| {
        let scaled = percent(part)? * rust_decimal::Decimal::from(1_000_000);
        scaled.normalize().to_string().parse::<i64>().ok()
    };
    let weights = parts
        .iter()
        .map(|part| millionths(part).unwrap_or_default());
    let weights: Vec<i64> = weights.collect();
    let whole: i64 = weights.iter().sum();
    // Half a cent rounds up.
    let of_percent = ((i128::from(price) * i128::from(whole) + 50_000_000) / 100_000_000) as i64;
    let divided = proportional(&weights, of_percent);
    let said: i64 = parts
        .iter()
        .filter_map(|part| amount(part.get("amount")))
        .sum();
    let rest = price - said - of_percent;
    let each = parts.iter().zip(divided);
    let each = each.map(
        |(part, divided)| match (percent(part), amount(part.get("amount"))) {
            (Some(_), _) => Share {
                cents: divided,
                slack: 1,
            },
            (None, Some(cents)) => Share { cents, slack: 0 },
            (None, None) => Share {
                cents: rest,
                slack: 1,
            },
        },
    );
    each.collect()
}
