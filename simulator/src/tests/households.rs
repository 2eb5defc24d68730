//! NPSP's households, whose donations are, affiliations, and merges.

use std::sync::atomic::{AtomicI64, Ordering};

use super::shop::*;
use super::*;

const ROLE: &str = "OpportunityContactRole";

impl Client {
    async fn person(&self, fields: Value) -> (String, String) {
        let id = self.make("Contact", fields).await;
        let account = self.account_of(&id);
        (id, account)
    }

    fn account_of(&self, contact: &str) -> String {
        text(&self.record("Contact", contact), "AccountId")
    }

    fn household(&self, id: &str) -> (String, f64, Value) {
        let household = self.record("Account", id);
        let lead = household.get("npe01__One2OneContact__c").cloned();
        let members = household["npsp__Number_of_Household_Members__c"].as_f64();
        (
            text(&household, "Name"),
            members.unwrap(),
            lead.unwrap_or(Value::Null),
        )
    }
}

#[tokio::test]
async fn a_household_takes_over_from_its_first_contact_and_is_named_after_all() {
    let org = client(true).await;
    let first = json!({ "FirstName": "Ada", "LastName": "Lovelace", "MailingCity": "London" });
    let (ada, account) = org.person(first).await;
    assert_eq!(
        org.household(&account),
        ("Lovelace Household".to_owned(), 1.0, json!(ada))
    );
    let household = org.record("Account", &account);
    assert_eq!(
        (&household["Type"], &household["BillingCity"]),
        (&json!("Household"), &json!("London"))
    );
    let soql = "SELECT Id FROM Account WHERE RecordType.DeveloperName = 'HH_Account'";
    assert_eq!(org.query(soql).await.1["totalSize"], 1);
    let (_, same) = org
        .person(json!({ "LastName": "Lovelace", "AccountId": account }))
        .await;
    assert_eq!(same, account);
    assert_eq!(org.household(&account).0, "Lovelace Household");
    org.person(json!({ "LastName": "King", "AccountId": account }))
        .await;
    let (last, _) = org
        .person(json!({ "LastName": "Byron", "AccountId": account }))
        .await;
    let named = (
        "Lovelace, King and Byron Household".to_owned(),
        4.0,
        json!(ada),
    );
    assert_eq!(org.household(&account), named);
    org.change("Contact", &last, json!({ "LastName": "Noel" }))
        .await;
    assert_eq!(
        org.household(&account).0,
        "Lovelace, King and Noel Household"
    );
}

#[tokio::test]
async fn who_moves_leaves_a_household_with_another_lead_or_nobody() {
    let org = client(true).await;
    let (ada, first) = org.person(json!({ "LastName": "Lovelace" })).await;
    let (grace, second) = org.person(json!({ "LastName": "Hopper" })).await;
    org.change("Contact", &grace, json!({ "AccountId": first }))
        .await;
    run_jobs(&org);
    assert_eq!(
        org.household(&first),
        ("Lovelace and Hopper Household".to_owned(), 2.0, json!(ada))
    );
    assert_eq!(
        org.household(&second),
        ("Anonymous Household".to_owned(), 0.0, Value::Null)
    );
    org.delete("Contact", &ada).await;
    assert_eq!(
        org.household(&first),
        ("Hopper Household".to_owned(), 1.0, json!(grace))
    );
}

/// As if time had passed.
fn run_jobs(org: &Client) {
    let mut state = org.simulator.lock();
    let jobs = std::mem::take(&mut state.org.jobs);
    state.org.jobs = jobs.into_iter().map(|(_, jobs)| (0, jobs)).collect();
    state.org.run_jobs();
}

#[tokio::test]
async fn several_households_of_one_call_are_named_later() {
    let now = Arc::new(AtomicI64::new(1_800_000_000_000));
    let clock = now.clone();
    let org = client_with(|options| {
        options.clock = Clock(Arc::new(move || clock.load(Ordering::Relaxed)));
    })
    .await;
    let mut accounts = Vec::new();
    for name in ["Lovelace", "Hopper"] {
        accounts.push(org.person(json!({ "LastName": name })).await.1);
    }
    let person = |account: &String| json!({ "attributes": { "type": "Contact" }, "LastName": "King", "AccountId": account });
    let both: Vec<Value> = accounts.iter().map(person).collect();
    let body = json!({ "records": both });
    org.call(Method::POST, "/composite/sobjects", body).await;
    assert_eq!(org.household(&accounts[0]).0, "Lovelace Household");
    assert_eq!(org.simulator.run_late(), 1);
    now.fetch_add(2_000, Ordering::Relaxed);
    assert_eq!(org.simulator.run_late(), 0);
    assert_eq!(org.household(&accounts[0]).0, "Lovelace and King Household");
    assert_eq!(org.household(&accounts[1]).0, "Hopper and King Household");
}

#[tokio::test]
async fn a_name_typed_by_hand_stays() {
    let org = client(true).await;
    let (_, account) = org.person(json!({ "LastName": "Lovelace" })).await;
    let typed = json!({ "Name": "The Lovelaces" })
        .as_object()
        .unwrap()
        .clone();
    org.simulator
        .update_by_user("Account", &account, typed)
        .unwrap();
    org.person(json!({ "LastName": "King", "AccountId": account }))
        .await;
    let (name, members, _) = org.household(&account);
    assert_eq!((name.as_str(), members), ("The Lovelaces", 2.0));
}

#[tokio::test]
async fn private_contacts_have_none_and_others_never_lose_theirs() {
    let org = client(true).await;
    let private = json!({ "LastName": "Doe", "npe01__Private__c": true });
    assert_eq!(org.person(private).await.1, "");
    let (ada, account) = org.person(json!({ "LastName": "Lovelace" })).await;
    org.change("Contact", &ada, json!({ "AccountId": null }))
        .await;
    assert_eq!(org.account_of(&ada), account, "it leads it");
    let (grace, _) = org
        .person(json!({ "LastName": "Hopper", "AccountId": account }))
        .await;
    org.change("Contact", &grace, json!({ "AccountId": null }))
        .await;
    assert_ne!(org.account_of(&grace), account);
}

#[tokio::test]
async fn a_donation_is_its_contacts_households_and_has_a_role() {
    let shop = shop(true).await;
    let org = &shop.org;
    let (ada, account) = org.person(json!({ "LastName": "Lovelace" })).await;
    let id = shop
        .donation(json!({ "npsp__Primary_Contact__c": ada }))
        .await;
    let donation = org.record("Opportunity", &id);
    assert_eq!(
        (
            &donation["AccountId"],
            &donation["npe01__Contact_Id_for_Role__c"]
        ),
        (&json!(account), &json!(ada))
    );
    let role = org.simulator.records(ROLE).remove(0);
    assert_eq!(
        (&role["ContactId"], &role["Role"], &role["IsPrimary"]),
        (&json!(ada), &json!("Donor"), &json!(true))
    );
    let (grace, other) = org.person(json!({ "LastName": "Hopper" })).await;
    org.change(
        "Opportunity",
        &id,
        json!({ "npsp__Primary_Contact__c": grace }),
    )
    .await;
    assert_eq!(
        org.record(ROLE, &text(&role, "Id"))["ContactId"],
        json!(grace)
    );
    org.change(
        "Opportunity",
        &id,
        json!({ "npsp__Primary_Contact__c": null }),
    )
    .await;
    assert!(org.simulator.records(ROLE).is_empty());
    let led = shop.donation(json!({ "AccountId": other })).await;
    assert_eq!(
        org.record("Opportunity", &led)["npsp__Primary_Contact__c"],
        json!(grace)
    );
    let quiet = json!({ "AccountId": other, "npsp__DisableContactRoleAutomation__c": true });
    shop.donation(quiet).await;
    assert_eq!(org.simulator.records(ROLE).len(), 1);
    let made_for = shop.donation(json!({ "ContactId": ada })).await;
    let role = org
        .simulator
        .find(ROLE, "OpportunityId", &made_for)
        .remove(0);
    assert_eq!(
        (&role["ContactId"], &role["Role"], &role["IsPrimary"]),
        (&json!(ada), &json!("Donor"), &json!(true))
    );
    assert_eq!(
        org.record("Opportunity", &made_for)["npsp__Primary_Contact__c"],
        json!(ada)
    );
    let nobody = json!({ "Name": "C", "StageName": "Pledged", "CloseDate": "2026-03-01", "npe01__Contact_Id_for_Role__c": "nobody" });
    let (code, _) = org.refused("Opportunity", nobody).await;
    assert_eq!(code, "FIELD_CUSTOM_VALIDATION_EXCEPTION");
}

#[tokio::test]
async fn donations_move_with_their_contact() {
    let shop = shop(true).await;
    let org = &shop.org;
    let (ada, _) = org.person(json!({ "LastName": "Lovelace" })).await;
    let (_, other) = org.person(json!({ "LastName": "Hopper" })).await;
    let id = shop
        .donation(json!({ "npsp__Primary_Contact__c": ada }))
        .await;
    org.change("Contact", &ada, json!({ "AccountId": other }))
        .await;
    assert_eq!(org.record("Opportunity", &id)["AccountId"], json!(other));
    let school = org.make("Account", json!({ "Name": "Hill School" })).await;
    let of_school = json!({ "AccountId": school, "npsp__Primary_Contact__c": ada });
    let of_school = shop.donation(of_school).await;
    let roles = org.simulator.find(ROLE, "OpportunityId", &of_school);
    assert_eq!(roles[0]["Role"], "Soft Credit");
}

/// Organization, status and whether it is the primary one, of all affiliations.
fn affiliations(org: &Client) -> Vec<(String, String, bool)> {
    let all = org.simulator.records("npe5__Affiliation__c");
    let told = all.iter().map(|one| {
        let organization = org.record("Account", &text(one, "npe5__Organization__c"));
        let name = text(&organization, "Name");
        (
            name,
            text(one, "npe5__Status__c"),
            one["npe5__Primary__c"] == true,
        )
    });
    told.collect()
}

fn affiliation(name: &str, status: &str, is_primary: bool) -> (String, String, bool) {
    (name.to_owned(), status.to_owned(), is_primary)
}

#[tokio::test]
async fn the_employer_is_the_primary_affiliation_and_the_one_before_a_former_one() {
    let org = client(true).await;
    let school = org.make("Account", json!({ "Name": "School" })).await;
    let bank = org.make("Account", json!({ "Name": "Bank" })).await;
    let works = json!({ "LastName": "Lovelace", "npsp__Primary_Affiliation__c": school });
    let (ada, household) = org.person(works).await;
    assert_eq!(affiliations(&org), [affiliation("School", "Current", true)]);
    org.change(
        "Contact",
        &ada,
        json!({ "npsp__Primary_Affiliation__c": bank }),
    )
    .await;
    let both = [
        affiliation("School", "Former", false),
        affiliation("Bank", "Current", true),
    ];
    assert_eq!(affiliations(&org), both);
    let second = json!({ "npe5__Contact__c": ada, "npe5__Organization__c": school, "npe5__Primary__c": true });
    let second = org.make("npe5__Affiliation__c", second).await;
    assert_eq!(
        org.record("Contact", &ada)["npsp__Primary_Affiliation__c"],
        json!(school)
    );
    assert_eq!(affiliations(&org)[1], affiliation("Bank", "Former", false));
    org.delete("npe5__Affiliation__c", &second).await;
    assert_eq!(
        org.record("Contact", &ada)["npsp__Primary_Affiliation__c"],
        Value::Null
    );
    org.change(
        "Contact",
        &ada,
        json!({ "npsp__Primary_Affiliation__c": household }),
    )
    .await;
    assert_eq!(
        affiliations(&org).len(),
        2,
        "a household is nobody's employer"
    );
}

#[tokio::test]
async fn a_merge_moves_what_the_loser_had() {
    let shop = shop(true).await;
    let org = &shop.org;
    let (ada, kept) = org.person(json!({ "LastName": "Lovelace" })).await;
    let (twin, emptied) = org.person(json!({ "LastName": "Lovelace" })).await;
    let id = shop
        .donation(json!({ "npsp__Primary_Contact__c": twin }))
        .await;
    org.simulator.merge_by_user("Contact", &ada, &twin).unwrap();
    let donation = org.record("Opportunity", &id);
    assert_eq!(
        (
            &donation["npsp__Primary_Contact__c"],
            &donation["AccountId"]
        ),
        (&json!(ada), &json!(kept))
    );
    assert_eq!(org.simulator.records(ROLE)[0]["ContactId"], json!(ada));
    run_jobs(org);
    assert_eq!(
        org.household(&emptied),
        ("Anonymous Household".to_owned(), 0.0, Value::Null)
    );
    org.simulator
        .merge_by_user("Account", &emptied, &kept)
        .unwrap();
    assert_eq!(org.account_of(&ada), emptied);
    assert_eq!(org.record("Opportunity", &id)["AccountId"], json!(emptied));
    assert_eq!(org.household(&emptied).0, "Lovelace Household");
}

#[tokio::test]
async fn what_the_duplicate_rule_finds_is_named_and_saved_only_when_asked() {
    let org = client(true).await;
    let ada = json!({ "LastName": "Lovelace", "Email": "ada@example.org" });
    let (id, _) = org.person(ada.clone()).await;
    org.simulator.set_duplicate_rule(true);
    let (code, _) = org.refused("Contact", ada.clone()).await;
    assert_eq!(code, "DUPLICATES_DETECTED");
    let mut record = ada.clone();
    record["attributes"] = json!({ "type": "Contact" });
    let body = json!({ "records": [record] });
    let (_, results) = org.call(Method::POST, "/composite/sobjects", body).await;
    let error = &results[0]["errors"][0];
    assert_eq!(error["statusCode"], "DUPLICATES_DETECTED");
    assert_eq!(
        error["duplicateResult"],
        Value::Null,
        "told of one record alone"
    );
    let (_, errors) = org
        .call(Method::POST, "/sobjects/Contact", ada.clone())
        .await;
    let found = &errors[0]["duplicateResult"]["matchResults"][0]["matchRecords"][0];
    assert_eq!(found["record"]["Id"], json!(id));
    org.make(
        "Contact",
        json!({ "LastName": "King", "Email": "ada@example.org" }),
    )
    .await;
    let request = Request::post("http://simulator/services/data/v67.0/sobjects/Contact")
        .header("authorization", format!("Bearer {}", org.token))
        .header(
            "sforce-duplicate-rule-header",
            "allowSave=true; runAsCurrentUser=true",
        )
        .body(Bytes::from(ada.to_string()))
        .unwrap();
    let response = org.simulator.call(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    org.simulator.set_duplicate_rule(false);
    org.make("Contact", ada).await;
}
