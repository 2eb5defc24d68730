//! NPSP's allocations of a donation to funds.

use super::payments::{ALLOCATION, CUSTOM, PAYMENT};
use super::shop::*;
use super::*;

impl Shop {
    pub(super) async fn fund(&self, is_active: bool) -> String {
        let fund = json!({ "Name": "Education", "npsp__Active__c": is_active });
        self.org
            .make("npsp__General_Accounting_Unit__c", fund)
            .await
    }
}

pub(super) fn allocation(donation: &str, fund: &str, more: Value) -> Value {
    let mut fields =
        json!({ "npsp__Opportunity__c": donation, "npsp__General_Accounting_Unit__c": fund });
    let more = more.as_object().unwrap().clone();
    fields.as_object_mut().unwrap().extend(more);
    fields
}

#[tokio::test]
async fn an_allocation_has_one_parent_a_size_and_an_active_fund() {
    let shop = shop(true).await;
    let id = shop.donation(json!({ "Amount": 100 })).await;
    let (fund, old_fund) = (shop.fund(true).await, shop.fund(false).await);
    let payment = text(&shop.org.simulator.records(PAYMENT)[0], "Id");
    for (fields, text) in [
        (
            allocation(
                &id,
                &fund,
                json!({ "npsp__Opportunity__c": null, "npsp__Amount__c": 1 }),
            ),
            "Ensure that this Allocation has only one parent object: Payment, Opportunity, Recurring Donation, or Campaign.",
        ),
        (
            allocation(&id, &fund, json!({})),
            "Enter a value in either the Amount field or the Percent field.",
        ),
        (
            allocation(&id, &fund, json!({ "npsp__Amount__c": -1 })),
            "The Amount field can't contain a negative value.",
        ),
        (
            allocation(&id, &fund, json!({ "npsp__Percent__c": -1 })),
            "The Percent field can't contain a negative value.",
        ),
        (
            allocation(&id, &fund, json!({ "npsp__Percent__c": 101 })),
            "Percent-based Allocations cannot exceed 100%.",
        ),
        (
            allocation(&id, &fund, json!({ "npsp__Amount__c": 100.01 })),
            "Allocation totals can't exceed the amount of the related Payment or Opportunity.",
        ),
        (
            allocation(
                &id,
                &fund,
                json!({ "npsp__Opportunity__c": null, "npsp__Payment__c": payment, "npsp__Amount__c": 1 }),
            ),
            "You must enable Default Allocations in order to allocate at the payment level.",
        ),
    ] {
        let said = shop.org.refused(ALLOCATION, fields).await;
        assert_eq!(said, (CUSTOM.to_owned(), text.to_owned()));
    }
    let fields = allocation(&id, &old_fund, json!({ "npsp__Amount__c": 1 }));
    let (code, text) = shop.org.refused(ALLOCATION, fields).await;
    assert_eq!(code, "FIELD_FILTER_VALIDATION_EXCEPTION");
    assert!(
        text.starts_with("Choose an active General Accounting Unit"),
        "{text}"
    );
    let (code, _) = shop
        .org
        .refused(
            ALLOCATION,
            json!({ "npsp__Opportunity__c": id, "npsp__Amount__c": 1 }),
        )
        .await;
    assert_eq!(code, "REQUIRED_FIELD_MISSING");
    assert!(shop.org.simulator.records(ALLOCATION).is_empty());
}

#[tokio::test]
async fn allocations_together_are_no_more_than_their_donation_whoever_changes_it() {
    let shop = shop(true).await;
    let fund = shop.fund(true).await;
    let id = shop.donation(json!({})).await;
    let tickets = shop.line(&id, 60.0).await;
    let gift = shop.line(&id, 40.0).await;
    let fixed = shop
        .org
        .make(
            ALLOCATION,
            allocation(&id, &fund, json!({ "npsp__Amount__c": 30 })),
        )
        .await;
    let share = shop
        .org
        .make(
            ALLOCATION,
            allocation(&id, &fund, json!({ "npsp__Percent__c": 10 })),
        )
        .await;
    let amount = |id: &str| shop.org.record(ALLOCATION, id)["npsp__Amount__c"].clone();
    assert_eq!(amount(&share), json!(10.0));
    let total = "Allocation totals can't exceed the amount of the related Payment or Opportunity.";
    assert_eq!(
        shop.org
            .change_refused(ALLOCATION, &fixed, json!({ "npsp__Amount__c": 91 }))
            .await
            .1,
        total
    );
    // 60 less, and a tenth of 40 with the fixed 30 still fits; the rest does not.
    shop.org.delete("OpportunityLineItem", &tickets).await;
    assert_eq!(
        (shop.amount(&id), amount(&share)),
        (json!(40.0), json!(4.0))
    );
    let (code, text) = shop
        .org
        .change_refused("OpportunityLineItem", &gift, json!({ "UnitPrice": 20 }))
        .await;
    assert_eq!(code, CUSTOM);
    assert!(
        text.starts_with(
            "The Allocation totals for this Opportunity exceed the Opportunity amount."
        ),
        "{text}"
    );
    assert_eq!(
        (shop.amount(&id), amount(&share)),
        (json!(40.0), json!(4.0))
    );
    let other = shop.line(&id, 5.0).await;
    let (status, body) = shop.org.delete("OpportunityLineItem", &gift).await;
    assert_eq!(
        (status, said(&body).0.as_str()),
        (StatusCode::BAD_REQUEST, CUSTOM)
    );
    assert_eq!(shop.amount(&id), json!(45.0), "the line is still there");
    shop.org.delete(ALLOCATION, &fixed).await;
    shop.org.delete("OpportunityLineItem", &gift).await;
    shop.org.delete("OpportunityLineItem", &other).await;
    assert_eq!(amount(&share), json!(0.0));
}

#[tokio::test]
async fn a_donation_without_an_amount_is_not_judged_and_nothing_is_left_of_one_that_loses_it() {
    let shop = shop(true).await;
    let fund = shop.fund(true).await;
    let id = shop.donation(json!({})).await;
    shop.org
        .make(
            ALLOCATION,
            allocation(&id, &fund, json!({ "npsp__Amount__c": 30 })),
        )
        .await;
    shop.org
        .change("Opportunity", &id, json!({ "Amount": 40 }))
        .await;
    let (code, _) = shop
        .org
        .change_refused("Opportunity", &id, json!({ "Amount": 29.99 }))
        .await;
    assert_eq!(code, CUSTOM);
    shop.org
        .change("Opportunity", &id, json!({ "Amount": null }))
        .await;
    assert!(shop.org.simulator.records(ALLOCATION).is_empty());
    shop.org
        .make(
            ALLOCATION,
            allocation(&id, &fund, json!({ "npsp__Amount__c": 30 })),
        )
        .await;
    shop.org.delete("Opportunity", &id).await;
    assert!(shop.org.simulator.records(ALLOCATION).is_empty());
}

#[tokio::test]
async fn allocations_of_one_call_are_judged_together() {
    let shop = shop(true).await;
    let fund = shop.fund(true).await;
    let id = shop.donation(json!({ "Amount": 100 })).await;
    let mut both = Vec::new();
    for amount in [30, 70] {
        let fields = allocation(&id, &fund, json!({ "npsp__Amount__c": amount }));
        both.push(shop.org.make(ALLOCATION, fields).await);
    }
    let to = |id: &String, amount: i64| json!({ "attributes": { "type": ALLOCATION }, "id": id, "npsp__Amount__c": amount });
    let change = |records: Value| {
        shop.org.call(
            Method::PATCH,
            "/composite/sobjects",
            json!({ "records": records }),
        )
    };
    let (_, results) = change(json!([to(&both[0], 60), to(&both[1], 40)])).await;
    assert_eq!(
        (&results[0]["success"], &results[1]["success"]),
        (&json!(true), &json!(true))
    );
    let (_, results) = change(json!([to(&both[0], 61), to(&both[1], 40)])).await;
    assert_eq!(
        (&results[0]["success"], &results[1]["success"]),
        (&json!(false), &json!(true))
    );
    let (_, results) = change(json!([to(&both[0], 61), to(&both[1], 39)])).await;
    assert_eq!(
        (&results[0]["success"], &results[1]["success"]),
        (&json!(true), &json!(true))
    );
}
