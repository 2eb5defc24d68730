//! A ticket that is scanned twice, where the write of the first scan has no answer and is carried out after that of the
//! second: it has to be noticed and put right.
//!
//! Drawn after everything else, from dice of its own, and after all that happens to the cart: so the line is there, and
//! nothing else of the cart is told that would put it right by chance.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use simulator::{Fault, FaultKind};

use super::random::{Dice, object};
use super::{Action, History, Timed};

/// A field that only lines of carts have: a fault about it meets no write of a person.
pub(super) const SCANS: &str = "Ticketure_Redeemed_Count__c";
/// By then all that was told of the cart before has been heard: webhooks take up to 45 s.
const AFTER_ALL_MS: u64 = 60_000;
/// Between the scans: the first is written, found to have no answer and written again meanwhile.
const BETWEEN_MS: u64 = 45_000;
/// Webhooks of the scans take up to so long.
const DELAY_MS: u64 = 5_000;
/// The first write is carried out so long after it was called for: after the second scan is written.
const LATE_MS: std::ops::Range<u64> = 90_000..120_000;

/// In three of four histories with a ticket that can be scanned.
pub(super) fn late_scans(seed: u64, length_ms: u64, history: &mut History) {
    let mut dice = Dice(fastrand::Rng::with_seed(
        seed.wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ 0x6c61_7465,
    ));
    let tickets = tickets(&history.actions);
    let place = dice.0.usize(0..tickets.len().max(1));
    let Some((ticket, cart)) = tickets.into_iter().nth(place) else {
        return;
    };
    if dice.one_in(4) {
        return;
    }
    let at_ms = length_ms + AFTER_ALL_MS;
    let late = FaultKind::CommitLate {
        after_ms: dice.0.u64(LATE_MS),
    };
    let fault = Fault {
        method: Some("PATCH".to_owned()),
        about: Some(SCANS.to_owned()),
        ..Fault::on("/composite/sobjects", 1, late)
    };
    history.actions.push(Timed {
        at_ms,
        action: Action::Fault(fault),
    });
    for scan in 0..2 {
        let action = Action::TicketureRow {
            entity: "ticket_audit".to_owned(),
            record: format!("late-scan-{scan}"),
            fields: object(json!({ "action": "redeemed", "ticket_id": ticket, "cart_id": cart })),
            webhook_delay_ms: Some(dice.0.u64(0..DELAY_MS)),
        };
        let at_ms = at_ms + 1_000 + scan * BETWEEN_MS;
        history.actions.push(Timed { at_ms, action });
    }
    history.actions.sort_by_key(|timed| timed.at_ms);
}

/// Tickets of admission that were bought and kept, with their carts, which were checked out and are not cancelled.
fn tickets(actions: &[Timed]) -> Vec<(Value, Value)> {
    let mut status: BTreeMap<String, &str> = BTreeMap::new();
    let mut bought: Vec<(Value, Value)> = Vec::new();
    let mut refunded: Vec<&Value> = Vec::new();
    for timed in actions {
        let Action::TicketureRow {
            entity,
            record,
            fields,
            ..
        } = &timed.action
        else {
            continue;
        };
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        match (entity.as_str(), text("action")) {
            ("cart", _) => status.extend(text("status").map(|said| (format!("id-{record}"), said))),
            ("ticket_audit", Some("purchased")) if text("item_kind") == Some("admission") => bought
                .extend(
                    fields
                        .get("ticket_id")
                        .cloned()
                        .zip(fields.get("cart_id").cloned()),
                ),
            ("ticket_audit", Some("refunded")) => refunded.extend(fields.get("ticket_id")),
            _ => {}
        }
    }
    let sold = |cart: &Value| {
        let status = cart.as_str().and_then(|cart| status.get(cart));
        status.is_some_and(|status| ["checked_out", "part_refunded"].contains(status))
    };
    bought.retain(|(ticket, cart)| !refunded.contains(&ticket) && sold(cart));
    bought
}
