//! Compares opportunities with the expected books, to the cent: the sum of the lines is the amount. The payments are
//! charges less voids, refunds and chargebacks. The allocations are the gifts that were not refunded.

mod there;

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use simulator::Simulator;

use super::{Books, Share, reckoning, text};
use there::There;

/// Returns each cart whose opportunity differs from its books, with the expected and the found entry.
pub(crate) fn disagreeing<'b>(
    simulator: &Simulator,
    carts: impl IntoIterator<Item = (&'b str, &'b Books)>,
    settings: &Map<String, Value>,
    npsp: bool,
) -> Vec<(String, Entry, Entry)> {
    let there = There::read(simulator);
    let wants = Wants {
        settings,
        npsp,
        payments: npsp && are_ours(settings),
    };
    let each = carts.into_iter().map(|(cart, books)| {
        let expected = wants.entry(cart, books);
        let found = there.entry(cart, books, &wants);
        (cart.to_owned(), expected, found)
    });
    each.filter(|(_, expected, found)| expected != found)
        .collect()
}

/// Returns whether usher creates the payments instead of NPSP.
pub(crate) fn are_ours(settings: &Map<String, Value>) -> bool {
    text(settings, "payments") != "npsp"
}

/// Content of one opportunity, in cents.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    opportunities: usize,
    amount: i64,
    /// Key and total of each line, sorted. A duplicate line appears twice.
    lines: Vec<(String, i64)>,
    /// Product, kind and quantity of the line `CART:kept`.
    kept: String,
    /// Key and amount of each payment, sorted. The parts of one refund are added up.
    payments: Vec<(String, i64)>,
    /// Allocated amounts by the fund's lower-case name.
    funds: BTreeMap<String, i64>,
    stage: String,
}

/// Settings that decide about the expected content.
struct Wants<'s> {
    settings: &'s Map<String, Value>,
    npsp: bool,
    payments: bool,
}

impl Wants<'_> {
    fn entry(&self, cart: &str, books: &Books) -> Entry {
        if !books.is_opportunity(self.settings) {
            return Entry::default();
        }
        let mut lines = books.own_lines(cart, self.settings);
        let sums = books.sums(self.settings);
        let kept = sums.adjustment(reckoning::reduces(self.settings));
        lines.extend(kept.map(|(_, cents)| (format!("{cart}:kept"), cents)));
        Entry {
            opportunities: 1,
            amount: lines.values().sum(),
            lines: lines.into_iter().collect(),
            kept: kept.map_or_else(String::new, |(word, _)| format!("{word}, adjustment, 1")),
            payments: self.payments(cart, books),
            funds: self
                .funds(books)
                .into_iter()
                .map(|(fund, share)| (fund, share.cents))
                .filter(|(_, cents)| *cents > 0)
                .collect(),
            stage: stage(books, self.settings).to_owned(),
        }
    }

    fn payments(&self, cart: &str, books: &Books) -> Vec<(String, i64)> {
        let booked = books.parts.iter().filter(|(_, part)| part.booked > 0);
        let mut payments: Vec<(String, i64)> = booked
            .filter(|_| self.payments)
            .map(|(id, part)| {
                if part.is_refund {
                    (id.clone(), -part.booked)
                } else {
                    (format!("{cart}:{id}"), part.booked)
                }
            })
            .collect();
        payments.sort();
        payments
    }

    fn funds(&self, books: &Books) -> BTreeMap<String, Share> {
        if self.npsp && books.is_opportunity(self.settings) {
            books.allocations(self.settings)
        } else {
            BTreeMap::new()
        }
    }
}

fn stage(books: &Books, settings: &Map<String, Value>) -> &'static str {
    match books.status.as_str() {
        _ if text(settings, "cart_source") == "derived" => "Closed Won",
        "cancelled" => "Closed Lost",
        _ if books.owed > 0 => "Pledged",
        _ => "Closed Won",
    }
}

/// Returns whether the found allocations equal the expected ones, except for cents that rounding may move.
fn agree(expected: &BTreeMap<String, Share>, found: &BTreeMap<String, i64>) -> bool {
    let total: i64 = expected.values().map(|share| share.cents).sum();
    let names = expected.keys().chain(found.keys());
    let is_near = |name: &String| {
        let share = expected.get(name).copied().unwrap_or_default();
        let cents = found.get(name).copied().unwrap_or_default();
        (share.cents - cents).abs() <= share.slack
    };
    found.values().sum::<i64>() == total && names.into_iter().all(is_near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_moves_cents_and_nothing_more() {
        let funds = |funds: &[(&str, i64)]| -> BTreeMap<String, i64> {
            let each = funds.iter();
            each.map(|(name, cents)| ((*name).to_owned(), *cents))
                .collect()
        };
        let share = |cents, slack| Share { cents, slack };
        let expected = [
            ("roof", share(334, 1)),
            ("bees", share(333, 1)),
            ("whale", share(500, 0)),
        ];
        let expected = expected
            .map(|(name, share)| (name.to_owned(), share))
            .into();
        for (found, right) in [
            (&[("roof", 334), ("bees", 333), ("whale", 500)][..], true),
            (&[("roof", 333), ("bees", 334), ("whale", 500)], true),
            (&[("roof", 332), ("bees", 335), ("whale", 500)], false),
            (&[("roof", 334), ("bees", 332), ("whale", 501)], false),
            (&[("roof", 334), ("bees", 333)], false),
            (
                &[("roof", 334), ("bees", 333), ("whale", 500), ("sea", 1)],
                false,
            ),
        ] {
            assert_eq!(agree(&expected, &funds(found)), right, "{found:?}");
        }
    }

    #[test]
    fn stages_follow_from_the_cart() {
        let books = |status: &str, owed: i64| Books {
            status: status.to_owned(),
            owed,
            ..Books::default()
        };
        let derived = serde_json::json!({ "cart_source": "derived" });
        for (books, settings, expected) in [
            (books("checked_out", 0), Value::Null, "Closed Won"),
            (books("refunded", 0), Value::Null, "Closed Won"),
            (books("part_refunded", 5), Value::Null, "Pledged"),
            (books("cancelled", 5), Value::Null, "Closed Lost"),
            (books("cancelled", 5), derived, "Closed Won"),
        ] {
            let settings = settings.as_object().cloned().unwrap_or_default();
            assert_eq!(stage(&books, &settings), expected, "{books:?}");
        }
    }
}
