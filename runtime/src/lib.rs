//! What generated code links to: entities, the queue, batching, retry and the Salesforce client.
pub mod queue;
