//! Questions to a sandbox: each behaviour that docs/simulator.md marks as without a recording, on records that are made
//! for it and deleted again.

mod many;
mod one;
mod reading;

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use runtime::salesforce::{SalesforceClient, SalesforceConfig, soql_text};
use serde_json::{Value, json};

use super::recorder::Recorder;

/// Records that one call deletes.
const DELETED_MAX: usize = 200;

/// NPSP makes a household before its contact, in the same transaction, which takes no longer.
const HOUSEHOLD_MS: i64 = 60_000;

/// The external id of contacts, by docs/org.md.
const KEY: &str = "Ticketure_Identity_Id__c";

/// Header with which a record is saved although a duplicate rule of the org finds others like it.
const SAVES: [(&str, &str); 1] = [("sforce-duplicate-rule-header", "allowSave=true")];

/// Asks all questions, deletes what was made, and gives the ids that could not be deleted. `beside` is not recorded.
///
/// # Errors
/// When the org gives no answer, or the disk fails.
pub async fn run(
    recorder: &Arc<Recorder>,
    beside: &SalesforceClient,
    org: SalesforceConfig,
) -> Result<Vec<String>, Box<dyn Error>> {
    let mut prober = Prober {
        version: org.api_version.clone(),
        recorder: recorder.clone(),
        org: SalesforceClient::new(recorder.clone(), org),
        run: fastrand::u32(100_000..1_000_000),
        made: Vec::new(),
    };
    let asked = prober.ask_all().await;
    // Nothing of ours stays in the org, also when a question failed.
    let left = tidy(beside, &prober.made).await;
    asked?;
    left
}

struct Prober {
    recorder: Arc<Recorder>,
    org: SalesforceClient,
    /// `v67.0`.
    version: String,
    /// In every value, so that two recordings do not meet.
    run: u32,
    /// Ids of the contacts that were made.
    made: Vec<String>,
}

/// A question as it is asked.
struct Question<'q> {
    about: &'q str,
    method: Method,
    path: String,
    headers: &'q [(&'static str, &'q str)],
    body: Value,
}

impl Prober {
    async fn ask_all(&mut self) -> Result<(), Box<dyn Error>> {
        self.about_one_record().await?;
        self.about_many_records().await?;
        self.about_reading().await?;
        self.recorder.written()?;
        Ok(())
    }

    /// A name that only this recording uses.
    fn name(&self, what: &str) -> String {
        format!("Usher Probe {} {what}", self.run)
    }

    /// An external id that only this recording uses.
    fn key(&self, what: &str) -> String {
        format!("usher-probe-{}-{what}", self.run)
    }

    /// Asks one question and gives the body of the answer.
    async fn ask(&mut self, question: Question<'_>) -> Result<Value, Box<dyn Error>> {
        let mut own = Vec::new();
        texts(&question.body, &mut own);
        let keys = question
            .path
            .split('/')
            .filter(|part| part.starts_with("usher-probe-"));
        own.extend(keys.map(str::to_owned));
        self.recorder.ask(question.about, own);
        let mut headers = HeaderMap::new();
        for (name, value) in question.headers {
            let value = HeaderValue::from_str(value)?;
            headers.insert(HeaderName::from_static(name), value);
        }
        let body = match &question.body {
            Value::Null => Bytes::new(),
            body => Bytes::from(body.to_string()),
        };
        let creates = question.method == Method::POST || question.method == Method::PATCH;
        let answer = self
            .org
            .raw(question.method, &question.path, headers, body)
            .await?;
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
        if creates && answer.status().is_success() {
            ids(&body, &mut self.made);
        }
        Ok(body)
    }

    /// Reads by a query.
    async fn select(&mut self, about: &str, soql: &str) -> Result<Value, Box<dyn Error>> {
        self.get(about, &format!("/query?q={}", super::redact::encoded(soql)))
            .await
    }

    async fn get(&mut self, about: &str, path: &str) -> Result<Value, Box<dyn Error>> {
        self.ask(Question {
            about,
            method: Method::GET,
            path: path.to_owned(),
            headers: &[],
            body: Value::Null,
        })
        .await
    }

    /// Writes by one of the write methods, saving what a duplicate rule finds.
    async fn write(
        &mut self,
        about: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<Value, Box<dyn Error>> {
        self.ask(Question {
            about,
            method,
            path: path.to_owned(),
            headers: &SAVES,
            body,
        })
        .await
    }
}

/// A contact as collections take it.
fn contact(fields: Value) -> Value {
    let mut record = fields;
    record["attributes"] = json!({ "type": "Contact" });
    record
}

fn all(records: Vec<Value>) -> Value {
    json!({ "allOrNone": false, "records": records })
}

/// Every text of a body.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|item| texts(item, found)),
        _ => {}
    }
}

/// Ids of contacts that an answer says were written.
fn ids(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let id = members.get("id").and_then(Value::as_str);
            let id = id.filter(|id| id.starts_with("003"));
            let is_known = |id: &str| found.iter().any(|known| known == id);
            let new = id.filter(|id| !is_known(id)).map(str::to_owned);
            found.extend(new);
            members.values().for_each(|item| ids(item, found));
        }
        Value::Array(items) => items.iter().for_each(|item| ids(item, found)),
        _ => {}
    }
}

/// Deletes contacts, and the households that the org made for them; gives what is left.
async fn tidy(org: &SalesforceClient, made: &[String]) -> Result<Vec<String>, Box<dyn Error>> {
    let mut parents: Vec<String> = Vec::new();
    let mut first_ms = i64::MAX;
    for some in made.chunks(DELETED_MAX) {
        // Some questions deleted their contacts, whose households are still there.
        let soql = format!(
            "SELECT AccountId, CreatedDate FROM Contact WHERE Id IN ({})",
            listed(some)
        );
        for row in with_deleted(org, &soql).await? {
            let text = |name: &str| row.get(name).and_then(Value::as_str);
            parents.extend(text("AccountId").map(str::to_owned));
            let created = text("CreatedDate").and_then(runtime::clock::parse_ms);
            first_ms = first_ms.min(created.unwrap_or(i64::MAX));
        }
    }
    parents.sort();
    parents.dedup();
    let mut left = delete(org, made).await?;
    for some in parents.chunks(DELETED_MAX) {
        let ours = households(org, some, first_ms).await?;
        left.extend(delete(org, &ours).await?);
    }
    Ok(left)
}

/// The accounts that are as new as our contacts and have no other contact: an account of somebody else is not ours.
async fn households(
    org: &SalesforceClient,
    accounts: &[String],
    first_ms: i64,
) -> Result<Vec<String>, Box<dyn Error>> {
    let since = jiff::Timestamp::from_millisecond(first_ms.saturating_sub(HOUSEHOLD_MS))?;
    let soql = format!(
        "SELECT Id FROM Account WHERE CreatedDate >= {} AND Id IN ({})",
        since.strftime("%Y-%m-%dT%H:%M:%SZ"),
        listed(accounts)
    );
    let new = org.query(&soql).await?;
    let soql = format!(
        "SELECT AccountId FROM Contact WHERE AccountId IN ({})",
        listed(accounts)
    );
    let members = org.query(&soql).await?;
    let has_members = |id: &str| {
        let mut members = members.iter();
        members.any(|row| row.get("AccountId").and_then(Value::as_str) == Some(id))
    };
    let ids = new.iter().filter_map(|row| row.get("Id")?.as_str());
    let ids = ids.filter(|id| !has_members(id)).map(str::to_owned);
    Ok(ids.collect())
}

fn listed(ids: &[String]) -> String {
    let quoted = ids.iter().map(|id| soql_text(id));
    quoted.collect::<Vec<String>>().join(",")
}

/// All rows of a query, deleted ones among them.
async fn with_deleted(org: &SalesforceClient, soql: &str) -> Result<Vec<Value>, Box<dyn Error>> {
    let mut rows = Vec::new();
    let mut next = Some(format!("/queryAll?q={}", super::redact::encoded(soql)));
    while let Some(path) = next {
        let answer = org
            .raw(Method::GET, &path, HeaderMap::new(), Bytes::new())
            .await?;
        let mut page: Value = serde_json::from_slice(answer.body())?;
        if let Some(Value::Array(found)) = page.get_mut("records").map(Value::take) {
            rows.extend(found);
        }
        let more = page.get("nextRecordsUrl").and_then(Value::as_str);
        next = more.map(str::to_owned);
    }
    Ok(rows)
}

/// Deletes the records, and gives those that are still there.
async fn delete(org: &SalesforceClient, ids: &[String]) -> Result<Vec<String>, Box<dyn Error>> {
    let mut left = Vec::new();
    for some in ids.chunks(DELETED_MAX) {
        let path = format!("/composite/sobjects?ids={}&allOrNone=false", some.join(","));
        let answer = org
            .raw(Method::DELETE, &path, HeaderMap::new(), Bytes::new())
            .await?;
        let results: Value = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
        for (place, id) in some.iter().enumerate() {
            let result = results.get(place).cloned().unwrap_or(Value::Null);
            let is_deleted = result.get("success") == Some(&Value::Bool(true))
                || result.to_string().contains("ENTITY_IS_DELETED");
            if !is_deleted {
                left.push(id.clone());
            }
        }
    }
    Ok(left)
}
