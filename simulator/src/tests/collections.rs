//! Collections: mistakes that refuse a call as a whole, and refusals of one record.

use super::*;

const PEOPLE: &str = "/composite/sobjects/Contact/Ticketure_Identity_Id__c";

fn contact(fields: Value) -> Value {
    let mut record = fields;
    record["attributes"] = json!({ "type": "Contact" });
    record
}

impl Client {
    async fn write(&self, method: Method, path: &str, records: Vec<Value>) -> (StatusCode, Value) {
        self.call(method, path, json!({ "records": records })).await
    }
}

#[tokio::test]
async fn a_column_that_is_not_there_refuses_the_whole_call() {
    let org = client(true).await;
    let wrong = contact(json!({ "LastName": "B", "Nmae": "x" }));
    let right = contact(json!({ "LastName": "A" }));
    let (status, body) = org
        .write(Method::POST, "/composite/sobjects", vec![right, wrong])
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let message = "No such column 'Nmae' on sobject of type Contact";
    let error = json!([{ "errorCode": "INVALID_FIELD", "message": message }]);
    assert_eq!(body, error);
    assert!(org.simulator.write_log().is_empty());
    // A reference to a parent that is not there is the record's own mistake.
    let orphan =
        contact(json!({ "LastName": "B", "Account": { "Ticketure_Identity_Id__c": "o-9" } }));
    let right = contact(json!({ "LastName": "A" }));
    let (status, body) = org
        .write(Method::POST, "/composite/sobjects", vec![orphan, right])
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&body[0]["success"], &body[1]["success"]),
        (&json!(false), &json!(true))
    );
}

#[tokio::test]
async fn a_hidden_field_is_as_one_that_is_not_there() {
    let org = client(true).await;
    org.simulator
        .add_fault(Fault::always(FaultKind::HiddenField {
            object: "Contact".to_owned(),
            field: "HomePhone".to_owned(),
        }));
    let blind = contact(json!({ "LastName": "B", "HomePhone": "1" }));
    let (status, body) = org
        .write(Method::POST, "/composite/sobjects", vec![blind])
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(body[0]["errorCode"], "INVALID_FIELD");
    assert_eq!(
        org.refusal(json!({ "LastName": "B", "HomePhone": "1" }))
            .await,
        "INVALID_FIELD"
    );
    let (status, body) = org.query("SELECT Id, HomePhone FROM Contact").await;
    assert_eq!(
        (status, &body[0]["errorCode"]),
        (StatusCode::BAD_REQUEST, &json!("INVALID_FIELD"))
    );
    let path = "/sobjects/Contact/describe";
    let (_, described) = org.call(Method::GET, path, Value::Null).await;
    let fields = described["fields"].as_array().unwrap();
    assert!(fields.iter().all(|field| field["name"] != "HomePhone"));
    assert_eq!(org.refusal(json!({ "LastName": "B" })).await, "none");
}

#[tokio::test]
async fn sharing_refuses_single_records() {
    let org = client(true).await;
    let mut ids = Vec::new();
    for name in ["Open", "Closed"] {
        let (_, body) = org.create(json!({ "LastName": name })).await;
        ids.push(body["id"].clone());
    }
    org.simulator.add_fault(Fault::always(FaultKind::ReadOnly {
        field: "LastName".to_owned(),
        equals: json!("Closed"),
    }));
    let edits = ids
        .iter()
        .map(|id| contact(json!({ "id": id, "FirstName": "Ada" })));
    let (status, body) = org
        .write(Method::PATCH, "/composite/sobjects", edits.collect())
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body[0]["success"], true);
    assert_eq!(
        body[1]["errors"][0]["statusCode"],
        "INSUFFICIENT_ACCESS_OR_READONLY"
    );
    let path = format!("/sobjects/Contact/{}", ids[1].as_str().unwrap());
    for method in [Method::PATCH, Method::DELETE] {
        let (status, body) = org.call(method, &path, json!({})).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(body[0]["errorCode"], "INSUFFICIENT_ACCESS_OR_READONLY");
    }
}

#[tokio::test]
async fn a_call_takes_ten_chunks_of_types() {
    let org = client(true).await;
    let mixed = |runs: usize| {
        let types = ["Contact", "Account"].iter().cycle().take(runs);
        let records = types.map(|kind| {
            let name = if *kind == "Contact" {
                "LastName"
            } else {
                "Name"
            };
            json!({ "attributes": { "type": kind }, name: "x" })
        });
        records.collect::<Vec<_>>()
    };
    let (status, _) = org
        .write(Method::POST, "/composite/sobjects", mixed(10))
        .await;
    assert_eq!(status, StatusCode::OK);
    let (status, _) = org
        .write(Method::POST, "/composite/sobjects", mixed(11))
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_upsert_refuses_an_external_id_that_comes_twice() {
    let org = client(true).await;
    let people = ["i-1", "i-2", "I-1"]
        .map(|id| contact(json!({ "LastName": "L", "Ticketure_Identity_Id__c": id })));
    let is_case_sensitive = {
        let (_, described) = org
            .call(Method::GET, "/sobjects/Contact/describe", Value::Null)
            .await;
        let fields = described["fields"].as_array().unwrap();
        let field = fields
            .iter()
            .find(|field| field["name"] == "Ticketure_Identity_Id__c");
        field.unwrap()["caseSensitive"] == json!(true)
    };
    let mut people = people.to_vec();
    if is_case_sensitive {
        people[2]["Ticketure_Identity_Id__c"] = json!("i-1");
    }
    let (status, body) = org.write(Method::PATCH, PEOPLE, people).await;
    assert_eq!(status, StatusCode::OK);
    let successes = [0, 1, 2].map(|place| body[place]["success"] == json!(true));
    assert_eq!(successes, [false, true, false]);
    assert_eq!(body[0]["errors"][0]["statusCode"], "DUPLICATE_VALUE");
    assert_eq!(org.simulator.records("Contact").len(), 1);
}

#[tokio::test]
async fn matches_are_in_the_answers_about_single_records_alone() {
    let org = client(true).await;
    org.simulator.set_duplicate_rule(true);
    let ada = json!({ "LastName": "Lovelace", "Email": "ada@example.org" });
    let (_, first) = org.create(ada.clone()).await;
    let (_, body) = org.create(ada.clone()).await;
    let found = &body[0]["duplicateResult"]["matchResults"][0]["matchRecords"][0]["record"]["Id"];
    assert_eq!(*found, first["id"]);
    let (_, body) = org
        .write(Method::POST, "/composite/sobjects", vec![contact(ada)])
        .await;
    let error = &body[0]["errors"][0];
    assert_eq!(error["statusCode"], "DUPLICATES_DETECTED");
    assert!(error.get("duplicateResult").is_none());
}

#[tokio::test]
async fn locks_come_in_several_words() {
    let org = client(true).await;
    let mut said = Vec::new();
    for wording in LockWording::ALL {
        let fault = FaultKind::WrappedLock { one_in: 1, wording };
        org.simulator.add_fault(Fault::on("/sobjects", 1, fault));
        let record = contact(json!({ "LastName": "L" }));
        let (_, body) = org
            .write(Method::POST, "/composite/sobjects", vec![record])
            .await;
        said.push(body[0]["errors"][0]["message"].as_str().unwrap().to_owned());
    }
    said.dedup();
    assert_eq!(said.len(), LockWording::ALL.len());
    assert!(org.simulator.write_log().is_empty());
}
