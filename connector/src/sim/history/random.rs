//! The history of a seed.

use serde_json::{Map, Value};

use super::{
    Action, History, Timed, carts, consents, late_scans, memberships, people, schools, troubles,
};

pub(super) struct Dice(pub(super) fastrand::Rng);

impl Dice {
    pub(super) fn one_in(&mut self, count: u32) -> bool {
        count > 0 && self.0.u32(0..count) == 0
    }

    pub(super) fn pick<'a>(&mut self, among: &[&'a str]) -> &'a str {
        among
            .get(self.0.usize(0..among.len().max(1)))
            .copied()
            .unwrap_or_default()
    }
}

/// The history of a seed.
pub fn random(seed: u64) -> History {
    let mut dice = Dice(fastrand::Rng::with_seed(
        seed.wrapping_mul(0x9e37_79b9_7f4a_7c15),
    ));
    let people = dice.0.usize(1..=4);
    let length_ms = dice.0.u64(20_000..180_000);
    let mut actions = Vec::new();
    for person in 0..people {
        people::births(&mut dice, person, length_ms, &mut actions);
    }
    for edit in 0..dice.0.usize(2..=14) {
        let record = format!("p{}", dice.0.usize(0..people));
        let at_ms = dice.0.u64(length_ms / 4..length_ms);
        let action = match dice.0.bool() {
            true => Action::changed_in_ticketure(record, people::ticketure_fields(&mut dice, edit)),
            false => Action::SalesforceEdit {
                record,
                fields: people::salesforce_fields(&mut dice, edit),
            },
        };
        actions.push(Timed { at_ms, action });
    }
    if dice.one_in(3) {
        people::organization(&mut dice, length_ms, &mut actions);
    }
    if dice.one_in(6) {
        let action = Action::SalesforceCapitals {
            object: "Contact".to_owned(),
            field: "LastName".to_owned(),
        };
        actions.push(Timed { at_ms: 0, action });
    }
    if dice.one_in(8) {
        let record = format!("p{}", dice.0.usize(0..people));
        let action = match dice.0.bool() {
            true => Action::TicketureDelete { record },
            false => Action::SalesforceDelete { record },
        };
        actions.push(Timed {
            at_ms: dice.0.u64(length_ms / 2..length_ms),
            action,
        });
    }
    if dice.one_in(2) {
        schools::schools(&mut dice, people, length_ms, &mut actions);
    }
    if dice.one_in(6) {
        schools::refused(&mut dice, length_ms, &mut actions);
    }
    if dice.one_in(4) {
        troubles::overtaken(&mut dice, people, length_ms, &mut actions);
    }
    troubles::troubles(&mut dice, length_ms, &mut actions);
    actions.sort_by_key(|timed| timed.at_ms);
    // Small batches, several at a time: so lanes and batches come between one another.
    let small = dice.0.bool();
    let mut history = History {
        without_npsp: false,
        fetch_missing: dice.0.bool(),
        batch: if small { dice.0.usize(1..=5) } else { 0 },
        batches: if small { dice.0.usize(1..=4) } else { 0 },
        seed,
        salesforce_clock_error_ms: dice.0.i64(-120_000..=120_000),
        ticketure_clock_error_ms: dice.0.i64(-120_000..=120_000),
        webhook_delay_ms_max: dice.0.u64(0..45_000),
        webhook_repeat_one_in: dice.0.u32(0..5),
        webhook_lose_one_in: dice.0.u32(0..8),
        call_ms_max: dice.0.u64(1..2_000),
        poll_ms: dice.0.u64(1_000..30_000),
        settings: Map::new(),
        actions,
    };
    carts::carts(seed, length_ms, &mut history);
    memberships::memberships(seed, length_ms, &mut history);
    late_scans::late_scans(seed, length_ms, &mut history);
    consents::consents(seed, length_ms, &mut history);
    history
}

pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
