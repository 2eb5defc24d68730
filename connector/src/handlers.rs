//! What a mapping cannot say: one file a payload type. Most say nothing and take what their mappings make.

pub(crate) mod households;
mod identity_changed;
pub(crate) mod npsp;

use generated::on_identity_changed::IdentityChangedAdapter;
use runtime::handler::Handler;

/// The handlers of every payload type.
pub fn all() -> Vec<Box<dyn Handler>> {
    vec![Box::new(IdentityChangedAdapter(
        identity_changed::IdentityChangedHandler,
    ))]
}
