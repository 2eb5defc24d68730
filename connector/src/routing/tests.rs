//! Webhooks and their items, with the shipped mappings.

use super::taking::Stranger;
use super::*;
use runtime::queue::{ErrorRecord, Word};
use serde_json::json;

fn routed(body: &Value) -> Result<Vec<NewItem>, Refusal> {
    route(&crate::handlers::all(), body.to_string().as_bytes())
}

fn payload(row: Value) -> Value {
    json!({ "event_type": "identity_changed", "event_id": "e-1", "data": { "identity": { "_data": [row] } } })
}

#[test]
fn a_row_goes_to_the_mapping_whose_condition_holds() {
    for (kind, mapping) in [("person", "contact"), ("organization", "account")] {
        let items = routed(&payload(json!({ "id": "i-1", "identity_type": kind }))).unwrap();
        assert_eq!(items[0].mapping.as_deref(), Some(mapping));
        assert_eq!(items[0].key, "i-1");
        let delivery = items[0].dedupe.as_deref().unwrap();
        assert!(
            delivery.starts_with("identity_changed e-1#0 "),
            "{delivery}"
        );
    }
}

#[test]
fn a_row_is_kept_as_it_was_sent() {
    let row = r#"{ "name": "Ada \u00e9", "identity_type" : "person", "id":7, "x": 1.50 }"#;
    let body = format!(
        r#"{{"data": {{"identity": {{"_data": [{row}]}}}}, "event_id": 12, "event_type": "identity_changed"}}"#
    );
    let items = route(&crate::handlers::all(), body.as_bytes()).unwrap();
    assert_eq!(items[0].payload, row);
    assert_eq!(items[0].key, "7");
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let body = format!(
        "\u{feff}{}",
        payload(json!({ "id": "i-1", "identity_type": "person" }))
    );
    let items = route(&crate::handlers::all(), body.as_bytes()).unwrap();
    assert_eq!(items[0].key, "i-1");
}

#[test]
fn one_or_many_or_an_envelope() {
    let one = payload(json!({ "id": "i-1", "identity_type": "person" }));
    assert_eq!(routed(&one).unwrap().len(), 1);
    assert_eq!(routed(&json!([one, one])).unwrap().len(), 2);
    assert_eq!(
        routed(&json!({ "_data": [one, one, one] })).unwrap().len(),
        3
    );
    assert_eq!(routed(&json!([])).unwrap().len(), 0);
}

#[test]
fn what_does_not_fit_is_kept_with_a_reason() {
    for body in [
        json!({ "event_type": "never_heard_of", "event_id": "e" }),
        json!({ "event_type": "identity_changed" }),
        payload(json!({ "id": "i-1", "identity_type": "robot" })),
        payload(json!({ "identity_type": "person" })),
    ] {
        let items = routed(&body).unwrap();
        assert!(items[0].reason.is_some(), "{body}");
    }
}

#[test]
fn what_is_no_json_is_refused_and_any_json_is_kept() {
    assert!(matches!(
        route(&crate::handlers::all(), b"{\"event_type\":"),
        Err(Refusal::NotJson { line: 1, .. })
    ));
    for body in [
        &b"[1"[..],
        b"{\"event_id\":\"\xff\"}",
        b"",
        b"{} {}",
        b"[{}]]",
    ] {
        let refused = route(&crate::handlers::all(), body);
        assert!(
            matches!(refused, Err(Refusal::NotJson { .. })),
            "{refused:?}"
        );
    }
    for body in [json!("text"), json!(1), json!({ "_data": {} })] {
        let items = routed(&body).unwrap();
        assert_eq!(items.len(), 1);
        assert!(items[0].reason.is_some(), "{body}");
    }
}

#[test]
fn one_odd_payload_of_a_list_is_kept_beside_the_others() {
    let good = payload(json!({ "id": "i-1", "identity_type": "person" }));
    let items = routed(&json!([good, { "event_id": "x" }, 5])).unwrap();
    let reasons: Vec<bool> = items.iter().map(|item| item.reason.is_some()).collect();
    assert_eq!(reasons, [false, true, true]);
    assert_eq!(items[1].payload, r#"{"event_id":"x"}"#);
}

#[test]
fn a_delivery_is_known_by_its_type_its_id_and_its_content() {
    let person =
        |name: &str| payload(json!({ "id": "i-1", "identity_type": "person", "last_name": name }));
    let delivery = |body: &Value| routed(body).unwrap().remove(0).dedupe.unwrap();
    assert_eq!(delivery(&person("Lovelace")), delivery(&person("Lovelace")));
    assert_ne!(delivery(&person("Lovelace")), delivery(&person("King")));
    let cart = json!({ "event_type": "cart_changed", "event_id": "e-1", "data": { "cart": { "_data": [{ "id": "i-1" }] } } });
    assert_ne!(delivery(&cart), delivery(&person("Lovelace")));
    assert_ne!(
        delivery(&json!({ "event_type": "a", "event_id": "e-1" })),
        delivery(&json!({ "event_type": "b", "event_id": "e-1" }))
    );
}

fn rows(event: &str, entity: &str, rows: Value) -> Vec<NewItem> {
    routed(&json!({
        "event_type": event, "event_id": "e-1", "occurred_at": "2026-03-01T18:00:00Z",
        "data": { entity: { "_data": rows } }
    }))
    .unwrap()
}

fn ticket(row: Value) -> NewItem {
    rows("ticket_audit", "ticket_audit", json!([row])).remove(0)
}

fn error_of(item: &NewItem) -> &ErrorRecord {
    match &item.word {
        Word::Unknown { error, .. } => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_word_that_no_mapping_knows_is_named_with_its_row_and_its_cart() {
    let row = |id: &str, action: &str| json!({ "id": id, "action": action, "cart_id": "c-1", "ticket_id": "t-1", "item_kind": "admission" });
    let item = ticket(row("a-5", "Exchanged"));
    assert_eq!((item.mapping.as_deref(), item.lane.as_str()), (None, "c-1"));
    assert_eq!(item.at_ms, Some(1_772_388_000_000));
    let error = error_of(&item);
    assert_eq!(error.code, "unknown_word");
    assert_eq!(
        error.message,
        "ticket_audit: action is \"Exchanged\" in a-5 (cart_id c-1), a word that no mapping knows"
    );
    assert_eq!(error.mapping_line.as_deref(), Some("mappings/ticket.yaml"));
    let other = ticket(row("a-6", " exchanged "));
    assert_eq!(error.group, error_of(&other).group, "one word is one line");
    let taken = ticket(row("a-7", " PURCHASED"));
    assert_eq!(
        (taken.mapping.as_deref(), taken.word),
        (Some("cart"), Word::Unasked)
    );
}

#[test]
fn a_row_of_a_tree_that_leaves_its_word_out_has_none_that_is_unknown() {
    for silent in [
        json!({}),
        json!({ "action": null }),
        json!({ "action": "" }),
    ] {
        let mut row =
            json!({ "id": "a-1", "cart_id": "c-1", "ticket_id": "t-1", "item_kind": "admission" });
        row.as_object_mut()
            .unwrap()
            .extend(silent.as_object().unwrap().clone());
        let item = ticket(row);
        assert_eq!((item.mapping.as_deref(), item.reason), (Some("cart"), None));
        assert_eq!(item.word, Word::Unasked);
    }
}

#[test]
fn a_pair_knows_its_word_or_its_error_says_so() {
    let identity = |row: Value| rows("identity_changed", "identity", json!([row])).remove(0);
    let known = identity(json!({ "id": "i-1", "identity_type": "person" }));
    assert_eq!(
        (known.word, known.at_ms),
        (Word::Known, Some(1_772_388_000_000))
    );
    let robot = identity(json!({ "id": "i-1", "identity_type": "robot" }));
    assert_eq!(
        (robot.mapping.as_deref(), robot.key.as_str()),
        (None, "i-1")
    );
    assert!(
        error_of(&robot)
            .message
            .contains("identity_type is \"robot\" in i-1,")
    );
    let silent = identity(json!({ "id": "i-1" }));
    let error = error_of(&silent);
    assert_eq!(
        (error.code.as_str(), error.group.as_deref()),
        ("unknown", None)
    );
    assert!(
        error.message.contains("i-1 does not say identity_type"),
        "{}",
        error.message
    );
}

#[test]
fn a_word_that_is_personal_data_is_not_shown() {
    let handlers = crate::handlers::all();
    let mut each = handlers.iter();
    let handler = each.find(|handler| handler.payload_type() == "identity_changed");
    let handler = handler.unwrap().as_ref();
    let error = |path: Path, word: &str| {
        Stranger {
            payload_type: "identity_changed",
            path,
            word: Some(json!(word)),
            id: Some("i-1".to_owned()),
            root: None,
            tree: None,
        }
        .error(handler, handler.mappings()[0])
    };
    let hidden = error(&["email"], "ada@example.org");
    assert!(!format!("{hidden:?}").contains("ada@"), "{hidden:?}");
    assert!(error(&["language"], "en").message.contains("\"en\""));
}

#[test]
fn an_item_that_was_sent_back_is_routed_by_itself() {
    let handlers = crate::handlers::all();
    let row = |kind: &str| json!({ "id": "i-1", "identity_type": kind }).to_string();
    let item = of_row_alone(&handlers, "identity_changed", &row("person")).unwrap();
    assert_eq!(
        (item.mapping.as_deref(), item.reason),
        (Some("contact"), None)
    );
    let item = of_row_alone(&handlers, "identity_changed", &row("robot")).unwrap();
    assert!(matches!(item.word, Word::Unknown { .. }));
    assert!(of_row_alone(&handlers, "never_heard_of", "{}").is_none());
}

#[test]
fn a_word_that_is_nothing_is_no_error() {
    let payment = |action: &str| {
        let row = json!([{ "id": "g-1", "cart_id": "c-1", "action": action }]);
        rows("gateway_audit", "gateway_audit", row).remove(0)
    };
    for action in ["authorize", " Decline "] {
        let item = payment(action);
        assert_eq!((item.word, item.reason), (Word::Nothing, None));
    }
    assert_eq!(error_of(&payment("capture")).code, "unknown_word");
    let cart = |row: Value| rows("cart_changed", "cart", json!([row])).remove(0);
    let open = cart(json!({ "id": "c-1", "status": "open" }));
    assert_eq!(open.word, Word::Nothing);
    let known = cart(json!({ "id": "c-1", "status": "Cancelled" }));
    assert_eq!(
        (known.word, known.mapping.as_deref()),
        (Word::Known, Some("cart"))
    );
    let silent = cart(json!({ "id": "c-1", "cart_number": "X1" }));
    assert_eq!(
        (silent.word, silent.mapping.as_deref()),
        (Word::Unasked, Some("cart"))
    );
}

#[test]
fn a_gift_with_an_action_that_nobody_knows_is_not_taken_for_being_a_gift() {
    let item = ticket(
        json!({ "id": "a-1", "action": "exchanged", "cart_id": "c-1", "ticket_id": "t-1", "item_kind": "donation" }),
    );
    assert!(error_of(&item).message.contains("action is \"exchanged\""));
}

/// The shipped handlers, as a tenant needs them whose envelope is another.
fn tenants() -> Vec<Box<dyn Handler>> {
    crate::sim::tests::changed(|mapping| {
        if mapping.payload_type == "identity_changed" {
            mapping.envelope = Envelope {
                event_type: &["meta", "kind"],
                event_id: &["meta", "uuid"],
                occurred_at: &["sent_at"],
            };
            mapping.rows = &["payload", "people"];
        }
    })
}

#[test]
fn the_names_of_the_envelope_come_from_its_schema() {
    let handlers = tenants();
    let routed = |body: Value| route(&handlers, body.to_string().as_bytes()).unwrap();
    let person = json!({ "id": "i-1", "identity_type": "person" });
    let renamed = json!({
        "meta": { "kind": "identity_changed", "uuid": 7 }, "sent_at": "2026-03-01T18:00:00Z",
        "payload": { "people": [person] }
    });
    let items = routed(json!([renamed, renamed]));
    assert_eq!(items.len(), 2);
    for item in &items {
        assert_eq!(item.mapping.as_deref(), Some("contact"));
        assert_eq!(item.at_ms, Some(1_772_388_000_000));
        let delivery = item.dedupe.as_deref().unwrap();
        assert!(delivery.starts_with("identity_changed 7#0 "), "{delivery}");
    }
    // The other webhooks keep the usual names, and the old place of the type is no mistake.
    let cart = json!({ "event_type": "cart_changed", "data": { "cart": { "_data": [{ "id": "c-1", "status": "open" }] } } });
    assert_eq!(routed(cart)[0].mapping.as_deref(), Some("cart"));
    let mixed = json!({ "event_type": "identity_changed", "payload": { "people": person } });
    assert_eq!(routed(mixed)[0].key, "i-1", "one row needs no list");
    let nameless = routed(json!({ "kind": "identity_changed" })).remove(0);
    assert!(
        error_of(&nameless)
            .message
            .contains("no event_type, nor meta.kind"),
        "{nameless:?}"
    );
}

#[test]
fn a_stored_payload_is_routed_by_todays_schema() {
    let row = json!({ "id": "i-1", "identity_type": "person" });
    let sent =
        json!({ "meta": { "kind": "identity_changed" }, "payload": { "people": [row, row] } });
    let kept = routed(&sent).unwrap().remove(0);
    assert_eq!(kept.payload_type, NAMELESS);
    let again = anew(&tenants(), &kept.payload_type, &kept.payload);
    let takers: Vec<_> = again.iter().map(|item| item.mapping.as_deref()).collect();
    assert_eq!(takers, [Some("contact"), Some("contact")]);
    let unchanged = anew(&crate::handlers::all(), &kept.payload_type, &kept.payload);
    assert_eq!(unchanged[0].payload, kept.payload);
    let elsewhere = json!({ "event_type": "identity_changed", "payload": { "people": [row] } });
    let kept = routed(&elsewhere).unwrap().remove(0);
    assert_eq!(
        (kept.mapping.as_deref(), error_of(&kept).code.as_str()),
        (None, "does_not_fit")
    );
    assert!(
        error_of(&kept)
            .message
            .contains("no rows at data.identity._data")
    );
    let again = anew(&tenants(), &kept.payload_type, &kept.payload);
    assert_eq!(again[0].mapping.as_deref(), Some("contact"));
}

#[test]
fn nothing_of_a_list_or_of_a_payload_is_lost_without_a_trace() {
    let person = payload(json!({ "id": "i-1", "identity_type": "person" }));
    let empty =
        json!({ "event_type": "identity_changed", "data": { "identity": { "_data": [] } } });
    let items = routed(&json!([person, empty])).unwrap();
    assert_eq!((items.len(), &items[1].word), (2, &Word::Nothing));
    let odd = json!({ "_data": [], "identity": [{ "id": "i-1" }] });
    let items = routed(&odd).unwrap();
    assert_eq!((items.len(), items[0].payload_type.as_str()), (1, NAMELESS));
    let twice = r#"{"event_type":"identity_changed","data":{"identity":{"_data":[{"id":"i-1","identity_type":"person"}]}},
        "data":{"identity":{"_data":[]}}}"#;
    let items = route(&crate::handlers::all(), twice.as_bytes()).unwrap();
    assert!(
        error_of(&items[0])
            .message
            .contains("has data.identity._data twice"),
        "{items:?}"
    );
    assert_eq!(items[0].payload, twice);
}

#[test]
fn an_id_that_is_none_is_in_the_error_log_with_its_member() {
    let cart = json!([{ "id": "c-1", "status": "checked_out", "identity_id": "." }]);
    let item = rows("cart_changed", "cart", cart).remove(0);
    assert_eq!((item.mapping.as_deref(), item.key.as_str()), (None, "c-1"));
    let error = error_of(&item);
    assert_eq!(error.code, "does_not_fit");
    assert!(
        error
            .message
            .starts_with("cart_changed: identity_id of c-1 does not fit: `.` is no id"),
        "{}",
        error.message
    );
    let long =
        json!([{ "id": "i-1", "identity_type": "person", "organization_id": "o".repeat(20_000) }]);
    let item = rows("identity_changed", "identity", long).remove(0);
    let error = error_of(&item);
    assert!(
        error
            .message
            .contains("organization_id of i-1 does not fit: the id has 20000 characters")
    );
    assert_eq!(
        error.group.as_deref(),
        Some("word::identity_changed.organization_id does not fit")
    );
    let dots = json!([{ "id": "..", "identity_type": "person" }]);
    let item = rows("identity_changed", "identity", dots).remove(0);
    assert!(
        error_of(&item)
            .message
            .contains("id of a row whose id is none does not fit")
    );
}

#[test]
fn what_no_mapping_takes_is_one_line_for_each_type() {
    let unknown = |event_type: &str| {
        routed(&json!({ "event_type": event_type }))
            .unwrap()
            .remove(0)
    };
    let (one, other) = (unknown("session_changed"), unknown("gate_opened"));
    assert_eq!(
        error_of(&one).group.as_deref(),
        Some("webhook:session_changed")
    );
    assert_ne!(error_of(&one).group, error_of(&other).group);
    assert!(error_of(&one).help.contains("ignore_webhooks"));
    let long = unknown(&"x".repeat(1_000_000));
    assert_eq!((long.payload_type.len(), long.lane.len()), (200, 200));
    let again = anew(&crate::handlers::all(), &long.payload_type, &long.payload);
    assert_eq!(again[0].payload, long.payload);
}
