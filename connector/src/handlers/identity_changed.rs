//! A person or an organization changed in Ticketure. The mappings say it all.

use generated::on_identity_changed::IdentityChanged;

/// Takes the rows of `identity_changed`.
#[derive(Debug, Clone, Copy, Default)]
pub struct IdentityChangedHandler;

impl IdentityChanged for IdentityChangedHandler {}
