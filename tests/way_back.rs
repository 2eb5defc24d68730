//! From Salesforce to Ticketure and back, with the real process: edits, gates, births, deletes, merges, and kills.

use std::time::{Duration, Instant};

use runtime::queue::{Captured, Store, StoreOptions};
use serde_json::{Map, Value, json};
use simulator::{Actor, Fault, FaultKind};

use crate::world::World;

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// Waits until it holds.
async fn until(world: &World, what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "{what} never came: {}\n{}",
            world.usher_json(&["status"]),
            world.log()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn text(record: &Map<String, Value>, name: &str) -> String {
    record
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_in_salesforce_arrives_and_is_explained() {
    let world = World::two_way("").await;
    world.change(json!({ "id": "i-1", "first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.org" })).await;
    world.settled().await;
    let id = text(&world.contact("i-1"), "Id");
    world
        .simulator
        .update_by_user("Contact", &id, fields(json!({ "MobilePhone": "555 0300" })))
        .unwrap();
    until(&world, "the phone number", || {
        text(&world.identity("i-1").unwrap(), "mobile") == "555 0300"
    })
    .await;
    world.settled().await;
    let explained = world.usher_json(&["explain", &id]);
    assert_eq!(explained, world.usher_json(&["explain", "i-1"]));
    let phone = explained["pairs"][0]["fields"]
        .as_array()
        .unwrap()
        .iter()
        .find(|field| field["field"] == "MobilePhone");
    let phone = phone.unwrap();
    for side in ["agreed", "ticketure", "salesforce"] {
        assert_eq!(phone[side], "555 0300", "{side}");
    }
    assert!(
        phone["line"]
            .as_str()
            .unwrap()
            .starts_with("mappings/contact.yaml:")
    );
    let decided = &explained["pairs"][0]["decisions"][0];
    assert_eq!(
        (decided["winner"].as_str(), decided["why"].as_str()),
        (Some("salesforce"), Some("only_change"))
    );
    let shown = world.usher(&["explain", &id]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("MobilePhone"));
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_go_back_and_households_never_do() {
    let world = World::two_way("").await;
    // The first reading says from when on changes count.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    world
        .simulator
        .insert_by_user(
            "Account",
            fields(json!({ "Name": "Hill School", "Phone": "1" })),
        )
        .unwrap();
    world
        .simulator
        .insert_by_user(
            "Contact",
            fields(json!({ "LastName": "Hopper", "Email": "grace@example.org" })),
        )
        .unwrap();
    let there = |name: &str| {
        world
            .simulator
            .identities()
            .iter()
            .any(|identity| text(identity, "name") == name)
    };
    until(&world, "the school", || there("Hill School")).await;
    until(&world, "the person", || {
        world.simulator.identities().len() == 2
    })
    .await;
    world.settled().await;
    assert!(!there("Hopper Household"));
    let school = world.simulator.find("Account", "Name", "Hill School");
    let identity = world
        .identity(&text(&school[0], "Ticketure_Identity_Id__c"))
        .unwrap();
    assert_eq!(text(&identity, "identity_type"), "organization");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ticketure_refuses_is_on_its_item_and_goes_after_the_mend() {
    let world = World::two_way("").await;
    world
        .change(json!({ "id": "i-1", "last_name": "Lovelace", "email": "ada@example.org" }))
        .await;
    world.settled().await;
    let id = text(&world.contact("i-1"), "Id");
    world.simulator.add_fault(Fault {
        method: Some("PATCH".to_owned()),
        ..Fault::on("/api/identity/", 1, FaultKind::Status { status: 422 })
    });
    world
        .simulator
        .update_by_user("Contact", &id, fields(json!({ "FirstName": "Ada" })))
        .unwrap();
    let dead = |code: &str| {
        let errors = world.usher_json(&["errors"]);
        errors
            .as_array()
            .unwrap()
            .iter()
            .find(|item| item["error"]["code"] == code)
            .cloned()
    };
    until(&world, "the refusal", || {
        dead("TICKETURE_REFUSED").is_some()
    })
    .await;
    let refused = dead("TICKETURE_REFUSED").unwrap();
    assert_eq!(
        (refused["payload_type"].as_str(), refused["key"].as_str()),
        (Some("salesforce_changed"), Some(id.as_str()))
    );
    assert!(
        refused["error"]["help"]
            .as_str()
            .unwrap()
            .contains("retry the item")
    );
    assert!(
        world
            .usher(&["retry", &refused["id"].to_string()])
            .status
            .success()
    );
    until(&world, "the name", || {
        text(&world.identity("i-1").unwrap(), "first_name") == "Ada"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_is_busy_is_left_alone_for_as_long_as_it_says() {
    let world = World::two_way("").await;
    world
        .change(json!({ "id": "i-1", "last_name": "Lovelace", "email": "ada@example.org" }))
        .await;
    world.settled().await;
    world.simulator.add_fault(Fault {
        method: Some("PATCH".to_owned()),
        ..Fault::on("/api/identity/", 1, FaultKind::Status { status: 429 })
    });
    let id = text(&world.contact("i-1"), "Id");
    world
        .simulator
        .update_by_user("Contact", &id, fields(json!({ "FirstName": "Ada" })))
        .unwrap();
    until(&world, "the name", || {
        text(&world.identity("i-1").unwrap(), "first_name") == "Ada"
    })
    .await;
    // The simulated tenant asks for two seconds; the first back-off of our own is a tenth of one at most.
    let refused = world.simulator.tenant_log();
    let edited = world.simulator.write_log();
    let times = (
        edited.last().map(|write| write.at_ms),
        refused.last().map(|write| write.at_ms),
    );
    let (Some(edited), Some(written)) = times else {
        panic!("nothing was written");
    };
    assert!(written - edited >= 2_000, "{edited} {written}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_refused_stops_the_direction_and_says_so_first() {
    let world = World::two_way("").await;
    world
        .change(json!({ "id": "i-1", "last_name": "Lovelace", "email": "ada@example.org" }))
        .await;
    world.settled().await;
    world.simulator.add_fault(Fault {
        path: Some("/api/".to_owned()),
        ..Fault::always(FaultKind::Status { status: 401 })
    });
    let id = text(&world.contact("i-1"), "Id");
    world
        .simulator
        .update_by_user("Contact", &id, fields(json!({ "FirstName": "Ada" })))
        .unwrap();
    let first_line = || world.first_line();
    until(&world, "the pause", || {
        first_line().starts_with("to ticketure stands still since")
    })
    .await;
    assert!(first_line().contains("API key"), "{}", first_line());
    assert_eq!(
        world.usher_json(&["errors"])[0]["error"]["code"],
        "STANDS_STILL"
    );
    // Forward nothing stands still, and nothing was lost.
    world
        .change(json!({ "id": "i-1", "mobile": "555 0100" }))
        .await;
    world.simulator.clear_faults();
    until(&world, "both", || {
        text(&world.identity("i-1").unwrap(), "first_name") == "Ada"
            && text(&world.contact("i-1"), "MobilePhone") == "555 0100"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_and_a_merge_in_salesforce() {
    let world = World::two_way("").await;
    for (id, last) in [("i-1", "Lovelace"), ("i-2", "Hopper")] {
        world
            .change(json!({ "id": id, "last_name": last, "email": format!("{id}@example.org") }))
            .await;
    }
    world.settled().await;
    let (first, second) = (
        text(&world.contact("i-1"), "Id"),
        text(&world.contact("i-2"), "Id"),
    );
    // Somebody made a second record of the same person by hand, and merges the linked one into it.
    let master = world
        .simulator
        .insert_by_user("Contact", fields(json!({ "LastName": "Lovelace" })))
        .unwrap();
    world
        .simulator
        .merge_by_user("Contact", &master, &first)
        .unwrap();
    world
        .change(json!({ "id": "i-1", "mobile": "555 0100" }))
        .await;
    until(&world, "the survivor", || {
        let found = world.simulator.find("Contact", "Id", &master);
        text(&found[0], "Ticketure_Identity_Id__c") == "i-1"
            && text(&found[0], "MobilePhone") == "555 0100"
    })
    .await;
    // A deleted record stays deleted, whatever Ticketure says of it afterwards.
    world.simulator.delete_by_user("Contact", &second).unwrap();
    world
        .change(json!({ "id": "i-2", "mobile": "555 0200" }))
        .await;
    until(&world, "the grace", || {
        world.usher_json(&["status"])["delayed"].as_u64() > Some(0)
    })
    .await;
    assert!(
        world
            .simulator
            .find("Contact", "Ticketure_Identity_Id__c", "i-2")
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_merge_in_ticketure_a_person_is_asked_what_to_do_with_the_contacts() {
    let world = World::two_way("").await;
    world
        .change(json!({ "id": "i-1", "last_name": "Lovelace", "email": "ada@example.org" }))
        .await;
    world
        .change(json!({ "id": "i-2", "last_name": "King", "email": "king@example.org" }))
        .await;
    world.settled().await;
    let merged = text(&world.contact("i-1"), "Id");
    world.simulator.end_identity("i-1", Some("i-2"));
    world.send(&["i-1".to_owned()]).await;
    until(&world, "the question", || {
        let asked = world.usher_json(&["review"]);
        asked[0]["candidates"] == json!([merged])
    })
    .await;
    let asked = world.usher_json(&["review"]);
    let reason = asked[0]["reason"].as_str().unwrap_or_default();
    assert!(
        reason.contains("merge the two records in Salesforce"),
        "{reason}"
    );
    // A second row of the merged identity makes nothing.
    world.send(&["i-1".to_owned()]).await;
    world.settled().await;
    assert_eq!(world.simulator.records("Contact").len(), 2);
    let explained = world.usher_json(&["explain", "i-1"]);
    assert_eq!(explained["tombstones"][0]["merged_into"], "i-2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_cursor_stops_the_direction_instead_of_passing_over_changes() {
    let mut world = World::two_way("").await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    world.kill();
    let store = Store::open(
        world.folder.path().join("usher.db"),
        StoreOptions::default(),
    )
    .unwrap();
    let cursor = Some(("salesforce:contact".to_owned(), "yesterday".to_owned()));
    store
        .capture(Captured {
            cursor,
            ..Captured::default()
        })
        .await
        .unwrap();
    drop(store);
    world.start().await;
    let first_line = || world.first_line();
    until(&world, "the pause", || {
        first_line().contains("the cursor salesforce:contact is `yesterday`")
    })
    .await;
}

/// Twenty kills at random moments of a two-way run: equal on both sides, nobody twice.
#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_in_both_directions() {
    let mut world = World::two_way("batch = 50").await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    world
        .simulator
        .add_fault(Fault::always(FaultKind::Latency { ms: 10 }));
    let mut random = fastrand::Rng::with_seed(5);
    let people = 60;
    for round in 0..20 {
        for number in 0..3 {
            let number = round * 3 + number;
            let (last, email) = (
                format!("Person{number}"),
                format!("person{number}@example.org"),
            );
            if number % 2 == 0 {
                world.simulator.put_identity(fields(
                    json!({ "id": format!("i-{number}"), "last_name": last, "email": email }),
                ));
            } else {
                world
                    .simulator
                    .insert_by_user(
                        "Contact",
                        fields(json!({ "LastName": last, "Email": email })),
                    )
                    .unwrap();
            }
        }
        resend(&world).await;
        tokio::time::sleep(Duration::from_millis(random.u64(200..1_400))).await;
        for identity in world.simulator.identities() {
            if random.u8(0..4) == 0 {
                let id = text(&identity, "id");
                world
                    .simulator
                    .put_identity(fields(json!({ "id": id, "mobile": format!("t{round}") })));
            }
        }
        for contact in world.simulator.records("Contact") {
            if random.u8(0..4) == 0 {
                let change = json!({ "MailingCity": format!("s{round}") });
                world
                    .simulator
                    .update_by_user("Contact", &text(&contact, "Id"), fields(change))
                    .unwrap();
            }
        }
        resend(&world).await;
        tokio::time::sleep(Duration::from_millis(random.u64(0..1_200))).await;
        world.kill();
        world.start().await;
    }
    world.simulator.clear_faults();
    // What was on its way to a killed process is told again, as a reconcile would.
    until(&world, "everybody on both sides", || {
        world.simulator.identities().len() >= people
    })
    .await;
    resend(&world).await;
    world.settled().await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    world.settled().await;
    let contacts = world.simulator.records("Contact");
    let identities = world.simulator.identities();
    assert_eq!((contacts.len(), identities.len()), (people, people));
    for contact in &contacts {
        let identity = world
            .identity(&text(contact, "Ticketure_Identity_Id__c"))
            .expect("every contact is linked");
        let address = identity
            .get("address")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        assert_eq!(text(contact, "Email"), text(&identity, "email"));
        assert_eq!(
            text(contact, "MobilePhone"),
            text(&identity, "mobile"),
            "{}",
            text(contact, "Email")
        );
        assert_eq!(
            text(contact, "MailingCity"),
            text(&address, "city"),
            "{}",
            text(contact, "Email")
        );
    }
    let made = world.simulator.tenant_log();
    let made = made
        .iter()
        .filter(|write| {
            write.actor == Actor::Api && write.operation == simulator::Operation::Create
        })
        .count();
    assert_eq!(
        made,
        people / 2,
        "each person born in Salesforce is made in Ticketure once"
    );
}

/// The webhooks about everybody; the process may be gone by then.
async fn resend(world: &World) {
    let webhooks: Vec<Value> = world
        .simulator
        .identities()
        .iter()
        .filter_map(|identity| world.simulator.webhook(&text(identity, "id")))
        .collect();
    world
        .post(Value::from(webhooks).to_string(), "secret")
        .await;
}
