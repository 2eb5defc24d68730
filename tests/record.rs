//! `usher record`, against the simulator by https: nothing personal and no secret is in a file, and the check notices
//! what was altered.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use runtime::http::HttpTransport;
use runtime::salesforce::{Auth, RESERVE_PERCENT, SalesforceClient, SalesforceConfig, Secret};
use serde_json::{Value, json};
use simulator::{Simulator, SimulatorOptions, Tls};

use crate::world::{program, root, snapshots};

const CLIENT: &str = "3MVG9-the-client";
const SECRET: &str = "the-client-secret";

/// A sandbox by https, and the configuration of a person who may use it.
struct Sandbox {
    simulator: Simulator,
    folder: tempfile::TempDir,
}

/// A process that ends with its test.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Sandbox {
    async fn new() -> Sandbox {
        let simulator = Simulator::new(SimulatorOptions::new(snapshots())).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let tls = Tls::new().unwrap();
        std::fs::write(folder.path().join("certificate.pem"), &tls.certificate_pem).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = simulator.clone();
        tokio::spawn(async move { serving.serve_tls(listener, &tls).await });
        let text = format!(
            "environment = \"sandbox\"\n[sandbox]\n[sandbox.salesforce]\nlogin_url = \"https://localhost:{port}\"\nclient_id = \"{CLIENT}\"\n"
        );
        std::fs::write(folder.path().join("usher.toml"), text).unwrap();
        Sandbox { simulator, folder }
    }

    fn recording(&self) -> PathBuf {
        self.folder.path().join("recording")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(program("usher"));
        command
            .current_dir(root())
            .arg("record")
            .arg("--config")
            .arg(self.folder.path().join("usher.toml"))
            .env("SSL_CERT_FILE", self.folder.path().join("certificate.pem"))
            .env("USHER_SALESFORCE_CLIENT_SECRET", SECRET);
        command
    }

    /// Runs the command while the simulator answers.
    async fn run(&self, arguments: &[&str], folder: &Path) -> Output {
        let mut command = self.command();
        command.args(arguments).arg(folder);
        let ran = tokio::task::spawn_blocking(move || command.output());
        ran.await.unwrap().unwrap()
    }

    async fn check(&self) -> (bool, String) {
        let output = self.run(&["--check"], &self.recording()).await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), text)
    }

    /// All that is on the disk, names of files included.
    fn written(&self) -> String {
        let mut all = String::new();
        for entry in std::fs::read_dir(self.recording()).unwrap() {
            let path = entry.unwrap().path();
            all += path.file_name().unwrap().to_str().unwrap();
            all += &std::fs::read_to_string(path).unwrap();
        }
        all
    }

    /// Alters the first file that has this text, and gives its name.
    fn alter(&self, from: &str, to: &str) -> String {
        let entries = std::fs::read_dir(self.recording()).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let text = std::fs::read_to_string(&path).unwrap();
            if text.contains(from) {
                std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
                return path.file_name().unwrap().to_string_lossy().into_owned();
            }
        }
        panic!("no file has {from}");
    }
}

fn shown(output: &Output) -> String {
    let (out, error) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(out).into_owned() + &String::from_utf8_lossy(error)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_questions_leave_nothing_in_the_org_and_the_simulator_answers_alike() {
    let sandbox = Sandbox::new().await;
    let output = sandbox.run(&["--to"], &sandbox.recording()).await;
    assert!(output.status.success(), "{}", shown(&output));
    assert!(sandbox.simulator.records("Contact").is_empty());
    assert!(sandbox.simulator.records("Account").is_empty());
    let written = sandbox.written();
    for secret in [
        CLIENT,
        SECRET,
        "00D5e000000simulator",
        "Bearer ",
        "0055e000003E8oo",
    ] {
        assert!(!written.contains(secret), "{secret}");
    }
    let (right, text) = sandbox.check().await;
    assert!(right, "{text}");
    // A second recording does not mix with the first.
    let again = sandbox.run(&["--to"], &sandbox.recording()).await;
    assert!(!again.status.success());
    for (from, to) in [
        ("\"status\": 201", "\"status\": 202"),
        ("STRING_TOO_LONG", "STRING_TOO_SHORT"),
        ("\"nextRecordsUrl\"", "\"nextRecords\""),
    ] {
        let file = sandbox.alter(from, to);
        let (right, text) = sandbox.check().await;
        assert!(
            !right && text.contains(&format!("{file}:")),
            "{from}: {text}"
        );
        sandbox.alter(to, from);
    }
    assert!(sandbox.check().await.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_production_org_is_refused() {
    let sandbox = Sandbox::new().await;
    sandbox.simulator.set_sandbox(false);
    let output = sandbox.run(&["--to"], &sandbox.recording()).await;
    assert!(!output.status.success());
    assert!(
        shown(&output).contains("--production"),
        "{}",
        shown(&output)
    );
    assert!(sandbox.simulator.write_log().is_empty());
    let output = sandbox
        .run(&["--production", "--to"], &sandbox.recording())
        .await;
    assert!(output.status.success(), "{}", shown(&output));
}

/// A client with dealings of its own, which says things about people.
async fn converse(login_url: String) {
    let config = SalesforceConfig {
        login_url,
        api_version: "v67.0".to_owned(),
        auth: Auth::ClientCredentials {
            client_id: CLIENT.to_owned(),
            client_secret: Secret::new(SECRET),
        },
        reserve_percent: RESERVE_PERCENT,
    };
    let org = SalesforceClient::new(Arc::new(HttpTransport::new().unwrap()), config);
    let people = PEOPLE.map(|(key, last, email)| {
        let person = json!({
            "attributes": { "type": "Contact" }, "Ticketure_Identity_Id__c": key, "LastName": last,
            "Email": email, "HomePhone": "+1 212 555 0199", "Birthdate": "1990-05-17",
            "MailingStreet": "12 Curiosity Lane",
        });
        person.as_object().unwrap().clone()
    });
    let key = "Ticketure_Identity_Id__c";
    let bodies: Vec<String> = people
        .iter()
        .map(|person| Value::from(person.clone()).to_string())
        .collect();
    let body = format!("{{\"allOrNone\":false,\"records\":[{}]}}", bodies.join(","));
    let path = format!("/composite/sobjects/Contact/{key}");
    let answer = org
        .raw(
            http::Method::PATCH,
            &path,
            http::HeaderMap::new(),
            body.into(),
        )
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let soql = "SELECT Id, LastName, Email, Account.Name FROM Contact WHERE Email IN ('grace@museum.org', 'nobody@museum.org')";
    assert_eq!(org.query(soql).await.unwrap().len(), 1);
    assert!(org.query("SELECT Nothing FROM Contact").await.is_err());
}

const PEOPLE: [(&str, &str, &str); 3] = [
    ("c-7734-a", "Hopperton", "Grace@Museum.org"),
    ("c-7734-b", "Lovelacey", "no address at all"),
    ("c-7734-c", "Somervilleson", "mary@museum.org"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_through_the_proxy_is_recorded_without_people() {
    let sandbox = Sandbox::new().await;
    let mut command = sandbox.command();
    command
        .args(["--listen", "127.0.0.1:0", "--to"])
        .arg(sandbox.recording())
        .stdout(Stdio::piped());
    let mut proxy = Ending(command.spawn().unwrap());
    let output = proxy.0.stdout.take().unwrap();
    let line = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).unwrap();
        line
    });
    let line = line.await.unwrap();
    let address = line.split("http://").nth(1).unwrap();
    let address = address.split(';').next().unwrap().to_owned();
    converse(format!("http://{address}")).await;
    assert_eq!(sandbox.simulator.records("Contact").len(), 2);
    let written = sandbox.written();
    for (key, last, email) in PEOPLE {
        for value in [key, last, email, &email.to_lowercase()] {
            assert!(!written.contains(value), "{value}");
        }
    }
    for value in [
        "museum.org",
        "555",
        "1990-05-17",
        "Curiosity",
        CLIENT,
        SECRET,
        "simulator!",
    ] {
        assert!(!written.contains(value), "{value}");
    }
    assert!(written.contains("INVALID_EMAIL_ADDRESS"));
    let (right, text) = sandbox.check().await;
    assert!(right, "{text}");
}
