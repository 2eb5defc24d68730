//! Policies that no shipped mapping uses, from one system to the other and back.

use std::sync::Arc;

use runtime::entity::Entity;
use runtime::handler::{Back, Handler, RecordError};
use runtime::mapping::{AfterDelete, MappingDescriptor, OnLink, Policies};
use serde_json::{Value, json};
use simulator::Operation;

use super::history::History;
use super::world::{Ended, play_with};

/// The shipped handler with other policies.
struct Otherwise {
    shipped: Box<dyn Handler>,
    mappings: &'static [&'static MappingDescriptor],
}

impl Handler for Otherwise {
    fn payload_type(&self) -> &'static str {
        self.shipped.payload_type()
    }
    fn mappings(&self) -> &'static [&'static MappingDescriptor] {
        self.mappings
    }
    fn to_record(&self, mapping: &str, row: &[u8]) -> Result<Box<dyn Entity>, RecordError> {
        self.shipped.to_record(mapping, row)
    }
    fn back(&self, mapping: &str, record: &dyn Entity) -> Result<Back, RecordError> {
        self.shipped.back(mapping, record)
    }
}

/// The shipped handlers with other policies.
pub(crate) fn with(change: fn(&mut Policies)) -> Vec<Box<dyn Handler>> {
    changed(move |mapping| change(&mut mapping.policies))
}

/// The shipped handlers with mappings that say something else.
pub(crate) fn changed(change: impl Fn(&mut MappingDescriptor)) -> Vec<Box<dyn Handler>> {
    let otherwise = |shipped: Box<dyn Handler>| {
        let mappings = shipped.mappings().iter().map(|mapping| {
            let mut mapping = MappingDescriptor { ..**mapping };
            change(&mut mapping);
            &*Box::leak(Box::new(mapping))
        });
        let mappings = Box::leak(mappings.collect::<Vec<_>>().into_boxed_slice());
        Box::new(Otherwise { shipped, mappings }) as Box<dyn Handler>
    };
    crate::handlers::all().into_iter().map(otherwise).collect()
}

async fn played(actions: Value, change: fn(&mut Policies)) -> Ended {
    let history = json!({ "seed": 7, "poll_ms": 2_000, "call_ms_max": 50, "actions": actions });
    let history: History = serde_json::from_value(history).unwrap();
    let ended = play_with(&history, None, Arc::new(with(change))).await;
    let ended = ended.unwrap();
    assert_eq!(ended.rested.unfinished, None);
    assert!(ended.errors.is_empty());
    ended
}

fn ada(at_ms: u64, mobile: &str) -> Value {
    json!({ "at_ms": at_ms, "do": "ticketure_create", "record": "ada", "fields": {
        "identity_type": "person", "first_name": "Ada", "last_name": "Lovelace",
        "email": "ada@example.org", "mobile": mobile } })
}

#[tokio::test(start_paused = true)]
async fn a_deleted_contact_is_made_again_or_stays_or_is_asked_about() {
    let history =
        || json!([ada(0, "1"), { "at_ms": 20_000, "do": "salesforce_delete", "record": "ada" }]);
    let made = |ended: &Ended| {
        let log = ended.simulator.write_log();
        let contacts = log
            .iter()
            .filter(|write| write.object == "Contact" && write.operation == Operation::Create);
        (contacts.count(), ended.simulator.records("Contact").len())
    };
    let again = played(history(), |policies| {
        policies.after_delete = AfterDelete::Recreate;
    })
    .await;
    assert_eq!(made(&again), (2, 1));
    let contact = again.simulator.records("Contact").remove(0);
    assert_eq!(contact["Ticketure_Identity_Id__c"], "id-ada");
    let stays = played(history(), |policies| {
        policies.after_delete = AfterDelete::Detach;
    })
    .await;
    assert_eq!(made(&stays), (1, 0));
    assert_eq!(stays.reviews, Vec::<String>::new());
    let asked = played(history(), |policies| {
        policies.after_delete = AfterDelete::Review;
    })
    .await;
    assert_eq!(made(&asked), (1, 0));
    assert_eq!(asked.reviews, ["id-ada"]);
    // In no case is the identity gone.
    for ended in [again, stays, asked] {
        assert_eq!(ended.simulator.identities().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn where_two_records_meet_the_mapping_says_whose_value_stands() {
    let history = || {
        let there = json!({ "at_ms": 0, "do": "salesforce_create", "record": "ada", "object": "Contact",
            "fields": { "FirstName": "Ada", "LastName": "Lovelace", "Email": "ada@example.org",
                        "MobilePhone": "2", "MailingCity": "London" } });
        json!([ada(0, "1"), there])
    };
    let ended = |change: fn(&mut Policies)| played(history(), change);
    let sides = |ended: &Ended| {
        let contact = ended.simulator.records("Contact").remove(0);
        let identity = ended.simulator.identities().remove(0);
        // A blank is filled whatever the policy.
        assert_eq!(identity["address"]["city"], "London");
        (contact["MobilePhone"].clone(), identity["mobile"].clone())
    };
    let source = ended(|policies| policies.on_link = OnLink::Source).await;
    assert_eq!(sides(&source), (json!("1"), json!("1")));
    let destination = ended(|policies| policies.on_link = OnLink::Destination).await;
    assert_eq!(sides(&destination), (json!("2"), json!("2")));
    let review = ended(|policies| policies.on_link = OnLink::Review).await;
    assert_eq!(sides(&review), (json!("2"), json!("1")));
}
