//! sObject Collections: many records a call, a result for each in the order of the request.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::error::{ApiError, answer, refuse};
use super::rest::body;
use super::shown::{Shown, View};
use super::whole_call::refuse_repeated;
use super::write::unknown_object;
use super::{Org, parameter};
use crate::faults::Effect;
use crate::schema::Field;
use crate::write_log::Actor;

const RECORDS_MAX: usize = 200;
const READ_MAX: usize = 2_000;

/// What was done to one record of a call.
pub(super) enum Done {
    Created(String),
    Updated(String),
    Deleted(String),
}

impl Done {
    fn id(&self) -> &str {
        let (Done::Created(id) | Done::Updated(id) | Done::Deleted(id)) = self;
        id
    }
}

pub(super) type Outcome = Result<Done, Vec<ApiError>>;

impl Org {
    /// Create, update or delete, by the method.
    pub(super) fn collections(
        &mut self,
        request: &Request<Bytes>,
        effect: &Effect,
    ) -> Response<Bytes> {
        match *request.method() {
            Method::POST => self.each_record(request, effect, None, |org, record| {
                org.collection_create(record, effect)
            }),
            Method::PATCH => self.each_record(request, effect, None, |org, record| {
                org.collection_update(record, effect)
            }),
            Method::DELETE => self.collection_delete(request, effect),
            _ => refuse(
                StatusCode::METHOD_NOT_ALLOWED,
                &[ApiError::new(
                    "METHOD_NOT_ALLOWED",
                    "HTTP Method not allowed",
                )],
            ),
        }
    }

    pub(super) fn collections_upsert(
        &mut self,
        object: &str,
        field: &str,
        request: &Request<Bytes>,
        effect: &Effect,
    ) -> Response<Bytes> {
        let key = self
            .table(object)
            .and_then(|table| table.schema.field(field))
            .filter(|field| field.external_id || field.id_lookup)
            .filter(|field| !self.is_hidden(object, &field.name))
            .cloned();
        let Some(key) = key else {
            let text =
                format!("Provided external ID field does not exist or is not accessible: {field}");
            return refuse(StatusCode::NOT_FOUND, &[ApiError::new("NOT_FOUND", text)]);
        };
        let object = object.to_owned();
        let unique = Some(key.clone());
        self.each_record(request, effect, unique, move |org, mut record| {
            let Some(value) = record
                .get(&key.name)
                .and_then(Value::as_str)
                .map(str::to_owned)
            else {
                return Err(vec![ApiError::new(
                    "MISSING_ARGUMENT",
                    format!("{} not specified", key.name),
                )]);
            };
            let found = org
                .table(&object)
                .map(|table| table.by_value(&key, &value))
                .unwrap_or_default();
            match found.as_slice() {
                [] => org.collection_create(record, effect),
                [id] => {
                    record.remove(&key.name);
                    record.insert("id".to_owned(), Value::from(id.as_str()));
                    org.collection_update(record, effect)
                }
                _ => Err(vec![ApiError::new(
                    "DUPLICATE_EXTERNAL_ID",
                    format!(
                        "{}: more than one record found for external id field",
                        key.name
                    ),
                )]),
            }
        })
    }

    /// Writes each record; `key` is the external id of an upsert.
    fn each_record(
        &mut self,
        request: &Request<Bytes>,
        effect: &Effect,
        key: Option<Field>,
        write: impl Fn(&mut Org, Map<String, Value>) -> Outcome,
    ) -> Response<Bytes> {
        let (all_or_none, records) = match records(request) {
            Ok(read) => read,
            Err(error) => return refuse(StatusCode::BAD_REQUEST, &[error]),
        };
        if let Some((status, error)) = Org::refused_call(&records, effect) {
            return refuse(status, &[error]);
        }
        if let Some(error) = self.malformed(&records) {
            return refuse(StatusCode::BAD_REQUEST, &[error]);
        }
        let mut refused = self.refused_together(&records, effect);
        if let Some(key) = &key {
            refuse_repeated(key, &records, &mut refused);
        }
        let of_lines = records
            .iter()
            .any(|record| is_a(record, "OpportunityLineItem"));
        let outcomes = self.together(all_or_none, of_lines, |org| {
            let each = records.iter().zip(&refused).enumerate();
            let each = each.map(|(place, (record, refused))| match refused {
                Some(error) => Err(vec![error.clone()]),
                None => {
                    org.still_to_come(records.get(place + 1..).unwrap_or_default());
                    write(org, record.clone())
                }
            });
            each.collect()
        });
        let results = outcomes
            .iter()
            .map(|outcome| result(outcome, key.is_some()));
        answer(StatusCode::OK, &results.collect::<Value>())
    }

    fn collection_create(&mut self, record: Map<String, Value>, effect: &Effect) -> Outcome {
        let object = object_of(&record)?;
        if let Some(refusal) = self.refused_by_rule(&record, effect) {
            return Err(vec![refusal]);
        }
        let id = self.insert(&object, record, Actor::Api)?;
        Ok(Done::Created(id))
    }

    fn collection_update(&mut self, mut record: Map<String, Value>, effect: &Effect) -> Outcome {
        let object = object_of(&record)?;
        let id = record.remove("id").or_else(|| record.remove("Id"));
        let Some(id) = id.as_ref().and_then(Value::as_str) else {
            return Err(vec![ApiError::new(
                "MISSING_ARGUMENT",
                "Id not specified in an update call",
            )]);
        };
        if let Some(refusal) = self.refused_by_rule(&record, effect) {
            return Err(vec![refusal]);
        }
        self.may_edit(&object, id, effect)?;
        self.update(&object, id, record, Actor::Api)?;
        Ok(Done::Updated(crate::id::long(id).unwrap_or_default()))
    }

    fn collection_delete(&mut self, request: &Request<Bytes>, effect: &Effect) -> Response<Bytes> {
        let query = request.uri().query().unwrap_or_default();
        let ids = parameter(query, "ids").unwrap_or_default();
        let ids: Vec<&str> = ids.split(',').filter(|id| !id.is_empty()).collect();
        if ids.len() > RECORDS_MAX {
            return refuse(StatusCode::BAD_REQUEST, &[too_many()]);
        }
        let all_or_none = parameter(query, "allOrNone").as_deref() == Some("true");
        let of_lines = self.table("OpportunityLineItem").is_some_and(|table| {
            let prefix = table.schema.key_prefix.as_str();
            ids.iter().any(|id| id.starts_with(prefix))
        });
        let outcomes = self.together(all_or_none, of_lines, |org| {
            let each = ids.iter().map(|id| org.collection_remove(id, effect));
            each.collect()
        });
        let results = outcomes.iter().map(|outcome| result(outcome, false));
        answer(StatusCode::OK, &results.collect::<Value>())
    }

    fn collection_remove(&mut self, id: &str, effect: &Effect) -> Outcome {
        let mut tables = self.tables.values();
        let table = tables.find(|table| id.starts_with(&table.schema.key_prefix));
        let object = table.map(|table| table.schema.name.clone());
        let object = object.unwrap_or_default();
        self.may_edit(&object, id, effect)?;
        self.remove(&object, id, Actor::Api)?;
        Ok(Done::Deleted(id.to_owned()))
    }

    /// Up to 2,000 records by id; null where there is none.
    pub(super) fn collections_read(
        &self,
        object: &str,
        request: &Request<Bytes>,
        path: &str,
    ) -> Response<Bytes> {
        let Some(table) = self.table(object) else {
            return refuse(StatusCode::NOT_FOUND, &[unknown_object(object)]);
        };
        let (ids, fields) = if request.method() == Method::GET {
            let query = request.uri().query().unwrap_or_default();
            (
                split(parameter(query, "ids")),
                split(parameter(query, "fields")),
            )
        } else {
            match body(request) {
                Ok(body) => (texts(body.get("ids")), texts(body.get("fields"))),
                Err(errors) => return refuse(StatusCode::BAD_REQUEST, &errors),
            }
        };
        if ids.len() > READ_MAX {
            return refuse(StatusCode::BAD_REQUEST, &[too_many()]);
        }
        if let Some(error) = self.no_column(&table.schema, fields.iter()) {
            return refuse(StatusCode::BAD_REQUEST, &[error]);
        }
        let view = match View::new(&table.schema, Some(&fields), path) {
            Ok(view) => view,
            Err(errors) => return refuse(StatusCode::BAD_REQUEST, &errors),
        };
        let rows: Vec<Option<Shown<'_>>> = ids
            .iter()
            .map(|id| table.get(id).map(|record| view.of(record)))
            .collect();
        answer(StatusCode::OK, &rows)
    }
}

/// What was done to a record is not done any more, since others failed; those keep their own errors.
pub(super) fn rolled_back(outcome: Outcome) -> Outcome {
    outcome.and_then(|_| {
        let text = "Record rolled back because not all records were valid and the request was using AllOrNone header";
        Err(vec![ApiError::new(
            "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            text,
        )])
    })
}

fn records(request: &Request<Bytes>) -> Result<(bool, Vec<Map<String, Value>>), ApiError> {
    let mut body = body(request).map_err(|mut errors| errors.pop().unwrap_or_else(too_many))?;
    let Some(Value::Array(records)) = body.remove("records") else {
        return Err(ApiError::new("JSON_PARSER_ERROR", "records is missing"));
    };
    if records.len() > RECORDS_MAX {
        return Err(too_many());
    }
    let all_or_none = body
        .get("allOrNone")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    let records: Option<Vec<Map<String, Value>>> = records
        .into_iter()
        .map(|record| match record {
            Value::Object(record) => Some(record),
            _ => None,
        })
        .collect();
    records
        .map(|records| (all_or_none, records))
        .ok_or_else(|| ApiError::new("JSON_PARSER_ERROR", "a record is not an object"))
}

/// Is the record of this object?
pub(super) fn is_a(record: &Map<String, Value>, object: &str) -> bool {
    record.get("attributes").and_then(|of| of.get("type")) == Some(&Value::from(object))
}

fn object_of(record: &Map<String, Value>) -> Result<String, Vec<ApiError>> {
    let object = record
        .get("attributes")
        .and_then(|attributes| attributes.get("type"))
        .and_then(Value::as_str);
    object
        .map(str::to_owned)
        .ok_or_else(|| vec![ApiError::new("INVALID_FIELD", "attributes.type is missing")])
}

fn result(outcome: &Outcome, upsert: bool) -> Value {
    match outcome {
        Ok(done) => {
            let mut result = json!({ "id": done.id(), "success": true, "errors": [] });
            if upsert {
                result["created"] = Value::Bool(matches!(done, Done::Created(_)));
            }
            result
        }
        Err(errors) => {
            let errors: Vec<Value> = errors.iter().map(ApiError::in_result).collect();
            json!({ "success": false, "errors": errors })
        }
    }
}

fn too_many() -> ApiError {
    ApiError::new(
        "EXCEEDED_ID_LIMIT",
        "record limit reached. cannot submit more than 200 records into this call",
    )
}

fn split(list: Option<String>) -> Vec<String> {
    list.unwrap_or_default()
        .split(',')
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .collect()
}

fn texts(list: Option<&Value>) -> Vec<String> {
    list.and_then(Value::as_array)
        .map(|list| {
            list.iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        })
        .unwrap_or_default()
}
