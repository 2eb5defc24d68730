//! Sessions: the token endpoint and what a request has to carry.
//!
//! A JWT's claims are read and its signature is not verified: the org here holds nobody's certificate.

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use serde_json::{Value, json};

use super::error::answer;
use super::{Org, parameter};

impl Org {
    pub(super) fn token(&mut self, request: &Request<Bytes>, address: &str) -> Response<Bytes> {
        let form = String::from_utf8_lossy(request.body()).into_owned();
        let get = |name: &str| parameter(&form, name).filter(|value| !value.is_empty());
        let refusal = match get("grant_type").as_deref() {
            Some("client_credentials") => match (get("client_id"), get("client_secret")) {
                (Some(_), Some(_)) => None,
                _ => Some(("invalid_client", "invalid client credentials")),
            },
            Some("urn:ietf:params:oauth:grant-type:jwt-bearer") => {
                jwt_refusal(get("assertion").as_deref())
            }
            _ => Some(("unsupported_grant_type", "grant type not supported")),
        };
        match refusal {
            Some((error, description)) => {
                let body = json!({ "error": error, "error_description": description });
                answer(StatusCode::BAD_REQUEST, &body)
            }
            None => self.open_session(address),
        }
    }

    fn open_session(&mut self, address: &str) -> Response<Bytes> {
        self.tokens_made += 1;
        let token = format!("00D5e000000simulator!{}", self.tokens_made);
        self.tokens.insert(token.clone());
        let body = json!({
            "access_token": token,
            "signature": "c2lnbmF0dXJl",
            "scope": "api",
            "instance_url": address,
            "id": format!("{address}/id/00D5e0000008kNNEAY/0055e000003E8ooAAC"),
            "token_type": "Bearer",
            "issued_at": jiff::Timestamp::now().as_millisecond().to_string(),
        });
        answer(StatusCode::OK, &body)
    }

    pub(super) fn has_session(&self, request: &Request<Bytes>) -> bool {
        let header = request
            .headers()
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| {
            value
                .strip_prefix("Bearer ")
                .or_else(|| value.strip_prefix("OAuth "))
        });
        token.is_some_and(|token| self.tokens.contains(token))
    }
}

fn jwt_refusal(assertion: Option<&str>) -> Option<(&'static str, &'static str)> {
    let Some(claims) = assertion.and_then(claims) else {
        return Some(("invalid_grant", "invalid assertion"));
    };
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let expires = claims
        .get("exp")
        .and_then(Value::as_i64)
        .unwrap_or_default();
    if text("iss").is_empty() || text("sub").is_empty() {
        return Some(("invalid_client_id", "client identifier invalid"));
    }
    if text("aud").is_empty() {
        return Some(("invalid_grant", "audience is invalid"));
    }
    let now = jiff::Timestamp::now().as_second();
    (expires <= now || expires > now + 600)
        .then_some(("invalid_grant", "expired authorization code"))
}

fn claims(assertion: &str) -> Option<Value> {
    let mut parts = assertion.split('.');
    let (_, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if signature.is_empty() || parts.next().is_some() {
        return None;
    }
    serde_json::from_slice(&base64url(claims)?).ok()
}

/// Base64 in the URL's alphabet, without padding.
fn base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0x00ff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}
