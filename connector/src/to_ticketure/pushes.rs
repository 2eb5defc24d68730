//! Records of Salesforce's that go to Ticketure and never come back as they are: new memberships, and extensions.
//!
//! Each in steps that stay: what it refers to is in Ticketure, or is sent there first and waited for; an intent; the call,
//! which may be repeated; the ids written back; the link. What Ticketure does not take is in the error log, with what to
//! do instead, and nothing of it is done.

use std::collections::BTreeMap;

use runtime::mapping::{MappingDescriptor, PushAs, Side};
use runtime::queue::{
    Captured, Intent, IntentKey, Item, Link, NewItem, Outcome, Repeat, SALESFORCE_CHANGED,
    Settlement, StoreError,
};
use runtime::salesforce::normalise;
use runtime::ticketure::{CallError, Created, Row, TicketureClient};
use serde_json::{Map, Value, json};

use super::pushed::{self, Said};
use crate::handlers::memberships::{self, Member};
use crate::sync::TwoWaySync;
use crate::sync::outcome::{Failure, dead};

type Record = Map<String, Value>;

/// What is written to a membership's record once Ticketure has it.
const MEMBERSHIP_ID: &str = "Ticketure_Membership_Id__c";

/// What becomes of an item, and what is kept with it.
#[derive(Default)]
struct Pushed {
    outcome: Option<Outcome>,
    link: Option<Link>,
    closes: Vec<IntentKey>,
}

impl Pushed {
    fn is(outcome: Outcome) -> Self {
        Pushed {
            outcome: Some(outcome),
            ..Pushed::default()
        }
    }
}

impl TwoWaySync {
    /// Does the item say that a record changed which goes back in this way, or not at all?
    pub(crate) fn is_push(&self, item: &Item) -> bool {
        let mapping = item.mapping.as_deref().and_then(|name| self.mapping(name));
        item.payload_type == SALESFORCE_CHANGED
            && mapping.is_some_and(|mapping| mapping.push_as.is_some() || mapping.tree.is_some())
    }

    pub(crate) async fn push_changed(&self, items: Vec<Item>) -> Result<(), StoreError> {
        let mut by_mapping: BTreeMap<String, Vec<Item>> = BTreeMap::new();
        for item in items {
            let name = item.mapping.clone().unwrap_or_default();
            by_mapping.entry(name).or_default().push(item);
        }
        for (name, items) in by_mapping {
            let Some(mapping) = self.mapping(&name) else {
                continue;
            };
            let ids = items.iter().map(|item| vec![Some(item.key.clone())]);
            let ids: Vec<Vec<Option<String>>> = ids.collect();
            let select = pushed::select(mapping, self.has_npsp());
            let select: Vec<&str> = select.into_iter().collect();
            let found = self
                .salesforce
                .query_in(mapping.object, &select, &["Id"], &ids)
                .await;
            let found = match found {
                Ok(found) => found,
                Err(error) => {
                    let settled = items.iter().map(|item| {
                        let outcome = match error.is_everybodys() {
                            true => self
                                .held()
                                .unwrap_or_else(|| self.again(100, &error.to_string())),
                            false => self.failed_after(
                                item.attempts,
                                Failure::of(error.code(), error.to_string()),
                            ),
                        };
                        Settlement::new(item.id, item.attempt, outcome)
                    });
                    self.store.settle(settled.collect()).await?;
                    continue;
                }
            };
            let id_of = |record: &Record| record.get("Id").and_then(Value::as_str).map(normalise);
            for item in items {
                let record = found
                    .iter()
                    .find(|record| id_of(record).as_ref() == Some(&item.key));
                let pushed = match record {
                    Some(record) => self.push_one(mapping, &item, record).await?,
                    None => Pushed::is(Outcome::Done),
                };
                let mut settled = Settlement::new(
                    item.id,
                    item.attempt,
                    pushed.outcome.unwrap_or(Outcome::Done),
                );
                settled.link = pushed.link;
                settled.closes = pushed.closes;
                self.store.settle(vec![settled]).await?;
            }
        }
        Ok(())
    }

    async fn push_one(
        &self,
        mapping: &'static MappingDescriptor,
        item: &Item,
        record: &Record,
    ) -> Result<Pushed, StoreError> {
        if mapping.tree.is_some() {
            return self.edited(mapping, item, record).await;
        }
        if let Some(later) = self.held_back() {
            return Ok(Pushed::is(later));
        }
        let begun = self.begun(mapping, &item.key).await?;
        if !self.pushes(mapping, record) && begun.is_none() {
            return Ok(Pushed::default());
        }
        let said = pushed::said(mapping, record, self.has_npsp());
        if let Some((field, value)) = said.unknown.first() {
            return Ok(Pushed::is(dead(
                "unknown_value",
                format!("{field} is `{value}`, which no line of its table has"),
                mapping.place(field),
                "Correct it in Salesforce, or add a line to the table of the mapping; then retry the item.",
            )));
        }
        if !said.missing.is_empty() {
            return Ok(Pushed::default());
        }
        match (mapping.push_as, &self.ticketure) {
            (Some(PushAs::Create), Some(ticketure)) => {
                self.push_new(ticketure, mapping, item, said, begun).await
            }
            (Some(PushAs::Extend), Some(ticketure)) => {
                self.push_extension(ticketure, mapping, item, record, said)
                    .await
            }
            _ => Ok(Pushed::default()),
        }
    }

    /// Somebody edited what goes forward only.
    async fn edited(
        &self,
        root: &'static MappingDescriptor,
        item: &Item,
        record: &Record,
    ) -> Result<Pushed, StoreError> {
        let given = self.given_roots(root, vec![item.key.clone()]).await?;
        let Some(given) = given.get(&item.key) else {
            return Ok(Pushed::default());
        };
        let edited = self.edits(root, given, record);
        Ok(match edited.is_empty() {
            true => Pushed::default(),
            false => Pushed::is(self.refuse_edit(root, given, &edited)),
        })
    }

    async fn begun(
        &self,
        mapping: &MappingDescriptor,
        id: &str,
    ) -> Result<Option<Intent>, StoreError> {
        let intents = self
            .store
            .intents(mapping.name, vec![key(mapping, id).key])
            .await?;
        Ok(intents
            .into_iter()
            .find(|intent| intent.key.side == Side::Source))
    }

    async fn push_new(
        &self,
        ticketure: &TicketureClient,
        mapping: &'static MappingDescriptor,
        item: &Item,
        said: Said,
        begun: Option<Intent>,
    ) -> Result<Pushed, StoreError> {
        let id = &item.key;
        let body = match &begun {
            // An earlier try may have made it: every repeat says the same.
            Some(intent) => serde_json::from_str(&intent.fields).unwrap_or_default(),
            None => match self.body_of(id, said).await? {
                Ok(body) => body,
                Err(outcome) => return Ok(Pushed::is(outcome)),
            },
        };
        let intent = Intent {
            key: key(mapping, id),
            kind: "create",
            fields: Value::Object(body.clone()).to_string(),
            repeat: Repeat::ConflictAdopts,
            made_at_ms: self.now_ms(),
        };
        self.store
            .begin(vec![intent], Vec::new(), Vec::new())
            .await?;
        let entity = mapping.payload.name;
        let name = format!("usher-{}-{id}", mapping.name);
        let made = match ticketure.create(entity, entity, &body, &name).await {
            Ok(Created::New(row)) => Ok(Some(row)),
            Ok(Created::Known(known)) => ticketure.read(entity, &known).await,
            Err(error) => Err(error),
        };
        let row = match made {
            Ok(Some(row)) => row,
            Ok(None) => {
                return Ok(Pushed::is(
                    self.again(500, "Ticketure has it, and does not show it yet"),
                ));
            }
            Err(error) => return Ok(self.not_taken(mapping, item, &error, begun.is_some())),
        };
        self.was_made(mapping, item, &row).await
    }

    /// The ids go back to the record, and the two are linked.
    async fn was_made(
        &self,
        mapping: &'static MappingDescriptor,
        item: &Item,
        row: &Row,
    ) -> Result<Pushed, StoreError> {
        let id = &item.key;
        let row = Value::Object(row.clone());
        let of = mapping.rows_of.and_then(|name| self.mapping(name));
        let source_id = of.and_then(|of| {
            let made = runtime::row::made_key(of, |path| runtime::row::text(&row, path));
            made.or_else(|| runtime::row::text(&row, of.key))
        });
        let (Some(of), Some(source_id)) = (of, source_id) else {
            return Ok(Pushed::is(dead(
                "does_not_fit",
                "Ticketure's answer lacks what its record is known by".to_owned(),
                None,
                "The membership was made in Ticketure: correct the schema of the entity, then retry the item.",
            )));
        };
        let membership = runtime::row::text(&row, &["id"]).unwrap_or_default();
        let ids = json!({ mapping.external_id: source_id, MEMBERSHIP_ID: membership });
        if let Err(outcome) = self.write_back(mapping, item, &ids).await {
            return Ok(Pushed::is(outcome));
        }
        Ok(Pushed {
            outcome: None,
            link: Some(Link {
                mapping: of.name.to_owned(),
                source_id: source_id.clone(),
                destination_id: id.clone(),
                base: "{}".to_owned(),
                lock: String::new(),
                lane: source_id,
            }),
            closes: vec![key(mapping, id)],
        })
    }

    /// Fields of the record itself, set by its id.
    async fn write_back(
        &self,
        mapping: &MappingDescriptor,
        item: &Item,
        fields: &Value,
    ) -> Result<(), Outcome> {
        let record = (item.key.clone(), fields.to_string());
        let error = match self.salesforce.update(mapping.object, &[record]).await {
            Err(error) if error.is_everybodys() => {
                return Err(self
                    .held()
                    .unwrap_or_else(|| self.again(100, &error.to_string())));
            }
            Err(error) => {
                let verdict = runtime::retry::verdict(error.code(), &error.to_string());
                (error.code().to_owned(), verdict, error.to_string())
            }
            Ok(results) => match results.into_iter().next() {
                Some(Err(errors)) => {
                    let error = errors.into_iter().next().unwrap_or_default();
                    (
                        error.code.clone(),
                        error.verdict(),
                        format!("{}: {}", error.code, error.message),
                    )
                }
                _ => return Ok(()),
            },
        };
        let (code, verdict, message) = error;
        let failure = Failure {
            code: &code,
            verdict,
            message,
            place: None,
        };
        Err(self.failed_after(item.attempts, failure))
    }

    async fn push_extension(
        &self,
        ticketure: &TicketureClient,
        mapping: &'static MappingDescriptor,
        item: &Item,
        record: &Record,
        said: Said,
    ) -> Result<Pushed, StoreError> {
        let id = &item.key;
        let Some(of) = mapping.rows_of else {
            return Ok(Pushed::default());
        };
        let named = said.references.iter().find(|(path, ..)| *path == ["id"]);
        let target = named.map_or_else(|| id.clone(), |(_, _, target)| target.clone());
        let links = self
            .store
            .links_by_destination(of, vec![target.clone()])
            .await?;
        let Some(term) = links.into_values().next().map(|link| link.source_id) else {
            return Ok(Pushed::is(match named {
                // What it extends may be on its way to Ticketure itself.
                Some(_) => Outcome::Park {
                    key: format!("{of}:sf:{target}"),
                    reason: format!(
                        "it extends {target}, which is no membership of Ticketure's yet"
                    ),
                },
                None => Outcome::Done,
            }));
        };
        let membership = term.rsplit_once(':').map_or(term.as_str(), |(id, _)| id);
        let until = said
            .row
            .get("valid_until")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let done = self
            .store
            .links_by_destination(mapping.name, vec![id.clone()])
            .await?;
        if let Some(done) = done.into_values().next() {
            return Ok(match done.source_id == extended(&term, until, id) {
                true => Pushed::default(),
                false => Pushed::is(dead(
                    "edit_refused",
                    format!("it has extended {term} already, and was changed since"),
                    None,
                    "Put it back. A further extension is an opportunity of its own, or Ticketure_Extend_To__c on the membership's.",
                )),
            });
        }
        let body =
            json!({ "valid_until": until, "reason": "extended in Salesforce", "external_ref": id });
        let Value::Object(body) = body else {
            return Ok(Pushed::default());
        };
        match ticketure
            .act(mapping.payload.name, membership, "extend", &body)
            .await
        {
            Ok(Some(_)) => {}
            Ok(None) => {
                return Ok(Pushed::is(dead(
                    "not_there",
                    format!("Ticketure has no membership {membership}"),
                    None,
                    "It was deleted there: make a new one, which extends nothing.",
                )));
            }
            Err(error) => return Ok(self.not_taken(mapping, item, &error, false)),
        }
        let fields = match (named, record.get("Ticketure_Extend_To__c")) {
            (None, Some(_)) => json!({ "Ticketure_Extend_To__c": null }),
            _ => json!({ MEMBERSHIP_ID: membership }),
        };
        if let Err(outcome) = self.write_back(mapping, item, &fields).await {
            return Ok(Pushed::is(outcome));
        }
        let link = named.map(|_| Link {
            mapping: mapping.name.to_owned(),
            source_id: extended(&term, until, id),
            destination_id: id.clone(),
            base: "{}".to_owned(),
            lock: String::new(),
            lane: format!("sf:{id}"),
        });
        Ok(Pushed {
            link,
            ..Pushed::default()
        })
    }

    /// What Ticketure said of it.
    fn not_taken(
        &self,
        mapping: &'static MappingDescriptor,
        item: &Item,
        error: &CallError,
        repeats: bool,
    ) -> Pushed {
        if error.is_everybodys() {
            let later = self.held_back();
            return Pushed::is(later.unwrap_or_else(|| self.again(100, &error.to_string())));
        }
        let failure = Failure::of(error.code(), error.to_string());
        let mut outcome = self.failed_after(item.attempts, failure);
        let reason = match error {
            CallError::Refused { reason, .. } => reason.as_str(),
            _ => "",
        };
        if let (Outcome::Dead { error }, Some(help)) = (&mut outcome, memberships::help(reason)) {
            reason.clone_into(&mut error.code);
            help.clone_into(&mut error.help);
        }
        // Of an earlier try only what Ticketure makes of the record says something.
        let undone = match repeats {
            true => error.is_about_content(),
            false => !error.may_have_committed(),
        };
        Pushed {
            outcome: Some(outcome),
            link: None,
            closes: undone
                .then(|| key(mapping, &item.key))
                .into_iter()
                .collect(),
        }
    }

    /// Everything that a new one says, members among it; or what it waits for.
    async fn body_of(&self, id: &str, said: Said) -> Result<Result<Row, Outcome>, StoreError> {
        let primary = said
            .references
            .iter()
            .find(|(path, ..)| *path == ["primary_identity_id"]);
        let primary = primary.map(|(_, _, id)| id.as_str());
        let members = match self.members_of(id, primary).await {
            Ok(members) => members,
            Err(error) => return Ok(Err(self.unanswered_push(&error))),
        };
        let mut wanted: Vec<(&'static str, String)> = said
            .references
            .iter()
            .map(|(_, mapping, id)| (*mapping, id.clone()))
            .collect();
        let people = crate::handlers::households::PEOPLE;
        wanted.extend(
            members
                .iter()
                .map(|member| (people, member.contact.clone())),
        );
        let mut known: BTreeMap<(&'static str, String), String> = BTreeMap::new();
        for (name, id) in wanted {
            let links = self
                .store
                .links_by_destination(name, vec![id.clone()])
                .await?;
            match links.into_values().next() {
                Some(link) => _ = known.insert((name, id), link.source_id),
                None => return Ok(Err(self.send_first(name, &id).await?)),
            }
        }
        let mut row = said.row;
        for (path, mapping, id) in &said.references {
            if let Some(source) = known.get(&(*mapping, id.clone())) {
                pushed::put(&mut row, path, Value::from(source.as_str()));
            }
        }
        let member = |member: &Member| {
            let source = known.get(&(people, member.contact.clone()))?;
            let role = if member.is_primary {
                "primary"
            } else {
                "secondary"
            };
            Some(json!({ "identity_id": source, "role": role }))
        };
        let list: Vec<Value> = members.iter().filter_map(member).collect();
        if let Some(first) = members.iter().find(|member| member.is_primary)
            && let Some(source) = known.get(&(people, first.contact.clone()))
        {
            row.insert(
                "primary_identity_id".to_owned(),
                Value::from(source.as_str()),
            );
        }
        row.insert("members".to_owned(), Value::Array(list));
        row.insert("external_ref".to_owned(), Value::from(id));
        Ok(Ok(row))
    }

    fn unanswered_push(&self, error: &runtime::salesforce::CallError) -> Outcome {
        self.held()
            .unwrap_or_else(|| self.again(500, &error.to_string()))
    }

    /// What it refers to is not in Ticketure: that goes first, and this waits for it.
    async fn send_first(&self, name: &'static str, id: &str) -> Result<Outcome, StoreError> {
        let first = NewItem {
            mapping: Some(name.to_owned()),
            payload_type: SALESFORCE_CHANGED.to_owned(),
            lane: format!("sf:{id}"),
            key: id.to_owned(),
            payload: "{}".to_owned(),
            ..NewItem::default()
        };
        let captured = Captured {
            items: vec![first],
            ..Captured::default()
        };
        self.store.capture(captured).await?;
        Ok(Outcome::Park {
            key: format!("{name}:sf:{id}"),
            reason: format!(
                "{name} {id} is not in Ticketure yet; where it lacks something it is listed by `usher gates`"
            ),
        })
    }
}

/// What an extension is known by.
fn extended(term: &str, until: &str, id: &str) -> String {
    format!("{term}>{until}@{id}")
}

fn key(mapping: &MappingDescriptor, id: &str) -> IntentKey {
    IntentKey {
        mapping: mapping.name.to_owned(),
        key: format!("sf:{id}"),
        side: Side::Source,
    }
}
