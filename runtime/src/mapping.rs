//! A compiled mapping as data: what the worker and the command line need to know of it without knowing its types.

use crate::entity::{Entity, EntityDescriptor};

/// One mapping file, compiled.
pub struct MappingDescriptor {
    /// `contact`.
    pub name: &'static str,
    /// `mappings/contact.yaml`.
    pub file: &'static str,
    /// The webhook that carries it: `identity_changed`.
    pub payload_type: &'static str,
    /// Member names from the webhook's root to its list of rows.
    pub rows: &'static [&'static str],
    /// All of them hold for a row of this mapping.
    pub when: &'static [Condition],
    /// The path of the source's id.
    pub key: &'static [&'static str],
    /// The path of what is processed in order.
    pub lane: &'static [&'static str],
    /// The destination object: `Contact`.
    pub object: &'static str,
    /// The destination's unique external id.
    pub external_id: &'static str,
    /// The destination field that calls in flight must not share.
    pub lock: Option<&'static str>,
    pub policy: MatchPolicy,
    /// How an unlinked record is found, the surest way first.
    pub rungs: &'static [Rung],
    pub payload: &'static EntityDescriptor,
    pub record: &'static EntityDescriptor,
    /// For each field of the record, in its order, where it comes from.
    pub origins: &'static [Origin],
    /// For each field of the record, its line in `file`.
    pub lines: &'static [u32],
    pub new_record: fn() -> Box<dyn Entity>,
}

/// A value that a row must have.
#[derive(Debug)]
pub struct Condition {
    pub path: &'static [&'static str],
    pub equals: Constant,
}

/// A plain value written in a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constant {
    Null,
    Boolean(bool),
    Integer(i64),
    Text(&'static str),
}

/// Where a record's field comes from.
#[derive(Debug)]
pub enum Origin {
    /// The index of a field of the payload.
    Payload(usize),
    /// `value:` in the mapping.
    Constant,
}

/// One way of finding a record: fields of the record, all equal. E-mail alone is a rung that only proposes.
#[derive(Debug)]
pub struct Rung {
    pub fields: &'static [usize],
    /// One field of personal data that many people may share is not enough to link by itself.
    pub proposes_only: bool,
}

/// What becomes of a record that a rung finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchPolicy {
    Adopt,
    Review,
    AlwaysCreate,
}

impl MappingDescriptor {
    /// The line of a record's field, by its index.
    pub fn line(&self, field: usize) -> Option<u32> {
        self.lines.get(field).copied()
    }

    /// `mappings/contact.yaml:17 (Email)`, for a field that Salesforce named in an error.
    pub fn place(&self, destination: &str) -> Option<String> {
        let field = self.record.field(destination)?;
        Some(format!(
            "{}:{} ({destination})",
            self.file,
            self.line(field)?
        ))
    }
}

impl std::fmt::Debug for MappingDescriptor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("MappingDescriptor")
            .field("name", &self.name)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}
