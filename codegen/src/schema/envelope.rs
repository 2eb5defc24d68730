//! `schemas/webhooks/*.schema.json`: the members of a payload around its rows, and where each is.
//!
//! A tenant may name them otherwise. The schema says so: the type is the member whose `const` is the webhook's name,
//! and `x-usher` marks the others.

use super::facts::{EnvelopeMember as E, get, items, said};
use super::source::entries;
use crate::diagnostic::{Code, Diagnostic};
use crate::parse::{Entry, Node};
use crate::span::Spanned;

/// Member names from the payload's root to what usher reads of it beside the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The webhook's name.
    pub event_type: Vec<String>,
    /// The delivery's own id.
    pub event_id: Vec<String>,
    /// The time of the event.
    pub occurred_at: Vec<String>,
}

impl Names {
    /// The names that hold where a schema says nothing.
    pub fn usual() -> Names {
        let of = |role: Role| vec![role.word().to_owned()];
        Names {
            event_type: of(Role::EventType),
            event_id: of(Role::EventId),
            occurred_at: of(Role::OccurredAt),
        }
    }
}

/// The members of a payload that usher reads beside its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    EventType,
    EventId,
    OccurredAt,
}

impl Role {
    const ALL: [Role; 3] = [Role::EventType, Role::EventId, Role::OccurredAt];

    /// The word of `x-usher`, which is the usual name, too.
    fn word(self) -> &'static str {
        match self {
            Role::EventType => "event_type",
            Role::EventId => "event_id",
            Role::OccurredAt => "occurred_at",
        }
    }
}

/// An envelope without members carries nothing.
pub fn is_empty(envelope: &Node) -> bool {
    entries(envelope, E::Properties).is_empty()
}

/// Member names from the envelope's root to the list whose items are this entity, or to the entity itself.
pub fn rows(envelope: &Node, entity: &str) -> Option<Vec<String>> {
    let wanted = format!("/{entity}.schema.json");
    let is_entity = |node: &Node| said(node, E::Ref).is_some_and(|to| to.ends_with(&wanted));
    entries(envelope, E::Properties).iter().find_map(|entry| {
        let property = &entry.value;
        let list = get(property, E::Items);
        if list.is_some_and(is_entity) || is_entity(property) {
            return Some(vec![entry.key.value.clone()]);
        }
        let mut path = rows(property, entity)?;
        path.insert(0, entry.key.value.clone());
        Some(path)
    })
}

/// The payload's own type in the envelope, and its place.
pub fn payload_type(envelope: &Node, webhook: &str) -> Option<Spanned<String>> {
    let properties = properties(envelope);
    let own = type_of(&properties, webhook)?;
    let name = said(&own.entry.value, E::Const)?;
    Some(Spanned::new(name, own.entry.key.span))
}

/// Where the payload has its type, its id and its time.
pub fn names(envelope: &Node, webhook: &str) -> Names {
    let properties = properties(envelope);
    let mut names = Names::usual();
    if let Some(own) = type_of(&properties, webhook) {
        names.event_type = own.path.clone();
    }
    if let Some(own) = of_role(&properties, Role::EventId) {
        names.event_id = own.path.clone();
    }
    if let Some(own) = of_role(&properties, Role::OccurredAt) {
        names.occurred_at = own.path.clone();
    }
    names
}

/// Reports marks that say nothing, or that contradict each other.
pub fn mistakes(envelope: &Node) -> Vec<Diagnostic> {
    let properties = properties(envelope);
    let marks = properties.iter().filter_map(|property| {
        let mark = get(&property.entry.value, E::Role)?;
        Some((property, mark))
    });
    let mut found = Vec::new();
    let mut first: Vec<(Role, &Node)> = Vec::new();
    for (property, mark) in marks {
        let words = Role::ALL.map(Role::word);
        let word = mark.text().unwrap_or_default();
        let Some(role) = Role::ALL.into_iter().find(|role| role.word() == word) else {
            let message = match mark.text() {
                Some(word) => format!("`x-usher` knows no `{word}`"),
                None => format!("`x-usher` is {}, not a text", mark.kind()),
            };
            let wrong = Diagnostic::error(Code::BROKEN_SCHEMA, mark.span, message, "unknown");
            found.push(
                wrong
                    .help(format!("write one of {}", words.join(", ")))
                    .did_you_mean(mark.span, word, words),
            );
            continue;
        };
        if let Some((_, before)) = first.iter().find(|(other, _)| *other == role) {
            let message = format!("two members are marked as {word}");
            let wrong = Diagnostic::error(Code::BROKEN_SCHEMA, mark.span, message, "again here");
            let wrong = wrong.related(before.span, "first here");
            found.push(wrong.help("mark the one that the tenant sends"));
            continue;
        }
        first.push((role, mark));
        if !is_plain(&property.entry.value) {
            let message = format!("the member that is marked as {word} is no text");
            let wrong = Diagnostic::error(Code::BROKEN_SCHEMA, mark.span, message, "marked here");
            found.push(wrong.help("mark a member that is a text or a number"));
        }
    }
    found
}

/// A member of the payload, outside its rows.
struct Property<'n> {
    path: Vec<String>,
    entry: &'n Entry,
}

fn properties(envelope: &Node) -> Vec<Property<'_>> {
    let mut all = Vec::new();
    collect(envelope, &[], &mut all);
    all
}

fn collect<'n>(node: &'n Node, path: &[String], all: &mut Vec<Property<'n>>) {
    for entry in entries(node, E::Properties) {
        let path = [path, std::slice::from_ref(&entry.key.value)].concat();
        let property = Property {
            path: path.clone(),
            entry,
        };
        all.push(property);
        collect(&entry.value, &path, all);
    }
}

/// The marked member; else the one of the usual name; else the one whose `const` is the webhook's name.
fn type_of<'p, 'n>(properties: &'p [Property<'n>], webhook: &str) -> Option<&'p Property<'n>> {
    let says = |property: &&Property<'n>| {
        said(&property.entry.value, E::Const).as_deref() == Some(webhook)
    };
    of_role(properties, Role::EventType).or_else(|| properties.iter().find(says))
}

/// The marked member, else the one of the usual name.
fn of_role<'p, 'n>(properties: &'p [Property<'n>], role: Role) -> Option<&'p Property<'n>> {
    let is_marked = |property: &&Property<'n>| {
        said(&property.entry.value, E::Role).as_deref() == Some(role.word())
    };
    let is_named = |property: &&Property<'n>| property.path == [role.word()];
    let marked = properties.iter().find(is_marked);
    marked.or_else(|| properties.iter().find(is_named))
}

/// True if the member may be a text or a number.
fn is_plain(property: &Node) -> bool {
    let types: Vec<&str> = match get(property, E::Type) {
        Some(types) if types.text().is_none() => items(property, E::Type)
            .iter()
            .filter_map(Node::text)
            .collect(),
        Some(one) => one.text().into_iter().collect(),
        None => Vec::new(),
    };
    let is_text = |name: &&str| matches!(*name, "string" | "integer" | "number");
    (types.is_empty() && get(property, E::Properties).is_none()) || types.iter().any(is_text)
}
