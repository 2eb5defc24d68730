//! The people of a bench: payloads of a given size that differ where they have to, made without building JSON.

use std::collections::HashMap;

use runtime::change::present;
use runtime::json;
use runtime::mapping::MappingDescriptor;
use runtime::merge::LinkState;
use runtime::queue::Link;
use serde_json::{Map, Value};
use simulator::Simulator;

use super::Failure;
use crate::routing::Handlers;
use crate::sync::batch;
use crate::to_salesforce::adopt;

/// What is replaced in a template by the number of the person, the number of the event, and its time of the day.
const PERSON: &str = "PPPPPPPP";
const EVENT: &str = "EEEEEEEE";
const TIME: &str = "TT:TT:TT.TTT";
/// Fields that no mapping takes: with them a row has 42.
const OTHERS: usize = 25;

/// A text with places for numbers.
#[derive(Clone)]
pub struct Template {
    text: Vec<u8>,
    persons: Vec<usize>,
    events: Vec<usize>,
    times: Vec<usize>,
}

impl Template {
    /// The row of a person, so many bytes long.
    pub fn row(bytes: usize) -> Template {
        Template::sized(bytes, &|filling| row(filling, None))
    }

    /// The row of a person who belongs to an organization.
    pub fn member(bytes: usize, organization: &str) -> Template {
        Template::sized(bytes, &|filling| row(filling, Some(organization)))
    }

    /// A webhook with one row.
    pub fn webhook(bytes: usize) -> Template {
        Template::sized(bytes, &|filling| {
            let row = row(filling, None);
            format!(
                r#"{{"event_type":"identity_changed","event_id":"event-{EVENT}","occurred_at":"2026-11-24T{TIME}Z","tenant":"bench","environment":"sandbox","data":{{"identity":{{"_count":1,"_data":[{row}]}}}}}}"#
            )
        })
    }

    /// As long as wanted, where that is not shorter than it is without filling.
    fn sized(bytes: usize, text: &dyn Fn(usize) -> String) -> Template {
        let filling = bytes.saturating_sub(text(0).len());
        let text = text(filling).into_bytes();
        let places = |wanted: &str| {
            let is_there =
                |(place, part): (usize, &[u8])| (part == wanted.as_bytes()).then_some(place);
            text.windows(wanted.len())
                .enumerate()
                .filter_map(is_there)
                .collect()
        };
        Template {
            persons: places(PERSON),
            events: places(EVENT),
            times: places(TIME),
            text,
        }
    }

    /// Appends the text for a person and an event; a later event has a later time of one day.
    pub fn write(&self, person: usize, event: usize, to: &mut Vec<u8>) {
        let start = to.len();
        to.extend_from_slice(&self.text);
        let Some(text) = to.get_mut(start..) else {
            return;
        };
        fill(text, &self.persons, format!("{person:08}").as_bytes());
        fill(text, &self.events, format!("{event:08}").as_bytes());
        fill(text, &self.times, time_of(event).as_bytes());
    }

    pub fn text(&self, person: usize, event: usize) -> String {
        let mut text = Vec::with_capacity(self.text.len());
        self.write(person, event, &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }
}

fn fill(text: &mut [u8], places: &[usize], with: &[u8]) {
    for place in places {
        if let Some(part) = text.get_mut(*place..*place + with.len()) {
            part.copy_from_slice(with);
        }
    }
}

fn time_of(event: usize) -> String {
    let (seconds, ms) = (event / 1000, event % 1000);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{hour:02}:{minute:02}:{second:02}.{ms:03}")
}

/// 17 fields that Ticketure has, and others that are filled. The mobile number is what changes.
fn row(filling: usize, organization: Option<&str>) -> String {
    let organization = organization
        .map(|id| format!(r#""organization_id":"{id}","#))
        .unwrap_or_default();
    let others: String = (0..OTHERS)
        .map(|index| {
            let length = filling / OTHERS + usize::from(index < filling % OTHERS);
            format!(r#","other_{index:02}":"{}""#, "x".repeat(length))
        })
        .collect();
    format!(
        r#"{{"id":"person-{PERSON}","identity_type":"person",{organization}"first_name":"Ada","last_name":"Visitor {PERSON}","email":"visitor.{PERSON}@example.org","phone":"555 {PERSON}","mobile":"556 {EVENT}","address":{{"line1":"1 Museum Mile","city":"Chicago","state":"IL","postal_code":"60605","country":"US"}},"date_of_birth":"1990-01-31","language":"en","email_opt_in":true,"created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-11-24T{TIME}Z"{others}}}"#
    )
}

pub fn id_of(person: usize) -> String {
    format!("person-{person:08}")
}

/// The mapping that takes people.
pub fn contact(handlers: &Handlers) -> Result<&'static MappingDescriptor, Failure> {
    handlers
        .iter()
        .flat_map(|handler| handler.mappings())
        .copied()
        .find(|mapping| mapping.name == "contact")
        .ok_or_else(|| "there is no mapping `contact`: the bench was written for it".into())
}

/// People whom both sides have as event 0 says, and their links, each in the lane that is wanted.
pub fn known(
    simulator: &Simulator,
    handlers: &Handlers,
    template: &Template,
    people: usize,
    lane: &dyn Fn(usize) -> String,
) -> Result<Vec<Link>, Failure> {
    let mapping = contact(handlers)?;
    let settings = crate::settings::as_members(&crate::settings::defaults(), true);
    let terms = crate::settings::Terms {
        npsp: true,
        settings: &settings,
    };
    let mut links = (0..people)
        .map(|person| {
            let row = template.text(person, 0);
            let record = batch::to_record(handlers, mapping, row.as_bytes(), terms)?.record;
            let fields = json::write(
                record.as_ref(),
                &present(record.as_ref()),
                &json::as_source_id,
            )?;
            let fields: Map<String, Value> = serde_json::from_str(&fields)?;
            let id = simulator
                .insert_by_user(mapping.object, fields)
                .map_err(|errors| format!("the simulator refuses a person: {errors:?}"))?;
            let version_ms = serde_json::from_str(&row)
                .ok()
                .as_ref()
                .and_then(batch::version_of);
            let state =
                LinkState::created(mapping, record.as_ref(), version_ms.unwrap_or_default());
            Ok(Link {
                mapping: mapping.name.to_owned(),
                source_id: id_of(person),
                destination_id: id,
                base: state.to_json(),
                lock: String::new(),
                lane: lane(person),
            })
        })
        .collect::<Result<Vec<Link>, Failure>>()?;
    with_locks(simulator, mapping, &mut links);
    Ok(links)
}

/// The household that NPSP gave each of them.
fn with_locks(simulator: &Simulator, mapping: &'static MappingDescriptor, links: &mut [Link]) {
    let mut locks: HashMap<String, String> = simulator
        .records(mapping.object)
        .iter()
        .filter_map(|record| {
            let id = record.get("Id").and_then(Value::as_str)?;
            Some((id.to_owned(), adopt::lock(mapping, record)))
        })
        .collect();
    for link in links {
        if let Some(known) = locks.remove(&link.destination_id) {
            link.lock = known;
        }
    }
}

/// The numbers of the people that the org has, by the id of their contact.
pub fn by_contact(simulator: &Simulator) -> HashMap<String, usize> {
    simulator
        .records("Contact")
        .iter()
        .filter_map(|record| {
            let text = |field: &str| record.get(field).and_then(Value::as_str);
            let person = text("Ticketure_Identity_Id__c")?.strip_prefix("person-")?;
            Some((text("Id")?.to_owned(), person.parse().ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_json_of_the_size_that_was_asked_for() {
        for (template, bytes) in [
            (Template::webhook(1_500), 1_500),
            (Template::row(1_200), 1_200),
        ] {
            let text = template.text(7, 3_600_001);
            assert_eq!(text.len(), bytes);
            let value: Value = serde_json::from_str(&text).unwrap();
            let row = value.pointer("/data/identity/_data/0").unwrap_or(&value);
            assert_eq!(row["id"], "person-00000007");
            assert_eq!(row["mobile"], "556 03600001");
            assert_eq!(row["updated_at"], "2026-11-24T01:00:00.001Z");
            let inner = row["address"].as_object().unwrap().len();
            assert_eq!(row.as_object().unwrap().len() - 1 + inner, 42);
        }
    }

    #[test]
    fn a_payload_is_never_cut() {
        let text = Template::webhook(10).text(1, 1);
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text}");
    }
}
