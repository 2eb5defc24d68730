//! Errors in Salesforce's own shapes.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};

/// One error: a code, a sentence, and the fields that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    pub code: String,
    pub message: String,
    pub fields: Vec<String>,
    /// Records that a duplicate rule found.
    pub matches: Vec<String>,
}

impl ApiError {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        ApiError {
            code: code.to_owned(),
            message: message.into(),
            fields: Vec::new(),
            matches: Vec::new(),
        }
    }

    pub(crate) fn on(mut self, field: &str) -> Self {
        self.fields.push(field.to_owned());
        self
    }

    /// In an answer's list: `errorCode`.
    fn in_answer(&self) -> Value {
        let mut answer = json!({ "message": self.message, "errorCode": self.code });
        if !self.fields.is_empty() {
            answer["fields"] = json!(self.fields);
        }
        self.with_matches(answer)
    }

    /// In a list of errors: `[{"message","errorCode","fields"}]`.
    pub(crate) fn list(errors: &[ApiError]) -> Value {
        errors.iter().map(ApiError::in_answer).collect()
    }

    /// In a record's result: `statusCode`. What a duplicate rule found is told of single records alone.
    pub(crate) fn in_result(&self) -> Value {
        json!({ "statusCode": self.code, "message": self.message, "fields": self.fields })
    }

    /// What a duplicate rule found, beside its error.
    fn with_matches(&self, mut error: Value) -> Value {
        if self.matches.is_empty() {
            return error;
        }
        let matches = self.matches.iter();
        let records: Vec<Value> = matches
            .map(|id| {
                json!({
                    "additionalInformation": [],
                    "fieldDiffs": [],
                    "matchConfidence": 100.0,
                    "record": { "attributes": { "type": "Contact" }, "Id": id },
                })
            })
            .collect();
        error["duplicateResult"] = json!({
            "allowSave": false,
            "duplicateRule": "Standard_Contact_Duplicate_Rule",
            "duplicateRuleEntityType": "Contact",
            "errorMessage": self.message,
            "matchResults": [{
                "entityType": "Contact",
                "errors": [],
                "matchEngine": "FuzzyMatchEngine",
                "matchRecords": records,
                "rule": "Standard_Contact_Match_Rule_v1_1",
                "size": records.len(),
                "success": true,
            }],
        });
        error
    }
}

/// A JSON answer.
pub(crate) fn answer<B: Serialize>(status: StatusCode, body: &B) -> Response<Bytes> {
    let body = serde_json::to_string(body).unwrap_or_default();
    with_body(status, "application/json;charset=UTF-8", body)
}

/// 204.
pub(crate) fn no_content() -> Response<Bytes> {
    with_body(
        StatusCode::NO_CONTENT,
        "application/json;charset=UTF-8",
        String::new(),
    )
}

/// An answer that is a list of errors.
pub(crate) fn refuse(status: StatusCode, errors: &[ApiError]) -> Response<Bytes> {
    answer(status, &ApiError::list(errors))
}

/// A status and nothing else.
pub(crate) fn only_status(status: u16) -> Response<Bytes> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = with_body(status, "text/plain", String::new());
    if status == StatusCode::TOO_MANY_REQUESTS {
        let seconds = http::HeaderValue::from_static("2");
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// The answer of an org that has moved.
pub(crate) fn moved(status: u16, to: &str) -> Response<Bytes> {
    let mut response = only_status(status);
    if let Ok(to) = http::HeaderValue::from_str(to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}

/// A page for people, as a proxy answers in the org's place.
pub(crate) fn page(status: u16) -> Response<Bytes> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let page = "<html><head><title>Salesforce</title></head><body>Please wait</body></html>";
    with_body(status, "text/html", page.to_owned())
}

/// What stands before the org when the org does not: a page, not JSON.
pub(crate) fn unavailable() -> Response<Bytes> {
    let page = "<html><head><title>Service Unavailable</title></head><body>Down for maintenance</body></html>";
    with_body(
        StatusCode::SERVICE_UNAVAILABLE,
        "text/html",
        page.to_owned(),
    )
}

pub(crate) fn with_body(status: StatusCode, kind: &'static str, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
    response
}
