//! `schemas/salesforce/_org.json`: facts about the org that no describe tells.
//!
//! What NPSP overwrites or computes anew, each with a sentence why, and the record types of snapshots, which leave theirs
//! out.

use std::collections::BTreeMap;

use super::facts::{Member, OrgMember as O, holds, items, said};
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
    /// One sentence.
    pub why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutomationKind {
    /// It keeps the field for itself: what is written does not last.
    Overwrites,
    /// It may write another value after ours; `on_rewrite` says what becomes of it.
    Rewrites,
    /// It computes the value from other records, whatever is written.
    Recomputes,
}

/// Reads the file; what is broken in it is reported.
pub fn org(root: &Node, sink: &mut Vec<Diagnostic>) -> Org {
    let mut org = Org {
        npsp: holds(root, O::Npsp),
        ..Org::default()
    };
    for node in items(root, O::RecordTypes) {
        if let Some([object, name]) = demanded(node, [O::Object, O::DeveloperName], sink) {
            org.record_types
                .entry(object)
                .or_default()
                .push(RecordType {
                    span: node.span,
                    developer_name: name,
                });
        }
    }
    for (list, kind) in [
        (O::Overwrites, AutomationKind::Overwrites),
        (O::Rewrites, AutomationKind::Rewrites),
        (O::Recomputes, AutomationKind::Recomputes),
    ] {
        for node in items(root, list) {
            if let Some([object, field, why]) = demanded(node, [O::Object, O::Field, O::Why], sink)
            {
                let automation = Automation {
                    span: node.span,
                    kind,
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
        for ((object, name), automation) in self.automation.iter().filter(|_| self.npsp) {
            let Some(object) = objects.get(object) else {
                continue;
            };
            if !object.fields.iter().any(|known| known.name == *name) {
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

fn demanded<const N: usize>(
    node: &Node,
    members: [O; N],
    sink: &mut Vec<Diagnostic>,
) -> Option<[String; N]> {
    let found = members.map(|member| said(node, member));
    let mut both = members.iter().zip(&found);
    if let Some((member, _)) = both.find(|(_, text)| text.is_none()) {
        let name = member.name();
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
