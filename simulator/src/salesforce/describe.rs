//! describe: the snapshots in the shape that clients read.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::Org;
use super::error::{ApiError, answer, refuse};
use crate::schema::{Field, Object};

impl Org {
    pub(super) fn describe_global(&self, path: &str) -> Response<Bytes> {
        let objects: Vec<Value> = self
            .tables
            .values()
            .map(|table| summary(&table.schema, path))
            .collect();
        answer(
            StatusCode::OK,
            &json!({ "encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects }),
        )
    }

    pub(super) fn describe(&self, object: &str, path: &str) -> Response<Bytes> {
        let Some(table) = self.table(object) else {
            return refuse(
                StatusCode::NOT_FOUND,
                &[ApiError::new(
                    "NOT_FOUND",
                    "The requested resource does not exist",
                )],
            );
        };
        let base = path.split("/sobjects").next().unwrap_or_default();
        let mut described = summary(&table.schema, &format!("{base}/sobjects"));
        let fields = table.schema.fields.iter();
        let fields = fields.filter(|field| !self.is_hidden(object, &field.name));
        described["fields"] = fields.map(field).collect();
        described["childRelationships"] = json!([]);
        described["recordTypeInfos"] = self.record_type_infos(&table.schema.name);
        answer(StatusCode::OK, &described)
    }
}

fn summary(object: &Object, path: &str) -> Value {
    let base = format!("{path}/{}", object.name);
    json!({
        "name": object.name,
        "label": object.name,
        "labelPlural": format!("{}s", object.name),
        "keyPrefix": object.key_prefix,
        "custom": object.name.ends_with("__c"),
        "createable": true,
        "updateable": true,
        "deletable": true,
        "queryable": true,
        "retrieveable": true,
        "urls": { "sobject": base, "describe": format!("{base}/describe"), "rowTemplate": format!("{base}/{{ID}}") },
    })
}

fn field(field: &Field) -> Value {
    let values: Vec<Value> = field
        .picklist_values
        .iter()
        .map(|value| json!({ "active": value.active, "defaultValue": false, "label": value.value, "validFor": null, "value": value.value }))
        .collect();
    json!({
        "name": field.name,
        "label": field.name,
        "type": field.kind,
        "length": field.length,
        "byteLength": field.length * 3,
        "precision": field.precision,
        "scale": field.scale,
        "digits": 0,
        "createable": field.createable,
        "updateable": field.updateable,
        "nillable": field.nillable,
        "defaultedOnCreate": field.defaulted_on_create,
        "externalId": field.external_id,
        "unique": field.unique,
        "idLookup": field.id_lookup,
        "calculated": field.calculated,
        "autoNumber": false,
        "caseSensitive": field.case_sensitive,
        "custom": field.name.ends_with("__c"),
        "filterable": true,
        "groupable": true,
        "sortable": true,
        "permissionable": true,
        "restrictedPicklist": field.restricted_picklist,
        "picklistValues": values,
        "referenceTo": field.reference_to,
        "relationshipName": field.relationship_name,
        "compoundFieldName": field.compound_field_name,
        "deprecatedAndHidden": false,
        "nameField": field.name == "Name",
    })
}
