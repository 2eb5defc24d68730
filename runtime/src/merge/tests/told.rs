//! What somebody typed and is not what stands: whether it is told.

use super::*;

#[test]
fn what_stood_before_a_write_that_has_stayed_is_told() {
    let mut state = LinkState::created(&ACCEPTS, &person("Ada", "1"), 1);
    state.observe(Side::Destination, &person("Ada", "1"), 1_000, 1_000);
    let mut state = kept(&state, &ACCEPTS);
    state.observe(Side::Source, &person("Ada", "2"), 2_000, 2_000);
    state.landed(Side::Destination, &person("Ada", "2"));
    let mut state = kept(&state, &ACCEPTS);
    state.observe(Side::Destination, &person("Ada", "2"), 5_000, 5_000);
    let state = kept(&state, &ACCEPTS);
    let told = |phone: &str, at: i64| {
        let under = state.went_under(Side::Destination, &person("Ada", phone), at);
        under.len()
    };
    assert_eq!(
        told("3", 4_000),
        1,
        "typed after the reading, before the write"
    );
    assert_eq!(told("3", 1_000), 0, "older than what was read");
    assert_eq!(told("1", 4_000), 0, "what was read");
    assert_eq!(told("2", 4_000), 0, "what was written");
    assert_eq!(told("3", 6_000), 0, "typed after the write");
}

#[test]
fn what_was_put_back_before_the_reading_of_a_write_that_waited_is_told() {
    let mut state = LinkState::created(&ACCEPTS, &person("Ada", "1"), 1);
    state.observe(Side::Destination, &person("Ada", "1"), 1_000, 1_000);
    let mut state = kept(&state, &ACCEPTS);
    // Heard of, and not written yet: it waits for something.
    state.observe(Side::Source, &person("Ada", "2"), 2_000, 2_000);
    let mut state = kept(&state, &ACCEPTS);
    state.observe(Side::Destination, &person("Ada", "1"), 4_000, 4_000);
    let mut state = kept(&state, &ACCEPTS);
    state.landed(Side::Destination, &person("Ada", "2"));
    let mut state = kept(&state, &ACCEPTS);
    state.observe(Side::Destination, &person("Ada", "2"), 5_000, 5_000);
    let state = kept(&state, &ACCEPTS);
    let under = |at: i64| state.went_under(Side::Destination, &person("Ada", "3"), at);
    let losers: Vec<_> = under(3_000)
        .into_iter()
        .map(|one| (one.loser, one.loser_at_ms))
        .collect();
    assert_eq!(losers, [(Some(serde_json::Value::from("1")), 4_000)]);
    assert_eq!(under(1_000).len(), 0, "known before the change that waited");
}

#[test]
fn two_that_say_the_same_agree_once_both_were_looked_at() {
    let mut state = LinkState::created(&ACCEPTS, &person("Ada", "1"), 1);
    state.observe(Side::Source, &person("Bea", "1"), 20_000, 20_000);
    state.observe(Side::Destination, &person("Bea", "1"), 20_000, 20_000);
    assert!(state.plan_so_far(&Clocks::default()).decisions.is_empty());
    // It turns out that the one has gone on: what the other said counts against it.
    state.observe(Side::Destination, &person("Cea", "1"), 40_000, 40_000);
    let plan = state.plan(&Clocks::default());
    let losers: Vec<_> = plan.decisions.iter().map(|one| one.loser.clone()).collect();
    assert_eq!(losers, [Some(serde_json::Value::from("Bea"))]);
    state.observe(Side::Destination, &person("Bea", "1"), 60_000, 60_000);
    assert!(state.plan(&Clocks::default()).decisions.is_empty());
    assert!(state.is_settled());
}

fn phone(value: &str) -> Person {
    Person {
        phone: Slot::Value(value.to_owned()),
        ..Person::default()
    }
}

/// A pair whose side was read with a late write of ours, "2". A newer write, "4", went over that one.
fn with_a_late_write_under_a_newer_one(side: Side) -> LinkState {
    let before = person("Ada", "1");
    let mut state = LinkState::created(&ACCEPTS, &before, 1);
    state.observe(side, &before, 1_000, 1_000);
    let mut state = kept(&state, &ACCEPTS);
    assert!(!state.read_back(side, &phone("2"), (&before, 1_000), 2_000));
    state.observe(side.other(), &person("Ada", "4"), 6_000, 6_000);
    let mut state = kept(&state, &ACCEPTS);
    state.observe(side, &person("Ada", "2"), 5_000, 7_000);
    state.plan(&Clocks::default());
    state.landed(side, &phone("4"));
    kept(&state, &ACCEPTS)
}

#[test]
fn what_a_late_write_went_over_is_told_after_a_newer_write() {
    for side in [Side::Source, Side::Destination] {
        let state = with_a_late_write_under_a_newer_one(side);
        let mut seen = kept(&state, &ACCEPTS);
        seen.observe(side, &person("Ada", "4"), 9_000, 9_000);
        for state in [state, kept(&seen, &ACCEPTS)] {
            let losers = |phone: &str, at_ms: i64| -> Vec<_> {
                let under = state.went_under(side, &person("Ada", phone), at_ms);
                under.into_iter().map(|one| one.loser).collect()
            };
            let typed = Some(serde_json::Value::from("3"));
            assert_eq!(losers("3", 4_000), [typed], "{side:?}: typed before it");
            assert_eq!(losers("2", 5_000), [], "{side:?}: the late write itself");
            assert_eq!(losers("4", 8_000), [], "{side:?}: the newer write");
        }
    }
}
