//! The shipped mappings, compiled.
