//! What a mapping cannot say: one file a payload type. Most say nothing and take what their mappings make.

pub(crate) mod books;
mod cart_changed;
pub(crate) mod currency;
mod gateway_audit;
pub(crate) mod households;
mod identity_changed;
mod membership_changed;
pub(crate) mod memberships;
pub(crate) mod npsp;
mod organization_changed;
pub(crate) mod organizations;
pub(crate) mod staff;
mod ticket_audit;

use generated::on_cart_changed::CartChangedAdapter;
use generated::on_gateway_audit::GatewayAuditAdapter;
use generated::on_identity_changed::IdentityChangedAdapter;
use generated::on_membership_changed::MembershipChangedAdapter;
use generated::on_organization_changed::OrganizationChangedAdapter;
use generated::on_ticket_audit::TicketAuditAdapter;
use runtime::handler::Handler;

/// The handlers of every payload type.
pub fn all() -> Vec<Box<dyn Handler>> {
    vec![
        Box::new(CartChangedAdapter(cart_changed::CartChangedHandler)),
        Box::new(GatewayAuditAdapter(gateway_audit::GatewayAuditHandler)),
        Box::new(IdentityChangedAdapter(
            identity_changed::IdentityChangedHandler,
        )),
        Box::new(MembershipChangedAdapter(
            membership_changed::MembershipChangedHandler,
        )),
        Box::new(OrganizationChangedAdapter(
            organization_changed::OrganizationChangedHandler,
        )),
        Box::new(TicketAuditAdapter(ticket_audit::TicketAuditHandler)),
    ]
}
