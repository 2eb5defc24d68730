//! What `usher explain` says of a membership, by whatever id it is asked for.

use std::sync::Arc;

use runtime::queue::{Link, NewItem, Store, StoreOptions, TreeRecord, TreeRow};
use serde_json::{Value, json};

use super::{explain, text};

const FIRST: &str = "006000000000001AAA";
const SECOND: &str = "006000000000002AAA";

fn row(root: &str, row: Value) -> TreeRow {
    TreeRow {
        tree: "membership".to_owned(),
        root: root.to_owned(),
        payload_type: "membership_changed".to_owned(),
        id: row["updated_at"].to_string(),
        arrived: 0,
        row: row.to_string(),
        subject: None,
    }
}

fn link(mapping: &str, source_id: &str, destination_id: &str) -> Link {
    Link {
        mapping: mapping.to_owned(),
        source_id: source_id.to_owned(),
        destination_id: destination_id.to_owned(),
        base: "{}".to_owned(),
        ..Link::default()
    }
}

/// A membership that was bought in a cart, extended, and renewed under another id without one.
async fn told() -> Store {
    let store = Store::in_memory(StoreOptions::default(), Arc::new(|| 1_800_000_000_000)).unwrap();
    let members = json!([{ "identity_id": "i-1", "role": "primary" }, { "identity_id": "i-2", "role": "child" }]);
    let bought = json!({
        "id": "m-1", "member_number": "M100", "action": "new", "level_name": "Family", "status": "active", "valid_from": "2026-03-01",
        "valid_until": "2027-02-28", "cart_id": "c-1", "members": members, "updated_at": "2026-03-01T18:00:00Z",
    });
    let mut extended = bought.clone();
    extended["action"] = json!("extension");
    extended["valid_until"] = json!("2027-05-31");
    extended["updated_at"] = json!("2026-06-01T18:00:00Z");
    let renewed = json!({
        "id": "m-2", "previous_membership_id": "m-1", "action": "renewal", "level_name": "Dual", "status": "pending",
        "valid_from": "2027-06-01", "valid_until": "2028-05-31", "updated_at": "2027-05-01T18:00:00Z",
    });
    let other = json!({ "id": "m-10", "action": "new", "valid_from": "2026-01-01", "updated_at": "2026-01-01T18:00:00Z" });
    let rows = vec![
        row("m-1:2026-03-01", extended),
        row("m-1:2026-03-01", bought),
        row("m-2:2027-06-01", renewed),
        row("m-10:2026-01-01", other),
    ];
    store.keep_rows(rows).await.unwrap();
    let role = |identity: &str, id: &str| TreeRecord {
        tree: "membership".to_owned(),
        root: "m-1:2026-03-01".to_owned(),
        mapping: "member_role".to_owned(),
        key: format!("m-1:{identity}"),
        destination_id: id.to_owned(),
        base: "{}".to_owned(),
    };
    let roles = vec![role("i-1", "there"), role("i-2", "00K000000000001AAA")];
    store.keep_records(roles).await.unwrap();
    let links = vec![
        link("membership", "m-1:2026-03-01", FIRST),
        link("cart", "c-1", FIRST),
    ];
    store.put_links(links).await.unwrap();
    let waits = NewItem {
        mapping: Some("membership".to_owned()),
        payload_type: "membership_changed".to_owned(),
        lane: "m-2:2027-06-01".to_owned(),
        key: "m-2:2027-06-01".to_owned(),
        payload: "{}".to_owned(),
        ..NewItem::default()
    };
    store.enqueue(vec![waits]).await.unwrap();
    store
}

#[tokio::test]
async fn a_membership_is_told_over_all_its_opportunities() {
    let store = told().await;
    let explained = explain(&store, "m-1", &crate::settings::defaults())
        .await
        .unwrap();
    let all: Vec<&str> = explained
        .memberships
        .iter()
        .map(|membership| membership.ticketure_id.as_str())
        .collect();
    assert_eq!(
        all,
        ["m-1", "m-2"],
        "the renewal is of the story, m-10 is not"
    );
    let term = &explained.memberships[0].terms[0];
    assert_eq!(term.until.as_deref(), Some("2027-05-31"));
    assert_eq!(term.salesforce_id.as_deref(), Some(FIRST));
    assert_eq!(term.shared_with.as_deref(), Some("cart c-1"));
    let heard: Vec<&str> = term
        .heard
        .iter()
        .map(|heard| heard.action.as_str())
        .collect();
    assert_eq!(heard, ["new", "extension"]);
    let renewed = &explained.memberships[1].terms[0];
    assert_eq!(
        (renewed.salesforce_id.as_deref(), renewed.items.len()),
        (None, 1)
    );
    let shown = text(&explained);
    for part in [
        "membership  Ticketure m-1  number M100",
        "2026-03-01 to 2027-05-31  Family  active  Salesforce 006000000000001AAA, that of cart c-1",
        "a role that was there",
        "role 00K000000000001AAA",
        "membership  Ticketure m-2  after m-1",
        "not in Salesforce",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
}

#[tokio::test]
async fn it_is_found_by_a_term_an_opportunity_a_cart_and_a_member() {
    let store = told().await;
    for id in ["m-2", "m-1:2026-03-01", FIRST, "c-1", "i-2"] {
        let explained = explain(&store, id, &crate::settings::defaults())
            .await
            .unwrap();
        assert_eq!(explained.memberships.len(), 2, "{id}");
        assert!(
            explained
                .trees
                .iter()
                .all(|tree| tree.mapping != "membership"),
            "{id}"
        );
    }
    for id in ["m-3", "m", SECOND] {
        let explained = explain(&store, id, &crate::settings::defaults())
            .await
            .unwrap();
        assert!(explained.memberships.is_empty(), "{id}");
    }
    assert_eq!(
        explain(&store, "m-10", &crate::settings::defaults())
            .await
            .unwrap()
            .memberships
            .len(),
        1
    );
}

#[tokio::test]
async fn what_waits_or_failed_is_shown_of_a_cart_and_of_a_record_that_never_went() {
    let store = told().await;
    let dead = |mapping: &str, key: &str| NewItem {
        mapping: Some(mapping.to_owned()),
        payload_type: "ticket_audit".to_owned(),
        lane: key.to_owned(),
        key: key.to_owned(),
        payload: "{}".to_owned(),
        reason: Some("price is no number".to_owned()),
        ..NewItem::default()
    };
    let items = vec![dead("cart", "c-7"), dead("contact", "i-9")];
    store.enqueue(items).await.unwrap();
    let cart = TreeRow {
        tree: "cart".to_owned(),
        ..row("c-7", json!({ "id": "c-7", "updated_at": "2026-03-01" }))
    };
    store.keep_rows(vec![cart]).await.unwrap();
    for id in ["c-7", "i-9"] {
        let shown = text(
            &explain(&store, id, &crate::settings::defaults())
                .await
                .unwrap(),
        );
        assert!(
            shown.contains("is in the error log since 2027-01-15"),
            "{shown}"
        );
        assert!(shown.contains("price is no number"), "{shown}");
    }
}

#[tokio::test]
async fn a_person_is_told_their_carts_and_open_items_whatever_became_of_them() {
    let store = told().await;
    let cart = |id: &str, row_of: Value| TreeRow {
        tree: "cart".to_owned(),
        ..row(id, row_of)
    };
    let rows = vec![
        cart("c-1", json!({ "id": "c-1", "identity_id": "i-2" })),
        cart(
            "c-8",
            json!({ "id": "a-1", "ticket_id": "t-1", "identity_id": "i-2" }),
        ),
        cart("c-9", json!({ "id": "c-9", "note": "i-2" })),
    ];
    store.keep_rows(rows).await.unwrap();
    let failed = |key: &str| NewItem {
        mapping: Some("contact".to_owned()),
        payload_type: "identity_changed".to_owned(),
        lane: key.to_owned(),
        key: key.to_owned(),
        payload: "{}".to_owned(),
        reason: Some(format!("{key} does not fit")),
        ..NewItem::default()
    };
    store
        .enqueue(vec![failed("i-2"), failed("c-8")])
        .await
        .unwrap();
    let shown = |id: &'static str| {
        let store = store.clone();
        async move {
            let explained = explain(&store, id, &crate::settings::defaults()).await;
            text(&explained.unwrap())
        }
    };
    for part in [
        "buyer          of cart c-1",
        "opportunity 006000000000001AAA",
        "ticket holder  of cart c-8",
        "opportunity none yet",
        "i-2 does not fit",
        "c-8 does not fit",
        "membership  Ticketure m-1",
    ] {
        let shown = shown("i-2").await;
        assert!(shown.contains(part), "{part} is not in\n{shown}");
        assert!(!shown.contains("c-9"), "{shown}");
    }
    let contact = "003000000000001AAA";
    let pair = link("contact", "i-2", contact);
    store.put_links(vec![pair]).await.unwrap();
    for id in [contact, "i-2"] {
        let shown = shown(id).await;
        assert!(shown.contains("of cart c-8"), "{shown}");
        assert!(shown.contains("membership  Ticketure m-1"), "{shown}");
        assert_eq!(shown.matches("i-2 does not fit").count(), 1, "{shown}");
    }
}
