//! The session: JWT bearer or client credentials, one token request however many wait for it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, Request, header};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};

use super::SalesforceConfig;
use super::error::{self, CallError};
use crate::http::{Caller, TransportError};

/// Many items wait for one log-in; it is quick, or does not come.
const LOG_IN_MAX: std::time::Duration = std::time::Duration::from_secs(30);

/// A text that no log and no error shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// For the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

/// How we prove who we are.
#[derive(Debug, Clone)]
pub enum Auth {
    /// OAuth 2.0 JWT bearer flow: RS256 with the key whose certificate the app holds.
    JwtBearer {
        client_id: String,
        username: String,
        /// `https://login.salesforce.com` or `https://test.salesforce.com`.
        audience: String,
        private_key_pem: Secret,
    },
    /// OAuth 2.0 client credentials flow, at the org's My Domain.
    ClientCredentials {
        client_id: String,
        client_secret: Secret,
    },
}

/// A token and the host that takes it: on another host it is not valid.
pub(super) struct Session {
    token: Secret,
    pub(super) instance_url: String,
}

impl Session {
    pub(super) fn bearer(&self) -> String {
        format!("Bearer {}", self.token.reveal())
    }
}

/// The session of the moment, and the lock that makes one request of many.
#[derive(Default)]
pub(super) struct SessionKeeper {
    current: Mutex<Option<Arc<Session>>>,
    opening: tokio::sync::Mutex<()>,
}

impl SessionKeeper {
    pub(super) async fn get(
        &self,
        caller: &Caller,
        config: &SalesforceConfig,
    ) -> Result<Arc<Session>, CallError> {
        if let Some(session) = self.current() {
            return Ok(session);
        }
        let _alone = self.opening.lock().await;
        if let Some(session) = self.current() {
            return Ok(session);
        }
        let session = Arc::new(open(caller, config).await?);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(session.clone());
        Ok(session)
    }

    /// Drops a session that was refused, unless somebody has renewed it already.
    pub(super) fn forget(&self, refused: &Arc<Session>) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current
            .as_ref()
            .is_some_and(|session| Arc::ptr_eq(session, refused))
        {
            *current = None;
        }
    }

    fn current(&self) -> Option<Arc<Session>> {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    instance_url: Option<String>,
}

/// A new session. Whatever goes wrong, the call that wanted it was not sent.
async fn open(caller: &Caller, config: &SalesforceConfig) -> Result<Session, CallError> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{}/services/oauth2/token", config.login_url))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .body(Bytes::from(form(&config.auth)?))
        .map_err(|error| CallError::Address {
            reason: error.to_string(),
        })?;
    let host = request.uri().host().unwrap_or_default().to_owned();
    let answer = caller.send(request, LOG_IN_MAX).await.map_err(not_sent)?;
    if answer.status().is_server_error() {
        let reason = format!("its log-in answers {}", answer.status());
        return Err(not_sent(TransportError::Lost { host, reason }).into());
    }
    let token: TokenAnswer = match error::json(&answer) {
        Ok(token) if answer.status().is_success() => token,
        _ => return Err(error::refused_token(&answer)),
    };
    Ok(Session {
        token: Secret::new(token.access_token),
        instance_url: token
            .instance_url
            .unwrap_or_else(|| config.login_url.clone())
            .trim_end_matches('/')
            .to_owned(),
    })
}

/// Of a log-in that got no answer: it may have come about, but no record was written.
fn not_sent(error: TransportError) -> TransportError {
    match error {
        TransportError::Lost { host, reason } => TransportError::NotSent { host, reason },
        error => error,
    }
}

fn form(auth: &Auth) -> Result<String, CallError> {
    let pairs = match auth {
        Auth::JwtBearer { .. } => vec![
            (
                "grant_type",
                "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned(),
            ),
            (
                "assertion",
                assertion(auth, jiff::Timestamp::now().as_second())?,
            ),
        ],
        Auth::ClientCredentials {
            client_id,
            client_secret,
        } => vec![
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", client_id.clone()),
            ("client_secret", client_secret.reveal().to_owned()),
        ],
    };
    let encoded = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", super::query::percent_encoded(value)));
    Ok(encoded.collect::<Vec<_>>().join("&"))
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
}

/// Valid for three minutes, the most that Salesforce takes.
fn assertion(auth: &Auth, now_seconds: i64) -> Result<String, CallError> {
    let Auth::JwtBearer {
        client_id,
        username,
        audience,
        private_key_pem,
    } = auth
    else {
        return Ok(String::new());
    };
    let key = EncodingKey::from_rsa_pem(private_key_pem.reveal().as_bytes())
        .map_err(|_| CallError::Key)?;
    let claims = Claims {
        iss: client_id,
        sub: username,
        aud: audience,
        exp: now_seconds + 180,
    };
    jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key).map_err(|_| CallError::Key)
}
