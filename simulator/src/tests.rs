//! The org as a client sees it.

use http::{Method, StatusCode};
use serde_json::json;

use super::*;

mod allocations;
mod answers;
mod collections;
mod consent;
mod graphs;
mod households;
mod limits;
mod lines;
mod memberships;
mod pages;
mod payments;
mod rows;
mod shop;

struct Client {
    simulator: Simulator,
    token: String,
}

async fn send(
    simulator: &Simulator,
    method: Method,
    path: &str,
    token: &str,
    body: &str,
) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri(format!("http://simulator{path}"))
        .header("authorization", format!("Bearer {token}"))
        .body(Bytes::from(body.to_owned()))
        .unwrap();
    let response = simulator.call(request).await.unwrap();
    (
        response.status(),
        serde_json::from_slice(response.body()).unwrap_or(Value::Null),
    )
}

async fn client(npsp: bool) -> Client {
    client_with(|options| options.npsp = npsp).await
}

async fn client_with(set: impl FnOnce(&mut SimulatorOptions)) -> Client {
    let snapshots = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../mappings/schemas/salesforce"
    );
    let mut options = SimulatorOptions::new(snapshots);
    set(&mut options);
    let simulator = Simulator::new(options).unwrap();
    let form = "grant_type=client_credentials&client_id=a&client_secret=b";
    let (status, body) = send(&simulator, Method::POST, "/services/oauth2/token", "", form).await;
    assert_eq!(status, StatusCode::OK);
    Client {
        token: body["access_token"].as_str().unwrap().to_owned(),
        simulator,
    }
}

impl Client {
    async fn call(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let path = format!("/services/data/v67.0{path}");
        send(
            &self.simulator,
            method,
            &path,
            &self.token,
            &body.to_string(),
        )
        .await
    }

    async fn create(&self, fields: Value) -> (StatusCode, Value) {
        self.call(Method::POST, "/sobjects/Contact", fields).await
    }

    async fn query(&self, soql: &str) -> (StatusCode, Value) {
        let encoded: String = soql.bytes().map(|byte| format!("%{byte:02X}")).collect();
        self.call(Method::GET, &format!("/query?q={encoded}"), Value::Null)
            .await
    }

    async fn refusal(&self, fields: Value) -> String {
        let (_, body) = self.create(fields).await;
        body[0]["errorCode"].as_str().unwrap_or("none").to_owned()
    }
}

#[tokio::test]
async fn a_contact_without_an_account_gets_a_household() {
    let with = client(true).await;
    let (status, body) = with.create(json!({ "LastName": "Lovelace" })).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    let contact = with
        .simulator
        .find("Contact", "LastName", "Lovelace")
        .remove(0);
    let household = with
        .simulator
        .find("Account", "Id", contact["AccountId"].as_str().unwrap());
    assert_eq!(household[0]["Name"], "Lovelace Household");
    let without = client(false).await;
    without.create(json!({ "LastName": "Lovelace" })).await;
    assert!(without.simulator.records("Account").is_empty());
}

#[tokio::test]
async fn records_are_validated() {
    let org = client(true).await;
    assert_eq!(
        org.refusal(json!({ "FirstName": "Ada" })).await,
        "REQUIRED_FIELD_MISSING"
    );
    assert_eq!(
        org.refusal(json!({ "LastName": "x".repeat(81) })).await,
        "STRING_TOO_LONG"
    );
    assert_eq!(
        org.refusal(json!({ "LastName": "L", "Email": "nobody" }))
            .await,
        "INVALID_EMAIL_ADDRESS"
    );
    assert_eq!(
        org.refusal(json!({ "LastName": "L", "Nmae": "x" })).await,
        "INVALID_FIELD"
    );
    assert_eq!(
        org.refusal(json!({ "LastName": "L", "CreatedDate": "2020-01-01T00:00:00Z" }))
            .await,
        "INVALID_FIELD_FOR_INSERT_UPDATE"
    );
    assert_eq!(
        org.refusal(json!({ "LastName": "L", "AccountId": "nonsense" }))
            .await,
        "MALFORMED_ID"
    );
    assert_eq!(
        org.refusal(json!({ "LastName": "L", "AccountId": "001000000000001AAA" }))
            .await,
        "INVALID_CROSS_REFERENCE_KEY"
    );
    assert_eq!(
        org.refusal(json!({ "LastName": "L", "Birthdate": "soon" }))
            .await,
        "JSON_PARSER_ERROR"
    );
    assert_eq!(
        org.refusal(json!({ "LastName": "L", "CleanStatus": "Nonsense" }))
            .await,
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    );
    assert!(org.simulator.write_log().is_empty());
}

#[tokio::test]
async fn an_external_id_is_unique() {
    let org = client(true).await;
    let one = json!({ "LastName": "L", "Ticketure_Identity_Id__c": "i-1" });
    let (_, first) = org.create(one.clone()).await;
    let (status, second) = org.create(one).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(second[0]["errorCode"], "DUPLICATE_VALUE");
    assert!(
        second[0]["message"]
            .as_str()
            .unwrap()
            .ends_with(first["id"].as_str().unwrap())
    );
}

#[tokio::test]
async fn upsert_creates_then_updates() {
    let org = client(true).await;
    let path = "/sobjects/Contact/Ticketure_Identity_Id__c/i-1";
    let (status, body) = org
        .call(Method::PATCH, path, json!({ "LastName": "A" }))
        .await;
    assert_eq!(
        (status, &body["created"]),
        (StatusCode::CREATED, &json!(true))
    );
    let (status, body) = org
        .call(Method::PATCH, path, json!({ "LastName": "B" }))
        .await;
    assert_eq!((status, &body["created"]), (StatusCode::OK, &json!(false)));
    assert_eq!(org.simulator.records("Contact")[0]["LastName"], "B");
    let (status, _) = org
        .call(Method::PATCH, "/sobjects/Contact/FirstName/x", json!({}))
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn two_hits_for_an_upsert_write_nothing() {
    let org = client(true).await;
    for _ in 0..2 {
        org.create(json!({ "LastName": "L", "Email": "a@example.org" }))
            .await;
    }
    let (status, body) = org
        .call(
            Method::PATCH,
            "/sobjects/Contact/Email/a@example.org",
            json!({ "LastName": "M" }),
        )
        .await;
    assert_eq!(status, StatusCode::MULTIPLE_CHOICES);
    assert_eq!(body.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn collections_answer_in_order_and_roll_back_together() {
    let org = client(true).await;
    let record = |name: Value| json!({ "attributes": { "type": "Contact" }, "LastName": name });
    let body = json!({ "allOrNone": false, "records": [record(json!("A")), record(Value::Null), record(json!("C"))] });
    let (_, results) = org.call(Method::POST, "/composite/sobjects", body).await;
    let success: Vec<bool> = (0..3)
        .map(|n| results[n]["success"].as_bool().unwrap())
        .collect();
    assert_eq!(success, [true, false, true]);
    assert_eq!(
        results[1]["errors"][0]["statusCode"],
        "REQUIRED_FIELD_MISSING"
    );
    let before = org.simulator.write_log().len();
    let body = json!({ "allOrNone": true, "records": [record(json!("D")), record(Value::Null)] });
    let (_, results) = org.call(Method::POST, "/composite/sobjects", body).await;
    assert_eq!(
        results[0]["errors"][0]["statusCode"],
        "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    );
    assert!(org.simulator.find("Contact", "LastName", "D").is_empty());
    assert_eq!(
        org.simulator.write_log().len(),
        before,
        "not even D's household stays"
    );
    assert!(
        org.simulator
            .find("Account", "Name", "D Household")
            .is_empty()
    );
    let many: Vec<Value> = (0..201).map(|_| record(json!("E"))).collect();
    let (status, _) = org
        .call(
            Method::POST,
            "/composite/sobjects",
            json!({ "records": many }),
        )
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn queries_find_what_fits_and_refuse_what_they_do_not_know() {
    let org = client(true).await;
    for (first, last, email) in [
        ("Ada", "Lovelace", "ada@example.org"),
        ("Grace", "Hopper", "grace@example.org"),
        ("Alan", "O'Neil", "alan@example.org"),
    ] {
        org.create(json!({ "FirstName": first, "LastName": last, "Email": email }))
            .await;
    }
    let names = |body: &Value| -> Vec<String> {
        body["records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["LastName"].as_str().unwrap().to_owned())
            .collect()
    };
    for (condition, expected) in [
        ("Email = 'ADA@example.org'", vec!["Lovelace"]),
        (
            "Email IN ('ada@example.org','grace@example.org') ORDER BY LastName",
            vec!["Hopper", "Lovelace"],
        ),
        (
            "LastName = 'O\\'Neil' OR (FirstName = 'Ada' AND NOT Email = null)",
            vec!["Lovelace", "O'Neil"],
        ),
        (
            "LastName LIKE '%o%' AND FirstName != 'Grace' ORDER BY FirstName DESC",
            vec!["O'Neil", "Lovelace"],
        ),
        ("Account.Name = 'Hopper Household'", vec!["Hopper"]),
        (
            "SystemModstamp > 2020-01-01T00:00:00Z ORDER BY LastName LIMIT 1 OFFSET 1",
            vec!["Lovelace"],
        ),
        ("FirstName NOT IN ('Ada','Alan')", vec!["Hopper"]),
    ] {
        let (status, body) = org
            .query(&format!(
                "SELECT Id, LastName, Account.Name FROM Contact WHERE {condition}"
            ))
            .await;
        assert_eq!(status, StatusCode::OK, "{condition}: {body}");
        assert_eq!(names(&body), expected, "{condition}");
    }
    for (soql, code) in [
        ("SELECT Id FROM Contact WHERE", "MALFORMED_QUERY"),
        (
            "SELECT Id FROM Contact WHERE LastName = 'x",
            "MALFORMED_QUERY",
        ),
        (
            "SELECT Id FROM Contact GROUP BY LastName",
            "MALFORMED_QUERY",
        ),
        (
            "SELECT Id FROM Contact WHERE LastName = 'a' AND FirstName = 'b' OR Email = 'c'",
            "MALFORMED_QUERY",
        ),
        ("SELECT Nmae FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE LastName = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Contcat", "INVALID_TYPE"),
    ] {
        let (status, body) = org.query(soql).await;
        assert_eq!(
            (status, body[0]["errorCode"].as_str().unwrap()),
            (StatusCode::BAD_REQUEST, code),
            "{soql}"
        );
    }
}

#[tokio::test]
async fn a_long_result_comes_in_pages() {
    let org = client(false).await;
    for n in 0..2_001 {
        let mut fields = Map::new();
        fields.insert("LastName".into(), json!(format!("L{n}")));
        org.simulator.insert_by_user("Contact", fields).unwrap();
    }
    let (_, first) = org.query("SELECT Id FROM Contact").await;
    assert_eq!(
        (&first["done"], first["records"].as_array().unwrap().len()),
        (&json!(false), 2_000)
    );
    let next = first["nextRecordsUrl"]
        .as_str()
        .unwrap()
        .trim_start_matches("/services/data/v67.0")
        .to_owned();
    let (_, second) = org.call(Method::GET, &next, Value::Null).await;
    assert_eq!(
        (&second["done"], second["records"].as_array().unwrap().len()),
        (&json!(true), 1)
    );
}

#[tokio::test]
async fn faults_do_what_their_rules_say() {
    let org = client(true).await;
    org.simulator
        .add_fault(Fault::on("/sobjects", 1, FaultKind::Unavailable));
    assert_eq!(
        org.create(json!({ "LastName": "L" })).await.0,
        StatusCode::SERVICE_UNAVAILABLE
    );
    org.simulator
        .add_fault(Fault::on("/sobjects", 1, FaultKind::LockRow { one_in: 1 }));
    assert_eq!(
        org.refusal(json!({ "LastName": "L" })).await,
        "UNABLE_TO_LOCK_ROW"
    );
    let rule = FaultKind::Reject {
        field: "LastName".into(),
        equals: json!("Nope"),
        code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".into(),
        message: "No.".into(),
    };
    org.simulator.add_fault(Fault::always(rule));
    assert_eq!(
        org.refusal(json!({ "LastName": "Nope" })).await,
        "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    );
    org.simulator.clear_faults();
    org.simulator
        .add_fault(Fault::on("/sobjects", 1, FaultKind::LostAfterCommit));
    let request = Request::post("http://simulator/services/data/v67.0/sobjects/Contact")
        .header("authorization", format!("Bearer {}", org.token))
        .body(Bytes::from(r#"{"LastName":"Kept"}"#))
        .unwrap();
    assert!(org.simulator.call(request).await.is_err());
    assert_eq!(org.simulator.find("Contact", "LastName", "Kept").len(), 1);
    org.simulator
        .add_fault(Fault::on("/sobjects", 1, FaultKind::ExpireSessions));
    assert_eq!(
        org.refusal(json!({ "LastName": "L" })).await,
        "INVALID_SESSION_ID"
    );
}

#[tokio::test]
async fn the_daily_limit_is_kept() {
    let snapshots = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../mappings/schemas/salesforce"
    );
    let simulator = Simulator::new(SimulatorOptions {
        daily_limit: 1,
        ..SimulatorOptions::new(snapshots)
    })
    .unwrap();
    let form = "grant_type=client_credentials&client_id=a&client_secret=b";
    let (_, body) = send(&simulator, Method::POST, "/services/oauth2/token", "", form).await;
    let org = Client {
        token: body["access_token"].as_str().unwrap().to_owned(),
        simulator,
    };
    assert_eq!(
        org.call(Method::GET, "/limits", Value::Null).await.0,
        StatusCode::OK
    );
    let (status, body) = org.call(Method::GET, "/limits", Value::Null).await;
    assert_eq!(
        (status, body[0]["errorCode"].as_str()),
        (StatusCode::FORBIDDEN, Some("REQUEST_LIMIT_EXCEEDED"))
    );
}

#[tokio::test]
async fn the_tenant_reads_and_writes_identities() {
    let org = client(true).await;
    let id = org.simulator.put_identity(
        json!({ "email": "ada@example.org" })
            .as_object()
            .unwrap()
            .clone(),
    );
    let (status, body) = send(
        &org.simulator,
        Method::POST,
        "/api/user",
        "k",
        r#"{"email":"ADA@example.org"}"#,
    )
    .await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(body["_data"][0]["_extra"]["identity_id"], json!(id));
    let (_, body) = send(
        &org.simulator,
        Method::PATCH,
        &format!("/api/identity/{id}"),
        "k",
        r#"{"phone":"1"}"#,
    )
    .await;
    assert_eq!(body["identity"]["_data"][0]["phone"], "1");
    let webhook = org.simulator.webhook(&id).unwrap();
    assert_eq!(webhook["data"]["identity"]["_data"][0]["id"], json!(id));
    assert_ne!(
        org.simulator.webhook(&id).unwrap()["event_id"],
        webhook["event_id"]
    );
}

#[test]
fn deliveries_are_the_same_for_one_seed() {
    let bodies: Vec<Bytes> = (0..50).map(|n| Bytes::from(format!("{n}"))).collect();
    let disorder = Disorder {
        delay_ms_max: 100,
        repeat_one_in: 4,
    };
    let first = deliveries(bodies.clone(), disorder, 3);
    assert_eq!(first, deliveries(bodies.clone(), disorder, 3));
    assert!(first.len() > bodies.len());
}
