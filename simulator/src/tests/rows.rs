//! What Ticketure keeps beside identities: organizations, carts and audits.

use super::*;

fn row(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

async fn api(org: &Client, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let body = body.to_string();
    send(&org.simulator, method, &format!("/api/{path}"), "k", &body).await
}

#[tokio::test]
async fn carts_and_audits_are_kept_read_and_announced() {
    let org = client(true).await;
    for (entity, webhook) in [
        ("cart", "cart_changed"),
        ("ticket_audit", "ticket_audit"),
        ("gateway_audit", "gateway_audit"),
    ] {
        let id = org.simulator.put_row(
            entity,
            row(json!({ "cart_id": "c-1", "fees": { "inside": "1" } })),
        );
        let change = json!({ "id": id, "fees": { "outside": "2" } });
        assert_eq!(org.simulator.put_row(entity, row(change)), id);
        let (_, body) = api(&org, Method::GET, &format!("{entity}/{id}"), Value::Null).await;
        let fees = json!({ "inside": "1", "outside": "2" });
        assert_eq!(body[entity]["_data"][0]["fees"], fees);
        let (_, body) = api(
            &org,
            Method::GET,
            &format!("{entity}?cart_id._in=c-1,c-2"),
            Value::Null,
        )
        .await;
        assert_eq!(body[entity]["_count"], 1);
        let envelope = org.simulator.row_webhook(entity, &id).unwrap();
        assert_eq!(envelope["event_type"], webhook);
        assert_eq!(envelope["data"][entity]["_data"][0]["id"], json!(id));
        assert!(envelope["occurred_at"].is_string(), "{envelope}");
    }
    let (status, _) = api(&org, Method::GET, "membership/m-1", Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, _) = api(&org, Method::POST, "cart", json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "carts are made by selling");
}

#[tokio::test]
async fn an_organization_is_an_identity_of_that_type() {
    let org = client(true).await;
    let (_, made) = api(
        &org,
        Method::POST,
        "organization",
        json!({ "name": "Hill School" }),
    )
    .await;
    let id = made["organization"]["_data"][0]["id"].as_str().unwrap();
    assert_eq!(
        made["identity"]["_data"][0]["identity_type"],
        "organization"
    );
    let (status, again) = api(
        &org,
        Method::POST,
        "organization",
        json!({ "name": " hill school" }),
    )
    .await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(again["_data"][0]["_extra"]["organization_id"], json!(id));
    let (_, changed) = api(
        &org,
        Method::PATCH,
        &format!("organization/{id}"),
        json!({ "phone": "1" }),
    )
    .await;
    assert_eq!(changed["organization"]["_data"][0]["phone"], "1");
    let person = org
        .simulator
        .put_identity(row(json!({ "last_name": "Ada" })));
    let (status, _) = api(
        &org,
        Method::PATCH,
        &format!("organization/{person}"),
        json!({}),
    )
    .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let envelope = org.simulator.row_webhook("organization", id).unwrap();
    assert_eq!(envelope["event_type"], "organization_changed");
    let told = &envelope["data"]["organization"]["_data"][0];
    assert_eq!(
        (&told["name"], &told["identity_type"]),
        (&json!("Hill School"), &Value::Null)
    );
    let other = org
        .simulator
        .put_row("organization", row(json!({ "name": "Bank" })));
    assert_eq!(org.simulator.rows("organization").len(), 2);
    org.simulator.end_identity(&other, Some(id));
    assert_eq!(org.simulator.rows("organization").len(), 1);
    let envelope = org.simulator.row_webhook("organization", &other).unwrap();
    assert_eq!(
        envelope["data"]["organization"]["_data"][0]["merged_into_id"],
        json!(id)
    );
}
