//! What an operator reads: the state of the queue in a screenful.

use runtime::queue::{FailedItem, Gated, ItemView, Status};

/// The first line says whether anything needs a person.
pub fn status(status: &Status) -> String {
    let waiting = status.ready + status.running + status.delayed;
    if let Some(pause) = status.pauses.first() {
        let since = time(pause.since_ms);
        return format!(
            "{} stands still since {since}: {}\n{}",
            pause.direction.replace('_', " "),
            pause.reason,
            numbers(status)
        );
    }
    let first = match (status.dead, waiting + status.parked) {
        (0, 0) => "all done".to_owned(),
        (0, left) => format!("working: {left} to do"),
        (dead, _) => format!("{dead} in the error log want a person: usher errors"),
    };
    format!("{first}\n{}", numbers(status))
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
    for (key, count) in status.parked_by_key.iter().take(10) {
        text += &format!("\n  {count} wait for {key}");
    }
    text
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
    if item.id == 0 {
        return format!(
            "{} stands still since {}\n  what     {}\n  do       {}",
            item.payload_type.replace('_', " "),
            time(item.received_at_ms),
            error.message,
            error.help
        );
    }
    format!(
        "item {}  {} {}  {}\n  what     {}: {}{line}\n  do       {}\n  then     usher retry {}",
        item.id,
        item.mapping.as_deref().unwrap_or(&item.payload_type),
        item.key,
        time(item.received_at_ms),
        error.code,
        error.message,
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
        item.key,
        time(item.received_at_ms),
        item.lane,
        item.attempts
    );
    for (name, value) in [("waits for", &item.wait_key), ("note", &item.note)] {
        if let Some(value) = value {
            text += &format!("\n  {name} {value}");
        }
    }
    if let Some(error) = &item.error {
        text += &format!("\n  {}: {}\n  do {}", error.code, error.message, error.help);
    }
    for line in &item.history {
        text += &format!("\n  {}  {} {}", time(line.at_ms), line.what, line.detail);
    }
    if let Some(payload) = &item.payload {
        text += &format!("\n  payload {payload}");
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
