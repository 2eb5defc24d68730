//! How a store behaves, and how long it keeps things.

/// How a store behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreOptions {
    /// Keep every payload as it came.
    pub event_log: bool,
    /// Items that are neither done nor dead, at most.
    pub queue_limit: u64,
    pub keep: Keep,
    /// Mappings whose record may be there in the place of another's.
    pub stand_ins: Vec<StandIn>,
    /// Breaks a promise on purpose. No configuration sets it.
    #[doc(hidden)]
    pub breaks: Option<Breaks>,
}

/// Two mappings of one kind of source record: what waits for a record of the first goes on with one of the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandIn {
    pub waited_for: &'static str,
    pub instead: &'static str,
}

/// Promises that can be broken, so that tests and `usher sim` show that they would notice. A field and no feature: one
/// build tries all of them, as with the other broken variants of the simulation.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaks {
    /// Items park without a look whether the link is there.
    Parking,
    /// Settlements of earlier claims are taken.
    Fence,
    /// Items are handed out whatever comes before them in their lane.
    Order,
}

/// How long things are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keep {
    /// Done items, and the ids of deliveries: a repeat that comes later than that is processed once more.
    pub done_ms: i64,
    /// The event log.
    pub events_ms: i64,
    /// The payloads in the event log together, in bytes.
    pub events_bytes: u64,
    /// Parked items, before they are in the error log as never arrived.
    pub parked_ms: i64,
}

const DAY_MS: i64 = 24 * 3_600_000;

impl Default for Keep {
    fn default() -> Self {
        Keep {
            done_ms: 30 * DAY_MS,
            events_ms: 30 * DAY_MS,
            events_bytes: 1 << 30,
            parked_ms: 7 * DAY_MS,
        }
    }
}

impl Default for StoreOptions {
    fn default() -> Self {
        StoreOptions {
            event_log: false,
            queue_limit: 1_000_000,
            keep: Keep::default(),
            stand_ins: Vec::new(),
            breaks: None,
        }
    }
}
