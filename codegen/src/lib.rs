//! The mapping compiler: YAML mappings and two schemas in, typed Rust and diagnostics out.

pub mod model;
pub mod schema;
pub mod span;
