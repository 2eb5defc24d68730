//! Describes as Salesforce answers them, every member of every field, load as they are: of a person-account org, with
//! owners of two kinds, 250 fields and types that nobody maps.

use codegen::source::Sources;
use serde_json::{Value, json};

use super::{found, shipped};

/// All members of a field, as the describe of an optional text of 80 characters has them.
const WHOLE_FIELD: &str = r#"{
        "aggregatable": true, "aiPredictionField": false, "autoNumber": false, "byteLength": 240, "calculated": false,
        "calculatedFormula": null, "cascadeDelete": false, "caseSensitive": false, "compoundFieldName": null,
        "controllerName": null, "createable": true, "custom": false, "defaultValue": null, "defaultValueFormula": null,
        "defaultedOnCreate": false, "dependentPicklist": false, "deprecatedAndHidden": false, "digits": 0,
        "displayLocationInDecimal": false, "encrypted": false, "externalId": false, "extraTypeInfo": null,
        "filterable": true, "filteredLookupInfo": null, "formulaTreatNullNumberAsZero": false, "groupable": true,
        "highScaleNumber": false, "htmlFormatted": false, "idLookup": false, "inlineHelpText": null,
        "label": "Caf\u00e9 \/ \ud83d\ude00 \"quoted\"", "length": 80, "mask": null, "maskType": null, "name": null,
        "nameField": false, "namePointing": false, "nillable": true, "permissionable": true, "picklistValues": [],
        "polymorphicForeignKey": false, "precision": 0, "queryByDistance": false, "referenceTargetField": null,
        "referenceTo": [], "relationshipName": null, "relationshipOrder": null, "restrictedDelete": false,
        "restrictedPicklist": false, "scale": 0, "searchPrefilterable": false, "soapType": "xsd:string",
        "sortable": true, "type": "string", "unique": false, "updateable": true, "writeRequiresMasterRead": false
    }"#;

/// A field with all the members that a describe has; `changes` are what differs from an optional text of 80 characters.
fn field(name: &str, changes: Value) -> Value {
    let mut field: Value = serde_json::from_str(WHOLE_FIELD).unwrap();
    field["name"] = json!(name);
    let members = field.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        members.insert(name.clone(), value.clone());
    }
    field
}

fn read_only(name: &str, changes: Value) -> Value {
    let mut field = field(name, changes);
    field["createable"] = json!(false);
    field["updateable"] = json!(false);
    field
}

/// An account of a person-account org: it is a business by its `Name`, or a person by its `LastName`.
fn person_account() -> Value {
    let mut fields = vec![
        read_only(
            "Id",
            json!({"type": "id", "length": 18, "nillable": false, "defaultedOnCreate": true}),
        ),
        field(
            "Name",
            json!({"length": 255, "nillable": false, "nameField": true, "compoundFieldName": "Name"}),
        ),
        field(
            "LastName",
            json!({"nillable": false, "compoundFieldName": "Name"}),
        ),
        field(
            "FirstName",
            json!({"length": 40, "compoundFieldName": "Name"}),
        ),
        read_only(
            "IsPersonAccount",
            json!({"type": "boolean", "length": 0, "nillable": false, "defaultedOnCreate": true}),
        ),
        read_only(
            "PersonContactId",
            json!({"type": "reference", "length": 18, "referenceTo": ["Contact"], "relationshipName": "PersonContact"}),
        ),
        field("PersonEmail", json!({"type": "email", "idLookup": true})),
        field(
            "PersonMailingCity",
            json!({"length": 40, "compoundFieldName": "PersonMailingAddress"}),
        ),
        read_only(
            "PersonMailingAddress",
            json!({"type": "address", "length": 0, "filterable": false}),
        ),
        field("PersonBirthdate", json!({"type": "date", "length": 0})),
        field(
            "PersonHasOptedOutOfEmail",
            json!({"type": "boolean", "length": 0, "nillable": false, "defaultedOnCreate": true}),
        ),
        field("Language__pc", json!({"length": 10, "custom": true})),
        field(
            "OwnerId",
            json!({"type": "reference", "length": 18, "nillable": false, "defaultedOnCreate": true, "referenceTo": ["Group", "User"], "relationshipName": "Owner", "polymorphicForeignKey": true}),
        ),
        field(
            "WhoId",
            json!({"type": "reference", "length": 18, "referenceTo": ["Contact", "Lead"], "relationshipName": "Who", "polymorphicForeignKey": true}),
        ),
        field(
            "Ticketure_Identity_Id__c",
            json!({"length": 36, "externalId": true, "unique": true, "idLookup": true, "caseSensitive": true}),
        ),
    ];
    for kind in [
        "anyType",
        "base64",
        "complexvalue",
        "json",
        "location",
        "sentimentscore",
    ] {
        fields.push(field(
            &format!("Odd_{kind}__c"),
            json!({"type": kind, "filterable": false}),
        ));
    }
    for number in 0..230 {
        let values: Vec<Value> = (0..40)
            .map(|value| json!({"active": true, "defaultValue": false, "label": format!("Value {value}"), "validFor": null, "value": format!("Value {value}")}))
            .collect();
        fields.push(field(
            &format!("Choice_{number}__c"),
            json!({"type": "picklist", "length": 255, "picklistValues": values}),
        ));
    }
    json!({
        "actionOverrides": [], "childRelationships": [{"childSObject": "Contact", "field": "AccountId", "relationshipName": "Contacts", "cascadeDelete": true}],
        "createable": true, "custom": false, "fields": fields, "keyPrefix": "001", "label": "Account", "name": "Account",
        "recordTypeInfos": [
            {"active": true, "available": true, "defaultRecordTypeMapping": true, "developerName": "PersonAccount", "master": false, "name": "Person Account", "recordTypeId": "01254000001upcKAAQ", "urls": {}},
            {"active": true, "available": true, "defaultRecordTypeMapping": false, "developerName": "Master", "master": true, "name": "Master", "recordTypeId": "012000000000000AAA", "urls": {}}
        ],
        "supportedScopes": [], "urls": {"sobject": "/services/data/v67.0/sobjects/Account"}
    })
}

const PERSON: &str = "mapping: person
source: ticketure.identity
destination: salesforce.Account
direction: both
on: identity_changed
when: { source: { identity_type: person } }
key: { source: id, destination: Ticketure_Identity_Id__c }
lane: id
match: { destination: [[email, last_name]], policy: adopt }
fields:
  - { source: first_name, destination: FirstName, monitored: true }
  - { source: last_name, destination: LastName, monitored: true, required: true }
  - { source: email, destination: PersonEmail, monitored: true, required: true, convert: email }
  - { source: address.city, destination: PersonMailingCity, monitored: true }
  - { source: date_of_birth, destination: PersonBirthdate, convert: date }
  - { source: email_opt_in, destination: PersonHasOptedOutOfEmail, convert: not }
  - { source: language, destination: Language__pc }
";

fn with_describe(mapping: &str) -> Sources {
    let schemas = shipped().to_files().into_iter().filter(|(name, _)| {
        name.contains('/') && !name.ends_with("/Account.json") && !name.ends_with("/_org.json")
    });
    let describe = serde_json::to_string(&person_account()).unwrap();
    assert!(describe.len() > 1024 * 1024, "{} bytes", describe.len());
    Sources::from_files(schemas.chain([
        ("schemas/salesforce/Account.json".to_owned(), describe),
        ("person.yaml".to_owned(), mapping.to_owned()),
    ]))
}

#[test]
fn a_full_describe_is_read_and_a_mapping_onto_it_is_clean() {
    assert_eq!(found(&with_describe(PERSON)), []);
}

/// What a mapping onto a describe gets wrong is found as on a snapshot.
#[test]
fn a_mapping_onto_a_describe_is_checked() {
    for (from, to, code, part) in [
        (
            "destination: FirstName",
            "destination: FristName",
            "M0102",
            "FristName",
        ),
        (
            "destination: PersonMailingCity",
            "destination: PersonMailingAddress",
            "M0203",
            "PersonMailingAddress",
        ),
        (
            "destination: PersonMailingCity",
            "destination: IsPersonAccount",
            "M0203",
            "IsPersonAccount",
        ),
        (
            "destination: PersonMailingCity",
            "destination: OwnerId",
            "M0201",
            "OwnerId",
        ),
        (
            "destination: PersonMailingCity",
            "destination: Odd_json__c",
            "M0201",
            "Odd_json__c",
        ),
        (
            "destination: PersonMailingCity",
            "destination: Odd_sentimentscore__c",
            "M0201",
            "Odd_sentimentscore__c",
        ),
        (
            "language, destination: Language__pc",
            "language, destination: WhoId, reference: person",
            "M0201",
            "WhoId",
        ),
        (
            "{ source: language,",
            "{ value: A long language,",
            "M0202",
            "A long language",
        ),
        (
            "source: language, destination: Language__pc",
            "value: Value 77, destination: Choice_7__c",
            "M0206",
            "Value 77",
        ),
    ] {
        assert!(PERSON.contains(from), "{from}");
        let text = PERSON.replacen(from, to, 1);
        let line = text.lines().position(|line| line.contains(part)).unwrap() as u32 + 1;
        let got = found(&with_describe(&text));
        assert!(
            got.contains(&(code.to_owned(), line)),
            "{from} -> {to}: {code} at {line} is not in {got:?}"
        );
    }
}

#[test]
fn a_business_of_the_same_describe_is_mapped_by_its_name() {
    let business = PERSON
        .lines()
        .filter(|line| {
            !["match:", "source: first_name", "source: last_name"]
                .iter()
                .any(|part| line.contains(part))
        })
        .map(|line| format!("{line}\n"))
        .collect::<String>()
        + "  - { source: name, destination: Name, monitored: true, required: true }\n";
    assert_eq!(found(&with_describe(&business)), []);
}

#[test]
fn polymorphic_references_say_what_they_may_be() {
    let text = PERSON.replace(
        "source: language, destination: Language__pc",
        "source: organization_id, destination: WhoId, reference: person",
    );
    let checked = codegen::check(&with_describe(&text));
    let messages: Vec<&str> = checked
        .diagnostics
        .iter()
        .map(|found| found.message.as_str())
        .collect();
    assert!(
        messages
            .iter()
            .any(|message| message.contains("Contact or Lead")),
        "{messages:?}"
    );
}
