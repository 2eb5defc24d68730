//! Composite Graph: each graph is all or nothing, and a node may name what earlier ones of its graph answered.

mod limits;
mod reference;

use std::collections::HashMap;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{ApiError, answer, refuse};
use super::{Org, not_found, versioned};
use crate::faults::Effect;

/// So many graphs may fail; after one more the rest of the call is not tried.
const FAILED_MAX: usize = 14;

/// All versions have two digits.
const SINCE: &str = "v50.0";

const ROLLED_BACK: &str =
    "The transaction was rolled back since another operation in the same transaction failed.";

#[derive(Deserialize)]
struct Payload {
    graphs: Vec<Graph>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Graph {
    graph_id: String,
    composite_request: Vec<Node>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    method: String,
    url: String,
    reference_id: String,
    #[serde(default)]
    body: Value,
}

/// A node's answer.
struct Said {
    status: StatusCode,
    body: Value,
}

/// A node that failed: which, and how.
type Culprit = (usize, Said);

impl Org {
    pub(super) fn graphs(&mut self, request: &Request<Bytes>, effect: &Effect) -> Response<Bytes> {
        if request.uri().path().split('/').nth(3) < Some(SINCE) {
            return not_found();
        }
        let graphs = match serde_json::from_slice::<Payload>(request.body()) {
            Ok(payload) => payload.graphs,
            Err(error) => {
                let error = ApiError::new("JSON_PARSER_ERROR", error.to_string());
                return refuse(StatusCode::BAD_REQUEST, &[error]);
            }
        };
        if let Some(objection) = limits::objection(&graphs) {
            return refuse(StatusCode::BAD_REQUEST, &[objection]);
        }
        let mut failed = 0;
        let mut answers = Vec::with_capacity(graphs.len());
        for graph in &graphs {
            let said = match failed > FAILED_MAX {
                true => Err(halted(graph, "Too many graphs of the request failed.")),
                false => self.graph(graph, effect),
            };
            failed += usize::from(said.is_err());
            answers.push(shown(graph, said));
        }
        answer(StatusCode::OK, &json!({ "graphs": answers }))
    }

    fn graph(&mut self, graph: &Graph, effect: &Effect) -> Result<Vec<Said>, Vec<Said>> {
        let done = self.all_or_nothing(|org| org.nodes(graph, effect));
        done.map_err(|(culprit, said)| {
            let mut all = halted(graph, ROLLED_BACK);
            if let Some(place) = all.get_mut(culprit) {
                *place = said;
            }
            all
        })
    }

    /// One node after the other; the first that fails is the end.
    fn nodes(&mut self, graph: &Graph, effect: &Effect) -> Result<Vec<Said>, Culprit> {
        let mut known: HashMap<&str, Value> = HashMap::new();
        let mut all = Vec::with_capacity(graph.composite_request.len());
        for (place, node) in graph.composite_request.iter().enumerate() {
            let said = self.node(node, &known, effect);
            if !said.status.is_success() {
                return Err((place, said));
            }
            known.insert(&node.reference_id, said.body.clone());
            all.push(said);
        }
        Ok(all)
    }

    fn node(&mut self, node: &Node, known: &HashMap<&str, Value>, effect: &Effect) -> Said {
        let resolved = reference::text(&node.url, known)
            .and_then(|url| Ok((url, reference::value(&node.body, known)?)));
        let (url, body) = match resolved {
            Ok(resolved) => resolved,
            Err(error) => return Said::refusal(StatusCode::BAD_REQUEST, &[error]),
        };
        let request = Request::builder()
            .method(node.method.as_str())
            .uri(&url)
            .body(Bytes::from(body.to_string()));
        match request {
            Ok(request) if is_node(&request) => {
                let path = request.uri().path().trim_end_matches('/').to_owned();
                Said::of(&self.route(&request, &path, effect))
            }
            _ => {
                let text = "The requested resource does not exist";
                Said::refusal(StatusCode::NOT_FOUND, &[ApiError::new("NOT_FOUND", text)])
            }
        }
    }
}

/// Only records can be nodes: created, or found by id or by an external id.
fn is_node(request: &Request<Bytes>) -> bool {
    let rest = versioned(request.uri().path()).unwrap_or_default();
    let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["sobjects", _] => request.method() == Method::POST,
        ["sobjects", _, "describe"] => false,
        ["sobjects", _, _] => request.method() != Method::POST,
        ["sobjects", _, _, _] => true,
        _ => false,
    }
}

impl Said {
    fn of(response: &Response<Bytes>) -> Said {
        Said {
            status: response.status(),
            body: serde_json::from_slice(response.body()).unwrap_or(Value::Null),
        }
    }

    fn refusal(status: StatusCode, errors: &[ApiError]) -> Said {
        Said {
            status,
            body: ApiError::list(errors),
        }
    }
}

/// What every node says that was taken back, or never tried.
fn halted(graph: &Graph, why: &str) -> Vec<Said> {
    let error = ApiError::new("PROCESSING_HALTED", why);
    let each = graph.composite_request.iter();
    each.map(|_| Said::refusal(StatusCode::BAD_REQUEST, std::slice::from_ref(&error)))
        .collect()
}

fn shown(graph: &Graph, said: Result<Vec<Said>, Vec<Said>>) -> Value {
    let successful = said.is_ok();
    let said = said.unwrap_or_else(|failed| failed);
    let nodes = graph.composite_request.iter().zip(said);
    let nodes: Vec<Value> = nodes
        .map(|(node, said)| {
            let mut headers = json!({});
            if let (StatusCode::CREATED, Some(id)) = (said.status, said.body["id"].as_str()) {
                // By external id the record's own address is not the node's.
                let object = node.url.split('/').nth(5).unwrap_or_default();
                let base = node.url.split("/sobjects").next().unwrap_or_default();
                headers["Location"] = json!(format!("{base}/sobjects/{object}/{id}"));
            }
            json!({ "body": said.body, "httpHeaders": headers, "httpStatusCode": said.status.as_u16(), "referenceId": node.reference_id })
        })
        .collect();
    json!({ "graphId": graph.graph_id, "graphResponse": { "compositeResponse": nodes }, "isSuccessful": successful })
}
