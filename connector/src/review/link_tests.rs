//! `usher review --link` against the simulator: each refusal says what is wrong and what to do.

use runtime::queue::{Choice, ReviewDecision};
use serde_json::json;
use simulator::FaultKind;

use super::verify;
use crate::sync::tests::museum::{Museum, person};

async fn verified(museum: &Museum, source_id: &str, id: &str, yes: bool) -> Result<(), String> {
    let decision = ReviewDecision {
        mapping: "contact".to_owned(),
        source_id: source_id.to_owned(),
        choice: Choice::Link {
            destination_id: runtime::salesforce::normalise(id),
        },
        because: String::new(),
    };
    verify(&museum.store, &museum.sync.salesforce, &decision, yes).await
}

fn contact(museum: &Museum, name: &str) -> String {
    let fields = json!({ "LastName": name, "Email": format!("{name}@example.org") });
    let fields = fields.as_object().unwrap().clone();
    museum.simulator.insert_by_user("Contact", fields).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_record_has_to_be_there_and_of_the_mappings_object() {
    let museum = Museum::working();
    let id = contact(&museum, "Noether");
    assert_eq!(verified(&museum, "i-9", &id, false).await, Ok(()));
    for (id, told) in [
        (
            "0015e00000AAAAA",
            "is an id of Account, and contact links to Contact",
        ),
        ("a095e00000AAAAA", "is an id of another object"),
        (
            "0035e00000AAAAA",
            "Salesforce has no Contact 0035e00000AAAAA",
        ),
    ] {
        let refused = verified(&museum, "i-9", id, true).await.unwrap_err();
        assert!(
            refused.contains(told) && refused.contains("give"),
            "{refused}"
        );
    }
    museum.simulator.delete_by_user("Contact", &id).unwrap();
    let refused = verified(&museum, "i-9", &id, true).await.unwrap_err();
    assert!(refused.contains("it is deleted"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_pair_whose_record_is_there_is_replaced_only_with_yes() {
    let museum = Museum::working();
    museum.tell([person(1)]).await;
    museum.settled().await;
    let linked = museum.contact("i-1").unwrap();
    let linked = linked["Id"].as_str().unwrap().to_owned();
    let other = contact(&museum, "Noether");
    assert_eq!(verified(&museum, "i-1", &linked, false).await, Ok(()));
    let refused = verified(&museum, "i-1", &other, false).await.unwrap_err();
    assert!(
        refused.contains(&linked) && refused.contains("--yes"),
        "{refused}"
    );
    assert_eq!(verified(&museum, "i-1", &other, true).await, Ok(()));
    museum.simulator.delete_by_user("Contact", &linked).unwrap();
    assert_eq!(verified(&museum, "i-1", &other, false).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_linked_while_salesforce_cannot_be_asked() {
    let museum = Museum::working();
    let id = contact(&museum, "Noether");
    museum.fault("/query", None, FaultKind::Unavailable);
    let refused = verified(&museum, "i-9", &id, true).await.unwrap_err();
    assert!(
        refused.contains("cannot be asked") && refused.contains("try again"),
        "{refused}"
    );
}
