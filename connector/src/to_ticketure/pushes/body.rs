//! What a new membership says, its members among it, and what it waits for.

use std::collections::BTreeMap;

use runtime::mapping::Side;
use runtime::queue::{Captured, NewItem, Outcome, SALESFORCE_CHANGED, StoreError, Tombstone};
use runtime::ticketure::Row;
use serde_json::{Map, Value, json};

use crate::handlers::memberships::{self, Member};
use crate::sync::TwoWaySync;
use crate::sync::gone::GRACE_MS;
use crate::sync::outcome::dead;
use crate::to_ticketure::pushed::{self, Said};

/// Code of the error about a contact that is gone.
pub(super) const REFERENCE_DELETED: &str = "reference_deleted";

/// So long after a merge its record is read again.
const MERGED_MS: i64 = 1_000;

fn is_gone(name: &str, object: &str, id: &str) -> Outcome {
    dead(
        REFERENCE_DELETED,
        format!(
            "it names {object} {id}, which was deleted in Salesforce and never was in Ticketure"
        ),
        None,
        &format!(
            "Name another {name} in its fields and contact roles, or restore that one: then it goes by itself."
        ),
    )
}

impl TwoWaySync {
    /// Everything that a new one says, members among it; or what it waits for.
    pub(super) async fn body_of(
        &self,
        id: &str,
        said: Said,
        roles: &[Map<String, Value>],
    ) -> Result<Result<Row, Outcome>, StoreError> {
        let primary = said
            .references
            .iter()
            .find(|(path, ..)| *path == ["primary_identity_id"]);
        let primary = primary.map(|(_, _, id)| id.as_str());
        let members = memberships::members(roles, primary, self.role_of_members());
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
            let known_as = match links.into_values().next() {
                Some(link) => Some(link.source_id),
                None => self.heir_of_record(name, &id).await?,
            };
            match known_as {
                Some(source_id) => _ = known.insert((name, id), source_id),
                None => {
                    return Ok(Err(match self.unless_gone(name, &id).await {
                        Some(outcome) => outcome,
                        None => self.send_first(name, &id).await?,
                    }));
                }
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

    /// Whom the customer of a record was merged into in Ticketure, while the record is still there.
    async fn heir_of_record(
        &self,
        name: &'static str,
        id: &str,
    ) -> Result<Option<String>, StoreError> {
        let buried = self
            .store
            .tombstones(name, Side::Destination, vec![id.to_owned()])
            .await?;
        let merged = |one: &Tombstone| one.side == Side::Source && one.merged_into.is_some();
        let Some(merged) = buried.into_iter().find(merged) else {
            return Ok(None);
        };
        let asked = vec![merged.source_id.clone()];
        let mut heirs = self.store.heirs(name, asked).await?;
        let heir = heirs.remove(&merged.source_id);
        Ok(heir.and_then(|heir| heir.source_id))
    }

    /// Decides about a push whose record names one that is gone. After a merge the record names the survivor, so it is
    /// read again; after a delete nothing more comes once a merge would have shown.
    async fn unless_gone(&self, name: &'static str, id: &str) -> Option<Outcome> {
        let mapping = self.mapping(name)?;
        let object = mapping.object;
        let ids = [id.to_owned()];
        let found = match self.salesforce.with_deleted(object, "Id", &ids).await {
            Ok(found) => found.into_iter().next(),
            Err(error) => return Some(self.unanswered_by(&[mapping], 0, &error)),
        };
        let Some(found) = found else {
            return Some(is_gone(name, object, id));
        };
        if found.get("IsDeleted") != Some(&Value::Bool(true)) {
            return None;
        }
        if found.get("MasterRecordId").is_some_and(Value::is_string) {
            return Some(self.again(MERGED_MS, "the contact that it names was merged"));
        }
        let text = found.get("SystemModstamp").and_then(Value::as_str);
        let deleted_ms = text.and_then(runtime::clock::parse_ms).unwrap_or_default();
        let shows_by = deleted_ms - self.salesforce.offset_ms() + GRACE_MS;
        Some(match self.now_ms() < shows_by {
            true => Outcome::Retry {
                due_ms: shows_by,
                error: format!("{object} {id} was deleted: a merge may follow"),
                charge: false,
            },
            false => is_gone(name, object, id),
        })
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
