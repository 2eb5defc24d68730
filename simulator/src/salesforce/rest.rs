//! One record a call: create, read, update, delete, and upsert by external id.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use serde_json::{Map, Value, json};

use super::error::{ApiError, answer, no_content, refuse};
use super::shown::View;
use super::write::unknown_object;
use super::{Org, parameter};
use crate::faults::Effect;
use crate::schema::Object;
use crate::write_log::Actor;

impl Org {
    pub(super) fn rest_create(
        &mut self,
        object: &str,
        request: &Request<Bytes>,
        effect: &Effect,
    ) -> Response<Bytes> {
        match self.create_from(object, request, effect) {
            Ok(id) => answer(
                StatusCode::CREATED,
                &json!({ "id": id, "success": true, "errors": [] }),
            ),
            Err(errors) => refuse(status(&errors), &errors),
        }
    }

    fn create_from(
        &mut self,
        object: &str,
        request: &Request<Bytes>,
        effect: &Effect,
    ) -> Result<String, Vec<ApiError>> {
        let fields = body(request)?;
        self.sees_all(object, &fields)?;
        if let Some(refusal) = self.refused_alone(&fields, effect) {
            return Err(vec![refusal]);
        }
        self.insert(object, fields, Actor::Api)
    }

    /// Checks that the user sees every field of the body.
    fn sees_all(&self, object: &str, fields: &Map<String, Value>) -> Result<(), Vec<ApiError>> {
        let schema = self.schema(object)?;
        match self.unknown_column(&schema, fields) {
            Some(error) => Err(vec![error]),
            None => Ok(()),
        }
    }

    pub(super) fn rest_by_id(
        &mut self,
        object: &str,
        id: &str,
        request: &Request<Bytes>,
        effect: &Effect,
        path: &str,
    ) -> Response<Bytes> {
        let Ok(schema) = self.schema(object) else {
            return refuse(
                StatusCode::NOT_FOUND,
                &[ApiError::new(
                    "NOT_FOUND",
                    "The requested resource does not exist",
                )],
            );
        };
        let result = match *request.method() {
            Method::GET => self.read(&schema, id, request, path),
            Method::PATCH if self.was_modified(object, id, request) => {
                return refuse(
                    StatusCode::PRECONDITION_FAILED,
                    &[ApiError::new(
                        "PRECONDITION_FAILED",
                        "The record was modified after the time in If-Unmodified-Since",
                    )],
                );
            }
            Method::PATCH => self
                .update_from(object, id, request, effect)
                .map(|()| no_content()),
            Method::DELETE => self
                .may_edit(object, id, effect)
                .and_then(|()| self.remove(object, id, Actor::Api))
                .map(|()| no_content()),
            _ => return not_allowed(),
        };
        result.unwrap_or_else(|errors| refuse_by_id(&errors))
    }

    /// After the second that the header names, if there is one.
    fn was_modified(&self, object: &str, id: &str, request: &Request<Bytes>) -> bool {
        let header = request.headers().get(header::IF_UNMODIFIED_SINCE);
        let header = header.and_then(|value| value.to_str().ok());
        let since = header.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        let modified = self.found(object, id).and_then(|record| {
            let at = record.get("SystemModstamp")?.as_str()?;
            jiff::Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", at).ok()
        });
        match (since, modified) {
            (Some(since), Some(modified)) => modified.as_second() > since.timestamp().as_second(),
            _ => false,
        }
    }

    fn update_from(
        &mut self,
        object: &str,
        id: &str,
        request: &Request<Bytes>,
        effect: &Effect,
    ) -> Result<(), Vec<ApiError>> {
        let fields = body(request)?;
        self.sees_all(object, &fields)?;
        if let Some(refusal) = self.refused_alone(&fields, effect) {
            return Err(vec![refusal]);
        }
        self.may_edit(object, id, effect)?;
        self.update(object, id, fields, Actor::Api)
    }

    fn read(
        &self,
        schema: &Object,
        id: &str,
        request: &Request<Bytes>,
        path: &str,
    ) -> Result<Response<Bytes>, Vec<ApiError>> {
        let record = self.current(schema, id)?;
        let fields = request
            .uri()
            .query()
            .and_then(|query| parameter(query, "fields"));
        let names: Option<Vec<String>> =
            fields.map(|list| list.split(',').map(|name| name.trim().to_owned()).collect());
        if let Some(error) = self.no_column(schema, names.iter().flatten()) {
            return Err(vec![error]);
        }
        let view = View::new(schema, names.as_deref(), path)?;
        Ok(answer(StatusCode::OK, &view.of(&record)))
    }

    pub(super) fn rest_by_external_id(
        &mut self,
        object: &str,
        field: &str,
        value: &str,
        request: &Request<Bytes>,
        effect: &Effect,
        path: &str,
    ) -> Response<Bytes> {
        let Some(table) = self.table(object) else {
            return refuse(StatusCode::NOT_FOUND, &[unknown_object(object)]);
        };
        let key = table
            .schema
            .field(field)
            .filter(|field| field.external_id || field.id_lookup)
            .filter(|field| !self.is_hidden(object, &field.name))
            .cloned();
        let Some(key) = key else {
            let text =
                format!("Provided external ID field does not exist or is not accessible: {field}");
            return refuse(StatusCode::NOT_FOUND, &[ApiError::new("NOT_FOUND", text)]);
        };
        let found = if key.name == "Id" {
            vec![value.to_owned()]
        } else {
            table.by_value(&key, value)
        };
        match (found.as_slice(), request.method()) {
            ([_, _, ..], _) => multiple(path, object, &found),
            ([id], &Method::PATCH) => self.upsert_existing(object, id, request, effect),
            ([id], _) => self.rest_by_id(object, id, request, effect, path),
            ([], &Method::PATCH) => self.upsert_new(object, &key.name, value, request, effect),
            ([], _) => refuse(
                StatusCode::NOT_FOUND,
                &[ApiError::new(
                    "NOT_FOUND",
                    "The requested resource does not exist",
                )],
            ),
        }
    }

    fn upsert_existing(
        &mut self,
        object: &str,
        id: &str,
        request: &Request<Bytes>,
        effect: &Effect,
    ) -> Response<Bytes> {
        match self.update_from(object, id, request, effect) {
            Ok(()) => answer(
                StatusCode::OK,
                &json!({ "id": id, "success": true, "errors": [], "created": false }),
            ),
            Err(errors) => refuse(status(&errors), &errors),
        }
    }

    fn upsert_new(
        &mut self,
        object: &str,
        key: &str,
        value: &str,
        request: &Request<Bytes>,
        effect: &Effect,
    ) -> Response<Bytes> {
        let created = body(request).and_then(|mut fields| {
            if fields.contains_key(key) {
                let text = format!("The {key} field should not be specified in the sobject data.");
                return Err(vec![ApiError::new("INVALID_FIELD", text)]);
            }
            self.sees_all(object, &fields)?;
            if let Some(refusal) = self.refused_by_rule(&fields, effect) {
                return Err(vec![refusal]);
            }
            fields.insert(key.to_owned(), Value::from(value));
            self.insert(object, fields, Actor::Api)
        });
        match created {
            Ok(id) => answer(
                StatusCode::CREATED,
                &json!({ "id": id, "success": true, "errors": [], "created": true }),
            ),
            Err(errors) => refuse(status(&errors), &errors),
        }
    }
}

/// The body as an object.
pub(super) fn body(request: &Request<Bytes>) -> Result<Map<String, Value>, Vec<ApiError>> {
    match serde_json::from_slice(request.body()) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(vec![ApiError::new(
            "JSON_PARSER_ERROR",
            "Unexpected parameter encountered during deserialization",
        )]),
        Err(error) => Err(vec![ApiError::new(
            "JSON_PARSER_ERROR",
            format!("The HTTP entity body is not JSON: {error}"),
        )]),
    }
}

fn status(errors: &[ApiError]) -> StatusCode {
    match errors.first().map(|error| error.code.as_str()) {
        Some("INVALID_TYPE" | "NOT_FOUND" | "ENTITY_IS_DELETED") => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// By id, what is gone is a resource that is not there.
fn refuse_by_id(errors: &[ApiError]) -> Response<Bytes> {
    if errors.iter().any(|error| {
        matches!(error.code.as_str(), "INVALID_CROSS_REFERENCE_KEY") && error.fields.is_empty()
    }) {
        let missing = ApiError::new("NOT_FOUND", "The requested resource does not exist");
        return refuse(StatusCode::NOT_FOUND, &[missing]);
    }
    refuse(status(errors), errors)
}

fn multiple(path: &str, object: &str, ids: &[String]) -> Response<Bytes> {
    let base = path.split("/sobjects").next().unwrap_or_default();
    let urls: Vec<String> = ids
        .iter()
        .map(|id| format!("{base}/sobjects/{object}/{id}"))
        .collect();
    answer(StatusCode::MULTIPLE_CHOICES, &json!(urls))
}

fn not_allowed() -> Response<Bytes> {
    let text = "HTTP Method not allowed. Allowed are HEAD,GET,PATCH,DELETE";
    refuse(
        StatusCode::METHOD_NOT_ALLOWED,
        &[ApiError::new("METHOD_NOT_ALLOWED", text)],
    )
}
