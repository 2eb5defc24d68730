//! What a step does, where it can be done yet.

use std::error::Error;

use runtime::queue::{Choice, ReviewDecision, Which};
use serde_json::{Map, Value};

use super::Stage;
use crate::scenarios::catalogue::Object;
use crate::scenarios::file::{Act, Answer, Decision, InSalesforce, InTicketure, Record, Row, Step};
use crate::scenarios::state::cart_names;
use crate::scenarios::tree::Mistake;

impl Stage<'_> {
    /// Says whether it was done; what it is about may not be there yet.
    pub(super) async fn act(&mut self, step: &Step) -> Result<bool, Box<dyn Error>> {
        let done = match &step.act {
            Act::Webhook {
                payload_type,
                rows,
                lost,
            } => {
                let told: Vec<_> = rows.iter().map(|row| self.put(row)).collect();
                if let Some(entity) = rows.first().map(|row| row.entity.clone()).filter(|_| !lost) {
                    self.send(payload_type, &entity, told, step.line);
                }
                true
            }
            Act::Salesforce(act) => self.in_salesforce(act, step.line),
            Act::Ticketure(act) => self.in_ticketure(act, step.line),
            Act::Operator(decision) => self.decide(decision).await?,
            Act::Wait(_) => true,
        };
        if done && !matches!(step.act, Act::Webhook { .. }) {
            self.tell(format!("line {}: done", step.line));
        }
        Ok(done)
    }

    /// A row as Ticketure has it from then on, and tells of it.
    pub(super) fn put(&mut self, row: &Row) -> Map<String, Value> {
        self.entities
            .insert(row.id().to_owned(), row.entity.clone());
        self.named.rows.insert(row.id().to_owned());
        let members = row.members.clone();
        let id = self.simulator().put_row(&row.entity, members);
        self.told(&row.entity, &id)
    }

    /// What the webhook about a row says.
    fn told(&self, entity: &str, id: &str) -> Map<String, Value> {
        let webhook = self.simulator().row_webhook(entity, id);
        let webhook = webhook.unwrap_or_default();
        let row = webhook.pointer(&format!("/data/{entity}/_data/0"));
        row.and_then(Value::as_object).cloned().unwrap_or_default()
    }

    pub(super) fn create(&mut self, record: &Record) -> bool {
        let Some(fields) = self.resolved(&record.fields) else {
            return false;
        };
        match self.simulator().insert_by_user(&record.object, fields) {
            Ok(id) => {
                if let Some(name) = &record.name {
                    self.named.salesforce.insert(id.clone(), name.clone());
                    let place = (record.object.clone(), id);
                    self.records.insert(name.clone(), place);
                }
            }
            Err(errors) => {
                let message = format!("Salesforce refuses it: {errors:?}");
                self.faults.push(Mistake::new(record.line, message));
            }
        }
        true
    }

    fn in_salesforce(&mut self, act: &InSalesforce, line: usize) -> bool {
        let answer = match act {
            InSalesforce::Create(record) => return self.create(record),
            InSalesforce::Update { record, fields } => {
                let (Some((object, id)), Some(fields)) =
                    (self.record(record), self.resolved(fields))
                else {
                    return false;
                };
                self.simulator().update_by_user(&object, &id, fields)
            }
            InSalesforce::Delete { record } => {
                let Some((object, id)) = self.record(record) else {
                    return false;
                };
                self.simulator().delete_by_user(&object, &id)
            }
            InSalesforce::Merge { record, into } => {
                let (Some((object, loser)), Some((_, master))) =
                    (self.record(record), self.record(into))
                else {
                    return false;
                };
                self.simulator().merge_by_user(&object, &master, &loser)
            }
        };
        if let Err(errors) = answer {
            let message = format!("Salesforce refuses it: {errors:?}");
            self.faults.push(Mistake::new(line, message));
        }
        true
    }

    fn in_ticketure(&mut self, act: &InTicketure, line: usize) -> bool {
        let (record, into) = match act {
            InTicketure::Update { record, .. } | InTicketure::Delete { record } => (record, None),
            InTicketure::Merge { record, into } => (record, Some(into)),
        };
        let Some(id) = self.row_id(record) else {
            return false;
        };
        let known = self.entities.get(&id).map(String::as_str);
        let entity = known.unwrap_or("identity").to_owned();
        match act {
            InTicketure::Update { members, .. } => {
                let mut members = members.clone();
                members.insert("id".to_owned(), Value::from(id.as_str()));
                self.simulator().put_row(&entity, members);
            }
            InTicketure::Delete { .. } => self.simulator().end_identity(&id, None),
            InTicketure::Merge { .. } => {
                let Some(into) = into.and_then(|into| self.row_id(into)) else {
                    return false;
                };
                self.simulator().end_identity(&id, Some(&into));
            }
        }
        let told = self.told(&entity, &id);
        let webhooks = self.catalogue.webhooks.iter();
        for (webhook, known) in webhooks {
            if known.name == entity {
                self.send(webhook, &entity, vec![told.clone()], line);
            }
        }
        true
    }

    async fn decide(&mut self, decision: &Decision) -> Result<bool, Box<dyn Error>> {
        let store = self.world.found.store.clone();
        match decision {
            Decision::Retry => {
                if store.retry(Which::All).await? == 0 {
                    return Ok(false);
                }
            }
            Decision::Push { record } => {
                let Some((_, record)) = self.record(record) else {
                    return Ok(false);
                };
                store
                    .capture(crate::push::Push { record }.captured()?)
                    .await?;
            }
            Decision::Review { source_id, answer } => {
                let reviews = store.reviews().await?;
                let asked = reviews
                    .into_iter()
                    .find(|review| review.source_id == *source_id);
                let (Some(review), Some(choice)) = (asked, self.choice(answer)) else {
                    return Ok(false);
                };
                let decision = crate::review::checked(ReviewDecision {
                    mapping: review.mapping,
                    source_id: review.source_id,
                    choice,
                    because: "the scenario says so".to_owned(),
                })?;
                store.decide(decision).await?;
            }
        }
        if let Some(process) = &self.world.process {
            process.arrivals.look();
        }
        Ok(true)
    }

    fn choice(&self, answer: &Answer) -> Option<Choice> {
        match answer {
            Answer::Link { to } => {
                let (_, destination_id) = self.record(to)?;
                Some(Choice::Link { destination_id })
            }
            Answer::Create => Some(Choice::Create),
            Answer::Ignore => Some(Choice::Ignore),
        }
    }

    /// Finds a record by its word in the scenario, an external id, a short name or a unique Name. `None` if the record
    /// does not exist.
    fn record(&self, name: &str) -> Option<(String, String)> {
        if let Some((object, id)) = self.records.get(name) {
            let is_there = !self.simulator().find(object, "Id", id).is_empty();
            return is_there.then(|| (object.clone(), id.clone()));
        }
        let by = |fields: fn(&Object) -> Vec<String>| {
            let objects = self.catalogue.objects.iter();
            objects.flat_map(move |(object, known)| {
                let records = fields(known).into_iter();
                let records =
                    records.flat_map(move |key| self.simulator().find(object, &key, name));
                records.filter_map(move |record| {
                    let id = record.get("Id")?.as_str()?;
                    Some((object.clone(), id.to_owned()))
                })
            })
        };
        let external = by(|known| known.keys.clone()).next();
        let in_cart = || cart_names::find(self.simulator(), self.catalogue, name);
        external.or_else(in_cart).or_else(|| {
            let mut named = by(|_| vec!["Name".to_owned()]);
            let first = named.next();
            first.filter(|_| named.next().is_none())
        })
    }

    /// The row of an id, or the one that a record of Salesforce's became.
    fn row_id(&self, name: &str) -> Option<String> {
        if self.entities.contains_key(name) {
            return Some(name.to_owned());
        }
        let (object, id) = self.record(name)?;
        let record = self
            .simulator()
            .find(&object, "Id", &id)
            .into_iter()
            .next()?;
        let keys = &self.catalogue.objects.get(&object)?.keys;
        let external = keys.iter().find_map(|key| record.get(key)?.as_str())?;
        Some(external.to_owned())
    }

    /// Fields in which `{ ref: name }` is that record's id; nothing while one is not there.
    pub(super) fn resolved(&self, fields: &Map<String, Value>) -> Option<Map<String, Value>> {
        let mut resolved = Map::new();
        for (name, value) in fields {
            let value = match value.get("ref").and_then(Value::as_str) {
                Some(record) => Value::from(self.record(record)?.1),
                None => value.clone(),
            };
            resolved.insert(name.clone(), value);
        }
        Some(resolved)
    }
}
