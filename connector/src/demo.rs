//! `usher demo`: the service and the simulator in one process, and a story with real work behind each line.
//!
//! A line is printed as true only after reading the simulator back.

mod carts;
mod day;
mod memberships;
pub(crate) mod stage;
mod story;
mod way_back;

use std::error::Error;
use std::process::ExitCode;

use clap::Args;
use simulator::{Simulator, SimulatorOptions, Tls};

use crate::cli;
use stage::Stage;

#[derive(Args)]
pub struct DemoArguments {
    /// Prints one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Leaves it running, to look at.
    #[arg(long)]
    keep: bool,
    /// Where all randomness comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many customers arrive at once.
    #[arg(long, default_value_t = 10_000)]
    customers: usize,
    /// So many customers' days instead of the story, with what they bought, paid and gave back.
    #[arg(long)]
    scale: Option<usize>,
    /// An org without NPSP.
    #[arg(long)]
    no_npsp: bool,
}

#[derive(Args)]
pub struct SimulatorArguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8481")]
    listen: String,
    /// Serves https instead, with a certificate that is written to this file for clients to trust.
    #[arg(long)]
    tls: Option<std::path::PathBuf>,
    /// An org without NPSP.
    #[arg(long)]
    no_npsp: bool,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// API calls a day.
    #[arg(long, default_value_t = 100_000)]
    daily_limit: u64,
}

/// Tells the story. Success only when all of it was true.
pub async fn run(arguments: DemoArguments) -> Result<ExitCode, Box<dyn Error>> {
    cli::log_to_stderr("off");
    let simulator = Simulator::new(SimulatorOptions {
        seed: arguments.seed,
        npsp: !arguments.no_npsp,
        ..SimulatorOptions::new(cli::snapshots())
    })?;
    let mut stage = Stage::open(
        simulator,
        arguments.json,
        arguments.seed,
        !arguments.no_npsp,
    )
    .await?;
    match arguments.scale {
        Some(customers) => day::tell(&mut stage, customers).await?,
        None => story::tell(&mut stage, arguments.customers).await?,
    }
    let ok = stage.summary().await?;
    if arguments.keep {
        stage.keep().await?;
    }
    stage.close().await?;
    Ok(if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// `usher simulator`: until it is stopped.
pub async fn serve_simulator(arguments: SimulatorArguments) -> Result<ExitCode, Box<dyn Error>> {
    let options = SimulatorOptions {
        npsp: !arguments.no_npsp,
        seed: arguments.seed,
        daily_limit: arguments.daily_limit,
        ..SimulatorOptions::new(cli::snapshots())
    };
    let simulator = Simulator::new(options)?;
    let listener = tokio::net::TcpListener::bind(&arguments.listen).await?;
    let scheme = if arguments.tls.is_some() {
        "https"
    } else {
        "http"
    };
    println!("simulator listens on {scheme}://{}", listener.local_addr()?);
    println!("  Salesforce  /services/oauth2/token, /services/data/v67.0/...");
    println!("  Ticketure   /api/...");
    println!(
        "  look        /simulator/log, /simulator/tenant-log, /simulator/calls, /simulator/records/Contact, /simulator/identities"
    );
    println!(
        "  be a user   POST /simulator/user/Contact, PATCH /simulator/user/Contact/ID, POST /simulator/identities"
    );
    match arguments.tls {
        Some(path) => {
            let tls = Tls::new()?;
            std::fs::write(&path, &tls.certificate_pem)?;
            println!("  trust       {}", path.display());
            simulator.serve_tls(listener, &tls).await?;
        }
        None => simulator.serve(listener).await?,
    }
    Ok(ExitCode::SUCCESS)
}
