//! The Salesforce client: a session, sObject Collections, Composite Graph, queries, describe and limits.
//!
//! Every method makes the fewest calls that it can, says how many records a call may take, and gives either
//! Salesforce's answer or a [`CallError`] that says whether the call may have been carried out.

mod auth;
mod budget;
mod collections;
mod conditional;
mod error;
mod gate;
pub mod graph;
mod id;
mod query;
mod raw;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use serde_json::Value;

pub use auth::{Auth, Secret};
pub use collections::{COLLECTION_MAX, RETRIEVE_MAX, RecordResult};
pub use error::{CallError, SalesforceError};
pub use id::normalise;
pub(crate) use query::percent_encoded;
pub use query::{ChangesPage, soql_text};

use crate::breaker::Standstill;
use crate::clock::{self, Now};
use crate::http::{Caller, TakesGzip, Transport};

/// No call takes longer; what became of it is then unknown. A batch of 200 with slow automation may take a minute.
const CALL_MAX: std::time::Duration = std::time::Duration::from_secs(120);

/// Where the org is and who we are there.
#[derive(Debug, Clone)]
pub struct SalesforceConfig {
    /// `https://login.salesforce.com`, `https://test.salesforce.com` or the My Domain; no slash at the end.
    pub login_url: String,
    /// `v67.0`.
    pub api_version: String,
    pub auth: Auth,
    /// Of the org's API calls of 24 hours, so many in a hundred are never used.
    pub reserve_percent: u8,
}

/// What is left to others where nobody says.
pub const RESERVE_PERCENT: u8 = 10;

/// Calls used and allowed in the last 24 hours, by Salesforce's own count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct ApiUsage {
    pub used: u64,
    pub limit: u64,
}

/// A handle on one org; clones share the session.
#[derive(Clone)]
pub struct SalesforceClient {
    shared: Arc<Shared>,
    /// Records are saved although a duplicate rule finds others like them.
    saves_duplicates: bool,
    /// A record is not written that was changed since then.
    unmodified_since: Option<String>,
}

struct Shared {
    caller: Caller,
    config: SalesforceConfig,
    session: auth::SessionKeeper,
    gate: gate::Gate,
    calls: AtomicU64,
}

impl SalesforceClient {
    pub fn new(transport: Arc<dyn Transport>, config: SalesforceConfig) -> Self {
        SalesforceClient::with_time(transport, config, clock::wall())
    }

    /// The same with a time of your own.
    pub fn with_time(transport: Arc<dyn Transport>, config: SalesforceConfig, now: Now) -> Self {
        let shared = Shared {
            session: auth::SessionKeeper::default(),
            gate: gate::Gate::new(config.reserve_percent),
            caller: Caller::new("salesforce", transport, now),
            config,
            calls: AtomicU64::new(0),
        };
        SalesforceClient {
            shared: Arc::new(shared),
            saves_duplicates: false,
            unmodified_since: None,
        }
    }

    /// The same org, for records that are saved although a duplicate rule finds others like them. A rule that blocks, and
    /// a field that is unique, refuse them all the same.
    pub fn saving_duplicates(&self) -> Self {
        SalesforceClient {
            saves_duplicates: true,
            ..self.clone()
        }
    }

    /// Of the latest answer that told.
    pub fn usage(&self) -> Option<ApiUsage> {
        self.shared.gate.usage()
    }

    /// Since when and why no call is made; nothing while calls are made.
    pub fn standstill(&self) -> Option<Standstill> {
        self.shared.gate.standstill(self.shared.caller.now_ms())
    }

    /// Breaks a promise on purpose: an org that does not answer is asked again at once.
    #[doc(hidden)]
    pub fn loses_patience(&self) {
        self.shared.gate.loses_patience();
    }

    /// Salesforce's clock minus ours.
    pub fn offset_ms(&self) -> i64 {
        self.shared.caller.offset_ms()
    }

    /// Calls made that count against the org's limit, from this client's start.
    pub fn calls(&self) -> u64 {
        self.shared.calls.load(Ordering::Relaxed)
    }

    /// An object's describe, as Salesforce gives it.
    ///
    /// # Errors
    /// As every call; `NOT_FOUND` for an object that the org does not have.
    pub async fn describe(&self, object: &str) -> Result<Value, CallError> {
        let answer = self
            .call(Method::GET, &format!("/sobjects/{object}/describe"), None)
            .await?;
        error::json(&answer)
    }

    /// The org's limits, as Salesforce gives them.
    ///
    /// # Errors
    /// As every call.
    pub async fn limits(&self) -> Result<Value, CallError> {
        let answer = self.call(Method::GET, "/limits", None).await?;
        error::json(&answer)
    }

    /// One call below `/services/data/vXX.X`. None is made while the org stands still.
    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Response<Bytes>, CallError> {
        let path = format!("/services/data/{}{path}", self.shared.config.api_version);
        self.call_at(method, &path, body).await
    }

    async fn call_at(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Response<Bytes>, CallError> {
        let pass = self.shared.gate.enter(self.shared.caller.now_ms())?;
        let result = self.asked(method, path, body).await;
        pass.left(self.shared.caller.now_ms(), result.as_ref().err());
        result
    }

    /// A session that has expired is renewed and the call repeated, once.
    async fn asked(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Response<Bytes>, CallError> {
        let session = self.session().await?;
        let answer = self.send(&session, &method, path, body.clone()).await?;
        if !error::is_session_over(&answer) {
            return error::checked(answer);
        }
        self.shared.session.forget(&session);
        let session = self.session().await?;
        error::checked(self.send(&session, &method, path, body).await?)
    }

    async fn session(&self) -> Result<Arc<auth::Session>, CallError> {
        let shared = &self.shared;
        shared.session.get(&shared.caller, &shared.config).await
    }

    async fn send(
        &self,
        session: &auth::Session,
        method: &Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Response<Bytes>, CallError> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", session.instance_url))
            .header(header::AUTHORIZATION, session.bearer())
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/json; charset=UTF-8")
            // Change data capture names it as the origin of our writes.
            .header("sforce-call-options", "client=usher")
            .extension(TakesGzip);
        let request = match self.saves_duplicates {
            true => request.header("sforce-duplicate-rule-header", "allowSave=true"),
            false => request,
        };
        let request = match &self.unmodified_since {
            Some(date) => request.header(header::IF_UNMODIFIED_SINCE, date),
            None => request,
        };
        let request =
            request
                .body(body.unwrap_or_default())
                .map_err(|error| CallError::Address {
                    reason: error.to_string(),
                })?;
        self.shared.calls.fetch_add(1, Ordering::Relaxed);
        let answer = self.shared.caller.send(request, CALL_MAX).await?;
        self.note_usage(&answer);
        Ok(answer)
    }

    fn note_usage(&self, answer: &Response<Bytes>) {
        let header = answer
            .headers()
            .get("sforce-limit-info")
            .and_then(|value| value.to_str().ok());
        if let Some(usage) = header.and_then(api_usage) {
            self.shared.gate.note(usage);
        }
    }
}

/// `api-usage=18/5000; per-app-api-usage=17/250(appName=x)`: the first, never the second.
fn api_usage(header: &str) -> Option<ApiUsage> {
    let pair = header
        .split(';')
        .find_map(|part| part.trim().strip_prefix("api-usage="))?;
    let (used, limit) = pair.split_once('/')?;
    Some(ApiUsage {
        used: used.trim().parse().ok()?,
        limit: limit.trim().parse().ok()?,
    })
}

#[cfg(test)]
mod tests;
