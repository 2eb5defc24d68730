//! Writes that are made only where nobody has changed the record since it was read.

use bytes::Bytes;
use http::Method;

use super::{CallError, SalesforceClient};
use crate::clock;

const PRECONDITION_FAILED: u16 = 412;

impl SalesforceClient {
    /// Updates one record unless it was changed after `since_ms`, by Salesforce's clock and to the second: then `false`,
    /// and nothing of it is done (reference: REST API, `If-Unmodified-Since`). The body holds the fields that change.
    ///
    /// # Errors
    /// As every call; [`CallError::may_have_committed`] says whether it may have been carried out.
    pub async fn update_unmodified(
        &self,
        object: &str,
        id: &str,
        body: &str,
        since_ms: i64,
    ) -> Result<bool, CallError> {
        let client = SalesforceClient {
            unmodified_since: clock::http_date(since_ms),
            ..self.clone()
        };
        let path = format!("/sobjects/{object}/{id}");
        let body = Bytes::copy_from_slice(body.as_bytes());
        match client.call(Method::PATCH, &path, Some(body)).await {
            Ok(_) => Ok(true),
            Err(CallError::Refused {
                status: PRECONDITION_FAILED,
                ..
            }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
