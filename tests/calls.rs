//! The calls that the clients make: how many connections they take, and how one is found again on the other side.

use std::path::PathBuf;
use std::sync::Arc;

use runtime::clock;
use runtime::http::HttpTransport;
use runtime::salesforce::{Auth, RESERVE_PERCENT, SalesforceClient, SalesforceConfig, Secret};
use runtime::ticketure::{TicketureClient, TicketureConfig};
use serde_json::json;
use simulator::{Simulator, SimulatorOptions};

use crate::world::{World, snapshots};

/// A simulator of these objects on loopback, and where it is.
pub async fn on_loopback(snapshots: PathBuf) -> (Simulator, String) {
    let simulator = Simulator::new(SimulatorOptions::new(snapshots)).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let serving = simulator.clone();
    tokio::spawn(async move { serving.serve(listener).await });
    (simulator, address)
}

/// A client of that org.
pub fn salesforce(network: &HttpTransport, address: &str) -> SalesforceClient {
    let config = SalesforceConfig {
        login_url: address.to_owned(),
        api_version: "v67.0".to_owned(),
        reserve_percent: RESERVE_PERCENT,
        auth: Auth::ClientCredentials {
            client_id: "test".to_owned(),
            client_secret: Secret::new("secret"),
        },
    };
    SalesforceClient::new(Arc::new(network.clone()), config)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_clients_use_their_connections_again() {
    let (simulator, address) = on_loopback(snapshots()).await;
    let network = HttpTransport::new().unwrap();
    let org = salesforce(&network, &address);
    let config = TicketureConfig {
        url: address,
        api_key: Secret::new("secret"),
    };
    let tenant = TicketureClient::new(Arc::new(network), config, clock::wall());
    // Large enough to go compressed, and to come back so.
    let visitors: Vec<String> = (0..200)
        .map(|number| json!({ "LastName": format!("Visitor {number}") }).to_string())
        .collect();
    for _ in 0..20 {
        let made = org.create("Contact", &visitors).await.unwrap();
        assert!(made.iter().all(Result::is_ok), "{made:?}");
        assert!(tenant.read("identity", "nobody").await.unwrap().is_none());
    }
    assert_eq!(simulator.records("Contact").len(), 4_000);
    // Forty calls and a log-in; a connection may come back a moment after the next call has opened another.
    assert!(simulator.connections() <= 5, "{}", simulator.connections());
}

/// What stands behind `name=` in a line of the log.
fn told<'a>(line: &'a str, name: &str) -> &'a str {
    let start = line.split(&format!(" {name}=")).nth(1).unwrap_or_default();
    start
        .split(' ')
        .next()
        .unwrap_or_default()
        .trim_matches('"')
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_leads_to_the_write_and_the_write_to_the_log() {
    let world = World::two_way("").await;
    let person = json!({ "id": "i-1", "first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.org" });
    world.change(person).await;
    world.settled().await;
    let contact = world.contact("i-1")["Id"].as_str().unwrap().to_owned();
    let mended = json!({ "FirstName": "Augusta" });
    let mended = mended.as_object().unwrap().clone();
    world
        .simulator
        .update_by_user("Contact", &contact, mended)
        .unwrap();
    world
        .until("the way back", |_| {
            world.identity("i-1").unwrap()["first_name"] == "Augusta"
        })
        .await;
    world.settled().await;

    let log = world.log();
    let calls: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(" call id="))
        .collect();
    let lines_of =
        |id: &str| -> Vec<&&str> { calls.iter().filter(|line| told(line, "id") == id).collect() };
    let written = world.writes().into_iter().chain(world.tenant_writes());
    let mut systems = Vec::new();
    for write in written {
        let id = write.request_id.clone().unwrap();
        let lines = lines_of(&id);
        assert_eq!(lines.len(), 1, "lines of {id}\n{log}");
        let (method, place) = (told(lines[0], "method"), told(lines[0], "place"));
        match write.object.as_str() {
            "identity" => {
                assert_eq!((method, place), ("PATCH", "/api/identity/i-1"));
            }
            _ => assert_eq!(
                (method, place),
                ("POST", "/services/data/v67.0/composite/sobjects")
            ),
        }
        systems.push(id.split('-').next().unwrap().to_owned());
    }
    systems.dedup();
    assert_eq!(systems, ["salesforce", "ticketure"]);
    assert!(!log.contains("ada@example.org"), "personal data in the log");
    assert!(!log.contains("Lovelace"), "personal data in the log");
}
