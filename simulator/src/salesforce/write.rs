//! Creating, changing and deleting one record: validation, automation, the log.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Org;
use super::error::ApiError;
use super::table::{Record, Table};
use super::validate::Purpose;
use super::values::owned;
use crate::faults::Effect;
use crate::schema::Object;
use crate::write_log::{Actor, Operation, Write};

impl Org {
    /// Creates a record and gives its id; what a trigger refuses was never there.
    pub(crate) fn insert(
        &mut self,
        object: &str,
        fields: Map<String, Value>,
        actor: Actor,
    ) -> Result<String, Vec<ApiError>> {
        let id = self.all_or_nothing(|org| org.insert_one(object, fields, actor))?;
        self.end_of_user_action(actor);
        Ok(id)
    }

    fn insert_one(
        &mut self,
        object: &str,
        fields: Map<String, Value>,
        actor: Actor,
    ) -> Result<String, Vec<ApiError>> {
        let schema = self.schema(object)?;
        let sent = sent(&fields);
        let mut record = self.validated(&schema, fields, Purpose::Create)?;
        if let Some(missing) = self.missing(&schema, &record) {
            return Err(vec![missing]);
        }
        if let Some(taken) = self.taken(&schema, &record, None) {
            return Err(vec![taken]);
        }
        if let Some(duplicates) = self.duplicates(&schema, &record, None, actor) {
            return Err(vec![duplicates]);
        }
        defaults(&schema, &mut record);
        self.before_insert(&schema, &mut record)?;
        let (id, number) = match self.table_mut(&schema.name) {
            Some(table) => table.next_id(),
            None => return Err(vec![unknown_object(object)]),
        };
        let now = self.tick();
        record.insert("Id".to_owned(), Value::from(id.as_str()));
        record.insert("CreatedDate".to_owned(), Value::from(now));
        if let Some(name) = auto_number(&schema, number) {
            record.insert("Name".to_owned(), Value::from(name));
        }
        self.store(&schema, &id, record);
        self.note(Operation::Create, actor, &schema.name, &id, sent);
        self.after_insert(&schema, &id)?;
        Ok(id)
    }

    /// Changes the fields that are given.
    pub(crate) fn update(
        &mut self,
        object: &str,
        id: &str,
        fields: Map<String, Value>,
        actor: Actor,
    ) -> Result<(), Vec<ApiError>> {
        self.all_or_nothing(|org| org.update_one(object, id, fields, actor))?;
        self.end_of_user_action(actor);
        Ok(())
    }

    fn update_one(
        &mut self,
        object: &str,
        id: &str,
        fields: Map<String, Value>,
        actor: Actor,
    ) -> Result<(), Vec<ApiError>> {
        let schema = self.schema(object)?;
        let old = self.current(&schema, id)?;
        let id = owned(&old, "Id");
        let sent = sent(&fields);
        let mut change = self.validated(&schema, fields, Purpose::Update)?;
        if let Some(missing) = self.cleared(&schema, &change) {
            return Err(vec![missing]);
        }
        if let Some(taken) = self.taken(&schema, &change, Some(&id)) {
            return Err(vec![taken]);
        }
        self.ignored(&schema, &id, &mut change);
        let mut record = old.clone();
        record.extend(change);
        if let Some(duplicates) = self.duplicates(&schema, &record, Some(&old), actor) {
            return Err(vec![duplicates]);
        }
        self.named_by_hand(&schema, &old, &mut record);
        self.before_update(&schema, &old, &mut record)?;
        self.store(&schema, &id, record);
        self.note(Operation::Update, actor, &schema.name, &id, sent);
        self.after_update(&schema, &old, &id)
    }

    pub(crate) fn remove(
        &mut self,
        object: &str,
        id: &str,
        actor: Actor,
    ) -> Result<(), Vec<ApiError>> {
        self.all_or_nothing(|org| {
            let schema = org.schema(object)?;
            let record = org.current(&schema, id)?;
            org.before_delete(&schema, &record)?;
            org.take_out(&schema, id, None, actor);
            org.after_delete(&schema, &record)
        })?;
        self.end_of_user_action(actor);
        Ok(())
    }

    pub(super) fn take_out(
        &mut self,
        schema: &Object,
        id: &str,
        master: Option<&str>,
        actor: Actor,
    ) {
        let now = self.tick();
        let deleted = self.table_mut(&schema.name).and_then(|table| {
            let id = table.delete(id)?;
            if let Some(record) = table.deleted_mut(&id) {
                record.insert("IsDeleted".to_owned(), Value::Bool(true));
                record.insert("SystemModstamp".to_owned(), Value::from(now));
                if let Some(master) = master {
                    record.insert("MasterRecordId".to_owned(), Value::from(master));
                }
            }
            Some(id)
        });
        if let Some(id) = deleted {
            let merged = master.map(|master| ("MasterRecordId".to_owned(), Value::from(master)));
            let fields = merged.into_iter().collect();
            self.note(Operation::Delete, actor, &schema.name, &id, fields);
        }
    }

    /// What the fault rules have against a record before the org looks at it.
    pub(super) fn refused_by_rule(
        &self,
        fields: &Map<String, Value>,
        effect: &Effect,
    ) -> Option<ApiError> {
        if effect.locks_row() {
            let text =
                "unable to obtain exclusive access to this record or 1 records: 0015e00000AAAAAAAA";
            return Some(ApiError::new("UNABLE_TO_LOCK_ROW", text));
        }
        if let Some(wording) = effect.wraps_lock() {
            let (code, text) = wording.words();
            return Some(ApiError::new(code, text));
        }
        let rule = effect
            .rejects
            .iter()
            .find(|rule| fields.get(&rule.field) == Some(&rule.equals))?;
        Some(ApiError::new(&rule.code, rule.message.clone()).on(&rule.field))
    }

    /// Checks that sharing lets the user of the call edit the stored record.
    pub(super) fn may_edit(
        &self,
        object: &str,
        id: &str,
        effect: &Effect,
    ) -> Result<(), Vec<ApiError>> {
        let stored = self.found(object, id);
        let mut rules = effect.read_only.iter();
        let is_read_only = stored
            .is_some_and(|record| rules.any(|(field, value)| record.get(field) == Some(value)));
        if !is_read_only {
            return Ok(());
        }
        let text = "insufficient access rights on object id";
        let error = ApiError::new("INSUFFICIENT_ACCESS_OR_READONLY", text);
        Err(vec![error])
    }

    /// Everything that is done in it, by the org's automation too, or nothing.
    pub(super) fn all_or_nothing<Done, Failed>(
        &mut self,
        act: impl FnOnce(&mut Org) -> Result<Done, Failed>,
    ) -> Result<Done, Failed> {
        let logged = self.log.end();
        let began: Vec<usize> = self.tables.values_mut().map(Table::begin).collect();
        let done = act(self);
        if done.is_ok() {
            self.tables.values_mut().for_each(Table::commit);
        } else {
            for (table, began) in self.tables.values_mut().zip(began) {
                table.roll_back(began);
            }
            self.log.roll_back(&logged);
        }
        done
    }

    /// The record, when it is there.
    pub(super) fn found(&self, object: &str, id: &str) -> Option<&Record> {
        self.table(object)?.get(id)
    }

    /// Ids of the records whose reference field has this id.
    pub(super) fn children(&self, object: &str, field: &str, id: &str) -> Vec<String> {
        let Some(table) = self.table(object) else {
            return Vec::new();
        };
        let field = table.schema.field(field);
        field.map_or_else(Vec::new, |field| table.by_value(field, id))
    }

    /// The records whose reference field has this id.
    pub(super) fn child_records(&self, object: &str, field: &str, id: &str) -> Vec<Record> {
        let ids = self.children(object, field, id).into_iter();
        ids.filter_map(|id| self.found(object, &id).cloned())
            .collect()
    }

    pub(super) fn schema(&self, object: &str) -> Result<Arc<Object>, Vec<ApiError>> {
        self.table(object)
            .map(|table| table.schema.clone())
            .ok_or_else(|| vec![unknown_object(object)])
    }

    /// The record of an id of this object.
    pub(super) fn current(&self, schema: &Object, id: &str) -> Result<Record, Vec<ApiError>> {
        let Some(long) = crate::id::long(id).filter(|id| id.starts_with(&schema.key_prefix)) else {
            return Err(vec![
                ApiError::new(
                    "MALFORMED_ID",
                    format!("{} ID: id value of incorrect type: {id}", schema.name),
                )
                .on("Id"),
            ]);
        };
        let table = self
            .table(&schema.name)
            .ok_or_else(|| vec![unknown_object(&schema.name)])?;
        match table.get(&long) {
            Some(record) => Ok(record.clone()),
            None if table.was_deleted(&long) => Err(vec![ApiError::new(
                "ENTITY_IS_DELETED",
                "entity is deleted",
            )]),
            None => Err(vec![ApiError::new(
                "INVALID_CROSS_REFERENCE_KEY",
                "invalid cross reference id",
            )]),
        }
    }

    pub(super) fn store(&mut self, schema: &Object, id: &str, mut record: Record) {
        let now = self.tick();
        for name in ["LastModifiedDate", "SystemModstamp"] {
            record.insert(name.to_owned(), Value::from(now.as_str()));
        }
        for (object, field, rewrite) in &self.rewrites {
            if *object != schema.name {
                continue;
            }
            let value = match (rewrite, record.get(field)) {
                (super::Rewrite::Upper, Some(Value::String(text))) => {
                    Value::from(text.to_uppercase())
                }
                (super::Rewrite::Value(value), _) => value.clone(),
                _ => continue,
            };
            record.insert(field.clone(), value);
        }
        if schema.name == "Contact" {
            record.insert("Name".to_owned(), Value::from(full_name(&record)));
        }
        if let Some(table) = self.table_mut(&schema.name) {
            table.put(id, record);
        }
    }

    pub(super) fn note(
        &mut self,
        operation: Operation,
        actor: Actor,
        object: &str,
        id: &str,
        fields: Map<String, Value>,
    ) {
        let (call, request_id) = match actor {
            Actor::User => (0, None),
            Actor::Api | Actor::Automation => (self.call_number, self.request_id.clone()),
        };
        let (object, id) = (object.to_owned(), id.to_owned());
        self.log.add(Write {
            sequence: 0,
            call,
            request_id,
            actor,
            operation,
            object,
            id,
            fields,
            at_ms: self.clock_ms(),
        });
    }
}

fn sent(fields: &Map<String, Value>) -> Map<String, Value> {
    fields
        .iter()
        .filter(|(name, _)| *name != "attributes")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Names that nobody gives.
fn auto_number(schema: &Object, number: u64) -> Option<String> {
    match schema.name.as_str() {
        "npe01__OppPayment__c" => Some(format!("PMT-{number:05}")),
        "npe5__Affiliation__c" => Some(format!("AF-{number:06}")),
        "npsp__Allocation__c" => Some(format!("ALL-{number}")),
        _ => None,
    }
}

/// Check boxes are false when nobody says otherwise; a few fields have defaults of their own.
fn defaults(schema: &Object, record: &mut Record) {
    for (object, field, value) in [
        (
            "npsp__General_Accounting_Unit__c",
            "npsp__Active__c",
            Value::Bool(true),
        ),
        (
            "npe5__Affiliation__c",
            "npe5__Status__c",
            Value::from("Current"),
        ),
    ] {
        if object == schema.name {
            record.entry(field).or_insert(value);
        }
    }
    for field in schema.fields.iter().filter(|field| field.kind == "boolean") {
        record
            .entry(field.name.clone())
            .or_insert(Value::Bool(false));
    }
}

fn full_name(record: &Record) -> String {
    format!(
        "{} {}",
        owned(record, "FirstName"),
        owned(record, "LastName")
    )
    .trim()
    .to_owned()
}

pub(super) fn unknown_object(object: &str) -> ApiError {
    ApiError::new(
        "INVALID_TYPE",
        format!("sObject type '{object}' is not supported."),
    )
}
