//! From a webhook to a contact: what is written, how often, and in how many calls.

use bytes::Bytes;
use serde_json::{Value, json};
use simulator::{Disorder, Fault, FaultKind, deliveries};

use crate::world::{World, creates};

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_people_take_few_calls() {
    let world = World::running(true, "npsp = true").await;
    let ids = world.people(10_000);
    world.send(&ids).await;
    world.settled().await;
    let new = world.simulator.calls();
    assert!(new <= 130, "10,000 new people took {new} calls");
    let mut created = creates(&world.writes());
    created.sort();
    let mut expected = ids.clone();
    expected.sort();
    assert!(created == expected, "each is created once");

    for id in &ids {
        world.simulator.put_identity(
            json!({ "id": id, "phone": "555 0100" })
                .as_object()
                .unwrap()
                .clone(),
        );
    }
    world.send(&ids).await;
    world.settled().await;
    let changed = world.simulator.calls() - new;
    assert!(changed <= 55, "10,000 changed people took {changed} calls");
    let writes = world.writes();
    assert_eq!(writes.len(), 20_000);
    assert!(
        writes[10_000..]
            .iter()
            .all(|write| write.fields.keys().eq(["HomePhone"]))
    );

    world.send(&ids).await;
    world.settled().await;
    let same = world.simulator.calls() - new - changed;
    assert!(same <= 5, "10,000 unchanged people took {same} calls");
    assert_eq!(world.writes().len(), 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_order_the_end_is_the_same() {
    let world = World::running(true, "").await;
    let mut bodies = Vec::new();
    for number in 0..40 {
        let school = format!("o-{}", number % 5);
        let person = json!({ "id": format!("i-{number}"), "first_name": "Emmy", "last_name": format!("Teacher {number}"), "email": format!("t{number}@hill.example"), "organization_id": school });
        let id = world
            .simulator
            .put_identity(person.as_object().unwrap().clone());
        bodies.push(Bytes::from(
            world.simulator.webhook(&id).unwrap().to_string(),
        ));
    }
    for number in 0..5 {
        let school = json!({ "id": format!("o-{number}"), "identity_type": "organization", "name": format!("School {number}") });
        let id = world
            .simulator
            .put_identity(school.as_object().unwrap().clone());
        bodies.push(Bytes::from(
            world.simulator.webhook(&id).unwrap().to_string(),
        ));
    }
    for delivery in deliveries(
        bodies,
        Disorder {
            delay_ms_max: 1_000,
            repeat_one_in: 3,
        },
        7,
    ) {
        assert_eq!(world.post(delivery.body, "secret").await.unwrap().0, 202);
    }
    world.settled().await;
    for number in 0..40 {
        let school = world
            .simulator
            .find(
                "Account",
                "Ticketure_Identity_Id__c",
                &format!("o-{}", number % 5),
            )
            .remove(0);
        assert_eq!(
            world.contact(&format!("i-{number}"))["npsp__Primary_Affiliation__c"],
            school["Id"]
        );
    }
    assert_eq!(world.writes().len(), 45, "each record is written once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_is_there_already_is_adopted_and_another_identitys_never() {
    let world = World::new(true, "").await;
    let by_user = |fields: Value| {
        world
            .simulator
            .insert_by_user("Contact", fields.as_object().unwrap().clone())
            .unwrap()
    };
    let ada = by_user(
        json!({ "FirstName": "Ada", "LastName": "Lovelace", "Email": "ada@example.org", "Description": "A patron." }),
    );
    let grace = by_user(
        json!({ "FirstName": "Grace", "LastName": "Hopper", "Email": "grace@example.org", "Ticketure_Identity_Id__c": "i-other" }),
    );
    let mother =
        by_user(json!({ "FirstName": "Marie", "LastName": "Curie", "Email": "curie@example.org" }));
    let mut world = world;
    world.start().await;
    world.change(json!({ "id": "i-ada", "first_name": "Ada", "last_name": "Lovelace", "email": "ADA@example.org", "phone": "1" })).await;
    world.change(json!({ "id": "i-grace", "first_name": "Grace", "last_name": "Hopper", "email": "grace@example.org" })).await;
    world.change(json!({ "id": "i-irene", "first_name": "Irene", "last_name": "Curie", "email": "curie@example.org" })).await;
    world
        .until("a review", |status| {
            status["parked"] == 1 && status["done"] == 2
        })
        .await;

    assert_eq!(world.contact("i-ada")["Id"], json!(ada));
    let adopted: Vec<_> = world
        .writes()
        .into_iter()
        .filter(|write| write.id == ada)
        .collect();
    assert_eq!(adopted.len(), 1);
    let written: Vec<&str> = adopted[0].fields.keys().map(String::as_str).collect();
    assert_eq!(
        written,
        ["HomePhone", "Ticketure_Identity_Id__c"],
        "only what differs"
    );
    assert_ne!(world.contact("i-grace")["Id"], json!(grace));
    assert_eq!(world.contact("i-other")["Id"], json!(grace));

    let reviews = world.usher_json(&["review"]);
    let asked = reviews.as_array().unwrap().iter();
    let asked: Vec<_> = asked
        .map(|review| (&review["source_id"], &review["candidates"]))
        .collect();
    // Who resembles a contact that is another identity's has one of their own by now.
    let twin = (json!("i-grace:double"), json!([grace]));
    assert_eq!(
        asked,
        [(&twin.0, &twin.1), (&json!("i-irene"), &json!([mother]))]
    );
    let decided = world.usher(&["review", "--link", "contact", "i-irene", &mother]);
    assert!(
        decided.status.success(),
        "{}",
        String::from_utf8_lossy(&decided.stderr)
    );
    world.settled().await;
    assert_eq!(world.contact("i-irene")["Id"], json!(mother));
    let left = world.usher_json(&["review"]);
    let left = left.as_array().unwrap().iter();
    assert_eq!(
        left.map(|one| &one["source_id"]).collect::<Vec<_>>(),
        [&twin.0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_salesforce_refuses_is_shown_and_lands_after_the_mend() {
    let world = World::running(true, "").await;
    let rule = FaultKind::Reject {
        field: "MailingCity".into(),
        equals: json!("Atlantis"),
        code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".into(),
        message: "No delivery.".into(),
    };
    world.simulator.add_fault(Fault::always(rule));
    world.change(json!({ "id": "i-1", "last_name": "Plato", "email": "p@example.org", "address": { "city": "Atlantis" } })).await;
    world
        .change(json!({ "id": "i-2", "last_name": "x".repeat(81), "email": "x@example.org" }))
        .await;
    world.change(json!({ "id": "i-3", "last_name": 5 })).await;
    world
        .until("three errors", |status| status["dead"] == 3)
        .await;
    let errors = world.usher_json(&["errors"]);
    let of = |key: &str| {
        errors
            .as_array()
            .unwrap()
            .iter()
            .find(|error| error["key"] == key)
            .unwrap()["error"]
            .clone()
    };
    assert!(
        of("i-1")["mapping_line"]
            .as_str()
            .unwrap()
            .starts_with("mappings/contact.yaml:")
    );
    // The schema's length refuses the name before it is sent.
    assert_eq!(of("i-2")["code"], "does_not_fit");
    let too_long = of("i-2")["message"].as_str().unwrap().to_owned();
    assert!(
        too_long.contains("last_name has 81 characters"),
        "{too_long}"
    );
    assert_eq!(of("i-3")["code"], "does_not_fit");
    let text = String::from_utf8(world.usher(&["errors"]).stdout).unwrap();
    assert!(
        text.contains("usher retry") && !text.contains("p@example.org"),
        "{text}"
    );
    world.simulator.clear_faults();
    let item = errors
        .as_array()
        .unwrap()
        .iter()
        .find(|error| error["key"] == "i-1")
        .unwrap()["id"]
        .to_string();
    assert!(world.usher(&["retry", &item]).status.success());
    world
        .until("Plato", |status| status["dead"] == 2 && status["done"] == 1)
        .await;
    assert_eq!(world.contact("i-1")["LastName"], "Plato");
    let shown = world.usher_json(&["show", &item]);
    assert_eq!(shown["state"], "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_every_kind_lose_nothing_and_double_nothing() {
    let world = World::running(true, "batch = 50").await;
    world.simulator.add_fault(Fault {
        after: 2,
        ..Fault::on("/services/data", 6, FaultKind::Unavailable)
    });
    world.simulator.add_fault(Fault {
        after: 4,
        ..Fault::on("/composite/sobjects", 2, FaultKind::LostAfterCommit)
    });
    world.simulator.add_fault(Fault {
        after: 7,
        ..Fault::on("/composite/sobjects", 2, FaultKind::LostBeforeCommit)
    });
    world.simulator.add_fault(Fault {
        after: 9,
        ..Fault::on("/composite/sobjects", 3, FaultKind::LockRow { one_in: 3 })
    });
    world.simulator.add_fault(Fault {
        after: 12,
        ..Fault::on("/services/data", 1, FaultKind::ExpireSessions)
    });
    world.simulator.add_fault(Fault {
        after: 15,
        ..Fault::on("/services/data", 2, FaultKind::LimitExceeded)
    });
    let ids = world.people(600);
    world.send(&ids).await;
    world.settled().await;
    let mut created = creates(&world.writes());
    created.sort();
    let mut expected = ids;
    expected.sort();
    assert!(
        created == expected,
        "each is created once, {} of {}",
        created.len(),
        expected.len()
    );
    assert_eq!(world.usher_json(&["errors"]), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_npsp_its_fields_are_left_out() {
    let world = World::running(false, "npsp = \"auto\"").await;
    world.change(json!({ "id": "i-1", "last_name": "Noether", "email": "e@example.org", "organization_id": "o-1" })).await;
    world.settled().await;
    let contact = world.contact("i-1");
    assert_eq!(
        contact.get("AccountId").cloned().unwrap_or(Value::Null),
        Value::Null
    );
    assert!(!contact.contains_key("npsp__Primary_Affiliation__c"));
}
