//! Something happened to a ticket, or to whatever else was sold. The mappings say it all.

use generated::on_ticket_audit::TicketAudit;

/// Takes the rows of `ticket_audit`.
#[derive(Debug, Clone, Copy, Default)]
pub struct TicketAuditHandler;

impl TicketAudit for TicketAuditHandler {}
