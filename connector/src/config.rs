//! usher.toml and the secrets beside it: the only reading of the environment.
//!
//! Every mistake is reported with its line, all of them at once. A secret is never shown.

use std::path::{Path, PathBuf};

use runtime::salesforce::{Auth, SalesforceConfig, Secret};
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
    pub database: PathBuf,
    /// Items that may wait.
    pub queue_limit: u64,
    /// Items of a batch, at most 2,000.
    pub batch: usize,
    /// Keeps every payload.
    pub event_log: bool,
    pub npsp: Npsp,
    pub salesforce: SalesforceConfig,
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
    database: Option<PathBuf>,
    queue_limit: Option<u64>,
    batch: Option<Spanned<usize>>,
    event_log: Option<bool>,
    npsp: Option<Spanned<toml::Value>>,
    salesforce: Spanned<Salesforce>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Salesforce {
    login_url: Spanned<String>,
    client_id: Spanned<String>,
    username: Option<String>,
    private_key_file: Option<Spanned<PathBuf>>,
    client_secret_file: Option<Spanned<PathBuf>>,
    api_version: Option<Spanned<String>>,
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
        let npsp = self.npsp(from.npsp.as_ref());
        let salesforce = self.salesforce(&from.salesforce);
        Config {
            environment: name,
            listen,
            webhook_secret,
            size_limit_bytes: from.size_limit_bytes.unwrap_or(8 * 1024 * 1024),
            database: self
                .folder
                .join(from.database.unwrap_or_else(|| PathBuf::from("usher.db"))),
            queue_limit: from.queue_limit.unwrap_or(1_000_000),
            batch,
            event_log: from.event_log.unwrap_or(false),
            npsp,
            salesforce,
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

    fn salesforce(&mut self, from: &Spanned<Salesforce>) -> SalesforceConfig {
        let at = from.span().start;
        let from = from.get_ref();
        let login_url = from.login_url.get_ref().trim_end_matches('/').to_owned();
        if !login_url.starts_with("https://") && !is_loopback(&login_url) {
            self.fault(
                Some(from.login_url.span().start),
                format!("login_url is `{login_url}`; it begins with https://"),
            );
        }
        let version = from
            .api_version
            .as_ref()
            .map_or("v67.0", |version| version.get_ref().as_str())
            .to_owned();
        let number = version
            .strip_prefix('v')
            .and_then(|number| number.strip_suffix(".0"));
        if number
            .and_then(|number| number.parse::<u32>().ok())
            .is_none_or(|number| number < 60)
        {
            let place = from
                .api_version
                .as_ref()
                .map(|version| version.span().start);
            self.fault(
                place,
                format!("api_version is `{version}`; it is v60.0 or later"),
            );
        }
        if from.client_id.get_ref().is_empty() {
            self.fault(
                Some(from.client_id.span().start),
                "client_id is empty; it is the consumer key of the external client app".to_owned(),
            );
        }
        SalesforceConfig {
            auth: self.auth(from, &login_url, at),
            login_url,
            api_version: version,
        }
    }

    fn auth(&mut self, from: &Salesforce, login_url: &str, at: usize) -> Auth {
        let client_id = from.client_id.get_ref().clone();
        match &from.username {
            Some(username) => {
                let audience = if login_url.contains("test.salesforce.com")
                    || login_url.contains(".sandbox.")
                {
                    "https://test.salesforce.com"
                } else {
                    "https://login.salesforce.com"
                };
                Auth::JwtBearer {
                    client_id,
                    username: username.clone(),
                    audience: audience.to_owned(),
                    private_key_pem: self.secret(
                        "USHER_SALESFORCE_PRIVATE_KEY",
                        from.private_key_file.as_ref(),
                        "private_key_file",
                        at,
                    ),
                }
            }
            None => Auth::ClientCredentials {
                client_id,
                client_secret: self.secret(
                    "USHER_SALESFORCE_CLIENT_SECRET",
                    from.client_secret_file.as_ref(),
                    "client_secret_file",
                    at,
                ),
            },
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

/// The simulator speaks plain HTTP on this machine.
fn is_loopback(url: &str) -> bool {
    ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"]
        .iter()
        .any(|start| url.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<(Option<usize>, String)> {
        let secrets = |name: &str| name.starts_with("USHER_").then(|| "x".to_owned());
        match parse(Path::new("usher.toml"), text, None, &secrets) {
            Ok(_) => Vec::new(),
            Err(error) => error
                .faults
                .into_iter()
                .map(|fault| (fault.line, fault.message))
                .collect(),
        }
    }

    const GOOD: &str = "environment = \"sandbox\"\n[sandbox]\nlisten = \"127.0.0.1:1\"\nbatch = 10\n[sandbox.salesforce]\nlogin_url = \"https://test.salesforce.com\"\nclient_id = \"c\"\n";

    #[test]
    fn a_good_file_is_taken() {
        assert_eq!(faults(GOOD), []);
    }

    #[test]
    fn every_mistake_has_its_line() {
        let text = GOOD
            .replace("127.0.0.1:1", "nowhere")
            .replace("= 10", "= 9999")
            .replace("https://", "http://");
        let lines: Vec<Option<usize>> = faults(&text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [Some(3), Some(4), Some(6)]);
    }

    #[test]
    fn an_unknown_key_is_named() {
        let (line, message) = faults(&GOOD.replace("batch", "bacth")).remove(0);
        assert_eq!(line, Some(4));
        assert!(message.contains("bacth"), "{message}");
    }

    #[test]
    fn a_missing_secret_says_how_to_give_it() {
        let error = parse(Path::new("usher.toml"), GOOD, None, &|_| None).unwrap_err();
        assert!(
            error.to_string().contains("USHER_WEBHOOK_SECRET"),
            "{error}"
        );
        assert!(error.to_string().contains("client_secret_file"), "{error}");
    }

    #[test]
    fn a_missing_section_is_said() {
        let error =
            parse(Path::new("usher.toml"), GOOD, Some("production"), &|_| None).unwrap_err();
        assert!(error.to_string().contains("[production]"), "{error}");
    }
}
