//! Receivers and tables without any of ours: the limits that ours is measured against.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use rusqlite::{Connection, TransactionBehavior};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::load::{self, Answered, Load};
use super::measure::Meter;
use super::people::Template;
use super::report::Report;
use super::{Common, Failure, place};

/// Rows to one commit, at most: as many as the queue's own writer takes.
const GROUP_MAX: usize = 2_000;
const WAITING_MAX: usize = 8_192;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Bare {
    /// Reads the body and answers.
    Nothing,
    /// Answers when the body is in a table with one index, committed with whatever else waits.
    GroupCommit,
}

pub struct Received {
    pub report: Report,
    pub answered: Answered,
}

/// A bare receiver under the load that ours gets.
pub async fn receive(common: &Common, bare: Bare, connections: usize) -> Result<Received, Failure> {
    let folder = place::folder(common)?;
    let writer = match bare {
        Bare::Nothing => None,
        Bare::GroupCommit => Some(Writer::start(&folder.path().join("bare.db"))?),
    };
    let commits = writer
        .as_ref()
        .map(|writer| writer.commits.clone())
        .unwrap_or_default();
    let router = match &writer {
        None => Router::new().route("/webhooks", post(|_: Bytes| async { StatusCode::ACCEPTED })),
        Some(writer) => Router::new()
            .route("/webhooks", post(store))
            .with_state(writer.rows.clone()),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address: SocketAddr = listener.local_addr()?;
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let template = Template::webhook(common.payload_bytes);
    let meter = Meter::start();
    let answered = load::send(Load {
        address,
        connections: connections.max(1),
        requests: common.items,
        body: Arc::new(move |number, body| template.write(number, number + 1, body)),
        rate: None,
    })
    .await?;
    let used = meter.stop();
    serving.abort();
    let name = match bare {
        Bare::Nothing => "bare HTTP, nothing stored",
        Bare::GroupCommit => "bare HTTP, group commit",
    };
    let report = Report::new(name)
        .with("items", common.items)
        .with("refused", answered.refused)
        .with("concurrency", connections)
        .with("fsyncs", commits.load(Ordering::Relaxed))
        .used(used, common.items)
        .pace(common.items, answered.seconds, answered.latencies.clone());
    if let Some(writer) = writer {
        let _ = serving.await;
        writer.stop();
    }
    Ok(Received { report, answered })
}

type Row = (Bytes, oneshot::Sender<bool>);

async fn store(State(rows): State<mpsc::Sender<Row>>, body: Bytes) -> StatusCode {
    let (reply, answer) = oneshot::channel();
    if rows.send((body, reply)).await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    match answer.await {
        Ok(true) => StatusCode::ACCEPTED,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// One thread that commits whatever waits.
struct Writer {
    rows: mpsc::Sender<Row>,
    commits: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Writer {
    fn start(path: &Path) -> Result<Writer, Failure> {
        let mut table = Table::open(path)?;
        let commits = Arc::new(AtomicU64::new(0));
        let counted = commits.clone();
        let (rows, mut waiting) = mpsc::channel::<Row>(WAITING_MAX);
        let thread = std::thread::spawn(move || {
            let mut group = Vec::new();
            while let Some(first) = waiting.blocking_recv() {
                group.push(first);
                while group.len() < GROUP_MAX
                    && let Ok(row) = waiting.try_recv()
                {
                    group.push(row);
                }
                let written = table
                    .insert(group.iter().map(|(body, _)| body.as_ref()))
                    .is_ok();
                counted.fetch_add(1, Ordering::Relaxed);
                for (_, reply) in group.drain(..) {
                    let _ = reply.send(written);
                }
            }
        });
        Ok(Writer {
            rows,
            commits,
            thread,
        })
    }

    /// The database is closed when this returns, if nobody holds a way to it any more.
    fn stop(self) {
        drop(self.rows);
        drop(self.thread);
    }
}

/// A table with one index, synced with each commit.
pub struct Table {
    connection: Connection,
    next: i64,
}

impl Table {
    pub fn open(path: &Path) -> Result<Table, Failure> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(
            "CREATE TABLE bare (id INTEGER PRIMARY KEY, lane TEXT NOT NULL, payload BLOB NOT NULL);
             CREATE INDEX bare_lane ON bare (lane);",
        )?;
        Ok(Table {
            connection,
            next: 0,
        })
    }

    /// One transaction.
    pub fn insert<'r>(&mut self, rows: impl Iterator<Item = &'r [u8]>) -> rusqlite::Result<()> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut statement =
                transaction.prepare_cached("INSERT INTO bare (lane, payload) VALUES (?1, ?2)")?;
            for row in rows {
                self.next += 1;
                statement.execute((format!("person-{:08}", self.next), row))?;
            }
        }
        transaction.commit()
    }
}
