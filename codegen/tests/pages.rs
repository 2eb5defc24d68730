//! Each code has a page, whose failing example fails with that code and whose passing one passes.

use codegen::diagnostic::CODES;

use super::{found, with};

/// What the examples leave out.
const FRAME: &str = "mapping: example
source: ticketure.identity
destination: salesforce.Contact
direction: forward
on: identity_changed
key: { source: id, destination: Ticketure_Identity_Id__c }
lane: id
fields:
  - { source: first_name, destination: FirstName }
  - { source: last_name, destination: LastName }
";

/// An object with fields that the shipped ones do not have.
const TICKET: &str = r#"{ "object": "Ticket", "keyPrefix": "a00", "fields": [
  { "name": "Ticketure_Id__c", "type": "string", "length": 80, "createable": true, "updateable": true, "nillable": true, "externalId": true, "unique": true, "caseSensitive": true },
  { "name": "Folded_Id__c", "type": "string", "length": 36, "createable": true, "updateable": true, "nillable": true, "externalId": true, "unique": true, "caseSensitive": false },
  { "name": "npsp__Id__c", "type": "string", "length": 36, "createable": true, "updateable": true, "nillable": true, "externalId": true, "unique": true, "caseSensitive": true },
  { "name": "Holder__c", "type": "string", "length": 80, "createable": true, "nillable": true },
  { "name": "Checked__c", "type": "string", "length": 80, "updateable": true, "nillable": true },
  { "name": "Title__c", "type": "string", "length": 40, "createable": true, "updateable": true, "nillable": true },
  { "name": "Gate__c", "type": "string", "length": 40, "createable": true, "updateable": true, "defaultedOnCreate": true },
  { "name": "Status__c", "type": "picklist", "length": 40, "createable": true, "updateable": true, "nillable": true, "restrictedPicklist": true, "picklistValues": [ { "value": "open" }, { "value": "lost" } ] },
  { "name": "Name__c", "type": "string", "length": 120, "createable": true, "updateable": true, "nillable": true },
  { "name": "First__c", "type": "string", "length": 40, "createable": true, "updateable": true, "nillable": true, "compoundFieldName": "Name__c" },
  { "name": "Notes__c", "type": "textarea", "length": 32000, "createable": true, "updateable": true, "nillable": true },
  { "name": "Total__c", "type": "string", "length": 120, "createable": true, "updateable": true, "nillable": true },
  { "name": "OwnerId", "type": "reference", "length": 18, "createable": true, "updateable": true, "defaultedOnCreate": true, "referenceTo": [ "User" ] },
  { "name": "Stay__c", "type": "reference", "length": 18, "createable": true, "updateable": true, "nillable": true, "referenceTo": [ "Stay" ] },
  { "name": "Contact__c", "type": "reference", "length": 18, "createable": true, "updateable": true, "nillable": true, "referenceTo": [ "Contact" ] } ] }"#;

/// An entity with properties that the shipped one does not have, and its webhook.
const VISIT: &str = r#"{ "type": "object", "required": [ "id", "gate" ], "properties": {
  "id": { "type": "string", "maxLength": 36 },
  "gate": { "type": "string", "maxLength": 40 },
  "title": { "type": [ "string", "null" ], "maxLength": 20 },
  "booked_at": { "type": "string", "format": "date-time" },
  "guests": { "type": "array", "items": { "type": "object", "required": [ "name" ], "properties": {
    "name": { "type": "string", "maxLength": 10 } } } },
  "status": { "enum": [ "open", "closed", null ] },
  "last_name": { "type": [ "string", "null" ], "maxLength": 40 } } }"#;
const VISIT_CHANGED: &str = r#"{ "properties": { "data": { "properties": { "visit": { "properties": { "_data": {
  "items": { "$ref": "../ticketure/visit.schema.json" } } } } } } } }"#;

/// What the org does to one of the fields, beside what it does to the shipped ones.
const RECOMPUTED: &str =
    r#""recomputes": [ { "object": "Ticket", "field": "Total__c", "why": "A roll-up." },"#;

/// An object that another mapping writes.
const BADGE: &str = r#"{ "object": "Badge", "keyPrefix": "a01", "fields": [
  { "name": "Ticketure_Id__c", "type": "string", "length": 36, "createable": true, "updateable": true, "nillable": true, "externalId": true, "unique": true, "caseSensitive": true },
  { "name": "Name__c", "type": "string", "length": 120, "createable": true, "updateable": true, "nillable": true },
  { "name": "Title__c", "type": "string", "length": 40, "createable": true, "updateable": true, "nillable": true } ] }"#;
/// The root of a tree.
const STAY: &str = r#"{ "object": "Stay", "keyPrefix": "a02", "fields": [
  { "name": "Ticketure_Id__c", "type": "string", "length": 36, "createable": true, "updateable": true, "nillable": true, "externalId": true, "unique": true, "caseSensitive": true },
  { "name": "Name__c", "type": "string", "length": 120, "createable": true, "updateable": true, "nillable": true } ] }"#;
const STAYS: &str = "mapping: stay
source: ticketure.visit
destination: salesforce.Stay
on: visit_changed
part_of: stay
key: { source: id, destination: Ticketure_Id__c }
lane: id
reduce: { by: id, order: [booked_at] }
exists_when: { $cart_source: webhook }
fields:
  - { source: title, destination: Name__c }
";

const BADGES: &str = "mapping: badge
source: ticketure.identity
destination: salesforce.Badge
on: identity_changed
when: { source: { identity_type: person } }
key: { source: id, destination: Ticketure_Id__c }
lane: id
fields:
  - { source: last_name, destination: Name__c }
";

/// The schemas, and of the shipped mappings those that the example does not write over.
fn beside(example: &str) -> codegen::source::Sources {
    let text = framed(example);
    let mut files = with("example.yaml", &text).to_files();
    let onto_account = text.contains("salesforce.Account");
    let keeps_account = !onto_account || text.contains("reference: account");
    files.retain(|(name, _)| match name.as_str() {
        // It refers to the accounts.
        "contact.yaml" => !text.contains("salesforce.Contact") && keeps_account,
        "account.yaml" => keeps_account,
        _ => true,
    });
    let more = [
        ("badge.yaml", BADGES),
        ("schemas/salesforce/Badge.json", BADGE),
        ("stay.yaml", STAYS),
        ("schemas/salesforce/Stay.json", STAY),
        ("schemas/salesforce/Ticket.json", TICKET),
        ("schemas/ticketure/visit.schema.json", VISIT),
        ("schemas/webhooks/visit_changed.schema.json", VISIT_CHANGED),
    ];
    for (name, facts) in &mut files {
        if name.ends_with("/_org.json") {
            *facts = facts.replacen("\"recomputes\": [", RECOMPUTED, 1);
        }
    }
    files.extend(more.map(|(name, text)| (name.to_owned(), text.to_owned())));
    codegen::source::Sources::from_files(files)
}

/// The example, and of the frame what the example does not say.
fn framed(example: &str) -> String {
    let key = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
    let given: Vec<String> = example
        .lines()
        .filter(|line| !line.starts_with(' '))
        .map(key)
        .collect();
    let mut keep = true;
    let mut text = String::new();
    for line in FRAME.lines() {
        if !line.starts_with(' ') {
            let named = |name: &str| given.iter().any(|given| given == name);
            // A mapping that writes another's record has its key.
            keep = !(named(&key(line)) || (key(line) == "key" && named("record")));
        }
        if keep {
            text += line;
            text.push('\n');
        }
    }
    text + example
}

fn examples(page: &str) -> Vec<String> {
    page.split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.split_once('\n'))
        .map(|(_, text)| text.to_owned())
        .collect()
}

/// The same files, the example saved in Latin-1.
fn latin_1(sources: &codegen::source::Sources) -> codegen::source::Sources {
    let files = sources.to_files().into_iter().map(|(name, text)| {
        let bytes = match name.as_str() {
            "example.yaml" => text.chars().map(|letter| letter as u8).collect(),
            _ => text.into_bytes(),
        };
        (name, bytes)
    });
    codegen::source::Sources::from_bytes(files)
}

#[test]
fn every_page_tells_the_truth() {
    let mut wrong = Vec::new();
    for (code, page) in CODES {
        let examples = examples(page);
        let [fails, passes] = examples.as_slice() else {
            panic!(
                "{} wants one example that fails and one that passes",
                code.0
            );
        };
        let run = |example: &str, in_latin_1: bool| {
            let sources = if code.0 == "M0402" {
                with("schemas/salesforce/_org.json", example)
            } else if code.0 == "M0401" {
                with("schemas/salesforce/Campaign.json", example)
            } else {
                beside(example)
            };
            let sources = if in_latin_1 {
                latin_1(&sources)
            } else {
                sources
            };
            found(&sources)
                .into_iter()
                .map(|(code, _)| code)
                .collect::<Vec<_>>()
        };
        for (example, expected, which) in [
            (fails, vec![code.0], "failing"),
            (passes, vec![], "passing"),
        ] {
            let got = run(example, code.0 == "M0009" && which == "failing");
            if got != expected {
                wrong.push(format!("the {which} example of {}: {got:?}", code.0));
            }
        }
        assert!(page.starts_with(&format!("# {}: ", code.0)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
