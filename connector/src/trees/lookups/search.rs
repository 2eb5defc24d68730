//! One query for everything that is asked for, and what happens to what it does not find.

use std::collections::{BTreeSet, HashMap};

use runtime::mapping::{Lookup, Missing};
use runtime::queue::{Outcome, StoreError};
use runtime::salesforce::{CallError, RecordResult, normalise};
use serde_json::{Map, Value};

use super::super::{Work, price_book};
use super::{Asked, Found, Whose, Why};
use crate::handlers::households::{AFFILIATION, PEOPLE};
use crate::sync::{TwoWaySync, outcome};

/// What became of one text.
pub(super) struct Hit {
    pub(super) text: String,
    /// What it asks for, in words.
    pub(super) said: String,
    pub(super) found: Found,
}

impl Hit {
    fn of(text: String, found: Found) -> Self {
        let said = String::new();
        Hit { text, said, found }
    }

    pub(super) fn of_asked(asked: &Asked, found: Found) -> Self {
        Hit {
            text: asked.text.clone(),
            said: said(asked),
            found,
        }
    }
}

/// What a query found.
struct Hits {
    found: Vec<Hit>,
    several: Vec<Several>,
    missing: Vec<Asked>,
}

/// More than one record is what is asked for.
pub(super) struct Several {
    pub(super) asked: Asked,
    pub(super) hits: BTreeSet<String>,
}

impl TwoWaySync {
    pub(super) async fn search(
        &self,
        work: &Work,
        lookup: &'static Lookup,
        texts: Vec<String>,
    ) -> Result<Result<Vec<(String, Found)>, CallError>, StoreError> {
        let hits = match self.find(work, lookup, texts).await {
            Ok(hits) => hits,
            Err(error) => return Ok(Err(error)),
        };
        let Hits {
            mut found,
            several,
            missing,
        } = hits;
        found.extend(self.of_several(lookup, several).await?);
        self.begin_making(lookup, &missing).await?;
        // What was made is kept also where a later call has no answer.
        let (made, error) = self.make_all(lookup, missing).await;
        found.extend(made);
        self.remember_used(lookup, &found).await?;
        Ok(match error {
            Some(error) => Err(error),
            None => Ok(found.into_iter().map(|hit| (hit.text, hit.found)).collect()),
        })
    }

    /// One query for all of them.
    async fn find(
        &self,
        work: &Work,
        lookup: &'static Lookup,
        texts: Vec<String>,
    ) -> Result<Hits, CallError> {
        let mut asked = Vec::with_capacity(texts.len());
        let (mut found, mut several) = (Vec::new(), Vec::new());
        for text in texts {
            match read(work, lookup, &text) {
                Some(read) => asked.push(read),
                None => found.push(Hit::of(text, Found::Nothing)),
            }
        }
        if lookup.within.is_some() {
            self.circles_of(&mut asked).await?;
        }
        let records = self.records_by(lookup, &asked).await?;
        let mut missing = Vec::new();
        for asked in asked {
            let hits: BTreeSet<String> = records
                .iter()
                .filter(|record| fits(record, &asked.by) && is_within(record, lookup, &asked))
                .filter_map(|record| text_of(record, "Id"))
                .collect();
            match hits.len() {
                0 => missing.push(asked),
                1 => {
                    let ids = hits.into_iter().map(Found::Id);
                    found.extend(ids.map(|id| Hit::of_asked(&asked, id)));
                }
                // Nobody says which one is meant.
                _ if lookup.missing == Missing::Leave => {
                    found.push(Hit::of(asked.text, Found::Nothing));
                }
                _ => several.push(Several { asked, hits }),
            }
        }
        Ok(Hits {
            found,
            several,
            missing,
        })
    }

    /// What is missing, as the mapping says, until a call has no answer.
    async fn make_all(
        &self,
        lookup: &'static Lookup,
        missing: Vec<Asked>,
    ) -> (Vec<Hit>, Option<CallError>) {
        let mut found = Vec::with_capacity(missing.len());
        // What was just made is there for the others that asked for it.
        let mut made: Vec<(Map<String, Value>, String)> = Vec::new();
        for asked in missing {
            let known = made.iter().find(|(by, _)| fits(by, &asked.by));
            let now = match known {
                Some((_, id)) => Found::Id(id.clone()),
                None => match self.missing(lookup, &asked).await {
                    Ok(now) => now,
                    Err(error) => return (found, Some(error)),
                },
            };
            if let (Found::Id(id), None) = (&now, known) {
                made.push((asked.by.clone(), id.clone()));
            }
            found.push(Hit::of_asked(&asked, now));
        }
        (found, None)
    }

    /// All records whose first field is one of those that are asked for.
    async fn records_by(
        &self,
        lookup: &'static Lookup,
        asked: &[Asked],
    ) -> Result<Vec<Map<String, Value>>, CallError> {
        let mut select = vec!["Id"];
        select.extend(lookup.by.iter().map(|(field, _)| *field));
        let by: Vec<&str> = match &lookup.within {
            Some(within) if self.has_npsp() => vec![within.field, AFFILIATION],
            Some(within) => vec![within.field],
            None => lookup.by.iter().take(1).map(|(field, _)| *field).collect(),
        };
        let values: BTreeSet<String> = match &lookup.within {
            Some(_) => asked
                .iter()
                .flat_map(|asked| asked.circle.clone())
                .collect(),
            None => asked
                .iter()
                .filter_map(|asked| asked.by.get(*by.first()?).and_then(plain_text))
                .collect(),
        };
        if values.is_empty() {
            return Ok(Vec::new());
        }
        if lookup.within.is_some() {
            select.extend(&by);
        }
        let groups: Vec<Vec<Option<String>>> = values
            .into_iter()
            .map(|value| vec![Some(value); by.len()])
            .collect();
        self.salesforce
            .query_in(lookup.object, &select, &by, &groups)
            .await
    }

    async fn missing(&self, lookup: &'static Lookup, asked: &Asked) -> Result<Found, CallError> {
        match lookup.missing {
            Missing::Leave => Ok(Found::Nothing),
            Missing::Fail => Ok(Found::Stop(Why::Dead(is_missing(lookup, asked)))),
            Missing::Use(constant) => self.instead(lookup, constant, asked).await,
            Missing::Create if lookup.object == price_book::ENTRY => {
                let made = self.new_entry(&asked.by, &asked.create).await?;
                Ok(was_made(lookup, made))
            }
            Missing::Create => {
                let mut body = asked.by.clone();
                body.extend(asked.create.clone());
                let body = Value::Object(body).to_string();
                let made = self.salesforce.create(lookup.object, &[body]).await?;
                Ok(made
                    .into_iter()
                    .next()
                    .map_or(Found::Nothing, |made| was_made(lookup, made)))
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
            whose: Vec::new(),
            circle: BTreeSet::new(),
        };
        let records = self
            .records_by(lookup, std::slice::from_ref(&other))
            .await?;
        let hit = records.iter().find(|record| fits(record, &other.by));
        Ok(match hit.and_then(|record| text_of(record, "Id")) {
            Some(id) => Found::Id(id),
            None => Found::Stop(Why::Dead(is_missing(lookup, &other))),
        })
    }

    /// The household and the organization of whoever says whose relatives and colleagues are meant.
    async fn circles_of(&self, asked: &mut [Asked]) -> Result<(), CallError> {
        let people: BTreeSet<String> = asked
            .iter()
            .flat_map(|asked| &asked.whose)
            .filter_map(|whose| match whose {
                Whose::Persons(id) => Some(id.clone()),
                Whose::Accounts(_) => None,
            })
            .collect();
        let mut fields = vec!["Id", "AccountId"];
        fields.extend(self.has_npsp().then_some(AFFILIATION));
        let people: Vec<String> = people.into_iter().collect();
        let mut circles: HashMap<String, BTreeSet<String>> = HashMap::new();
        for chunk in people.chunks(runtime::salesforce::RETRIEVE_MAX) {
            let read: Vec<Option<Map<String, Value>>> =
                self.salesforce.retrieve("Contact", chunk, &fields).await?;
            for (id, record) in chunk.iter().zip(read) {
                let record = record.unwrap_or_default();
                let accounts = ["AccountId", AFFILIATION].into_iter();
                let accounts = accounts.filter_map(|field| text_of(&record, field));
                circles.insert(id.clone(), accounts.map(|id| normalise(&id)).collect());
            }
        }
        for asked in asked {
            for whose in &asked.whose {
                match whose {
                    Whose::Persons(id) => asked
                        .circle
                        .extend(circles.get(id).into_iter().flatten().cloned()),
                    Whose::Accounts(id) => drop(asked.circle.insert(id.clone())),
                }
            }
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

fn read(work: &Work, lookup: &Lookup, text: &str) -> Option<Asked> {
    let Ok(Value::Object(mut asked)) = serde_json::from_str(text) else {
        return None;
    };
    let mut object = |name: &str| match asked.remove(name) {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    let (mut by, create) = (object("by"), object("create"));
    // Salesforce keeps no blanks around a text.
    for value in by.values_mut() {
        if let Value::String(text) = value {
            *text = text.trim().to_owned();
        }
    }
    let whose = match &lookup.within {
        Some(_) => whose(work, asked.get("within")),
        None => Vec::new(),
    };
    Some(Asked {
        text: text.to_owned(),
        by,
        create,
        whose,
        circle: BTreeSet::new(),
    })
}

/// The records that say whose relatives or colleagues are meant.
fn whose(work: &Work, within: Option<&Value>) -> Vec<Whose> {
    let pairs = within.and_then(Value::as_array).into_iter().flatten();
    let known = pairs.filter_map(|pair| {
        let (mapping, key) = (pair.get(0)?.as_str()?, pair.get(1)?.as_str()?);
        let mut known = work.outside.iter();
        let ((name, _), id) = known.find(|((name, id), _)| *name == mapping && id == key)?;
        Some(match *name == PEOPLE {
            true => Whose::Persons(id.clone()),
            false => Whose::Accounts(id.clone()),
        })
    });
    known.collect()
}

/// Belongs the record to the same household or organization?
fn is_within(record: &Map<String, Value>, lookup: &Lookup, asked: &Asked) -> bool {
    lookup.within.as_ref().is_none_or(|within| {
        let accounts = [within.field, AFFILIATION].into_iter();
        let mut accounts = accounts.filter_map(|field| text_of(record, field));
        accounts.any(|id| asked.circle.contains(&normalise(&id)))
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
    // A request names the field by its whole path; a record of Salesforce's nests it.
    if let Some(value) = record.get(field) {
        return Some(value);
    }
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

fn was_made(lookup: &Lookup, made: RecordResult) -> Found {
    match made {
        Ok(id) => Found::Id(id),
        Err(errors) => {
            let error = errors.first().cloned().unwrap_or_default();
            Found::Stop(Why::Refused {
                message: format!(
                    "a {} that is missing cannot be made: {}: {}",
                    lookup.object, error.code, error.message
                ),
                error,
            })
        }
    }
}

pub(super) fn are_several(lookup: &Lookup, asked: &Asked) -> Outcome {
    outcome::dead(
        "ambiguous_lookup",
        format!("there are several {} with {}", lookup.object, said(asked)),
        None,
        "Rename or merge them in Salesforce so that one is left, or say in the mapping's `lookup` which one is meant; then retry the item.",
    )
}

fn is_missing(lookup: &Lookup, asked: &Asked) -> Outcome {
    outcome::dead(
        "not_found_by_lookup",
        format!("there is no {} with {}", lookup.object, said(asked)),
        None,
        "Make the record in Salesforce, or say in the mapping's `lookup` what to do when it is missing; then retry the item.",
    )
}

pub(super) fn said(asked: &Asked) -> String {
    let by: Vec<String> = asked
        .by
        .iter()
        .map(|(field, value)| format!("{field} = {}", plain_text(value).unwrap_or_default()))
        .collect();
    by.join(" and ")
}
