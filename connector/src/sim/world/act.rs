//! What happens in the world: actions of people and of the network, and the webhooks that tell of them.

use std::error::Error;
use std::time::Duration;

use serde_json::{Map, Value};
use simulator::{Fault, FaultKind, Rewrite};
use tokio::time::Instant;

use super::{OnTheWay, World};
use crate::sim::history::Action;

impl World<'_> {
    pub(super) fn tell_of_own_writes(&mut self) {
        for webhook in self.simulator.take_webhooks() {
            // What was sold is never told of again.
            let of_person = webhook.get("event_type").and_then(Value::as_str);
            match of_person.is_some_and(|kind| {
                kind.starts_with("identity") || kind.starts_with("organization")
            }) {
                true => self.send(webhook),
                false => self.send_surely(webhook),
            }
        }
    }

    /// A webhook goes its way: late, twice, or never.
    fn send(&mut self, webhook: Value) {
        let lose = self.history.webhook_lose_one_in;
        if lose > 0 && self.random.u32(0..lose) == 0 {
            return;
        }
        self.send_surely(webhook);
    }

    /// The same, but never lost.
    fn send_surely(&mut self, webhook: Value) {
        let repeat = self.history.webhook_repeat_one_in;
        let times = if repeat > 0 && self.random.u32(0..repeat) == 0 {
            2
        } else {
            1
        };
        for _ in 0..times {
            let delay =
                Duration::from_millis(self.random.u64(0..=self.history.webhook_delay_ms_max));
            self.send_in(delay, webhook.clone());
        }
    }

    /// A webhook that arrives then.
    pub fn send_in(&mut self, delay: Duration, webhook: Value) {
        self.on_the_way.push(OnTheWay {
            arrives: Instant::now() + delay,
            sent_ms: (self.now)(),
            webhook,
        });
    }

    pub(super) async fn act(&mut self, action: Action) -> Result<(), Box<dyn Error>> {
        match action {
            Action::TicketureCreate {
                record,
                mut fields,
                webhook_delay_ms,
                webhook_lost,
            } => {
                let id = format!("id-{record}");
                fields.insert("id".to_owned(), Value::from(id.as_str()));
                self.ticketure_ids.insert(record, id);
                self.put(fields, webhook_delay_ms, webhook_lost);
            }
            Action::TicketureEdit {
                record,
                mut fields,
                webhook_delay_ms,
            } => {
                if let Some(id) = self.ticketure_id(&record) {
                    fields.insert("id".to_owned(), Value::from(id));
                    self.put(fields, webhook_delay_ms, false);
                }
            }
            Action::TicketureDelete { record } => {
                if let Some(id) = self.ticketure_id(&record) {
                    self.simulator.end_identity(&id, None);
                    if let Some(webhook) = self.simulator.webhook(&id) {
                        self.send(webhook);
                    }
                }
            }
            Action::TicketureMerge { record, into } => {
                let both = self.ticketure_id(&record).zip(self.ticketure_id(&into));
                if let Some((id, into)) = both {
                    self.simulator.end_identity(&id, Some(&into));
                    if let Some(webhook) = self.simulator.webhook(&id) {
                        self.send_surely(webhook);
                    }
                }
            }
            Action::TicketureRow {
                entity,
                record,
                mut fields,
                webhook_delay_ms,
            } => {
                let id = format!("id-{record}");
                fields.insert("id".to_owned(), Value::from(id.as_str()));
                self.simulator.put_row(&entity, fields);
                let webhook = self.simulator.row_webhook(&entity, &id);
                let webhook =
                    webhook.ok_or_else(|| format!("{record}: there are no rows of {entity}"))?;
                match webhook_delay_ms {
                    Some(delay_ms) => self.send_in(Duration::from_millis(delay_ms), webhook),
                    None => self.send_surely(webhook),
                }
            }
            Action::SalesforceCreate {
                record,
                object,
                fields,
            } => {
                let id = self
                    .simulator
                    .insert_by_user(&object, fields)
                    .map_err(|errors| format!("{record}: {errors:?}"))?;
                self.salesforce_ids.insert(record, (object, id));
            }
            Action::SalesforceEdit { record, fields } => {
                if let Some((object, id)) = self.salesforce_id(&record) {
                    // A record that somebody deleted cannot be edited: people try.
                    let _ = self.simulator.update_by_user(&object, &id, fields);
                }
            }
            Action::SalesforceDelete { record } => {
                if let Some((object, id)) = self.salesforce_id(&record) {
                    let _ = self.simulator.delete_by_user(&object, &id);
                }
            }
            Action::SalesforceMerge { record, into } => {
                let both = self.salesforce_id(&record).zip(self.salesforce_id(&into));
                if let Some(((object, loser), (_, master))) = both {
                    // People try to merge what somebody has deleted.
                    let _ = self.simulator.merge_by_user(&object, &master, &loser);
                }
            }
            Action::SalesforceMembership {
                record,
                member,
                fields,
            } => self.new_membership(record, &member, fields),
            Action::SalesforceExtend { record, until } => self.extend_membership(&record, until),
            Action::SalesforceCapitals { object, field } => {
                self.simulator.add_rewrite(&object, &field, Rewrite::Upper);
            }
            Action::Fault(fault) => self.simulator.add_fault(fault),
            Action::SalesforceRefuses { field, equals } => {
                self.simulator.add_fault(refuses(&field, &equals));
                self.refused.push((field, equals));
            }
            Action::Outage { ticketure, for_ms } => self.network.goes_away(ticketure, for_ms),
            Action::Crash { after_awaits: 0 } => self.crash().await?,
            Action::Crash { after_awaits } => {
                if let Some(process) = &self.process {
                    process.life.end_after(after_awaits);
                }
            }
        }
        Ok(())
    }

    fn new_membership(&mut self, record: String, member: &str, mut fields: Map<String, Value>) {
        let Some((_, contact)) = self.salesforce_id(member) else {
            return;
        };
        let kind = self
            .simulator
            .find("RecordType", "DeveloperName", "Membership");
        let kind = kind.first().and_then(|kind| kind.get("Id")).cloned();
        fields.insert("RecordTypeId".to_owned(), kind.unwrap_or_default());
        fields.insert("npsp__Primary_Contact__c".to_owned(), Value::from(contact));
        fields.insert("StageName".to_owned(), Value::from("Closed Won"));
        if let Ok(id) = self.simulator.insert_by_user("Opportunity", fields) {
            self.salesforce_ids
                .insert(record, ("Opportunity".to_owned(), id));
        }
    }

    fn extend_membership(&mut self, record: &str, until: String) {
        let of_ticketures = || {
            let id = format!("id-{record}");
            let found = self
                .simulator
                .find("Opportunity", "Ticketure_Membership_Id__c", &id);
            let id = found.first()?.get("Id")?.as_str()?;
            Some(id.to_owned())
        };
        let own = self.salesforce_ids.get(record).map(|(_, id)| id.clone());
        if let Some(id) = own.or_else(of_ticketures) {
            let mut fields = Map::new();
            fields.insert("Ticketure_Extend_To__c".to_owned(), Value::from(until));
            let _ = self.simulator.update_by_user("Opportunity", &id, fields);
        }
    }

    /// What the org refuses is no trouble that ends.
    pub(super) fn end_troubles(&mut self) {
        self.simulator.clear_faults();
        self.network.is_back();
        for (field, equals) in &self.refused {
            self.simulator.add_fault(refuses(field, equals));
        }
        if let Some(process) = &self.process
            && !process.life.is_over()
        {
            process.life.end_after(u64::MAX);
        }
    }

    fn put(&mut self, fields: Map<String, Value>, delay_ms: Option<u64>, lost: bool) {
        let id = self.simulator.put_identity(fields);
        let Some(webhook) = self.simulator.webhook(&id).filter(|_| !lost) else {
            return;
        };
        match delay_ms {
            Some(delay_ms) => self.send_in(Duration::from_millis(delay_ms), webhook),
            None => self.send(webhook),
        }
    }

    /// Where it was made, or where it has arrived.
    fn ticketure_id(&self, record: &str) -> Option<String> {
        if let Some(id) = self.ticketure_ids.get(record) {
            return Some(id.clone());
        }
        let (object, id) = self.salesforce_ids.get(record)?;
        let found = self.simulator.find(object, "Id", id);
        let external = found.first()?.get("Ticketure_Identity_Id__c")?.as_str()?;
        Some(external.to_owned())
    }

    fn salesforce_id(&self, record: &str) -> Option<(String, String)> {
        if let Some((object, id)) = self.salesforce_ids.get(record) {
            return Some((object.clone(), id.clone()));
        }
        let source_id = self.ticketure_ids.get(record)?;
        ["Contact", "Account"].into_iter().find_map(|object| {
            let found = self
                .simulator
                .find(object, "Ticketure_Identity_Id__c", source_id);
            let id = found.first()?.get("Id")?.as_str()?;
            Some((object.to_owned(), id.to_owned()))
        })
    }
}

/// A validation rule of the org's.
fn refuses(field: &str, equals: &Value) -> Fault {
    Fault::always(FaultKind::Reject {
        field: field.to_owned(),
        equals: equals.clone(),
        code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
        message: format!("{field} may not be that"),
    })
}
