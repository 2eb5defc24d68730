//! The mapping compiler: YAML mappings and two schemas in, typed Rust and diagnostics out.

pub mod emit;
pub mod ir;
pub mod lower;
pub mod model;
pub mod output;
pub mod schema;
pub mod span;
