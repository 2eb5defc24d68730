//! The mapping compiler: YAML mappings and two schemas in, typed Rust and diagnostics out.
