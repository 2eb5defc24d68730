//! `schemas/ticketure/*.schema.json`: JSON Schema, as much of it as they use.

use std::cell::Cell;

use super::facts::{EntityMember as E, Member, get, holds, items, number, said};
use super::{SourceSchemaField, SourceType};
use crate::parse::{Entry, Node, Value};

/// So many references lead to each other at most: deeper is a circle.
const REFS_MAX: usize = 16;
/// So many properties are read behind references: a schema that refers to itself twice would double at each step.
const REFERRED_MAX: usize = 5_000;

/// An entity's properties.
pub fn entity(root: &Node) -> Vec<(String, SourceSchemaField)> {
    let reader = Reader {
        root,
        referred: Cell::new(0),
    };
    reader.properties(root, 0)
}

struct Reader<'n> {
    /// Where `#/definitions/...` is looked up.
    root: &'n Node,
    /// Properties read behind references so far.
    referred: Cell<usize>,
}

impl<'n> Reader<'n> {
    fn properties(&self, node: &'n Node, refs: usize) -> Vec<(String, SourceSchemaField)> {
        let required: Vec<&str> = items(node, E::Required)
            .iter()
            .filter_map(Node::text)
            .collect();
        entries(node, E::Properties)
            .iter()
            .map(|entry| {
                let name = entry.key.value.clone();
                let is_required = required.contains(&name.as_str());
                (name, self.property(entry, is_required, refs))
            })
            .collect()
    }

    fn property(&self, entry: &'n Entry, required: bool, refs: usize) -> SourceSchemaField {
        let target = self.target(&entry.value, refs);
        let (node, refs) = (target.node, target.refs);
        let types = types(node);
        let lists_null = items(node, E::Enum).iter().any(Node::is_null);
        SourceSchemaField {
            span: entry.key.span,
            kind: self.kind(node, &types, refs),
            nullable: target.nullable
                || types.contains(&"null")
                || (types.is_empty() && lists_null),
            required,
            read_only: holds(node, E::ReadOnly) || holds(&entry.value, E::ReadOnly),
        }
    }

    /// What a reference within the file, or the one alternative beside null, leads to; the node itself where it is
    /// neither.
    fn target(&self, node: &'n Node, refs: usize) -> Target<'n> {
        let mut target = Target {
            node,
            nullable: false,
            refs,
        };
        while target.refs < REFS_MAX {
            let pointed = said(target.node, E::Ref).and_then(|to| self.pointed(&to));
            let Some(next) = pointed.or_else(|| alternative(target.node)) else {
                break;
            };
            target.nullable |= alternatives(target.node).any(is_null_schema);
            target.node = next;
            target.refs += 1;
        }
        target
    }

    fn pointed(&self, to: &str) -> Option<&'n Node> {
        let path = to.strip_prefix("#/")?;
        path.split('/').try_fold(self.root, |node, name| {
            node.get(&name.replace("~1", "/").replace("~0", "~"))
        })
    }

    fn kind(&self, node: &'n Node, types: &[&str], refs: usize) -> SourceType {
        let mut named = types.iter().filter(|name| **name != "null");
        let one = named.next();
        if refs > 0 {
            self.referred.set(self.referred.get() + 1);
        }
        let is_endless = refs >= REFS_MAX || self.referred.get() > REFERRED_MAX;
        if named.next().is_some() || is_endless {
            return SourceType::Unknown;
        }
        match one {
            Some(&"boolean") => SourceType::Boolean,
            Some(&"integer") => SourceType::Integer,
            Some(&"number") => SourceType::Number,
            Some(&"string") => text(node),
            Some(&"object") => SourceType::Object(self.properties(node, refs)),
            Some(&"array") => SourceType::List(Box::new(self.item(node, refs))),
            // Without a type, what else it says may still tell.
            None if !values(node).is_empty() || speaks_of_text(node) => text(node),
            None if get(node, E::Properties).is_some() => {
                SourceType::Object(self.properties(node, refs))
            }
            _ => SourceType::Unknown,
        }
    }

    fn item(&self, list: &'n Node, refs: usize) -> SourceSchemaField {
        let item = get(list, E::Items).map(|items| self.target(items, refs));
        SourceSchemaField {
            span: list.span,
            kind: item.map_or(SourceType::Unknown, |item| {
                self.kind(item.node, &types(item.node), item.refs)
            }),
            nullable: false,
            required: false,
            read_only: false,
        }
    }
}

/// Where a node leads.
struct Target<'n> {
    node: &'n Node,
    nullable: bool,
    refs: usize,
}

fn alternatives(node: &Node) -> impl Iterator<Item = &Node> {
    [E::AnyOf, E::OneOf, E::AllOf]
        .into_iter()
        .flat_map(|member| items(node, member))
}

fn is_null_schema(node: &Node) -> bool {
    types(node) == ["null"]
}

/// The one alternative beside null.
fn alternative(node: &Node) -> Option<&Node> {
    let mut others = alternatives(node).filter(|other| !is_null_schema(other));
    others.next().filter(|_| others.next().is_none())
}

fn speaks_of_text(node: &Node) -> bool {
    [E::MaxLength, E::MinLength, E::Pattern, E::Format]
        .into_iter()
        .any(|member| get(node, member).is_some())
}

fn text(node: &Node) -> SourceType {
    SourceType::Text {
        max_length: number(node, E::MaxLength),
        min_length: number(node, E::MinLength),
        pattern: said(node, E::Pattern),
        format: said(node, E::Format),
        values: values(node),
    }
}

fn types(node: &Node) -> Vec<&str> {
    match get(node, E::Type) {
        Some(types) if matches!(types.value, Value::List(_)) => {
            types.items().iter().filter_map(Node::text).collect()
        }
        Some(one) => one.text().into_iter().collect(),
        None => Vec::new(),
    }
}

/// The texts of `enum`, or the one of `const`.
fn values(node: &Node) -> Vec<String> {
    let is_text = |value: &&Node| matches!(&value.value, Value::Scalar { plain: false, .. });
    items(node, E::Enum)
        .iter()
        .chain(get(node, E::Const))
        .filter(is_text)
        .filter_map(Node::text)
        .map(str::to_owned)
        .collect()
}

pub(super) fn entries(node: &Node, member: impl Member) -> &[Entry] {
    match get(node, member).map(|node| &node.value) {
        Some(Value::Map(entries)) => entries,
        _ => &[],
    }
}
