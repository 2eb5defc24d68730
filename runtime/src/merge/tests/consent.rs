//! Consent: opt-outs pass every gate and outlive merges, and an empty check box is no word.

use super::*;

const CONSENT: usize = 0;

fn with(consent: Slot<bool>, name: &str, phone: &str) -> Person {
    Person {
        consent,
        ..person(name, phone)
    }
}

fn consent(record: &dyn Entity) -> Option<bool> {
    match record.slot(CONSENT) {
        SlotRef::Boolean(slot) => slot.value().copied(),
        _ => None,
    }
}

fn in_step(consent: Slot<bool>) -> LinkState {
    LinkState::created(&ACCEPTS, &with(consent, "Ada", "1"), 1)
}

#[test]
fn an_opt_out_passes_the_gate_and_the_rest_of_the_edit_waits() {
    let mut state = in_step(Slot::Value(false));
    let edited = with(Slot::Value(true), "", "2");
    state.observe(Side::Destination, &edited, 2, 2);
    let plan = state.plan(&Clocks::default());
    assert_eq!(plan.gate, Gate::Incomplete(vec![1]));
    assert_eq!(consent(plan.to_source.as_ref()), Some(true));
    assert!(plan.to_source.slot(1).is_absent() && plan.to_source.slot(2).is_absent());
    let decided: Vec<usize> = plan.decisions.iter().map(|one| one.field).collect();
    assert_eq!(decided, [CONSENT]);
    // Once it has gone, the rest still waits.
    state.landed(Side::Source, plan.to_source.as_ref());
    let mut state = kept(&state, &ACCEPTS);
    let plan = state.plan(&Clocks::default());
    assert_eq!(plan.gate, Gate::Incomplete(vec![1]));
    assert!(plan.to_source.slot(CONSENT).is_absent());
}

#[test]
fn nothing_holds_an_opt_out_alone() {
    let mut state = LinkState::created(&ACCEPTS, &with(Slot::Value(false), "", "1"), 1);
    state.observe(Side::Destination, &with(Slot::Value(true), "", "1"), 2, 2);
    let plan = state.plan(&Clocks::default());
    assert_eq!(plan.gate, Gate::Open);
    assert_eq!(consent(plan.to_source.as_ref()), Some(true));
}

#[test]
fn the_gate_holds_an_opt_out_that_is_lifted() {
    let mut state = LinkState::created(&ACCEPTS, &with(Slot::Value(true), "", "1"), 1);
    state.observe(Side::Destination, &with(Slot::Value(false), "", "1"), 2, 2);
    let plan = state.plan(&Clocks::default());
    assert_eq!(plan.gate, Gate::Incomplete(vec![1]));
    assert!(plan.to_source.slot(CONSENT).is_absent());
}

#[test]
fn an_empty_check_box_is_no_word_where_nothing_is_agreed() {
    for agreed in [Slot::Absent, Slot::Null] {
        let mut state = in_step(agreed);
        let empty = with(Slot::Value(false), "Ada", "1");
        state.observe(Side::Destination, &empty, 2, 2);
        assert!(state.is_settled());
        let ticked = with(Slot::Value(true), "Ada", "1");
        state.observe(Side::Destination, &ticked, 3, 3);
        let plan = state.plan(&Clocks::default());
        assert_eq!(consent(plan.to_source.as_ref()), Some(true));
    }
    // Where a refusal was agreed, it is a change.
    let mut state = in_step(Slot::Value(true));
    state.observe(
        Side::Destination,
        &with(Slot::Value(false), "Ada", "1"),
        2,
        2,
    );
    assert!(!state.is_settled());
}

#[test]
fn blanks_of_the_source_are_an_empty_check_box() {
    for (said, box_is) in [
        (Slot::Null, Some(false)),
        (Slot::Value(true), Some(true)),
        (Slot::Absent, None),
    ] {
        let mut record = with(said, "Ada", "1");
        without_blanks(&ACCEPTS, &mut record);
        assert_eq!(consent(&record), box_is);
    }
}

#[test]
fn a_merged_opt_out_is_planned_on_each_side_that_lacks_it() {
    let both: Vec<Option<Side>> = vec![Some(Side::Destination), Some(Side::Source)];
    for (there, here, winners) in [
        (false, false, both.clone()),
        (true, false, vec![Some(Side::Source)]),
        (false, true, vec![Some(Side::Destination)]),
        (true, true, vec![]),
    ] {
        let mut state = in_step(Slot::Absent);
        state.observe(Side::Source, &with(Slot::Value(there), "Ada", "1"), 2, 2);
        state.observe(
            Side::Destination,
            &with(Slot::Value(here), "Ada", "1"),
            3,
            3,
        );
        state.owe_opt_out(CONSENT);
        let plan = state.plan_so_far(&Clocks::default());
        assert_eq!(consent(plan.to_source.as_ref()), (!there).then_some(true));
        assert_eq!(
            consent(plan.to_destination.as_ref()),
            (!here).then_some(true)
        );
        let won: Vec<Option<Side>> = plan.decisions.iter().map(|one| one.winner).collect();
        assert_eq!(won, winners);
        assert!(plan.decisions.iter().all(|one| one.why == Why::Merged));
    }
}

#[test]
fn a_merged_opt_out_is_paid_once_both_sides_have_it() {
    let mut state = in_step(Slot::Value(false));
    state.owe_opt_out(CONSENT);
    assert!(state.opted_out_on_both().is_empty());
    let plan = state.plan(&Clocks::default());
    state.landed(Side::Destination, plan.to_destination.as_ref());
    assert!(state.opted_out_on_both().is_empty());
    state.landed(Side::Source, plan.to_source.as_ref());
    assert!(state.opted_out_on_both().contains(&CONSENT));
}

#[test]
fn only_consents_are_owed() {
    let mut state = in_step(Slot::Value(false));
    state.owe_opt_out(2);
    let plan = state.plan(&Clocks::default());
    assert!(plan.decisions.is_empty());
    let refused = with(Slot::Value(true), "Ada", "1");
    assert_eq!(opted_out(&ACCEPTS, &refused), [CONSENT]);
    assert!(opted_out(&ACCEPTS, &person("Ada", "1")).is_empty());
}
