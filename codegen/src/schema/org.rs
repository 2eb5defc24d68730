//! `schemas/salesforce/_org.json`: facts about the org that no describe tells.
//!
//! What NPSP overwrites or computes anew, each with a sentence why, and the record types of snapshots, which leave theirs
//! out.

use std::collections::BTreeMap;

use super::salesforce::said;
use super::{RecordType, SalesforceObject};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::parse::Node;
use crate::span::Span;

/// NPSP's packages: a name that begins so, with two underscores, comes with NPSP.
const NPSP_NAMESPACES: &[&str] = &["npe01", "npe03", "npe4", "npe5", "npo02", "npsp"];

/// The facts of one org. Without a file there are none.
#[derive(Debug, Clone, Default)]
pub struct Org {
    /// NPSP is installed.
    pub npsp: bool,
    /// By object.
    pub record_types: BTreeMap<String, Vec<RecordType>>,
    /// By object and field.
    pub automation: BTreeMap<(String, String), Automation>,
}

/// What the org does to a field by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Automation {
    pub span: Span,
    pub kind: AutomationKind,
    /// It concerns only records in which this field has this value.
    pub only: Option<(String, String)>,
    /// One sentence.
    pub why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutomationKind {
    /// It may write something else after we wrote.
    Overwrites,
    /// It computes the value from other records, whatever is written.
    Recomputes,
}

/// Reads the file; what is broken in it is reported.
pub fn org(root: &Node, sink: &mut Vec<Diagnostic>) -> Org {
    let mut org = Org {
        npsp: said(root, "npsp").as_deref() == Some("true"),
        ..Org::default()
    };
    for node in list(root, "recordTypes") {
        if let Some([object, name]) = demanded(node, ["object", "developerName"], sink) {
            org.record_types
                .entry(object)
                .or_default()
                .push(RecordType {
                    span: node.span,
                    developer_name: name,
                });
        }
    }
    for (list_name, kind) in [
        ("overwrites", AutomationKind::Overwrites),
        ("recomputes", AutomationKind::Recomputes),
    ] {
        for node in list(root, list_name) {
            if let Some([object, field, why]) = demanded(node, ["object", "field", "why"], sink) {
                let automation = Automation {
                    span: node.span,
                    kind,
                    only: node.get("only").and_then(only),
                    why,
                };
                org.automation.insert((object, field), automation);
            }
        }
    }
    org
}

impl Org {
    /// What the org does to this field.
    pub fn automation(&self, object: &str, field: &str) -> Option<&Automation> {
        let key = (object.to_owned(), field.to_owned());
        self.automation.get(&key).filter(|_| self.npsp)
    }

    /// Adds to an object what the file knows of it.
    pub fn complete(&self, object: &mut SalesforceObject) {
        for field in &mut object.fields {
            field.needs_npsp |= comes_with_npsp(&field.name);
        }
        let known = self.record_types.get(&object.name);
        for record_type in known.into_iter().flatten() {
            let name = &record_type.developer_name;
            let is_there = |have: &RecordType| have.developer_name == *name;
            if !object.record_types.iter().any(is_there) {
                object.record_types.push(record_type.clone());
            }
        }
    }

    /// Facts about fields that the objects do not have: renamed, or misspelt.
    pub fn stale(&self, objects: &BTreeMap<String, SalesforceObject>, sink: &mut Vec<Diagnostic>) {
        for ((object, field), automation) in self.automation.iter().filter(|_| self.npsp) {
            let Some(object) = objects.get(object) else {
                continue;
            };
            let only = automation.only.as_ref().map(|(name, _)| name);
            for name in std::iter::once(field).chain(only) {
                if object.fields.iter().any(|known| known.name == *name) {
                    continue;
                }
                let known = object.fields.iter().map(|field| field.name.as_str());
                let help = nearest(name, known).map_or_else(
                    || "correct the name, or take the fact out".to_owned(),
                    |name| format!("did you mean `{name}`?"),
                );
                let message = format!("{} has no field `{name}`", object.name);
                let label = "a fact about nothing";
                sink.push(
                    Diagnostic::error(Code::STALE_ORG_FACT, automation.span, message, label)
                        .help(help),
                );
            }
        }
    }
}

fn comes_with_npsp(field: &str) -> bool {
    field
        .split_once("__")
        .is_some_and(|(prefix, _)| NPSP_NAMESPACES.contains(&prefix))
}

fn list<'n>(root: &'n Node, name: &str) -> &'n [Node] {
    root.get(name).map(Node::items).unwrap_or_default()
}

/// `{"npe01__SYSTEM_AccountType__c": "Household Account"}`.
fn only(node: &Node) -> Option<(String, String)> {
    match &node.value {
        crate::parse::Value::Map(entries) => {
            let entry = entries.first()?;
            Some((entry.key.value.clone(), entry.value.text()?.to_owned()))
        }
        _ => None,
    }
}

fn demanded<const N: usize>(
    node: &Node,
    names: [&str; N],
    sink: &mut Vec<Diagnostic>,
) -> Option<[String; N]> {
    let found = names.map(|name| said(node, name));
    if let Some((name, _)) = names.iter().zip(&found).find(|(_, text)| text.is_none()) {
        sink.push(
            Diagnostic::error(
                Code::BROKEN_SCHEMA,
                node.span,
                format!("this fact of _org.json lacks `{name}`"),
                "here",
            )
            .help(format!("add `\"{name}\": \"...\"`")),
        );
        return None;
    }
    Some(found.map(Option::unwrap_or_default))
}
