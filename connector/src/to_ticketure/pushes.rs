//! Records of Salesforce's that go to Ticketure and never come back as they are: new memberships, and extensions.
//!
//! Each in steps that stay: what it refers to is in Ticketure, or is sent there first and waited for; an intent; the call,
//! which may be repeated; the ids written back; the link. What Ticketure does not take is in the error log, with what to
//! do instead, and nothing of it is done.

mod body;
mod extension;
mod noted;

use std::collections::{BTreeMap, BTreeSet};

use runtime::entity::Kind;
use runtime::mapping::{MappingDescriptor, PushAs, Side};
use runtime::queue::{
    Intent, IntentKey, Item, Link, Outcome, Repeat, SALESFORCE_CHANGED, Settlement, StoreError,
};
use runtime::salesforce::{COLLECTION_MAX, CallError as SalesforceCallError, normalise};
use runtime::ticketure::{CallError, Created, Row, TicketureClient};
use serde_json::{Map, Value, json};

use self::noted::settled;
use super::pushed::{self, Said};
use crate::handlers::memberships::{self, Roles};
use crate::sync::TwoWaySync;
use crate::sync::notes::missing_named;
use crate::sync::outcome::{Failure, dead};

type Record = Map<String, Value>;

/// Codes of errors about a contact that is gone: a blank, or an id that leads nowhere.
const GONE: &[&str] = &[INCOMPLETE, body::REFERENCE_DELETED];
const INCOMPLETE: &str = "incomplete";

/// What is written to a membership's record once Ticketure has it.
const MEMBERSHIP_ID: &str = "Ticketure_Membership_Id__c";

/// What becomes of an item, and what is kept with it.
#[derive(Default)]
struct Pushed {
    outcome: Option<Outcome>,
    link: Option<Link>,
    closes: Vec<IntentKey>,
    /// Items of the error log that this replaces.
    replaces: Vec<i64>,
    /// What is to be written to the record itself before any of that is so.
    fields: Option<Value>,
}

/// The records of some items by their ids.
struct Read {
    records: BTreeMap<String, Record>,
    roles: Roles,
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
            // What is read is read shortly before it goes.
            for items in items.chunks(COLLECTION_MAX) {
                self.push_some(mapping, items).await?;
            }
        }
        Ok(())
    }

    /// Items whose records are read in one call, and written back to in one.
    async fn push_some(
        &self,
        mapping: &'static MappingDescriptor,
        items: &[Item],
    ) -> Result<(), StoreError> {
        let read = match self.read_pushed(mapping, items).await {
            Ok(read) => {
                self.answered(mapping.name);
                read
            }
            Err(error) => {
                let settled = items.iter().map(|item| {
                    Settlement::new(
                        item.id,
                        item.attempt,
                        self.unanswered_by(&[mapping], item.attempts, &error),
                    )
                });
                return self.store.settle(settled.collect()).await.map(|_| ());
            }
        };
        let mut noted = Vec::new();
        for item in items {
            let mut pushed = match read.records.get(&item.key) {
                Some(record) => self.push_one(mapping, item, record, &read.roles).await?,
                None => Pushed::is(Outcome::Done),
            };
            if mapping.push_as == Some(PushAs::Create) {
                pushed.replaces = self.earlier_errors(mapping, item).await?;
            }
            match pushed.fields {
                Some(_) => noted.push((item, pushed)),
                None => self
                    .store
                    .settle(vec![settled(item, pushed)])
                    .await
                    .map(drop)?,
            }
        }
        self.write_back(mapping, noted).await
    }

    /// The record's errors about a contact that is gone which are older than the item: what becomes of it replaces them.
    /// Other errors stay until they are retried.
    async fn earlier_errors(
        &self,
        mapping: &MappingDescriptor,
        item: &Item,
    ) -> Result<Vec<i64>, StoreError> {
        let failed = self.store.failed_of(mapping.name, vec![item.key.clone()]);
        let mut earlier = Vec::new();
        for failed in failed.await? {
            let view = self.store.item(failed.id).await?;
            let error = view.and_then(|view| view.error);
            let is_one = error.is_some_and(|error| GONE.contains(&error.code.as_str()));
            if is_one && failed.id < item.id {
                earlier.push(failed.id);
            }
        }
        Ok(earlier)
    }

    /// The records of the items, and the roles of those that are new to Ticketure.
    async fn read_pushed(
        &self,
        mapping: &'static MappingDescriptor,
        items: &[Item],
    ) -> Result<Read, SalesforceCallError> {
        let ids = items.iter().map(|item| vec![Some(item.key.clone())]);
        let ids: Vec<Vec<Option<String>>> = ids.collect();
        let select = match items.iter().any(is_asked) {
            true => self.selected(mapping),
            false => pushed::select(mapping, self.has_npsp()),
        };
        let select = select.into_iter().chain([extension::MODIFIED]);
        let select: BTreeSet<&str> = select.collect();
        let select: Vec<&str> = select.into_iter().collect();
        let found = self
            .salesforce
            .query_in(mapping.object, &select, &["Id"], &ids)
            .await?;
        let id_of = |record: &Record| record.get("Id").and_then(Value::as_str).map(normalise);
        let records = found.into_iter();
        let records = records.filter_map(|record| Some((id_of(&record)?, record)));
        let records: BTreeMap<String, Record> = records.collect();
        let new = records
            .iter()
            .filter(|(_, record)| self.is_new(mapping, record));
        let new: Vec<String> = new.map(|(id, _)| id.clone()).collect();
        let roles = self.roles_of_members(&new).await?;
        Ok(Read { records, roles })
    }

    /// Would any mapping of the object make one of it in Ticketure?
    fn is_new(&self, mapping: &'static MappingDescriptor, record: &Record) -> bool {
        let mut all = self.handlers.iter().flat_map(|handler| handler.mappings());
        all.any(|other| {
            other.object == mapping.object
                && other.push_as == Some(PushAs::Create)
                && self.pushes(other, record)
        })
    }

    async fn push_one(
        &self,
        mapping: &'static MappingDescriptor,
        item: &Item,
        record: &Record,
        roles: &Roles,
    ) -> Result<Pushed, StoreError> {
        if mapping.tree.is_some() {
            return self.edited(mapping, item, record).await;
        }
        if let Some(later) = self.held_back() {
            return Ok(Pushed::is(later));
        }
        let begun = self.begun(mapping, &item.key).await?;
        let is_asked = is_asked(item);
        if !self.pushes(mapping, record) && begun.is_none() {
            if !is_asked {
                return Ok(Pushed::default());
            }
            return match self.pushed_by(mapping, record) {
                Some(other) => Box::pin(self.push_one(other, item, record, roles)).await,
                None => Ok(Pushed::is(no_membership(&item.key))),
            };
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
            // Its contact was deleted after it was found complete, which Salesforce shows as a blank.
            return Ok(match is_asked || names_nobody(mapping, &said.missing) {
                false => Pushed::default(),
                true => Pushed::is(dead(
                    INCOMPLETE,
                    missing_named(mapping, &said.missing),
                    None,
                    "Fill them in in Salesforce: then it goes by itself.",
                )),
            });
        }
        match (mapping.push_as, &self.ticketure) {
            (Some(PushAs::Create), Some(ticketure)) => {
                let roles = roles.get(&item.key).map_or(&[] as &[Record], Vec::as_slice);
                self.push_new(ticketure, mapping, item, (said, roles), begun)
                    .await
            }
            (Some(PushAs::Extend), Some(ticketure)) => {
                self.push_extension(ticketure, mapping, item, record, said)
                    .await
            }
            _ => Ok(Pushed::default()),
        }
    }

    /// What any mapping of the object asks for.
    fn selected(&self, mapping: &'static MappingDescriptor) -> BTreeSet<&'static str> {
        let all = self.handlers.iter().flat_map(|handler| handler.mappings());
        let all = all.filter(|other| other.object == mapping.object && other.push_as.is_some());
        all.flat_map(|other| pushed::select(other, self.has_npsp()))
            .collect()
    }

    /// Another mapping of the object that takes the record.
    fn pushed_by(
        &self,
        mapping: &'static MappingDescriptor,
        record: &Record,
    ) -> Option<&'static MappingDescriptor> {
        let mut all = self
            .handlers
            .iter()
            .flat_map(|handler| handler.mappings())
            .copied();
        all.find(|other| other.object == mapping.object && self.pushes(other, record))
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
        if edited.is_empty() || self.put_right_if_late(root, given, &edited, record).await? {
            return Ok(Pushed::default());
        }
        Ok(Pushed::is(self.refuse_edit(root, given, &edited)))
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
        (said, roles): (Said, &[Record]),
        begun: Option<Intent>,
    ) -> Result<Pushed, StoreError> {
        let id = &item.key;
        let body = match &begun {
            // An earlier try may have made it: every repeat says the same.
            Some(intent) => serde_json::from_str(&intent.fields).unwrap_or_default(),
            None => match self.body_of(id, said, roles).await? {
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
        Ok(self.was_made(mapping, item, &row))
    }

    /// The ids go back to the record, and the two are linked.
    fn was_made(&self, mapping: &'static MappingDescriptor, item: &Item, row: &Row) -> Pushed {
        let id = &item.key;
        let row = Value::Object(row.clone());
        let of = mapping.rows_of.and_then(|name| self.mapping(name));
        let source_id = of.and_then(|of| {
            let made = runtime::row::made_key(of, |path| runtime::row::text(&row, path));
            made.or_else(|| runtime::row::text(&row, of.key))
        });
        let (Some(of), Some(source_id)) = (of, source_id) else {
            return Pushed::is(dead(
                "does_not_fit",
                "Ticketure's answer lacks what its record is known by".to_owned(),
                None,
                "The membership was made in Ticketure: correct the schema of the entity, then retry the item.",
            ));
        };
        let membership = runtime::row::text(&row, &["id"]).unwrap_or_default();
        let ids = json!({ mapping.external_id: source_id, MEMBERSHIP_ID: membership });
        Pushed {
            outcome: None,
            fields: Some(ids),
            link: Some(Link {
                mapping: of.name.to_owned(),
                source_id: source_id.clone(),
                destination_id: id.clone(),
                base: "{}".to_owned(),
                lock: String::new(),
                lane: source_id,
            }),
            closes: vec![key(mapping, id)],
            replaces: Vec::new(),
        }
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
            fields: None,
            replaces: Vec::new(),
            closes: undone
                .then(|| key(mapping, &item.key))
                .into_iter()
                .collect(),
        }
    }
}

/// Returns whether a reference is among the missing fields.
fn names_nobody(mapping: &MappingDescriptor, missing: &[&str]) -> bool {
    let fields = mapping.record.fields.iter();
    let mut references = fields.filter(|field| matches!(field.kind, Kind::Reference { .. }));
    mapping.push_as == Some(PushAs::Create)
        && references.any(|field| field.path.last().is_some_and(|name| missing.contains(name)))
}

/// A person said that it is to go.
fn is_asked(item: &Item) -> bool {
    let payload: Value = serde_json::from_str(&item.payload).unwrap_or_default();
    payload.get("asked") == Some(&Value::Bool(true))
}

fn no_membership(id: &str) -> Outcome {
    dead(
        "not_a_membership",
        format!("{id} is no new membership and no extension of one"),
        None,
        "Ticketure takes those alone: a won opportunity of the record type of memberships, or one that names the membership that it extends. Tickets and donations are sold in Ticketure, which tells Salesforce.",
    )
}

fn key(mapping: &MappingDescriptor, id: &str) -> IntentKey {
    IntentKey {
        mapping: mapping.name.to_owned(),
        key: format!("sf:{id}"),
        side: Side::Source,
    }
}
