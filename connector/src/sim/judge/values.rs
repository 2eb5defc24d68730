//! What became of every value that somebody typed.

use serde_json::Value;
use simulator::{Actor, Operation, Write};

use super::{Compare, FIELDS, ORGANIZATION, at, pairs, survivor, text};
use crate::sim::world::Ended;

/// So long a write whose answer never came is known as ours.
const LATE_KNOWN_MS: i64 = 600_000;

/// One value that a person typed.
struct Typed<'w> {
    write: &'w Write,
    ticketure: bool,
    path: &'static [&'static str],
    field: &'static str,
    value: String,
    compare: Compare,
}

impl Typed<'_> {
    /// What a write of the same side says of the field.
    fn value_in(&self, write: &Write) -> Option<String> {
        Some(match self.ticketure {
            true => self
                .compare
                .of_ticketure(Some(at(&write.fields, self.path)?)),
            false => self
                .compare
                .of_salesforce(Some(write.fields.get(self.field)?)),
        })
    }
}

fn typed<'w>(ended: &Ended, writes: &'w [Write], ticketure: bool) -> Vec<Typed<'w>> {
    let organizations: Vec<String> = ended
        .simulator
        .identities()
        .iter()
        .filter(|identity| text(identity, "identity_type") == "organization")
        .map(|identity| text(identity, "id").to_owned())
        .collect();
    let mut all = Vec::new();
    for write in writes
        .iter()
        .filter(|write| write.actor == Actor::User && write.operation != Operation::Delete)
    {
        let fields = if write.object == "Account" || organizations.contains(&write.id) {
            ORGANIZATION
        } else {
            FIELDS
        };
        for (path, field, compare) in fields {
            // A trigger may make capitals of what was typed: that is no loss.
            let compare = match compare {
                Compare::Text => Compare::Lower,
                Compare::Lower | Compare::Opposite => *compare,
            };
            let value = match ticketure {
                true => at(&write.fields, path).map(|value| compare.of_ticketure(Some(value))),
                false => write
                    .fields
                    .get(*field)
                    .map(|value| compare.of_salesforce(Some(value))),
            };
            if let Some(value) = value {
                all.push(Typed {
                    write,
                    ticketure,
                    path,
                    field,
                    value,
                    compare,
                });
            }
        }
    }
    all
}

/// What somebody typed is in the result, or in the conflict log, or it arrived on the other side, or the same side
/// typed over it, or it was overwritten before it could be seen.
pub(super) fn nothing_lost(ended: &Ended, faults: &mut Vec<String>) {
    let (here, there) = (ended.simulator.write_log(), ended.simulator.tenant_log());
    let mut all = typed(ended, &here, false);
    all.extend(typed(ended, &there, true));
    for typed in all {
        let Some((identity_id, record_id)) = pair_of(ended, &typed) else {
            continue;
        };
        if accounted_for(ended, &typed, &here, &there, &identity_id, &record_id) {
            continue;
        }
        let side = if typed.ticketure {
            "Ticketure"
        } else {
            "Salesforce"
        };
        faults.push(format!(
            "lost: {} = {:?}, typed in {side} at {} about {identity_id}",
            typed.field, typed.value, typed.write.at_ms
        ));
    }
}

/// Ids of both sides of the record that was edited, where there is a pair.
fn pair_of(ended: &Ended, typed: &Typed<'_>) -> Option<(String, String)> {
    pairs(ended).into_iter().find_map(|(identity, record, _)| {
        let (identity, record) = (
            text(&identity, "id").to_owned(),
            text(&record, "Id").to_owned(),
        );
        let mine = if typed.ticketure { &identity } else { &record };
        (*mine == typed.write.id).then_some((identity, record))
    })
}

fn accounted_for(
    ended: &Ended,
    typed: &Typed<'_>,
    here: &[Write],
    there: &[Write],
    identity_id: &str,
    record_id: &str,
) -> bool {
    let value_there = |write: &Write| {
        at(&write.fields, typed.path).map(|value| typed.compare.of_ticketure(Some(value)))
    };
    let value_here = |write: &Write| {
        write
            .fields
            .get(typed.field)
            .map(|value| typed.compare.of_salesforce(Some(value)))
    };
    let (mine, others) = if typed.ticketure {
        (there, here)
    } else {
        (here, there)
    };
    let (mine_id, other_id) = if typed.ticketure {
        (identity_id, record_id)
    } else {
        (record_id, identity_id)
    };
    let value_of = |write: &Write, ticketure: bool| {
        if ticketure {
            value_there(write)
        } else {
            value_here(write)
        }
    };
    // Until a merge in Ticketure the record was another identity's.
    let former = former(ended, identity_id);
    let is_other =
        |id: &str| id == other_id || (!typed.ticketure && former.iter().any(|one| one == id));
    // It arrived on the other side, or was there already.
    let arrived = others
        .iter()
        .filter(|write| is_other(&write.id))
        .any(|write| value_of(write, !typed.ticketure).as_deref() == Some(typed.value.as_str()));
    let (my_error, other_error) = match typed.ticketure {
        true => (ended.ticketure_error_ms, ended.salesforce_error_ms),
        false => (ended.salesforce_error_ms, ended.ticketure_error_ms),
    };
    let blank = || match typed.compare {
        Compare::Opposite => "false".to_owned(),
        Compare::Text | Compare::Lower => String::new(),
    };
    let there_then = others
        .iter()
        .rev()
        .filter(|write| {
            write.id == other_id && write.at_ms - other_error <= typed.write.at_ms - my_error
        })
        .find_map(|write| value_of(write, !typed.ticketure))
        .unwrap_or_else(blank);
    // The next write of the field on its own side.
    let next = mine
        .iter()
        .filter(|write| write.id == mine_id && write.sequence > typed.write.sequence)
        .find(|write| value_of(write, typed.ticketure).is_some());
    let in_log = ended.conflicts.iter().any(|conflict| {
        (conflict.source_id == identity_id || former.contains(&conflict.source_id))
            && conflict.field == typed.field
            && [Some(&conflict.value), conflict.loser.as_ref()]
                .into_iter()
                .flatten()
                .any(|value| {
                    let value: Value = serde_json::from_str(value).unwrap_or_default();
                    typed.compare.of_salesforce(Some(&value)) == typed.value
                })
    });
    // What was there when it was last shown, or written by us: typing that again says nothing, and what stood there
    // in between nobody has seen.
    let shown_at = last_shown(ended, typed, mine_id);
    let before = mine
        .iter()
        .rev()
        .filter(|write| write.id == mine_id && write.sequence < typed.write.sequence)
        .filter(|write| write.actor == Actor::Api || write.at_ms - my_error <= shown_at)
        .find_map(|write| value_of(write, typed.ticketure));
    let before = before.unwrap_or_else(blank);
    let filled = typed.value == blank()
        && before_they_met(ended, typed, here, there, [identity_id, record_id]);
    if arrived || in_log || filled || before == typed.value || there_then == typed.value {
        return true;
    }
    match next {
        // Nothing came after it: it is the result, which is compared elsewhere.
        None => true,
        Some(next) if next.actor == Actor::User => true,
        // The same value: nothing was lost.
        Some(next) if value_of(next, typed.ticketure).as_deref() == Some(typed.value.as_str()) => {
            true
        }
        Some(next) => !was_shown(ended, typed, next, mine_id),
    }
}

/// Returns the identities that were merged into this one.
fn former(ended: &Ended, identity_id: &str) -> Vec<String> {
    let log = ended.simulator.tenant_log();
    let merged = log
        .iter()
        .filter(|write| write.fields.contains_key("merged_into_id"));
    let merged = merged.filter(|write| survivor(ended, &write.id) == identity_id);
    merged.map(|write| write.id.clone()).collect()
}

/// Was it typed while each side had a record of its own, and neither knew of the other? When they meet blanks are
/// filled, which is the mapping's word and nobody's loss.
fn before_they_met(
    ended: &Ended,
    typed: &Typed<'_>,
    here: &[Write],
    there: &[Write],
    [identity_id, record_id]: [&str; 2],
) -> bool {
    let by_people = |log: &[Write], id: &str| {
        log.iter().any(|write| {
            write.id == id && write.operation == Operation::Create && write.actor == Actor::User
        })
    };
    let met = here.iter().find(|write| {
        let linked = write.fields.get("Ticketure_Identity_Id__c");
        write.id == record_id && linked.and_then(Value::as_str) == Some(identity_id)
    });
    let my_error = match typed.ticketure {
        true => ended.ticketure_error_ms,
        false => ended.salesforce_error_ms,
    };
    by_people(here, record_id)
        && by_people(there, identity_id)
        && met.is_some_and(|met| {
            typed.write.at_ms - my_error <= met.at_ms - ended.salesforce_error_ms
        })
}

/// When the system last showed the record before the edit.
fn last_shown(ended: &Ended, typed: &Typed<'_>, id: &str) -> i64 {
    let error = if typed.ticketure {
        ended.ticketure_error_ms
    } else {
        ended.salesforce_error_ms
    };
    let shown = ended.seen.iter().filter(|seen| {
        seen.ticketure == typed.ticketure
            && seen.at_ms <= typed.write.at_ms - error
            && shows(&seen.text, typed, id)
    });
    shown.map(|seen| seen.shows_ms).max().unwrap_or(i64::MIN)
}

/// Did the system show the record between the edit and the write that overwrote it?
fn was_shown(ended: &Ended, typed: &Typed<'_>, next: &Write, id: &str) -> bool {
    let error = if typed.ticketure {
        ended.ticketure_error_ms
    } else {
        ended.salesforce_error_ms
    };
    let (from, to) = (typed.write.at_ms - error, next.at_ms - error);
    ended.seen.iter().any(|seen| {
        seen.ticketure == typed.ticketure
            && seen.shows_ms > from
            && seen.at_ms < to
            && shows(&seen.text, typed, id)
    })
}

/// Is the record itself in the text? One that only refers to it shows nothing of it, and neither does an answer of
/// Salesforce's to a question that was about other fields.
fn shows(text: &str, typed: &Typed<'_>, id: &str) -> bool {
    let asked = typed.ticketure || text.contains(&format!("\"{}\":", typed.field));
    let mut names = ["Id", "id"].iter();
    asked && names.any(|name| text.contains(&format!("\"{name}\":\"{id}\"")))
}

/// What one side's people replaced never returns to that side, unless the other side's people typed it: so a late
/// write or an old event shows that turned time back. A replacement that nobody was shown in time does not count.
pub(super) fn nothing_comes_back(ended: &Ended, faults: &mut Vec<String>) {
    let (here, there) = (ended.simulator.write_log(), ended.simulator.tenant_log());
    let (typed_here, typed_there) = (typed(ended, &here, false), typed(ended, &there, true));
    for (identity, record, fields) in pairs(ended) {
        let (source_id, record_id) = (text(&identity, "id"), text(&record, "Id"));
        for (_, field, _) in fields {
            let of = |all: &[Typed<'_>], id: &str| -> Vec<usize> {
                let mine = |typed: &Typed<'_>| typed.write.id == id && typed.field == *field;
                (0..all.len())
                    .filter(|index| all.get(*index).is_some_and(mine))
                    .collect()
            };
            // The opt-out of a person who was merged wins over what the survivor's own people had lifted.
            let told = ended.conflicts.iter().any(|conflict| {
                matches!(conflict.why.as_str(), "came_late" | "merged")
                    && conflict.field == *field
                    && conflict.source_id == source_id
            });
            if told {
                continue;
            }
            let under = went_under(ended, field, source_id);
            let sides = [
                (&there, &typed_there, source_id, &typed_here, record_id),
                (&here, &typed_here, record_id, &typed_there, source_id),
            ];
            for (log, mine, id, others, other_id) in sides {
                let others: Vec<&str> = of(others, other_id)
                    .into_iter()
                    .filter_map(|index| others.get(index).map(|typed| typed.value.as_str()))
                    .collect();
                let mine: Vec<&Typed<'_>> = of(mine, id)
                    .into_iter()
                    .filter_map(|index| mine.get(index))
                    .collect();
                for write in log
                    .iter()
                    .filter(|write| write.id == id && write.actor == Actor::Api)
                {
                    if let Some(value) = came_back(ended, log, &mine, &others, &under, write) {
                        faults.push(format!("{field} = {value:?} came back to {id} after its own people had replaced it"));
                    }
                }
            }
        }
    }
}

/// What was overwritten between a reading and a write, and told.
fn went_under(ended: &Ended, field: &str, source_id: &str) -> Vec<Value> {
    let mine = ended.conflicts.iter().filter(|conflict| {
        conflict.why == "went_under" && conflict.field == field && conflict.source_id == source_id
    });
    mine.filter_map(|conflict| serde_json::from_str(conflict.loser.as_ref()?).ok())
        .collect()
}

/// The value that a write brings back to the side whose people had replaced it.
fn came_back(
    ended: &Ended,
    log: &[Write],
    mine: &[&Typed<'_>],
    others: &[&str],
    went_under: &[Value],
    write: &Write,
) -> Option<String> {
    let before: Vec<&&Typed<'_>> = mine
        .iter()
        .filter(|typed| typed.write.sequence < write.sequence)
        .collect();
    let last = before.last()?;
    let mut told = went_under.iter();
    if told.any(|loser| last.compare.of_salesforce(Some(loser)) == last.value) {
        return None;
    }
    let value = last.value_in(write)?;
    // A late write that is first seen so long after it was called for is not known as ours any more.
    let same = before.iter().filter(|typed| typed.value == value);
    let typed_at = same.map(|typed| typed.write.at_ms).max();
    let typed_at = typed_at.unwrap_or(last.write.at_ms);
    if ended.commits_late && write.at_ms - typed_at > LATE_KNOWN_MS {
        return None;
    }
    let blank = value.is_empty() || value == "false";
    let replaced = last.value != value && before.iter().any(|typed| typed.value == value);
    let back = !blank && replaced && !others.contains(&value.as_str());
    // It may have been overwritten before that, and not been there to be shown any more.
    let over = log.iter().find(|over| {
        over.id == write.id && over.sequence > last.write.sequence && last.value_in(over).is_some()
    });
    (back && was_shown(ended, last, over.unwrap_or(write), &write.id)).then_some(value)
}
