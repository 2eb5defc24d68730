//! Convergence as a property: random histories on virtual time, and for each promise a broken variant that is noticed.

use std::process::{Command, Output};

use crate::world::{program, root};

fn sim(arguments: &[&str]) -> Output {
    Command::new(program("usher"))
        .current_dir(root())
        .arg("sim")
        .args(arguments)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// Two minutes, or half an hour with USHER_LONG; from another seed with USHER_SEED.
#[test]
fn both_sides_end_up_the_same() {
    let long = std::env::var_os("USHER_LONG").is_some();
    let seconds = if long { "1800" } else { "110" };
    let seed = std::env::var("USHER_SEED").unwrap_or_else(|_| "1".to_owned());
    let output = sim(&["--seed", &seed, "--until-seconds", seconds]);
    println!("{}", said(&output));
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn every_broken_promise_is_noticed() {
    let promises = [
        ("base", "200"),
        ("intents", "200"),
        ("lanes", "200"),
        ("echo", "200"),
        ("merge", "200"),
        ("gates", "200"),
        ("parking", "200"),
        ("fence", "200"),
        ("order", "200"),
        ("calls", "200"),
        ("acknowledged", "200"),
        ("books", "200"),
        ("extensions", "200"),
        ("consent", "200"),
        ("readings", "200"),
        // Not every history draws the fault: a cart's write that is carried out late, over a newer one.
        ("late", "40"),
    ];
    for (promise, seeds) in promises {
        let output = sim(&["--seed", "1", "--seeds", seeds, "--broken", promise]);
        assert_eq!(
            output.status.code(),
            Some(1),
            "nobody noticed that {promise} was broken: {}",
            said(&output)
        );
        assert!(
            said(&output).contains("to play it again: usher sim --seed"),
            "{}",
            said(&output)
        );
    }
}

/// Histories that ended wrong once; each file is named for what went wrong.
#[test]
fn what_went_wrong_once_does_not_again() {
    let mut played = 0;
    for file in std::fs::read_dir(root().join("tests/histories")).unwrap() {
        let path = file.unwrap().path();
        let output = sim(&["--history", path.to_str().unwrap()]);
        assert!(
            output.status.success(),
            "{}: {}",
            path.display(),
            said(&output)
        );
        played += 1;
    }
    assert!(played > 0);
}

#[test]
fn a_seed_is_played_again_the_same_way() {
    // The time that the machine took is no part of the history.
    let without_time = |line: &str| {
        let mut told: serde_json::Value = line.parse().unwrap();
        told.as_object_mut().unwrap().remove("seconds");
        told
    };
    let played = || -> Vec<serde_json::Value> {
        let told = said(&sim(&["--seed", "7", "--json"]));
        told.lines().map(without_time).collect()
    };
    assert_eq!(played(), played());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.json");
    std::fs::write(&path, sim(&["--seed", "7", "--show"]).stdout).unwrap();
    let ended = sim(&["--history", path.to_str().unwrap(), "--json"]);
    assert!(ended.status.success(), "{}", said(&ended));
    let ended: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert!(
        ended["identities"]
            .as_array()
            .is_some_and(|identities| !identities.is_empty())
    );
}

#[test]
fn a_history_that_cannot_be_read_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.json");
    std::fs::write(
        &path,
        "{ \"actions\": [{ \"at_ms\": 1, \"do\": \"dance\" }] }",
    )
    .unwrap();
    let output = sim(&["--history", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("dance") && said(&output).contains("docs/simulation.md"),
        "{}",
        said(&output)
    );
}
