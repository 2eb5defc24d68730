//! Pages of queries, and the locators that lead from one to the next.

use super::*;

const QUERY: &str = "/query?q=SELECT+Id+FROM+Contact";

async fn with_five_contacts() -> Client {
    let org = client(false).await;
    let record = json!({ "attributes": { "type": "Contact" }, "LastName": "L" });
    let records = vec![record; 5];
    let (status, _) = org
        .call(
            Method::POST,
            "/composite/sobjects",
            json!({ "records": records }),
        )
        .await;
    assert_eq!(status, StatusCode::OK);
    let rows = FaultKind::SmallPages { rows: 2 };
    org.simulator.add_fault(Fault::always(rows));
    org
}

impl Client {
    async fn next(&self, page: &Value) -> (StatusCode, Value) {
        let path = page["nextRecordsUrl"].as_str().unwrap();
        send(&self.simulator, Method::GET, path, &self.token, "").await
    }
}

#[tokio::test]
async fn pages_may_be_small() {
    let org = with_five_contacts().await;
    for start in ["/query", "/queryAll"] {
        let path = QUERY.replace("/query", start);
        let (_, first) = org.call(Method::GET, &path, Value::Null).await;
        assert_eq!(
            (&first["totalSize"], &first["done"]),
            (&json!(5), &json!(false))
        );
        let (_, second) = org.next(&first).await;
        let (_, last) = org.next(&second).await;
        // An answer that was lost can be asked for again.
        assert_eq!(org.next(&second).await.1, last);
        assert_eq!(
            (&last["totalSize"], &last["done"]),
            (&json!(5), &json!(true))
        );
        assert!(last.get("nextRecordsUrl").is_none());
        let pages = [first, second, last];
        let ids = pages
            .iter()
            .flat_map(|page| page["records"].as_array().unwrap());
        let ids: std::collections::BTreeSet<_> = ids.map(|row| row["Id"].to_string()).collect();
        assert_eq!(ids.len(), 5);
    }
}

#[tokio::test]
async fn a_client_may_ask_for_smaller_pages() {
    let org = client(false).await;
    let record = json!({ "attributes": { "type": "Contact" }, "LastName": "L" });
    for _ in 0..2 {
        let records = json!({ "records": vec![record.clone(); 150] });
        org.call(Method::POST, "/composite/sobjects", records).await;
    }
    let request = Request::get(format!("http://simulator/services/data/v67.0{QUERY}"))
        .header("authorization", format!("Bearer {}", org.token))
        .header("sforce-query-options", "batchSize=200")
        .body(Bytes::new())
        .unwrap();
    let answer = org.simulator.call(request).await.unwrap();
    let page: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(page["records"].as_array().unwrap().len(), 200);
    assert_eq!(
        org.next(&page).await.1["records"].as_array().unwrap().len(),
        100
    );
}

#[tokio::test]
async fn an_org_says_whether_it_is_a_sandbox() {
    let org = client(true).await;
    for is_sandbox in [true, false] {
        org.simulator.set_sandbox(is_sandbox);
        let (_, body) = org.query("SELECT Id, IsSandbox FROM Organization").await;
        assert_eq!(body["records"][0]["IsSandbox"], is_sandbox);
    }
}

#[tokio::test]
async fn a_locator_ends_with_its_session() {
    let mut org = with_five_contacts().await;
    let (_, first) = org.call(Method::GET, QUERY, Value::Null).await;
    let ends = FaultKind::ExpireSessions;
    org.simulator.add_fault(Fault::on("/query", 1, ends));
    assert_eq!(org.next(&first).await.0, StatusCode::UNAUTHORIZED);
    let form = "grant_type=client_credentials&client_id=a&client_secret=b";
    let path = "/services/oauth2/token";
    let (_, body) = send(&org.simulator, Method::POST, path, "", form).await;
    org.token = body["access_token"].as_str().unwrap().to_owned();
    let (status, body) = org.next(&first).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(body[0]["errorCode"], "INVALID_QUERY_LOCATOR");
}

#[tokio::test]
async fn a_user_has_ten_locators() {
    let org = with_five_contacts().await;
    let (_, oldest) = org.call(Method::GET, QUERY, Value::Null).await;
    for _ in 0..9 {
        org.call(Method::GET, QUERY, Value::Null).await;
    }
    assert_eq!(org.next(&oldest).await.0, StatusCode::OK);
    org.call(Method::GET, QUERY, Value::Null).await;
    assert_eq!(org.next(&oldest).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_rule_ends_locators() {
    let org = with_five_contacts().await;
    let (_, first) = org.call(Method::GET, QUERY, Value::Null).await;
    org.simulator
        .add_fault(Fault::on("/query/", 1, FaultKind::LocatorsEnd));
    assert_eq!(org.next(&first).await.0, StatusCode::BAD_REQUEST);
}
