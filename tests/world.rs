//! A museum in a folder: a simulator in this process, and `usher serve` as a process of its own.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use runtime::http::{HttpTransport, Transport};
use serde_json::{Map, Value, json};
use simulator::{Actor, Operation, Simulator, SimulatorOptions, Write};

/// How long one thing may take before it counts as not having happened.
const PATIENCE: Duration = Duration::from_secs(120);

/// The root of the project.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A program of the workspace, which `tests/run` builds first.
pub fn program(name: &str) -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let folder = here.parent().unwrap().parent().unwrap();
    let program = folder.join(name);
    assert!(
        program.exists(),
        "{} is not built: run tests/run, or cargo build --workspace first",
        program.display()
    );
    program
}

pub fn snapshots() -> PathBuf {
    root().join("mappings/schemas/salesforce")
}

pub struct World {
    pub simulator: Simulator,
    pub simulator_address: String,
    pub folder: tempfile::TempDir,
    pub port: u16,
    web: HttpTransport,
    child: Option<Child>,
}

impl World {
    /// A simulator on loopback and a configuration; the service is not started yet.
    pub async fn new(npsp: bool, extra: &str) -> World {
        let options = SimulatorOptions {
            npsp,
            ..SimulatorOptions::new(snapshots())
        };
        let simulator = Simulator::new(options).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let simulator_address = format!("http://{}", listener.local_addr().unwrap());
        let serving = simulator.clone();
        tokio::spawn(async move { serving.serve(listener).await });
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let text = format!(
            "environment = \"sandbox\"\n[sandbox]\nlisten = \"127.0.0.1:{port}\"\n{extra}\n[sandbox.salesforce]\nlogin_url = \"{simulator_address}\"\nclient_id = \"test\"\n"
        );
        std::fs::write(folder.path().join("usher.toml"), text).unwrap();
        World {
            simulator,
            simulator_address,
            folder,
            port,
            web: HttpTransport::new().unwrap(),
            child: None,
        }
    }

    /// The same with the service running.
    pub async fn running(npsp: bool, extra: &str) -> World {
        let mut world = World::new(npsp, extra).await;
        world.start().await;
        world
    }

    /// With a way to Ticketure, whose own writes send webhooks as well; it looks for changes every second.
    pub async fn two_way(extra: &str) -> World {
        let mut world = World::new(true, &format!("poll_seconds = 1\n{extra}")).await;
        let path = world.folder.path().join("usher.toml");
        let mut text = std::fs::read_to_string(&path).unwrap();
        text += &format!(
            "[sandbox.ticketure]\nurl = \"{}\"\n",
            world.simulator_address
        );
        std::fs::write(path, text).unwrap();
        let target = json!({ "url": format!("http://127.0.0.1:{}/webhooks", world.port), "secret": "secret" });
        let request = Request::post(format!("{}/simulator/webhooks", world.simulator_address))
            .body(Bytes::from(target.to_string()))
            .unwrap();
        assert!(world.web.send(request).await.unwrap().status().is_success());
        world.start().await;
        world
    }

    /// An identity, by its id.
    pub fn identity(&self, id: &str) -> Option<Map<String, Value>> {
        let all = self.simulator.identities();
        all.into_iter().find(|identity| identity["id"] == id)
    }

    fn command(&self) -> Command {
        self.command_under(&[])
    }

    fn command_under(&self, runner: &[&str]) -> Command {
        let usher = program("usher");
        let mut command = match runner {
            [] => Command::new(usher),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(usher);
                command
            }
        };
        command
            .current_dir(self.folder.path())
            // Each call has a line in the log.
            .env("USHER_LOG", "info,runtime::http=debug")
            .env("USHER_WEBHOOK_SECRET", "secret")
            .env("USHER_SALESFORCE_CLIENT_SECRET", "secret")
            .env("USHER_TICKETURE_API_KEY", "secret");
        command
    }

    pub async fn start(&mut self) {
        self.start_under(&[]).await;
    }

    /// The same, run by another program, such as one that makes its system calls fail.
    pub async fn start_under(&mut self, runner: &[&str]) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .unwrap();
        self.child = Some(
            self.command_under(runner)
                .arg("serve")
                .stdout(Stdio::null())
                .stderr(log)
                .process_group(0)
                .spawn()
                .unwrap(),
        );
        let start = Instant::now();
        while self.get("/health").await.is_none() {
            assert!(
                start.elapsed() < PATIENCE,
                "usher did not start: {}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// As a power cut: `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Whoever runs it as well.
            let group = format!("-{}", child.id());
            let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
            child.wait().unwrap();
        }
    }

    /// As a service manager stops it; gives how it ended.
    pub fn terminate(&mut self) -> std::process::ExitStatus {
        let mut child = self.child.take().unwrap();
        let told = Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status();
        assert!(told.unwrap().success());
        child.wait().unwrap()
    }

    /// Another command of `usher` in the same folder.
    pub fn usher(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    /// Its standard output as JSON.
    pub fn usher_json(&self, arguments: &[&str]) -> Value {
        let output = self.usher(&[arguments, &["--json"]].concat());
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// What `usher status` says first.
    pub fn first_line(&self) -> String {
        let status = self.usher(&["status"]);
        let text = String::from_utf8_lossy(&status.stdout).into_owned();
        text.lines().next().unwrap_or_default().to_owned()
    }

    pub async fn get(&self, path: &str) -> Option<u16> {
        let request = Request::get(format!("http://127.0.0.1:{}{path}", self.port))
            .body(Bytes::new())
            .unwrap();
        self.web
            .send(request)
            .await
            .ok()
            .map(|answer| answer.status().as_u16())
    }

    /// Status and body; nothing when the service is not there.
    pub async fn post(&self, body: impl Into<Bytes>, secret: &str) -> Option<(u16, Value)> {
        let request = Request::post(format!("http://127.0.0.1:{}/webhooks", self.port))
            .header("authorization", format!("Bearer {secret}"))
            .body(body.into())
            .unwrap();
        let answer = self.web.send(request).await.ok()?;
        let body = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
        Some((answer.status().as_u16(), body))
    }

    /// The webhooks about these identities, in one request, which is accepted.
    pub async fn send(&self, ids: &[String]) {
        let webhooks: Vec<Value> = ids
            .iter()
            .map(|id| self.simulator.webhook(id).unwrap())
            .collect();
        for chunk in webhooks.chunks(500) {
            let (status, body) = self
                .post(Value::from(chunk).to_string(), "secret")
                .await
                .unwrap();
            assert_eq!(status, 202, "{body}");
        }
    }

    /// Changes an identity and sends its webhook.
    pub async fn change(&self, identity: Value) {
        let id = self
            .simulator
            .put_identity(identity.as_object().unwrap().clone());
        self.send(&[id]).await;
    }

    /// Waits until the queue's numbers satisfy; they are given by name.
    pub async fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) {
        let start = Instant::now();
        loop {
            let status = self.usher_json(&["status"]);
            if holds(&status) {
                return;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "{what} never came: {status}\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until nothing is on its way.
    pub async fn settled(&self) {
        let left = |status: &Value| {
            ["ready", "running", "delayed", "parked"]
                .iter()
                .map(|name| status[*name].as_u64().unwrap())
                .sum::<u64>()
        };
        self.until("rest", |status| left(status) == 0).await;
    }

    /// What came through the API.
    pub fn writes(&self) -> Vec<Write> {
        self.simulator
            .write_log()
            .into_iter()
            .filter(|write| write.actor == Actor::Api)
            .collect()
    }

    /// What came through Ticketure's API.
    pub fn tenant_writes(&self) -> Vec<Write> {
        self.simulator
            .tenant_log()
            .into_iter()
            .filter(|write| write.actor == Actor::Api)
            .collect()
    }

    /// The contact of an identity; there is one.
    pub fn contact(&self, identity: &str) -> Map<String, Value> {
        let mut found = self
            .simulator
            .find("Contact", "Ticketure_Identity_Id__c", identity);
        assert_eq!(found.len(), 1, "contacts of {identity}");
        found.remove(0)
    }

    /// So many people in Ticketure; gives their ids.
    pub fn people(&self, count: usize) -> Vec<String> {
        let person = |number: usize| json!({ "first_name": "Ada", "last_name": format!("Visitor {number}"), "email": format!("visitor{number}@example.org") });
        (0..count)
            .map(|number| {
                self.simulator
                    .put_identity(person(number).as_object().unwrap().clone())
            })
            .collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Creates through the API, by external id.
pub fn creates(writes: &[Write]) -> Vec<String> {
    let created = writes
        .iter()
        .filter(|write| write.operation == Operation::Create && write.object == "Contact");
    created
        .map(|write| {
            write.fields["Ticketure_Identity_Id__c"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}
