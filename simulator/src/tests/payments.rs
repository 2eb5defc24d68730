//! NPSP's payments and refunds, and a cart with all that it has.

use super::allocations::allocation;
use super::shop::*;
use super::*;

pub(super) const PAYMENT: &str = "npe01__OppPayment__c";
pub(super) const ALLOCATION: &str = "npsp__Allocation__c";
pub(super) const CUSTOM: &str = "FIELD_CUSTOM_VALIDATION_EXCEPTION";

/// Amount, paid, scheduled, paid when: of every payment there is.
fn payments(shop: &Shop) -> Vec<(f64, bool, Value, Value)> {
    let all = shop.org.simulator.records(PAYMENT);
    let told = all.iter().map(|one| {
        let date = |field: &str| one.get(field).cloned().unwrap_or(Value::Null);
        (
            one["npe01__Payment_Amount__c"].as_f64().unwrap(),
            one["npe01__Paid__c"] == true,
            date("npe01__Scheduled_Date__c"),
            date("npe01__Payment_Date__c"),
        )
    });
    told.collect()
}

fn none() -> Value {
    Value::Null
}

#[tokio::test]
async fn a_donation_gets_one_payment_that_follows_it_and_is_paid_when_it_is_won() {
    let shop = shop(true).await;
    let id = shop.donation(json!({ "Amount": 50 })).await;
    assert_eq!(
        payments(&shop),
        [(50.0, false, json!("2026-03-01"), none())]
    );
    let later = json!({ "Amount": 80, "CloseDate": "2026-04-01" });
    shop.org.change("Opportunity", &id, later).await;
    assert_eq!(
        payments(&shop),
        [(80.0, false, json!("2026-04-01"), none())]
    );
    shop.org
        .change("Opportunity", &id, json!({ "StageName": "Closed Won" }))
        .await;
    let paid = (80.0, true, json!("2026-04-01"), json!("2026-04-01"));
    assert_eq!(payments(&shop), std::slice::from_ref(&paid));
    let donation = shop.org.record("Opportunity", &id);
    assert_eq!(donation["npe01__Payments_Made__c"], json!(80.0));
    assert_eq!(donation["npe01__Number_of_Payments__c"], json!(1.0));
    shop.org
        .change("Opportunity", &id, json!({ "Amount": 90 }))
        .await;
    assert_eq!(payments(&shop), [paid], "what is paid is paid");
    let donation = shop.org.record("Opportunity", &id);
    assert_eq!(donation["npe01__Amount_Outstanding__c"], json!(10.0));
}

#[tokio::test]
async fn the_payment_of_a_lost_donation_is_written_off() {
    let shop = shop(true).await;
    let id = shop.donation(json!({ "Amount": 50 })).await;
    shop.org
        .change("Opportunity", &id, json!({ "StageName": "Closed Lost" }))
        .await;
    let donation = shop.org.record("Opportunity", &id);
    assert_eq!(donation["npe01__Amount_Written_Off__c"], json!(50.0));
    assert_eq!(donation["npe01__Payments_Made__c"], json!(0.0));
}

#[tokio::test]
async fn lines_bring_the_payment_too_and_the_switch_prevents_it() {
    let shop = shop(true).await;
    let off = json!({ "npe01__Do_Not_Automatically_Create_Payment__c": true });
    let without = shop.donation(off).await;
    shop.line(&without, 10.0).await;
    assert!(payments(&shop).is_empty());
    let open = shop.donation(json!({})).await;
    assert!(payments(&shop).is_empty(), "there is nothing to pay yet");
    shop.line(&open, 10.0).await;
    shop.line(&open, 5.0).await;
    assert_eq!(
        payments(&shop),
        [(15.0, false, json!("2026-03-01"), none())]
    );
    let won = shop.donation(json!({ "StageName": "Closed Won" })).await;
    shop.line(&won, 10.0).await;
    shop.line(&won, 5.0).await;
    let paid = (10.0, true, none(), json!("2026-03-01"));
    assert_eq!(
        payments(&shop).pop(),
        Some(paid),
        "after that it is paid, and stays so"
    );
}

#[tokio::test]
async fn lines_of_one_call_are_added_up_once() {
    let shop = shop(true).await;
    let won = shop.donation(json!({ "StageName": "Closed Won" })).await;
    let line = |price: f64| {
        let mut line = shop.line_of(&won, price);
        line["attributes"] = json!({ "type": "OpportunityLineItem" });
        line
    };
    let body = json!({ "records": [line(10.0), line(5.0)] });
    let (_, results) = shop
        .org
        .call(Method::POST, "/composite/sobjects", body)
        .await;
    assert_eq!(payments(&shop), [(15.0, true, none(), json!("2026-03-01"))]);
    // Without the first line the allocation is too much, and the second one is deleted all the same.
    let fund = shop.fund(true).await;
    let fixed = allocation(&won, &fund, json!({ "npsp__Amount__c": 8 }));
    shop.org.make(ALLOCATION, fixed).await;
    let [first, second] = [0, 1].map(|n| results[n]["id"].as_str().unwrap().to_owned());
    let path = format!("/composite/sobjects?ids={second},{first}");
    let all = line(4.0);
    shop.org
        .make("OpportunityLineItem", without_attributes(&all))
        .await;
    let (_, results) = shop.org.call(Method::DELETE, &path, Value::Null).await;
    assert_eq!(
        (&results[0]["success"], &results[1]["success"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(shop.amount(&won), json!(14.0));
}

fn without_attributes(record: &Value) -> Value {
    let mut record = record.clone();
    record.as_object_mut().unwrap().remove("attributes");
    record
}

#[tokio::test]
async fn several_payments_of_somebodys_own_are_left_alone() {
    let shop = shop(true).await;
    let off = json!({ "Amount": 50, "npe01__Do_Not_Automatically_Create_Payment__c": true });
    let id = shop.donation(off).await;
    for amount in [20, 30] {
        let payment = json!({ "npe01__Opportunity__c": id, "npe01__Payment_Amount__c": amount, "npe01__Scheduled_Date__c": "2026-03-01" });
        shop.org.make(PAYMENT, payment).await;
    }
    shop.org
        .change("Opportunity", &id, json!({ "StageName": "Closed Won" }))
        .await;
    assert!(payments(&shop).iter().all(|(_, paid, ..)| !paid));
    let both = json!({ "npe01__Opportunity__c": id, "npe01__Paid__c": true, "npe01__Written_Off__c": true });
    let (code, text) = shop.org.refused(PAYMENT, both).await;
    assert_eq!(code, CUSTOM);
    assert_eq!(
        text,
        "A Payment can't be both paid and written off. You must deselect one or both checkboxes."
    );
    assert_eq!(payments(&shop).len(), 2, "it was never there");
}

#[tokio::test]
async fn a_refund_names_a_paid_payment_and_is_no_more_than_what_is_left_of_it() {
    let shop = shop(true).await;
    let id = shop.donation(json!({ "Amount": 50 })).await;
    let original = text(&shop.org.simulator.records(PAYMENT)[0], "Id");
    let refund = |amount: i64, debit: &str, of: Option<&str>| {
        json!({
            "npe01__Opportunity__c": id, "npe01__Payment_Amount__c": amount, "npe01__Paid__c": true,
            "npe01__Payment_Date__c": "2026-03-02", "npsp__DebitType__c": debit, "npsp__OriginalPayment__c": of,
        })
    };
    let said = |of: Option<String>, amount: i64| {
        let fields = refund(amount, "Partial Refund", of.as_deref());
        let org = &shop.org;
        async move { org.refused(PAYMENT, fields).await.1 }
    };
    let first = Some(original.clone());
    assert_eq!(
        said(None, -5).await,
        "You can't edit a refund without an Original Payment."
    );
    assert_eq!(
        said(first.clone(), -5).await,
        "This payment's still processing and can't be refunded yet."
    );
    shop.org
        .change("Opportunity", &id, json!({ "StageName": "Closed Won" }))
        .await;
    assert_eq!(
        said(first.clone(), -51).await,
        "Enter a refund that's less than or equal to the remaining balance."
    );
    let part = shop
        .org
        .make(PAYMENT, refund(-20, "Partial Refund", Some(&original)))
        .await;
    assert_eq!(
        shop.amount(&id),
        json!(30.0),
        "a refund lowers the donation"
    );
    assert_eq!(
        said(Some(part), -5).await,
        "This payment has already been refunded, or is a refund itself."
    );
    shop.org
        .make(PAYMENT, refund(-30, "Refund", Some(&original)))
        .await;
    assert_eq!(
        said(first, -1).await,
        "This payment has already been refunded, or is a refund itself."
    );
    let chargeback = refund(-5, "Chargeback", None);
    shop.org.make(PAYMENT, chargeback).await;
    let donation = shop.org.record("Opportunity", &id);
    assert_eq!(donation["npe01__Payments_Made__c"], json!(-5.0));
    assert_eq!(donation["Amount"], json!(0.0));
}

#[tokio::test]
async fn with_lines_a_refund_lowers_nothing_and_a_part_of_it_makes_shares_of_allocations() {
    let shop = shop(true).await;
    let id = shop.donation(json!({})).await;
    shop.line(&id, 40.0).await;
    shop.org
        .change("Opportunity", &id, json!({ "StageName": "Closed Won" }))
        .await;
    let fund = shop.fund(true).await;
    let allocation = shop
        .org
        .make(
            ALLOCATION,
            allocation(&id, &fund, json!({ "npsp__Amount__c": 10 })),
        )
        .await;
    let original = text(&shop.org.simulator.records(PAYMENT)[0], "Id");
    let refund = json!({
        "npe01__Opportunity__c": id, "npe01__Payment_Amount__c": -15, "npe01__Paid__c": true,
        "npsp__DebitType__c": "Partial Refund", "npsp__OriginalPayment__c": original,
    });
    shop.org.make(PAYMENT, refund).await;
    assert_eq!(shop.amount(&id), json!(40.0));
    let record = shop.org.record(ALLOCATION, &allocation);
    assert_eq!(
        (&record["npsp__Percent__c"], &record["npsp__Amount__c"]),
        (&json!(25.0), &json!(10.0))
    );
}

#[tokio::test]
async fn a_cart_goes_as_one_graph_or_not_at_all() {
    let shop = shop(true).await;
    let fund = shop.fund(true).await;
    let node = |object: &str, reference: &str, body: Value| {
        let url = format!("/services/data/v67.0/sobjects/{object}");
        json!({ "method": "POST", "url": url, "referenceId": reference, "body": body })
    };
    let cart = |allocated: i64| {
        let open = json!({ "Name": "Cart", "StageName": "Pledged", "CloseDate": "2026-03-01", "npe01__Do_Not_Automatically_Create_Payment__c": true });
        let paid = json!({ "npe01__Opportunity__c": "@{cart.id}", "npe01__Payment_Amount__c": 65, "npe01__Paid__c": true, "npe01__Payment_Date__c": "2026-03-01" });
        let won = json!({ "method": "PATCH", "url": "/services/data/v67.0/sobjects/Opportunity/@{cart.id}", "referenceId": "won", "body": { "StageName": "Closed Won" } });
        let nodes = json!([
            node("Opportunity", "cart", open),
            node(
                "OpportunityLineItem",
                "ticket",
                shop.line_of("@{cart.id}", 25.0)
            ),
            node(
                "OpportunityLineItem",
                "gift",
                shop.line_of("@{cart.id}", 40.0)
            ),
            node(PAYMENT, "paid", paid),
            node(
                ALLOCATION,
                "fund",
                allocation("@{cart.id}", &fund, json!({ "npsp__Amount__c": allocated }))
            ),
            won,
        ]);
        json!({ "graphs": [{ "graphId": "1", "compositeRequest": nodes }] })
    };
    let (_, answer) = shop
        .org
        .call(Method::POST, "/composite/graph", cart(66))
        .await;
    assert_eq!(answer["graphs"][0]["isSuccessful"], false, "{answer}");
    let (payments, carts) = (
        shop.org.simulator.records(PAYMENT),
        shop.org.simulator.records("Opportunity"),
    );
    assert!(payments.is_empty() && carts.is_empty());
    let (_, answer) = shop
        .org
        .call(Method::POST, "/composite/graph", cart(40))
        .await;
    assert_eq!(answer["graphs"][0]["isSuccessful"], true, "{answer}");
    let cart = &shop.org.simulator.records("Opportunity")[0];
    assert_eq!(
        (&cart["Amount"], &cart["IsWon"]),
        (&json!(65.0), &json!(true))
    );
    assert_eq!(cart["npe01__Amount_Outstanding__c"], json!(0.0));
    assert_eq!(shop.org.simulator.records(PAYMENT).len(), 1);
}
