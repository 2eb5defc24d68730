//! Two accounts of one person with opposite consents, which are merged on either side; and consents that change beside
//! whatever else a record lacks.

use serde_json::{Value, json};

use super::random::{Dice, object};
use super::{Action, History, Timed};

/// Adds the two, in one history of four, with dice of their own.
pub(super) fn consents(seed: u64, length_ms: u64, history: &mut History) {
    let mut dice = Dice(fastrand::Rng::with_seed(
        seed.wrapping_mul(0xd6e8_feb8_6659_fd93) ^ 0x5bd1,
    ));
    if !dice.one_in(4) {
        return;
    }
    let in_ticketure = dice.0.bool();
    // A blank that stands where two records meet is filled, which is no loss.
    let merges = !dice.one_in(3);
    for (place, record) in ["q0", "q1"].into_iter().enumerate() {
        let at_ms = dice.0.u64(0..length_ms / 3);
        let is_there = in_ticketure || dice.0.bool();
        let action = born(&mut dice, record, place, is_there);
        history.actions.push(Timed { at_ms, action });
        for _ in 0..dice.0.usize(0..3) {
            let at_ms = dice.0.u64(length_ms / 3..length_ms);
            let action = changed(&mut dice, record, is_there, !merges);
            history.actions.push(Timed { at_ms, action });
        }
    }
    if !merges {
        return history.actions.sort_by_key(|timed| timed.at_ms);
    }
    let (record, into) = ("q0".to_owned(), "q1".to_owned());
    let action = match in_ticketure && dice.0.bool() {
        true => Action::TicketureMerge { record, into },
        false => Action::SalesforceMerge { record, into },
    };
    let at_ms = dice.0.u64(length_ms / 2..length_ms * 2);
    history.actions.push(Timed { at_ms, action });
    history.actions.sort_by_key(|timed| timed.at_ms);
}

fn born(dice: &mut Dice, record: &str, place: usize, is_there: bool) -> Action {
    let (first, last) = (format!("Only{place}"), format!("Twin{place}"));
    let email = format!("{record}@example.org");
    if is_there {
        let consent = [Value::Null, Value::from(true), Value::from(false)];
        let consent = consent.get(dice.0.usize(0..3)).cloned();
        let mut fields = object(json!({
            "identity_type": "person", "first_name": first, "last_name": last, "email_opt_in": consent,
        }));
        // Without an address nothing but the opt-out goes back.
        if !dice.one_in(4) {
            fields.insert("email".to_owned(), Value::from(email));
        }
        return Action::made_in_ticketure(record.to_owned(), fields);
    }
    Action::SalesforceCreate {
        record: record.to_owned(),
        object: "Contact".to_owned(),
        fields: object(json!({
            "FirstName": first, "LastName": last, "Email": email, "HasOptedOutOfEmail": dice.0.bool(),
        })),
    }
}

fn changed(dice: &mut Dice, record: &str, is_there: bool, may_clear: bool) -> Action {
    let record = record.to_owned();
    if is_there && dice.0.bool() {
        let fields = object(json!({ "email_opt_in": dice.0.bool() }));
        return Action::changed_in_ticketure(record, fields);
    }
    let mut fields = object(json!({ "HasOptedOutOfEmail": !dice.one_in(3) }));
    if may_clear && dice.one_in(4) {
        fields.insert("Email".to_owned(), Value::Null);
    }
    Action::SalesforceEdit { record, fields }
}
