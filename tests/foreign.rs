//! A client that others wrote takes the simulator for an org: simple-salesforce, set up by tests/run.

use std::process::Command;

use crate::world::{World, root};

#[tokio::test(flavor = "multi_thread")]
async fn simple_salesforce_is_satisfied() {
    let python = std::env::var_os("USHER_PYTHON")
        .unwrap_or_else(|| root().join("target/foreign/bin/python").into());
    let world = World::new(true, "").await;
    let address = world
        .simulator_address
        .trim_start_matches("http://")
        .to_owned();
    let script = root().join("tests/foreign/simple_salesforce_check.py");
    let ran =
        tokio::task::spawn_blocking(move || Command::new(python).arg(script).arg(address).output())
            .await
            .unwrap();
    let output = ran.expect("the foreign client is not set up: run tests/run");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
