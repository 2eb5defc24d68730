//! What an operator reads: the state of the queue in a screenful.

use std::collections::BTreeMap;

use runtime::queue::{FailedItem, Gated, HeldEdits, ItemView, Pause, Status};

use crate::handlers::households::PEOPLE;
use crate::sync::holds::CREATES;
use crate::sync::notes::blank_fields;
use crate::terminal::{self, sentence, value};

/// The most lines of keys that items wait for, and of problems that wait.
const KEYS_SHOWN: usize = 10;

/// The first line says whether anything needs a person.
pub fn status(status: &Status) -> String {
    let waiting = status.ready + status.running + status.delayed;
    if !status.pauses.is_empty() {
        let held = held_edits(&status.held_edits, "; ");
        let lines = standstills(&status.pauses);
        return format!("{}{held}\n{}", lines.join("\n"), numbers(status));
    }
    let parked = status.parked.saturating_sub(status.problems);
    let is_done = (status.dead, waiting + parked, status.problems) == (0, 0, 0);
    let held = held_edits(&status.held_edits, if is_done { ", but " } else { "; " });
    let first = match (status.dead, waiting + parked) {
        (0, 0) if status.problems > 0 => {
            format!("all done, but {}", waiting_problems(status.problems))
        }
        (0, 0) => "all done".to_owned(),
        (0, left) => format!("working: {left} to do"),
        (dead, _) => format!("{dead} in the error log want a person: usher errors"),
    };
    format!("{first}{held}\n{}", numbers(status))
}

/// A line a standstill: the directions, then what is held of them.
fn standstills(pauses: &[Pause]) -> Vec<String> {
    let (directions, parts): (Vec<&Pause>, Vec<&Pause>) = pauses
        .iter()
        .partition(|pause| pause.direction.starts_with("to_"));
    let said = |pause: &Pause| {
        let verb = match pause.direction.as_str() {
            CREATES => "stand still",
            _ => "stands still",
        };
        format!(
            "{} {verb} since {}: {}",
            pause.direction.replacen("to_", "to ", 1),
            time(pause.since_ms),
            pause.reason
        )
    };
    directions.into_iter().chain(parts).map(said).collect()
}

/// Says of how many linked records edits are held, and for which fields. Empty where none are.
fn held_edits(held: &[HeldEdits], before: &str) -> String {
    let mut kinds: BTreeMap<bool, (u64, Vec<String>)> = BTreeMap::new();
    for one in held {
        let (count, reasons) = kinds.entry(one.mapping != PEOPLE).or_default();
        *count += one.records;
        let fields = blank_fields(&one.reason).join(" and ");
        reasons.push(format!("{} without {fields}", one.records));
    }
    let kinds = kinds.into_iter().map(|(is_other, (count, reasons))| {
        let noun = match (is_other, count) {
            (false, 1) => "person",
            (false, _) => "people",
            (true, 1) => "organization",
            (true, _) => "organizations",
        };
        format!("edits of {count} {noun} are held: {}", reasons.join(", "))
    });
    let kinds: Vec<String> = kinds.collect();
    match kinds.is_empty() {
        true => String::new(),
        false => format!("{before}{} (usher gates)", kinds.join("; ")),
    }
}

fn numbers(status: &Status) -> String {
    let age = status
        .oldest_age_ms
        .map(|ms| format!(", the oldest for {}", duration(ms)))
        .unwrap_or_default();
    let mut text = format!(
        "  done {}   ready {}   running {}   retrying {}   parked {}   errors {}   duplicates {}{age}",
        status.done,
        status.ready,
        status.running,
        status.delayed,
        status.parked,
        status.dead,
        status.duplicates
    );
    for (count, what) in [
        (
            status.ignored,
            "webhooks were ignored, as ignore_webhooks says",
        ),
        (
            status.expired,
            "webhooks that no mapping takes were dropped, since nobody wanted them in time",
        ),
        (
            status.refused,
            "webhooks were refused, since they were no JSON",
        ),
    ] {
        if count > 0 {
            text += &format!("\n  {count} {what}");
        }
    }
    if status.incomplete + status.unmonitored > 0 {
        text += &format!(
            "\n  not going back: {} incomplete, {} with nothing monitored changed (usher gates)",
            status.incomplete, status.unmonitored
        );
    }
    if status.open_intents > 0 {
        text += &format!(
            "\n  {} writes are being made or read back",
            status.open_intents
        );
    }
    for (key, count) in status.parked_by_key.iter().take(KEYS_SHOWN) {
        text += &format!("\n  {count} wait for {}", value(key));
    }
    if status.problems > 0 {
        text += &format!("\n  {}:", waiting_problems(status.problems));
    }
    for note in status.problem_notes.iter().take(KEYS_SHOWN) {
        text += &format!("\n    {}", sentence(note));
    }
    text
}

/// The count of waiting problems as a clause.
fn waiting_problems(count: u64) -> String {
    match count {
        1 => "1 problem waits for more to be heard (usher errors)".to_owned(),
        count => format!("{count} problems wait for more to be heard (usher errors)"),
    }
}

/// Records that may not go back as they are.
pub fn gates(gated: &[Gated]) -> String {
    if gated.is_empty() {
        return "every changed record may go back".to_owned();
    }
    let line = |gated: &Gated| {
        format!(
            "{} {}  {}: {}",
            gated.mapping, gated.destination_id, gated.gate, gated.reason
        )
    };
    gated.iter().map(line).collect::<Vec<_>>().join("\n")
}

pub fn errors(errors: &[FailedItem]) -> String {
    if errors.is_empty() {
        return "the error log is empty".to_owned();
    }
    errors.iter().map(failed).collect::<Vec<_>>().join("\n\n")
}

fn failed(item: &FailedItem) -> String {
    let error = &item.error;
    let line = error
        .mapping_line
        .as_deref()
        .map(|line| format!("\n  mapping  {line}"))
        .unwrap_or_default();
    if let Some(until_ms) = item.waits_until_ms {
        return format!(
            "item {}  {} {}  {}\n  waits    {}, until {}\n  do       {}",
            item.id,
            item.mapping.as_deref().unwrap_or(&item.payload_type),
            value(&item.key),
            time(item.received_at_ms),
            sentence(&error.line()),
            time(until_ms),
            error.help
        );
    }
    if item.id == 0 {
        return format!(
            "{} stands still since {}\n  what     {}\n  do       {}",
            item.payload_type.replace('_', " "),
            time(item.received_at_ms),
            error.message,
            error.help
        );
    }
    let others = match item.count {
        0 | 1 => String::new(),
        count => format!("\n  rows     {count}, this is the last of them"),
    };
    format!(
        "item {}  {} {}  {}\n  what     {}{others}{line}\n  do       {}\n  then     usher retry {}",
        item.id,
        item.mapping.as_deref().unwrap_or(&item.payload_type),
        value(&item.key),
        time(item.received_at_ms),
        sentence(&error.line()),
        error.help,
        item.id
    )
}

pub fn item(item: &ItemView) -> String {
    let state = serde_json::to_value(item.state)
        .ok()
        .and_then(|state| state.as_str().map(str::to_owned))
        .unwrap_or_default();
    let mut text = format!(
        "item {}  {} {}  {state}\n  received {}   lane {}   attempts {}",
        item.id,
        item.mapping.as_deref().unwrap_or(&item.payload_type),
        value(&item.key),
        time(item.received_at_ms),
        value(&item.lane),
        item.attempts
    );
    // A problem has a wait key for the store alone. Its message says why it waits.
    let is_problem = item.cause.is_some();
    let lines = [("waits for", &item.wait_key), ("note", &item.note)];
    for (name, value) in lines.into_iter().filter(|_| !is_problem) {
        if let Some(value) = value {
            text += &format!("\n  {name} {}", sentence(value));
        }
    }
    if let Some(error) = &item.error {
        text += &format!("\n  {}\n  do {}", sentence(&error.line()), error.help);
        if let Some(line) = &error.mapping_line {
            text += &format!("\n  mapping {line}");
        }
    }
    if let (true, Some(due_ms)) = (is_problem, item.due_ms) {
        text += &format!("\n  in the error log from {}", time(due_ms));
    }
    for line in &item.history {
        text += &format!(
            "\n  {}  {} {}",
            time(line.at_ms),
            line.what,
            sentence(&line.detail)
        );
    }
    if let Some(payload) = &item.payload {
        text += &format!("\n  payload {}", terminal::payload(payload));
    }
    text
}

pub fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map(|time| time.strftime("%F %T UTC").to_string())
        .unwrap_or_default()
}

fn duration(ms: i64) -> String {
    match ms / 1000 {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7_199 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::notes::missing_named;
    use runtime::queue::ErrorRecord;

    fn failed(waits_until_ms: Option<i64>) -> FailedItem {
        FailedItem {
            count: 1,
            id: 7,
            mapping: Some("cart".to_owned()),
            payload_type: "tree_again".to_owned(),
            key: "c-1".to_owned(),
            attempts: 0,
            received_at_ms: 0,
            error: ErrorRecord {
                code: "refund_waits".to_owned(),
                message: "refund g-3 of cart c-1: 40.00 are more than was charged".to_owned(),
                mapping_line: None,
                help: "Nothing.".to_owned(),
                group: None,
            },
            waits_until_ms,
        }
    }

    #[test]
    fn a_problem_that_waits_is_shown_by_its_message() {
        let shown = status(&Status {
            parked: 1,
            problems: 1,
            problem_notes: vec!["refund g-3 of cart c-1".to_owned()],
            ..Status::default()
        });
        assert!(
            shown.starts_with("all done, but 1 problem waits"),
            "{shown}"
        );
        assert!(shown.contains("\n    refund g-3 of cart c-1"), "{shown}");
        let shown = errors(&[failed(Some(86_400_000))]);
        assert!(shown.contains("until 1970-01-02"), "{shown}");
        assert!(!shown.contains("usher retry"), "{shown}");
    }

    #[test]
    fn the_first_line_says_whose_edits_are_held_and_for_what() {
        let contact = generated::MAPPINGS.iter().find(|one| one.name == PEOPLE);
        let held = |fields: &[&str], records: u64| HeldEdits {
            mapping: PEOPLE.to_owned(),
            reason: missing_named(contact.unwrap(), fields),
            records,
        };
        let mut now = Status {
            held_edits: vec![held(&["Email"], 2), held(&["LastName", "Email"], 1)],
            ..Status::default()
        };
        let held = "edits of 3 people are held: 2 without Email, 1 without LastName and Email";
        let shown = status(&now);
        assert!(
            shown.starts_with(&format!("all done, but {held} (usher gates)\n")),
            "{shown}"
        );
        now.ready = 1;
        let shown = status(&now);
        assert!(
            shown.starts_with(&format!("working: 1 to do; {held}")),
            "{shown}"
        );
    }

    #[test]
    fn a_code_stands_in_a_line_once() {
        let mut item = failed(None);
        assert!(errors(&[item.clone()]).contains("refund_waits: refund g-3"));
        item.error.message = "ticket t-1: refund_waits: too much".to_owned();
        assert_eq!(errors(&[item]).matches("refund_waits").count(), 1);
    }
}
