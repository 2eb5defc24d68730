//! `usher bench`, each kind with few items: what it prints has its shape, and its counts add up. Never how fast.

use std::process::Command;

use serde_json::Value;

use crate::world::{program, root};

/// What a bench prints, line by line; it has to succeed.
fn bench(arguments: &[&str]) -> Vec<Value> {
    let output = Command::new(program("usher"))
        .current_dir(root())
        .arg("bench")
        .args(arguments)
        .arg("--json")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let last = lines.last().expect("it says something");
    for figure in ["throughput_per_s", "p50_ms", "p99_ms"] {
        assert!(
            last[figure].as_f64().is_some_and(|figure| figure > 0.0),
            "{figure} of {last}"
        );
    }
    lines
}

fn counts<const N: usize>(line: &Value, names: [&str; N]) -> [u64; N] {
    names.map(|name| {
        line[name]
            .as_u64()
            .unwrap_or_else(|| panic!("{name} of {line}"))
    })
}

#[test]
fn ingest_counts_what_is_on_the_disk() {
    let arguments = [
        "ingest",
        "--items",
        "300",
        "--concurrency",
        "7",
        "--skew",
        "0.5",
    ];
    let lines = bench(&arguments);
    assert_eq!(lines.len(), 1);
    let names = ["items", "accepted", "refused", "duplicates", "api_calls"];
    assert_eq!(counts(&lines[0], names), [300, 300, 0, 0, 0]);
    let syncs = lines[0]["fsyncs"].as_u64().unwrap();
    assert!((1..=300).contains(&syncs), "{}", lines[0]);
}

#[test]
fn ingest_stands_beside_a_bare_receiver() {
    let lines = bench(&["ingest", "--items", "100", "--rounds", "2", "--bare"]);
    assert_eq!(lines.len(), 5, "two rounds of both, and the medians");
    assert!(lines[4]["of_bare_throughput"].is_f64(), "{}", lines[4]);
    assert!(lines[4]["of_bare_p99"].is_f64(), "{}", lines[4]);
}

#[test]
fn drain_writes_each_record_in_few_calls() {
    for (kind, written, calls) in [("linked", 500, 4), ("new", 500, 6), ("repeats", 0, 0)] {
        let lines = bench(&["drain", "--items", "500", "--kind", kind]);
        let [enqueued, drained] = lines.as_slice() else {
            panic!("two lines: {lines:?}");
        };
        assert_eq!(counts(enqueued, ["items"]), [500]);
        let names = ["items", "done", "dead", "written"];
        assert_eq!(counts(drained, names), [500, 500, 0, written], "{kind}");
        let [made] = counts(drained, ["api_calls"]);
        assert!(made <= calls, "{kind}: {made} calls");
    }
}

#[test]
fn drain_takes_a_hot_lane_and_few_people() {
    let lines = bench(&["drain", "--items", "60", "--skew", "0.5"]);
    assert_eq!(counts(&lines[1], ["done", "written"]), [60, 60]);
    let lines = bench(&["drain", "--items", "90", "--keys", "30"]);
    let [done, written] = counts(&lines[1], ["done", "written"]);
    assert_eq!(done, 90);
    assert!(
        (30..=90).contains(&written),
        "states of one record fold: {written}"
    );
    let lines = bench(&["drain", "--memory", "300"]);
    assert_eq!(counts(&lines[1], ["done", "dead"]), [300, 0]);
    if cfg!(target_os = "linux") {
        assert!(lines[1]["rss_peak_mb"].as_f64() > Some(1.0), "{}", lines[1]);
    }
}

#[test]
fn wake_leaves_nobody_waiting() {
    // More than one commit wakes.
    let lines = bench(&["wake", "--items", "2500", "--children", "2500"]);
    assert_eq!(counts(&lines[0], ["parked", "woken"]), [2500, 2500]);
    let lines = bench(&["wake", "--items", "100", "--children", "10"]);
    let [woken, applied] = lines.as_slice() else {
        panic!("two lines: {lines:?}");
    };
    let names = ["items", "parents", "parked", "woken"];
    assert_eq!(counts(woken, names), [100, 10, 100, 100]);
    let names = ["items", "done", "dead", "written"];
    assert_eq!(counts(applied, names), [100, 110, 0, 110]);
}

#[test]
fn end_to_end_ends_in_the_simulator() {
    for kind in ["linked", "new"] {
        let arguments = [
            "end-to-end",
            "--items",
            "200",
            "--rate",
            "400",
            "--kind",
            kind,
        ];
        let lines = bench(&arguments);
        let names = ["items", "refused", "dead", "written"];
        assert_eq!(counts(&lines[0], names), [200, 0, 0, 200]);
        // A record that is read between its write and the note of it becomes an item as well, which finds nothing to do.
        let [done] = counts(&lines[0], ["done"]);
        assert!((200..=400).contains(&done), "{}", lines[0]);
    }
}

#[test]
fn limits_show_disk_tables_and_http() {
    let lines = bench(&["limits", "--items", "200", "--concurrency", "4"]);
    let names: Vec<&str> = lines
        .iter()
        .map(|line| line["bench"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 7, "{names:?}");
    assert_eq!(names[0], "fsync after 4 KB appended");
    assert_eq!(names[6], "bare HTTP, group commit");
    assert!(lines.iter().all(|line| line["throughput_per_s"].is_f64()));
}
