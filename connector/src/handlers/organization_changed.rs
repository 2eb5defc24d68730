//! An organization changed in Ticketure, by a webhook of its own. The mapping says it all.

use generated::on_organization_changed::OrganizationChanged;

/// Takes the rows of `organization_changed`.
#[derive(Debug, Clone, Copy, Default)]
pub struct OrganizationChangedHandler;

impl OrganizationChanged for OrganizationChangedHandler {}
