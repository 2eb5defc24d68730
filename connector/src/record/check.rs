//! The recorded requests played against the simulator, answer by answer.

mod ids;

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;
use simulator::{Simulator, SimulatorOptions};

use super::exchange::{Exchange, line_of};
use super::redact::{encoded, is_catalogue, is_token};
use super::shape::{self, Strictness};
use crate::cli;
use ids::Ids;

/// A place where the simulator answers otherwise than the org did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub file: PathBuf,
    /// In the file, from 1.
    pub line: usize,
    pub question: Option<String>,
    pub text: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}:{}: {}",
            self.file.display(),
            self.line,
            self.text
        )?;
        match &self.question {
            Some(question) => write!(formatter, " ({question})"),
            None => Ok(()),
        }
    }
}

/// Plays all exchanges in their order.
///
/// # Errors
/// When the simulator cannot be set up.
pub async fn check(exchanges: Vec<(PathBuf, Exchange)>) -> Result<Vec<Difference>, Box<dyn Error>> {
    let options = SimulatorOptions {
        npsp: has_npsp(&exchanges),
        ..SimulatorOptions::new(cli::snapshots())
    };
    let simulator = Simulator::new(options)?;
    // Whether a duplicate rule is active is the org's setting, and no behaviour.
    let refused = |(_, exchange): &(PathBuf, Exchange)| {
        exchange
            .answer
            .body
            .to_string()
            .contains("DUPLICATES_DETECTED")
    };
    simulator.set_duplicate_rule(exchanges.iter().any(refused));
    let mut player = Player {
        token: log_in(&simulator).await?,
        simulator,
        ids: Ids::default(),
    };
    let mut differences = Vec::new();
    for (file, exchange) in exchanges {
        for (pointer, text) in player.play(&exchange).await? {
            differences.push(Difference {
                line: line_of(&exchange, &pointer),
                file: file.clone(),
                question: exchange.question.clone(),
                text,
            });
        }
    }
    Ok(differences)
}

struct Player {
    simulator: Simulator,
    token: String,
    ids: Ids,
}

impl Player {
    /// Plays one exchange, and gives each place of the fixture that differs.
    async fn play(&mut self, exchange: &Exchange) -> Result<Vec<shape::Found>, Box<dyn Error>> {
        let path = &exchange.request.path;
        if is_token(path) && exchange.answer.status != 200 {
            // Wrong credentials are gone from the fixture.
            return Ok(Vec::new());
        }
        let answer = call(&self.simulator, self.request(exchange)?).await?;
        let mut found = Vec::new();
        let (recorded, status) = (&exchange.answer, answer.status().as_u16());
        if recorded.status != status {
            let text = format!("status {}, and {status} of the simulator", recorded.status);
            found.push(("/answer/status".to_owned(), text));
        }
        let live: Value = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
        self.ids
            .learn(&recorded.body, &live, "/answer/body", &mut found);
        let strict = match is_token(path) || is_catalogue(path) {
            true => Strictness::Within,
            false => Strictness::Same,
        };
        if is_json(&recorded.body) || is_json(&live) {
            found.extend(shape::compare(
                &recorded.body,
                &live,
                "/answer/body",
                strict,
            ));
        }
        Ok(found)
    }

    fn request(&self, exchange: &Exchange) -> Result<Request<Bytes>, Box<dyn Error>> {
        let asked = &exchange.request;
        let pairs = asked.query.iter();
        let pairs = pairs.map(|(name, value)| format!("{name}={}", encoded(&self.ids.live(value))));
        let query = pairs.collect::<Vec<_>>().join("&");
        let separator = if query.is_empty() { "" } else { "?" };
        let path = self.ids.live_path(&asked.path);
        let mut request = Request::builder()
            .method(asked.method.as_str())
            .uri(format!("http://simulator{path}{separator}{query}"));
        for (name, value) in &asked.headers {
            request = request.header(name, value.as_str().unwrap_or_default());
        }
        if is_token(&asked.path) {
            // The fixture has no credentials; the simulator takes any.
            let form = "grant_type=client_credentials&client_id=a&client_secret=b";
            return Ok(request.body(Bytes::from(form))?);
        }
        let token = match exchange.answer.status {
            401 => "none",
            _ => self.token.as_str(),
        };
        let request = request.header("authorization", format!("Bearer {token}"));
        let body = match &asked.body {
            Value::Null => String::new(),
            body => self.ids.live(&body.to_string()),
        };
        Ok(request.body(Bytes::from(body))?)
    }
}

/// NPSP is there unless the org said that it has none of its objects.
fn has_npsp(exchanges: &[(PathBuf, Exchange)]) -> bool {
    !exchanges.iter().any(|(_, exchange)| {
        let asked = exchange.request.query.iter();
        let about = asked
            .map(|(_, value)| value.as_str())
            .any(|value| value.contains("npe01__"));
        let said = exchange.answer.body.to_string();
        about && said.contains("INVALID_TYPE")
    })
}

fn is_json(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

async fn log_in(simulator: &Simulator) -> Result<String, Box<dyn Error>> {
    let form = "grant_type=client_credentials&client_id=a&client_secret=b";
    let request =
        Request::post("http://simulator/services/oauth2/token").body(Bytes::from(form))?;
    let answer = call(simulator, request).await?;
    let body: Value = serde_json::from_slice(answer.body())?;
    let token = body.get("access_token").and_then(Value::as_str);
    Ok(token.unwrap_or_default().to_owned())
}

async fn call(
    simulator: &Simulator,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, Box<dyn Error>> {
    let answer = simulator.call(request).await;
    answer.map_err(|_| "the simulator gave no answer".into())
}
