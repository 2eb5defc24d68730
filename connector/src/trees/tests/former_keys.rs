//! Records with the keys of an earlier version get the new ones in place, and keep their Ids.

use std::collections::BTreeMap;

use runtime::queue::TreeRecord;
use serde_json::{Value, json};

use super::shapes::{cart, ticket, webhook};
use crate::sync::tests::museum::Museum;

/// An object, its key field, and pairs of the present and the earlier key.
type Former = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// The earlier keys of the records of `bought`.
const FORMER: [Former; 3] = [
    (
        "OpportunityLineItem",
        "Ticketure_Ticket_Id__c",
        &[("c-1:t-1", "t-1"), ("c-1:t-2", "t-2")],
    ),
    (
        "npe01__OppPayment__c",
        "Ticketure_Payment_Id__c",
        &[("c-1:g-1", "ch_1"), ("c-1:g-2", "g-2")],
    ),
    (
        "npsp__Allocation__c",
        "Ticketure_Allocation_Id__c",
        &[("c-1:t-2:Roof", "t-2:Roof")],
    ),
];

fn payment(id: &str, action: &str, reference: Option<&str>, amount: &str) -> Value {
    json!({
        "id": id, "cart_id": "c-1", "action": action, "gateway_reference": reference, "amount": amount,
        "method": "card", "currency": "USD", "occurred_at": "2026-03-01T18:05:00Z",
    })
}

/// Sells a cart with two lines, one of them a gift, two payments and a refund.
async fn bought(museum: &Museum) {
    let mut gift = ticket("c-1", 2, "purchased");
    gift["item_kind"] = json!("donation");
    gift["fund_code"] = json!("Roof");
    let money = vec![
        payment("g-1", "charge", Some("ch_1"), "1.25"),
        payment("g-2", "charge", None, "1.25"),
        payment("g-3", "refund", Some("ch_1"), "0.25"),
    ];
    museum
        .send(vec![
            webhook("cart_changed", "cart", 1, vec![cart("c-1")]),
            webhook(
                "ticket_audit",
                "ticket_audit",
                2,
                vec![ticket("c-1", 1, "purchased"), gift],
            ),
            webhook("gateway_audit", "gateway_audit", 3, money),
        ])
        .await;
    museum.settled().await;
    assert_eq!(museum.errors().await, []);
}

/// Ids of the lines, payments and allocations, by key.
fn ids(museum: &Museum) -> BTreeMap<String, String> {
    let text = |record: &serde_json::Map<String, Value>, field: &str| {
        record[field].as_str().unwrap_or_default().to_owned()
    };
    let mut ids = BTreeMap::new();
    for (object, field, _) in FORMER {
        for record in museum.simulator.records(object) {
            ids.insert(text(&record, field), text(&record, "Id"));
        }
    }
    ids
}

/// Gives the records their earlier keys, in Salesforce and, if `is_known`, in the store.
async fn as_an_earlier_version_left_it(museum: &Museum, is_known: bool) {
    let ids = ids(museum);
    let known = museum.store.tree_records("cart", vec!["c-1".to_owned()]);
    let known = known.await.unwrap();
    let mut kept: Vec<TreeRecord> = Vec::new();
    for (object, field, keys) in FORMER {
        for (key, former) in keys {
            let id = &ids[*key];
            let fields = json!({ field: former });
            museum
                .simulator
                .update_by_user(object, id, fields.as_object().unwrap().clone())
                .unwrap();
            for record in known.iter().filter(|record| record.key == *key) {
                kept.push(TreeRecord {
                    destination_id: String::new(),
                    ..record.clone()
                });
                let base = record.base.replace(key, former);
                kept.push(TreeRecord {
                    key: (*former).to_owned(),
                    base: base.replace("c-1:g-1", "ch_1"),
                    ..record.clone()
                });
            }
        }
    }
    // The refund names its payment by the payment's key.
    for refund in known.iter().filter(|record| record.mapping == "refund") {
        kept.push(TreeRecord {
            base: refund.base.replace("c-1:g-1", "ch_1"),
            ..refund.clone()
        });
    }
    if !is_known {
        kept = known
            .into_iter()
            .map(|record| TreeRecord {
                destination_id: String::new(),
                ..record
            })
            .collect();
    }
    museum.store.keep_records(kept).await.unwrap();
}

async fn keys_are_rewritten(is_known: bool) {
    let museum = Museum::working();
    bought(&museum).await;
    let before = ids(&museum);
    as_an_earlier_version_left_it(&museum, is_known).await;
    assert_ne!(ids(&museum), before);
    let scan = vec![ticket("c-1", 1, "redeemed")];
    museum
        .send(vec![webhook("ticket_audit", "ticket_audit", 4, scan)])
        .await;
    museum.settled().await;
    assert_eq!(museum.errors().await, []);
    assert_eq!(ids(&museum), before);
}

#[tokio::test(start_paused = true)]
async fn keys_of_an_earlier_version_are_rewritten_in_place() {
    keys_are_rewritten(true).await;
}

#[tokio::test(start_paused = true)]
async fn also_where_the_database_was_made_anew() {
    keys_are_rewritten(false).await;
}

#[tokio::test(start_paused = true)]
async fn a_charge_that_is_told_under_a_smaller_id_keeps_its_record() {
    let museum = Museum::working();
    bought(&museum).await;
    let before = ids(&museum);
    let again = vec![payment("g-0", "charge", Some("ch_1"), "1.25")];
    museum
        .send(vec![webhook("gateway_audit", "gateway_audit", 4, again)])
        .await;
    museum.settled().await;
    assert_eq!(museum.errors().await, []);
    let after = ids(&museum);
    assert_eq!(after.get("c-1:g-0"), before.get("c-1:g-1"));
    assert_eq!(after.len(), before.len());
    assert_eq!(after.get("g-3"), before.get("g-3"));
}
