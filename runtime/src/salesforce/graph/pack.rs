//! Graphs into calls: as few as fit, none over a limit.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Graph, KINDS_MAX, Kind, NODES_MAX, Node};

/// Graphs that one call may have.
pub const GRAPHS_MAX: usize = 75;

/// What goes in one call.
#[derive(Debug, Clone, Default)]
pub struct GraphCall<'a> {
    graphs: Vec<&'a Graph>,
    places: Vec<usize>,
    nodes: usize,
    kinds: BTreeSet<&'a Kind>,
}

/// Each graph in the first call that has room for it.
///
/// Salesforce does no more graphs of a call once 15 of it have failed; those come back as innocent, to go again.
pub fn packed(graphs: &[Graph]) -> Vec<GraphCall<'_>> {
    let mut calls: Vec<GraphCall<'_>> = Vec::new();
    for (place, graph) in graphs.iter().enumerate() {
        match calls.iter_mut().find(|call| call.takes(graph)) {
            Some(call) => call.add(place, graph),
            None => {
                let mut call = GraphCall::default();
                call.add(place, graph);
                calls.push(call);
            }
        }
    }
    calls
}

impl<'a> GraphCall<'a> {
    pub fn graphs(&self) -> &[&'a Graph] {
        &self.graphs
    }

    /// Where each of its graphs stood among those that were packed.
    pub fn places(&self) -> &[usize] {
        &self.places
    }

    /// Divides the call in two. A call of one graph stays as it is.
    pub fn halves(mut self) -> Vec<GraphCall<'a>> {
        let half = self.graphs.len() / 2;
        if half == 0 {
            return vec![self];
        }
        let second = GraphCall {
            graphs: self.graphs.split_off(half),
            places: self.places.split_off(half),
            nodes: self.nodes,
            kinds: self.kinds.clone(),
        };
        vec![self, second]
    }

    fn takes(&self, graph: &Graph) -> bool {
        let new = graph.kinds.iter().filter(|kind| !self.kinds.contains(kind));
        self.graphs.len() < GRAPHS_MAX
            && self.nodes + graph.nodes.len() <= NODES_MAX
            && self.kinds.len() + new.count() <= KINDS_MAX
    }

    fn add(&mut self, place: usize, graph: &'a Graph) {
        self.places.push(place);
        self.nodes += graph.nodes.len();
        self.kinds.extend(&graph.kinds);
        self.graphs.push(graph);
    }

    /// The call's body. A graph's id is its number in the call.
    pub(super) fn body(&self, base: &str) -> Value {
        let graphs = self.graphs.iter().enumerate().map(|(number, graph)| {
            let nodes = graph.nodes.iter().map(|node: &Node| node.request(base));
            json!({ "graphId": number.to_string(), "compositeRequest": nodes.collect::<Vec<_>>() })
        });
        json!({ "graphs": graphs.collect::<Vec<_>>() })
    }
}
