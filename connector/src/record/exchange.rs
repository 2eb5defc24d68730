//! Exchanges as fixtures hold them: a call and its answer are a file of JSON. Its number follows the order of answers.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Version of the format, so that later readers know old fixtures.
pub const VERSION: u32 = 1;

/// A recorded exchange, redacted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    pub version: u32,
    /// Question of the list that the call answers. A client's own conversation has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    pub request: Asked,
    pub answer: Answered,
}

/// The request, without credentials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    pub method: String,
    pub path: String,
    /// Names and decoded values, in the order of the address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub headers: Map<String, Value>,
    pub body: Value,
}

/// The answer, without cookies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    pub status: u16,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub headers: Map<String, Value>,
    pub body: Value,
}

/// Reason for which a fixture cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FixtureError {
    #[error("{}: {source}", path.display())]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{}: {source}", path.display())]
    Json {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{} holds files already; name a new folder", path.display())]
    NotEmpty { path: PathBuf },
    #[error("{} holds no fixtures: files such as 0001-GET-query.json", path.display())]
    Nothing { path: PathBuf },
    #[error("{} has version {found} and this build reads {VERSION}", path.display())]
    Version { path: PathBuf, found: u32 },
}

/// Makes the folder for a new recording.
///
/// # Errors
/// When the folder holds something, or cannot be made.
pub fn prepare(folder: &Path) -> Result<(), FixtureError> {
    let at = |source| FixtureError::File {
        path: folder.to_owned(),
        source,
    };
    std::fs::create_dir_all(folder).map_err(at)?;
    match std::fs::read_dir(folder).map_err(at)?.next() {
        None => Ok(()),
        Some(_) => Err(FixtureError::NotEmpty {
            path: folder.to_owned(),
        }),
    }
}

/// Writes the exchange as the file of this number.
///
/// # Errors
/// When the disk refuses.
pub fn write(folder: &Path, number: usize, exchange: &Exchange) -> Result<(), FixtureError> {
    let path = folder.join(name(number, &exchange.request));
    let text = pretty(exchange).map_err(|source| FixtureError::Json {
        path: path.clone(),
        source,
    })?;
    std::fs::write(&path, text).map_err(|source| FixtureError::File { path, source })
}

/// Reads all exchanges of a folder, in the order of their numbers.
///
/// # Errors
/// When a file cannot be read, or there is none.
pub fn read_all(folder: &Path) -> Result<Vec<(PathBuf, Exchange)>, FixtureError> {
    let at = |source| FixtureError::File {
        path: folder.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(at)? {
        let path = entry.map_err(at)?.path();
        if path.extension().is_some_and(|kind| kind == "json") {
            paths.push(path);
        }
    }
    // Names begin with their number.
    paths.sort();
    if paths.is_empty() {
        let path = folder.to_owned();
        return Err(FixtureError::Nothing { path });
    }
    paths.into_iter().map(read).collect()
}

fn read(path: PathBuf) -> Result<(PathBuf, Exchange), FixtureError> {
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(FixtureError::File { path, source }),
    };
    let exchange: Exchange = match serde_json::from_str(&text) {
        Ok(exchange) => exchange,
        Err(source) => return Err(FixtureError::Json { path, source }),
    };
    if exchange.version != VERSION {
        let found = exchange.version;
        return Err(FixtureError::Version { path, found });
    }
    Ok((path, exchange))
}

fn pretty(exchange: &Exchange) -> serde_json::Result<String> {
    // By way of a value, so that the lines are those that `line_of` counts.
    let value = serde_json::to_value(exchange)?;
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

/// The line of a JSON pointer in the exchange's file, from 1; of its nearest parent where the pointer leads nowhere.
pub fn line_of(exchange: &Exchange, pointer: &str) -> usize {
    let value = serde_json::to_value(exchange).unwrap_or(Value::Null);
    let (mut value, mut line) = (&value, 1);
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        let found = match value {
            Value::Object(members) => {
                let mut before = members.iter();
                let skipped: usize = before
                    .by_ref()
                    .take_while(|(name, _)| **name != step)
                    .map(|(_, value)| lines(value))
                    .sum();
                members.get(&step).map(|found| (found, skipped))
            }
            Value::Array(items) => step.parse::<usize>().ok().and_then(|place| {
                let skipped = items.iter().take(place).map(lines).sum();
                items.get(place).map(|found| (found, skipped))
            }),
            _ => None,
        };
        let Some((next, skipped)) = found else {
            return line;
        };
        line += 1 + skipped;
        value = next;
    }
    line
}

/// Count of lines of a value in pretty JSON.
fn lines(value: &Value) -> usize {
    match value {
        Value::Object(members) if !members.is_empty() => {
            2 + members.values().map(lines).sum::<usize>()
        }
        Value::Array(items) if !items.is_empty() => 2 + items.iter().map(lines).sum::<usize>(),
        _ => 1,
    }
}

/// `0007-PATCH-composite-sobjects-Contact.json`: no part of it is a value of a record.
fn name(number: usize, request: &Asked) -> String {
    let parts = request.path.split('/').filter(|part| !part.is_empty());
    let kept: Vec<&str> = parts
        .filter(|part| !matches!(*part, "services" | "data"))
        .filter(|part| part.bytes().all(|byte| byte.is_ascii_alphabetic()))
        .take(3)
        .collect();
    let separator = if kept.is_empty() { "" } else { "-" };
    let place = kept.join("-");
    format!("{number:04}-{}{separator}{place}.json", request.method)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn exchange() -> Exchange {
        Exchange {
            version: VERSION,
            question: None,
            request: Asked {
                method: "PATCH".to_owned(),
                path: "/services/data/v67.0/composite/sobjects/Contact/Ticketure_Identity_Id__c"
                    .to_owned(),
                query: Vec::new(),
                headers: Map::new(),
                body: json!({ "records": [{ "LastName": "a" }, {}, { "Email": "b" }] }),
            },
            answer: Answered {
                status: 200,
                headers: Map::new(),
                body: json!([{ "errors": [], "success": true }, { "success": false }]),
            },
        }
    }

    #[test]
    fn pointers_have_the_lines_of_the_file() {
        let exchange = exchange();
        let text = pretty(&exchange).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (pointer, start) in [
            ("/answer/status", "\"status\": 200"),
            ("/answer/body/1/success", "\"success\": false"),
            ("/request/body/records/2/Email", "\"Email\""),
            ("/request/method", "\"method\""),
        ] {
            let line = lines[line_of(&exchange, pointer) - 1];
            assert!(line.trim().starts_with(start), "{pointer}: {line}");
        }
    }

    #[test]
    fn a_file_is_read_as_it_was_written_and_says_no_value_in_its_name() {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path()).unwrap();
        write(folder.path(), 7, &exchange()).unwrap();
        let all = read_all(folder.path()).unwrap();
        assert_eq!(all[0].1, exchange());
        assert!(
            all[0]
                .0
                .ends_with("0007-PATCH-composite-sobjects-Contact.json")
        );
        assert!(prepare(folder.path()).is_err());
    }
}
