//! Clients that others wrote take the simulator for an org: simple-salesforce, jsforce and aiosalesforce, set up by
//! tests/run.

use std::path::PathBuf;
use std::process::{Command, Output};

use simulator::{Simulator, SimulatorOptions, Tls};

use crate::world::{World, root, snapshots};

/// The Python that has the foreign clients.
fn python() -> PathBuf {
    let named = std::env::var_os("USHER_PYTHON").map(PathBuf::from);
    named.unwrap_or_else(|| root().join("target/foreign/bin/python"))
}

/// Runs a client while the simulator answers.
async fn satisfied(mut command: Command) {
    let ran = tokio::task::spawn_blocking(move || command.output());
    let output: Output = ran
        .await
        .unwrap()
        .expect("the foreign client is not set up: run tests/run");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The simulator by https: its address, and the file of its certificate in the folder.
async fn by_https() -> (String, PathBuf, tempfile::TempDir) {
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
    (address, certificate, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn simple_salesforce_is_satisfied() {
    let world = World::new(true, "").await;
    let mut command = Command::new(python());
    command
        .arg(root().join("tests/foreign/simple_salesforce_check.py"))
        .arg(world.simulator_address.trim_start_matches("http://"));
    satisfied(command).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn aiosalesforce_is_satisfied_by_https() {
    let (address, certificate, _folder) = by_https().await;
    let mut command = Command::new(python());
    command
        .arg(root().join("tests/foreign/aiosalesforce_check.py"))
        .arg(address)
        .arg(certificate);
    satisfied(command).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jsforce_is_satisfied_by_https() {
    let modules = std::env::var_os("USHER_NODE_MODULES").map_or_else(
        || root().join("target/foreign-js/node_modules"),
        PathBuf::from,
    );
    let (address, certificate, _folder) = by_https().await;
    let mut command = Command::new("node");
    command
        .env("NODE_EXTRA_CA_CERTS", certificate)
        .env("NODE_PATH", modules)
        // localhost is 127.0.0.1 here, whatever else it may be.
        .env("NODE_OPTIONS", "--dns-result-order=ipv4first")
        .arg(root().join("tests/foreign/jsforce_check.cjs"))
        .arg(address);
    satisfied(command).await;
}
