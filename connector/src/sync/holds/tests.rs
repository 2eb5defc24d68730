use super::*;

const MAPPING: Cause = Cause::Mapping { object: "Contact" };

fn refusal<'r>(key: &'r str, code: &'r str) -> Refused<'r> {
    Refused {
        mapping: "contact",
        of: "contact",
        key,
        code,
        field: "",
    }
}

fn due(outcome: Option<Outcome>) -> i64 {
    match outcome {
        Some(Outcome::Retry {
            due_ms,
            charge: false,
            ..
        }) => due_ms,
        other => panic!("{other:?}"),
    }
}

fn keys(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("i-{number}")).collect()
}

fn admit(holds: &mut Holds, keys: &[String], now_ms: i64) -> Admission {
    holds.admit("contact", keys.iter().map(String::as_str), now_ms)
}

/// Refuses so many records; says whether the last one was held.
fn refuse(holds: &mut Holds, keys: &[String], code: &str) -> bool {
    let refused = keys.iter().map(|key| holds.refused(refusal(key, code), 0));
    refused.last().unwrap_or(false)
}

#[test]
fn twenty_different_records_in_a_row_hold_their_mapping() {
    let mut holds = Holds::default();
    assert!(!refuse(&mut holds, &keys(19), "RULE"));
    assert!(!refuse(&mut holds, &keys(19), "RULE"), "none is new");
    assert!(refuse(&mut holds, &["i-19".to_owned()], "RULE"));
    let back = holds.take_back();
    assert_eq!(back[0].records.len(), 20);
    assert!(holds.refused(refusal("i-20", "RULE"), 0));
    assert!(!holds.refused(refusal("i-21", "OTHER"), 0));
}

#[test]
fn a_landing_or_another_code_ends_a_streak() {
    let mut holds = Holds::default();
    refuse(&mut holds, &keys(19), "RULE");
    holds.landed("contact", 0);
    assert!(!holds.refused(refusal("i-19", "RULE"), 0));
    let mut holds = Holds::default();
    refuse(&mut holds, &keys(19), "RULE");
    holds.refused(refusal("i-0", "OTHER"), 0);
    assert!(!holds.refused(refusal("i-19", "RULE"), 0));
}

#[test]
fn another_record_is_tried_each_time() {
    let mut holds = Holds::default();
    let keys = keys(3);
    holds.hold("contact", MAPPING, ("hidden".to_owned(), None), 0);
    assert_eq!(admit(&mut holds, &keys, 299_999), Admission::None);
    let mut now_ms = 0;
    for expected in ["i-2", "i-1", "i-0", "i-2"] {
        now_ms += MAPPING_MS;
        let expected = Admission::One(expected.to_owned());
        assert_eq!(admit(&mut holds, &keys, now_ms), expected);
        assert_eq!(admit(&mut holds, &keys, now_ms + 1), Admission::None);
        holds.hold("contact", MAPPING, ("hidden".to_owned(), None), now_ms);
    }
}

#[test]
fn a_few_items_come_back_for_the_next_try_and_the_others_later() {
    let mut holds = Holds::default();
    holds.hold("contact", Cause::Full, ("full".to_owned(), None), 0);
    let soon = keys(100)
        .iter()
        .filter(|key| due(holds.outcome("contact", key, 0)) == FULL_MS)
        .count();
    assert_eq!(soon, 2 * HAND);
    assert_eq!(
        admit(&mut holds, &keys(1), FULL_MS),
        Admission::One("i-0".to_owned())
    );
    // The only one of its mapping comes back for each try.
    assert_eq!(due(holds.outcome("contact", "i-0", FULL_MS)), 2 * FULL_MS);
    assert_eq!(due(holds.outcome("contact", "i-1", FULL_MS)), 2 * FULL_MS);
    assert_eq!(holds.outcome("cart", "i-1", 0), None);
}

#[test]
fn a_try_that_meets_nothing_ends_the_hold_of_a_hidden_field_alone() {
    let mut holds = Holds::default();
    holds.hold("contact", MAPPING, ("hidden".to_owned(), None), 0);
    holds.tried("contact");
    assert!(!holds.is_empty(), "nothing was tried");
    admit(&mut holds, &keys(1), MAPPING_MS);
    holds.hold("contact", MAPPING, ("hidden".to_owned(), None), MAPPING_MS);
    holds.tried("contact");
    assert!(!holds.is_empty(), "the try failed");
    admit(&mut holds, &keys(1), 2 * MAPPING_MS);
    holds.tried("contact");
    assert!(holds.is_empty());
    assert_eq!(holds.take_released(), ["contact"]);

    refuse(&mut holds, &keys(20), "RULE");
    admit(&mut holds, &keys(1), STREAK_MS);
    holds.tried("contact");
    assert!(!holds.is_empty(), "no record landed");
    holds.landed("contact", 0);
    assert!(holds.is_empty());
}

#[test]
fn after_a_hold_a_record_that_is_refused_again_is_its_own_fault() {
    let mut holds = Holds::default();
    refuse(&mut holds, &keys(20), "RULE");
    holds.landed("contact", 0);
    assert!(!refuse(&mut holds, &keys(20), "RULE"));
    assert!(holds.is_empty());
}

#[test]
fn one_refused_record_stops_no_other_until_a_second_is_refused() {
    let mut holds = Holds::default();
    let keys = keys(3);
    let hold = |holds: &mut Holds, key: &str, now_ms| {
        holds.hold("contact", MAPPING, ("no".to_owned(), Some(key)), now_ms);
    };
    hold(&mut holds, "i-1", 0);
    let but_one = Admission::AllBut("i-1".to_owned());
    assert_eq!(admit(&mut holds, &keys, 1), but_one);
    assert!(but_one.lets("i-0") && !but_one.lets("i-1"));
    assert_eq!(due(holds.outcome("contact", "i-1", 1)), MAPPING_MS);
    assert_eq!(admit(&mut holds, &keys, MAPPING_MS), Admission::All);
    hold(&mut holds, "i-1", MAPPING_MS);
    assert_eq!(admit(&mut holds, &keys, MAPPING_MS + 1), but_one);
    hold(&mut holds, "i-2", MAPPING_MS + 1);
    assert_eq!(admit(&mut holds, &keys, MAPPING_MS + 2), Admission::None);
    hold(&mut holds, "i-2", MAPPING_MS + 2);
    assert_eq!(admit(&mut holds, &keys, MAPPING_MS + 3), Admission::None);
}
