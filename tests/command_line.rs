//! What `usher` and `mapc` say when something is wrong.

use std::process::Command;

use serde_json::json;

use crate::world::{World, program, root};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_service_on_one_database_says_so() {
    let world = World::running(true, "").await;
    let second = world.usher(&["serve"]);
    assert!(!second.status.success());
    assert!(
        text(&second.stderr).contains("in use by another process"),
        "{}",
        text(&second.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_from_a_newer_version_is_left_alone() {
    let mut world = World::running(true, "").await;
    world.kill();
    let database = world.folder.path().join("usher.db");
    let newer = Command::new("python3")
        .args(["-c", "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('PRAGMA user_version=999'); c.commit()"])
        .arg(&database)
        .status();
    assert!(newer.unwrap().success());
    let started = world.usher(&["serve"]);
    assert!(!started.status.success());
    assert!(
        text(&started.stderr).contains("newer version"),
        "{}",
        text(&started.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_configuration_is_said_by_line() {
    let world = World::new(true, "batch = 9999").await;
    let checked = world.usher(&["check-config"]);
    assert!(!checked.status.success());
    assert!(
        text(&checked.stderr).contains("usher.toml:4: batch is 9999"),
        "{}",
        text(&checked.stderr)
    );
    let fine = World::new(true, "").await.usher(&["check-config"]);
    assert!(fine.status.success(), "{}", text(&fine.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_finishes_what_has_begun() {
    let mut world = World::running(true, "").await;
    let ids = world.people(300);
    world.send(&ids).await;
    assert!(world.terminate().success(), "{}", world.log());
    assert_eq!(
        world.usher_json(&["status"])["running"],
        0,
        "nothing is left half done"
    );
    world.start().await;
    world.settled().await;
    assert_eq!(crate::world::creates(&world.writes()).len(), 300);
}

fn mapc(arguments: &[&str]) -> std::process::Output {
    Command::new(program("mapc"))
        .current_dir(root())
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn mapc_tells_clean_from_mistaken_from_unable() {
    let clean = mapc(&["check"]);
    assert_eq!(clean.status.code(), Some(0), "{}", text(&clean.stderr));
    assert_eq!(
        mapc(&["check", "mappings/contact.yaml"]).status.code(),
        Some(0)
    );
    assert_eq!(mapc(&["check", "nowhere"]).status.code(), Some(2));
    assert_eq!(mapc(&["explain", "M0101"]).status.code(), Some(0));
    let unknown = mapc(&["explain", "M9999"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("M0101"));
    assert_eq!(mapc(&["generate", "--check"]).status.code(), Some(0));
    let schema = std::fs::read(root().join("mappings/schemas/mapping.schema.json")).unwrap();
    assert!(
        mapc(&["schema"]).stdout == schema,
        "the schema for editors is stale: run cargo gen"
    );
}

#[test]
fn mapc_shows_mistakes_in_every_format() {
    let folder = copy_of_mappings();
    let path = folder.path().join("mappings/contact.yaml");
    let broken = std::fs::read_to_string(&path)
        .unwrap()
        .replace("destination: FirstName", "destination: FristName");
    std::fs::write(&path, broken).unwrap();
    let check = |format: &str| {
        Command::new(program("mapc"))
            .current_dir(folder.path())
            .args(["check", "--format", format])
            .output()
            .unwrap()
    };
    let shown = check("text");
    assert_eq!(shown.status.code(), Some(1));
    assert!(
        text(&shown.stdout).contains("mappings/contact.yaml:22:"),
        "{}",
        text(&shown.stdout)
    );
    let line: serde_json::Value = serde_json::from_slice(&check("json").stdout).unwrap();
    assert_eq!(
        (line["line"].as_u64(), line["code"].as_str()),
        (Some(22), Some("M0102"))
    );
    assert!(
        text(&check("github").stdout).starts_with("::error file=mappings/contact.yaml,line=22,")
    );
    let account = Command::new(program("mapc"))
        .current_dir(folder.path())
        .args(["check", "mappings/account.yaml"])
        .output()
        .unwrap();
    assert_eq!(account.status.code(), Some(0), "only the named file counts");
}

#[test]
fn a_handler_stub_is_written_once() {
    let folder = copy_of_mappings();
    let new = || {
        Command::new(program("mapc"))
            .current_dir(folder.path())
            .args(["new", "handler", "identity_changed"])
            .output()
            .unwrap()
    };
    assert_eq!(new().status.code(), Some(0));
    let stub = std::fs::read_to_string(
        folder
            .path()
            .join("connector/src/handlers/identity_changed.rs"),
    )
    .unwrap();
    assert!(
        stub.contains("impl IdentityChanged for IdentityChangedHandler"),
        "{stub}"
    );
    let again = new();
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("is yours"));
}

/// The shipped mappings in a folder of their own.
pub fn copy_of_mappings() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp")
        .arg("-r")
        .arg(root().join("mappings"))
        .arg(folder.path())
        .status();
    assert!(copied.unwrap().success());
    folder
}

/// Copied while the service runs, put back when it has stopped: what was waiting then is done now.
#[tokio::test(flavor = "multi_thread")]
async fn a_back_up_is_made_while_the_service_runs_and_comes_back() {
    let mut world = World::running(true, "").await;
    world
        .change(json!({ "id": "i-1", "first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.org", "organization_id": "o-9" }))
        .await;
    world.until("parked", |status| status["parked"] == 1).await;
    let made = world.usher(&["backup", "copy.db"]);
    assert!(made.status.success(), "{made:?}");
    let again = world.usher(&["backup", "copy.db"]);
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("is there already"));
    let used = world.usher(&["restore", "copy.db"]);
    assert!(String::from_utf8_lossy(&used.stderr).contains("in use by another process"));
    assert!(world.terminate().success());
    std::fs::write(world.folder.path().join("usher.db"), "lost").unwrap();
    let damaged = world.usher(&["serve"]);
    assert!(!damaged.status.success());
    assert!(String::from_utf8_lossy(&damaged.stderr).contains("usher restore"));
    let back = world.usher(&["restore", "copy.db"]);
    assert!(back.status.success(), "{back:?}");
    world.start().await;
    world
        .change(
            json!({ "id": "o-9", "identity_type": "organization", "name": "Analytical Society" }),
        )
        .await;
    world.settled().await;
    assert_eq!(world.contact("i-1")["LastName"], "Lovelace");
}

#[test]
fn printing_where_nobody_reads_any_longer_ends_quietly() {
    let folder = root().join("tests/scenarios/memberships/a-gift.yaml");
    let scenario = ["scenarios", folder.to_str().unwrap(), "--orders", "1"];
    let commands: [(&str, &[&str], i32); 2] = [("usher", &scenario, 141), ("mapc", &["test"], 1)];
    for (name, arguments, code) in commands {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = Command::new(program(name))
            .args(arguments)
            .current_dir(root())
            .stdout(writer)
            .output()
            .unwrap();
        assert_eq!(ended.status.code(), Some(code), "{name}");
        assert_eq!(text(&ended.stderr), "", "{name}");
    }
}
