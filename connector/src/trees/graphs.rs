//! New trees as Composite Graphs: each is written as a whole or not at all, many in one call.

use std::collections::VecDeque;

use runtime::entity::Entity;
use runtime::mapping::MappingDescriptor;
use runtime::queue::Outcome;
use runtime::salesforce::CallError;
use runtime::salesforce::graph::{self, Graph, GraphFailure, GraphResult, Node, Target, Write};
use serde_json::Value;

use super::body::{new_body, within};
use super::wanted::is_of_root;
use super::{Tree, Wanted, Work, plan, refused_fields};
use crate::sync::TwoWaySync;
use crate::sync::calls::Sent;
use crate::sync::holds::{Admission, CREATES};

/// The name under which the size of graph calls is known.
const GRAPHS: &str = "composite graphs";

/// Which records of a tree stand for which nodes of its graph; the last node may be the root's last write.
struct Planted {
    tree: usize,
    records: Vec<usize>,
}

impl TwoWaySync {
    /// Writes every tree of which nothing is there, and which fits in a graph.
    pub(super) async fn write_graphs(&self, work: &mut Work) {
        let (mut graphs, mut planted) = (Vec::new(), Vec::new());
        for (place, tree) in work.trees.iter().enumerate() {
            let is_new = tree.goes_on() && tree.root_id.is_none() && !tree.doubt;
            // A person's words may read like a reference, and some trees are too large: those go step by step.
            if let Some((graph, of)) = is_new.then(|| graph_of(work, place, tree)).flatten() {
                graphs.push(graph);
                planted.push(of);
            }
        }
        let mut calls = VecDeque::from(graph::packed(&graphs));
        while let Some(call) = calls.pop_front() {
            let may_go = !self.is_held_back(work.root.name)
                && self.may_create(work, &planted, call.places());
            if !may_go {
                for place in call.places() {
                    let id = planted
                        .get(*place)
                        .and_then(|planted| work.trees.get(planted.tree));
                    let id = id.map(|tree| tree.id.clone()).unwrap_or_default();
                    let later = self.not_now(CREATES, &id);
                    stop_at(work, &planted, *place, &Sent::Later(later), self);
                }
                continue;
            }
            if call.places().len() > self.call_size(GRAPHS) {
                for half in call.halves().into_iter().rev() {
                    calls.push_front(half);
                }
                continue;
            }
            let written = self.salesforce.write_graphs(&call).await;
            let is_too_much = written.as_ref().is_err_and(CallError::is_too_much);
            self.note_call_size(GRAPHS, call.places().len(), is_too_much, written.is_ok());
            match written {
                Ok(results) => {
                    let landed = results.iter().any(Result::is_ok);
                    self.know_closed(work, &planted, call.places(), &results)
                        .await;
                    for (place, result) in call.places().iter().zip(results) {
                        self.note_graph(work, &planted, *place, result, landed);
                    }
                }
                // A single tree may be to blame.
                Err(error) if error.is_about_content() && call.places().len() > 1 => {
                    for half in call.halves().into_iter().rev() {
                        calls.push_front(half);
                    }
                }
                Err(error) => {
                    for place in call.places() {
                        let sent = unanswered(&error, call.places().len() == 1);
                        stop_at(work, &planted, *place, &sent, self);
                    }
                }
            }
        }
    }

    fn note_graph(
        &self,
        work: &mut Work,
        planted: &[Planted],
        place: usize,
        result: GraphResult,
        others_landed: bool,
    ) {
        let Some(planted) = planted.get(place) else {
            return;
        };
        match result {
            Ok(ids) => {
                for (record, id) in planted.records.iter().zip(ids) {
                    let Some(wanted) = work
                        .trees
                        .get(planted.tree)
                        .and_then(|tree| tree.wanted.get(*record))
                    else {
                        continue;
                    };
                    self.landed(wanted.mapping.name, true);
                    let agreed = plan::agreed(work, wanted);
                    note_written(work, (planted.tree, *record), id, agreed);
                }
            }
            Err(failure) => {
                let root = work.root;
                if let Some(tree) = work.trees.get_mut(planted.tree) {
                    self.note_failure(tree, root, planted, &failure, others_landed);
                }
            }
        }
    }

    /// Returns whether a call of new trees may go. While the org is full, one call tries.
    fn may_create(&self, work: &Work, planted: &[Planted], places: &[usize]) -> bool {
        let trees = places.iter().filter_map(|place| planted.get(*place));
        let trees = trees.filter_map(|planted| work.trees.get(planted.tree));
        let keys = trees.map(|tree| tree.id.as_str());
        self.held().is_none() && self.holds().admit(CREATES, keys, self.now_ms()) != Admission::None
    }

    /// Holds the mappings of whose objects the user may create no record at all.
    async fn know_closed(
        &self,
        work: &Work,
        planted: &[Planted],
        places: &[usize],
        results: &[GraphResult],
    ) {
        for (place, result) in places.iter().zip(results) {
            let Err(failure) = result else { continue };
            for node in failure.culprits() {
                let error = failure.errors(node).first();
                let mapping = planted.get(*place).and_then(|planted| {
                    let record = planted.records.get(node)?;
                    let tree = work.trees.get(planted.tree)?;
                    Some(tree.wanted.get(*record)?.mapping)
                });
                if let (Some(error), Some(mapping)) = (error, mapping)
                    && self.is_closed_to(mapping, error, true).await
                {
                    self.hold_for(mapping, error, None);
                }
            }
        }
    }

    /// The culprit says what happens to the tree; where nobody is to blame, it goes again.
    fn note_failure(
        &self,
        tree: &mut Tree,
        root: &MappingDescriptor,
        planted: &Planted,
        failure: &GraphFailure,
        others_landed: bool,
    ) {
        let Some(node) = failure.culprits().next() else {
            let again = self.again(0, "too many others of its call failed");
            return tree.stop(again);
        };
        let last = planted.records.len().saturating_sub(1);
        let record = planted
            .records
            .get(node.min(last))
            .copied()
            .unwrap_or_default();
        let Some(mapping) = tree.wanted.get(record).map(|wanted| wanted.mapping) else {
            return;
        };
        let errors = failure.errors(node).to_vec();
        // `steps` writes the record without the field.
        if refused_fields::leave_out(tree, root, record, &errors) {
            return;
        }
        let outcome = self.refused_record(tree, root, mapping, &errors, others_landed);
        // The others go without one that is refused for good, step by step.
        if !matches!(outcome, Outcome::Dead { .. }) || is_of_root(root, mapping) {
            tree.refuse(root, mapping, "", outcome);
        }
    }
}

fn note_written(work: &mut Work, place: (usize, usize), id: String, agreed: Box<dyn Entity>) {
    let root = work.root;
    let Some(tree) = work.trees.get_mut(place.0) else {
        return;
    };
    let Some(wanted) = tree.wanted.get_mut(place.1) else {
        return;
    };
    if is_of_root(root, wanted.mapping) {
        tree.root_id = Some(id.clone());
    }
    wanted.id = Some(id);
    let kept = plan::kept_as(root, &tree.id, wanted, agreed.as_ref());
    wanted.base = Some(agreed);
    tree.written.push(kept);
}

fn unanswered(error: &CallError, alone: bool) -> Sent {
    Sent::Unanswered {
        error: error.clone(),
        alone,
    }
}

fn stop_at(work: &mut Work, planted: &[Planted], place: usize, sent: &Sent, sync: &TwoWaySync) {
    let root = work.root;
    let tree = planted
        .get(place)
        .and_then(|planted| work.trees.get_mut(planted.tree));
    if let Some(tree) = tree {
        sync.fail(tree, root, (root, ""), sent);
    }
}

fn graph_of(work: &Work, place: usize, tree: &Tree) -> Option<(Graph, Planted)> {
    let order: Vec<usize> = work
        .members
        .iter()
        .filter(|mapping| !plan::is_fixed(mapping))
        .flat_map(|mapping| {
            let wanted = tree.wanted.iter().enumerate();
            let mine = wanted.filter(|(_, wanted)| wanted.mapping.name == mapping.name);
            mine.map(|(index, _)| index)
        })
        .collect();
    let mut nodes = Vec::with_capacity(order.len() + 1);
    for index in &order {
        nodes.push(node(work, tree, *index, tree.wanted.get(*index)?));
    }
    let closing = order.first().and_then(|index| {
        let root = tree
            .wanted
            .get(*index)
            .filter(|root| is_of_root(work.root, root.mapping))?;
        closing(work, tree, *index, root)
    });
    nodes.extend(closing);
    let graph = Graph::new(nodes).ok()?;
    let planted = Planted {
        tree: place,
        records: order,
    };
    Some((graph, planted))
}

fn name(index: usize) -> String {
    format!("r{index}")
}

fn node(work: &Work, tree: &Tree, index: usize, wanted: &Wanted) -> Node {
    let parents = within(work, tree, wanted);
    let mut fields = new_body(work, tree, wanted);
    for (field, _) in &parents {
        fields.remove(field);
    }
    Node {
        reference: name(index),
        object: wanted.mapping.object.to_owned(),
        write: Write::Create,
        fields,
        parents: parents
            .into_iter()
            .map(|(field, parent)| (field, name(parent)))
            .collect(),
    }
}

/// What is written when everything else is there.
fn closing(work: &Work, tree: &Tree, index: usize, root: &Wanted) -> Option<Node> {
    let (last, field) = plan::written_last(root.mapping)?;
    let wanted = runtime::json::value(root.record.slot(field));
    let until_then = new_body(work, tree, root).remove(last.field);
    if until_then.as_ref() == Some(&wanted) || wanted == Value::Null {
        return None;
    }
    Some(Node {
        reference: format!("{}_last", name(index)),
        object: root.mapping.object.to_owned(),
        write: Write::Update(Target::Node(name(index))),
        fields: [(last.field.to_owned(), wanted)].into_iter().collect(),
        parents: Vec::new(),
    })
}
