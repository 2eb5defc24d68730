//! The scenarios of tests/scenarios: each in many orders, all of them the same in the end and as the file says.

use std::fmt::Write;
use std::process::{Command, Output};

use crate::world::{program, root};

fn scenarios(arguments: &[&str]) -> Output {
    Command::new(program("usher"))
        .current_dir(root())
        .arg("scenarios")
        .args(arguments)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// A file that is no part of the suite.
fn played(text: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.yaml");
    std::fs::write(&path, text).unwrap();
    let all = [&[path.to_str().unwrap()], arguments].concat();
    let output = scenarios(&all);
    (output.status.code(), said(&output))
}

/// Twenty orders each and at most a minute and a half, or three hundred with USHER_LONG; from another seed with
/// USHER_SEED.
#[test]
fn every_order_ends_the_same() {
    let long = std::env::var_os("USHER_LONG").is_some();
    let (orders, seconds) = if long { ("300", "1800") } else { ("20", "90") };
    let seed = std::env::var("USHER_SEED").unwrap_or_else(|_| "1".to_owned());
    let output = scenarios(&["--orders", orders, "--seconds", seconds, "--seed", &seed]);
    println!("{}", said(&output));
    assert!(output.status.success(), "{}", said(&output));
}

/// Everything that a scenario is about and where it goes wrong is told: both ends, the seed, and the command.
#[test]
fn a_scenario_that_is_not_so_is_told() {
    let text = "\
scenario: Wrong on purpose.
npsp: false
when:
  - webhook: identity_changed
    rows: [{ id: i-1, identity_type: person, first_name: Ada, last_name: Lovelace, email: ada@example.org }]
then:
  salesforce:
    Contact:
      i-1: { FirstName: Grace }
      i-2: {}
";
    let (code, said) = played(text, &["--orders", "2"]);
    assert_eq!(code, Some(1), "{said}");
    for expected in [
        "one.yaml:9: FirstName of Contact i-1 is \"Ada\", expected \"Grace\"",
        "one.yaml:10: there is no Contact i-2",
        "--npsp false --seed 1 --orders 0 --show",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

/// What comes first is adopted, and the other is a second one: the order decides, which is what must not be.
#[test]
fn an_order_that_ends_otherwise_is_shown_beside_the_first() {
    let text = "\
scenario: Two people type the same field.
npsp: false
given:
  steps:
    - webhook: identity_changed
      rows: [{ id: i-1, identity_type: person, first_name: Ada, last_name: Lovelace, email: ada@example.org }]
when:
  - salesforce: { update: i-1, set: { MobilePhone: \"1\" } }
  - ticketure: { update: i-1, set: { mobile: \"2\" } }
then:
  salesforce: { Contact: { i-1: {} } }
";
    let (code, said) = played(text, &["--orders", "40"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("+     MobilePhone: \"1\""), "{said}");
    assert!(said.contains("-     MobilePhone: \"2\""), "{said}");
    // The command plays that very order.
    let seed = said
        .split("--seed ")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    let (code, again) = played(text, &["--npsp", "false", "--seed", seed, "--orders", "1"]);
    assert_eq!(code, Some(1), "{again}");
    assert!(again.contains("+     MobilePhone: \"1\""), "{again}");
}

#[test]
fn mistakes_are_told_by_line() {
    let text = "\
scenario: Slips of the pen.
npsp: sometimes
settings: { refunds: x }
given:
  salesforce:
    - { object: Contact, FristName: Ada }
    - { object: Contcat }
when:
  - webhook: identity_change
    rows: []
  - webhook: identity_changed
    rows: [{ id: i-1, frist_name: Ada }]
  - salesforce: { dance: ada }
  - wait: a while
than: {}
";
    let (code, said) = played(text, &[]);
    assert_eq!(code, Some(1), "{said}");
    for expected in [
        "one.yaml:2: npsp is",
        "one.yaml:3: there is no setting refunds",
        "one.yaml:6: Contact has no field `FristName`; did you mean `FirstName`?",
        "one.yaml:7: there is no object `Contcat`; did you mean `Contact`?",
        "one.yaml:9: there is no webhook `identity_change`; did you mean `identity_changed`?",
        "one.yaml:12: identity has no member `frist_name`; did you mean `first_name`?",
        "one.yaml:13: nobody knows `dance` here",
        "one.yaml:14: a time is a number",
        "one.yaml:15: nobody knows `than` here; did you mean `then`?",
        "`then:` is missing",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

/// At most one in ten may say that its order matters, and none names a feature that nobody knows.
#[test]
fn scenarios_are_about_features_and_seldom_ordered() {
    let features = std::fs::read_to_string(root().join("docs/FEATURES.md")).ok();
    let (mut all, mut ordered, mut wrong) = (0, 0, String::new());
    for path in files() {
        let text = std::fs::read_to_string(&path).unwrap();
        let scenario: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        all += 1;
        ordered += usize::from(scenario.get("ordered").is_some());
        let named = scenario
            .get("features")
            .and_then(serde_yaml::Value::as_sequence);
        let named: Vec<&str> = named
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str())
            .collect();
        if named.is_empty() {
            let _ = writeln!(wrong, "{}: which feature does it prove?", path.display());
        }
        for name in named {
            let known = |text: &String| text.contains(&format!("| {name} |"));
            if !features.as_ref().is_none_or(known) {
                let _ = writeln!(
                    wrong,
                    "{}: docs/FEATURES.md has no row `{name}`",
                    path.display()
                );
            }
        }
    }
    assert_eq!(wrong, "");
    assert!(ordered * 10 <= all, "{ordered} of {all} are ordered");
}

fn files() -> Vec<std::path::PathBuf> {
    let mut folders = vec![root().join("tests/scenarios")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "yaml") {
                files.push(path);
            }
        }
    }
    files
}
