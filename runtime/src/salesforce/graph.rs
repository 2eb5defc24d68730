//! Composite Graph: records that belong together, as a parent and its children, written all or not at all.
//!
//! A [`Graph`] is refused when it is made if Salesforce would refuse it; [`packed`] fills calls with graphs up to the
//! limits; the answer tells for each graph the ids, or who is to blame. One call counts as one, whatever it holds.
//!
//! Facts: <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_graph_limits.htm>.

mod answer;
mod pack;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value, json};

pub use answer::{GraphFailure, GraphResult};
pub use pack::{GRAPHS_MAX, GraphCall, packed};

use super::error::CallError;
use super::{SalesforceClient, percent_encoded};

/// Nodes that one graph may have, and one call.
pub const NODES_MAX: usize = 500;

/// Nodes on the longest way from one that hangs on none, both ends counted.
pub const DEPTH_MAX: usize = 15;

/// Different nodes that one call may have: those that differ by method or by object.
pub const KINDS_MAX: usize = 15;

/// One record of a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its name in the graph: letters, digits and underscores.
    pub reference: String,
    pub object: String,
    pub write: Write,
    pub fields: Map<String, Value>,
    /// Fields that hold the id of an earlier node: the field, and that node's reference.
    pub parents: Vec<(String, String)>,
}

/// What is done with a node's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    Create,
    /// The record whose external id this is is changed, or made; `fields` must not hold that field.
    Upsert {
        field: String,
        value: String,
    },
    Update(Target),
}

/// Which record is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Id(String),
    /// The record of an earlier node: what has to be changed again when its children are there.
    Node(String),
}

/// Why a graph cannot be written as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    #[error("a graph without nodes cannot be written: leave it out")]
    Empty,
    #[error(
        "the graph of `{root}` has {nodes} nodes, Salesforce takes {NODES_MAX}: write its children by Collections"
    )]
    TooManyNodes { root: String, nodes: usize },
    #[error(
        "node `{reference}` is {depth} deep, Salesforce takes {DEPTH_MAX}: write what is deeper by a call of its own"
    )]
    TooDeep { reference: String, depth: usize },
    #[error(
        "the graph of `{root}` has {kinds} kinds of nodes, Salesforce takes {KINDS_MAX}: split it by object"
    )]
    TooManyKinds { root: String, kinds: usize },
    #[error("`{reference}` cannot name a node: use letters, digits and underscores")]
    Name { reference: String },
    #[error("two nodes are named `{reference}`: give one another name")]
    Twice { reference: String },
    #[error(
        "node `{reference}` hangs on `{parent}`, which is not before it: put parents before their children"
    )]
    NotBefore { reference: String, parent: String },
    /// Salesforce would put another record's value there. It has no way to say that a text is only a text.
    #[error(
        "the value of {field} in node `{reference}` reads like a reference (`@{{`): write the record by Collections"
    )]
    LooksLikeReference { reference: String, field: String },
}

/// Nodes that Salesforce takes as one graph, parents before their children.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    nodes: Vec<Node>,
    kinds: BTreeSet<Kind>,
}

/// What makes nodes different: method and object. All nodes have our version.
type Kind = (&'static str, String);

impl Graph {
    /// # Errors
    /// When Salesforce would not take the nodes, alone in a call, or not as they are meant.
    pub fn new(nodes: Vec<Node>) -> Result<Graph, GraphError> {
        let root = nodes.first().ok_or(GraphError::Empty)?.reference.clone();
        if nodes.len() > NODES_MAX {
            let nodes = nodes.len();
            return Err(GraphError::TooManyNodes { root, nodes });
        }
        let kinds: BTreeSet<Kind> = nodes.iter().map(Node::kind).collect();
        if kinds.len() > KINDS_MAX {
            let kinds = kinds.len();
            return Err(GraphError::TooManyKinds { root, kinds });
        }
        let mut depths = HashMap::new();
        for node in &nodes {
            node.check()?;
            let depth = node.depth(&depths)?;
            if depths.insert(node.reference.as_str(), depth).is_some() {
                let reference = node.reference.clone();
                return Err(GraphError::Twice { reference });
            }
        }
        Ok(Graph { nodes, kinds })
    }

    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }
}

impl Node {
    fn kind(&self) -> Kind {
        (self.method(), self.object.to_ascii_lowercase())
    }

    fn method(&self) -> &'static str {
        match self.write {
            Write::Create => "POST",
            Write::Upsert { .. } | Write::Update(_) => "PATCH",
        }
    }

    fn check(&self) -> Result<(), GraphError> {
        let reference = self.reference.clone();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if reference.is_empty() || !reference.bytes().all(plain) {
            return Err(GraphError::Name { reference });
        }
        match self
            .fields
            .iter()
            .find(|(_, value)| reads_like_reference(value))
        {
            Some((field, _)) => Err(GraphError::LooksLikeReference {
                reference,
                field: field.clone(),
            }),
            None => Ok(()),
        }
    }

    /// The references of the nodes that it hangs on.
    fn hangs_on(&self) -> impl Iterator<Item = &str> {
        let changed = match &self.write {
            Write::Update(Target::Node(node)) => Some(node.as_str()),
            _ => None,
        };
        let parents = self.parents.iter().map(|(_, parent)| parent.as_str());
        parents.chain(changed)
    }

    /// One more than the deepest node that it hangs on.
    fn depth(&self, depths: &HashMap<&str, usize>) -> Result<usize, GraphError> {
        let mut depth = 1;
        for parent in self.hangs_on() {
            let above = depths.get(parent).ok_or_else(|| GraphError::NotBefore {
                reference: self.reference.clone(),
                parent: parent.to_owned(),
            })?;
            depth = depth.max(above + 1);
        }
        if depth > DEPTH_MAX {
            let reference = self.reference.clone();
            return Err(GraphError::TooDeep { reference, depth });
        }
        Ok(depth)
    }

    /// The subrequest, `base` being `/services/data/vXX.X`.
    fn request(&self, base: &str) -> Value {
        let object = &self.object;
        let url = match &self.write {
            Write::Create => format!("{base}/sobjects/{object}"),
            Write::Upsert { field, value } => {
                format!(
                    "{base}/sobjects/{object}/{field}/{}",
                    percent_encoded(value)
                )
            }
            Write::Update(Target::Id(id)) => format!("{base}/sobjects/{object}/{id}"),
            Write::Update(Target::Node(node)) => {
                format!("{base}/sobjects/{object}/{}", id_of(node))
            }
        };
        let mut body = self.fields.clone();
        for (field, parent) in &self.parents {
            body.insert(field.clone(), Value::from(id_of(parent)));
        }
        json!({ "method": self.method(), "url": url, "referenceId": self.reference, "body": body })
    }
}

/// What Salesforce replaces by the id of an earlier node.
fn id_of(reference: &str) -> String {
    format!("@{{{reference}.id}}")
}

fn reads_like_reference(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("@{"),
        Value::Array(values) => values.iter().any(reads_like_reference),
        Value::Object(members) => members.values().any(reads_like_reference),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

impl SalesforceClient {
    /// Writes the graphs of one call, each all or not at all; gives what became of each, in their order.
    ///
    /// # Errors
    /// When the call as a whole gave no results; [`CallError::may_have_committed`] says whether graphs may be written.
    pub async fn write_graphs(&self, call: &GraphCall<'_>) -> Result<Vec<GraphResult>, CallError> {
        let base = format!("/services/data/{}", self.shared.config.api_version);
        let body = Bytes::from(call.body(&base).to_string());
        let answer = self
            .call(Method::POST, "/composite/graph", Some(body))
            .await?;
        answer::read(&answer, call)
    }
}
