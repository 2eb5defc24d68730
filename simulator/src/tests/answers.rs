//! Values as the org stores them, and answers of an org that is not itself.

use super::*;

#[tokio::test]
async fn mail_addresses_come_back_in_lower_case_and_texts_trimmed() {
    let org = client(true).await;
    let ada = json!({ "LastName": "  Lovelace ", "Email": " Ada@Example.ORG" });
    org.create(ada).await;
    let found = org.simulator.records("Contact").remove(0);
    assert_eq!(found["LastName"], "Lovelace");
    assert_eq!(found["Email"], "ada@example.org");
    let (_, body) = org
        .query("SELECT Email FROM Contact WHERE Email = 'ADA@example.org'")
        .await;
    assert_eq!(body["records"][0]["Email"], "ada@example.org");
}

#[tokio::test]
async fn an_org_that_moved_names_its_address() {
    let org = client(true).await;
    let to = "https://example.my.salesforce.com".to_owned();
    let moved = FaultKind::Moved {
        status: 302,
        to: to.clone(),
    };
    org.simulator.add_fault(Fault::on("/limits", 1, moved));
    let request = Request::get("http://simulator/services/data/v67.0/limits")
        .header("authorization", format!("Bearer {}", org.token))
        .body(Bytes::new())
        .unwrap();
    let answer = org.simulator.call(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::FOUND);
    assert_eq!(answer.headers()["location"], to.as_str());
}

#[tokio::test]
async fn a_session_may_end_with_403() {
    let org = client(true).await;
    let fault = Fault::on("/limits", 1, FaultKind::SessionForbidden);
    org.simulator.add_fault(fault);
    let (status, body) = org.call(Method::GET, "/limits", Value::Null).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(body[0]["errorCode"], "INVALID_SESSION_ID");
    let (status, _) = org.call(Method::GET, "/limits", Value::Null).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn something_else_answers_in_the_place_of_the_org() {
    let org = client(true).await;
    for status in [200, 404, 420] {
        let fault = Fault::on("/limits", 1, FaultKind::Page { status });
        org.simulator.add_fault(fault);
        let (answered, body) = org.call(Method::GET, "/limits", Value::Null).await;
        assert_eq!((answered.as_u16(), body), (status, Value::Null));
    }
}
