//! Salesforce objects: the fields that mappings write, and others of every type around them.

use serde_json::{Map, Value, json};

use super::chance;

/// One object; mappings add the fields that they need.
#[derive(Debug)]
pub struct Object {
    pub name: String,
    pub fields: Vec<Value>,
}

impl Object {
    pub fn new(name: String) -> Object {
        Object {
            name,
            fields: Vec::new(),
        }
    }

    /// A field of this name, unless there is one. The members are those of the describe; false ones are left out.
    pub fn add(&mut self, name: &str, kind: &str, members: Value) {
        if self.has(name) {
            return;
        }
        let mut field = json!({"name": name, "type": kind});
        let all = members.as_object().unwrap().clone();
        field.as_object_mut().unwrap().extend(all);
        self.fields.push(field);
    }

    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field["name"] == *name)
    }

    /// Fields that nobody maps.
    pub fn surround(&mut self, random: &mut fastrand::Rng) {
        let open = || json!({"createable": true, "updateable": true, "nillable": true});
        for kind in [
            "address",
            "anyType",
            "base64",
            "boolean",
            "combobox",
            "complexvalue",
            "currency",
            "date",
            "datetime",
            "double",
            "email",
            "encryptedstring",
            "int",
            "json",
            "location",
            "long",
            "multipicklist",
            "percent",
            "phone",
            "picklist",
            "string",
            "textarea",
            "time",
            "url",
            "somethingnew",
        ] {
            if chance(random, 30) {
                self.add(&format!("Spare_{kind}__c"), kind, open());
            }
        }
        self.add("Id", "id", json!({"length": 18, "defaultedOnCreate": true}));
        self.add("OwnerId", "reference", json!({"length": 18, "createable": true, "updateable": true, "defaultedOnCreate": true, "referenceTo": ["Group", "User"], "relationshipName": "Owner"}));
        self.add("Spare_Parent__c", "reference", json!({"length": 18, "createable": true, "updateable": true, "nillable": true, "referenceTo": ["Account"], "relationshipName": "Spare_Parent__r"}));
        self.add(
            "Spare_Formula__c",
            "string",
            json!({"length": 1300, "nillable": true, "calculated": true}),
        );
        self.add("Spare_City__c", "string", json!({"length": 40, "nillable": true, "createable": true, "updateable": true, "compoundFieldName": "Spare_address__c"}));
    }

    /// As a compact snapshot, or as Salesforce answers it, with what is false and null and much that nobody reads.
    pub fn file(&self, random: &mut fastrand::Rng) -> (String, String) {
        let path = format!("schemas/salesforce/{}.json", self.name);
        if random.bool() {
            let snapshot = json!({"object": self.name, "keyPrefix": "a01", "fields": self.fields});
            return (path, snapshot.to_string());
        }
        let fields: Vec<Value> = self.fields.iter().map(whole).collect();
        let describe = json!({
            "name": self.name, "keyPrefix": "a01", "label": self.name, "urls": {}, "childRelationships": [], "fields": fields,
            "recordTypeInfos": [{"active": true, "developerName": "Main", "master": false, "recordTypeId": "012000000000001AAA"}]
        });
        (path, serde_json::to_string_pretty(&describe).unwrap())
    }
}

/// Every member that is read, said.
fn whole(field: &Value) -> Value {
    let mut all = Map::new();
    for (name, value) in [
        ("aggregatable", json!(true)),
        ("calculated", json!(false)),
        ("caseSensitive", json!(false)),
        ("compoundFieldName", Value::Null),
        ("createable", json!(false)),
        ("defaultedOnCreate", json!(false)),
        ("externalId", json!(false)),
        ("idLookup", json!(false)),
        ("length", json!(0)),
        ("nillable", json!(false)),
        ("picklistValues", json!([])),
        ("precision", json!(0)),
        ("referenceTo", json!([])),
        ("relationshipName", Value::Null),
        ("restrictedPicklist", json!(false)),
        ("scale", json!(0)),
        ("unique", json!(false)),
        ("updateable", json!(false)),
    ] {
        all.insert(name.to_owned(), value);
    }
    all.extend(field.as_object().unwrap().clone());
    Value::Object(all)
}
