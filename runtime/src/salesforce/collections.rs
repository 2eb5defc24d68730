//! sObject Collections: up to 200 records written in one call, up to 2,000 read.
//!
//! Facts: <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections.htm>.

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::error::{self, CallError, SalesforceError};
use super::{SalesforceClient, id};

/// Records that one create or update takes.
pub const COLLECTION_MAX: usize = 200;

/// Ids that one retrieve takes.
pub const RETRIEVE_MAX: usize = 2_000;

/// What became of one record: its id, or why not.
pub type RecordResult = Result<String, Vec<SalesforceError>>;

#[derive(Deserialize)]
struct RawResult {
    id: Option<String>,
    success: Option<bool>,
    errors: Option<Vec<Value>>,
}

impl SalesforceClient {
    /// Creates up to [`COLLECTION_MAX`] records; each body is a JSON object of its fields.
    ///
    /// # Errors
    /// When the call as a whole gave no results; [`CallError::may_have_committed`] says whether records may exist.
    pub async fn create(
        &self,
        object: &str,
        bodies: &[String],
    ) -> Result<Vec<RecordResult>, CallError> {
        let attributes = format!("{{\"attributes\":{{\"type\":\"{object}\"}}");
        let records: Vec<String> = bodies
            .iter()
            .map(|body| spliced(&attributes, body))
            .collect();
        self.write(Method::POST, &records).await
    }

    /// Updates up to [`COLLECTION_MAX`] records by id; each body holds the fields that changed.
    ///
    /// # Errors
    /// As [`SalesforceClient::create`].
    pub async fn update(
        &self,
        object: &str,
        records: &[(String, String)],
    ) -> Result<Vec<RecordResult>, CallError> {
        let records: Vec<String> = records
            .iter()
            .map(|(id, body)| {
                let id = Value::from(id.as_str());
                spliced(
                    &format!("{{\"attributes\":{{\"type\":\"{object}\"}},\"id\":{id}"),
                    body,
                )
            })
            .collect();
        self.write(Method::PATCH, &records).await
    }

    /// Writes one record by itself: created without an id, else updated. Of a record that a duplicate rule refuses, only
    /// this call's answer names the records that the rule found (reference: "Create Records Using sObject Collections").
    ///
    /// # Errors
    /// When Salesforce said nothing of the record; [`CallError::may_have_committed`] says whether it may be there.
    pub async fn write_alone(
        &self,
        object: &str,
        id: Option<&str>,
        body: &str,
    ) -> Result<RecordResult, CallError> {
        let (method, path) = match id {
            Some(id) => (Method::PATCH, format!("/sobjects/{object}/{id}")),
            None => (Method::POST, format!("/sobjects/{object}")),
        };
        let body = Bytes::copy_from_slice(body.as_bytes());
        match (self.call(method, &path, Some(body)).await, id) {
            (Ok(_), Some(id)) => Ok(Ok(id::normalise(id))),
            (Ok(answer), None) => Ok(record_result(error::json(&answer)?)),
            (
                Err(CallError::Refused {
                    status: 400,
                    errors,
                }),
                _,
            ) => Ok(Err(errors)),
            (Err(error), _) => Err(error),
        }
    }

    /// Reads fields of up to [`RETRIEVE_MAX`] records, in the order of the ids; `None` where there is none. A record is
    /// a tree, or its text where that is read into something else.
    ///
    /// # Errors
    /// As every call.
    pub async fn retrieve<R: DeserializeOwned>(
        &self,
        object: &str,
        ids: &[String],
        fields: &[&str],
    ) -> Result<Vec<Option<R>>, CallError> {
        let body = json!({ "ids": ids, "fields": fields }).to_string();
        let path = format!("/composite/sobjects/{object}");
        let answer = self
            .call(Method::POST, &path, Some(Bytes::from(body)))
            .await?;
        let records: Vec<Option<R>> = error::json(&answer)?;
        same_count(&answer, records.len(), ids.len())?;
        Ok(records)
    }

    /// Deletes up to [`COLLECTION_MAX`] records by id, of whatever object.
    ///
    /// # Errors
    /// As [`SalesforceClient::create`].
    pub async fn delete(&self, ids: &[String]) -> Result<Vec<RecordResult>, CallError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let path = format!("/composite/sobjects?ids={}&allOrNone=false", ids.join(","));
        let answer = self.call(Method::DELETE, &path, None).await?;
        let results: Vec<RawResult> = error::json(&answer)?;
        same_count(&answer, results.len(), ids.len())?;
        Ok(results.into_iter().map(record_result).collect())
    }

    async fn write(
        &self,
        method: Method,
        records: &[String],
    ) -> Result<Vec<RecordResult>, CallError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let body = format!(
            "{{\"allOrNone\":false,\"records\":[{}]}}",
            records.join(",")
        );
        let answer = self
            .call(method, "/composite/sobjects", Some(Bytes::from(body)))
            .await?;
        let results: Vec<RawResult> = error::json(&answer)?;
        same_count(&answer, results.len(), records.len())?;
        Ok(results.into_iter().map(record_result).collect())
    }
}

/// An object that begins with `start` and goes on with the members of `body`.
fn spliced(start: &str, body: &str) -> String {
    let members = body.trim().trim_start_matches('{').trim_start();
    if members == "}" {
        format!("{start}}}")
    } else {
        format!("{start},{members}")
    }
}

fn record_result(raw: RawResult) -> RecordResult {
    match (raw.success, raw.id) {
        (Some(true), Some(id)) => Ok(id::normalise(&id)),
        _ => {
            let errors: Vec<SalesforceError> = raw
                .errors
                .unwrap_or_default()
                .iter()
                .map(error::parse_one)
                .collect();
            Err(if errors.is_empty() {
                vec![error::parse_one(&Value::Null)]
            } else {
                errors
            })
        }
    }
}

/// Results stand in the order of the request, so their number has to be the same.
fn same_count(
    answer: &http::Response<Bytes>,
    got: usize,
    expected: usize,
) -> Result<(), CallError> {
    if got == expected {
        return Ok(());
    }
    let reason = format!("{got} results for {expected} records");
    Err(CallError::Answer {
        status: answer.status().as_u16(),
        reason,
    })
}
