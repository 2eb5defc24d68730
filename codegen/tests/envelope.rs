//! The schema of a webhook's envelope: what the tenant names otherwise, and a webhook that nobody knew before.

use codegen::source::Sources;
use serde_json::{Value, json};

use super::{found, shipped, with};

const FILE: &str = "schemas/webhooks/identity_changed.schema.json";

fn envelope(members: Value) -> Sources {
    let rows = json!({ "items": { "$ref": "../ticketure/identity.schema.json" } });
    let mut properties = json!({ "people": { "type": "array", "items": rows["items"] } });
    let all = properties.as_object_mut().unwrap();
    all.extend(members.as_object().unwrap().clone());
    with(FILE, &json!({ "properties": properties }).to_string())
}

/// The compiled mapping of contacts.
fn contact(sources: &Sources) -> String {
    let generated = codegen::generate(sources);
    let found: Vec<&str> = generated
        .diagnostics
        .iter()
        .map(|found| found.code)
        .collect();
    assert_eq!(found, [""; 0]);
    generated.files.unwrap()["contact.rs"].clone()
}

#[test]
fn what_the_tenant_names_otherwise_is_compiled() {
    let usual = contact(&shipped());
    assert!(usual.contains("    envelope: Envelope::USUAL,\n"));
    let marked = contact(&envelope(json!({
        "meta": { "type": "object", "properties": {
            "kind": { "const": "identity_changed" },
            "uuid": { "type": ["integer", "null"], "x-usher": "event_id" } } },
        "sent": { "type": "string", "x-usher": "occurred_at" },
        "occurred_at": { "type": "string", "format": "date-time" },
    })));
    for line in [
        "rows: &[\"people\"],",
        "event_type: &[\"meta\", \"kind\"],",
        "event_id: &[\"meta\", \"uuid\"],",
        "occurred_at: &[\"sent\"],",
    ] {
        let compact = marked.replace('\n', " ");
        let compact = compact.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = line.trim_end_matches(',');
        assert!(compact.contains(line), "{line} is not in {marked:.4000}");
    }
    let silent = contact(&envelope(json!({ "meta": { "type": "object" } })));
    assert!(silent.contains("Envelope::USUAL"));
}

#[test]
fn a_payload_may_have_one_row_without_a_list() {
    let schema = json!({ "properties": { "data": { "properties": {
        "identity": { "$ref": "../ticketure/identity.schema.json" } } } } });
    let text = contact(&with(FILE, &schema.to_string()));
    assert!(text.contains("rows: &[\"data\", \"identity\"],"));
}

#[test]
fn a_mark_that_says_nothing_is_a_mistake() {
    for (members, told) in [
        (
            json!({ "kind": { "x-usher": "event_typ" } }),
            "knows no `event_typ`",
        ),
        (
            json!({ "kind": { "x-usher": ["event_type"] } }),
            "not a text",
        ),
        (
            json!({ "a": { "x-usher": "event_id" }, "b": { "x-usher": "event_id" } }),
            "two members are marked as event_id",
        ),
        (
            json!({ "a": { "type": "object", "x-usher": "event_id", "properties": {} } }),
            "is no text",
        ),
    ] {
        let sources = envelope(members);
        let codes: Vec<String> = found(&sources).into_iter().map(|(code, _)| code).collect();
        assert_eq!(codes, ["M0401"], "{told}");
        let checked = codegen::check(&sources);
        let said = &checked.diagnostics[0];
        assert!(said.message.contains(told), "{}", said.message);
        assert!(said.help.is_some(), "{told}");
    }
    // The type that the payload says is another webhook's.
    let other = envelope(json!({ "kind": { "const": "cart_changed", "x-usher": "event_type" } }));
    let codes: Vec<String> = found(&other).into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, ["M0103", "M0103"]);
}

const SCAN: &str = "mapping: scan
source: ticketure.scan
destination: salesforce.Ticket_Scan__c
direction: forward
on: scan_recorded
key: { source: id, destination: Ticketure_Scan_Id__c }
lane: id
fields:
  - { source: gate, destination: Gate__c }
";

const SCAN_OBJECT: &str = r#"{ "object": "Ticket_Scan__c", "keyPrefix": "a09", "fields": [
  { "name": "Ticketure_Scan_Id__c", "type": "string", "length": 36, "createable": true, "updateable": true, "nillable": true, "externalId": true, "unique": true, "caseSensitive": true },
  { "name": "Gate__c", "type": "string", "length": 40, "createable": true, "updateable": true, "nillable": true } ] }"#;

const SCAN_ENTITY: &str = r#"{ "type": "object", "required": [ "id" ], "properties": {
  "id": { "type": "string", "maxLength": 36 }, "gate": { "type": [ "string", "null" ], "maxLength": 40 } } }"#;

const SCAN_RECORDED: &str = r#"{ "properties": { "type": { "const": "scan_recorded" }, "scans": {
  "items": { "$ref": "../ticketure/scan.schema.json" } } } }"#;

/// The shipped mappings of people, and one for a webhook that nobody knew before.
fn with_scans() -> Sources {
    let mut files = shipped().to_files();
    for (name, text) in [
        ("scan.yaml", SCAN),
        ("schemas/salesforce/Ticket_Scan__c.json", SCAN_OBJECT),
        ("schemas/ticketure/scan.schema.json", SCAN_ENTITY),
        ("schemas/webhooks/scan_recorded.schema.json", SCAN_RECORDED),
    ] {
        files.push((name.to_owned(), text.to_owned()));
    }
    Sources::from_files(files)
}

#[test]
fn a_new_webhook_has_a_handler_without_rust() {
    let generated = codegen::generate(&with_scans());
    let codes: Vec<&str> = generated
        .diagnostics
        .iter()
        .map(|found| found.code)
        .collect();
    assert_eq!(codes, [""; 0]);
    let files = generated.files.unwrap();
    let list = files["root.rs"].split_once("HANDLERS").unwrap().1;
    assert!(
        list.contains("&on_identity_changed::IdentityChangedAdapter(Mapped),"),
        "{list}"
    );
    assert!(
        list.contains("&on_scan_recorded::ScanRecordedAdapter(Mapped),"),
        "{list}"
    );
    assert!(files["on_scan_recorded.rs"].contains("impl ScanRecorded for Mapped {}"));
}
