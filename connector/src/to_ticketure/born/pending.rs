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
        if !self.is_create_pending(pair, record).await? {
            return Ok(None);
        }
        let waits = "the surviving record is being created in Ticketure";
        Ok(Some(self.again(CHECK_MS, waits)))
    }

    async fn is_create_pending(&self, pair: &Pair, record: &str) -> Result<bool, StoreError> {
        let key = birth_key(pair.mapping(), record).key;
        let open = self.store.intents(pair.mapping().name, vec![key]).await?;
        let is_over = |made_at_ms: i64| made_at_ms + SETTLED_MS <= self.now_ms();
        let mut creates = open.iter().filter(|one| one.kind == "create");
        let is_pending =
            creates.any(|one| one.key.side == Side::Source && !is_over(one.made_at_ms));
        Ok(is_pending && !self.breaks(Broken::Intents))
    }
}
