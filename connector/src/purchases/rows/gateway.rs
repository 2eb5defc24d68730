//! Payments of a cart from its rows of the gateway: charges, what voids take away, and refunds as far as they fit.

use std::collections::BTreeMap;

use super::{action, at};
use crate::purchases::{Books, Part, Record, amount, text};

const KNOWN: &[&str] = &["charge", "void", "refund", "chargeback"];
/// Actions that move no money.
const NOTHING: &[&str] = &["authorize", "decline"];

/// One row of the gateway.
struct Entry<'r> {
    id: &'r str,
    action: String,
    reference: &'r str,
    method: &'r str,
    cents: Option<i64>,
    at: i128,
}

/// A charge and what of it voids and refunds have left.
struct Charge<'r> {
    entry: &'r Entry<'r>,
    cents: i64,
    voided: i64,
    left: i64,
}

type Parts = BTreeMap<String, Part>;

pub(super) fn enter(rows: &[&Record], books: &mut Books) {
    let mut entries: Vec<Entry> = rows.iter().map(|row| entry(row)).collect();
    entries.sort_by(|one, other| (one.at, one.id).cmp(&(other.at, other.id)));
    let is_unknown = |action: &str| !KNOWN.contains(&action) && !NOTHING.contains(&action);
    let unknown = entries.iter().filter(|entry| is_unknown(&entry.action));
    books
        .words
        .extend(unknown.map(|entry| entry.action.clone()));
    let of = |action: &'static str| entries.iter().filter(move |entry| entry.action == action);
    let mut charges = charges(of("charge"), &mut books.parts);
    for void in of("void") {
        take_away(void, &mut charges, &mut books.parts);
    }
    for charge in &charges {
        let part = books.parts.entry(charge.entry.id.to_owned()).or_default();
        part.booked = charge.cents - charge.voided;
        part.voided = charge.voided;
    }
    let back: Vec<&Entry> = entries
        .iter()
        .filter(|entry| matches!(entry.action.as_str(), "refund" | "chargeback"))
        .collect();
    for entry in &back {
        give_back(
            entry,
            has_both_signs(entry, &back),
            &mut charges,
            &mut books.parts,
        );
    }
}

fn entry<'r>(row: &'r Record) -> Entry<'r> {
    Entry {
        id: text(row, "id"),
        action: action(row),
        reference: text(row, "gateway_reference"),
        method: text(row, "method"),
        cents: amount(row.get("amount")),
        at: at(row),
    }
}

/// Charges of more than nothing, each once; those below nothing or without an amount are refused.
fn charges<'r>(rows: impl Iterator<Item = &'r Entry<'r>>, parts: &mut Parts) -> Vec<Charge<'r>> {
    let mut rows: Vec<&Entry> = rows.collect();
    // A charge that is told twice has the smallest of its ids.
    rows.sort_by_key(|entry| entry.id);
    let mut charges: Vec<Charge> = Vec::new();
    for entry in rows {
        let cents = entry.cents.unwrap_or_default();
        let is_told_twice = charges.iter().any(|charge| {
            !entry.reference.is_empty()
                && charge.entry.reference == entry.reference
                && charge.cents == cents
                && charge.entry.at == entry.at
        });
        if cents > 0 && !is_told_twice {
            charges.push(Charge {
                entry,
                cents,
                voided: 0,
                left: cents,
            });
        } else if cents < 0 || entry.cents.is_none() {
            let part = Part {
                // The amount of a charge without one is unknown: it counts as one cent that is not booked.
                waits: cents.abs().max(1),
                ..Part::default()
            };
            parts.insert(entry.id.to_owned(), part);
        }
    }
    charges.sort_by_key(|charge| (charge.entry.at, charge.entry.id));
    charges
}

/// A void takes its amount from its charge; of more than is left the rest waits.
fn take_away(void: &Entry, charges: &mut [Charge], parts: &mut Parts) {
    let place = match void.reference {
        "" => alone(void, charges),
        reference => named(reference, void.cents.map(i64::abs), charges),
    };
    let charge = place.and_then(|place| charges.get_mut(place));
    let left = charge.as_ref().map_or(0, |charge| charge.left);
    // A void without an amount means what is left of the charge; one that fits none is refused.
    let size = void.cents.map_or(left.max(1), i64::abs);
    let fits = size.min(left);
    if let Some(charge) = charge {
        charge.left -= fits;
        charge.voided += fits;
    }
    let part = Part {
        voided: fits,
        waits: size - fits,
        ..Part::default()
    };
    parts.insert(void.id.to_owned(), part);
}

/// The single charge of this method and amount.
fn alone(void: &Entry, charges: &[Charge]) -> Option<usize> {
    let is_meant = |charge: &Charge| {
        charge.entry.method == void.method && Some(charge.cents) == void.cents.map(i64::abs)
    };
    let mut meant = (0..charges.len()).filter(|place| charges.get(*place).is_some_and(is_meant));
    let first = meant.next();
    first.filter(|_| meant.next().is_none())
}

/// The charge of a reference: one of an equal amount, rather one that is untouched, else the latest.
fn named(reference: &str, cents: Option<i64>, charges: &[Charge]) -> Option<usize> {
    let place = |is_meant: &dyn Fn(&Charge) -> bool| {
        charges
            .iter()
            .rposition(|charge| charge.entry.reference == reference && is_meant(charge))
    };
    let untouched = place(&|charge| Some(charge.cents) == cents && charge.left == charge.cents);
    let equal = || place(&|charge| Some(charge.cents) == cents);
    untouched.or_else(equal).or_else(|| place(&|_| true))
}

/// The row's reference and action have amounts above and below nothing: nobody knows which way money went.
fn has_both_signs(entry: &Entry, back: &[&Entry]) -> bool {
    let same = back.iter().filter(|other| {
        !entry.reference.is_empty()
            && other.reference == entry.reference
            && other.action == entry.action
    });
    let signs: Vec<i64> = same
        .map(|other| other.cents.unwrap_or_default().signum())
        .collect();
    signs.contains(&1) && signs.contains(&-1)
}

/// A refund takes what is left of its charge, then of the others; it takes nothing of others for what was voided.
fn give_back(entry: &Entry, is_refused: bool, charges: &mut [Charge], parts: &mut Parts) {
    let size = entry.cents.unwrap_or_default().abs();
    if size == 0 {
        return;
    }
    let mut waits = size;
    if !is_refused {
        let place = match entry.reference {
            "" => None,
            reference => named(reference, Some(size), charges),
        };
        if let Some(charge) = place.and_then(|place| charges.get_mut(place)) {
            waits -= take(charge, waits);
        }
        let meant = place.and_then(|place| charges.get(place));
        if meant.is_none_or(|charge| charge.voided == 0) {
            // The order of the others changes no sum.
            waits -= charges
                .iter_mut()
                .fold(0, |taken, charge| taken + take(charge, waits - taken));
        }
    }
    let part = Part {
        is_refund: true,
        booked: size - waits,
        waits,
        ..Part::default()
    };
    parts.insert(entry.id.to_owned(), part);
}

fn take(charge: &mut Charge, cents: i64) -> i64 {
    let taken = charge.left.min(cents);
    charge.left -= taken;
    taken
}
