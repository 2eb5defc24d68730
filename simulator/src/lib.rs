//! A Salesforce org and a Ticketure tenant that answer as the real ones do, on loopback or in process.
