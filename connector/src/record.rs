//! `usher record`: conversations with a real org as redacted fixtures, and the check that the simulator answers alike.
//!
//! docs/record.md says what a person with a sandbox org does. `exchange` is the format, `redact` what keeps people and
//! secrets out of it, `proxy` and `probes` where conversations come from, `check` what the simulator is asked.

mod check;
mod exchange;
mod probes;
mod proxy;
mod recorder;
mod redact;
mod shape;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use runtime::http::{HttpTransport, Transport};
use runtime::salesforce::{SalesforceClient, SalesforceConfig};
use serde_json::Value;

use crate::cli;
use recorder::Recorder;
use redact::{Fields, Redactor};

#[derive(Args)]
pub struct RecordArguments {
    /// Records into this folder, which is new or empty.
    #[arg(long, required_unless_present = "check", conflicts_with = "check")]
    to: Option<PathBuf>,
    /// Plays this folder's recording against the simulator, and lists what it answers otherwise.
    #[arg(long)]
    check: Option<PathBuf>,
    /// Listens here for any client and records its conversation, instead of asking the questions of the list.
    #[arg(long, requires = "to")]
    listen: Option<String>,
    /// Lets the org be a production org. The questions write records there, and delete them again.
    #[arg(long, requires = "to")]
    production: bool,
}

/// Runs the command. `org` is read from usher.toml where an org is needed.
///
/// # Errors
/// When the org cannot be reached, is refused, or the disk fails.
pub async fn run(
    arguments: &RecordArguments,
    org: impl FnOnce() -> Result<SalesforceConfig, Box<dyn Error>>,
) -> Result<ExitCode, Box<dyn Error>> {
    match (&arguments.check, &arguments.to) {
        (Some(folder), _) => checked(folder).await,
        (None, Some(folder)) => record(arguments, folder, org()?).await,
        (None, None) => Err("say --to or --check".into()),
    }
}

async fn record(
    arguments: &RecordArguments,
    folder: &Path,
    org: SalesforceConfig,
) -> Result<ExitCode, Box<dyn Error>> {
    let network: Arc<dyn Transport> = Arc::new(HttpTransport::new()?);
    // This client asks and tidies up beside the recording.
    let beside = SalesforceClient::new(network.clone(), org.clone());
    if !arguments.production {
        refuse_production(&beside).await?;
    }
    let redactor = Redactor::new(Fields::read(&cli::snapshots()));
    let recorder = Arc::new(Recorder::new(network, folder.to_owned(), redactor)?);
    if let Some(address) = &arguments.listen {
        let listener = crate::service::listen(address).await?;
        let own = listener.local_addr()?;
        println!(
            "clients log in at http://{own}; each exchange is a file in {}",
            folder.display()
        );
        proxy::serve(listener, recorder, &org.login_url).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let left = probes::run(&recorder, &beside, org).await?;
    let written = recorder.written()?;
    println!("{written} exchanges are in {}", folder.display());
    println!("read them, then: usher record --check {}", folder.display());
    if left.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "these records could not be deleted again: {}",
        left.join(", ")
    );
    Ok(ExitCode::FAILURE)
}

/// Refuses an org that does not say that it is a sandbox.
async fn refuse_production(org: &SalesforceClient) -> Result<(), Box<dyn Error>> {
    let found = org.query("SELECT Id, IsSandbox FROM Organization").await?;
    let is_sandbox = found.first().and_then(|org| org.get("IsSandbox"));
    if is_sandbox == Some(&Value::Bool(true)) {
        return Ok(());
    }
    Err("the org is no sandbox (Organization.IsSandbox), and recording writes to it; --production allows it".into())
}

async fn checked(folder: &Path) -> Result<ExitCode, Box<dyn Error>> {
    let exchanges = exchange::read_all(folder)?;
    let count = exchanges.len();
    let differences = check::check(exchanges).await?;
    for difference in &differences {
        println!("{difference}");
    }
    println!("{count} exchanges, {} differences", differences.len());
    Ok(match differences.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
