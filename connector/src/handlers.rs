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

/// The handlers of every payload type: those written by hand, and the generated one of each other webhook.
pub fn all() -> Vec<Box<dyn Handler>> {
    with_generated(written(), generated::HANDLERS)
}

/// Adds the generated handlers of the payload types that no handler takes yet. So a new webhook needs no Rust.
pub fn with_generated(
    written: Vec<Box<dyn Handler>>,
    generated: &[&'static dyn Handler],
) -> Vec<Box<dyn Handler>> {
    let mut all = written;
    for handler in generated {
        let mut known = all.iter();
        if !known.any(|known| known.payload_type() == handler.payload_type()) {
            all.push(Box::new(*handler));
        }
    }
    all
}

/// The handlers that a person may add to.
fn written() -> Vec<Box<dyn Handler>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_payload_type_has_one_handler() {
        let types = |all: &[Box<dyn Handler>]| -> Vec<&str> {
            let mut types: Vec<&str> = all.iter().map(|one| one.payload_type()).collect();
            types.sort_unstable();
            types
        };
        let listed = generated::HANDLERS.iter().map(|one| one.payload_type());
        let listed: Vec<&str> = listed.collect();
        assert_eq!(types(&all()), listed);
        assert_eq!(
            types(&with_generated(Vec::new(), generated::HANDLERS)),
            listed
        );
        let mapped = generated::HANDLERS.iter().flat_map(|one| one.mappings());
        assert_eq!(mapped.count(), generated::MAPPINGS.len());
    }
}
