//! Memberships in Ticketure: what the API makes, extends and refuses.

use super::*;

mod record_types;
mod refused;

/// 2026-03-15, half past ten.
const NOW_MS: i64 = 1_773_570_600_000;

struct Museum {
    org: Client,
    ada: String,
    grace: String,
}

/// A tenant with two people.
async fn museum() -> Museum {
    let clock = Clock(std::sync::Arc::new(|| NOW_MS));
    let org = client_with(|options| options.clock = clock).await;
    let person = |name: &str| {
        let identity = json!({ "last_name": name, "email": format!("{name}@example.org") });
        org.simulator.put_identity(row(identity))
    };
    let (ada, grace) = (person("ada"), person("grace"));
    Museum { org, ada, grace }
}

fn row(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// The first with what the second changes.
fn with(mut body: Value, more: Value) -> Value {
    body.as_object_mut().unwrap().extend(row(more));
    body
}

impl Museum {
    async fn api(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let body = body.to_string();
        let path = format!("/api/{path}");
        send(&self.org.simulator, method, &path, "k", &body).await
    }

    /// Ada's family membership of a year.
    fn family(&self) -> Value {
        json!({
            "level_name": "Family", "valid_from": "2026-03-01", "price_paid": "120.00",
            "primary_identity_id": self.ada,
            "members": [
                { "identity_id": self.ada, "role": "primary" },
                { "identity_id": self.grace, "role": "secondary" },
            ],
            "external_ref": "006000000000001AAA",
        })
    }

    async fn make(&self, asked: Value) -> Map<String, Value> {
        let (status, body) = self.api(Method::POST, "membership", asked).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert_eq!(body["membership"]["_count"], 1);
        row(body["membership"]["_data"][0].clone())
    }

    async fn extend(&self, id: &str, until: &str) -> (StatusCode, Value) {
        let path = format!("membership/{id}/extend");
        let body = json!({ "valid_until": until, "reason": "renewed", "external_ref": "006000000000002AAA" });
        self.api(Method::POST, &path, body).await
    }

    /// Status, code and what comes with it.
    async fn refused(&self, path: &str, asked: Value) -> (u16, String, Value) {
        let log = self.org.simulator.tenant_log().len();
        let answer = self.api(Method::POST, path, asked).await;
        let unchanged = self.org.simulator.tenant_log().len() == log;
        assert!(unchanged, "nothing is half done");
        assert!(self.org.simulator.take_webhooks().is_empty());
        refusal(answer)
    }
}

fn refusal((status, body): (StatusCode, Value)) -> (u16, String, Value) {
    let why = &body["_data"][0];
    let code = why["_code"].as_str().unwrap_or_default().to_owned();
    (status.as_u16(), code, why["_extra"].clone())
}

fn text(row: &Map<String, Value>, field: &str) -> String {
    row[field].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_membership_is_sold_with_a_cart_and_a_line() {
    let museum = museum().await;
    let simulator = &museum.org.simulator;
    let before = simulator.tenant_log().len();
    let made = museum.make(museum.family()).await;
    let id = text(&made, "id");
    for (field, expected) in [
        ("status", "active"),
        ("action", "new"),
        ("valid_until", "2027-02-28"),
        ("member_number", "M000001"),
        ("external_ref", "006000000000001AAA"),
    ] {
        assert_eq!(made[field], expected, "{field}");
    }
    assert_eq!(
        (&made["is_gift"], &made["auto_renew"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(made["members"].as_array().unwrap().len(), 2);
    let cart = simulator.rows("cart").remove(0);
    for (field, expected) in [
        ("id", &made["cart_id"]),
        ("identity_id", &json!(museum.ada)),
        ("status", &json!("checked_out")),
        ("total_outstanding", &json!("0.00")),
        ("channel_id", &json!("api")),
        ("external_ref", &made["external_ref"]),
    ] {
        assert_eq!(&cart[field], expected, "{field}");
    }
    assert!(text(&cart, "checked_out_at").starts_with("2026-03-15"));
    let line = simulator.rows("ticket_audit").remove(0);
    for (field, expected) in [
        ("action", &json!("purchased")),
        ("item_kind", &json!("membership")),
        ("membership_id", &made["id"]),
        ("cart_id", &made["cart_id"]),
        ("ticket_id", &made["ticket_id"]),
        ("price_paid", &json!("120.00")),
        ("ticket_type", &json!("Family")),
    ] {
        assert_eq!(&line[field], expected, "{field}");
    }
    assert!(
        simulator.rows("gateway_audit").is_empty(),
        "the money is somebody else's"
    );
    let log = simulator.tenant_log().split_off(before);
    let written: Vec<_> = log
        .iter()
        .map(|one| (one.object.as_str(), one.actor))
        .collect();
    let api = |object| (object, Actor::Api);
    assert_eq!(
        written,
        [api("membership"), api("cart"), api("ticket_audit")]
    );
    let webhooks = simulator.take_webhooks();
    let told: Vec<_> = webhooks
        .iter()
        .map(|one| one["event_type"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["membership_changed", "cart_changed", "ticket_audit"]);
    assert_eq!(
        webhooks[0]["data"]["membership"]["_data"][0]["id"],
        json!(id)
    );
    let (_, read) = museum
        .api(Method::GET, &format!("membership/{id}"), Value::Null)
        .await;
    assert_eq!(read["membership"]["_data"][0], Value::Object(made));
}

#[tokio::test]
async fn what_is_not_said_follows_from_the_rest() {
    let museum = museum().await;
    for (level, more, field, expected) in [
        (
            "A",
            json!({ "valid_from": "2026-03-15" }),
            "status",
            json!("active"),
        ),
        (
            "B",
            json!({ "valid_from": "2026-03-16" }),
            "status",
            json!("pending"),
        ),
        (
            "C",
            json!({ "valid_from": "2025-03-01" }),
            "status",
            json!("expired"),
        ),
        (
            "D",
            json!({ "valid_until": "2026-03-15" }),
            "status",
            json!("active"),
        ),
        (
            "E",
            json!({ "valid_until": "2026-12-31" }),
            "valid_until",
            json!("2026-12-31"),
        ),
        (
            "F",
            json!({ "valid_from": "2028-02-29" }),
            "valid_until",
            json!("2029-02-27"),
        ),
        (
            "G",
            json!({ "price_paid": null }),
            "price_paid",
            json!("0.00"),
        ),
        (
            "H",
            json!({ "member_number": "77" }),
            "member_number",
            json!("77"),
        ),
        (
            "I",
            json!({ "auto_renew": true }),
            "auto_renew",
            json!(true),
        ),
        (
            "J",
            json!({ "gift_giver_identity_id": museum.grace }),
            "is_gift",
            json!(true),
        ),
        (
            "K",
            json!({ "primary_identity_id": null }),
            "primary_identity_id",
            json!(museum.ada),
        ),
    ] {
        let asked = with(museum.family(), more);
        let asked = with(asked, json!({ "level_name": level, "external_ref": level }));
        let made = museum.make(asked).await;
        assert_eq!(made[field], expected, "{level}");
    }
    let given = museum.org.simulator.rows("cart");
    let given: Vec<_> = given
        .iter()
        .filter(|cart| cart["external_ref"] == "J")
        .collect();
    assert_eq!(
        given[0]["identity_id"],
        json!(museum.grace),
        "the giver buys"
    );
}

#[tokio::test]
async fn a_request_is_known_again_after_its_membership_was_renewed() {
    let museum = museum().await;
    let id = text(&museum.make(museum.family()).await, "id");
    let renewed = json!({
        "id": id, "action": "renewal", "valid_from": "2027-03-01", "valid_until": "2028-02-29",
    });
    museum.org.simulator.put_row("membership", row(renewed));
    let again = museum
        .api(Method::POST, "membership", museum.family())
        .await;
    let (status, _, extra) = refusal(again);
    assert_eq!((status, &extra["membership_id"]), (409, &json!(id)));
}

#[tokio::test]
async fn an_extension_moves_the_end_and_a_repeat_moves_nothing() {
    let museum = museum().await;
    let simulator = &museum.org.simulator;
    let made = museum.make(museum.family()).await;
    let id = text(&made, "id");
    simulator.take_webhooks();
    let (status, body) = museum.extend(&id, "2027-08-31").await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let extended = body["membership"]["_data"][0].clone();
    assert_eq!(extended["valid_until"], "2027-08-31");
    assert_eq!(extended["action"], "extension");
    assert!(text(&row(extended.clone()), "updated_at") > text(&made, "updated_at"));
    for field in [
        "valid_from",
        "external_ref",
        "cart_id",
        "status",
        "price_paid",
    ] {
        assert_eq!(extended[field], made[field], "{field}");
    }
    let webhooks = simulator.take_webhooks();
    assert_eq!(webhooks.len(), 1);
    assert_eq!(webhooks[0]["data"]["membership"]["_data"][0], extended);
    let written = simulator.tenant_log().pop().unwrap();
    assert_eq!(
        (written.actor, written.operation),
        (Actor::Api, Operation::Update)
    );
    assert_eq!(written.fields["external_ref"], "006000000000002AAA");
    let before = simulator.tenant_log().len();
    let (status, body) = museum.extend(&id, "2027-08-31").await;
    assert_eq!(
        (status, &body["membership"]["_data"][0]),
        (StatusCode::OK, &extended)
    );
    assert_eq!(simulator.tenant_log().len(), before);
    assert!(simulator.take_webhooks().is_empty());
}

#[tokio::test]
async fn an_extension_makes_an_expired_membership_an_active_one() {
    let museum = museum().await;
    let past = with(museum.family(), json!({ "valid_from": "2025-03-01" }));
    let made = museum.make(past).await;
    assert_eq!(made["status"], "expired");
    let (_, body) = museum.extend(&text(&made, "id"), "2026-04-30").await;
    assert_eq!(body["membership"]["_data"][0]["status"], "active");
}

#[tokio::test]
async fn dates_are_not_edited_and_people_put_what_they_like() {
    let museum = museum().await;
    let simulator = &museum.org.simulator;
    let id = text(&museum.make(museum.family()).await, "id");
    let change = json!({ "valid_from": "2026-01-01" });
    let path = format!("membership/{id}");
    let found = refusal(museum.api(Method::PATCH, &path, change).await);
    assert_eq!(found, (405, "not_supported".to_owned(), json!({})));
    let put = row(json!({ "primary_identity_id": museum.ada, "valid_from": "2026-03-01" }));
    let put = simulator.put_row("membership", put);
    let row = simulator
        .rows("membership")
        .into_iter()
        .find(|row| row["id"] == json!(put));
    let row = row.unwrap();
    assert!(
        row["updated_at"].is_string() && !row.contains_key("occurred_at"),
        "{row:?}"
    );
    let envelope = simulator.row_webhook("membership", &put).unwrap();
    assert_eq!(envelope["event_type"], "membership_changed");
    assert_eq!(envelope["occurred_at"], row["updated_at"]);
    let since = text(&row, "updated_at");
    for (query, expected) in [
        (format!("id._in={put},nothing"), 1),
        (format!("updated_at._gte={since}"), 1),
        (format!("primary_identity_id._in={}", museum.ada), 2),
    ] {
        let path = format!("membership?{query}");
        let (_, body) = museum.api(Method::GET, &path, Value::Null).await;
        assert_eq!(body["membership"]["_count"], expected, "{query}");
    }
    simulator.end_identity(&museum.ada, Some(&museum.grace));
    let still = simulator.rows("membership");
    assert!(
        still
            .iter()
            .all(|row| row["primary_identity_id"] == json!(museum.ada)),
        "rows stay"
    );
}
