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

use std::path::Path;
use std::process::Command;

use codegen::output;
use codegen::source::Sources;
use divan::{Bencher, black_box};

const SIZES: [usize; 3] = [1_000, 2_000, 4_000];

fn main() {
    let wanted = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    if wanted.as_deref().is_none_or(|word| word == "crate") {
        beside();
    }
    divan::main();
}

/// Compiling what was generated takes minutes and packages that nothing else needs: a program of its own does it.
fn beside() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = here.join("../target/beside");
    let status = Command::new("cargo")
        .args(["run", "--quiet", "--release", "--manifest-path"])
        .arg(here.join("benches/beside/Cargo.toml"))
        .env("CARGO_TARGET_DIR", &target)
        .env("SCRATCH", target.join("crates"))
        .status()
        .unwrap();
    assert!(status.success(), "the comparison did not run");
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

/// What `generated/build.rs` does: read, generate, compare with the tree. Cargo runs it only when a file was touched.
#[divan::bench(sample_count = 50)]
fn noop(bencher: Bencher) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    bencher.bench_local(|| {
        let sources = Sources::load(&root.join("mappings")).unwrap();
        let sources = sources.shown_below("mappings");
        let files = codegen::generate(&sources).files.unwrap();
        let diff = output::diff(&root.join("generated/src/mappings"), &files).unwrap();
        assert_eq!(diff, "");
    });
}
