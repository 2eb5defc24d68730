//! Creating, changing and deleting one record: validation, automation, the log.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Org;
use super::error::ApiError;
use super::table::{Record, Table};
use super::validate::Purpose;
use crate::faults::Effect;
use crate::schema::Object;
use crate::write_log::{Actor, Operation, Write};

impl Org {
    /// Creates a record and gives its id.
    pub(crate) fn insert(
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
        self.before_insert(&schema, &mut record)?;
        defaults(&schema, &mut record);
        let id = match self.table_mut(&schema.name) {
            Some(table) => table.next_id(),
            None => return Err(vec![unknown_object(object)]),
        };
        let now = self.tick();
        record.insert("Id".to_owned(), Value::from(id.as_str()));
        record.insert("CreatedDate".to_owned(), Value::from(now));
        self.store(&schema, &id, record);
        self.note(Operation::Create, actor, &schema.name, &id, sent);
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
        let schema = self.schema(object)?;
        let mut record = self.current(&schema, id)?;
        let id = record
            .get("Id")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let sent = sent(&fields);
        let change = self.validated(&schema, fields, Purpose::Update)?;
        if let Some(missing) = self.cleared(&schema, &change) {
            return Err(vec![missing]);
        }
        if let Some(taken) = self.taken(&schema, &change, Some(&id)) {
            return Err(vec![taken]);
        }
        record.extend(change);
        self.store(&schema, &id, record);
        self.note(Operation::Update, actor, &schema.name, &id, sent);
        Ok(())
    }

    pub(crate) fn remove(
        &mut self,
        object: &str,
        id: &str,
        actor: Actor,
    ) -> Result<(), Vec<ApiError>> {
        let schema = self.schema(object)?;
        self.current(&schema, id)?;
        self.take_out(&schema, id, None, actor);
        Ok(())
    }

    /// Merging deletes the loser, which then names the master.
    pub(crate) fn merge(
        &mut self,
        object: &str,
        master: &str,
        loser: &str,
    ) -> Result<(), Vec<ApiError>> {
        let schema = self.schema(object)?;
        let kept = self.current(&schema, master)?;
        self.current(&schema, loser)?;
        let master = kept
            .get("Id")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        self.take_out(&schema, loser, Some(&master), Actor::User);
        self.store(&schema, &master, kept);
        self.note(
            Operation::Update,
            Actor::User,
            &schema.name,
            &master,
            Map::new(),
        );
        Ok(())
    }

    fn take_out(&mut self, schema: &Object, id: &str, master: Option<&str>, actor: Actor) {
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
            self.note(Operation::Delete, actor, &schema.name, &id, Map::new());
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
        let rule = effect
            .rejects
            .iter()
            .find(|rule| fields.get(&rule.field) == Some(&rule.equals))?;
        Some(ApiError::new(&rule.code, rule.message.clone()).on(&rule.field))
    }

    /// Everything that is done in it, by the org's automation too, or nothing.
    pub(super) fn all_or_nothing<Done, Failed>(
        &mut self,
        act: impl FnOnce(&mut Org) -> Result<Done, Failed>,
    ) -> Result<Done, Failed> {
        let logged = self.log.end();
        self.tables.values_mut().for_each(Table::begin);
        let done = act(self);
        if done.is_ok() {
            self.tables.values_mut().for_each(Table::commit);
        } else {
            self.tables.values_mut().for_each(Table::roll_back);
            self.log.roll_back(&logged);
        }
        done
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

    fn store(&mut self, schema: &Object, id: &str, mut record: Record) {
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

    fn note(
        &mut self,
        operation: Operation,
        actor: Actor,
        object: &str,
        id: &str,
        fields: Map<String, Value>,
    ) {
        let (call, request_id) = match actor {
            Actor::User => (0, None),
            Actor::Api | Actor::Automation => (self.calls, self.request_id.clone()),
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

/// Check boxes are false when nobody says otherwise.
fn defaults(schema: &Object, record: &mut Record) {
    for field in schema.fields.iter().filter(|field| field.kind == "boolean") {
        record
            .entry(field.name.clone())
            .or_insert(Value::Bool(false));
    }
}

fn full_name(record: &Record) -> String {
    let text = |name: &str| {
        record
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    format!("{} {}", text("FirstName"), text("LastName"))
        .trim()
        .to_owned()
}

pub(super) fn unknown_object(object: &str) -> ApiError {
    ApiError::new(
        "INVALID_TYPE",
        format!("sObject type '{object}' is not supported."),
    )
}
