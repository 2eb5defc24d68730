//! What an operator reads: the state of the queue in a screenful.

use runtime::queue::{FailedItem, ItemView, Review, Status};

/// The first line says whether anything needs a person.
pub fn status(status: &Status) -> String {
    let waiting = status.ready + status.running + status.delayed;
    let first = match (status.dead, waiting + status.parked) {
        (0, 0) => "all done".to_owned(),
        (0, left) => format!("working: {left} to do"),
        (dead, _) => format!("{dead} in the error log want a person: usher errors"),
    };
    let age = status
        .oldest_age_ms
        .map(|ms| format!(", the oldest for {}", duration(ms)))
        .unwrap_or_default();
    let mut text = format!(
        "{first}\n  done {}   ready {}   running {}   retrying {}   parked {}   errors {}   duplicates {}{age}",
        status.done,
        status.ready,
        status.running,
        status.delayed,
        status.parked,
        status.dead,
        status.duplicates
    );
    for (key, count) in status.parked_by_key.iter().take(10) {
        text += &format!("\n  {count} wait for {key}");
    }
    text
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

pub fn reviews(reviews: &[Review]) -> String {
    if reviews.is_empty() {
        return "nothing waits for a decision".to_owned();
    }
    let line = |review: &Review| {
        let candidate = review
            .candidates
            .first()
            .map_or("SALESFORCE_ID", String::as_str);
        format!(
            "{} {}: {}\n  candidates {}\n  if it is one of them: usher review --link {} {} {candidate}",
            review.mapping,
            review.source_id,
            review.reason,
            review.candidates.join(", "),
            review.mapping,
            review.source_id
        )
    };
    reviews.iter().map(line).collect::<Vec<_>>().join("\n\n")
}

fn time(ms: i64) -> String {
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
