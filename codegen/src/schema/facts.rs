//! What the schema readers read: each member once, and the rule that guards what it states.
//!
//! A reader names members only by these lists, so that no fact is read without a rule, or without a reason why nothing
//! can contradict it. `docs/checks.md` is made of them.

use crate::diagnostic::Code;
use crate::parse::Node;

/// What is done about a fact.
#[derive(Debug, Clone, Copy)]
pub enum Guard {
    /// These rules report a mapping that contradicts it.
    Rules(&'static [Code]),
    /// Why no mapping can contradict it.
    Nothing(&'static str),
}

/// One member that a reader reads.
pub trait Member: Copy {
    fn name(self) -> &'static str;
    fn guard(self) -> Guard;
}

/// The value of a member.
pub(super) fn get(node: &Node, member: impl Member) -> Option<&Node> {
    node.get(member.name())
}

/// A member's text; null is none.
pub(super) fn said(node: &Node, member: impl Member) -> Option<String> {
    get(node, member)
        .filter(|value| !value.is_null())
        .and_then(Node::text)
        .map(str::to_owned)
}

/// The member is there and true.
pub(super) fn holds(node: &Node, member: impl Member) -> bool {
    get(node, member).and_then(Node::text) == Some("true")
}

/// The member's number, when it has one that fits.
pub(super) fn number(node: &Node, member: impl Member) -> Option<u32> {
    get(node, member)?.text()?.parse().ok()
}

/// The items of a member that is a list.
pub(super) fn items(node: &Node, member: impl Member) -> &[Node] {
    get(node, member).map(Node::items).unwrap_or_default()
}

/// The texts of a member that is a list.
pub(super) fn texts(node: &Node, member: impl Member) -> Vec<String> {
    let texts = items(node, member).iter().filter_map(Node::text);
    texts.map(str::to_owned).collect()
}

macro_rules! members {
    ($(#[$about:meta])* $list:ident { $($member:ident $name:literal => $guard:expr,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $list { $($member),* }

        impl $list {
            pub const ALL: &[$list] = &[$($list::$member),*];
        }

        impl Member for $list {
            fn name(self) -> &'static str {
                match self { $($list::$member => $name),* }
            }

            fn guard(self) -> Guard {
                match self { $($list::$member => $guard),* }
            }
        }
    };
}

use Guard::{Nothing, Rules};

members! {
    /// An object: its snapshot or its describe.
    ObjectMember {
        Object "object" => Rules(&[Code::UNKNOWN_SCHEMA]),
        Name "name" => Rules(&[Code::UNKNOWN_SCHEMA]),
        KeyPrefix "keyPrefix" => Rules(&[Code::IMPOSSIBLE_WHEN]),
        Fields "fields" => Rules(&[Code::UNKNOWN_DESTINATION_FIELD, Code::STALE_IGNORE, Code::UNMAPPED, Code::TEST_OF_UNMAPPED]),
        RecordTypeInfos "recordTypeInfos" => Rules(&[Code::TYPE_MISMATCH, Code::IMPOSSIBLE_WHEN]),
    }
}

members! {
    /// A field of an object.
    FieldMember {
        Name "name" => Rules(&[Code::UNKNOWN_DESTINATION_FIELD, Code::TWO_SOURCES, Code::OPPOSITE_CONSENT]),
        Type "type" => Rules(&[Code::TYPE_MISMATCH, Code::WRONG_FORMAT, Code::IMPOSSIBLE_WHEN, Code::TEST_VALUE]),
        Length "length" => Rules(&[Code::TEXT_TOO_LONG, Code::TOO_LONG_BACK, Code::IMPOSSIBLE_WHEN, Code::TEST_VALUE]),
        Precision "precision" => Rules(&[Code::TYPE_MISMATCH]),
        Scale "scale" => Rules(&[Code::TYPE_MISMATCH]),
        Createable "createable" => Rules(&[Code::READ_ONLY, Code::UPDATE_ONLY, Code::UNFIT_LOOKUP]),
        Updateable "updateable" => Rules(&[Code::CREATE_ONLY, Code::READ_ONLY]),
        Nillable "nillable" => Rules(&[Code::REQUIRED_NOT_SET, Code::UNFIT_LOOKUP, Code::NULL_INTO_REQUIRED, Code::NULL_BACK, Code::IMPOSSIBLE_WHEN]),
        DefaultedOnCreate "defaultedOnCreate" => Rules(&[Code::REQUIRED_NOT_SET, Code::UNFIT_LOOKUP]),
        ExternalId "externalId" => Rules(&[Code::KEY_NOT_UNIQUE]),
        Unique "unique" => Rules(&[Code::KEY_NOT_UNIQUE, Code::WEAK_MATCH]),
        IdLookup "idLookup" => Rules(&[Code::WEAK_MATCH]),
        Calculated "calculated" => Rules(&[Code::READ_ONLY]),
        RestrictedPicklist "restrictedPicklist" => Rules(&[Code::UNKNOWN_PICKLIST_VALUE, Code::OPEN_INTO_RESTRICTED, Code::NOT_TAKEN_BACK]),
        PicklistValues "picklistValues" => Rules(&[Code::UNKNOWN_PICKLIST_VALUE, Code::NOT_TAKEN_BACK, Code::IMPOSSIBLE_WHEN, Code::TEST_VALUE]),
        CaseSensitive "caseSensitive" => Rules(&[Code::KEY_FOLDS_CASE]),
        Filterable "filterable" => Rules(&[Code::UNFIT_MATCH, Code::UNFIT_LOOKUP]),
        ReferenceTo "referenceTo" => Rules(&[Code::TYPE_MISMATCH, Code::UNFIT_LOOKUP, Code::LOCK_NO_PARENT, Code::IMPOSSIBLE_WHEN]),
        RelationshipName "relationshipName" => Rules(&[Code::UNKNOWN_DESTINATION_FIELD]),
        CompoundFieldName "compoundFieldName" => Rules(&[Code::COMPOUND_AND_PART, Code::REQUIRED_NOT_SET, Code::READ_ONLY]),
        Needs "needs" => Rules(&[Code::NEEDS_NPSP, Code::STALE_NEEDS, Code::KEY_NEEDS_NPSP]),
    }
}

members! {
    /// A value of a picklist.
    PicklistMember {
        Value "value" => Rules(&[Code::UNKNOWN_PICKLIST_VALUE, Code::NOT_TAKEN_BACK, Code::IMPOSSIBLE_WHEN, Code::TEST_VALUE]),
        Active "active" => Rules(&[Code::UNKNOWN_PICKLIST_VALUE, Code::IMPOSSIBLE_WHEN, Code::TEST_VALUE]),
    }
}

members! {
    /// A record type.
    RecordTypeMember {
        DeveloperName "developerName" => Rules(&[Code::TYPE_MISMATCH, Code::IMPOSSIBLE_WHEN]),
        Active "active" => Nothing("no mapping names a record type: rules list the active ones as help"),
        Master "master" => Nothing("no mapping names a record type: rules list all but the master as help"),
    }
}

members! {
    /// What no describe tells: `_org.json`.
    OrgMember {
        Npsp "npsp" => Rules(&[Code::OVERWRITTEN, Code::RECOMPUTED]),
        RecordTypes "recordTypes" => Rules(&[Code::TYPE_MISMATCH, Code::IMPOSSIBLE_WHEN]),
        DeveloperName "developerName" => Rules(&[Code::TYPE_MISMATCH, Code::IMPOSSIBLE_WHEN]),
        Overwrites "overwrites" => Rules(&[Code::OVERWRITTEN]),
        Rewrites "rewrites" => Nothing("`on_rewrite` says what becomes of a value that the org changed after ours"),
        Recomputes "recomputes" => Rules(&[Code::RECOMPUTED]),
        Object "object" => Rules(&[Code::OVERWRITTEN, Code::RECOMPUTED]),
        Field "field" => Rules(&[Code::OVERWRITTEN, Code::RECOMPUTED, Code::STALE_ORG_FACT]),
        Why "why" => Nothing("the sentence is told with the report"),
    }
}

members! {
    /// A JSON Schema of an entity, and each property in it.
    EntityMember {
        Properties "properties" => Rules(&[Code::UNKNOWN_SOURCE_FIELD]),
        Required "required" => Rules(&[Code::KEY_NOT_UNIQUE, Code::LANE_MISSING, Code::TEST_ROW]),
        Type "type" => Rules(&[Code::TYPE_MISMATCH, Code::FOLD_SHADOWS, Code::UNFIT_LIST, Code::NULL_INTO_REQUIRED, Code::NULL_BACK, Code::KEY_NOT_UNIQUE, Code::LANE_MISSING, Code::UNFIT_PATH, Code::IMPOSSIBLE_WHEN, Code::TEST_VALUE]),
        MaxLength "maxLength" => Rules(&[Code::TEXT_TOO_LONG, Code::TOO_LONG_BACK, Code::IMPOSSIBLE_WHEN, Code::TEST_VALUE]),
        MinLength "minLength" => Rules(&[Code::NOT_TAKEN_BACK]),
        Pattern "pattern" => Rules(&[Code::NOT_TAKEN_BACK]),
        Format "format" => Rules(&[Code::WRONG_FORMAT, Code::NOT_TWO_WAY, Code::NOT_TAKEN_BACK, Code::TEST_VALUE]),
        Enum "enum" => Rules(&[Code::IMPOSSIBLE_WHEN, Code::VALUES_INCOMPLETE, Code::UNKNOWN_PICKLIST_VALUE, Code::TEXT_TOO_LONG, Code::NOT_TAKEN_BACK, Code::TEST_VALUE]),
        Const "const" => Rules(&[Code::IMPOSSIBLE_WHEN, Code::UNKNOWN_PICKLIST_VALUE, Code::TEXT_TOO_LONG, Code::NOT_TAKEN_BACK, Code::TEST_VALUE]),
        ReadOnly "readOnly" => Rules(&[Code::NOT_TWO_WAY]),
        Items "items" => Rules(&[Code::UNKNOWN_SOURCE_FIELD, Code::TYPE_MISMATCH, Code::UNFIT_LIST]),
        Ref "$ref" => Rules(&[Code::UNKNOWN_SOURCE_FIELD, Code::TYPE_MISMATCH]),
        AnyOf "anyOf" => Rules(&[Code::TYPE_MISMATCH, Code::NULL_INTO_REQUIRED, Code::NULL_BACK]),
        OneOf "oneOf" => Rules(&[Code::TYPE_MISMATCH, Code::NULL_INTO_REQUIRED, Code::NULL_BACK]),
        AllOf "allOf" => Rules(&[Code::TYPE_MISMATCH]),
    }
}

members! {
    /// A webhook's envelope.
    EnvelopeMember {
        Properties "properties" => Rules(&[Code::UNKNOWN_SCHEMA]),
        Const "const" => Rules(&[Code::UNKNOWN_SCHEMA]),
        Role "x-usher" => Rules(&[Code::BROKEN_SCHEMA]),
        Type "type" => Rules(&[Code::BROKEN_SCHEMA]),
        Items "items" => Rules(&[Code::UNKNOWN_SCHEMA]),
        Ref "$ref" => Rules(&[Code::UNKNOWN_SCHEMA]),
    }
}
