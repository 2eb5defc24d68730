//! Records that no mapping writes, found by their fields: products, funds, record types, the buyer's relatives.
//!
//! What is found is remembered as long as the program runs, but for people, who move. What is missing is made, one batch
//! at a time, where the mapping says so.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use runtime::entity::Kind;
use runtime::mapping::{Lookup, Missing};
use runtime::queue::Outcome;
use runtime::salesforce::{CallError, RecordResult};
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use super::{LookupId, Tree, Work, plan, price_book};
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
    /// The account that the record has to belong to.
    account: Option<String>,
}

/// What became of a look-up.
enum Found {
    Id(String),
    /// The field stays empty.
    Nothing,
    /// The tree cannot go on.
    Stop(Outcome),
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
    pub(super) async fn look_up_all(&self, work: &mut Work) {
        let mut asked: BTreeMap<LookupId, (&'static Lookup, BTreeSet<String>)> = BTreeMap::new();
        for tree in work.trees.iter().filter(|tree| tree.goes_on()) {
            for (lookup, text) in of(tree) {
                let (_, texts) = asked
                    .entry(LookupId::of(lookup))
                    .or_insert_with(|| (lookup, BTreeSet::new()));
                texts.insert(text);
            }
        }
        for (id, (lookup, texts)) in asked {
            let found = self.look_up(work, lookup, texts).await;
            let mut stops: BTreeMap<String, Outcome> = BTreeMap::new();
            for (text, found) in found {
                match found {
                    Found::Id(found) => drop(work.found.insert((id, text), Some(found))),
                    Found::Nothing => drop(work.found.insert((id, text), None)),
                    Found::Stop(outcome) => drop(stops.insert(text, outcome)),
                }
            }
            for tree in work.going() {
                let stop = of(tree).into_iter().find_map(|(other, text)| {
                    stops
                        .get(&text)
                        .filter(|_| LookupId::of(other) == id)
                        .cloned()
                });
                if let Some(outcome) = stop {
                    tree.stop(outcome);
                }
            }
        }
    }

    async fn look_up(
        &self,
        work: &Work,
        lookup: &'static Lookup,
        texts: BTreeSet<String>,
    ) -> Vec<(String, Found)> {
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
            return found;
        }
        let _one_at_a_time = match lookup.missing {
            Missing::Create => Some(self.lookups.making.lock().await),
            Missing::Fail | Missing::Leave | Missing::Use(_) => None,
        };
        match self.search(work, lookup, left.clone()).await {
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
                let stop = |text| (text, Found::Stop(self.unanswered(0, &error)));
                found.extend(left.into_iter().map(stop));
            }
        }
        found
    }

    async fn search(
        &self,
        work: &Work,
        lookup: &'static Lookup,
        texts: Vec<String>,
    ) -> Result<Vec<(String, Found)>, CallError> {
        let mut asked = Vec::with_capacity(texts.len());
        let mut found = Vec::new();
        for text in texts {
            match read(work, lookup, &text) {
                Some(read) => asked.push(read),
                None => found.push((text, Found::Nothing)),
            }
        }
        if let Some(within) = &lookup.within {
            self.accounts_of(&mut asked).await?;
            for asked in &mut asked {
                let account = asked.account.clone().map_or(Value::Null, Value::from);
                asked.by.insert(within.field.to_owned(), account);
            }
        }
        let records = self.records_by(lookup, &asked).await?;
        let mut missing = Vec::new();
        for asked in asked {
            let mut hits = records.iter().filter(|record| fits(record, &asked.by));
            match (
                hits.next().and_then(|record| text_of(record, "Id")),
                hits.next(),
            ) {
                (Some(id), None) => found.push((asked.text, Found::Id(id))),
                // Nobody says which one is meant.
                (Some(id), Some(_)) if lookup.within.is_none() => {
                    found.push((asked.text, Found::Id(id)));
                }
                (Some(_), Some(_)) => found.push((asked.text, Found::Nothing)),
                (None, _) => missing.push(asked),
            }
        }
        for asked in missing {
            let made = self.missing(lookup, &asked).await?;
            found.push((asked.text, made));
        }
        Ok(found)
    }

    /// All records whose first field is one of those that are asked for.
    async fn records_by(
        &self,
        lookup: &'static Lookup,
        asked: &[Asked],
    ) -> Result<Vec<Map<String, Value>>, CallError> {
        let first = match &lookup.within {
            Some(within) => within.field,
            None => lookup.by.first().map_or("Id", |(field, _)| field),
        };
        let mut values: Vec<String> = asked
            .iter()
            .filter_map(|asked| asked.by.get(first).and_then(plain_text))
            .collect();
        values.sort();
        values.dedup();
        if values.is_empty() {
            return Ok(Vec::new());
        }
        let mut select = vec!["Id"];
        let within = lookup.within.iter().map(|within| within.field);
        select.extend(lookup.by.iter().map(|(field, _)| *field).chain(within));
        let groups: Vec<Vec<Option<String>>> =
            values.into_iter().map(|value| vec![Some(value)]).collect();
        self.salesforce
            .query_in(lookup.object, &select, &[first], &groups)
            .await
    }

    async fn missing(&self, lookup: &'static Lookup, asked: &Asked) -> Result<Found, CallError> {
        match lookup.missing {
            Missing::Leave => Ok(Found::Nothing),
            Missing::Fail => Ok(Found::Stop(is_missing(lookup, asked))),
            Missing::Use(constant) => self.instead(lookup, constant, asked).await,
            Missing::Create if lookup.object == price_book::ENTRY => {
                let made = self.new_entry(&asked.by, &asked.create).await?;
                Ok(self.was_made(lookup, made))
            }
            Missing::Create => {
                let mut body = asked.by.clone();
                body.extend(asked.create.clone());
                let body = Value::Object(body).to_string();
                let made = self.salesforce.create(lookup.object, &[body]).await?;
                Ok(made
                    .into_iter()
                    .next()
                    .map_or(Found::Nothing, |made| self.was_made(lookup, made)))
            }
        }
    }

    fn was_made(&self, lookup: &Lookup, made: RecordResult) -> Found {
        match made {
            Ok(id) => Found::Id(id),
            Err(errors) => {
                let error = errors.first().cloned().unwrap_or_default();
                let failure = outcome::Failure {
                    code: &error.code,
                    verdict: error.verdict(),
                    message: format!(
                        "a {} that is missing cannot be made: {}: {}",
                        lookup.object, error.code, error.message
                    ),
                    place: None,
                };
                Found::Stop(self.failed_after(0, failure))
            }
        }
    }

    /// The record that stands in for those that are missing.
    async fn instead(
        &self,
        lookup: &'static Lookup,
        constant: runtime::mapping::Constant,
        asked: &Asked,
    ) -> Result<Found, CallError> {
        let mut by = asked.by.clone();
        if let Some((field, _)) = lookup.by.first() {
            by.insert((*field).to_owned(), runtime::row::plain(constant));
        }
        let other = Asked {
            text: asked.text.clone(),
            by,
            create: Map::new(),
            account: None,
        };
        let records = self
            .records_by(lookup, std::slice::from_ref(&other))
            .await?;
        let hit = records.iter().find(|record| fits(record, &other.by));
        Ok(match hit.and_then(|record| text_of(record, "Id")) {
            Some(id) => Found::Id(id),
            None => Found::Stop(is_missing(lookup, &other)),
        })
    }

    /// The account of the record that says whose relatives are meant.
    async fn accounts_of(&self, asked: &mut [Asked]) -> Result<(), CallError> {
        let people: Vec<String> = asked
            .iter()
            .filter_map(|asked| asked.account.as_deref()?.strip_prefix("Contact:"))
            .map(str::to_owned)
            .collect();
        let accounts = self.account_of_people(&people).await?;
        for asked in asked {
            let whose = asked.account.take().unwrap_or_default();
            asked.account = match whose.split_once(':') {
                Some(("Contact", id)) => accounts.get(id).cloned(),
                Some((_, id)) => Some(id.to_owned()),
                None => None,
            };
        }
        Ok(())
    }

    /// The accounts that contacts have now.
    pub(crate) async fn account_of_people(
        &self,
        ids: &[String],
    ) -> Result<HashMap<String, String>, CallError> {
        let ids: BTreeSet<&String> = ids.iter().collect();
        let ids: Vec<String> = ids.into_iter().cloned().collect();
        let mut accounts = HashMap::new();
        for chunk in ids.chunks(runtime::salesforce::RETRIEVE_MAX) {
            let read: Vec<Option<Map<String, Value>>> = self
                .salesforce
                .retrieve("Contact", chunk, &["Id", "AccountId"])
                .await?;
            for (id, record) in chunk.iter().zip(read) {
                if let Some(account) = record
                    .as_ref()
                    .and_then(|record| text_of(record, "AccountId"))
                {
                    accounts.insert(id.clone(), runtime::salesforce::normalise(&account));
                }
            }
        }
        Ok(accounts)
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
            if let (Kind::Lookup(lookup), true) = (field.kind, mask.contains(index))
                && let Some(text) = wanted.record.slot(index).text()
            {
                all.push((lookup, text.to_owned()));
            }
        }
    }
    all
}

fn read(work: &Work, lookup: &Lookup, text: &str) -> Option<Asked> {
    let Ok(Value::Object(mut asked)) = serde_json::from_str(text) else {
        return None;
    };
    let mut object = |name: &str| match asked.remove(name) {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    let (by, create) = (object("by"), object("create"));
    let account = lookup
        .within
        .as_ref()
        .and_then(|_| whose(work, asked.get("within")?));
    Some(Asked {
        text: text.to_owned(),
        by,
        create,
        account,
    })
}

/// `Contact:<id>` or `Account:<id>` of the first record that says whose relatives are meant.
fn whose(work: &Work, within: &Value) -> Option<String> {
    within.as_array()?.iter().find_map(|pair| {
        let (mapping, key) = (pair.get(0)?.as_str()?, pair.get(1)?.as_str()?);
        let mut known = work.outside.iter();
        let ((name, _), id) = known.find(|((name, id), _)| *name == mapping && id == key)?;
        let kind = match *name == crate::handlers::households::PEOPLE {
            true => "Contact",
            false => "Account",
        };
        Some(format!("{kind}:{id}"))
    })
}

/// Salesforce compares text without regard to case.
fn fits(record: &Map<String, Value>, by: &Map<String, Value>) -> bool {
    by.iter().all(|(field, wanted)| {
        let found = nested(record, field);
        match (found.and_then(plain_text), plain_text(wanted)) {
            (Some(found), Some(wanted)) => {
                let is_id = field.ends_with("Id");
                found.trim().eq_ignore_ascii_case(wanted.trim())
                    || (is_id
                        && runtime::salesforce::normalise(&found)
                            == runtime::salesforce::normalise(&wanted))
            }
            _ => false,
        }
    })
}

/// `Product2.Name` is inside `Product2`.
fn nested<'r>(record: &'r Map<String, Value>, field: &str) -> Option<&'r Value> {
    let mut names = field.split('.');
    let first = record.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name))
}

fn plain_text(value: &Value) -> Option<String> {
    runtime::json::text_at(value, &[])
}

fn text_of(record: &Map<String, Value>, field: &str) -> Option<String> {
    record.get(field).and_then(Value::as_str).map(str::to_owned)
}

fn is_missing(lookup: &Lookup, asked: &Asked) -> Outcome {
    let by: Vec<String> = asked
        .by
        .iter()
        .map(|(field, value)| format!("{field} = {}", plain_text(value).unwrap_or_default()))
        .collect();
    outcome::dead(
        "not_found_by_lookup",
        format!("there is no {} with {}", lookup.object, by.join(" and ")),
        None,
        "Make the record in Salesforce, or say in the mapping's `lookup` what to do when it is missing; then retry the item.",
    )
}
