//! Something was paid, or paid back. The mappings say it all.

use generated::on_gateway_audit::GatewayAudit;

/// Takes the rows of `gateway_audit`.
#[derive(Debug, Clone, Copy, Default)]
pub struct GatewayAuditHandler;

impl GatewayAudit for GatewayAuditHandler {}
