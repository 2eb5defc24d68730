//! What people do in both systems, by their screens: no API call is counted.

use serde_json::{Map, Value};

use crate::{Actor, ApiError, Simulator};

/// In Salesforce.
impl Simulator {
    /// A person creates a record on the screen.
    ///
    /// # Errors
    /// What Salesforce has against the record.
    pub fn insert_by_user(
        &self,
        object: &str,
        fields: Map<String, Value>,
    ) -> Result<String, Vec<ApiError>> {
        self.lock().org.insert(object, fields, Actor::User)
    }

    /// A person edits a record on the screen.
    ///
    /// # Errors
    /// What Salesforce has against the change.
    pub fn update_by_user(
        &self,
        object: &str,
        id: &str,
        fields: Map<String, Value>,
    ) -> Result<(), Vec<ApiError>> {
        self.lock().org.update(object, id, fields, Actor::User)
    }

    /// A person deletes a record on the screen.
    ///
    /// # Errors
    /// When there is no such record.
    pub fn delete_by_user(&self, object: &str, id: &str) -> Result<(), Vec<ApiError>> {
        self.lock().org.remove(object, id, Actor::User)
    }

    /// A person merges one record into another, which keeps its own values.
    ///
    /// # Errors
    /// When either is not there.
    pub fn merge_by_user(
        &self,
        object: &str,
        master: &str,
        loser: &str,
    ) -> Result<(), Vec<ApiError>> {
        self.lock().org.merge(object, master, loser)
    }
}

/// In Ticketure.
impl Simulator {
    /// Deletes an identity in Ticketure, or merges it into another.
    pub fn end_identity(&self, id: &str, merged_into: Option<&str>) {
        self.lock().tenant.end(id, merged_into);
    }

    /// Every identity that is there, by id.
    pub fn identities(&self) -> Vec<Map<String, Value>> {
        self.lock().tenant.living().cloned().collect()
    }

    /// Creates an identity in Ticketure, or changes the members that are given. Gives its id.
    pub fn put_identity(&self, identity: Map<String, Value>) -> String {
        self.lock().tenant.put(identity)
    }

    /// The webhook that Ticketure sends about an identity, under a new event id.
    pub fn webhook(&self, identity_id: &str) -> Option<Value> {
        self.lock().tenant.webhook(identity_id)
    }

    /// Creates a row of an entity (`identity`, `organization`, `membership`, `cart`, `ticket_audit`, `gateway_audit`) in
    /// Ticketure, or changes the members that are given. Gives its id.
    pub fn put_row(&self, entity: &str, row: Map<String, Value>) -> String {
        self.lock().tenant.put_row(entity, row)
    }

    /// Every row of an entity, by id.
    pub fn rows(&self, entity: &str) -> Vec<Map<String, Value>> {
        self.lock().tenant.all_rows(entity)
    }

    /// The webhook that Ticketure sends about a row, under a new event id.
    pub fn row_webhook(&self, entity: &str, id: &str) -> Option<Value> {
        self.lock().tenant.webhook_of(entity, id)
    }

    /// The levels of membership that the API sells from now on, by name; before, it sells any.
    pub fn set_levels(&self, levels: &[&str]) {
        let levels = levels.iter().map(|level| (*level).to_owned()).collect();
        self.lock().tenant.set_levels(levels);
    }
}
