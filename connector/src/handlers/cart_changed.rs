//! A cart was opened, paid for or cancelled in Ticketure. The mappings say it all.

use generated::on_cart_changed::CartChanged;

/// Takes the rows of `cart_changed`.
#[derive(Debug, Clone, Copy, Default)]
pub struct CartChangedHandler;

impl CartChanged for CartChangedHandler {}
