//! The org: its tables, its sessions, its limits, and the router of its REST API.

mod automation;
mod bulk;
mod cell;
mod collections;
mod daily_calls;
mod describe;
mod duplicates;
pub(crate) mod error;
mod graph;
mod lines;
mod merge;
mod npsp;
mod opportunities;
mod organization;
mod prices;
mod query;
mod record_types;
mod rest;
mod roles;
mod shown;
mod soql;
mod table;
mod together;
mod token;
mod validate;
mod values;
mod whole_call;
mod write;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::faults::Effect;
use crate::schema::Object;
use crate::write_log::{WriteLog, request_id};
use daily_calls::DailyCalls;
use error::{ApiError, answer, refuse};
use table::Table;

/// The API versions that the org speaks.
const VERSIONS: std::ops::RangeInclusive<u32> = 40..=68;

pub(crate) struct Org {
    tables: BTreeMap<String, Table>,
    npsp: bool,
    tokens: HashSet<String>,
    tokens_made: u64,
    calls: DailyCalls,
    /// Count of all calls, which numbers the entries of the log.
    call_number: u64,
    daily_limit: u64,
    pub(crate) log: WriteLog,
    /// The caller's name for the call that is being answered.
    request_id: Option<String>,
    cursors: query::Cursors,
    /// The latest time stamp, which never goes back.
    now_ms: i64,
    clock: crate::Clock,
    rewrites: Vec<(String, String, Rewrite)>,
    /// Unique fields take a value twice.
    pub(crate) allows_doubles: bool,
    /// The org's duplicate rule for contacts is active.
    pub(crate) duplicate_rule: bool,
    /// The call that is being answered wants to save what the duplicate rule finds.
    saves_duplicates: bool,
    bulk: bulk::Bulk,
    /// Households whose members or their names are others, in the transaction that goes on.
    touched: BTreeSet<String>,
    /// What NPSP does later.
    pub(crate) jobs: Vec<npsp::Job>,
    /// Objects and fields that the user of the call being answered does not see.
    hidden: Vec<(String, String)>,
}

/// What a trigger makes of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Rewrite {
    Upper,
    Value(Value),
}

impl Org {
    pub(crate) fn new(
        schemas: BTreeMap<String, Object>,
        record_types: &[crate::schema::RecordType],
        npsp: bool,
        daily_limit: u64,
        clock: crate::Clock,
        log: WriteLog,
    ) -> Self {
        let mut org = Org {
            tables: schemas
                .into_iter()
                .map(|(name, object)| (name, Table::new(object)))
                .collect(),
            npsp,
            tokens: HashSet::new(),
            tokens_made: 0,
            calls: DailyCalls::default(),
            call_number: 0,
            daily_limit,
            log,
            request_id: None,
            cursors: query::Cursors::default(),
            now_ms: 0,
            clock,
            rewrites: Vec::new(),
            allows_doubles: false,
            duplicate_rule: false,
            saves_duplicates: false,
            bulk: bulk::Bulk::default(),
            touched: BTreeSet::new(),
            jobs: Vec::new(),
            hidden: Vec::new(),
        };
        org.open_record_types(record_types);
        org.open_organization(true);
        org.open_standard_price_book();
        org
    }

    pub(crate) fn records(&self, object: &str) -> Vec<Map<String, Value>> {
        self.tables
            .get(object)
            .map(|table| table.live().cloned().collect())
            .unwrap_or_default()
    }

    pub(crate) fn clock_ms(&self) -> i64 {
        (self.clock.0)()
    }

    /// Calls of the last 24 hours, which count against the limit.
    pub(crate) fn calls_of_the_day(&self) -> u64 {
        self.calls.used(self.clock_ms())
    }

    pub(crate) fn count_call(&mut self) {
        self.calls.add((self.clock.0)());
        self.call_number += 1;
    }

    pub(crate) fn set_calls_of_the_day(&mut self, used: u64) {
        self.calls.set(used, (self.clock.0)());
    }

    pub(crate) fn add_rewrite(&mut self, object: &str, field: &str, rewrite: Rewrite) {
        self.rewrites
            .push((object.to_owned(), field.to_owned(), rewrite));
    }

    /// Ends all sessions. The locators of their queries end with them (reported by users of Airbyte, issue 84302).
    pub(crate) fn expire_sessions(&mut self) {
        self.tokens.clear();
        self.close_cursors();
    }

    pub(crate) fn close_cursors(&mut self) {
        self.cursors.clear();
    }

    /// One request to the org.
    pub(crate) fn handle(
        &mut self,
        request: &Request<Bytes>,
        effect: &Effect,
        address: &str,
    ) -> Response<Bytes> {
        let path = request.uri().path().trim_end_matches('/').to_owned();
        if path == "/services/oauth2/token" {
            return self.token(request, address);
        }
        if path == "/services/data" {
            return versions();
        }
        if request.uri().to_string().len() > 16_384 {
            return refuse(
                StatusCode::URI_TOO_LONG,
                &[ApiError::new("URI_TOO_LONG", "URI Too Long")],
            );
        }
        if !self.has_session(request) {
            let expired = ApiError::new("INVALID_SESSION_ID", "Session expired or invalid");
            return refuse(StatusCode::UNAUTHORIZED, &[expired]);
        }
        if effect.limit_exceeded || self.calls_of_the_day() >= self.daily_limit {
            let text = if effect.limit_exceeded {
                "ConcurrentRequests Limit exceeded."
            } else {
                "TotalRequests Limit exceeded."
            };
            return self.with_usage(refuse(
                StatusCode::FORBIDDEN,
                &[ApiError::new("REQUEST_LIMIT_EXCEEDED", text)],
            ));
        }
        self.count_call();
        self.request_id = request_id(request);
        self.hidden.clone_from(&effect.hidden);
        self.saves_duplicates = duplicates::wants_to_save(request);
        let response = self.route(request, &path, effect);
        self.end_of_transaction();
        self.with_usage(response)
    }

    fn route(&mut self, request: &Request<Bytes>, path: &str, effect: &Effect) -> Response<Bytes> {
        let Some(rest) = versioned(path) else {
            return not_found();
        };
        let parts: Vec<String> = rest
            .split('/')
            .filter(|part| !part.is_empty())
            .map(decoded)
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let method = request.method();
        match parts.as_slice() {
            [] => answer(
                StatusCode::OK,
                &json!({ "sobjects": format!("{path}/sobjects"), "query": format!("{path}/query"), "limits": format!("{path}/limits") }),
            ),
            ["limits"] => self.limits(),
            ["query" | "queryAll"] => {
                self.query(request, parts.first() == Some(&"queryAll"), path, effect)
            }
            ["query" | "queryAll", place] => self.query_more(place, request, effect),
            ["sobjects"] => self.describe_global(path),
            ["sobjects", object, "describe"] => self.describe(object, path),
            ["sobjects", object] if method == Method::POST => {
                self.rest_create(object, request, effect)
            }
            ["sobjects", object] if method == Method::GET => self.describe(object, path),
            ["sobjects", object, id] => self.rest_by_id(object, id, request, effect, path),
            ["sobjects", object, field, value] => {
                self.rest_by_external_id(object, field, value, request, effect, path)
            }
            ["composite", "graph"] if method == Method::POST => self.graphs(request, effect),
            ["composite", "sobjects"] => self.collections(request, effect),
            ["composite", "sobjects", object] => self.collections_read(object, request, path),
            ["composite", "sobjects", object, field] if method == Method::PATCH => {
                self.collections_upsert(object, field, request, effect)
            }
            _ => not_found(),
        }
    }

    fn limits(&self) -> Response<Bytes> {
        let remaining = self.daily_limit.saturating_sub(self.calls_of_the_day());
        answer(
            StatusCode::OK,
            &json!({ "DailyApiRequests": { "Max": self.daily_limit, "Remaining": remaining } }),
        )
    }

    fn with_usage(&self, mut response: Response<Bytes>) -> Response<Bytes> {
        let usage = format!("api-usage={}/{}", self.calls_of_the_day(), self.daily_limit);
        if let Ok(value) = http::HeaderValue::from_str(&usage) {
            response.headers_mut().insert("sforce-limit-info", value);
        }
        response
    }

    /// The table of an object, by its name in any case.
    fn table(&self, object: &str) -> Option<&Table> {
        self.tables.get(object).or_else(|| {
            self.tables
                .values()
                .find(|table| table.schema.name.eq_ignore_ascii_case(object))
        })
    }

    fn table_mut(&mut self, object: &str) -> Option<&mut Table> {
        self.tables
            .values_mut()
            .find(|table| table.schema.name.eq_ignore_ascii_case(object))
    }

    /// The time of a write: now, and never the same as or before the one of the write before.
    fn tick(&mut self) -> String {
        let now = self.clock_ms();
        self.now_ms = now.max(self.now_ms);
        stamp(self.now_ms)
    }
}

/// `2026-11-24T15:41:49.000+0000`, whole seconds as SystemModstamp has them.
fn stamp(ms: i64) -> String {
    let seconds = jiff::Timestamp::from_second(ms / 1000).unwrap_or_default();
    seconds.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string()
}

/// What follows `/services/data/vXX.0`.
fn versioned(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/services/data/v")?;
    let (version, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let number: u32 = version.strip_suffix(".0")?.parse().ok()?;
    VERSIONS.contains(&number).then_some(rest)
}

fn versions() -> Response<Bytes> {
    let versions: Vec<Value> = VERSIONS
        .map(|number| json!({ "version": format!("{number}.0"), "url": format!("/services/data/v{number}.0"), "label": format!("Release {number}") }))
        .collect();
    answer(StatusCode::OK, &Value::Array(versions))
}

fn not_found() -> Response<Bytes> {
    refuse(
        StatusCode::NOT_FOUND,
        &[ApiError::new(
            "NOT_FOUND",
            "The requested resource does not exist",
        )],
    )
}

/// `%41` is `A`, and `+` is a space in a query.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = (*first == b'%')
            .then(|| after.get(..2).and_then(|two| std::str::from_utf8(two).ok()))
            .flatten()
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        match hex {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The value of a parameter of the URL's query, or of a form.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then(|| decoded(&value.replace('+', " ")))
    })
}
