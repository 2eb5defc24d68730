//! How often the systems were called: by what there was to do, and not by how long something was wrong.

use crate::sim::world::Ended;

/// Calls of a process beside those for its items: log-ins, limits, the first look.
const OF_A_PROCESS: u64 = 25;
/// Calls for an item: a look at either side, look-ups, a write to each side, and all of it again after failures.
const OF_AN_ITEM: u64 = 6;
/// Tries while a system is away: those under way when it went, and ever fewer after them; after a kill from the start.
const WHILE_AWAY: u64 = 20;
const AFTER_A_KILL: u64 = 10;
/// Then one try in so many milliseconds.
const TRY_EVERY_MS: u64 = 20_000;

pub(super) fn bounded(ended: &Ended, faults: &mut Vec<String>) {
    let processes = 1 + ended.crashes;
    let most = OF_A_PROCESS * processes + OF_AN_ITEM * ended.items;
    if ended.calls.all > most {
        faults.push(format!(
            "{} calls were made for {} items, and {most} are enough",
            ended.calls.all, ended.items
        ));
    }
    let systems = ["Salesforce", "Ticketure"];
    for ((system, away_ms), calls) in systems.iter().zip(ended.away_ms).zip(ended.calls.away) {
        let most = WHILE_AWAY + AFTER_A_KILL * ended.crashes + away_ms / TRY_EVERY_MS;
        if calls > most {
            faults.push(format!(
                "{system} was called {calls} times while it was away, and {most} are enough"
            ));
        }
    }
}

/// What was acknowledged is stored.
pub(super) fn all_stored(ended: &Ended, faults: &mut Vec<String>) {
    for id in &ended.not_stored {
        faults.push(format!("delivery {id} was acknowledged, and is not stored"));
    }
}
