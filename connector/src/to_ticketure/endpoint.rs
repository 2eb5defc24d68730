//! Where Ticketure takes which record. The paths are the storefront's; see `mappings/schemas/ticketure`.

use runtime::mapping::{Constant, Is, MappingDescriptor};

/// The entity under which a record is read and changed: `identity`.
pub(crate) fn entity(mapping: &MappingDescriptor) -> &'static str {
    mapping.payload.name
}

/// Below `/api/`, where a record is created. People are made as users.
pub(crate) fn create_path(mapping: &MappingDescriptor) -> &'static str {
    let organization = mapping.when.iter().any(|condition| {
        condition.path == ["identity_type"]
            && condition.is == Is::Equal(Constant::Text("organization"))
    });
    match (mapping.payload.name, organization) {
        ("identity", true) => "organization",
        ("identity", false) => "user",
        (other, _) => other,
    }
}
