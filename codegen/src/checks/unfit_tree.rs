//! A tree that does not hold together: its root, its lanes, its references.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{AdoptFrom, Direction, Mapping, Origin, Rule, SourceField, Tree};
use crate::span::Span;

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let Some(tree) = &mapping.tree else { return };
    let Some(root) = context.named(&tree.root.value) else {
        return;
    };
    if !is_root(root) {
        // Where the root's own `part_of` is the mistake, it is told there.
        let mutual = root.tree.as_ref();
        let mutual = mutual.is_some_and(|tree| tree.root.value == mapping.name.value);
        if is_reported(root, context) && !mutual {
            return;
        }
        let message = format!("`{}` is not the root of a tree", root.name.value);
        let fault = fault(tree.root.span, message, "no root");
        sink.push(fault.help("the root's own mapping says `part_of` itself: name that one"));
        return;
    }
    sink.extend(made_key_of_root(mapping));
    sink.extend(rows_of_made_key(mapping, root));
    sink.extend(adopt(mapping, tree, context));
    sink.extend(other_words(mapping, tree));
    let record = record_of(mapping, tree, context);
    let is_lost = record.is_some();
    sink.extend(record);
    if is_lost {
        return;
    }
    sink.extend(lane(mapping, tree, root, context));
    sink.extend(written_last(mapping, tree));
    sink.extend(natural(mapping, context));
    sink.extend(after(mapping, tree, context));
    sink.extend(or_first(mapping, tree, context));
}

fn fault(span: Span, message: String, label: &str) -> Diagnostic {
    Diagnostic::error(Code::UNFIT_TREE, span, message, label)
}

fn is_root(mapping: &Mapping) -> bool {
    let tree = mapping.tree.as_ref();
    tree.is_some_and(|tree| tree.root.value == mapping.name.value)
}

/// It writes the record of the root: as the root, or instead of it.
fn is_of_root(mapping: &Mapping, tree: &Tree) -> bool {
    let instead = tree.record_of.as_ref();
    is_root(mapping) || instead.is_some_and(|of| of.value == tree.root.value)
}

/// What is said of records that each go by themselves.
fn other_words(mapping: &Mapping, tree: &Tree) -> Option<Diagnostic> {
    if mapping.direction == Direction::Both {
        let span = mapping.direction_span.unwrap_or(tree.root.span);
        let message = "what is written as a tree goes forward only".to_owned();
        return Some(fault(span, message, "both ways").help("write `direction: forward`"));
    }
    let span = mapping.policy_span?;
    let message =
        "records of a tree are found by their keys, and `match` is never asked".to_owned();
    Some(fault(span, message, "never asked").help("take `match` out"))
}

/// The rows of a tree are found by the root's id: a path that all of them have, or a text made of such paths.
fn made_key_of_root(mapping: &Mapping) -> Option<Diagnostic> {
    let is_plain = match &mapping.key.made {
        None => true,
        Some(made) => matches!(made, Rule::Template(_)),
    };
    let is_plain = is_plain && mapping.key.natural.is_empty();
    (is_root(mapping) && !is_plain).then(|| {
        let message = "the key of a tree's root is one path, or a template, and one external id";
        fault(mapping.key.source.span, message.to_owned(), "neither").help(
            "use the source's id, or `template: \"{id}:{valid_from}\"` for two of its members",
        )
    })
}

/// A root's key that is made of several members is known by the rows of its own webhook alone.
fn rows_of_made_key(mapping: &Mapping, root: &Mapping) -> Option<Diagnostic> {
    root.key.made.as_ref()?;
    let (theirs, own) = (
        &root.payload.payload_type.value,
        &mapping.payload.payload_type.value,
    );
    (theirs != own).then(|| {
        let message = format!(
            "the key of `{}` is made of members of {theirs}, which a row of {own} does not have",
            root.name.value
        );
        fault(
            mapping.payload.payload_type.span,
            message,
            "another webhook",
        )
        .related(root.key.source.span, "the root's key")
        .help(format!(
            "write `on: {theirs}`, or give the root a key that is one path"
        ))
    })
}

/// Only a root is taken over, and what another mapping makes of the same object.
fn adopt(mapping: &Mapping, tree: &Tree, context: &Context<'_>) -> Option<Diagnostic> {
    let first = tree.adopt.first()?;
    if !is_root(mapping) {
        let message = "only the root of a tree is taken over".to_owned();
        return Some(fault(first.span, message, "not the root").help("take `adopt` out"));
    }
    tree.adopt.iter().find_map(|adopt| {
        let AdoptFrom::Record(of, _) = &adopt.from else {
            return None;
        };
        let other = context.named(&of.value)?;
        let (theirs, own) = (&other.destination.value, &mapping.destination.value);
        if theirs != own {
            let message = format!("`{}` writes a {theirs}, and this mapping a {own}", of.value);
            let fault = fault(of.span, message, "another object");
            return Some(fault.help("name a mapping with the same destination"));
        }
        is_member(other, &mapping.name.value).then(|| {
            let message = format!("`{}` is written together with this mapping", of.value);
            fault(of.span, message, "of this very tree")
                .help("name a mapping that is not `part_of` this one, or use `record: { of: ... }`")
        })
    })
}

/// It is in no tree by a mistake of its own.
fn is_reported(mapping: &Mapping, context: &Context<'_>) -> bool {
    match &mapping.tree {
        None => mapping.wants_tree,
        Some(tree) => context
            .named(&tree.root.value)
            .is_none_or(|root| !is_root(root)),
    }
}

fn is_member(mapping: &Mapping, root: &str) -> bool {
    let tree = mapping.tree.as_ref();
    tree.is_some_and(|tree| tree.root.value == root)
}

fn record_of(mapping: &Mapping, tree: &Tree, context: &Context<'_>) -> Option<Diagnostic> {
    let of = tree.record_of.as_ref()?;
    let other = context.named(&of.value)?;
    let (theirs, own) = (&other.destination.value, &mapping.destination.value);
    if theirs != own {
        let message = format!("`{}` writes a {theirs}, and this mapping a {own}", of.value);
        let fault = fault(of.span, message, "another object");
        return Some(fault.help("name a mapping with the same destination"));
    }
    let alien = !is_member(other, &tree.root.value) && !is_reported(other, context);
    let alien = alien || of.value == mapping.name.value;
    alien.then(|| {
        let message = format!("`{}` is no other mapping of this tree", of.value);
        fault(of.span, message, "not of this tree")
            .help("name a mapping that is `part_of` the same root")
    })
}

/// All rows of a tree have to be in one lane: that of the root's id.
fn lane(
    mapping: &Mapping,
    tree: &Tree,
    root: &Mapping,
    context: &Context<'_>,
) -> Option<Diagnostic> {
    // What is made of several members is the lane itself, whichever of them is named.
    let members = root.key.made.iter().flat_map(Rule::members);
    if members
        .into_iter()
        .any(|source| source.path == mapping.lane.path)
    {
        return None;
    }
    let wanted: &SourceField = match is_of_root(mapping, tree) {
        true => &mapping.key.source,
        false => {
            let mut references = references_to(mapping, root, context);
            let is_lane = |source: &&SourceField| source.path == mapping.lane.path;
            if references_to(mapping, root, context).any(|source| is_lane(&source)) {
                return None;
            }
            match references.next() {
                Some(source) => source,
                None if context.incomplete => return None,
                None => return Some(no_reference(mapping, tree, root)),
            }
        }
    };
    (mapping.lane.path != wanted.path).then(|| {
        let message = format!(
            "`{}` is not the lane of the tree: `{}` is the id of its root",
            mapping.lane.dotted(),
            wanted.dotted()
        );
        fault(mapping.lane.span, message, "another lane")
            .related(wanted.span, "the root's id")
            .help(format!("write `lane: {}`", wanted.dotted()))
    })
}

/// The source fields of the mapping that refer to the root.
fn references_to<'m>(
    mapping: &'m Mapping,
    root: &'m Mapping,
    context: &'m Context<'_>,
) -> impl Iterator<Item = &'m SourceField> {
    mapping.fields.iter().filter_map(|field| {
        let reference = field.reference.as_ref()?;
        let target = context.model.mappings.get(reference.value.0)?;
        let source = field.origin.source();
        source.filter(|_| target.name.value == root.name.value)
    })
}

fn no_reference(mapping: &Mapping, tree: &Tree, root: &Mapping) -> Diagnostic {
    let name = &root.name.value;
    let message = format!("no field of `{}` refers to `{name}`", mapping.name.value);
    fault(tree.root.span, message, "belongs to no root").help(format!(
        "add `- {{ source: ..., destination: ..., reference: {name} }}`"
    ))
}

fn written_last(mapping: &Mapping, tree: &Tree) -> Option<Diagnostic> {
    let mut all = mapping
        .fields
        .iter()
        .filter_map(|field| field.written_last.as_ref());
    let first = all.next()?;
    if !is_of_root(mapping, tree) {
        let message = "only the root of a tree has something that is written last".to_owned();
        return Some(fault(first.span, message, "not the root").help("take it out"));
    }
    let second = all.next()?;
    let message = "a mapping has one field that is written last".to_owned();
    let fault = fault(second.span, message, "a second one").related(first.span, "the first");
    Some(fault.help("keep one of them"))
}

/// Records are compared by these fields, so they have to be written.
fn natural(mapping: &Mapping, context: &Context<'_>) -> Option<Diagnostic> {
    let is_mapped = |name: &str| {
        let mut fields = mapping.fields.iter();
        fields.any(|field| field.destination.schema.name == name)
    };
    let mut key = mapping.key.natural.iter();
    let unmapped = key.find(|field| !is_mapped(&field.schema.name) && !context.incomplete)?;
    let name = &unmapped.schema.name;
    let message = format!("{name} is of the key, and no field maps it");
    let fault = fault(unmapped.span, message, "not among `fields`");
    Some(fault.help(format!("map {name}, or take it out of the key")))
}

/// Returns whether the mapping names another tree than its own. Its `part_of` or `on` has that error.
fn is_misplaced(mapping: &Mapping, context: &Context<'_>) -> bool {
    let of = |tree: &Tree| {
        let root = context
            .named(&tree.root.value)
            .filter(|root| is_root(root))?;
        let is_unrelated =
            !is_of_root(mapping, tree) && references_to(mapping, root, context).next().is_none();
        Some(is_unrelated || rows_of_made_key(mapping, root).is_some())
    };
    mapping.tree.as_ref().and_then(of).unwrap_or(false)
}

fn after(mapping: &Mapping, tree: &Tree, context: &Context<'_>) -> Option<Diagnostic> {
    if is_misplaced(mapping, context) {
        return None;
    }
    tree.after.iter().find_map(|name| {
        let other = context.named(&name.value)?;
        if is_reported(other, context) || is_misplaced(other, context) {
            return None;
        }
        if !is_member(other, &tree.root.value) {
            let message = format!("`{}` is not of this tree", name.value);
            let fault = fault(name.span, message, "another tree");
            return Some(fault.help("name a mapping that is `part_of` the same root"));
        }
        let mut seen = Vec::new();
        leads_to(other, mapping, context, &mut seen).then(|| {
            let message = format!("`{}` comes after this mapping itself", name.value);
            fault(name.span, message, "a circle").help("take one of the two `after` out")
        })
    })
}

/// By `after`, and by references within the tree.
fn leads_to<'m>(
    from: &'m Mapping,
    to: &Mapping,
    context: &'m Context<'_>,
    seen: &mut Vec<&'m str>,
) -> bool {
    if from.name.value == to.name.value {
        return true;
    }
    if seen.contains(&from.name.value.as_str()) {
        return false;
    }
    seen.push(&from.name.value);
    let after = from.tree.iter().flat_map(|tree| &tree.after);
    let after = after.filter_map(|name| context.named(&name.value));
    let references = from
        .fields
        .iter()
        .filter_map(|field| field.reference.as_ref());
    let references =
        references.filter_map(|reference| context.model.mappings.get(reference.value.0));
    let next: Vec<&Mapping> = after.chain(references).collect();
    next.into_iter()
        .any(|next| leads_to(next, to, context, seen))
}

fn or_first(mapping: &Mapping, tree: &Tree, context: &Context<'_>) -> Option<Diagnostic> {
    mapping.fields.iter().find_map(|field| {
        let span = field.or_first?;
        let reference = field.reference.as_ref();
        let target = reference.and_then(|reference| context.model.mappings.get(reference.value.0));
        let is_within = target.is_some_and(|target| {
            is_member(target, &tree.root.value) || is_reported(target, context)
        });
        (!is_within || matches!(field.origin, Origin::Constant(_))).then(|| {
            let message = "`or_first` wants a reference to a mapping of the same tree".to_owned();
            fault(span, message, "no such reference").help("take it out")
        })
    })
}
