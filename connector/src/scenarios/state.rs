//! The end of a run as both systems show it, without anything that depends on the order in which it came about:
//! records go by what tells them apart and not by their ids, and times of the systems' own are left out.

pub(crate) mod cart_names;
pub(crate) mod households;
mod keys;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use runtime::queue::{FailedItem, ItemView, OpenReview, State as ItemState};
use serde_json::{Map, Value};
use simulator::Simulator;

use super::catalogue::Catalogue;
use keys::Keys;

/// Fields of Salesforce's own, which say when and by whom.
const SYSTEM: &[&str] = &[
    "Id",
    "CreatedDate",
    "CreatedById",
    "LastModifiedDate",
    "LastModifiedById",
    "SystemModstamp",
    "LastReferencedDate",
    "LastViewedDate",
    "LastActivityDate",
    "IsDeleted",
    "MasterRecordId",
    "OwnerId",
    "attributes",
];
/// Members of Ticketure's own.
const STAMPS: &[&str] = &["id", "created_at", "updated_at"];
/// What was made for a line that is no more, or with a fund that nothing goes to any longer, depends on what was heard of
/// in between. Whether such a record is there is compared only where something refers to it.
const BY_THE_WAY: &[&str] = &[
    "Product2",
    "PricebookEntry",
    "npsp__General_Accounting_Unit__c",
];
/// Ids in texts of NPSP's: a merge in Salesforce moves look-ups, and no texts.
const IN_TEXT: &[&str] = &["npe01__Contact_Id_for_Role__c"];
/// What was done last, where the two sides do it.
const LAST_DONE: &[(&str, &str)] = &[("membership", "action")];
/// What the org is made of is no result.
const SETUP: &[&str] = &["RecordType", "User"];

type Records = BTreeMap<String, BTreeMap<String, Record>>;

/// Both systems, and what an operator sees, at rest.
#[derive(Debug, Default)]
pub struct State {
    /// By object and key.
    pub salesforce: Records,
    /// By entity and key.
    pub ticketure: Records,
    pub errors: Vec<String>,
    pub review: Vec<String>,
    pub parked: Vec<String>,
}

#[derive(Debug, Default)]
pub struct Record {
    /// Other words that it goes by.
    pub aliases: BTreeSet<String>,
    /// Names without the cart. Records of other carts may have the same ones.
    pub brief: Vec<String>,
    pub fields: BTreeMap<String, Shown>,
}

/// A value, or a record that is referred to.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    Value(Value),
    Record { object: String, key: String },
}

/// What the queue holds at rest.
pub struct Left {
    pub errors: Vec<FailedItem>,
    pub reviews: Vec<OpenReview>,
    pub waiting: Vec<ItemView>,
}

/// What the scenario calls records: Salesforce ids to names, and the ids of rows that it made itself.
#[derive(Debug, Default)]
pub struct Named {
    pub salesforce: BTreeMap<String, String>,
    pub rows: BTreeSet<String>,
}

fn is_system(field: &str) -> bool {
    SYSTEM.contains(&field)
}

impl Record {
    /// Is this one of its names?
    pub fn goes_by(&self, name: &str) -> bool {
        let ordered = households::in_order(name);
        self.aliases.contains(name) || ordered.is_some_and(|name| self.aliases.contains(&name))
    }
}

impl State {
    pub fn of(simulator: &Simulator, catalogue: &Catalogue, named: &Named, left: &Left) -> State {
        let keys = Keys::of(simulator, catalogue, named);
        let mut state = State::default();
        for object in catalogue.objects.keys() {
            for record in simulator.records(object) {
                state.add_record(catalogue, &keys, object, &record);
            }
        }
        let kept = catalogue
            .webhooks
            .values()
            .filter(|entity| !entity.is_event());
        for entity in kept {
            for row in simulator.rows(&entity.name) {
                state.add_row(&keys, &entity.name, &row);
            }
        }
        state.add_left(&keys, left);
        state
    }

    fn add_record(
        &mut self,
        catalogue: &Catalogue,
        keys: &Keys,
        object: &str,
        record: &Map<String, Value>,
    ) {
        if SETUP.contains(&object) {
            return;
        }
        let id = record.get("Id").and_then(Value::as_str).unwrap_or_default();
        let Some(key) = keys.key(id) else { return };
        let known = catalogue.objects.get(object);
        let fields = record.iter().filter(|(name, value)| {
            let stamped = known.is_some_and(|known| known.is_stamp(name));
            let tells = keys.tells(object, name) && !IN_TEXT.contains(&name.as_str());
            !value.is_null() && !is_system(name) && !stamped && tells
        });
        let fields = fields.map(|(name, value)| {
            let kind = known.and_then(|known| known.fields.get(name));
            let refers = kind.is_some_and(|field| field.kind == "reference");
            let ordered = value.as_str().and_then(households::in_order);
            let ordered = ordered.filter(|_| name == "Name" && households::is_one(record));
            let shown = match ordered {
                Some(ordered) => Shown::Value(Value::from(ordered)),
                None => keys.shown(value, refers),
            };
            (name.clone(), shown)
        });
        let record = Record {
            aliases: keys.aliases(id),
            brief: keys.brief(id),
            fields: fields.collect(),
        };
        let records = self.salesforce.entry(object.to_owned()).or_default();
        records.insert(key.to_owned(), record);
    }

    fn add_row(&mut self, keys: &Keys, entity: &str, row: &Map<String, Value>) {
        let id = row.get("id").and_then(Value::as_str).unwrap_or_default();
        // What Ticketure sold because of us, it sold at some time or other.
        let is_stamp = |name: &str| {
            STAMPS.contains(&name) || (keys.born(id).is_some() && name.ends_with("_at"))
        };
        let fields = row
            .iter()
            .filter(|(name, value)| !value.is_null() && !is_stamp(name))
            .map(|(name, value)| (name.clone(), keys.shown(&without_nulls(value), false)));
        let key = keys.born(id).unwrap_or(id);
        let record = Record {
            aliases: [key.to_owned(), id.to_owned()].into(),
            brief: Vec::new(),
            fields: fields.collect(),
        };
        let records = self.ticketure.entry(entity.to_owned()).or_default();
        records.insert(key.to_owned(), record);
    }

    fn add_left(&mut self, keys: &Keys, left: &Left) {
        for failed in &left.errors {
            let about = failed.mapping.as_ref().unwrap_or(&failed.payload_type);
            let error = &failed.error;
            let rows = match failed.count {
                0 | 1 => String::new(),
                count => format!(" ({count} rows)"),
            };
            let text = format!("{about} {}: {}{rows}", failed.key, error.line());
            self.errors.push(keys.scrubbed(&text));
        }
        let mut asked = BTreeSet::new();
        for review in &left.reviews {
            asked.insert(format!("{}:{}", review.mapping, review.source_id));
            let mut candidates: Vec<String> = review
                .candidates
                .iter()
                .map(|id| keys.scrubbed(id))
                .collect();
            candidates.sort();
            let reason = keys.scrubbed(&review.reason);
            let (mapping, candidates) = (&review.mapping, candidates.join(", "));
            let text = format!("{mapping} {}: {reason}: {candidates}", review.source_id);
            self.review.push(keys.scrubbed(&text));
        }
        let parked = left
            .waiting
            .iter()
            .filter(|item| item.state == ItemState::Parked);
        for item in parked {
            let key = item.wait_key.clone().unwrap_or_default();
            // Who waits for a decision is in the review list.
            if asked.contains(&key) {
                continue;
            }
            let about = item.mapping.as_ref().unwrap_or(&item.payload_type);
            let text = match (&item.cause, &item.error) {
                (Some(_), Some(problem)) => format!("{about} {}: {}", item.key, problem.line()),
                _ => format!("{about} {} waits for {key}", item.key),
            };
            self.parked.push(keys.scrubbed(&text));
        }
        for list in [&mut self.errors, &mut self.review, &mut self.parked] {
            list.sort();
            list.dedup();
        }
    }

    /// The records of one system.
    pub fn records(&self, of_ticketure: bool, object: &str) -> Option<&BTreeMap<String, Record>> {
        let records = match of_ticketure {
            true => &self.ticketure,
            false => &self.salesforce,
        };
        records.get(object)
    }

    /// Does a record refer to it that is there for its own sake?
    fn is_used(&self, object: &str, key: &str) -> bool {
        let others = self.salesforce.iter();
        let others = others.filter(|(other, _)| !BY_THE_WAY.contains(&other.as_str()));
        let mut shown = others.flat_map(|(_, records)| records.values());
        shown.any(|record| {
            record.fields.values().any(|shown| {
                matches!(shown, Shown::Record { object: of, key: other } if of == object && other == key)
            })
        })
    }

    /// As text, a line a value: the same text is the same state.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (system, records) in [
            ("salesforce", &self.salesforce),
            ("ticketure", &self.ticketure),
        ] {
            for (object, records) in records {
                for (key, record) in records {
                    if BY_THE_WAY.contains(&object.as_str()) && !self.is_used(object, key) {
                        continue;
                    }
                    let _ = writeln!(text, "{system} {object} {key}");
                    let told = record
                        .fields
                        .iter()
                        .filter(|(name, _)| !households::is_by_order(object, name))
                        .filter(|(name, _)| !LAST_DONE.contains(&(object.as_str(), name.as_str())))
                        .filter(|(_, value)| !value.is_nothing());
                    for (name, value) in told {
                        let _ = writeln!(text, "    {name}: {}", value.text());
                    }
                }
            }
        }
        let logs = [
            ("error", &self.errors),
            ("review", &self.review),
            ("parked", &self.parked),
        ];
        for (name, lines) in logs {
            for line in lines {
                let _ = writeln!(text, "{name} {line}");
            }
        }
        text
    }
}

/// Null and absent are the same.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let given = members.iter().filter(|(_, value)| !value.is_null());
            given
                .map(|(name, value)| (name.clone(), without_nulls(value)))
                .collect()
        }
        _ => value.clone(),
    }
}

impl Shown {
    /// An amount that was never computed and one of which nothing is left are the same.
    fn is_nothing(&self) -> bool {
        matches!(self, Shown::Value(Value::Number(number)) if number.as_f64() == Some(0.0))
    }

    pub fn text(&self) -> String {
        match self {
            Shown::Value(value) => value.to_string(),
            Shown::Record { object, key } => format!("{object} {key}"),
        }
    }
}
