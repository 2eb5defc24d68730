//! Payments of a cart from its rows of the gateway.

use std::collections::BTreeMap;

use super::{action, at};
use crate::purchases::{Books, Part, Record, amount, text};

const KNOWN: &[&str] = &["charge", "void", "refund", "chargeback"];
/// Actions that move no money.
const NOTHING: &[&str] = &["authorize", "decline"];

/// A row of the gateway.
struct Entry<'r> {
    id: &'r str,
    action: String,
    reference: &'r str,
    method: &'r str,
    cents: Option<i64>,
    at: i128,
}

/// A charge, its voided cents, and the rest that can still be refunded.
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

/// The charges above 0, each once. Charges below 0 or without an amount are refused.
fn charges<'r>(rows: impl Iterator<Item = &'r Entry<'r>>, parts: &mut Parts) -> Vec<Charge<'r>> {
    let mut rows: Vec<&Entry> = rows.collect();
    // Sorted by id, since a charge with two ids has the smaller as its key.
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
                // A charge without an amount counts as one cent, so that an entry has to name it.
                waits: cents.abs().max(1),
                ..Part::default()
            };
            parts.insert(entry.id.to_owned(), part);
        }
    }
    charges.sort_by_key(|charge| (charge.entry.at, charge.entry.id));
    charges
}

/// Deducts a void from its charge. The amount beyond the charge's rest waits.
fn take_away(void: &Entry, charges: &mut [Charge], parts: &mut Parts) {
    let place = match void.reference {
        "" => alone(void, charges),
        reference => named(reference, void.cents.map(i64::abs), charges),
    };
    let charge = place.and_then(|place| charges.get_mut(place));
    let left = charge.as_ref().map_or(0, |charge| charge.left);
    // A void without an amount takes all of the charge's rest. If it has no charge, one cent waits.
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

/// The index of the charge with this method and amount, if there is exactly one.
fn alone(void: &Entry, charges: &[Charge]) -> Option<usize> {
    let is_meant = |charge: &Charge| {
        charge.entry.method == void.method && Some(charge.cents) == void.cents.map(i64::abs)
    };
    let mut meant = (0..charges.len()).filter(|place| charges.get(*place).is_some_and(is_meant));
    let first = meant.next();
    first.filter(|_| meant.next().is_none())
}

/// The latest charge of a reference, preferably one of this amount, and of those one that is untouched.
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

/// Returns whether amounts of the row's reference and action have both signs, so that the direction is unknown.
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

/// Takes a refund from its charge and then from the others. If the charge was voided, the rest waits instead.
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
            // Any order gives the same sums.
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
