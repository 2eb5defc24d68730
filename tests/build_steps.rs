//! What a build does with an edited, a broken and a read-only checkout: the crate `generated`, built for real.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::world::root;

/// A copy of what the crate `generated` needs, with a target folder that all copies share.
struct Checkout {
    folder: tempfile::TempDir,
}

impl Checkout {
    fn new() -> Checkout {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "Cargo.toml",
            "Cargo.lock",
            "codegen",
            "runtime",
            "generated",
            "connector",
            "simulator",
            "tests",
            "mappings",
        ] {
            let copied = Command::new("cp")
                .arg("-r")
                .arg(root().join(name))
                .arg(folder.path())
                .status();
            assert!(copied.unwrap().success());
        }
        Checkout { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn edit(&self, from: &str, to: &str) {
        let path = self.path().join("mappings/contact.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    /// `cargo test -p generated`, which runs the mappings' tests as well.
    fn test(&self, ci: bool) -> Output {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .current_dir(self.path())
            .args(["test", "--package", "generated", "--offline"])
            .env("CARGO_TARGET_DIR", target());
        cargo.env_remove("CI");
        if ci {
            cargo.env("CI", "true");
        }
        cargo.output().unwrap()
    }
}

/// Beside the programs: what was compiled for one copy serves the next.
fn target() -> PathBuf {
    root().join("target/checkouts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn an_edit_is_built_a_mistake_is_shown_and_drift_is_refused_in_ci() {
    let checkout = Checkout::new();
    let clean = checkout.test(true);
    assert!(clean.status.success(), "{}", text(&clean.stderr));

    checkout.edit("value: Ticketure", "value: Web");
    for _ in 0..2 {
        checkout.edit("LeadSource: Ticketure }", "LeadSource: Web }");
    }
    checkout.edit(
        "email: \" Ada@Example.org \"",
        "email: \" Eve@Example.org \"",
    );
    let edited = checkout.test(false);
    let shown = text(&edited.stderr);
    assert!(
        shown.contains("generated/ is behind mappings/: run cargo gen"),
        "{shown}"
    );
    // A test of the mapping says what the edits say, another is given an address that it does not expect: all are in.
    let ran = text(&edited.stdout);
    assert!(
        ran.contains("an_address_is_flattened_and_a_cleared_phone_stays_a_null ... ok"),
        "{ran}"
    );
    assert!(
        ran.contains("Email: expected \"ada@example.org\", got \"eve@example.org\""),
        "{ran}"
    );

    let drift = checkout.test(true);
    assert!(!drift.status.success());
    assert!(
        text(&drift.stderr).contains("+            lead_source: Slot::text(\"Web\")"),
        "{}",
        text(&drift.stderr)
    );

    checkout.edit("destination: FirstName", "destination: FristName");
    let broken = checkout.test(false);
    assert!(!broken.status.success());
    for part in [
        "error[M0102]",
        "mappings/contact.yaml:22:",
        "did you mean `FirstName`?",
    ] {
        assert!(
            text(&broken.stderr).contains(part),
            "{}",
            text(&broken.stderr)
        );
    }
    let left =
        std::fs::read_to_string(checkout.path().join("generated/src/mappings/contact.rs")).unwrap();
    let committed =
        std::fs::read_to_string(root().join("generated/src/mappings/contact.rs")).unwrap();
    assert_eq!(left, committed, "a build leaves the tree as it is");
}
