//! `@{node.id}` in a URL or a body: what an earlier node answered.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::salesforce::error::ApiError;

/// The names of the nodes that a text refers to.
pub(super) fn names(text: &str) -> Vec<String> {
    let inner = text.split("@{").skip(1);
    let inner = inner.filter_map(|rest| rest.split('}').next());
    let names = inner.filter_map(|reference| reference.split(['.', '[']).next());
    names.map(str::to_owned).collect()
}

/// A text with all references in it replaced.
pub(super) fn text(text: &str, known: &HashMap<&str, Value>) -> Result<String, ApiError> {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("@{") {
        let Some((reference, after)) = after.split_once('}') else {
            break;
        };
        whole.push_str(before);
        match found(reference, known)? {
            Value::String(text) => whole.push_str(&text),
            Value::Null => {}
            other => whole.push_str(&other.to_string()),
        }
        rest = after;
    }
    whole.push_str(rest);
    Ok(whole)
}

/// A body with all references in it replaced. One that is the whole text keeps its type.
pub(super) fn value(body: &Value, known: &HashMap<&str, Value>) -> Result<Value, ApiError> {
    Ok(match body {
        Value::String(whole) => match alone(whole) {
            Some(reference) => found(reference, known)?,
            None => Value::from(text(whole, known)?),
        },
        Value::Array(values) => {
            let each = values.iter().map(|one| value(one, known));
            Value::Array(each.collect::<Result<_, _>>()?)
        }
        Value::Object(members) => {
            let each = members
                .iter()
                .map(|(name, one)| Ok((name.clone(), value(one, known)?)));
            Value::Object(each.collect::<Result<Map<_, _>, ApiError>>()?)
        }
        plain => plain.clone(),
    })
}

fn alone(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("@{")?.strip_suffix('}')?;
    (!inner.contains('}')).then_some(inner)
}

/// `node.field`, `node.list[0].field`.
fn found(reference: &str, known: &HashMap<&str, Value>) -> Result<Value, ApiError> {
    let path = reference.replace('[', ".").replace(']', "");
    let mut steps = path.split('.');
    let name = steps.next().unwrap_or_default();
    let start = known.get(name);
    let end = start.and_then(|start| steps.try_fold(start, step));
    end.cloned().ok_or_else(|| {
        let text = format!("Invalid reference specified. No value for {reference} found in {name}");
        ApiError::new("PROCESSING_HALTED", text)
    })
}

fn step<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Array(values) => values.get(name.parse::<usize>().ok()?),
        other => other.get(name),
    }
}
