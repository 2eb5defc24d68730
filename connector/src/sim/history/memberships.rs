//! Memberships in a random history: bought, changed and renewed in Ticketure, made and extended in Salesforce.
//!
//! Drawn after everything else, from dice of their own: the rest of a seed stays as it is.

use serde_json::{Map, Value, json};

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
    let drawn = history.actions.len();
    for number in 0..dice.0.usize(1..=2) {
        let member = member(&mut dice, number, length_ms, &mut history.actions);
        match dice.0.bool() {
            true => bought(&mut dice, number, &member, length_ms, history),
            false => made(&mut dice, number, &member, length_ms, &mut history.actions),
        }
    }
    crowd(seed, drawn, length_ms, &mut history.actions);
    history.actions.sort_by_key(|timed| timed.at_ms);
}

/// What makes terms meet: two in one cart, renewals with carts, members who have to do with others, gifts, and ends that
/// are typed twice.
fn crowd(seed: u64, drawn: usize, length_ms: u64, actions: &mut Vec<Timed>) {
    let mut dice = Dice(fastrand::Rng::with_seed(
        seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x6372_6f77,
    ));
    let carts = named(actions, |action| match action {
        Action::TicketureRow { entity, record, .. } if entity == "cart" => Some(record.as_str()),
        _ => None,
    });
    let people = named(actions, |action| match action {
        Action::TicketureCreate { record, fields, .. }
            if fields.get("identity_type") == Some(&Value::from("person")) =>
        {
            Some(record.as_str()).filter(|record| !record.starts_with('x'))
        }
        _ => None,
    });
    let together = dice.0.bool();
    let mut first: Option<Value> = None;
    for timed in actions.iter_mut().skip(drawn) {
        let Action::TicketureRow { fields, .. } = &mut timed.action else {
            continue;
        };
        match fields.get("action").and_then(Value::as_str) {
            Some("new") => {
                if let (Some(cart), true) = (&first, together) {
                    fields.insert("cart_id".to_owned(), cart.clone());
                }
                first = fields
                    .get("cart_id")
                    .filter(|cart| cart.is_string())
                    .cloned();
                with_people(&mut dice, &people, fields);
            }
            Some("renewal") if dice.0.bool() && !carts.is_empty() => {
                let cart = Value::from(format!("id-{}", pick(&mut dice, &carts)));
                fields.insert("cart_id".to_owned(), cart);
            }
            Some("upgrade") if dice.one_in(3) => with_people(&mut dice, &people, fields),
            _ => {}
        }
    }
    again(&mut dice, drawn, length_ms, actions);
}

fn named<'a>(actions: &'a [Timed], of: impl Fn(&'a Action) -> Option<&'a str>) -> Vec<String> {
    let named = actions.iter().filter_map(|timed| of(&timed.action));
    let mut named: Vec<String> = named.map(str::to_owned).collect();
    named.sort();
    named.dedup();
    named
}

fn pick(dice: &mut Dice, names: &[String]) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    dice.pick(&names).to_owned()
}

/// Whom the membership admits beside its primary member, and who gave it.
fn with_people(dice: &mut Dice, people: &[String], fields: &mut Map<String, Value>) {
    if people.is_empty() || dice.0.bool() {
        return;
    }
    let primary = fields.get("primary_identity_id").cloned();
    let primary = primary.filter(Value::is_string);
    let mut members: Vec<Value> = Vec::new();
    members.extend(primary.map(|id| json!({ "identity_id": id, "role": "primary" })));
    for role in ["secondary", "child"] {
        let id = Value::from(format!("id-{}", pick(dice, people)));
        let is_there = members
            .iter()
            .any(|member| member.get("identity_id") == Some(&id));
        if !is_there && dice.0.bool() {
            members.push(json!({ "identity_id": id, "role": role }));
        }
    }
    fields.insert("members".to_owned(), Value::Array(members));
    if dice.one_in(5) {
        let giver = format!("id-{}", pick(dice, people));
        fields.insert("is_gift".to_owned(), Value::Bool(true));
        fields.insert("gift_giver_identity_id".to_owned(), Value::from(giver));
    }
}

/// Whoever typed a later end types another one.
fn again(dice: &mut Dice, drawn: usize, length_ms: u64, actions: &mut Vec<Timed>) {
    let extended = actions
        .iter()
        .skip(drawn)
        .filter_map(|timed| match &timed.action {
            Action::SalesforceExtend { record, .. } => Some((record.clone(), timed.at_ms)),
            _ => None,
        });
    let extended: Vec<(String, u64)> = extended.collect();
    for (record, from_ms) in extended {
        if dice.one_in(3) {
            let at_ms = dice.0.u64(from_ms..length_ms.max(from_ms + 1));
            let until = "2029-06-30".to_owned();
            let action = Action::SalesforceExtend { record, until };
            actions.push(Timed { at_ms, action });
        }
    }
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
