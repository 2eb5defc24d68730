//! What only Salesforce needs: the records that a record refers to, unlinked records found or made.

pub(crate) mod adopt;
pub(crate) mod references;
pub(crate) mod send;
