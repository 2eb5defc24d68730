//! The promises of the merge, on the shipped shape of a contact.
