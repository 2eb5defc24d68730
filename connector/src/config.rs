//! usher.toml and the secrets beside it: the only reading of the environment.
//!
//! Every mistake is reported with its line, all of them at once. A secret is never shown.

mod keep;
mod systems;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use runtime::salesforce::{SalesforceConfig, Secret};
use runtime::ticketure::TicketureConfig;
use serde::Deserialize;
use toml::Spanned;

/// What one environment of usher.toml says, ready for use.
#[derive(Debug, Clone)]
pub struct Config {
    /// `production` or `sandbox`.
    pub environment: String,
    /// `127.0.0.1:8480`.
    pub listen: String,
    pub webhook_secret: Secret,
    /// The largest request that is taken.
    pub size_limit_bytes: usize,
    /// Event types that are acknowledged and not kept.
    pub ignore_webhooks: BTreeSet<String>,
    pub database: PathBuf,
    /// Items that may wait.
    pub queue_limit: u64,
    /// Items of a batch, at most 2,000.
    pub batch: usize,
    /// Batches that are worked on at a time.
    pub batches: usize,
    pub keep: runtime::queue::Keep,
    /// Asks Ticketure for records that others wait for.
    pub fetch_missing: bool,
    /// Keeps every payload.
    pub event_log: bool,
    pub npsp: Npsp,
    /// What mappings read as `$name`.
    pub settings: crate::settings::Settings,
    pub salesforce: SalesforceConfig,
    /// Where changes of Salesforce's go; without it nothing goes back.
    pub ticketure: Option<TicketureConfig>,
    /// How often Salesforce is asked for changes.
    pub poll: Duration,
}

/// Is NPSP installed?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Npsp {
    /// Ask the org once.
    Auto,
    Yes,
    No,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Counted from 1; none when the file is not there.
    pub line: Option<usize>,
    pub message: String,
}

/// Why there is no configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    pub path: PathBuf,
    pub faults: Vec<Fault>,
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            let line = fault
                .line
                .map(|line| format!(":{line}"))
                .unwrap_or_default();
            write!(
                formatter,
                "{separator}{}{line}: {}",
                self.path.display(),
                fault.message
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    environment: Option<Spanned<String>>,
    production: Option<Environment>,
    sandbox: Option<Environment>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Environment {
    listen: Option<Spanned<String>>,
    webhook_secret_file: Option<Spanned<PathBuf>>,
    size_limit_bytes: Option<usize>,
    #[serde(default)]
    ignore_webhooks: Vec<Spanned<String>>,
    database: Option<PathBuf>,
    queue_limit: Option<u64>,
    batch: Option<Spanned<usize>>,
    batches: Option<Spanned<usize>>,
    fetch_missing: Option<bool>,
    #[serde(default)]
    keep: keep::Section,
    event_log: Option<bool>,
    npsp: Option<Spanned<toml::Value>>,
    settings: Option<Spanned<toml::Table>>,
    poll_seconds: Option<Spanned<u64>>,
    salesforce: Spanned<Salesforce>,
    ticketure: Option<Spanned<Ticketure>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Salesforce {
    login_url: Spanned<String>,
    client_id: Spanned<String>,
    username: Option<String>,
    audience: Option<String>,
    private_key_file: Option<Spanned<PathBuf>>,
    client_secret_file: Option<Spanned<PathBuf>>,
    api_version: Option<Spanned<String>>,
    api_reserve_percent: Option<Spanned<u8>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ticketure {
    url: Spanned<String>,
    api_key_file: Option<Spanned<PathBuf>>,
}

/// Where secrets come from when no file is named.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads the file, and secrets from the files that it names or from the environment.
///
/// # Errors
/// Everything that is wrong, by line.
pub fn load(path: &Path, environment: Option<&str>) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError {
        path: path.to_owned(),
        faults: vec![Fault {
            line: None,
            message: format!("cannot be read: {error}; copy usher.example.toml and fill it in"),
        }],
    })?;
    parse(path, &text, environment, &|name| {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    })
}

/// Reads how the org is reached. Secrets of the webhooks and of Ticketure may be missing, since a recording needs none.
///
/// # Errors
/// When the file does not say so much, or a secret of Salesforce's is missing.
#[cfg(feature = "demo")]
pub fn salesforce(path: &Path, environment: Option<&str>) -> Result<SalesforceConfig, ConfigError> {
    let Ok(text) = std::fs::read_to_string(path) else {
        return load(path, environment).map(|config| config.salesforce);
    };
    parse(path, &text, environment, &|name| {
        let found = std::env::var(name).ok().filter(|value| !value.is_empty());
        match name.starts_with("USHER_SALESFORCE_") {
            true => found,
            // Nobody is told of it, and nothing is made of it.
            false => Some("unused".to_owned()),
        }
    })
    .map(|config| config.salesforce)
}

/// Where the database is, whatever else may be wrong with the file: looking at it wants no secret.
///
/// # Errors
/// When the file does not say so much.
pub fn database(path: &Path, environment: Option<&str>) -> Result<PathBuf, ConfigError> {
    let Ok(text) = std::fs::read_to_string(path) else {
        return load(path, environment).map(|config| config.database);
    };
    let mut reader = Reader {
        text: &text,
        folder: path.parent().unwrap_or(Path::new(".")),
        lookup: &|_| None,
        faults: Vec::new(),
    };
    let database = reader.file(environment).map(|config| config.database);
    database.ok_or(ConfigError {
        path: path.to_owned(),
        faults: reader.faults,
    })
}

fn parse(
    path: &Path,
    text: &str,
    environment: Option<&str>,
    lookup: Lookup<'_>,
) -> Result<Config, ConfigError> {
    let mut reader = Reader {
        text,
        folder: path.parent().unwrap_or(Path::new(".")),
        lookup,
        faults: Vec::new(),
    };
    let config = reader.file(environment);
    match config {
        Some(config) if reader.faults.is_empty() => Ok(config),
        _ => Err(ConfigError {
            path: path.to_owned(),
            faults: reader.faults,
        }),
    }
}

struct Reader<'a> {
    text: &'a str,
    folder: &'a Path,
    lookup: Lookup<'a>,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn file(&mut self, chosen: Option<&str>) -> Option<Config> {
        let file: File = match toml::from_str(self.text) {
            Ok(file) => file,
            Err(error) => {
                let at = error.span().map(|span| span.start);
                self.fault(at, error.message().to_owned());
                return None;
            }
        };
        let name = chosen
            .map(str::to_owned)
            .or_else(|| file.environment.as_ref().map(|name| name.get_ref().clone()));
        let at = file.environment.as_ref().map(|name| name.span().start);
        let name = name.unwrap_or_else(|| "sandbox".to_owned());
        let environment = match name.as_str() {
            "production" => file.production,
            "sandbox" => file.sandbox,
            other => {
                self.fault(
                    at,
                    format!("environment is `{other}`; it is `production` or `sandbox`"),
                );
                return None;
            }
        };
        match environment {
            Some(environment) => Some(self.environment(name, environment)),
            None => {
                self.fault(
                    at,
                    format!("there is no [{name}] section, which is the environment to use"),
                );
                None
            }
        }
    }

    fn environment(&mut self, name: String, from: Environment) -> Config {
        let listen = from
            .listen
            .as_ref()
            .map_or("127.0.0.1:8480", |listen| listen.get_ref().as_str())
            .to_owned();
        if listen.parse::<std::net::SocketAddr>().is_err() {
            let at = from.listen.as_ref().map(|listen| listen.span().start);
            self.fault(
                at,
                format!("listen is `{listen}`; write an address and a port such as 0.0.0.0:8480"),
            );
        }
        let webhook_secret = self.secret(
            "USHER_WEBHOOK_SECRET",
            from.webhook_secret_file.as_ref(),
            "webhook_secret_file",
            from.salesforce.span().start,
        );
        let batch = from.batch.as_ref().map_or(2_000, |batch| *batch.get_ref());
        if !(1..=2_000).contains(&batch) {
            self.fault(
                from.batch.as_ref().map(|batch| batch.span().start),
                format!("batch is {batch}; it is a number from 1 to 2000"),
            );
        }
        let batches = from.batches.as_ref().map_or(4, |count| *count.get_ref());
        if !(1..=16).contains(&batches) {
            self.fault(
                from.batches.as_ref().map(|count| count.span().start),
                format!("batches is {batches}; it is a number from 1 to 16"),
            );
        }
        let ignore_webhooks = self.ignored(&from.ignore_webhooks);
        let keep = self.keep(&from.keep);
        let npsp = self.npsp(from.npsp.as_ref());
        let settings = self.settings(from.settings.as_ref());
        let salesforce = self.salesforce(&from.salesforce);
        let ticketure = from
            .ticketure
            .as_ref()
            .map(|section| self.ticketure(section));
        let poll = from
            .poll_seconds
            .as_ref()
            .map_or(15, |poll| *poll.get_ref());
        if !(1..=3_600).contains(&poll) {
            self.fault(
                from.poll_seconds.as_ref().map(|poll| poll.span().start),
                format!("poll_seconds is {poll}; it is a number from 1 to 3600"),
            );
        }
        Config {
            environment: name,
            listen,
            webhook_secret,
            size_limit_bytes: from.size_limit_bytes.unwrap_or(8 * 1024 * 1024),
            ignore_webhooks,
            database: self
                .folder
                .join(from.database.unwrap_or_else(|| PathBuf::from("usher.db"))),
            queue_limit: from.queue_limit.unwrap_or(1_000_000),
            batch,
            batches,
            keep,
            fetch_missing: from.fetch_missing.unwrap_or(true),
            event_log: from.event_log.unwrap_or(false),
            npsp,
            settings,
            salesforce,
            ticketure,
            poll: Duration::from_secs(poll),
        }
    }

    /// Reads the types of `ignore_webhooks`. A type that a mapping takes is refused, since its rows would be lost.
    fn ignored(&mut self, types: &[Spanned<String>]) -> BTreeSet<String> {
        for named in types {
            let name = named.get_ref();
            let mut mappings = generated::MAPPINGS.iter();
            if let Some(mapping) = mappings.find(|mapping| mapping.payload_type == name) {
                let message = format!(
                    "ignore_webhooks lists {name}, which {} takes; remove the name or the mapping",
                    mapping.file
                );
                self.fault(Some(named.span().start), message);
            }
        }
        types.iter().map(|named| named.get_ref().clone()).collect()
    }

    fn settings(&mut self, section: Option<&Spanned<toml::Table>>) -> crate::settings::Settings {
        let written = section.map(|section| serde_json::to_value(section.get_ref()));
        let written = match written {
            Some(Ok(serde_json::Value::Object(written))) => written,
            _ => serde_json::Map::new(),
        };
        match crate::settings::with(&written) {
            Ok(settings) => settings.into(),
            Err((name, message)) => {
                let at = section.map(|section| {
                    let start = section.span().start;
                    let text = self.text.get(section.span()).unwrap_or_default();
                    start + text.find(&name).unwrap_or_default()
                });
                self.fault(at, message);
                crate::settings::defaults()
            }
        }
    }

    fn npsp(&mut self, value: Option<&Spanned<toml::Value>>) -> Npsp {
        match value.map(Spanned::get_ref) {
            None => Npsp::Auto,
            Some(toml::Value::Boolean(true)) => Npsp::Yes,
            Some(toml::Value::Boolean(false)) => Npsp::No,
            Some(toml::Value::String(text)) if text == "auto" => Npsp::Auto,
            Some(other) => {
                self.fault(
                    value.map(|value| value.span().start),
                    format!("npsp is {other}; it is \"auto\", true or false"),
                );
                Npsp::Auto
            }
        }
    }

    /// From the environment, else from the file that is named; the fault says both ways.
    fn secret(
        &mut self,
        variable: &str,
        file: Option<&Spanned<PathBuf>>,
        key: &str,
        at: usize,
    ) -> Secret {
        if let Some(value) = (self.lookup)(variable) {
            return Secret::new(value);
        }
        let Some(file) = file else {
            self.fault(
                Some(at),
                format!("a secret is missing: set {variable}, or name a file with {key}"),
            );
            return Secret::new("");
        };
        let path = self.folder.join(file.get_ref());
        match std::fs::read_to_string(&path) {
            Ok(text) if !text.trim().is_empty() => Secret::new(text.trim()),
            Ok(_) => {
                self.fault(
                    Some(file.span().start),
                    format!("the file {} is empty", path.display()),
                );
                Secret::new("")
            }
            Err(error) => {
                self.fault(
                    Some(file.span().start),
                    format!("cannot read {}: {error}", path.display()),
                );
                Secret::new("")
            }
        }
    }

    fn fault(&mut self, at: Option<usize>, message: String) {
        let line = at.map(|at| {
            self.text
                .get(..at)
                .unwrap_or_default()
                .matches('\n')
                .count()
                + 1
        });
        self.faults.push(Fault { line, message });
    }
}

#[cfg(test)]
mod tests;
