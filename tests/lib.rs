//! The tests are in `main.rs` and its modules; this package has no code of its own.
