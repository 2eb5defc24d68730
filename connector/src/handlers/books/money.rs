//! Matches voids and refunds with charges, from the gateway rows of a cart.
//!
//! A pure function of the rows: their order does not change the result. Ticketure names a charge by the gateway's
//! reference, or not at all. NPSP accepts a refund only for a paid payment with enough left (reference: NPSP,
//! `PMT_RefundService`).

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde_json::Value;

/// Digits behind the point of an amount: Salesforce's currency fields of the books have two.
const CENTS: u32 = 2;

/// A gateway row about money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) action: Action,
    pub(crate) reference: Option<String>,
    method: Option<String>,
    pub(crate) amount: Amount,
    at: Moment,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    Charge,
    Void,
    Refund,
    Chargeback,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Amount {
    None,
    /// A text that is no number of whole cents.
    Unreadable(String),
    Of(Decimal),
}

/// Time of a row in milliseconds, or its text if that is no time: one moment may be written in two zones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Moment(Option<i64>, String);

/// A charge, reduced by voids and refunds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Charge {
    /// The smallest id of the rows that report the charge.
    pub(crate) id: String,
    /// The other ids of the charge, for the keys of earlier versions.
    pub(crate) also: Vec<String>,
    pub(crate) reference: Option<String>,
    method: Option<String>,
    pub(crate) charged: Decimal,
    pub(crate) voided: Decimal,
    refunded: Decimal,
    at: Moment,
}

/// The part of a refund or chargeback that reduces one charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// The row's id for the first part; further parts add `:2`, `:3` and so on.
    pub(crate) id: String,
    pub(crate) row: String,
    pub(crate) charge: String,
    pub(crate) amount: Decimal,
}

/// An amount that is not booked, or only in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The amount is missing or unreadable, or a charge is below 0.
    NoAmount { id: String, said: Option<String> },
    /// A void that matches no charge.
    FitsNoCharge { id: String },
    /// Refunds or chargebacks of one reference, some positive and some negative.
    BothSigns { ids: Vec<String> },
    /// The charges have too little left, so the rest waits for another charge.
    Waits {
        id: String,
        action: Action,
        booked: Decimal,
        rest: Decimal,
    },
}

/// The money of a cart.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Money {
    pub(crate) charges: Vec<Charge>,
    pub(crate) parts: Vec<Part>,
    pub(crate) faults: Vec<Fault>,
}

impl Charge {
    /// The charged amount less voids.
    pub(crate) fn paid(&self) -> Decimal {
        self.charged - self.voided
    }

    fn left(&self) -> Decimal {
        self.paid() - self.refunded
    }
}

impl Money {
    /// Charges less voids.
    pub(crate) fn charged(&self) -> Decimal {
        self.charges.iter().map(Charge::paid).sum()
    }

    /// Booked refunds and chargebacks.
    pub(crate) fn refunded(&self) -> Decimal {
        self.parts.iter().map(|part| part.amount).sum()
    }
}

/// Books the entries of a cart. Voids come before refunds, since a voided amount cannot be refunded.
pub(crate) fn settle(entries: &[Entry]) -> Money {
    let mut money = Money::default();
    let readable = readable(entries, &mut money.faults);
    money.charges = charges(&readable);
    let mut others: Vec<&Entry> = readable
        .into_iter()
        .filter(|entry| entry.action != Action::Charge)
        .collect();
    others.sort_by(|one, other| in_time(one, other));
    for void in others.iter().filter(|entry| entry.action == Action::Void) {
        money.void(void);
    }
    for refund in others.iter().filter(|entry| entry.action != Action::Void) {
        money.refund(refund);
    }
    money
}

fn in_time(one: &Entry, other: &Entry) -> Ordering {
    (&one.at, &one.id).cmp(&(&other.at, &other.id))
}

/// Selects the entries that can be booked, and reports the others as faults.
fn readable<'e>(entries: &'e [Entry], faults: &mut Vec<Fault>) -> Vec<&'e Entry> {
    let mixed = both_signs(entries);
    let mut found = Vec::with_capacity(entries.len());
    for entry in entries {
        let is_void = entry.action == Action::Void;
        let is_below = |amount: &Decimal| entry.action == Action::Charge && *amount < Decimal::ZERO;
        match &entry.amount {
            Amount::None if is_void => found.push(entry),
            Amount::None => faults.push(no_amount(entry, None)),
            Amount::Unreadable(said) => faults.push(no_amount(entry, Some(said.clone()))),
            Amount::Of(amount) if is_below(amount) => {
                faults.push(no_amount(entry, Some(amount.to_string())));
            }
            // The gateway `free` reports charges of 0.
            Amount::Of(amount) if amount.is_zero() => {}
            Amount::Of(_) if mixed.contains_key(&mixed_key(entry)) => {}
            Amount::Of(_) => found.push(entry),
        }
    }
    faults.extend(mixed.into_values().map(|ids| Fault::BothSigns { ids }));
    found
}

fn no_amount(entry: &Entry, said: Option<String>) -> Fault {
    let id = entry.id.clone();
    Fault::NoAmount { id, said }
}

fn mixed_key(entry: &Entry) -> (Action, String) {
    (entry.action, entry.reference.clone().unwrap_or_default())
}

/// Finds refunds, or chargebacks, of one reference with both signs, since the direction of that money is unknown.
fn both_signs(entries: &[Entry]) -> BTreeMap<(Action, String), Vec<String>> {
    let mut signs: BTreeMap<(Action, String), (BTreeSet<bool>, Vec<String>)> = BTreeMap::new();
    for entry in entries {
        let goes_back = matches!(entry.action, Action::Refund | Action::Chargeback);
        if let (Amount::Of(amount), true, true) =
            (&entry.amount, goes_back, entry.reference.is_some())
            && !amount.is_zero()
        {
            let known = signs.entry(mixed_key(entry)).or_default();
            known.0.insert(amount.is_sign_negative());
            known.1.push(entry.id.clone());
        }
    }
    signs
        .into_iter()
        .filter(|(_, (signs, _))| signs.len() > 1)
        .map(|(key, (_, mut ids))| {
            ids.sort();
            (key, ids)
        })
        .collect()
}

fn size(entry: &Entry) -> Decimal {
    match entry.amount {
        Amount::Of(amount) => amount.abs(),
        Amount::None | Amount::Unreadable(_) => Decimal::ZERO,
    }
}

/// The charges, oldest first. Two rows with the same reference, amount and time are one charge under two ids.
fn charges(entries: &[&Entry]) -> Vec<Charge> {
    let mut all: Vec<Charge> = Vec::new();
    let mut sorted: Vec<&&Entry> = entries
        .iter()
        .filter(|entry| entry.action == Action::Charge)
        .collect();
    sorted.sort_by(|one, other| one.id.cmp(&other.id));
    for entry in sorted {
        let charged = size(entry);
        let told = all.iter_mut().find(|known| {
            entry.reference.is_some()
                && known.reference == entry.reference
                && known.charged == charged
                && known.at == entry.at
        });
        match told {
            Some(known) => known.also.push(entry.id.clone()),
            None => all.push(Charge {
                id: entry.id.clone(),
                also: Vec::new(),
                reference: entry.reference.clone(),
                method: entry.method.clone(),
                charged,
                voided: Decimal::ZERO,
                refunded: Decimal::ZERO,
                at: entry.at.clone(),
            }),
        }
    }
    all.sort_by(|one, other| (&one.at, &one.id).cmp(&(&other.at, &other.id)));
    all
}

impl Money {
    /// Indexes of the charges with this reference, ranked by `ranked`. Empty without a reference.
    fn named(&self, reference: Option<&String>, amount: Decimal) -> Vec<usize> {
        let is_it = |charge: &Charge| reference.is_some() && charge.reference.as_ref() == reference;
        self.ranked(is_it, amount)
    }

    /// Indexes of the charges that are meant: those of exactly this amount with enough left first, then the latest
    /// first.
    fn ranked(&self, is_meant: impl Fn(&Charge) -> bool, amount: Decimal) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.charges.len())
            .filter(|place| self.charges.get(*place).is_some_and(&is_meant))
            .collect();
        places.reverse();
        let is_equal = |place: &usize| {
            let charge = self.charges.get(*place);
            charge.is_some_and(|charge| charge.charged == amount && charge.left() >= amount)
        };
        places.sort_by_key(|place| !is_equal(place));
        places
    }

    fn void(&mut self, entry: &Entry) {
        let wanted = size(entry);
        let named = match &entry.reference {
            Some(_) => self.named(entry.reference.as_ref(), wanted),
            None => self.single(entry, wanted),
        };
        if named.is_empty() {
            let id = entry.id.clone();
            return self.faults.push(Fault::FitsNoCharge { id });
        }
        // A void without an amount takes all that is left.
        let mut open = match entry.amount {
            Amount::Of(_) => wanted,
            _ => named
                .iter()
                .filter_map(|place| self.charges.get(*place))
                .map(Charge::left)
                .sum(),
        };
        let whole = open;
        for place in named {
            if let Some(charge) = self.charges.get_mut(place) {
                let taken = open.min(charge.left());
                charge.voided += taken;
                open -= taken;
            }
        }
        self.wait_for(entry, whole - open, open);
    }

    /// The index of the charge with this method and amount, if there is exactly one.
    fn single(&self, entry: &Entry, amount: Decimal) -> Vec<usize> {
        let places: Vec<usize> = (0..self.charges.len())
            .filter(|place| {
                let charge = self.charges.get(*place);
                charge.is_some_and(|one| one.method == entry.method && one.charged == amount)
            })
            .collect();
        match places.len() {
            1 => places,
            _ => Vec::new(),
        }
    }

    fn refund(&mut self, entry: &Entry) {
        let wanted = size(entry);
        let mut open = wanted;
        let mut number = 1;
        for place in self.refundable(entry, wanted) {
            let Some(charge) = self.charges.get_mut(place) else {
                continue;
            };
            let amount = open.min(charge.left());
            if amount <= Decimal::ZERO {
                continue;
            }
            charge.refunded += amount;
            open -= amount;
            self.parts.push(Part {
                id: match number {
                    1 => entry.id.clone(),
                    number => format!("{}:{number}", entry.id),
                },
                row: entry.id.clone(),
                charge: charge.id.clone(),
                amount,
            });
            number += 1;
        }
        self.wait_for(entry, wanted - open, open);
    }

    /// Indexes of the charges that a refund may reduce, the likeliest first. If one of the named charges was voided, no
    /// other charge replaces it.
    fn refundable(&self, entry: &Entry, wanted: Decimal) -> Vec<usize> {
        let is_voided = |place: &usize| {
            let charge = self.charges.get(*place);
            charge.is_some_and(|charge| charge.voided > Decimal::ZERO)
        };
        let mut named = self.named(entry.reference.as_ref(), wanted);
        if named.is_empty() {
            named = self.by_amount(wanted);
        }
        if named.iter().any(is_voided) {
            return named;
        }
        let others = self.ranked(|_| true, wanted);
        let others = others.into_iter().filter(|place| !named.contains(place));
        let others: Vec<usize> = others.collect();
        named.extend(others);
        named
    }

    /// The charge of this amount, preferably with enough left. Without one, the latest charge with enough left.
    fn by_amount(&self, wanted: Decimal) -> Vec<usize> {
        let ranked = self.ranked(|charge| charge.charged == wanted, wanted);
        let enough = || self.ranked(|charge| charge.left() >= wanted, wanted);
        let first = ranked
            .first()
            .copied()
            .or_else(|| enough().first().copied());
        first.into_iter().collect()
    }

    fn wait_for(&mut self, entry: &Entry, booked: Decimal, rest: Decimal) {
        if rest > Decimal::ZERO {
            self.faults.push(Fault::Waits {
                id: entry.id.clone(),
                action: entry.action,
                booked,
                rest,
            });
        }
    }
}

/// Merges the deliveries of each row id, and parses one entry from each. Rows whose action moves no money are left out.
pub(crate) fn told(rows: &[Value]) -> Vec<(Entry, Value)> {
    let mut last: BTreeMap<String, (Moment, Moment, Value)> = BTreeMap::new();
    for row in rows {
        let Some(id) = text(row, "id") else { continue };
        let (at, delivered) = (moment(row, "occurred_at"), moment(row, "$at"));
        // The later of two deliveries of one row counts; members that it leaves out keep the earlier value.
        let told = match last.remove(&id) {
            None => (at, delivered, row.clone()),
            Some((known_at, known, older)) if (&known_at, &known) > (&at, &delivered) => {
                (known_at, known, over(row.clone(), older))
            }
            Some((_, _, older)) => (at, delivered, over(older, row.clone())),
        };
        last.insert(id, told);
    }
    let rows = last.into_values().map(|(_, _, row)| row);
    rows.filter_map(|row| Some((entry(&row)?, row))).collect()
}

fn over(first: Value, second: Value) -> Value {
    match (first, second) {
        (Value::Object(mut first), Value::Object(second)) => {
            first.extend(second);
            Value::Object(first)
        }
        (_, second) => second,
    }
}

fn entry(row: &Value) -> Option<Entry> {
    let action = match text(row, "action")?.to_lowercase().as_str() {
        "charge" => Action::Charge,
        "void" => Action::Void,
        "refund" => Action::Refund,
        "chargeback" => Action::Chargeback,
        _ => return None,
    };
    Some(Entry {
        id: text(row, "id")?,
        action,
        reference: text(row, "gateway_reference"),
        method: text(row, "method").map(|method| method.to_lowercase()),
        amount: match text(row, "amount") {
            None => Amount::None,
            Some(said) => match said.parse::<Decimal>() {
                Ok(amount) if amount.normalize().scale() <= CENTS => Amount::Of(amount),
                // Nothing is rounded.
                Ok(_) | Err(_) => Amount::Unreadable(said),
            },
        },
        at: moment(row, "occurred_at"),
    })
}

fn moment(row: &Value, member: &str) -> Moment {
    let said = text(row, member).unwrap_or_default();
    match runtime::clock::parse_ms(&said) {
        Some(at) => Moment(Some(at), String::new()),
        None => Moment(None, said),
    }
}

fn text(row: &Value, member: &str) -> Option<String> {
    let text = runtime::json::text_at(row, &[member])?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
