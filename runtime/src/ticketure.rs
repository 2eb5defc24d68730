//! The Ticketure client: identities read, created and changed, by the conventions of its REST API.
//!
//! Facts and assumptions are told apart in `mappings/schemas/ticketure`: an answer is `{"<entity>": {"_data": [...]}}`,
//! and creating what is there already is refused with the id of what is there.

mod answer;
mod error;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use serde_json::{Map, Value};

pub use error::CallError;

use crate::breaker::{Breaker, Decision, Standstill};
use crate::clock::Now;
use crate::http::{Caller, Transport};
use crate::salesforce::Secret;

/// No call takes longer; what became of it is then unknown.
const CALL_MAX: Duration = Duration::from_secs(30);

/// One entity as Ticketure has it.
pub type Row = Map<String, Value>;

/// Where the tenant is and who we are there.
#[derive(Debug, Clone)]
pub struct TicketureConfig {
    /// `https://example.ticketure.com`; no slash at the end.
    pub url: String,
    pub api_key: Secret,
}

/// What became of a create.
#[derive(Debug, Clone, PartialEq)]
pub enum Created {
    New(Row),
    /// It is there already, under this id.
    Known(String),
}

/// A handle on one tenant.
#[derive(Clone)]
pub struct TicketureClient {
    shared: Arc<Shared>,
}

struct Shared {
    caller: Caller,
    config: TicketureConfig,
    breaker: Mutex<Breaker>,
}

impl TicketureClient {
    pub fn new(transport: Arc<dyn Transport>, config: TicketureConfig, now: Now) -> Self {
        TicketureClient {
            shared: Arc::new(Shared {
                caller: Caller::new("ticketure", transport, now),
                config,
                breaker: Mutex::new(Breaker::default()),
            }),
        }
    }

    /// Breaks a promise on purpose: a tenant that does not answer is asked again at once.
    #[doc(hidden)]
    pub fn loses_patience(&self) {
        self.breaker().loses_patience();
    }

    /// Ticketure's clock minus ours.
    pub fn offset_ms(&self) -> i64 {
        self.shared.caller.offset_ms()
    }

    /// Since when and why no call is made; nothing while calls are made.
    pub fn standstill(&self) -> Option<Standstill> {
        self.breaker().standstill(self.shared.caller.now_ms())
    }

    /// One record; nothing when it is not there.
    ///
    /// # Errors
    /// As every call, and when the answer is about another record.
    pub async fn read(&self, entity: &str, id: &str) -> Result<Option<Row>, CallError> {
        let path = path_of(entity, id)?;
        let answer = self.call(Method::GET, &path, None, None).await?;
        if answer::is_missing(&answer)? {
            return Ok(None);
        }
        answer::about(&error::checked(answer)?, entity, id)
    }

    /// The records whose field has this value.
    ///
    /// # Errors
    /// As every call, and when a record of the answer has another value.
    pub async fn find(
        &self,
        entity: &str,
        field: &str,
        value: &str,
    ) -> Result<Vec<Row>, CallError> {
        let path = format!("/api/{entity}?{field}._in={}", encoded(value));
        let answer = self.call(Method::GET, &path, None, None).await?;
        answer::with_value(&error::checked(answer)?, entity, field, value)
    }

    /// Every record.
    ///
    /// # Errors
    /// As every call.
    pub async fn all(&self, entity: &str) -> Result<Vec<Row>, CallError> {
        let answer = self
            .call(Method::GET, &format!("/api/{entity}"), None, None)
            .await?;
        answer::rows(&error::checked(answer)?, entity)
    }

    /// Creates a record below `/api/<path>`. The key is the same for each repeat of one create.
    ///
    /// # Errors
    /// As every call; after one that [`CallError::may_have_committed`] the record may be there.
    pub async fn create(
        &self,
        path: &str,
        entity: &str,
        body: &Row,
        idempotency_key: &str,
    ) -> Result<Created, CallError> {
        let answer = self
            .call(
                Method::POST,
                &format!("/api/{path}"),
                Some(body),
                Some(idempotency_key),
            )
            .await?;
        if let Some(id) = error::conflict(&answer, entity) {
            return Ok(Created::Known(id));
        }
        answer::new_one(&error::checked(answer)?, entity).map(Created::New)
    }

    /// Sets the given fields; gives the record as it is then. Nothing when it is not there.
    ///
    /// # Errors
    /// As every call; it says the wanted state, so a repeat changes nothing.
    pub async fn change(
        &self,
        entity: &str,
        id: &str,
        body: &Row,
    ) -> Result<Option<Row>, CallError> {
        let path = path_of(entity, id)?;
        let answer = self.call(Method::PATCH, &path, Some(body), None).await?;
        if answer::is_missing(&answer)? {
            return Ok(None);
        }
        let answer = error::checked(answer)?;
        let row = answer::about(&answer, entity, id)?;
        row.map(Some)
            .ok_or_else(|| error::unexpected(&answer, "no record in it"))
    }

    /// Has something done to a record, `/api/<entity>/<id>/<action>`; gives the record as it is then. Nothing when it
    /// is not there.
    ///
    /// # Errors
    /// As every call; the body says the wanted state, so a repeat changes nothing.
    pub async fn act(
        &self,
        entity: &str,
        id: &str,
        action: &str,
        body: &Row,
    ) -> Result<Option<Row>, CallError> {
        let path = format!("{}/{action}", path_of(entity, id)?);
        let answer = self.call(Method::POST, &path, Some(body), None).await?;
        if answer::is_missing(&answer)? {
            return Ok(None);
        }
        let answer = error::checked(answer)?;
        let row = answer::about(&answer, entity, id)?;
        row.map(Some)
            .ok_or_else(|| error::unexpected(&answer, "no record in it"))
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.shared
            .breaker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// One call, whatever its status; none while the tenant stands still.
    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Row>,
        idempotency_key: Option<&str>,
    ) -> Result<Response<Bytes>, CallError> {
        self.enter()?;
        let result = self.asked(method, path, body, idempotency_key).await;
        let refused = match &result {
            Ok(answer) => error::checked(answer.clone()).err(),
            Err(error) => Some(error.clone()),
        };
        let now_ms = self.shared.caller.now_ms();
        match refused.and_then(|error| Some((error.trouble()?, error.to_string()))) {
            Some((trouble, reason)) => self.breaker().failed(now_ms, trouble, &reason),
            None => self.breaker().succeeded(),
        }
        result
    }

    fn enter(&self) -> Result<(), CallError> {
        let mut breaker = self.breaker();
        let now_ms = self.shared.caller.now_ms();
        let Decision::Wait { until_ms } = breaker.ask(now_ms) else {
            return Ok(());
        };
        let stands = breaker.standstill(now_ms);
        let reason = stands.map(|stands| stands.reason).unwrap_or_default();
        Err(CallError::StandsStill { until_ms, reason })
    }

    async fn asked(
        &self,
        method: Method,
        path: &str,
        body: Option<&Row>,
        idempotency_key: Option<&str>,
    ) -> Result<Response<Bytes>, CallError> {
        let config = &self.shared.config;
        let body = body.map(|body| Bytes::from(Value::Object(body.clone()).to_string()));
        let mut request = Request::builder()
            .method(&method)
            .uri(format!("{}{path}", config.url))
            .header(
                header::AUTHORIZATION,
                format!("Bearer {}", config.api_key.reveal()),
            )
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let request =
            request
                .body(body.unwrap_or_default())
                .map_err(|error| CallError::Address {
                    reason: error.to_string(),
                })?;
        Ok(self.shared.caller.send(request, CALL_MAX).await?)
    }
}

/// The path of one record.
///
/// # Errors
/// When the id would lead to another path.
fn path_of(entity: &str, id: &str) -> Result<String, CallError> {
    match unfit_id(id) {
        Some(reason) => Err(CallError::Id { reason }),
        None => Ok(format!("/api/{entity}/{}", encoded(id))),
    }
}

/// The most characters of an id that fits into an address.
const ID_MAX: usize = 255;

/// Reason why a text is no id of a record in Ticketure. The reason leaves the text out, which may be personal data.
pub fn unfit_id(id: &str) -> Option<String> {
    if matches!(id, "." | "..") {
        // Clients and servers drop these segments, so the address would be that of all records.
        return Some(format!(
            "`{id}` is no id, since it would change the address"
        ));
    }
    if id.trim().is_empty() {
        return Some("the id is blank".to_owned());
    }
    if id.trim() != id {
        // Salesforce stores texts without them, under another id.
        return Some("the id begins or ends with a blank".to_owned());
    }
    if id.chars().any(char::is_control) {
        return Some("the id has a control character".to_owned());
    }
    let length = id.chars().count();
    (length > ID_MAX).then(|| format!("the id has {length} characters, and at most {ID_MAX} fit"))
}

/// A part of a path or a query.
fn encoded(text: &str) -> String {
    crate::salesforce::percent_encoded(text)
}

#[cfg(test)]
mod tests;
