//! What becomes of a look-up that finds nothing, by what its mapping says.

use runtime::mapping::{Constant, Lookup, Made, Missing};
use runtime::queue::Outcome;
use serde_json::{Map, Value, json};
use simulator::{Fault, FaultKind};

use super::super::Work;
use super::{Found, Why};
use crate::sync::tests::museum::Museum;

const fn by_name(missing: Missing) -> Lookup {
    Lookup {
        object: "Product2",
        by: &[("Name", Made::Member(&["ticket_type"]))],
        within: None,
        missing,
        create: &[("ProductCode", Made::Member(&["code"]))],
    }
}

static CREATE: Lookup = by_name(Missing::Create);
static FAIL: Lookup = by_name(Missing::Fail);
static LEAVE: Lookup = by_name(Missing::Leave);
static USE: Lookup = by_name(Missing::Use(Constant::Text("Anything")));

fn work(museum: &Museum) -> Work {
    let root = museum.sync.mapping("cart").unwrap();
    Work::new(root, museum.sync.members(root), true, Map::new())
}

/// What becomes of one look-up for this name.
async fn looked_up(museum: &Museum, lookup: &'static Lookup, name: &str) -> Found {
    let asked = json!({ "by": { "Name": name }, "create": { "ProductCode": "C" } }).to_string();
    let texts = vec![asked];
    let found = museum.sync.look_up(&work(museum), lookup, texts).await;
    found.unwrap().pop().unwrap().1
}

fn product(museum: &Museum, name: &str) -> String {
    let fields = json!({ "Name": name, "IsActive": true });
    let fields = fields.as_object().unwrap().clone();
    museum.simulator.insert_by_user("Product2", fields).unwrap()
}

fn id(found: Found) -> String {
    match found {
        Found::Id(id) => id,
        _ => panic!("nothing was found"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_made_once() {
    let museum = Museum::working();
    let made = id(looked_up(&museum, &CREATE, "Adult").await);
    let products = museum.simulator.records("Product2");
    assert_eq!(products.len(), 1);
    assert_eq!(products[0]["Id"], Value::from(made.as_str()));
    assert_eq!(products[0]["ProductCode"], "C");
    assert_eq!(id(looked_up(&museum, &CREATE, "adult ").await), made);
    assert_eq!(museum.simulator.records("Product2").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_made_counts_when_there_is_another_later() {
    let museum = Museum::working();
    let made = id(looked_up(&museum, &CREATE, "Adult").await);
    product(&museum, "Adult");
    museum.sync.forget_lookups();
    assert_eq!(id(looked_up(&museum, &CREATE, "ADULT").await), made);
}

#[tokio::test(start_paused = true)]
async fn of_two_that_were_made_late_the_first_counts() {
    let museum = Museum::working();
    for _ in 0..2 {
        let late = FaultKind::CommitLate { after_ms: 600_000 };
        let fault = Fault::on("/composite/sobjects", 1, late);
        museum.simulator.add_fault(fault);
        let found = looked_up(&museum, &CREATE, "Adult").await;
        assert!(matches!(found, Found::Stop(Why::Unanswered(_))));
        tokio::time::sleep(std::time::Duration::from_secs(100)).await;
    }
    tokio::time::sleep(std::time::Duration::from_secs(700)).await;
    museum.simulator.run_late();
    let products = museum.simulator.records("Product2");
    assert_eq!(products.len(), 2);
    let first = products[0]["Id"].as_str().unwrap();
    assert_eq!(id(looked_up(&museum, &CREATE, "Adult").await), first);
}

#[tokio::test(start_paused = true)]
async fn of_two_that_were_there_before_nobody_says_which_is_meant() {
    let museum = Museum::working();
    product(&museum, "Adult");
    product(&museum, "Adult");
    let found = looked_up(&museum, &CREATE, "Adult").await;
    assert!(matches!(found, Found::Stop(Why::Dead(_))));
}

#[tokio::test(start_paused = true)]
async fn or_it_is_an_error_that_says_what_was_looked_for() {
    let museum = Museum::working();
    let Found::Stop(Why::Dead(Outcome::Dead { error })) = looked_up(&museum, &FAIL, "Adult").await
    else {
        panic!("it is no error");
    };
    assert_eq!(error.code, "not_found_by_lookup");
    assert!(
        error.message.contains("Product2 with Name = Adult"),
        "{}",
        error.message
    );
}

#[tokio::test(start_paused = true)]
async fn or_the_field_stays_empty() {
    let museum = Museum::working();
    assert!(matches!(
        looked_up(&museum, &LEAVE, "Adult").await,
        Found::Nothing
    ));
}

#[tokio::test(start_paused = true)]
async fn or_a_catch_all_stands_in_for_it() {
    let museum = Museum::working();
    let Found::Stop(Why::Dead(_)) = looked_up(&museum, &USE, "Adult").await else {
        panic!("the catch-all is not there");
    };
    let anything = product(&museum, "Anything");
    assert_eq!(id(looked_up(&museum, &USE, "Adult").await), anything);
    let own = product(&museum, "Child");
    assert_eq!(id(looked_up(&museum, &USE, "Child").await), own);
}
