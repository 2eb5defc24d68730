//! The shipped mappings, compiled: one module a mapping, one a payload type, and the list of all.
//!
//! The sources are generated from `mappings/`: edit those instead, then run `cargo gen`. What is compiled here is
//! the committed tree in `src/mappings`, or a fresh one when a mapping has been edited since.

include!(env!("GENERATED_ROOT"));
