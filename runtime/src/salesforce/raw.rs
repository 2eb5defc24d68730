//! Calls whose answers are wanted as they are: a recording asks what usher itself never asks.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, header};

use super::error::CallError;
use super::{CALL_MAX, SalesforceClient};

impl SalesforceClient {
    /// Sends a call with the session, and returns the answer whatever its status. `path` begins with `/services`, or is
    /// below `/services/data/vXX.X`. `headers` replace those of the client.
    ///
    /// # Errors
    /// When there is no session, or no answer.
    pub async fn raw(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Bytes>, CallError> {
        let session = self.session().await?;
        let path = match path.starts_with("/services") {
            true => path.to_owned(),
            false => format!("/services/data/{}{path}", self.shared.config.api_version),
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", session.instance_url))
            .header(header::AUTHORIZATION, session.bearer())
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/json; charset=UTF-8")
            .body(body);
        let mut request = request.map_err(|error| CallError::Address {
            reason: error.to_string(),
        })?;
        request.headers_mut().extend(headers);
        Ok(self.shared.caller.send(request, CALL_MAX).await?)
    }
}
