//! What a payload of graphs may hold. Which code Salesforce has for each is not published: LIMIT_EXCEEDED is a guess.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Graph, Node, reference};
use crate::salesforce::error::ApiError;

const GRAPHS_MAX: usize = 75;
/// In one graph, and in all of them.
const NODES_MAX: usize = 500;
const DEPTH_MAX: usize = 15;
const DIFFERENT_MAX: usize = 15;

/// What Salesforce has against the payload as a whole.
pub(super) fn objection(graphs: &[Graph]) -> Option<ApiError> {
    let nodes = || graphs.iter().flat_map(|graph| &graph.composite_request);
    let different: BTreeSet<String> = nodes().map(kind).collect();
    let counted = [
        ("graphs", graphs.len(), GRAPHS_MAX),
        ("nodes", nodes().count(), NODES_MAX),
        ("different nodes", different.len(), DIFFERENT_MAX),
    ];
    let over = counted.into_iter().find(|(_, count, most)| count > most);
    if let Some((what, count, most)) = over {
        return Some(exceeded(&format!("{count} {what}"), most));
    }
    let mut ids = HashSet::new();
    if let Some(twice) = graphs.iter().find(|graph| !ids.insert(&graph.graph_id)) {
        return Some(invalid(&format!(
            "graphId {} is not unique",
            twice.graph_id
        )));
    }
    graphs.iter().find_map(of_one)
}

fn of_one(graph: &Graph) -> Option<ApiError> {
    let mut depths: HashMap<&str, usize> = HashMap::new();
    for node in &graph.composite_request {
        let name = node.reference_id.as_str();
        let legal = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if name.is_empty() || !name.chars().all(legal) {
            return Some(invalid(&format!(
                "referenceId {name} has illegal characters"
            )));
        }
        let mut texts = reference::names(&node.url);
        texts.extend(reference::names(&node.body.to_string()));
        let above = texts.iter().filter_map(|name| depths.get(name.as_str()));
        let depth = above.max().copied().unwrap_or_default() + 1;
        if depth > DEPTH_MAX {
            return Some(exceeded(&format!("depth {depth}"), DEPTH_MAX));
        }
        if depths.insert(name, depth).is_some() {
            return Some(invalid(&format!("referenceId {name} is not unique")));
        }
    }
    None
}

/// Version, method and object.
fn kind(node: &Node) -> String {
    let part = |number: usize| node.url.split('/').nth(number).unwrap_or_default();
    format!("{} {} {}", part(3), node.method, part(5).to_lowercase())
}

fn exceeded(what: &str, most: usize) -> ApiError {
    let text = format!("Composite graph limit exceeded: {what}, at most {most}");
    ApiError::new("LIMIT_EXCEEDED", text)
}

fn invalid(text: &str) -> ApiError {
    ApiError::new("INVALID_INPUT", text)
}
