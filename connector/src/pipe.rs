//! What is printed into a pipe whose reader has gone, as in `usher explain 003... | head -1`.

use std::panic;
use std::process;

/// What a shell shows of a program that SIGPIPE ended.
const SIGPIPE: i32 = 128 + 13;

/// Printing where nobody reads any longer ends the program quietly.
pub fn ends_quietly() {
    let otherwise = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let text = panic.payload().downcast_ref::<String>();
        let printing = text.is_some_and(|text| text.starts_with("failed printing to std"));
        if printing && text.is_some_and(|text| text.contains("Broken pipe")) {
            process::exit(SIGPIPE);
        }
        otherwise(panic);
    }));
}
