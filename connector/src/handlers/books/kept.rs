//! The line that says what the other lines do not: a fee that was kept, an amount that was given back, an exchange.

use rust_decimal::Decimal;

/// The setting `refund`: whether the lines of refunded tickets go or stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refunds {
    ReduceLines,
    NegativePayment,
}

/// The sums of a cart.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sums {
    /// Lines that are kept, and those of them that are gifts.
    pub(crate) kept: Decimal,
    pub(crate) gifts: Decimal,
    /// Lines that went by a refund.
    pub(crate) returned: Decimal,
    /// Charges less voids.
    pub(crate) charged: Decimal,
    /// Refunds and chargebacks that are booked.
    pub(crate) refunded: Decimal,
    /// How many lines there are where a refund leaves its lines.
    pub(crate) lines: usize,
}

/// The line `CART:kept`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The name of its product.
    pub(crate) word: &'static str,
    pub(crate) amount: Decimal,
}

impl Sums {
    /// Adds a line: one that is kept, or one that went by a refund.
    pub(crate) fn add(&mut self, price: Decimal, is_kept: bool, is_gift: bool) {
        self.lines += 1;
        match is_kept {
            true => self.kept += price,
            false => self.returned += price,
        }
        if is_kept && is_gift {
            self.gifts += price;
        }
    }

    /// The line that makes the amount of the opportunity what the museum has kept; none where it would be 0.
    pub(crate) fn line(&self, refunds: Refunds) -> Option<Kept> {
        let (word, amount) = match refunds {
            Refunds::ReduceLines if self.refunded <= self.returned => ("Refund fee", self.fee()),
            Refunds::ReduceLines => ("Given back", -self.given_back()),
            Refunds::NegativePayment => ("Exchanged", self.exchanged()),
        };
        (!amount.is_zero()).then_some(Kept { word, amount })
    }

    /// Less went back than the tickets had cost.
    fn fee(&self) -> Decimal {
        let unpaid = self.returned - self.refunded;
        let over = self.charged - self.refunded - self.kept;
        unpaid.min(over).max(Decimal::ZERO)
    }

    /// More went back than the tickets had cost: so much of it is of lines that are kept.
    pub(crate) fn given_back(&self) -> Decimal {
        let more = self.refunded - self.returned;
        let missing = self.kept - (self.charged - self.refunded);
        more.min(missing).max(Decimal::ZERO)
    }

    /// Refunded lines stay, and were paid for by the lines that replace them.
    fn exchanged(&self) -> Decimal {
        let unpaid = self.refunded - self.returned;
        let missing = self.charged - self.kept - self.returned;
        unpaid.max(missing).min(Decimal::ZERO)
    }

    /// The part of the given back amount that is taken from gifts: other lines are lowered first.
    pub(crate) fn given_back_of_gifts(&self) -> Decimal {
        let others = self.kept - self.gifts;
        (self.given_back() - others).max(Decimal::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Refunds::{NegativePayment, ReduceLines};

    fn sums(kept: i64, gifts: i64, returned: i64, charged: i64, refunded: i64) -> Sums {
        let euros = |amount: i64| Decimal::from(amount);
        Sums {
            kept: euros(kept),
            gifts: euros(gifts),
            returned: euros(returned),
            charged: euros(charged),
            refunded: euros(refunded),
            lines: 0,
        }
    }

    fn line(sums: Sums, refunds: Refunds) -> Option<(&'static str, i64)> {
        let line = sums.line(refunds)?;
        Some((line.word, line.amount.to_string().parse().unwrap()))
    }

    #[test]
    fn what_a_museum_keeps_is_a_line() {
        for (sums, reduced, negative) in [
            // All was paid, nothing went back.
            (sums(50, 0, 0, 50, 0), None, None),
            // A ticket of 25 went back, 5 were kept as a fee.
            (sums(50, 0, 25, 75, 20), Some(("Refund fee", 5)), None),
            // A ticket went back with its money.
            (sums(50, 0, 25, 75, 25), None, None),
            // A dearer seat for a cheaper one: the difference was charged.
            (sums(35, 0, 25, 35, 0), None, Some(("Exchanged", -25))),
            // Goodwill: tickets stay, 40 of 100 went back.
            (sums(100, 0, 0, 100, 40), Some(("Given back", -40)), None),
            // An overpayment went back: nothing is taken off.
            (sums(100, 0, 0, 120, 20), None, None),
            // Nothing was heard of any payment.
            (sums(50, 0, 25, 0, 0), None, Some(("Exchanged", -25))),
            // The bank takes all, after a refund of one ticket.
            (sums(50, 0, 25, 75, 75), Some(("Given back", -50)), None),
        ] {
            assert_eq!(line(sums, ReduceLines), reduced, "{sums:?}");
            assert_eq!(line(sums, NegativePayment), negative, "{sums:?}");
        }
    }

    #[test]
    fn gifts_give_back_last() {
        let of_gifts = |sums: Sums| sums.given_back_of_gifts().to_string();
        assert_eq!(of_gifts(sums(100, 100, 0, 100, 40)), "40");
        assert_eq!(of_gifts(sums(100, 60, 0, 100, 40)), "0");
        assert_eq!(of_gifts(sums(100, 80, 0, 100, 40)), "20");
        assert_eq!(of_gifts(sums(100, 80, 0, 100, 0)), "0");
    }
}
