//! The expected lines of a cart's opportunity, with `CART:kept`, and its allocations.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Books, Share, text};

/// The four sums of the books of a cart, in cents (docs/org.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sums {
    /// Prices of the lines that were not refunded: L.
    pub(super) kept: i64,
    /// Prices of the refunded lines: T.
    pub(super) gone: i64,
    /// Charges less voids: C.
    pub(super) charged: i64,
    /// Booked refunds and chargebacks: R.
    pub(super) back: i64,
}

impl Sums {
    /// Money refunded for lines that were not returned: G.
    pub(super) fn given_back(&self) -> i64 {
        if self.back <= self.gone {
            return 0;
        }
        let beyond = self.back - self.gone;
        beyond.min(self.kept - (self.charged - self.back)).max(0)
    }

    /// Word and amount of the line `CART:kept`, if its amount is not 0.
    pub(super) fn adjustment(&self, reduces: bool) -> Option<(&'static str, i64)> {
        let unpaid = self.gone - self.back;
        let (word, cents) = if !reduces {
            let exchanged = (-unpaid).max(self.charged - self.kept - self.gone);
            ("Exchanged", exchanged.min(0))
        } else if self.back <= self.gone {
            let fee = unpaid.min(self.charged - self.back - self.kept);
            ("Refund fee", fee.max(0))
        } else {
            ("Given back", -self.given_back())
        };
        (cents != 0).then_some((word, cents))
    }
}

/// Fees and taxes: lines that belong to the cart and to no ticket.
fn extras(books: &Books) -> impl Iterator<Item = (&'static str, i64)> {
    let both = [("fees", books.fees), ("taxes", books.taxes)];
    both.into_iter().filter(|(_, cents)| *cents > 0)
}

fn is(settings: &Map<String, Value>, name: &str, word: &str) -> bool {
    text(settings, name) == word
}

/// Returns whether refunded lines are deleted, which is the default.
pub(super) fn reduces(settings: &Map<String, Value>) -> bool {
    !is(settings, "refund", "negative_payment")
}

impl Books {
    /// Returns whether Salesforce has to have an opportunity for the cart.
    pub(crate) fn is_opportunity(&self, settings: &Map<String, Value>) -> bool {
        if is(settings, "cart_source", "derived") {
            self.bought
        } else {
            self.checked_out
        }
    }

    pub(super) fn sums(&self, settings: &Map<String, Value>) -> Sums {
        let mut sums = Sums {
            kept: self.lines.values().sum(),
            gone: self.refunded.values().sum(),
            charged: self.booked(false),
            back: self.booked(true),
        };
        // A derived cart has no rows of its own, so neither fees nor taxes nor a status.
        if !is(settings, "cart_source", "derived") {
            let extras: i64 = extras(self).map(|(_, cents)| cents).sum();
            match self.status.as_str() {
                "refunded" => sums.gone += extras,
                _ => sums.kept += extras,
            }
        }
        sums
    }

    fn booked(&self, is_refund: bool) -> i64 {
        let parts = self.parts.values();
        let mine = parts.filter(|part| part.is_refund == is_refund);
        mine.map(|part| part.booked).sum()
    }

    /// Key and amount of each line except `CART:kept`.
    pub(super) fn own_lines(
        &self,
        cart: &str,
        settings: &Map<String, Value>,
    ) -> BTreeMap<String, i64> {
        let reduces = reduces(settings);
        let gone = self.refunded.iter().filter(|_| !reduces);
        let tickets = self.lines.iter().chain(gone);
        let mut lines: BTreeMap<String, i64> = tickets
            .map(|(ticket, cents)| (format!("{cart}:{ticket}"), *cents))
            .collect();
        let extras_are_gone = reduces && self.status == "refunded";
        if !is(settings, "cart_source", "derived") && !extras_are_gone {
            lines.extend(extras(self).map(|(name, cents)| (format!("{cart}:{name}"), cents)));
        }
        lines
    }

    /// Allocations by fund: the shares of the gifts, less the money that was refunded for them.
    pub(super) fn allocations(&self, settings: &Map<String, Value>) -> BTreeMap<String, Share> {
        let sums = self.sums(settings);
        let of_gifts: i64 = self
            .gifts
            .keys()
            .filter_map(|ticket| self.lines.get(ticket))
            .sum();
        let shares: Vec<(&String, &Share)> = self.gifts.values().flatten().collect();
        let all: i64 = shares.iter().map(|(_, share)| share.cents).sum();
        let excess = (sums.given_back() - (sums.kept - of_gifts)).clamp(0, all);
        let whole: Vec<i64> = shares.iter().map(|(_, share)| share.cents).collect();
        let left = proportional(&whole, all - excess);
        let is_rounded = excess > 0 && excess < all;
        let mut funds: BTreeMap<String, Share> = BTreeMap::new();
        for ((fund, share), cents) in shares.into_iter().zip(left) {
            let of_fund = funds.entry(fund.clone()).or_default();
            of_fund.cents += cents;
            of_fund.slack += share.slack + i64::from(is_rounded);
        }
        funds.retain(|_, share| share.cents > 0 || share.slack > 0);
        funds
    }
}

/// Divides a sum in proportion to the shares, to the cent, by largest remainder.
pub(super) fn proportional(shares: &[i64], sum: i64) -> Vec<i64> {
    let all: i128 = shares.iter().map(|share| i128::from(*share)).sum();
    if all <= 0 {
        return vec![0; shares.len()];
    }
    let products = shares
        .iter()
        .map(|share| i128::from(*share) * i128::from(sum));
    let (mut parts, mut remainders) = (Vec::new(), Vec::new());
    for (place, product) in products.enumerate() {
        parts.push((product / all) as i64);
        remainders.push((-(product % all), place));
    }
    // Largest remainder first; of equal ones the first share.
    remainders.sort_unstable();
    let missing = sum - parts.iter().sum::<i64>();
    for (_, place) in remainders.into_iter().take(missing.max(0) as usize) {
        if let Some(part) = parts.get_mut(place) {
            *part += 1;
        }
    }
    parts
}

#[cfg(test)]
mod tests;
