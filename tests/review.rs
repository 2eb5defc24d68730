//! The review list by the command line, with the service running and stopped.

use serde_json::{Value, json};

use crate::world::World;

/// Answers, and says what the command printed.
fn answer(world: &World, words: &[&str]) -> String {
    let output = world.usher(&[&["review"], words].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words:?}: {text}{said}");
    text
}

/// Three children of one address, of whom only their mother is in Salesforce.
async fn family() -> (World, String) {
    let mut world = World::new(true, "").await;
    let mother = json!({ "FirstName": "Marie", "LastName": "Curie", "Email": "curie@example.org" });
    let fields = mother.as_object().unwrap().clone();
    let mother = world.simulator.insert_by_user("Contact", fields).unwrap();
    world.start().await;
    for id in ["i-1", "i-2", "i-3"] {
        let child = json!({ "id": id, "first_name": id, "last_name": "Curie", "email": "curie@example.org" });
        world.change(child).await;
    }
    world
        .until("the questions", |status| status["parked"] == 3)
        .await;
    (world, mother)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_answers_while_the_service_runs_and_while_it_does_not() {
    let (mut world, mother) = family().await;
    let open = answer(&world, &[]);
    assert!(
        open.contains("contact i-2, since 20")
            && open.contains("usher review --create contact i-2"),
        "{open}"
    );
    let because = ["--because", "she rang"];
    let words = [&["--create", "contact", "i-1"], &because[..]].concat();
    answer(&world, &words);
    world
        .until("the new one", |status| status["parked"] == 2)
        .await;
    world.kill();
    answer(
        &world,
        &["--ignore", "contact", "i-2", "--because", "a test"],
    );
    world.start().await;
    answer(&world, &["--link", "contact", "i-3", &mother]);
    world.settled().await;
    assert_eq!(world.contact("i-1")["FirstName"], "i-1");
    assert_eq!(world.contact("i-3")["Id"], json!(mother));
    assert!(
        world
            .simulator
            .find("Contact", "Ticketure_Identity_Id__c", "i-2")
            .is_empty()
    );

    assert_eq!(world.usher_json(&["review"]), json!([]));
    let decided = world.usher_json(&["review", "--decided"]);
    let of = |name: &str| -> Vec<Value> {
        let all = decided.as_array().unwrap().iter();
        all.map(|one| one[name].clone()).collect()
    };
    assert_eq!(of("choice"), ["link", "ignore", "create"]);
    assert_eq!(of("because"), ["", "a test", "she rang"]);
    let explained = world.usher(&["explain", "i-2"]);
    let explained = String::from_utf8_lossy(&explained.stdout).into_owned();
    assert!(explained.contains("ignored, because a test"), "{explained}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_meant_changes_nothing() {
    let (world, mother) = family().await;
    let links = ["review", "--link", "contact", "i-1", mother.as_str()];
    assert!(world.usher(&links).status.success());
    for (words, told) in [
        (vec!["--link", "contact", "i-2", &mother], "already linked"),
        (
            vec!["--create", "contcat", "i-2"],
            "there is no mapping contcat",
        ),
        (
            vec!["--link", "contact", "i-2", "me"],
            "no id of Salesforce's",
        ),
    ] {
        let refused = world.usher(&[&["review"], &words[..]].concat());
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains(told), "{said}");
    }
    assert_eq!(world.usher_json(&["review"]).as_array().unwrap().len(), 2);
}
