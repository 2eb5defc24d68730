//! One query for everything that is asked for, and what happens to what it does not find.

use std::collections::{BTreeSet, HashMap};

use runtime::mapping::{Lookup, Missing};
use runtime::queue::Outcome;
use runtime::salesforce::{CallError, RecordResult};
use serde_json::{Map, Value};

use super::super::{Work, price_book};
use super::{Asked, Found, Why};
use crate::sync::{TwoWaySync, outcome};

impl TwoWaySync {
    pub(super) async fn search(
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
            let hits: BTreeSet<String> = records
                .iter()
                .filter(|record| fits(record, &asked.by))
                .filter_map(|record| text_of(record, "Id"))
                .collect();
            let mut hits = hits.into_iter();
            match (hits.next(), hits.next()) {
                (Some(id), None) => found.push((asked.text, Found::Id(id))),
                // Nobody says which one is meant.
                (Some(_), Some(_)) if lookup.missing == Missing::Leave => {
                    found.push((asked.text, Found::Nothing));
                }
                (Some(_), Some(_)) => {
                    let several = are_several(lookup, &asked);
                    found.push((asked.text, Found::Stop(Why::Dead(several))));
                }
                (None, _) => missing.push(asked),
            }
        }
        // What was just made is there for the others that asked for it.
        let mut made: Vec<(Map<String, Value>, String)> = Vec::new();
        for asked in missing {
            let known = made.iter().find(|(by, _)| *by == asked.by);
            let now = match known {
                Some((_, id)) => Found::Id(id.clone()),
                None => self.missing(lookup, &asked).await?,
            };
            if let (Found::Id(id), None) = (&now, known) {
                made.push((asked.by.clone(), id.clone()));
            }
            found.push((asked.text, now));
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
            account: None,
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

fn are_several(lookup: &Lookup, asked: &Asked) -> Outcome {
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

fn said(asked: &Asked) -> String {
    let by: Vec<String> = asked
        .by
        .iter()
        .map(|(field, value)| format!("{field} = {}", plain_text(value).unwrap_or_default()))
        .collect();
    by.join(" and ")
}
