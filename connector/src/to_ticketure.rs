//! What only Ticketure needs: where a record is written, and records that were born in Salesforce.

pub(crate) mod born;
pub(crate) mod endpoint;
pub(crate) mod pushed;
pub(crate) mod pushes;
pub(crate) mod refused;
