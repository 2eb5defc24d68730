//! The place of a row: the mapping, the lane and the key of its item.

use runtime::handler::Handler;
use runtime::mapping::{MappingDescriptor, Path, Piece};
use runtime::queue::NewItem;

/// Mapping, lane and key of a row's item.
pub(super) struct Place {
    pub(super) mapping: &'static str,
    pub(super) lane: Option<String>,
    pub(super) key: Option<String>,
    /// The member that the key or the lane lacks.
    pub(super) missing: Option<Path>,
    /// The member with the id of the tree's root, and the id.
    pub(super) root: Option<(Path, String)>,
    /// True if a row with a known word closes errors about older rows of its record.
    pub(super) closes: bool,
    /// The tree that the row belongs to.
    pub(super) tree: Option<&'static str>,
}

impl Place {
    pub(super) fn of(
        handler: &dyn Handler,
        mapping: &'static MappingDescriptor,
        text: &impl Fn(Path) -> Option<String>,
    ) -> Place {
        match mapping.tree {
            Some(tree) => Place::in_tree(handler, mapping, tree.root, text),
            None => Place::alone(mapping, text),
        }
    }

    /// Places a row by its tree's root, since all rows of a tree are one lane.
    fn in_tree(
        handler: &dyn Handler,
        mapping: &'static MappingDescriptor,
        tree: &'static str,
        text: &impl Fn(Path) -> Option<String>,
    ) -> Place {
        let mut mappings = handler.mappings().iter();
        let root = mappings.find(|root| root.name == tree);
        let members = root.and_then(|root| key_members(root));
        let missing = match &members {
            Some(members) => members.iter().copied().find(|path| text(path).is_none()),
            None => Some(mapping.lane).filter(|lane| text(lane).is_none()),
        };
        let id = match root.filter(|_| members.is_some()) {
            Some(root) => runtime::row::made_key(root, text),
            None => text(mapping.lane),
        };
        Place {
            mapping: tree,
            root: id.clone().map(|id| (mapping.lane, id)),
            lane: id.clone(),
            key: id,
            missing,
            closes: root.is_some(),
            tree: root.map(|_| tree),
        }
    }

    fn alone(mapping: &'static MappingDescriptor, text: &impl Fn(Path) -> Option<String>) -> Place {
        let (key, lane) = (text(mapping.key), text(mapping.lane));
        let missing = match (&key, &lane) {
            (None, _) => Some(mapping.key),
            (_, None) => Some(mapping.lane),
            _ => None,
        };
        Place {
            // Rows that describe another mapping's records are items of that mapping, so that they share its lane.
            mapping: mapping.rows_of.unwrap_or(mapping.name),
            lane,
            key,
            missing,
            root: None,
            closes: true,
            tree: None,
        }
    }

    /// Gives the item this place. A missing member becomes its error.
    pub(super) fn item(&self, item: NewItem) -> NewItem {
        let missing = self.missing;
        NewItem {
            mapping: Some(self.mapping.to_owned()),
            lane: self.lane.clone().unwrap_or(item.lane),
            key: self.key.clone().unwrap_or_default(),
            reason: missing.map(|path| format!("the row has no {}", path.join("."))),
            ..item
        }
    }
}

/// The path of a row's own id: the distinct member, the member that rows are reduced by, or the key.
pub(super) fn own_id(mapping: &MappingDescriptor) -> Path {
    let reduce = mapping.tree.and_then(|tree| tree.reduce.as_ref());
    let distinct = reduce.and_then(|reduce| reduce.distinct);
    let by = reduce.and_then(|reduce| reduce.by.first().copied());
    distinct.or(by).unwrap_or(mapping.key)
}

/// The members that a key is made of.
pub(super) fn key_members(
    mapping: &'static MappingDescriptor,
) -> Option<Vec<&'static [&'static str]>> {
    let pieces = runtime::row::key_template(mapping)?;
    let members = pieces.iter().filter_map(|piece| match piece {
        Piece::Member(path) => Some(*path),
        Piece::Text(_) => None,
    });
    Some(members.collect())
}
