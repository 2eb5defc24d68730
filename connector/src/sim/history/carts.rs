//! Carts in a random history: who buys, what of them is told when, and what goes wrong meanwhile.
//!
//! Everything here is drawn after the people of a history, from dice of its own: the people of a seed stay who they are.
//! Memberships join here, as rows of another entity.

use serde_json::{Map, Value, json};

use super::random::{Dice, object};
use super::troubles::refusal;
use super::{Action, History, Timed, families};
use crate::purchases::draw::{self, Buyer};

/// Carts in one history of three.
pub(super) fn carts(seed: u64, length_ms: u64, history: &mut History) {
    let mut dice = Dice(fastrand::Rng::with_seed(
        seed.wrapping_mul(0xd134_2543_de82_ef95) ^ 0x6361_7274,
    ));
    if !dice.one_in(3) {
        return;
    }
    if dice.one_in(3) {
        history.settings = settings(&mut dice);
    }
    let in_ticketure = made_in_ticketure(&history.actions);
    for cart in 0..dice.0.usize(1..=4) {
        let buyer = buyer(
            &mut dice,
            cart,
            &in_ticketure,
            length_ms,
            &mut history.actions,
        );
        let told = bought(&mut dice, cart, buyer);
        tell(&mut dice, told, length_ms, &mut history.actions);
    }
    families::families(&mut dice, length_ms, &mut history.actions);
    troubles(&mut dice, length_ms, &mut history.actions);
    history.actions.sort_by_key(|timed| timed.at_ms);
}

fn settings(dice: &mut Dice) -> Map<String, Value> {
    object(match dice.0.u32(0..4) {
        0 => json!({ "cart_source": "derived", "refund": "reduce_lines" }),
        1 => json!({ "cart_source": "derived", "refund": "negative_payment" }),
        _ => json!({ "refund": "negative_payment" }),
    })
}

/// The names of the people, and of the organizations, that are made in Ticketure.
fn made_in_ticketure(actions: &[Timed]) -> [Vec<String>; 2] {
    let mut made = [Vec::new(), Vec::new()];
    for timed in actions {
        if let Action::TicketureCreate { record, fields, .. } = &timed.action {
            let organization = fields.get("identity_type") == Some(&json!("organization"));
            if let Some(names) = made.get_mut(usize::from(organization)) {
                names.push(record.clone());
            }
        }
    }
    made
}

/// Somebody of the history, somebody of the cart's own, an organization, or nobody that is known.
fn buyer(
    dice: &mut Dice,
    cart: usize,
    [people, organizations]: &[Vec<String>; 2],
    length_ms: u64,
    actions: &mut Vec<Timed>,
) -> Buyer {
    let known = |dice: &mut Dice, names: &[String]| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Some(dice.pick(&names).to_owned()).filter(|name| !name.is_empty())
    };
    let id = |name: String| Some(format!("id-{name}"));
    let own = |dice: &mut Dice, actions: &mut Vec<Timed>| own_buyer(dice, cart, length_ms, actions);
    let organization = match dice.0.u32(0..8) {
        0 => return Buyer::default(),
        1 => known(dice, organizations),
        _ => None,
    };
    let person = match dice.0.u32(0..3) {
        // Of some organizations' carts nobody knows who bought them.
        0 if organization.is_some() => None,
        0 | 1 => Some(known(dice, people).unwrap_or_else(|| own(dice, actions))),
        _ => Some(own(dice, actions)),
    };
    let (person, organization) = match (person, organization) {
        // An organization acts with an identity of its own.
        (None, Some(organization)) if cart.is_multiple_of(2) => (Some(organization), None),
        either => either,
    };
    Buyer {
        person: person.and_then(id),
        organization: organization.and_then(id),
    }
}

/// A person who is heard of before or after the cart, or never, and may be edited on both sides.
fn own_buyer(dice: &mut Dice, cart: usize, length_ms: u64, actions: &mut Vec<Timed>) -> String {
    let record = format!("b{cart}");
    if dice.one_in(10) {
        return record;
    }
    let fields = json!({ "identity_type": "person", "first_name": format!("Buyer{cart}"),
        "last_name": format!("Of{cart}"), "email": format!("buyer{cart}@example.org") });
    let at_ms = dice.0.u64(0..length_ms);
    actions.push(Timed {
        at_ms,
        action: Action::made_in_ticketure(record.clone(), object(fields)),
    });
    if dice.one_in(3) {
        let record = record.clone();
        let action = match dice.0.bool() {
            true => Action::changed_in_ticketure(record, object(json!({ "mobile": "555 0401" }))),
            false => Action::SalesforceEdit {
                record,
                fields: object(json!({ "MailingCity": "Siena" })),
            },
        };
        let at_ms = dice.0.u64(at_ms..length_ms);
        actions.push(Timed { at_ms, action });
    }
    record
}

/// What happens to a cart, in order; some are left before they are paid for, or as they are then, and some cancelled.
fn bought(dice: &mut Dice, cart: usize, buyer: Buyer) -> Vec<Action> {
    let mut told = draw::draw(&mut dice.0, format!("id-k{cart}"), buyer).told;
    if dice.one_in(4) {
        told.truncate(dice.0.usize(1..=told.len().max(1)));
    }
    let cancelled = dice.one_in(12).then(|| Action::TicketureRow {
        entity: "cart".to_owned(),
        record: format!("k{cart}"),
        fields: object(json!({ "status": "cancelled" })),
        webhook_delay_ms: None,
    });
    let actions = told.into_iter().filter_map(|told| {
        // The rows keep their own times. A repeated charge has the time of the first, a corrected row a later one.
        let mut fields = told.row;
        let id = fields.remove("id")?;
        Some(Action::TicketureRow {
            entity: told.entity.to_owned(),
            record: id.as_str()?.strip_prefix("id-")?.to_owned(),
            fields,
            webhook_delay_ms: None,
        })
    });
    actions.chain(cancelled).collect()
}

/// At a till, within seconds, or over as much time as there is. Now and then something is told once more.
fn tell(dice: &mut Dice, told: Vec<Action>, length_ms: u64, actions: &mut Vec<Timed>) {
    let start = dice.0.u64(0..length_ms * 3 / 4);
    let end = match dice.one_in(3) {
        true => start + 3_000,
        false => length_ms,
    };
    let mut times: Vec<u64> = told.iter().map(|_| dice.0.u64(start..end)).collect();
    times.sort_unstable();
    for (action, at_ms) in told.into_iter().zip(times) {
        if let (Action::TicketureRow { entity, record, .. }, true) = (&action, dice.one_in(12)) {
            actions.push(Timed {
                at_ms: dice.0.u64(at_ms + 1..=length_ms.max(at_ms + 1)),
                action: Action::TicketureRow {
                    entity: entity.clone(),
                    record: record.clone(),
                    fields: Map::new(),
                    webhook_delay_ms: None,
                },
            });
        }
        actions.push(Timed { at_ms, action });
    }
}

/// Where trees are written and what they refer to is read.
const PATHS: &[&str] = &[
    "/composite/graph",
    "/composite/sobjects",
    "/query",
    "/api/cart",
    "/services/data",
];

/// Calls about carts that go wrong, and a kill among them.
fn troubles(dice: &mut Dice, length_ms: u64, actions: &mut Vec<Timed>) {
    for _ in 0..dice.0.usize(0..=3) {
        let kind = match dice.0.u32(0..6) {
            0 => json!({ "kind": "unavailable" }),
            1 | 2 => json!({ "kind": "lost_after_commit" }),
            3 => json!({ "kind": "lost_before_commit" }),
            4 => refusal(dice),
            _ => json!({ "kind": "lock_row", "one_in": 2 }),
        };
        let mut fault = object(kind);
        fault.insert("path".to_owned(), Value::from(dice.pick(PATHS)));
        fault.insert("times".to_owned(), Value::from(dice.0.u32(1..4)));
        let at_ms = dice.0.u64(0..length_ms);
        if let Ok(fault) = serde_json::from_value(Value::Object(fault)) {
            let action = Action::Fault(fault);
            actions.push(Timed { at_ms, action });
        }
    }
    if dice.one_in(2) {
        let action = Action::Crash {
            after_awaits: dice.0.u64(1..200),
        };
        let at_ms = dice.0.u64(0..length_ms);
        actions.push(Timed { at_ms, action });
    }
}
