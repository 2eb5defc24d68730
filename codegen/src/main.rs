//! `mapc`, the mapping compiler.

use std::process::ExitCode;

fn main() -> ExitCode {
    codegen::cli::run()
}
