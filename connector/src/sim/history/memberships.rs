//! Memberships in a random history: bought, changed and renewed in Ticketure, made and extended in Salesforce.
//!
//! Drawn after everything else, from dice of their own: the rest of a seed stays as it is.

use serde_json::{Value, json};

use super::random::{Dice, object};
use super::{Action, History, Timed};

const LEVELS: &[&str] = &["Individual", "Dual", "Family"];

/// Memberships in one history of four.
pub(super) fn memberships(seed: u64, length_ms: u64, history: &mut History) {
    let mut dice = Dice(fastrand::Rng::with_seed(
        seed.wrapping_mul(0xa076_1d64_78bd_642f) ^ 0x6d65_6d62,
    ));
    if !dice.one_in(4) {
        return;
    }
    if dice.one_in(4) {
        let separate = Value::from("separate");
        history
            .settings
            .insert("membership_opportunity".to_owned(), separate);
    }
    for number in 0..dice.0.usize(1..=2) {
        let member = member(&mut dice, number, length_ms, &mut history.actions);
        match dice.0.bool() {
            true => bought(&mut dice, number, &member, length_ms, history),
            false => made(&mut dice, number, &member, length_ms, &mut history.actions),
        }
    }
    history
        .actions
        .iter_mut()
        .for_each(super::carts::late_for_people_only);
    history.actions.sort_by_key(|timed| timed.at_ms);
}

/// A person of the membership's own, made on either side, early.
fn member(dice: &mut Dice, number: usize, length_ms: u64, actions: &mut Vec<Timed>) -> String {
    let record = format!("mp{number}");
    let email = format!("member{number}@example.org");
    let action = match dice.0.bool() {
        true => Action::made_in_ticketure(
            record.clone(),
            object(
                json!({ "identity_type": "person", "first_name": format!("Member{number}"),
                "last_name": format!("Memb{number}"), "email": email }),
            ),
        ),
        false => Action::SalesforceCreate {
            record: record.clone(),
            object: "Contact".to_owned(),
            fields: object(
                json!({ "FirstName": format!("Member{number}"), "LastName": format!("Memb{number}"), "Email": email }),
            ),
        },
    };
    let at_ms = dice.0.u64(0..length_ms / 2);
    actions.push(Timed { at_ms, action });
    record
}

/// The cart of the history that it is bought with, if there is one.
fn cart(dice: &mut Dice, history: &History) -> Option<String> {
    let carts = history
        .actions
        .iter()
        .filter_map(|timed| match &timed.action {
            Action::TicketureRow { entity, record, .. } if entity == "cart" => {
                Some(record.as_str())
            }
            _ => None,
        });
    let carts: Vec<&str> = carts.collect();
    let cart = dice.pick(&carts);
    (!cart.is_empty() && dice.0.bool()).then(|| format!("id-{cart}"))
}

/// In Ticketure: bought, then changed, then perhaps renewed.
fn bought(dice: &mut Dice, number: usize, member: &str, length_ms: u64, history: &mut History) {
    let cart = cart(dice, history);
    // Who was born in Salesforce has another id there, which nobody knows yet: a membership without a primary member.
    let known = history.actions.iter().any(
        |timed| matches!(&timed.action, Action::TicketureCreate { record, .. } if record == member),
    );
    let primary = known.then(|| format!("id-{member}"));
    let mut rows = vec![json!({
        "member_number": format!("M{number}"), "level_name": dice.pick(LEVELS), "status": "active", "action": "new",
        "valid_from": "2026-03-01", "valid_until": "2027-02-28", "price_paid": "120.00", "cart_id": cart,
        "primary_identity_id": primary, "auto_renew": false,
    })];
    if dice.0.bool() {
        rows.push(json!({ "action": "upgrade", "level_name": dice.pick(LEVELS) }));
    }
    if dice.0.bool() {
        rows.push(json!({ "action": "extension", "valid_until": "2027-05-31" }));
    }
    if dice.one_in(3) {
        rows.push(json!({ "action": "renewal", "valid_from": "2027-06-01", "valid_until": "2028-05-31", "cart_id": null }));
    }
    if dice.one_in(5) {
        rows.push(json!({ "action": "cancel", "status": "cancelled" }));
    }
    let start = dice.0.u64(0..length_ms / 2);
    let mut times: Vec<u64> = rows.iter().map(|_| dice.0.u64(start..length_ms)).collect();
    times.sort_unstable();
    let last = times.last().copied().unwrap_or_default();
    for (row, at_ms) in rows.into_iter().zip(times) {
        let action = Action::TicketureRow {
            entity: "membership".to_owned(),
            record: format!("m{number}"),
            fields: object(row),
            webhook_delay_ms: None,
        };
        history.actions.push(Timed { at_ms, action });
    }
    if dice.one_in(3) {
        extend(dice, number, last, length_ms, &mut history.actions);
    }
}

/// In Salesforce: an opportunity for somebody who is there.
fn made(dice: &mut Dice, number: usize, member: &str, length_ms: u64, actions: &mut Vec<Timed>) {
    let at_ms = dice.0.u64(length_ms / 2..length_ms);
    let record = format!("m{number}");
    let action = Action::SalesforceMembership {
        record,
        member: member.to_owned(),
        fields: object(json!({
            "Name": format!("Membership {number}"), "CloseDate": "2026-09-21", "Amount": 120,
            "npe01__Member_Level__c": dice.pick(&["Bronze", "Silver", "Gold"]),
            "npe01__Membership_Start_Date__c": "2026-10-01", "npe01__Membership_End_Date__c": "2027-09-30",
        })),
    };
    actions.push(Timed { at_ms, action });
    if dice.0.bool() {
        extend(dice, number, at_ms, length_ms, actions);
    }
}

fn extend(dice: &mut Dice, number: usize, from_ms: u64, length_ms: u64, actions: &mut Vec<Timed>) {
    let action = Action::SalesforceExtend {
        record: format!("m{number}"),
        until: "2029-01-31".to_owned(),
    };
    let at_ms = dice.0.u64(from_ms..length_ms.max(from_ms + 1));
    actions.push(Timed { at_ms, action });
}
