//! Whose carts they are: others of the family have tickets of a cart, and two of the buyers turn out to be one person.

use serde_json::{Value, json};

use super::random::{Dice, object};
use super::{Action, Timed};

pub(super) fn families(dice: &mut Dice, length_ms: u64, actions: &mut Vec<Timed>) {
    if dice.one_in(3) {
        relative(dice, length_ms, actions);
    } else if dice.one_in(3) {
        merge(dice, length_ms, actions);
    }
}

/// Somebody has a ticket of another's cart in their own name.
fn relative(dice: &mut Dice, length_ms: u64, actions: &mut Vec<Timed>) {
    let fields = json!({ "identity_type": "person", "first_name": "Kin", "last_name": "Of0",
        "email": "kin@example.org" });
    let made_ms = dice.0.u64(0..length_ms);
    actions.push(Timed {
        at_ms: made_ms,
        action: Action::made_in_ticketure("f0".to_owned(), object(fields)),
    });
    // One in three is taken out of the household again. No dice, so that the rest of a seed stays what it is.
    if made_ms.is_multiple_of(3) {
        actions.push(taken_out(made_ms.midpoint(length_ms)));
    }
    let tickets: Vec<String> = actions
        .iter()
        .filter_map(|timed| match &timed.action {
            Action::TicketureRow { fields, .. } => fields.get("ticket_id")?.as_str(),
            _ => None,
        })
        .map(str::to_owned)
        .collect();
    let tickets: Vec<&str> = tickets.iter().map(String::as_str).collect();
    let one = dice.pick(&tickets);
    for timed in actions {
        if let Action::TicketureRow { fields, .. } = &mut timed.action
            && fields.get("ticket_id").and_then(Value::as_str) == Some(one)
            && fields.get("identity_id").is_some_and(Value::is_string)
        {
            fields.insert("identity_id".to_owned(), Value::from("id-f0"));
        }
    }
}

/// The office takes the relative out of the buyer's household. NPSP makes a new one, or leaves who was never moved there.
fn taken_out(at_ms: u64) -> Timed {
    Timed {
        at_ms,
        action: Action::SalesforceEdit {
            record: "f0".to_owned(),
            fields: object(json!({ "AccountId": null })),
        },
    }
}

/// One of the buyers, of whom nothing was typed since, goes into another.
fn merge(dice: &mut Dice, length_ms: u64, actions: &mut Vec<Timed>) {
    let is_edit = |timed: &Timed, name: &str| match &timed.action {
        Action::TicketureEdit { record, .. } | Action::SalesforceEdit { record, .. } => {
            record == name
        }
        _ => false,
    };
    let made: Vec<(String, u64)> = actions
        .iter()
        .filter_map(|timed| match &timed.action {
            Action::TicketureCreate { record, .. } if record.starts_with('b') => {
                Some((record.clone(), timed.at_ms))
            }
            _ => None,
        })
        .collect();
    let mut unedited = made
        .iter()
        .filter(|(name, _)| !actions.iter().any(|timed| is_edit(timed, name)));
    let Some((record, _)) = unedited.next() else {
        return;
    };
    let Some((into, _)) = made.iter().find(|(name, _)| name != record) else {
        return;
    };
    let begin = made
        .iter()
        .map(|(_, at_ms)| *at_ms)
        .max()
        .unwrap_or_default();
    let action = Action::TicketureMerge {
        record: record.clone(),
        into: into.clone(),
    };
    let at_ms = dice.0.u64(begin + 1..=length_ms.max(begin + 1));
    actions.push(Timed { at_ms, action });
}
