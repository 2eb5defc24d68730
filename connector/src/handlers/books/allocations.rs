//! Allocations of gifts of which a part was refunded.

use runtime::entity::{Slot, SlotMut};
use rust_decimal::Decimal;

use super::amount;
use crate::trees::Wanted;

const ALLOCATION: &str = "npsp__Allocation__c";
const AMOUNT: &str = "npsp__Amount__c";

/// Lowers the allocations of a cart by this amount in all, in proportion and to the cent. An allocation of 0 is
/// removed.
pub(crate) fn lower(wanted: &mut Vec<Wanted>, by: Decimal) {
    if by <= Decimal::ZERO {
        return;
    }
    let mut places: Vec<(usize, Decimal)> = wanted
        .iter()
        .enumerate()
        .filter_map(|(place, one)| Some((place, allocated(one)?)))
        .collect();
    // Sorted by key, so that the cents of rounding do not depend on the order of the rows.
    places.sort_by_key(|(place, _)| wanted.get(*place).map(|one| one.key.clone()));
    let amounts: Vec<Decimal> = places.iter().map(|(_, amount)| *amount).collect();
    let whole: Decimal = amounts.iter().sum();
    if whole <= Decimal::ZERO {
        return;
    }
    let off = by.min(whole);
    let exact: Vec<Decimal> = amounts.iter().map(|amount| off * amount / whole).collect();
    for ((place, before), off) in places.iter().zip(runtime::row::to_cents(&exact)) {
        if let Some(one) = wanted.get_mut(*place) {
            put(one, *before - off);
        }
    }
    wanted.retain(|one| allocated(one) != Some(Decimal::ZERO));
}

fn allocated(wanted: &Wanted) -> Option<Decimal> {
    if wanted.mapping.object != ALLOCATION {
        return None;
    }
    let index = wanted.mapping.record.field(AMOUNT)?;
    wanted.record.slot(index).text()?.parse().ok()
}

fn put(wanted: &mut Wanted, left: Decimal) {
    let index = wanted.mapping.record.field(AMOUNT);
    if let Some(SlotMut::Text(slot)) = index.map(|index| wanted.record.slot_mut(index)) {
        *slot = Slot::Value(amount(left));
    }
}
