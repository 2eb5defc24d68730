//! What the API does not sell and does not extend, and what is not in the way.

use super::*;

#[tokio::test]
async fn what_cannot_be_sold_is_refused_with_its_reason() {
    let museum = museum().await;
    let id = text(&museum.make(museum.family()).await, "id");
    museum.org.simulator.take_webhooks();
    museum.org.simulator.set_levels(&["Family", "Patron"]);
    let gone = museum
        .org
        .simulator
        .put_identity(row(json!({ "last_name": "gone" })));
    museum.org.simulator.end_identity(&gone, None);
    let term =
        json!({ "membership_id": id, "valid_from": "2026-03-01", "valid_until": "2027-02-28" });
    let other = json!({ "external_ref": "006000000000009AAA" });
    let none = json!({});
    for (more, status, code, extra) in [
        (json!({}), 409, "conflict", json!({ "membership_id": id })),
        (other.clone(), 422, "overlapping_term", term.clone()),
        (
            json!({ "external_ref": null }),
            422,
            "overlapping_term",
            term.clone(),
        ),
        (
            json!({ "valid_from": "2027-02-28" }),
            422,
            "overlapping_term",
            term.clone(),
        ),
        (
            json!({ "valid_from": "2025-06-01", "valid_until": "2026-03-01" }),
            422,
            "overlapping_term",
            term,
        ),
        (
            json!({ "valid_from": null }),
            422,
            "invalid_dates",
            none.clone(),
        ),
        (
            json!({ "valid_from": "soon" }),
            422,
            "invalid_dates",
            none.clone(),
        ),
        (
            json!({ "valid_until": "2026-02-28" }),
            422,
            "invalid_dates",
            none.clone(),
        ),
        (
            json!({ "valid_until": "2026-02-30" }),
            422,
            "invalid_dates",
            none,
        ),
        (
            with(other.clone(), json!({ "level_name": "Gold" })),
            422,
            "unknown_level",
            json!({ "level_name": "Gold" }),
        ),
        (
            with(other.clone(), json!({ "level_name": null })),
            422,
            "unknown_level",
            json!({ "level_name": null }),
        ),
        (
            with(other.clone(), json!({ "primary_identity_id": "nobody" })),
            422,
            "unknown_identity",
            json!({ "identity_id": "nobody" }),
        ),
        (
            with(other.clone(), json!({ "gift_giver_identity_id": gone })),
            422,
            "unknown_identity",
            json!({ "identity_id": gone }),
        ),
        (
            with(
                other,
                json!({ "members": [{ "identity_id": "child", "role": "child" }] }),
            ),
            422,
            "unknown_identity",
            json!({ "identity_id": "child" }),
        ),
    ] {
        let asked = with(museum.family(), more);
        let found = museum.refused("membership", asked.clone()).await;
        assert_eq!(found, (status, code.to_owned(), extra), "{asked}");
    }
    let (status, body) = museum.api(Method::POST, "membership", json!([])).await;
    assert_eq!(refusal((status, body)).0, 400);
}

#[tokio::test]
async fn terms_of_others_of_other_levels_and_of_cancelled_ones_are_not_in_the_way() {
    let museum = museum().await;
    let first = text(&museum.make(museum.family()).await, "id");
    let term = |more| with(with(museum.family(), json!({ "external_ref": null })), more);
    museum.make(term(json!({ "level_name": "Patron" }))).await;
    museum
        .make(term(json!({ "primary_identity_id": museum.grace })))
        .await;
    museum
        .make(term(json!({ "valid_from": "2027-03-01" })))
        .await;
    let cancel = json!({ "id": first, "status": "cancelled", "action": "cancel" });
    museum.org.simulator.put_row("membership", row(cancel));
    let again = museum.make(term(json!({}))).await;
    assert_ne!(text(&again, "id"), first);
    assert_eq!(museum.org.simulator.rows("membership").len(), 5);
}

#[tokio::test]
async fn what_cannot_be_extended_is_refused_with_its_reason() {
    let museum = museum().await;
    let first = text(&museum.make(museum.family()).await, "id");
    let next = with(museum.family(), json!({ "valid_from": "2027-06-01" }));
    let next = text(&museum.make(next).await, "id");
    let patron = with(
        museum.family(),
        json!({ "level_name": "Patron", "external_ref": null }),
    );
    let cancelled = text(&museum.make(patron).await, "id");
    let cancel = json!({ "id": cancelled, "status": "cancelled" });
    museum.org.simulator.put_row("membership", row(cancel));
    museum.org.simulator.take_webhooks();
    let in_the_way =
        json!({ "membership_id": next, "valid_from": "2027-06-01", "valid_until": "2028-05-31" });
    for (id, until, status, code, extra) in [
        (
            &first,
            json!("2027-06-01"),
            422,
            "overlapping_term",
            in_the_way,
        ),
        (
            &first,
            json!("2027-02-27"),
            422,
            "not_later",
            json!({ "valid_until": "2027-02-28" }),
        ),
        (&first, json!("later"), 422, "invalid_dates", json!({})),
        (&first, json!(null), 422, "invalid_dates", json!({})),
        (&cancelled, json!("2028-01-01"), 422, "cancelled", json!({})),
        (
            &"nothing".to_owned(),
            json!("2028-01-01"),
            404,
            "not_found",
            json!({}),
        ),
    ] {
        let path = format!("membership/{id}/extend");
        let asked = json!({ "valid_until": until });
        let found = museum.refused(&path, asked.clone()).await;
        assert_eq!(found, (status, code.to_owned(), extra), "{asked}");
    }
    let (status, _) = museum.extend(&first, "2027-05-31").await;
    assert_eq!(status, StatusCode::OK, "the day before the next term");
}
