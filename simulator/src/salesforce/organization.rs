//! The org's own record: clients ask it whether the org is a sandbox.

use serde_json::{Value, json};

use super::Org;
use super::table::{Record, Table};
use crate::schema::{Field, Object};

const ORGANIZATION: &str = "Organization";
/// The id that the token endpoint names too.
const ID: &str = "00D5e0000008kNNEAY";

impl Org {
    /// Puts the only record of its object in its place.
    pub(crate) fn open_organization(&mut self, is_sandbox: bool) {
        let kinds = [
            ("Id", "id"),
            ("Name", "string"),
            ("IsSandbox", "boolean"),
            ("OrganizationType", "picklist"),
        ];
        let fields = kinds.map(|(name, kind)| Field {
            name: name.to_owned(),
            kind: kind.to_owned(),
            ..Field::default()
        });
        let mut table = Table::new(Object {
            name: ORGANIZATION.to_owned(),
            key_prefix: "00D".to_owned(),
            fields: fields.to_vec(),
        });
        let values = [
            ("Id", Value::from(ID)),
            ("Name", Value::from("Museum")),
            ("IsSandbox", json!(is_sandbox)),
            ("OrganizationType", Value::from("Enterprise Edition")),
        ];
        let values = values.map(|(name, value)| (name.to_owned(), value));
        table.put(ID, values.into_iter().collect::<Record>());
        self.tables.insert(ORGANIZATION.to_owned(), table);
    }
}
