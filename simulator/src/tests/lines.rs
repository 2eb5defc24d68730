//! Opportunities, their lines and the prices of these, as Salesforce has them without NPSP.

use super::shop::*;
use super::*;

const LINE: &str = "OpportunityLineItem";

#[tokio::test]
async fn the_amount_is_the_sum_of_the_lines_and_of_nobody_else() {
    let shop = shop(false).await;
    let cart = shop.donation(json!({ "Amount": 7 })).await;
    let first = shop.line(&cart, 25.0).await;
    let second = shop.line(&cart, 10.5).await;
    assert_eq!(shop.amount(&cart), json!(35.5));
    let record = shop.org.record("Opportunity", &cart);
    assert_eq!(record["HasOpportunityLineItem"], true);
    assert_eq!(
        record["Pricebook2Id"],
        json!(shop.book),
        "the first line brings its book"
    );
    shop.org
        .change("Opportunity", &cart, json!({ "Amount": 99 }))
        .await;
    assert_eq!(shop.amount(&cart), json!(35.5), "ignored, not refused");
    shop.org
        .change(LINE, &second, json!({ "Quantity": 2 }))
        .await;
    assert_eq!(shop.amount(&cart), json!(46.0));
    shop.org.delete(LINE, &first).await;
    assert_eq!(shop.amount(&cart), json!(21.0));
    shop.org.delete(LINE, &second).await;
    assert_eq!(shop.amount(&cart), json!(0.0));
    shop.org
        .change("Opportunity", &cart, json!({ "Amount": 99 }))
        .await;
    assert_eq!(shop.amount(&cart), json!(99.0));
}

#[tokio::test]
async fn a_line_has_an_entry_a_quantity_and_one_of_two_prices() {
    let shop = shop(false).await;
    let cart = shop.donation(json!({})).await;
    let line = |more: Value| {
        let mut line =
            json!({ "OpportunityId": cart, "PricebookEntryId": shop.entry, "Quantity": 1 });
        line.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        line
    };
    for (more, code, part) in [
        (
            json!({ "PricebookEntryId": null, "UnitPrice": 1 }),
            "FIELD_INTEGRITY_EXCEPTION",
            "must specify pricebook entry id",
        ),
        (
            json!({ "Quantity": 0, "UnitPrice": 1 }),
            "FIELD_INTEGRITY_EXCEPTION",
            "nonzero",
        ),
        (
            json!({ "Quantity": null, "UnitPrice": 1 }),
            "REQUIRED_FIELD_MISSING",
            "Quantity",
        ),
        (json!({}), "REQUIRED_FIELD_MISSING", "UnitPrice"),
        (
            json!({ "UnitPrice": 1, "TotalPrice": 1 }),
            "INVALID_FIELD",
            "both 'UnitPrice' and 'TotalPrice'",
        ),
        (
            json!({ "UnitPrice": 1, "ListPrice": 1 }),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "ListPrice",
        ),
        (
            json!({ "UnitPrice": 1e17 }),
            "NUMBER_OUTSIDE_VALID_RANGE",
            "UnitPrice",
        ),
    ] {
        let (said, text) = shop.org.refused(LINE, line(more)).await;
        assert!(said == code && text.contains(part), "{code}: {said} {text}");
    }
    let id = shop
        .org
        .make(LINE, line(json!({ "Quantity": 3, "TotalPrice": 10 })))
        .await;
    let record = shop.org.record(LINE, &id);
    assert_eq!(
        (&record["UnitPrice"], &record["TotalPrice"]),
        (&json!(3.33), &json!(10.0))
    );
    assert_eq!(
        (&record["ListPrice"], &record["Name"]),
        (&json!(25.0), &json!("Cart Adult"))
    );
    let both = json!({ "UnitPrice": 2, "TotalPrice": 5 });
    assert_eq!(
        shop.org.change_refused(LINE, &id, both).await.0,
        "INVALID_FIELD"
    );
    shop.org
        .change(LINE, &id, json!({ "UnitPrice": 2.005, "Discount": 50 }))
        .await;
    assert_eq!(shop.amount(&cart), json!(3.02), "rounded to cents");
}

#[tokio::test]
async fn a_line_is_of_the_opportunitys_price_book() {
    let shop = shop(false).await;
    let other = json!({ "Name": "Schools", "IsActive": true });
    let other = shop.org.make("Pricebook2", other).await;
    let cart = shop.donation(json!({ "Pricebook2Id": other })).await;
    let (code, text) = shop.org.refused(LINE, shop.line_of(&cart, 1.0)).await;
    assert_eq!(code, "FIELD_INTEGRITY_EXCEPTION");
    assert!(
        text.contains("different pricebook than the one assigned"),
        "{text}"
    );
    let cart = shop.donation(json!({})).await;
    shop.line(&cart, 1.0).await;
    let move_it = json!({ "Pricebook2Id": other });
    let (code, _) = shop.org.change_refused("Opportunity", &cart, move_it).await;
    assert_eq!(code, "FIELD_INTEGRITY_EXCEPTION");
    shop.org
        .change("PricebookEntry", &shop.entry, json!({ "IsActive": false }))
        .await;
    let (_, text) = shop.org.refused(LINE, shop.line_of(&cart, 1.0)).await;
    assert!(text.contains("inactivated"), "{text}");
}

#[tokio::test]
async fn a_product_has_its_standard_price_first_and_one_a_book() {
    let shop = shop(false).await;
    let other = json!({ "Name": "Schools", "IsActive": true });
    let other = shop.org.make("Pricebook2", other).await;
    let product = shop.org.make("Product2", json!({ "Name": "Child" })).await;
    let price = |book: &str| json!({ "Pricebook2Id": book, "Product2Id": product, "UnitPrice": 5 });
    let (code, text) = shop.org.refused("PricebookEntry", price(&other)).await;
    assert_eq!(code, "STANDARD_PRICE_NOT_DEFINED");
    assert_eq!(
        text,
        "Before creating a custom price, create a standard price."
    );
    shop.org.make("PricebookEntry", price(&shop.book)).await;
    shop.org.make("PricebookEntry", price(&other)).await;
    let (code, _) = shop.org.refused("PricebookEntry", price(&other)).await;
    assert_eq!(code, "DUPLICATE_VALUE");
    let (_, books) = shop
        .org
        .query("SELECT Id, Name FROM Pricebook2 WHERE IsStandard = true")
        .await;
    assert_eq!(books["records"][0]["Id"], json!(shop.book));
}

#[tokio::test]
async fn the_stage_says_whether_it_is_closed_and_won() {
    let shop = shop(false).await;
    let cart = shop.donation(json!({ "Amount": 200 })).await;
    let told = || {
        let record = shop.org.record("Opportunity", &cart);
        let told = ["IsClosed", "IsWon", "Probability", "ExpectedRevenue"];
        told.map(|field| record[field].clone())
    };
    assert_eq!(
        told(),
        [json!(false), json!(false), json!(90.0), json!(180.0)]
    );
    shop.org
        .change("Opportunity", &cart, json!({ "StageName": "Closed Won" }))
        .await;
    assert_eq!(
        told(),
        [json!(true), json!(true), json!(100.0), json!(200.0)]
    );
    shop.org
        .change("Opportunity", &cart, json!({ "StageName": "Closed Lost" }))
        .await;
    assert_eq!(told(), [json!(true), json!(false), json!(0.0), json!(0.0)]);
}

#[tokio::test]
async fn an_opportunity_has_one_primary_contact_and_takes_its_children_along() {
    let shop = shop(false).await;
    let cart = shop.donation(json!({})).await;
    let line = shop.line(&cart, 1.0).await;
    let mut roles = Vec::new();
    for name in ["Ada", "Grace"] {
        let contact = shop.org.make("Contact", json!({ "LastName": name })).await;
        let role = json!({ "OpportunityId": cart, "ContactId": contact, "IsPrimary": true });
        roles.push(shop.org.make("OpportunityContactRole", role).await);
    }
    let is_primary =
        |role: &String| shop.org.record("OpportunityContactRole", role)["IsPrimary"].clone();
    assert_eq!(
        roles.iter().map(is_primary).collect::<Vec<_>>(),
        [json!(false), json!(true)]
    );
    let (status, _) = shop.org.delete("Opportunity", &cart).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert!(
        shop.org
            .simulator
            .records("OpportunityContactRole")
            .is_empty()
    );
    let (_, gone) = shop
        .org
        .call(
            Method::GET,
            &format!("/sobjects/{LINE}/{line}"),
            Value::Null,
        )
        .await;
    assert_eq!(said(&gone).0, "ENTITY_IS_DELETED");
}

#[tokio::test]
async fn what_was_sold_stays() {
    let shop = shop(false).await;
    let school = shop.org.make("Account", json!({ "Name": "School" })).await;
    let cart = shop.donation(json!({ "AccountId": school })).await;
    let line = shop.line(&cart, 25.0).await;
    let product = text(&shop.org.record(LINE, &line), "Product2Id");
    let refused = |object: &'static str, id: String| {
        let org = &shop.org;
        async move { said(&org.delete(object, &id).await.1).0 }
    };
    assert_eq!(
        refused("PricebookEntry", shop.entry.clone()).await,
        "DELETE_FAILED"
    );
    assert_eq!(refused("Product2", product.clone()).await, "DELETE_FAILED");
    let stage = |name: &str| json!({ "StageName": name });
    shop.org
        .change("Opportunity", &cart, stage("Closed Won"))
        .await;
    assert_eq!(refused("Account", school.clone()).await, "DELETE_FAILED");
    shop.org
        .change("Opportunity", &cart, stage("Pledged"))
        .await;
    shop.org.delete("Account", &school).await;
    assert!(
        shop.org.simulator.records("Opportunity").is_empty(),
        "it goes with its account"
    );
    shop.org.delete("Product2", &product).await;
    assert!(shop.org.simulator.records("PricebookEntry").is_empty());
}

#[tokio::test]
async fn record_types_are_rows_and_in_the_describe() {
    let org = client(true).await;
    let soql = "SELECT Id FROM RecordType WHERE SobjectType = 'Opportunity' AND DeveloperName = 'Donation'";
    let (_, found) = org.query(soql).await;
    let id = &found["records"][0]["Id"];
    let (_, described) = org
        .call(Method::GET, "/sobjects/Opportunity/describe", Value::Null)
        .await;
    let infos = described["recordTypeInfos"].as_array().unwrap();
    let donation = infos
        .iter()
        .find(|info| info["developerName"] == "Donation");
    assert_eq!(&donation.unwrap()["recordTypeId"], id);
    assert!(
        client(false)
            .await
            .simulator
            .records("npe01__OppPayment__c")
            .is_empty()
    );
    let (_, body) = client(false)
        .await
        .query("SELECT Id FROM npe01__OppPayment__c")
        .await;
    assert_eq!(said(&body).0, "INVALID_TYPE");
}

#[tokio::test]
async fn parents_are_read_over_several_references_and_children_by_lists_of_parents() {
    let shop = shop(true).await;
    let cart = shop.donation(json!({})).await;
    let line = shop.line(&cart, 25.0).await;
    let product = "PricebookEntry.Product2.Name";
    let soql = format!(
        "SELECT Id, {product}, Opportunity.StageName FROM {LINE} WHERE OpportunityId IN ('{cart}') AND {product} = 'adult'"
    );
    let (status, found) = shop.org.query(&soql).await;
    assert_eq!(status, StatusCode::OK, "{found}");
    let row = &found["records"][0];
    assert_eq!((&row["Id"], &found["totalSize"]), (&json!(line), &json!(1)));
    assert_eq!(row["PricebookEntry"]["Product2"]["Name"], "Adult");
    assert_eq!(row["Opportunity"]["StageName"], "Pledged");
}

#[tokio::test]
async fn several_are_deleted_in_one_call_all_or_none() {
    let shop = shop(false).await;
    let cart = shop.donation(json!({})).await;
    let line = shop.line(&cart, 25.0).await;
    let path =
        |all: bool| format!("/composite/sobjects?ids={line},00k5e0000000zzz&allOrNone={all}");
    let (_, results) = shop
        .org
        .call(Method::DELETE, &path(true), Value::Null)
        .await;
    assert_eq!(
        results[0]["errors"][0]["statusCode"],
        "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    );
    assert_eq!(shop.amount(&cart), json!(25.0));
    let (_, results) = shop
        .org
        .call(Method::DELETE, &path(false), Value::Null)
        .await;
    assert_eq!(
        (&results[0]["success"], &results[1]["success"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(shop.amount(&cart), json!(0.0));
}
