//! What the author meant: every name resolved to a schema's field, another mapping, or a conversion.
//!
//! `resolve` makes it, the checks read it, `lower` turns it into what will be written. A name that could not be
//! resolved has been reported, and its field is left out, so that one mistake gives one report.

mod test;
mod tree;

use crate::schema::envelope::Names;
use crate::schema::{SalesforceField, SalesforceType, SourceSchemaField};
use crate::span::{FileId, Span, Spanned};

pub use test::{Expectation, Push, Test};
pub use tree::{
    Adopt, AdoptFrom, Case, Condition, Fold, FoldWord, ForEach, Gone, Is, Lookup, LookupField,
    Made, Missing, Otherwise, Piece, Rank, Reduce, Rule, Tree, Within, WrittenLast, members,
};

/// All mappings of a run, in the order of their file names.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub mappings: Vec<Mapping>,
}

/// A mapping: its index in [`Model::mappings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MappingId(pub usize);

/// One mapping file.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub file: FileId,
    /// `mapping:`, a name in snake case.
    pub name: Spanned<String>,
    /// `source:` without its system: `identity` of `ticketure.identity`.
    pub source: Spanned<String>,
    /// `destination:` without its system: `Contact` of `salesforce.Contact`.
    pub destination: Spanned<String>,
    pub direction: Direction,
    /// `direction:`, where it is written.
    pub direction_span: Option<Span>,
    /// `direction: reverse`, where it is written.
    pub reverse: Option<Span>,
    /// What records of Salesforce's become: the mapping goes back only, and is read as one that goes forward.
    pub push_as: Option<Spanned<PushAs>>,
    /// `on_edit: refuse`, where it is written.
    pub refuses_edits: Option<Span>,
    pub payload: Payload,
    /// `when: {source: ...}`; all of them hold for a row that is this mapping's.
    pub when: Vec<Condition>,
    /// `when: {destination: ...}`; all of them hold for a record that may go back.
    pub when_destination: Vec<RecordCondition>,
    /// `nothing:`, each a path and its words. A row with one of them is done at once, unless a `when` takes it.
    pub nothing: Vec<Condition>,
    pub key: Key,
    pub tree: Option<Tree>,
    /// `record: {of: ...}` of a mapping that is in no tree: its rows speak of the records of that mapping.
    pub rows_of: Option<Spanned<String>>,
    /// It has words of a tree, though they may say none.
    pub wants_tree: bool,
    pub lane: SourceField,
    pub lock: Option<DestinationField>,
    /// `match: {destination: [...]}`, the surest rung first.
    pub rungs: Vec<Rung>,
    pub policy: MatchPolicy,
    /// `match:`, or its `policy:`, where it is written.
    pub policy_span: Option<Span>,
    /// `match: {source: on_conflict}`: a record that Ticketure has already is adopted.
    pub adopts_on_conflict: bool,
    pub policies: Policies,
    /// `on_rewrite:` is written, and not only taken for granted.
    pub says_on_rewrite: bool,
    pub fields: Vec<Field>,
    pub ignore: Vec<DestinationField>,
    /// `unmapped: error`.
    pub unmapped: Option<Span>,
    pub allow: Vec<Allow>,
    pub tests: Vec<Test>,
}

impl Mapping {
    /// Every member of a row, or setting, that the mapping reads once its rows are reduced.
    pub fn members(&self) -> Vec<&SourceField> {
        let tree = self.tree.as_ref();
        let exists = tree.into_iter().flat_map(|tree| &tree.exists_when);
        let unless = tree
            .into_iter()
            .flat_map(|tree| tree.unless.iter().flatten());
        let adopt = tree.into_iter().flat_map(|tree| &tree.adopt);
        let adopted = adopt.clone().map(|adopt| match &adopt.from {
            AdoptFrom::Id(path) | AdoptFrom::Record(_, path) => path,
        });
        let adopt = adopt.flat_map(|adopt| &adopt.when);
        let conditions = exists.chain(unless).chain(adopt);
        let conditions = conditions.map(|condition| &condition.source).chain(adopted);
        let key = self.key.made.iter().flat_map(Rule::members);
        let fields = self.fields.iter().flat_map(|field| {
            let last = field.written_last.iter();
            let last = last.flat_map(|last| last.until_then.members());
            let origin = match &field.origin {
                Origin::Source(source) => vec![source],
                Origin::Computed(rule) => rule.members(),
                Origin::Constant(_) => Vec::new(),
            };
            origin.into_iter().chain(last).collect::<Vec<_>>()
        });
        conditions.chain(key).chain(fields).collect()
    }

    /// Its records go from Salesforce to Ticketure, and no row makes one.
    pub fn goes_back_only(&self) -> bool {
        self.push_as.is_some() || self.reverse.is_some()
    }

    /// There is no record of a row that lacks this member.
    pub fn is_guarded(&self, member: &SourceField) -> bool {
        let tree = self.tree.as_ref();
        let exists = tree.into_iter().flat_map(|tree| &tree.exists_when);
        exists
            .filter(|condition| condition.source.path == member.path)
            .any(Condition::wants_something)
    }

    /// Every row has it, or there is no record.
    pub fn is_there(&self, member: &SourceField) -> bool {
        (member.schema.required && !member.schema.nullable) || self.is_guarded(member)
    }

    /// Its rows are made ready before they are read: reduced, given settings, or members are made of others.
    pub fn makes_ready(&self) -> bool {
        let made = |field: &Field| matches!(field.origin, Origin::Computed(_));
        let settings = || self.members().iter().any(|source| source.is_setting());
        self.tree.is_some() || self.fields.iter().any(made) || settings()
    }

    /// There are no such records where NPSP is not installed.
    pub fn needs_npsp(&self) -> bool {
        let tree = self.tree.as_ref();
        tree.is_some_and(|tree| tree.needs_npsp.is_some())
    }
}

/// `allow: { M0214: the reason in words }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    pub span: Span,
    pub code: &'static str,
}

/// Where records go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the source to the destination.
    Forward,
    /// And back.
    Both,
}

/// One of the two systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Source,
    Destination,
}

/// Who wins a field that changed on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    Source,
    Destination,
    /// The value that appeared last.
    Newest,
    /// The value that permits less: the opt-out.
    Restrictive,
    /// Nobody, until a person decides.
    Review,
}

/// What happens when two existing records meet for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnLink {
    /// What one side lacks comes from the other; where both have a value, `conflict` decides.
    FillBlanks,
    Source,
    Destination,
    Newest,
    Review,
}

/// What happens when the org changes what was just written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRewrite {
    /// The org's value goes to the source as well.
    Accept,
    /// Each side keeps its own.
    Keep,
}

/// What happens to the other side of a record that was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterDelete {
    Recreate,
    Detach,
    Review,
}

/// What becomes of a record that a duplicate rule of the org's finds too like others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    Review,
    Allow,
}

/// How the two sides of a mapping are reconciled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policies {
    pub conflict: Conflict,
    /// The winner of `newest` where the clocks cannot tell.
    pub tie: Side,
    pub on_link: OnLink,
    pub on_rewrite: OnRewrite,
    pub after_delete: AfterDelete,
    pub duplicates: Duplicates,
}

impl Default for Policies {
    fn default() -> Self {
        Policies {
            conflict: Conflict::Newest,
            tie: Side::Source,
            on_link: OnLink::FillBlanks,
            on_rewrite: OnRewrite::Accept,
            after_delete: AfterDelete::Review,
            duplicates: Duplicates::Review,
        }
    }
}

/// `Field: value`, or `Field: {not: value}`.
#[derive(Debug, Clone)]
pub struct RecordCondition {
    pub field: DestinationField,
    pub negated: bool,
    pub value: Spanned<Literal>,
}

/// The webhook of `on:` and where its envelope keeps the rows of this mapping's source.
#[derive(Debug, Clone)]
pub struct Payload {
    pub payload_type: Spanned<String>,
    /// Member names from the envelope's root to the list of rows, from the envelope's schema.
    pub rows: Vec<String>,
    /// Where the envelope has the payload's type, id and time.
    pub names: Names,
}

/// What a record of Salesforce's becomes in Ticketure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushAs {
    /// A new one.
    Create,
    /// A later end of one that is there.
    Extend,
}

/// `key:`, the external id of the pair.
#[derive(Debug, Clone)]
pub struct Key {
    /// The path of the row's own id; of one that is made, the member that holds it.
    pub source: SourceField,
    /// How it is made, where it is no path.
    pub made: Option<Rule>,
    /// Nothing where a record is known by fields among its parent's.
    pub destination: Option<DestinationField>,
    /// Those fields.
    pub natural: Vec<DestinationField>,
}

impl Key {
    /// The name of the external id.
    pub fn external_id(&self) -> Option<&str> {
        let destination = self.destination.as_ref()?;
        Some(&destination.schema.name)
    }
}

/// One way of finding the record that a row is about: all pairs equal.
#[derive(Debug, Clone)]
pub struct Rung {
    pub span: Span,
    /// Each path and the destination field that `fields:` maps it to.
    pub pairs: Vec<(SourceField, DestinationField)>,
}

/// `match: {policy: ...}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchPolicy {
    /// One hit is linked.
    Adopt,
    /// A hit is proposed to a person.
    Review,
    /// Nothing is looked for.
    AlwaysCreate,
}

/// One entry of `fields:`.
#[derive(Debug, Clone)]
pub struct Field {
    /// The whole entry.
    pub span: Span,
    pub origin: Origin,
    pub destination: DestinationField,
    pub convert: Option<Spanned<Conversion>>,
    pub reference: Option<Spanned<MappingId>>,
    pub written_last: Option<WrittenLast>,
    /// `or_first:`, where it is written.
    pub or_first: Option<Span>,
    /// `direction:` of the field, where it has one.
    pub direction: Option<Spanned<Direction>>,
    /// `conflict:` of the field, where it has one.
    pub conflict: Option<Spanned<Conflict>>,
    pub monitored: bool,
    pub required: bool,
    pub when_creating: bool,
    pub pii: bool,
    /// `needs: npsp`, where it is written.
    pub needs_npsp: Option<Span>,
    pub allow: Vec<Allow>,
}

impl Field {
    /// Which way the field goes in a mapping of this direction. A constant and a reference go forward.
    pub fn direction(&self, mapping: Direction) -> Direction {
        let by_nature = match &self.origin {
            Origin::Source(source)
                if self.reference.is_none()
                    && !self.when_creating
                    && !source.is_setting()
                    && !self.destination.schema.kind.goes_forward_only() =>
            {
                mapping
            }
            Origin::Source(_) | Origin::Constant(_) | Origin::Computed(_) => Direction::Forward,
        };
        match &self.direction {
            Some(written) => written.value,
            None => by_nature,
        }
    }

    /// The value of a consent field, as Salesforce has it, that permits less: true of an opt-out, false of an opt-in.
    pub fn restrictive_value(&self) -> Option<bool> {
        if self.destination.schema.kind != SalesforceType::Boolean {
            return None;
        }
        let source = match &self.origin {
            Origin::Source(source) => source.path.last().map(String::as_str),
            Origin::Constant(_) | Origin::Computed(_) => None,
        };
        let negated = matches!(&self.convert, Some(convert) if convert.value == Conversion::Not);
        permits_less(&self.destination.schema.name)
            .or_else(|| Some(permits_less(source?)? != negated))
    }
}

impl Field {
    /// Both names say what true permits, and the value would arrive as the opposite: an opt-in as an opt-out.
    pub fn turns_consent_round(&self) -> bool {
        let Origin::Source(source) = &self.origin else {
            return false;
        };
        let there = source.path.last().and_then(|name| permits_less(name));
        let here = permits_less(&self.destination.schema.name);
        let negated = matches!(&self.convert, Some(convert) if convert.value == Conversion::Not);
        matches!((there, here), (Some(there), Some(here)) if (there != here) != negated)
    }
}

/// Of a consent's name, the value that permits less.
fn permits_less(name: &str) -> Option<bool> {
    let name = name.to_lowercase().replace('_', "");
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if has(&["optedout", "optout", "donot"]) {
        Some(true)
    } else if has(&["optin", "optedin", "consent"]) {
        Some(false)
    } else {
        None
    }
}

/// Where a field's value comes from.
#[derive(Debug, Clone)]
pub enum Origin {
    Source(SourceField),
    Constant(Spanned<Literal>),
    /// Made of members of the row.
    Computed(Rule),
}

impl Origin {
    /// The path that the value is, unchanged or converted.
    pub fn source(&self) -> Option<&SourceField> {
        match self {
            Origin::Source(source) => Some(source),
            Origin::Constant(_) | Origin::Computed(_) => None,
        }
    }
}

/// A path into the source's schema, as written here, and what the schema says of it.
#[derive(Debug, Clone)]
pub struct SourceField {
    pub span: Span,
    /// `address.city` is two names.
    pub path: Vec<String>,
    pub schema: SourceSchemaField,
}

impl SourceField {
    /// A setting of the service and no member of the row.
    pub fn is_setting(&self) -> bool {
        self.path.first().is_some_and(|name| name.starts_with('$'))
    }

    /// The path with dots, as the author wrote it.
    pub fn dotted(&self) -> String {
        self.path.join(".")
    }
}

/// A field of the destination object, as written here, and what its snapshot says of it.
#[derive(Debug, Clone)]
pub struct DestinationField {
    pub span: Span,
    pub schema: SalesforceField,
}

/// The named conversions, a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conversion {
    /// Trimmed, lower case, one `@`.
    Email,
    /// Trimmed, single spaces.
    Phone,
    /// `2001-02-03`, or a date-time of which the date is taken.
    Date,
    /// The opposite truth.
    Not,
    /// The number with its sign turned round.
    Negative,
}

impl Conversion {
    pub const ALL: [(&str, Conversion); 5] = [
        ("date", Conversion::Date),
        ("email", Conversion::Email),
        ("negative", Conversion::Negative),
        ("not", Conversion::Not),
        ("phone", Conversion::Phone),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, conversion)| *conversion == self)
            .map_or("", |(name, _)| name)
    }
}

/// A plain value in a mapping: a constant, a condition, or part of a test.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    Null,
    Boolean(bool),
    Integer(i64),
    /// A number with a fraction, as it was written.
    Decimal(String),
    Text(String),
    List(Vec<Spanned<Literal>>),
    Object(Vec<(Spanned<String>, Spanned<Literal>)>),
}
