//! What became of each graph: its ids, or who is to blame.

use std::collections::HashMap;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::{Graph, GraphCall, Node, Target, Write};
use crate::retry::Verdict;
use crate::salesforce::error::{self, CallError, SalesforceError};
use crate::salesforce::id;

/// The ids of all nodes in their order, or why there is none of them.
pub type GraphResult = Result<Vec<String>, GraphFailure>;

/// Why nothing of a graph was written: for each node, in their order, what Salesforce says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphFailure(Vec<Vec<SalesforceError>>);

impl GraphFailure {
    /// The nodes that are to blame. None when nobody is: the graph was not tried, as too many others of its call failed.
    pub fn culprits(&self) -> impl Iterator<Item = usize> {
        (0..self.0.len()).filter(|node| self.verdict(*node) != Verdict::Innocent)
    }

    /// What Salesforce has against a node, or that it was taken back with the others.
    pub fn errors(&self, node: usize) -> &[SalesforceError] {
        self.0.get(node).map_or(&[], Vec::as_slice)
    }

    /// What happens to a node's record: by the retry table to a culprit; the others go again without being charged.
    /// Beside a culprit that will not be written they have to go without it.
    pub fn verdict(&self, node: usize) -> Verdict {
        let verdicts = self.errors(node).iter().map(SalesforceError::verdict);
        verdicts
            .into_iter()
            .find(|verdict| *verdict != Verdict::Innocent)
            .unwrap_or(Verdict::Innocent)
    }
}

#[derive(Deserialize)]
struct RawAnswer {
    graphs: Vec<RawGraph>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawGraph {
    graph_id: String,
    graph_response: Option<RawNodes>,
    is_successful: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct RawNodes {
    composite_response: Vec<RawNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawNode {
    reference_id: String,
    http_status_code: u16,
    body: Option<Value>,
}

/// The answer to a call, one result a graph.
pub(super) fn read(
    answer: &Response<Bytes>,
    call: &GraphCall<'_>,
) -> Result<Vec<GraphResult>, CallError> {
    let raw: RawAnswer = error::json(answer)?;
    let unexpected = |number: usize, reason: &str| CallError::Answer {
        status: answer.status().as_u16(),
        reason: format!("graph {number}: {reason}"),
    };
    let mut raw: HashMap<String, RawGraph> = raw
        .graphs
        .into_iter()
        .map(|graph| (graph.graph_id.clone(), graph))
        .collect();
    let graphs = call.graphs().iter().enumerate();
    graphs
        .map(|(number, graph)| {
            let raw = raw
                .remove(&number.to_string())
                .ok_or_else(|| unexpected(number, "it is not there"))?;
            result(graph, raw).map_err(|reason| unexpected(number, &reason))
        })
        .collect()
}

/// What became of one graph; or what is wrong with the answer, which then may hide that it was written.
fn result(graph: &Graph, raw: RawGraph) -> Result<GraphResult, String> {
    let nodes = raw.graph_response.unwrap_or_default().composite_response;
    let nodes: HashMap<&str, &RawNode> = nodes
        .iter()
        .map(|node| (node.reference_id.as_str(), node))
        .collect();
    if raw.is_successful {
        return ids(graph.nodes(), &nodes).map(Ok);
    }
    let errors = |node: &Node| match nodes.get(node.reference.as_str()) {
        Some(raw) => errors(raw),
        None => Vec::new(),
    };
    let errors: Vec<Vec<SalesforceError>> = graph.nodes().iter().map(errors).collect();
    match errors.iter().all(Vec::is_empty) {
        true => Err("it failed, and no node says why".to_owned()),
        false => Ok(Err(GraphFailure(errors))),
    }
}

/// A changed record is known by what was asked for; its answer has no body.
fn ids(nodes: &[Node], raw: &HashMap<&str, &RawNode>) -> Result<Vec<String>, String> {
    let mut known: HashMap<&str, String> = HashMap::new();
    let mut ids = Vec::with_capacity(nodes.len());
    for node in nodes {
        let reference = node.reference.as_str();
        let said = raw.get(reference).filter(|raw| is_success(raw));
        let body = said
            .ok_or_else(|| format!("it was written, but node `{reference}` does not say so"))?
            .body
            .as_ref();
        let id = match &node.write {
            Write::Update(Target::Id(id)) => Some(id::normalise(id)),
            Write::Update(Target::Node(node)) => known.get(node.as_str()).cloned(),
            Write::Create | Write::Upsert { .. } => body
                .and_then(|body| body.get("id")?.as_str())
                .map(id::normalise),
        };
        let id = id.ok_or_else(|| format!("node `{reference}` has no id"))?;
        known.insert(reference, id.clone());
        ids.push(id);
    }
    Ok(ids)
}

fn is_success(raw: &RawNode) -> bool {
    (200..300).contains(&raw.http_status_code)
}

/// `[{"errorCode","message"}]`, one of them alone, a record's `{"success":false,"errors":[..]}`, or no more than a status.
fn errors(raw: &RawNode) -> Vec<SalesforceError> {
    if is_success(raw) {
        return Vec::new();
    }
    let of_record = raw.body.as_ref().and_then(|body| body.get("errors"));
    match of_record.or(raw.body.as_ref()) {
        Some(Value::Array(errors)) if !errors.is_empty() => {
            errors.iter().map(error::parse_one).collect()
        }
        Some(error @ Value::Object(_)) => vec![error::parse_one(error)],
        _ => {
            let status = StatusCode::from_u16(raw.http_status_code);
            let status = status.unwrap_or(StatusCode::BAD_REQUEST);
            vec![error::nothing_said(status)]
        }
    }
}
