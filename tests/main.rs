//! One binary for every end-to-end test, so that it links once.
