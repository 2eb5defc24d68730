//! An organization that two webhooks tell of is one account.

use runtime::queue::State;
use serde_json::{Map, Value, json};

use super::museum::{Museum, pass, person};

fn text(record: &Map<String, Value>, field: &str) -> String {
    let value = record.get(field).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}

fn school(name: &str) -> Value {
    json!({ "id": "o-1", "identity_type": "organization", "name": name })
}

/// What Ticketure has of the identity, as the other webhook words it.
async fn told_otherwise(museum: &Museum, event: &str) {
    let row = museum.simulator.identities().into_iter();
    let mut row = row
        .filter(|row| row["id"] == "o-1")
        .collect::<Vec<_>>()
        .remove(0);
    row.remove("identity_type");
    let webhook = json!({ "event_type": "organization_changed", "event_id": event,
        "data": { "organization": { "_data": [row] } } });
    museum.send(vec![webhook]).await;
}

fn accounts(museum: &Museum) -> Vec<Map<String, Value>> {
    let found = museum
        .simulator
        .find("Account", "Ticketure_Identity_Id__c", "o-1");
    assert_eq!(
        found.len(),
        museum.simulator.records("Account").len() - museum.contacts(),
        "one account beside the households"
    );
    found
}

#[tokio::test(start_paused = true)]
async fn whichever_webhook_comes_first_there_is_one_account_and_one_pair() {
    for order in [[true, false], [false, true]] {
        let museum = Museum::working();
        let put = |name| {
            let row = school(name).as_object().unwrap().clone();
            museum.simulator.put_identity(row)
        };
        put("Hill School");
        for (number, by_identity) in order.into_iter().enumerate() {
            match by_identity {
                true => museum.tell([school("Hill School")]).await,
                false => told_otherwise(&museum, &format!("e-{number}")).await,
            }
            museum.settled().await;
        }
        assert_eq!(accounts(&museum).len(), 1);
        // Either brings what is new.
        put("Hill and Valley School");
        told_otherwise(&museum, "e-9").await;
        museum.settled().await;
        assert_eq!(
            text(&accounts(&museum)[0], "Name"),
            "Hill and Valley School"
        );
        let links = museum.store.links_of("o-1").await.unwrap();
        assert_eq!(links.len(), 1);
        assert_eq!(links[0].mapping, "account");
        assert_eq!(museum.errors().await, []);
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_an_organization_is_woken_by_either_webhook() {
    let museum = Museum::working();
    let mut teacher = person(0);
    teacher["organization_id"] = json!("o-1");
    museum.tell([teacher]).await;
    pass(60).await;
    assert_eq!(museum.state(1).await.0, State::Parked);
    let row = school("Hill School").as_object().unwrap().clone();
    museum.simulator.put_identity(row);
    told_otherwise(&museum, "e-1").await;
    museum.settled().await;
    let employer = text(
        &museum.contact("i-0").unwrap(),
        "npsp__Primary_Affiliation__c",
    );
    assert_eq!(employer, text(&accounts(&museum)[0], "Id"));
}

#[tokio::test(start_paused = true)]
async fn an_edit_in_salesforce_goes_back_once() {
    let museum = Museum::working();
    museum.read().await;
    let row = school("Hill School").as_object().unwrap().clone();
    museum.simulator.put_identity(row);
    told_otherwise(&museum, "e-1").await;
    museum.settled().await;
    let id = text(&accounts(&museum)[0], "Id");
    let change = json!({ "Phone": "555 0100" });
    museum
        .simulator
        .update_by_user("Account", &id, change.as_object().unwrap().clone())
        .unwrap();
    museum.read().await;
    museum.settled().await;
    let school = museum.simulator.identities().remove(0);
    assert_eq!(text(&school, "phone"), "555 0100");
    let log = museum.simulator.tenant_log();
    let pushed = log
        .iter()
        .filter(|write| write.actor == simulator::Actor::Api);
    assert_eq!(pushed.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_latest_row_counts_whichever_webhook_brought_it() {
    let museum = Museum::working();
    museum.tell([school("Hill School")]).await;
    museum.settled().await;
    let older = json!({ "event_type": "organization_changed", "event_id": "e-1", "data": { "organization": { "_data": [
        { "id": "o-1", "name": "Hill Primary", "updated_at": "2001-01-01T00:00:00Z" }] } } });
    museum.send(vec![older]).await;
    museum.settled().await;
    assert_eq!(text(&accounts(&museum)[0], "Name"), "Hill School");
}
