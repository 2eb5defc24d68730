//! A membership was bought, renewed, extended or cancelled in Ticketure. The mappings say it all.

use generated::on_membership_changed::MembershipChanged;

/// Takes the rows of `membership_changed`.
#[derive(Debug, Clone, Copy, Default)]
pub struct MembershipChangedHandler;

impl MembershipChanged for MembershipChangedHandler {}
