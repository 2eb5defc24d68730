//! What the two systems' schemas say: the fields of a Ticketure entity and of a Salesforce object.

pub mod envelope;
pub mod facts;
pub mod json;
pub mod org;
pub mod salesforce;
pub mod source;

use crate::span::Span;

/// One `schemas/salesforce/*.json`: an object's describe, or a compact snapshot of it.
#[derive(Debug, Clone)]
pub struct SalesforceObject {
    pub name: String,
    /// The first three characters of each of its record ids.
    pub key_prefix: String,
    pub fields: Vec<SalesforceField>,
    pub record_types: Vec<RecordType>,
}

/// A record type of an object, by the name that is the same in every org.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordType {
    pub span: Span,
    pub developer_name: String,
}

/// One field of the object, in the describe's own words.
#[derive(Debug, Clone, PartialEq)]
pub struct SalesforceField {
    /// The entry in the snapshot.
    pub span: Span,
    pub name: String,
    pub kind: SalesforceType,
    pub length: Option<u32>,
    pub precision: Option<u32>,
    pub scale: Option<u32>,
    pub createable: bool,
    pub updateable: bool,
    pub nillable: bool,
    pub defaulted_on_create: bool,
    pub external_id: bool,
    pub unique: bool,
    pub id_lookup: bool,
    pub calculated: bool,
    pub restricted_picklist: bool,
    /// It is said that `a` and `A` are the same; a snapshot that says nothing leaves it open.
    pub folds_case: bool,
    /// It can stand in the condition of a query.
    pub filterable: bool,
    pub reference_to: Vec<String>,
    pub relationship_name: Option<String>,
    /// The field that this one is a part of: `MailingAddress` of `MailingCity`.
    pub compound_field: Option<String>,
    /// The active values.
    pub picklist_values: Vec<String>,
    pub needs_npsp: bool,
}

/// The describe's field types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SalesforceType {
    Address,
    AnyType,
    Base64,
    Boolean,
    Combobox,
    ComplexValue,
    Currency,
    Date,
    Datetime,
    Double,
    Email,
    EncryptedString,
    Id,
    Int,
    Json,
    Location,
    Long,
    Multipicklist,
    Percent,
    Phone,
    Picklist,
    Reference,
    String,
    Textarea,
    Time,
    Url,
    /// One that came after this version.
    Unknown,
}

/// One property of an entity's JSON Schema.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceSchemaField {
    /// The property's key in the schema.
    pub span: Span,
    pub kind: SourceType,
    /// Null is among its types.
    pub nullable: bool,
    /// Its parent lists it under `required`.
    pub required: bool,
    /// Ticketure keeps it for itself.
    pub read_only: bool,
}

/// What a property holds.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceType {
    Text {
        max_length: Option<u32>,
        min_length: Option<u32>,
        pattern: Option<String>,
        format: Option<String>,
        /// `enum` or `const`, when there is one.
        values: Vec<String>,
    },
    Boolean,
    Integer,
    Number,
    Object(Vec<(String, SourceSchemaField)>),
    List(Box<SourceSchemaField>),
    /// Its schema does not tell, or tells of several.
    Unknown,
}

impl SalesforceField {
    /// Salesforce demands it of every new record, and does not fill it in by itself.
    pub fn is_required(&self) -> bool {
        self.createable && !self.nillable && !self.defaulted_on_create
    }
}

impl SalesforceType {
    /// Text of some kind.
    pub fn is_text(self) -> bool {
        use SalesforceType as T;
        matches!(
            self,
            T::Combobox
                | T::Email
                | T::EncryptedString
                | T::Multipicklist
                | T::Phone
                | T::Picklist
                | T::String
                | T::Textarea
                | T::Url
        )
    }

    /// Numbers and times have no way back in this version.
    pub fn goes_forward_only(self) -> bool {
        use SalesforceType as T;
        matches!(
            self,
            T::Currency | T::Double | T::Int | T::Long | T::Percent | T::Datetime
        )
    }

    /// As an error names it.
    pub fn describe(self) -> &'static str {
        use SalesforceType as T;
        match self {
            T::Address => "a compound address",
            T::AnyType => "a value of any type",
            T::Base64 => "a file",
            T::ComplexValue => "a complex value",
            T::Json => "JSON",
            T::Unknown => "of a type that this version does not know",
            T::Boolean => "true or false",
            T::Currency | T::Double | T::Int | T::Long | T::Percent => "a number",
            T::Date => "a date",
            T::Datetime => "a date and time",
            T::Time => "a time",
            T::Id => "its own id",
            T::Location => "a location",
            T::Reference => "a reference to another record",
            T::Email => "an e-mail address",
            T::Phone => "a phone number",
            T::Picklist | T::Multipicklist | T::Combobox => "a picklist value",
            T::EncryptedString | T::String | T::Textarea | T::Url => "text",
        }
    }
}

impl SourceType {
    /// How long a text can be, in characters: its longest value, where the schema lists them.
    pub fn max_length(&self) -> Option<u32> {
        match self {
            SourceType::Text {
                max_length, values, ..
            } => {
                let longest = values
                    .iter()
                    .map(|value| value.chars().count() as u32)
                    .max();
                longest.or(*max_length)
            }
            _ => None,
        }
    }

    /// As an error names it.
    pub fn describe(&self) -> &'static str {
        match self {
            SourceType::Text { .. } => "text",
            SourceType::Boolean => "true or false",
            SourceType::Integer | SourceType::Number => "a number",
            SourceType::Object(_) => "an object",
            SourceType::List(_) => "a list",
            SourceType::Unknown => "of no type that its schema tells",
        }
    }
}
