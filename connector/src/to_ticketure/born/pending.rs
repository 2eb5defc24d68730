//! Creates in Ticketure that were begun and have no known outcome. Until such a create has one, no merge gives its record
//! to another identity: a create that is carried out late would make the person a second time.

use runtime::mapping::Side;
use runtime::queue::{Outcome, StoreError};

use super::birth_key;
use crate::sync::meeting::destination_key;
use crate::sync::pair::Pair;
use crate::sync::{Broken, TwoWaySync};

/// Time for the create to be settled. No call is carried out later than that.
const SETTLED_MS: i64 = 600_000;
/// Wait before each new check.
const CHECK_MS: i64 = 30_000;

impl TwoWaySync {
    /// Returns a retry for a pair that would take over a record that is being created in Ticketure. After ten minutes
    /// the takeover goes on.
    pub(crate) async fn until_created(
        &self,
        pair: &Pair,
        record: &str,
    ) -> Result<Option<Outcome>, StoreError> {
        let key = destination_key(pair.mapping(), record);
        if self.meetings.is_elsewhere(&key, pair.batch) {
            return Ok(Some(self.meets_elsewhere()));
        }
        let heard_ms = pair.unit.items.iter().map(|item| item.received_at_ms).min();
        let is_over = heard_ms.is_none_or(|heard_ms| heard_ms + SETTLED_MS <= self.now_ms());
        if is_over || !self.is_create_pending(pair, record).await? {
            return Ok(None);
        }
        let waits = "the surviving record is being created in Ticketure";
        Ok(Some(self.again(CHECK_MS, waits)))
    }

    async fn is_create_pending(&self, pair: &Pair, record: &str) -> Result<bool, StoreError> {
        let key = birth_key(pair.mapping(), record).key;
        let open = self.store.intents(pair.mapping().name, vec![key]).await?;
        let is_create = |side: Side, kind: &str| side == Side::Source && kind == "create";
        let mut open = open.iter();
        let is_pending = open.any(|intent| is_create(intent.key.side, intent.kind));
        Ok(is_pending && !self.breaks(Broken::Intents))
    }
}
