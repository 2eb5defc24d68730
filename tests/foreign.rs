//! Clients that others wrote take the simulator for an org: simple-salesforce and jsforce, set up by tests/run.

use std::process::Command;

use simulator::{Simulator, SimulatorOptions, Tls};

use crate::world::{World, root, snapshots};

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

#[tokio::test(flavor = "multi_thread")]
async fn jsforce_is_satisfied_by_https() {
    let modules = std::env::var_os("USHER_NODE_MODULES").map_or_else(
        || root().join("target/foreign-js/node_modules"),
        std::path::PathBuf::from,
    );
    let simulator = Simulator::new(SimulatorOptions::new(snapshots())).unwrap();
    let tls = Tls::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let certificate = folder.path().join("certificate.pem");
    std::fs::write(&certificate, &tls.certificate_pem).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    tokio::spawn(async move { simulator.serve_tls(listener, &tls).await });
    let script = root().join("tests/foreign/jsforce_check.cjs");
    let ran = tokio::task::spawn_blocking(move || {
        Command::new("node")
            .env("NODE_EXTRA_CA_CERTS", certificate)
            .env("NODE_PATH", modules)
            // localhost is 127.0.0.1 here, whatever else it may be.
            .env("NODE_OPTIONS", "--dns-result-order=ipv4first")
            .arg(script)
            .arg(address)
            .output()
    })
    .await
    .unwrap();
    let output = ran.expect("node is not there: run tests/run");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
