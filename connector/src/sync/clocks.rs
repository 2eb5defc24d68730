//! The clocks of both systems beside usher's.

use runtime::merge::Clocks;

use super::TwoWaySync;

impl TwoWaySync {
    /// The present time by Salesforce's clock.
    pub(super) fn salesforce_now_ms(&self) -> i64 {
        self.now_ms() + self.salesforce.offset_ms()
    }

    /// How far both clocks are from usher's, and how sure that is.
    pub(crate) fn clocks(&self) -> Clocks {
        Clocks {
            source_offset_ms: self
                .ticketure
                .as_ref()
                .map_or(0, |client| client.offset_ms()),
            destination_offset_ms: self.salesforce.offset_ms(),
            ..Clocks::default()
        }
    }
}
