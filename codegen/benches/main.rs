//! Speed of the compiler and of what it generates: `cargo bench -p codegen`, or one part of it:
//!
//! - `-- check`, `-- generate`: 1,000, 2,000 and 4,000 mappings of forty fields;
//! - `-- noop`: what a build does when nothing changed;
//! - `-- run`: a payload to a record, and the difference of two;
//! - `-- crate`: compiling what was generated.
//!
//! docs/PERFORMANCE.md has the figures. Nothing here runs in CI: times are looked at, not asserted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod run;
mod synthetic;

use codegen::source::Sources;
use divan::{Bencher, black_box};

const SIZES: [usize; 3] = [1_000, 2_000, 4_000];

fn main() {
    divan::main();
}

/// Sources that check clean: what is wrong with the mappings would be all that is measured.
fn clean(mappings: usize) -> Sources {
    let sources = synthetic::sources(mappings);
    if let Some(found) = codegen::check(&sources).diagnostics.first() {
        eprintln!("{}", codegen::diagnostic::text(found, &sources, false));
        panic!("the synthetic mappings have a mistake");
    }
    sources
}

#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn check(bencher: Bencher, mappings: usize) {
    let sources = clean(mappings);
    bencher.bench_local(|| codegen::check(black_box(&sources)));
}

#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn generate(bencher: Bencher, mappings: usize) {
    let sources = clean(mappings);
    bencher.bench_local(|| codegen::generate(black_box(&sources)));
}
