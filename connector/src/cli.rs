//! The commands. What they print is for people; with `--json` it is for programs.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use clap::{Args, Parser, Subcommand};
use runtime::http::{HttpTransport, Transport};
use runtime::queue::{Store, StoreError, StoreOptions};
use runtime::salesforce::SalesforceClient;
use serde::Serialize;
use tokio::sync::watch;

use crate::config::{self, Config};
use crate::operator::{Decide, Retry};
use crate::push::Push;
use crate::review::{self, ReviewArguments};
use crate::service::{self, Service};
use crate::{show, terminal};

#[derive(Parser)]
#[command(
    name = "usher",
    version,
    about = "Keeps Ticketure and Salesforce in step."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Args, Clone)]
struct Place {
    /// The configuration.
    #[arg(long, default_value = "usher.toml")]
    config: PathBuf,
    /// production or sandbox; by default the one that the file names.
    #[arg(long)]
    environment: Option<String>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Takes webhooks and writes to Salesforce, until it is told to stop.
    Serve {
        #[command(flatten)]
        place: Place,
    },
    /// The queue in numbers.
    Status {
        #[command(flatten)]
        place: Place,
    },
    /// The error log, newest first, and the problems that wait before they are in it.
    Errors {
        #[command(flatten)]
        place: Place,
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Sends items of the error log through again.
    Retry {
        #[command(flatten)]
        place: Place,
        /// The item's number.
        #[arg(required_unless_present = "all")]
        item: Option<i64>,
        /// All of them.
        #[arg(long, conflicts_with = "item")]
        all: bool,
    },
    /// Sends one record of Salesforce's to Ticketure, or says in the error log why it does not go.
    Push {
        #[command(flatten)]
        place: Place,
        /// The id of a contact, an account or an opportunity.
        record: String,
    },
    /// Everything about one item.
    Show {
        #[command(flatten)]
        place: Place,
        item: i64,
    },
    /// Records of Salesforce's that changed and may not go back as they are, and why.
    Gates {
        #[command(flatten)]
        place: Place,
    },
    /// Both sides of a record, what they agreed on, who won each field and why.
    Explain {
        #[command(flatten)]
        place: Place,
        /// The id of an identity in Ticketure, or of a record in Salesforce.
        record: String,
    },
    /// What waits for a person's decision, and the decision.
    Review {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        answer: ReviewArguments,
    },
    /// Copies the database into a new file, also while the service runs.
    Backup {
        #[command(flatten)]
        place: Place,
        file: PathBuf,
    },
    /// Puts a back-up in the database's place; the service has to be stopped. What was there is kept beside it.
    Restore {
        #[command(flatten)]
        place: Place,
        file: PathBuf,
    },
    /// Says what is wrong with the configuration, by line.
    CheckConfig {
        #[command(flatten)]
        place: Place,
    },
    /// A Salesforce org and a Ticketure tenant on this machine.
    #[cfg(feature = "demo")]
    Simulator(crate::demo::SimulatorArguments),
    /// A live story against the simulator, with real work behind each line.
    #[cfg(feature = "demo")]
    Demo(crate::demo::DemoArguments),
    /// Random histories of edits on both sides, judged from outside: everything in one process, on virtual time.
    #[cfg(feature = "demo")]
    Sim(crate::sim::SimArguments),
    /// Scenario files, each in many orders of delivery: the end is the same and as the file says.
    #[cfg(feature = "demo")]
    Scenarios(crate::scenarios::ScenarioArguments),
    /// Writes conversations with a sandbox down as fixtures without personal data, and checks the simulator against them.
    #[cfg(feature = "demo")]
    Record {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        arguments: crate::record::RecordArguments,
    },
    /// How fast this machine does it: webhooks in, backlogs out, and the bare figures of disk and HTTP beside them.
    #[cfg(feature = "demo")]
    Bench(crate::bench::BenchArguments),
}

type Outcome = Result<ExitCode, Box<dyn Error>>;

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    #[cfg(feature = "demo")]
    if let Some(ended) = on_virtual_time(&arguments.command) {
        return ended.unwrap_or_else(|error| failed(error.as_ref()));
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    match runtime.block_on(dispatch(arguments.command)) {
        Ok(code) => code,
        Err(error) => failed(error.as_ref()),
    }
}

/// What makes runtimes of its own, on which time is virtual.
#[cfg(feature = "demo")]
fn on_virtual_time(command: &Command) -> Option<Outcome> {
    match command {
        Command::Sim(arguments) => Some(crate::sim::run(arguments)),
        Command::Scenarios(arguments) => Some(crate::scenarios::run(arguments)),
        _ => None,
    }
}

/// The whole chain, once.
fn failed(error: &dyn Error) -> ExitCode {
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(deeper) = cause {
        eprintln!("  because {deeper}");
        cause = deeper.source();
    }
    ExitCode::FAILURE
}

async fn dispatch(command: Command) -> Outcome {
    match command {
        Command::Serve { place } => serve(&place).await,
        Command::Status { place } => print(&place, &reader(&place)?.status().await?, show::status),
        Command::Errors { place, limit } => {
            let reader = reader(&place)?;
            let mut errors = reader.errors(limit).await?;
            errors.extend(reader.waiting_problems(limit).await?);
            print(&place, &errors, |errors| show::errors(errors))
        }
        Command::Gates { place } => print(&place, &reader(&place)?.gated(None).await?, |gated| {
            show::gates(gated)
        }),
        Command::Explain { place, record } => {
            // `explain` needs only the settings, so it works with a faulty configuration too.
            let settings =
                load(&place).map_or_else(|_| crate::settings::defaults(), |it| it.settings);
            let explanation = crate::explain::explain(&reader(&place)?, &record, &settings).await?;
            print(&place, &explanation, crate::explain::text)
        }
        Command::Show { place, item } => match reader(&place)?.item(item).await? {
            Some(view) => print(&place, &view, show::item),
            None => Err(
                format!("there is no item {item}; `usher errors` lists those that failed").into(),
            ),
        },
        Command::Review { place, answer } => review(&place, &answer).await,
        Command::Retry { place, item, .. } => retry(&place, Retry { item }).await,
        Command::Push { place, record } => push(&place, Push { record }).await,
        Command::Backup { place, file } => backup(&place, &file).await,
        Command::Restore { place, file } => restore(&place, &file),
        Command::CheckConfig { place } => check_config(&place),
        #[cfg(feature = "demo")]
        Command::Simulator(arguments) => crate::demo::serve_simulator(arguments).await,
        #[cfg(feature = "demo")]
        Command::Demo(arguments) => crate::demo::run(arguments).await,
        #[cfg(feature = "demo")]
        Command::Record { place, arguments } => {
            log_to_stderr("warn");
            let environment = place.environment.as_deref();
            let org = || Ok(config::salesforce(&place.config, environment)?);
            crate::record::run(&arguments, org).await
        }
        #[cfg(feature = "demo")]
        Command::Bench(arguments) => crate::bench::run(arguments).await,
        #[cfg(feature = "demo")]
        Command::Sim(_) | Command::Scenarios(_) => Err("it has a runtime of its own".into()),
    }
}

fn print<T: Serialize>(place: &Place, value: &T, text: impl Fn(&T) -> String) -> Outcome {
    if place.json {
        println!("{}", serde_json::to_string(value)?);
    } else {
        println!("{}", terminal::page(&text(value)));
    }
    Ok(ExitCode::SUCCESS)
}

fn load(place: &Place) -> Result<Config, config::ConfigError> {
    config::load(&place.config, place.environment.as_deref())
}

fn reader(place: &Place) -> Result<Store, Box<dyn Error>> {
    let database = config::database(&place.config, place.environment.as_deref())?;
    Ok(Store::open_read_only(database)?)
}

async fn backup(place: &Place, file: &Path) -> Outcome {
    reader(place)?.backup(file).await?;
    println!("{} is a whole copy, on the disk", file.display());
    Ok(ExitCode::SUCCESS)
}

fn restore(place: &Place, file: &Path) -> Outcome {
    let database = config::database(&place.config, place.environment.as_deref())?;
    let before = Store::restore(file, &database)?;
    println!("{} is what {} was", database.display(), file.display());
    if let Some(before) = before {
        println!("what was there before is {}", before.display());
    }
    println!("what came since the back-up: let Ticketure send it again, or save the records there");
    Ok(ExitCode::SUCCESS)
}

fn check_config(place: &Place) -> Outcome {
    match load(place) {
        Ok(config) => {
            println!(
                "{}: fine, for the environment {}",
                place.config.display(),
                config.environment
            );
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            eprintln!("{error}");
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn serve(place: &Place) -> Outcome {
    log_to_stderr("info");
    let config = load(place)?;
    let service = Service::build(&config, Arc::new(HttpTransport::new()?), fastrand::u64(..))?;
    let listener = service::listen(&config.listen).await?;
    tracing::info!(environment = config.environment, listen = %listener.local_addr()?, database = %config.database.display(), "usher serves");
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        asked_to_stop().await;
        tracing::info!("stopping: what has begun is finished");
        let _ = stop.send(true);
    });
    service.run(listener, stopped).await?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Ctrl-C, or what service managers send.
async fn asked_to_stop() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupted.await;
}

/// Where there is no other word in USHER_LOG, this level.
pub fn log_to_stderr(level: &str) {
    let filter =
        tracing_subscriber::EnvFilter::try_from_env("USHER_LOG").unwrap_or_else(|_| level.into());
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .try_init();
}

/// Opens the database as the service does, so that an operator's commands wake the same items.
fn options() -> StoreOptions {
    StoreOptions {
        stand_ins: crate::handlers::organizations::stand_ins(),
        ..StoreOptions::default()
    }
}

async fn retry(place: &Place, retry: Retry) -> Outcome {
    let config = load(place)?;
    let count = match Store::open(&config.database, options()) {
        Ok(store) => store.retry(retry.which()).await?,
        Err(StoreError::Locked { .. }) => ask(&config, "retry", &retry).await?,
        Err(error) => return Err(error.into()),
    };
    println!(
        "{}",
        if place.json {
            serde_json::json!({ "retried": count }).to_string()
        } else {
            format!("{count} sent through again")
        }
    );
    Ok(if count == 0 && retry.item.is_some() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

async fn push(place: &Place, push: Push) -> Outcome {
    let config = load(place)?;
    let captured = push.captured()?;
    let count = match Store::open(&config.database, options()) {
        Ok(store) => store.capture(captured).await?,
        Err(StoreError::Locked { .. }) => ask(&config, "push", &push).await?,
        Err(error) => return Err(error.into()),
    };
    let said = match (place.json, count) {
        (true, _) => serde_json::json!({ "pushed": count }).to_string(),
        (false, 0) => "it waits already: `usher explain` says for what".to_owned(),
        (false, _) => {
            "it goes when the service is running; `usher errors` says if it does not".to_owned()
        }
    };
    println!("{said}");
    Ok(ExitCode::SUCCESS)
}

async fn review(place: &Place, answer: &ReviewArguments) -> Outcome {
    if let Some(decision) = answer.decision()? {
        let yes = answer.yes;
        return decide(place, Decide { decision, yes }).await;
    }
    let reader = reader(place)?;
    match answer.decided {
        true => print(place, &reader.decided(None).await?, |decided| {
            review::decided(decided)
        }),
        false => print(place, &reader.reviews().await?, |open| review::open(open)),
    }
}

async fn decide(place: &Place, decide: Decide) -> Outcome {
    let config = load(place)?;
    let Decide { decision, yes } = &decide;
    let count = match Store::open(&config.database, options()) {
        Ok(store) => {
            let transport = Arc::new(HttpTransport::new()?);
            let salesforce = config.salesforce.clone();
            let salesforce =
                SalesforceClient::with_time(transport, salesforce, runtime::clock::wall());
            review::verify(&store, &salesforce, decision, *yes).await?;
            store.decide(decision.clone()).await?
        }
        Err(StoreError::Locked { .. }) => ask(&config, "decide", &decide).await?,
        Err(error) => return Err(error.into()),
    };
    let woken = serde_json::json!({ "woken": count });
    print(place, &woken, |_| review::done(decision, count))
}

/// Asks the service that holds the database; its answer holds one number.
async fn ask<T: Serialize>(config: &Config, what: &str, body: &T) -> Result<usize, Box<dyn Error>> {
    let address = config.listen.replace("0.0.0.0", "127.0.0.1");
    let request = http::Request::post(format!("http://{address}/operator/{what}"))
        .header(
            "authorization",
            format!("Bearer {}", config.webhook_secret.reveal()),
        )
        .header("content-type", "application/json")
        .body(Bytes::from(serde_json::to_vec(body)?))?;
    let answer = HttpTransport::new()?.send(request).await?;
    let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    if !answer.status().is_success() {
        let reason = body
            .get("error")
            .and_then(serde_json::Value::as_str)
            .unwrap_or("no reason given")
            .to_owned();
        return Err(format!("the running service refused: {reason}").into());
    }
    let count = body
        .as_object()
        .and_then(|members| members.values().next())
        .and_then(serde_json::Value::as_u64);
    Ok(count.unwrap_or_default() as usize)
}

/// The schemas beside the working folder, else those of the checkout that this was built from.
#[cfg(feature = "demo")]
pub fn snapshots() -> PathBuf {
    let near = Path::new("mappings/schemas/salesforce");
    if near.is_dir() {
        return near.to_owned();
    }
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings/schemas/salesforce")
}
