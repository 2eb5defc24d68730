//! What generated code links to: entities, the queue, batching, retry and the Salesforce client.
//!
//! Read `entity` first, the words that generated code speaks; then `mapping` and `handler`, how it is called;
//! `queue`, where items wait; and `salesforce`, where records go. Nothing here knows an entity by name.

pub mod change;
pub mod clock;
pub mod convert;
pub mod entity;
pub mod expect;
pub mod handler;
pub mod http;
pub mod json;
pub mod mapping;
pub mod merge;
pub mod queue;
pub mod retry;
pub mod salesforce;
pub mod ticketure;
pub mod worker;
