//! Records that no mapping writes, found by their fields: products, funds, record types, the buyer's relatives.
//!
//! What is found is remembered as long as the program runs, but for people, who move. What is missing is made, one batch
//! at a time, where the mapping says so.

mod search;
#[cfg(test)]
#[cfg(feature = "demo")]
mod tests;
mod used;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use runtime::entity::Kind;
use runtime::mapping::{Lookup, MappingDescriptor, Missing};
use runtime::queue::{Outcome, StoreError};
use runtime::salesforce::{CallError, SalesforceError};
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

pub(crate) use used::USED;

use super::{LookupId, Tree, Wanted, Work, plan};
use crate::sync::TwoWaySync;
use crate::sync::outcome;

/// What is known of records that no mapping writes.
#[derive(Default)]
pub(crate) struct Lookups {
    found: Mutex<HashMap<(LookupId, String), String>>,
    /// Two batches never make the same record.
    making: tokio::sync::Mutex<()>,
    standard_price_book: OnceCell<Option<String>>,
}

/// What a look-up asks for.
struct Asked {
    text: String,
    by: Map<String, Value>,
    create: Map<String, Value>,
    /// Whose relatives or colleagues are meant.
    whose: Vec<Whose>,
    /// Their accounts: the record has to belong to one of them.
    circle: BTreeSet<String>,
}

/// A record that says whose relatives or colleagues are meant, by its Salesforce id.
enum Whose {
    Persons(String),
    Accounts(String),
}

/// What became of a look-up.
enum Found {
    Id(String),
    /// The field stays empty.
    Nothing,
    /// The trees that asked cannot go on.
    Stop(Why),
}

/// Why a look-up has no answer.
#[derive(Clone)]
enum Why {
    /// Nobody but a person can help.
    Dead(Outcome),
    Unanswered(CallError),
    /// What is missing cannot be made.
    Refused {
        error: SalesforceError,
        message: String,
    },
}

impl TwoWaySync {
    /// Every setting, with the standard price book where none is named.
    pub(super) async fn tree_settings(&self) -> Result<Map<String, Value>, CallError> {
        let mut settings = (*self.settings).clone();
        if self.has_npsp() {
            settings.insert("contact_account".to_owned(), Value::Null);
        }
        if settings.get("price_book").is_none_or(Value::is_null)
            && let Some(id) = self.standard_price_book().await?
        {
            settings.insert("price_book".to_owned(), Value::from(id));
        }
        Ok(settings)
    }

    /// The price book that every org has; asked for once.
    pub(super) async fn standard_price_book(&self) -> Result<Option<String>, CallError> {
        let soql = "SELECT Id FROM Pricebook2 WHERE IsStandard = true";
        let known = self
            .lookups
            .standard_price_book
            .get_or_try_init(|| self.first_id(soql));
        known.await.cloned()
    }

    /// What was remembered may be no more.
    pub(super) fn forget_lookups(&self) {
        self.remembered().clear();
    }

    fn remembered(&self) -> MutexGuard<'_, HashMap<(LookupId, String), String>> {
        self.lookups
            .found
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves every look-up that is about to be written.
    pub(super) async fn look_up_all(&self, work: &mut Work) -> Result<(), StoreError> {
        // In a fixed order: usher creates the first spelling of a name, and the second then finds that record.
        let mut asked: Vec<(&'static Lookup, Vec<String>)> = Vec::new();
        let mut known: HashSet<(LookupId, String)> = HashSet::new();
        for tree in work.trees.iter().filter(|tree| tree.goes_on()) {
            for (lookup, text) in of(tree) {
                let id = LookupId::of(lookup);
                if !known.insert((id, text.clone())) {
                    continue;
                }
                let mut others = asked.iter_mut();
                match others.find(|(other, _)| LookupId::of(other) == id) {
                    Some((_, texts)) => texts.push(text),
                    None => asked.push((lookup, vec![text])),
                }
            }
        }
        for (lookup, texts) in asked {
            let id = LookupId::of(lookup);
            let found = self.look_up(work, lookup, texts).await?;
            let mut stops: BTreeMap<String, Why> = BTreeMap::new();
            for (text, found) in found {
                match found {
                    Found::Id(found) => drop(work.found.insert((id, text), Some(found))),
                    Found::Nothing => drop(work.found.insert((id, text), None)),
                    Found::Stop(why) => drop(stops.insert(text, why)),
                }
            }
            let (root, asking) = (work.root, work.asking());
            for tree in work.going() {
                let asked = of(tree)
                    .into_iter()
                    .filter(|(other, _)| LookupId::of(other) == id);
                let asked: BTreeSet<String> = asked.map(|(_, text)| text).collect();
                for text in asked {
                    if let Some(why) = stops.get(&text).filter(|_| tree.goes_on()) {
                        let outcome = self.without_answer(&asking, tree.attempts(), why.clone());
                        go_without(tree, root, outcome, &text);
                    }
                }
            }
        }
        Ok(())
    }

    /// Finds the record of one look-up. `None` if there is none.
    pub(super) async fn look_up_one(
        &self,
        work: &Work,
        lookup: &'static Lookup,
        text: &str,
    ) -> Result<Result<Option<String>, CallError>, StoreError> {
        let texts = vec![text.to_owned()];
        let found = self.look_up(work, lookup, texts).await?;
        Ok(match found.into_iter().next() {
            Some((_, Found::Id(id))) => Ok(Some(id)),
            Some((_, Found::Stop(Why::Unanswered(error)))) => Err(error),
            Some((_, Found::Nothing | Found::Stop(_))) | None => Ok(None),
        })
    }

    async fn look_up(
        &self,
        work: &Work,
        lookup: &'static Lookup,
        texts: Vec<String>,
    ) -> Result<Vec<(String, Found)>, StoreError> {
        let id = LookupId::of(lookup);
        let mut found = Vec::with_capacity(texts.len());
        let mut left = Vec::new();
        {
            let remembered = self.remembered();
            for text in texts {
                match remembered.get(&(id, text.clone())) {
                    Some(known) if lookup.within.is_none() => {
                        found.push((text, Found::Id(known.clone())));
                    }
                    _ => left.push(text),
                }
            }
        }
        if left.is_empty() {
            return Ok(found);
        }
        let _one_at_a_time = match lookup.missing {
            Missing::Create => Some(self.lookups.making.lock().await),
            Missing::Fail | Missing::Leave | Missing::Use(_) => None,
        };
        match self.search(work, lookup, left.clone()).await? {
            Ok(more) => {
                let mut remembered = self.remembered();
                for (text, found) in &more {
                    if let Found::Id(found) = found {
                        remembered.insert((id, text.clone()), found.clone());
                    }
                }
                found.extend(more);
            }
            Err(error) => {
                let stop = |text| (text, Found::Stop(Why::Unanswered(error.clone())));
                found.extend(left.into_iter().map(stop));
            }
        }
        Ok(found)
    }

    fn without_answer(
        &self,
        asking: &[&'static MappingDescriptor],
        attempts: u32,
        why: Why,
    ) -> Outcome {
        match why {
            Why::Dead(outcome) => outcome,
            Why::Unanswered(error) => self.unanswered_by(asking, attempts, &error),
            Why::Refused { error, message } => {
                let failure = outcome::Failure {
                    code: &error.code,
                    verdict: error.verdict(),
                    message,
                    place: None,
                };
                self.failed_after(attempts, failure)
            }
        }
    }
}

/// What looks for a record in vain is not written; the rest of its tree is.
fn go_without(tree: &mut Tree, root: &MappingDescriptor, outcome: Outcome, text: &str) {
    let looks = |wanted: &Wanted| {
        let fields = wanted.mapping.record.fields.iter().enumerate();
        let mut texts = fields.filter(|(_, field)| matches!(field.kind, Kind::Lookup(_)));
        texts.any(|(index, _)| wanted.record.slot(index).text() == Some(text))
    };
    let (without, rest): (Vec<Wanted>, Vec<Wanted>) = std::mem::take(&mut tree.wanted)
        .into_iter()
        .partition(looks);
    tree.wanted = rest;
    for wanted in without {
        tree.refuse(root, wanted.mapping, &wanted.key, outcome.clone());
        if !tree.goes_on() {
            tree.wanted.push(wanted);
        }
    }
}

/// The look-ups of a tree whose answer is about to be written.
fn of(tree: &Tree) -> Vec<(&'static Lookup, String)> {
    let mut all = Vec::new();
    for wanted in &tree.wanted {
        let mask = match &wanted.id {
            None => runtime::change::present(wanted.record.as_ref()),
            Some(_) if plan::is_fixed(wanted.mapping) => continue,
            Some(_) => plan::changed(wanted),
        };
        for (index, field) in wanted.mapping.record.fields.iter().enumerate() {
            let mut ids_there = wanted.ids_there.iter();
            let is_asked = mask.contains(index) || ids_there.any(|(field, _)| *field == index);
            if let (Kind::Lookup(lookup), true) = (field.kind, is_asked)
                && let Some(text) = wanted.record.slot(index).text()
            {
                all.push((lookup, text.to_owned()));
            }
        }
    }
    all
}
