//! A later end of a membership that Ticketure has.

use runtime::mapping::MappingDescriptor;
use runtime::queue::{Item, Link, Outcome, StoreError};
use runtime::ticketure::TicketureClient;
use serde_json::{Value, json};

use super::{MEMBERSHIP_ID, Pushed, Record};
use crate::sync::outcome::dead;
use crate::sync::{Broken, TwoWaySync};
use crate::to_ticketure::pushed::Said;

/// The day that somebody types on a membership's own opportunity.
const EXTEND_TO: &str = "Ticketure_Extend_To__c";
pub(super) const MODIFIED: &str = "SystemModstamp";
/// Somebody may change the record between a reading and a write, but not again and again.
const TRIES: usize = 3;
const MEETS_MS: i64 = 500;

impl TwoWaySync {
    pub(super) async fn push_extension(
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
        let noted = match record.get(EXTEND_TO).filter(|_| named.is_none()) {
            Some(_) if self.breaks(Broken::Extensions) => Ok(None),
            Some(typed) => {
                let cleared = self.clear(mapping, item, (typed, record)).await;
                cleared.map(|()| None)
            }
            None => Ok(Some(json!({ MEMBERSHIP_ID: membership }))),
        };
        let fields = match noted {
            Ok(fields) => fields,
            Err(outcome) => return Ok(Pushed::is(outcome)),
        };
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
            fields,
            ..Pushed::default()
        })
    }
}

impl TwoWaySync {
    /// The day that Ticketure was told is cleared; another that somebody typed meanwhile stays, and goes next.
    async fn clear(
        &self,
        mapping: &'static MappingDescriptor,
        item: &Item,
        (typed, read): (&Value, &Record),
    ) -> Result<(), Outcome> {
        let ids = [item.key.clone()];
        let body = json!({ EXTEND_TO: null }).to_string();
        let mut found = read.clone();
        for _ in 0..TRIES {
            let at = found.get(MODIFIED).and_then(Value::as_str);
            let Some(at_ms) = at.and_then(runtime::clock::parse_ms) else {
                return Ok(());
            };
            if found.get(EXTEND_TO) != Some(typed) {
                return Ok(());
            }
            let object = mapping.object;
            let written = self
                .salesforce
                .update_unmodified(object, &item.key, &body, at_ms);
            if written
                .await
                .map_err(|error| self.unanswered_by(&[mapping], item.attempts, &error))?
            {
                return Ok(());
            }
            let read = self
                .salesforce
                .retrieve(mapping.object, &ids, &[EXTEND_TO, MODIFIED])
                .await;
            let read: Vec<Option<Record>> =
                read.map_err(|error| self.unanswered_by(&[mapping], item.attempts, &error))?;
            match read.into_iter().flatten().next() {
                Some(now) => found = now,
                None => return Ok(()),
            }
        }
        Err(self.again(MEETS_MS, "its record is changed all the time"))
    }
}

/// What an extension is known by.
fn extended(term: &str, until: &str, id: &str) -> String {
    format!("{term}>{until}@{id}")
}
