//! CPU seconds to compile structs of forty fields, two for each mapping: as `mapc` generates them, with serde's derives,
//! as prost generates them and as typify does. Release, without incremental compilation, dependencies built before.
//!
//! Each crate uses each struct once: JSON (or protobuf) in and out. `mapc`'s also converts, compares and merges.
//! One argument: how many mappings (100).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod styles;
#[allow(dead_code)]
#[path = "../../synthetic.rs"]
mod synthetic;

use std::path::{Path, PathBuf};
use std::process::Command;

/// A crate to compile: its dependencies and its sources below `src/`.
struct Style {
    name: &'static str,
    dependencies: String,
    files: Vec<(String, String)>,
}

fn main() {
    let mappings = std::env::args()
        .nth(1)
        .and_then(|number| number.parse().ok())
        .unwrap_or(100);
    let scratch = PathBuf::from(std::env::var_os("SCRATCH").unwrap_or("target/crates".into()));
    println!("{mappings} mappings of {} fields", synthetic::FIELDS);
    for style in styles::all(mappings) {
        let folder = scratch.join(style.name);
        write(&folder, &style);
        // With nothing in the crate, its dependencies alone are built.
        std::fs::write(folder.join("src/lib.rs"), "").unwrap();
        build(&folder);
        for (name, text) in &style.files {
            std::fs::write(folder.join("src").join(name), text).unwrap();
        }
        let before = children_cpu_s();
        build(&folder);
        let cpu_s = children_cpu_s() - before;
        let bytes: usize = style.files.iter().map(|(_, text)| text.len()).sum();
        println!(
            "{:<14} {cpu_s:>7.1} s CPU   {:>6} KB of Rust",
            style.name,
            bytes / 1024
        );
    }
}

fn write(folder: &Path, style: &Style) {
    let manifest = format!(
        "[package]\nname = \"{}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{}",
        style.name, style.dependencies
    );
    let _ = std::fs::remove_dir_all(folder.join("src"));
    std::fs::create_dir_all(folder.join("src")).unwrap();
    std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
}

fn build(folder: &Path) {
    let status = Command::new("cargo")
        .current_dir(folder)
        .args(["build", "--quiet", "--release"])
        .env("CARGO_TARGET_DIR", "../target")
        .status()
        .unwrap();
    assert!(status.success(), "{} does not compile", folder.display());
}

/// User and system time of all children that have ended, in seconds.
fn children_cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let ticks: Vec<f64> = rest
        .split_whitespace()
        .skip(13)
        .take(2)
        .map(|ticks| ticks.parse().unwrap())
        .collect();
    // Linux counts a hundred ticks a second.
    ticks.iter().sum::<f64>() / 100.0
}
