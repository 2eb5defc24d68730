//! What is about to be written, and who won what: on the disk before the call is made.

use super::StoreError;
use super::item::{DecisionRecord, Intent, IntentKey, Link};
use super::link;
use super::step::Step;
use crate::mapping::Side;

/// One transaction for a batch: the intents, the pairs as they were seen, and the decisions.
pub(super) fn begin(
    step: &Step<'_>,
    intents: &[Intent],
    links: &[Link],
    decisions: &[DecisionRecord],
) -> Result<usize, StoreError> {
    link::put_all(step, links)?;
    for intent in intents {
        step.execute(
            "INSERT OR REPLACE INTO intents (mapping, key, side, kind, fields, repeat, made_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            (
                &intent.key.mapping,
                &intent.key.key,
                side_name(intent.key.side),
                intent.kind,
                &intent.fields,
                intent.repeat.name(),
                step.now_ms,
            ),
        )?;
    }
    for decision in decisions {
        step.execute(
            "INSERT OR IGNORE INTO decisions
             (at, mapping, source_id, field, winner, why, value, winner_at, loser, loser_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            (
                step.now_ms,
                &decision.mapping,
                &decision.source_id,
                &decision.field,
                &decision.winner,
                &decision.why,
                &decision.value,
                decision.winner_at_ms,
                &decision.loser,
                decision.loser_at_ms,
            ),
        )?;
    }
    Ok(intents.len())
}

/// The outcome is known.
pub(super) fn close(step: &Step<'_>, key: &IntentKey) -> Result<(), StoreError> {
    step.execute(
        "DELETE FROM intents WHERE mapping = ?1 AND key = ?2 AND side = ?3",
        (&key.mapping, &key.key, side_name(key.side)),
    )?;
    Ok(())
}

pub(super) fn side_name(side: Side) -> &'static str {
    match side {
        Side::Source => "ticketure",
        Side::Destination => "salesforce",
    }
}

pub(super) fn side_of(name: &str) -> Side {
    match name {
        "ticketure" => Side::Source,
        _ => Side::Destination,
    }
}
