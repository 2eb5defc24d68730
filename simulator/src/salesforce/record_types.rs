//! Record types: rows that can be read, and the list in an object's describe.

use serde_json::{Value, json};

use super::Org;
use super::table::Record;
use super::values::owned;
use crate::schema::RecordType;

impl Org {
    /// The record types that the org begins with.
    pub(super) fn open_record_types(&mut self, record_types: &[RecordType]) {
        let Ok(schema) = self.schema("RecordType") else {
            return;
        };
        for record_type in record_types {
            let Some(id) = self.table_mut("RecordType").map(|table| table.next_id().0) else {
                return;
            };
            let now = self.tick();
            let mut row = Record::new();
            for (field, value) in [
                ("Id", Value::from(id.as_str())),
                (
                    "DeveloperName",
                    Value::from(record_type.developer_name.as_str()),
                ),
                (
                    "Name",
                    Value::from(record_type.developer_name.replace('_', " ")),
                ),
                ("SobjectType", Value::from(record_type.object.as_str())),
                ("CreatedDate", Value::from(now)),
                ("IsActive", Value::Bool(true)),
            ] {
                row.insert(field.to_owned(), value);
            }
            self.store(&schema, &id, row);
        }
    }

    /// The id of a record type; nothing where the org has none of that name.
    pub(super) fn record_type(&self, object: &str, developer_name: &str) -> Option<Value> {
        let mut rows = self.table("RecordType")?.live();
        let row = rows.find(|row| {
            owned(row, "SobjectType") == object && owned(row, "DeveloperName") == developer_name
        })?;
        row.get("Id").cloned()
    }

    /// As describe lists them.
    pub(super) fn record_type_infos(&self, object: &str) -> Value {
        let rows = self.table("RecordType").map(|table| table.live());
        let of_object = rows.into_iter().flatten();
        let of_object = of_object.filter(|row| owned(row, "SobjectType") == object);
        let infos = of_object.map(|row| {
            json!({
                "active": true,
                "available": true,
                "defaultRecordTypeMapping": false,
                "developerName": row.get("DeveloperName"),
                "master": false,
                "name": row.get("Name"),
                "recordTypeId": row.get("Id"),
            })
        });
        infos.collect()
    }
}
