//! Mappings of which Salesforce takes no record, until somebody mends the org: which, why, and what may be tried. State
//! and time in, a decision out; no clock, no call.
//!
//! Items of a held mapping are not charged. Now and then one record is tried, another one each time. A record that
//! lands ends the hold. While one record alone was refused, the others go: a second one that is refused alike holds all.

mod doubts;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use runtime::queue::Outcome;

pub(crate) use doubts::OrgSaid;
use doubts::{Landings, OrgDoubt};

/// Records refused in a row for one reason that hold a mapping.
pub(crate) const IN_A_ROW: usize = 20;
/// How often a record is tried, where many were refused alike.
const STREAK_MS: i64 = 60_000;
/// How often a record is tried, where the user does not see an object or a field.
const MAPPING_MS: i64 = 300_000;
/// How often a create is tried while the org is full.
const FULL_MS: i64 = 60_000;
/// Items of a hold that come back for the next try, and as many that were not tried yet; the others come later, so that
/// a long queue costs little.
const HAND: usize = 20;
const REST_MS: i64 = 600_000;
/// Refused records that are remembered, so that none of them counts twice.
const COUNTED_MAX: usize = 20_000;

/// The name of the hold of creates.
pub(crate) const CREATES: &str = "creates";

/// The reason of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The user does not see an object or a field of the mapping, or it is gone.
    Mapping { object: &'static str },
    /// A reading for the mapping was refused as a whole.
    Reading { object: &'static str },
    /// Many records in a row were refused with one code.
    Streak,
    /// The org has no room for new records.
    Full,
}

impl Cause {
    /// Returns the object that the user does not see as a whole.
    pub(crate) fn object(self) -> Option<&'static str> {
        match self {
            Cause::Mapping { object } | Cause::Reading { object } => Some(object),
            Cause::Streak | Cause::Full => None,
        }
    }

    fn every_ms(self) -> i64 {
        match self {
            Cause::Mapping { .. } | Cause::Reading { .. } => MAPPING_MS,
            Cause::Streak => STREAK_MS,
            Cause::Full => FULL_MS,
        }
    }
}

/// A mapping that is held.
#[derive(Debug, Clone)]
pub(crate) struct Hold {
    pub(crate) cause: Cause,
    pub(crate) reason: String,
    /// The next try.
    pub(crate) until_ms: i64,
    /// The code and the field of a streak.
    refused_with: Option<Kind>,
    tried: HashSet<String>,
    /// Items that come back for the next try.
    hand: usize,
    /// The record that is being tried.
    probe: Option<String>,
    /// The only record that was refused so far.
    only: Option<String>,
}

impl Hold {
    /// Returns whether a record is being tried.
    pub(crate) fn is_tried(&self) -> bool {
        self.probe.is_some()
    }

    /// Returns whether one record alone was refused, so that others may go.
    pub(crate) fn is_of_one(&self) -> bool {
        self.only.is_some()
    }
}

/// The records of a mapping that may go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    All,
    /// All but the one that was refused.
    AllBut(String),
    One(String),
    None,
}

impl Admission {
    /// Returns whether the record may go.
    pub(crate) fn lets(&self, key: &str) -> bool {
        match self {
            Admission::All => true,
            Admission::AllBut(other) => other != key,
            Admission::One(one) => one == key,
            Admission::None => false,
        }
    }
}

/// A code and the field that it names.
type Kind = (String, String);

/// A refused record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refused<'r> {
    /// The mapping that is held if too many are refused.
    pub(crate) mapping: &'static str,
    /// The mapping of the items, which is the tree's root for a record of a tree.
    pub(crate) of: &'static str,
    /// The source id of the items.
    pub(crate) key: &'r str,
    pub(crate) code: &'r str,
    pub(crate) field: &'r str,
}

/// Records that were refused in a row.
#[derive(Debug, Default)]
struct Streak {
    kind: Kind,
    /// The mapping and the source id of the items.
    records: BTreeSet<(&'static str, String)>,
}

/// Items to take back out of the error log: of these records, with this code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TakeBack {
    pub(crate) name: &'static str,
    pub(crate) code: String,
    pub(crate) records: Vec<(&'static str, String)>,
}

/// All holds, and what may become one.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    held: BTreeMap<&'static str, Hold>,
    streaks: BTreeMap<&'static str, Streak>,
    /// The mappings and codes that refused a record since it landed last.
    counted: HashMap<String, HashSet<(&'static str, String)>>,
    released: Vec<&'static str>,
    take_back: Vec<TakeBack>,
    landings: Landings,
    org: OrgDoubt,
    /// How often each record was refused alone for want of room.
    without_room: HashMap<String, u32>,
}

impl Holds {
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, &Hold)> {
        self.held.iter().map(|(name, hold)| (*name, hold))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Hold> {
        self.held.get(name)
    }

    /// Holds a mapping. A mapping that is held already keeps the time of its next try. `only`: the record that was
    /// refused by itself; another record of the mapping may go until it is refused, too.
    pub(crate) fn hold(
        &mut self,
        name: &'static str,
        cause: Cause,
        (reason, only): (String, Option<&str>),
        now_ms: i64,
    ) {
        let is_new = !self.held.contains_key(name);
        let hold = self.held.entry(name).or_insert_with(|| Hold {
            cause,
            reason: String::new(),
            until_ms: now_ms + cause.every_ms(),
            refused_with: None,
            tried: HashSet::new(),
            hand: 0,
            probe: None,
            only: None,
        });
        let is_same = is_new || hold.only.is_some() && hold.only.as_deref() == only;
        hold.only = only.filter(|_| is_same).map(str::to_owned);
        (hold.reason, hold.probe) = (reason, None);
    }

    /// Notes that the record was tried.
    pub(crate) fn was_tried(&mut self, name: &str, key: &str) {
        if let Some(hold) = self.held.get_mut(name) {
            hold.tried.insert(key.to_owned());
        }
    }

    /// Decides which of the records may go. A try begins the next wait at once.
    pub(crate) fn admit<'k>(
        &mut self,
        name: &str,
        keys: impl Iterator<Item = &'k str> + Clone,
        now_ms: i64,
    ) -> Admission {
        let Some(hold) = self.held.get_mut(name) else {
            return Admission::All;
        };
        if let Some(only) = &hold.only {
            let is_due = now_ms >= hold.until_ms && keys.clone().any(|key| key == only);
            if !is_due {
                return Admission::AllBut(only.clone());
            }
            hold.probe = Some(only.clone());
            hold.until_ms = now_ms + hold.cause.every_ms();
            return Admission::All;
        }
        if now_ms < hold.until_ms {
            return Admission::None;
        }
        // The newest one: where the refused ones are to blame themselves, it is another.
        let untried = keys.clone().filter(|key| !hold.tried.contains(*key));
        let untried = untried.last();
        let Some(key) = untried.or_else(|| keys.clone().last()) else {
            return Admission::None;
        };
        if untried.is_none() {
            hold.tried.clear();
        }
        hold.tried.insert(key.to_owned());
        hold.probe = Some(key.to_owned());
        hold.until_ms = now_ms + hold.cause.every_ms();
        hold.hand = 0;
        Admission::One(key.to_owned())
    }

    /// Whether records may go, without a try of one.
    pub(crate) fn look(&self, name: &str, now_ms: i64) -> Admission {
        match self.held.get(name) {
            Some(hold) if now_ms < hold.until_ms && !hold.is_of_one() => Admission::None,
            _ => Admission::All,
        }
    }

    /// The outcome of an item of a held mapping; `None` if it is not held.
    pub(crate) fn outcome(&mut self, name: &str, key: &str, now_ms: i64) -> Option<Outcome> {
        let hold = self.held.get_mut(name)?;
        let is_tried = hold.tried.contains(key);
        let comes_soon = hold.hand < if is_tried { HAND } else { 2 * HAND };
        hold.hand += usize::from(comes_soon);
        Some(Outcome::Retry {
            due_ms: match comes_soon {
                true => hold.until_ms.max(now_ms),
                false => now_ms + REST_MS,
            },
            error: format!("{}{}", note(name), hold.reason),
            charge: false,
        })
    }

    /// Notes that a record landed: nothing holds the mapping any longer.
    pub(crate) fn landed(&mut self, name: &'static str, now_ms: i64) {
        self.streaks.remove(name);
        self.release(name);
        self.note_landing(name, now_ms);
    }

    /// Notes that the try of a mapping is over. A record that met nothing of what held the mapping ends the hold.
    pub(crate) fn tried(&mut self, name: &'static str) {
        let is_over = self
            .held
            .get(name)
            .is_some_and(|hold| hold.probe.is_some() && hold.cause.object().is_some());
        if is_over {
            self.let_go(name);
        }
    }

    /// Returns whether the record of this key is the one that is being tried.
    pub(crate) fn is_probe(&self, name: &str, key: &str) -> bool {
        let probe = self.get(name).and_then(|hold| hold.probe.as_deref());
        probe == Some(key)
    }

    /// Notes that a call was answered that reads for the mapping: what held its readings is over.
    pub(crate) fn answered(&mut self, name: &'static str) {
        let is_over = |hold: &Hold| matches!(hold.cause, Cause::Reading { .. });
        if self.get(name).is_some_and(is_over) {
            self.let_go(name);
        }
    }

    /// Ends a hold although no record landed. The refusals of its records count as none: the next is a first one again.
    fn let_go(&mut self, name: &'static str) {
        for codes in self.counted.values_mut() {
            codes.retain(|(mapping, _)| *mapping != name);
        }
        self.release(name);
    }

    /// Tries a held mapping at once.
    pub(crate) fn try_now(&mut self, name: &'static str, now_ms: i64) {
        if let Some(hold) = self.held.get_mut(name) {
            hold.until_ms = now_ms;
            self.released.push(name);
        }
    }

    fn release(&mut self, name: &'static str) {
        if self.held.remove(name).is_some() {
            self.released.push(name);
        }
    }

    /// Counts a record that was refused while none of its mapping landed. Returns whether its mapping is held now.
    pub(crate) fn refused(&mut self, record: Refused<'_>, now_ms: i64) -> bool {
        let name = record.mapping;
        let kind = (record.code.to_owned(), record.field.to_owned());
        let is_first = self.count(&record);
        let held = self.held.get(name);
        if held.is_some_and(|hold| hold.refused_with.as_ref() == Some(&kind)) {
            return true;
        }
        if !is_first {
            return false;
        }
        let streak = self.streaks.entry(name).or_default();
        if streak.kind != kind {
            *streak = Streak {
                kind,
                records: BTreeSet::new(),
            };
        }
        streak.records.insert((record.of, record.key.to_owned()));
        if streak.records.len() < IN_A_ROW {
            return false;
        }
        let streak = self.streaks.remove(name).unwrap_or_default();
        let tried: Vec<String> = streak.records.iter().map(|(_, key)| key.clone()).collect();
        self.take_back.push(TakeBack {
            name,
            code: streak.kind.0.clone(),
            records: streak.records.into_iter().collect(),
        });
        self.hold(name, Cause::Streak, (String::new(), None), now_ms);
        if let Some(hold) = self.held.get_mut(name) {
            hold.refused_with = Some(streak.kind);
            hold.tried.extend(tried);
        }
        true
    }

    /// Returns whether the refusal of a single record says something of all: it is held already, or it is the first
    /// one of the record since it landed.
    pub(crate) fn is_of_all(&mut self, record: &Refused<'_>) -> bool {
        self.get(record.mapping).is_some() | self.count(record)
    }

    /// Returns whether the record is refused with the code for the first time.
    pub(crate) fn count(&mut self, record: &Refused<'_>) -> bool {
        if self.counted.len() >= COUNTED_MAX {
            self.counted.clear();
        }
        let codes = self.counted.entry(key_of(record.of, record.key));
        codes
            .or_default()
            .insert((record.mapping, record.code.to_owned()))
    }

    /// Forgets the refusals of a record that landed: the next one is a first try again.
    pub(crate) fn record_landed(&mut self, of: &str, key: &str) {
        let key = key_of(of, key);
        self.counted.remove(&key);
        self.forget_doubt(&key);
    }

    /// Says why a streak holds its mapping.
    pub(crate) fn say(&mut self, name: &str, reason: String) {
        if let Some(hold) = self.held.get_mut(name) {
            hold.reason = reason;
        }
    }

    /// Returns the mappings that go on since the last call.
    pub(crate) fn take_released(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.released)
    }

    /// Returns the records whose items leave the error log.
    pub(crate) fn take_back(&mut self) -> Vec<TakeBack> {
        std::mem::take(&mut self.take_back)
    }
}

fn key_of(of: &str, key: &str) -> String {
    format!("{of}:{key}")
}

/// The beginning of the notes of all held items.
pub(crate) const HELD: &str = "held: ";

/// The beginning of the notes of a mapping's held items.
pub(crate) fn note(name: &str) -> String {
    format!("{HELD}{name}: ")
}

#[cfg(test)]
mod tests;
