//! What only Salesforce needs: the records that a record refers to, asked for where they are missing; unlinked
//! records found or made.

pub(crate) mod adopt;
pub(crate) mod fetch;
pub(crate) mod references;
pub(crate) mod resembling;
pub(crate) mod send;
