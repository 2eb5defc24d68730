//! The line that evens the sums of a cart: a fee, a refund beyond the returned lines, or an exchange.

use rust_decimal::Decimal;

/// The setting `refund`: whether the lines of refunded tickets are deleted or stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refunds {
    ReduceLines,
    NegativePayment,
}

/// The sums of a cart.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sums {
    /// Prices of the lines that were not refunded.
    pub(crate) kept: Decimal,
    pub(crate) gifts: Decimal,
    /// Prices of the refunded lines.
    pub(crate) returned: Decimal,
    /// Charges less voids.
    pub(crate) charged: Decimal,
    /// Booked refunds and chargebacks.
    pub(crate) refunded: Decimal,
    /// Count of the lines that Salesforce has if refunded lines stay.
    pub(crate) lines: usize,
}

/// The line `CART:kept`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Its product's name.
    pub(crate) word: &'static str,
    pub(crate) amount: Decimal,
}

impl Sums {
    /// Adds the price of one line to its sums. `is_kept` is false for a refunded line.
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

    /// Computes the line that brings the opportunity's amount to the retained money. `None` if its amount is 0.
    pub(crate) fn line(&self, refunds: Refunds) -> Option<Kept> {
        let (word, amount) = match refunds {
            Refunds::ReduceLines if self.refunded <= self.returned => ("Refund fee", self.fee()),
            Refunds::ReduceLines => ("Given back", -self.given_back()),
            Refunds::NegativePayment => ("Exchanged", self.exchanged()),
        };
        (!amount.is_zero()).then_some(Kept { word, amount })
    }

    /// The fee that the museum retained: less money was refunded than the returned tickets had cost.
    fn fee(&self) -> Decimal {
        let unpaid = self.returned - self.refunded;
        let over = self.charged - self.refunded - self.kept;
        unpaid.min(over).max(Decimal::ZERO)
    }

    /// The amount that remaining lines give up: more money was refunded than the returned tickets had cost.
    pub(crate) fn given_back(&self) -> Decimal {
        let more = self.refunded - self.returned;
        let missing = self.kept - (self.charged - self.refunded);
        more.min(missing).max(Decimal::ZERO)
    }

    /// The deduction for exchanges, 0 or less: refunded lines stay, though their price also paid for the replacing
    /// lines.
    fn exchanged(&self) -> Decimal {
        let unpaid = self.refunded - self.returned;
        let missing = self.charged - self.kept - self.returned;
        unpaid.max(missing).min(Decimal::ZERO)
    }

    /// The part of the given back amount that reduces gifts. Other lines are lowered first.
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
            // All is paid, and nothing was refunded.
            (sums(50, 0, 0, 50, 0), None, None),
            // A ticket of 25 was returned, and 5 were retained as a fee.
            (sums(50, 0, 25, 75, 20), Some(("Refund fee", 5)), None),
            // A ticket was returned, and its whole price refunded.
            (sums(50, 0, 25, 75, 25), None, None),
            // A ticket was exchanged for a dearer one, and the difference charged.
            (sums(35, 0, 25, 35, 0), None, Some(("Exchanged", -25))),
            // The museum refunds 40 of 100 as goodwill, and the tickets stay.
            (sums(100, 0, 0, 100, 40), Some(("Given back", -40)), None),
            // An overpayment was refunded, which lowers no line.
            (sums(100, 0, 0, 120, 20), None, None),
            // No payment has arrived.
            (sums(50, 0, 25, 0, 0), None, Some(("Exchanged", -25))),
            // The bank reverses the whole charge after the refund of one ticket.
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
