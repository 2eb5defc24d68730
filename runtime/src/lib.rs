//! What generated code links to: entities, the queue, batching, retry and the Salesforce client.
//!
//! Read `entity` first, the words that generated code speaks; then `mapping` and `handler`, how it is called;
//! `queue`, where items wait; and `salesforce`, where records go. Nothing here knows an entity by name.
//! Without the feature `service` there are the tables and what is written over them, and nothing that waits or calls.

pub mod change;
pub mod convert;
pub mod dynamic;
pub mod entity;
pub mod expect;
pub mod handler;
pub mod json;
pub mod mapping;
pub mod merge;
pub mod pushed;
pub mod row;

#[cfg(feature = "service")]
pub mod breaker;
#[cfg(feature = "service")]
pub mod call_size;
#[cfg(feature = "service")]
pub mod clock;
#[cfg(feature = "service")]
pub mod http;
#[cfg(feature = "service")]
pub mod lock_groups;
#[cfg(feature = "service")]
pub mod queue;
#[cfg(feature = "service")]
pub mod retry;
#[cfg(feature = "service")]
pub mod salesforce;
#[cfg(feature = "service")]
pub mod ticketure;
#[cfg(feature = "service")]
pub mod worker;
