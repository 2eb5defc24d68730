//! Histories in which Salesforce carries out the write of a first scan after that of the second. The connector has to
//! notice and restore the count.
//!
//! Drawn after everything else, from dice of its own. The scans follow the cart's other events, so no later row repairs
//! the line by chance.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use simulator::{Fault, FaultKind};

use super::random::{Dice, object};
use super::{Action, History, Timed};

/// A field of lines alone, so that the fault meets no write of a person.
pub(super) const SCANS: &str = "Ticketure_Redeemed_Count__c";
/// Webhooks take at most 45 s, so by then all earlier ones have arrived.
const AFTER_ALL_MS: u64 = 60_000;
/// Time between the scans, in which usher writes the first, gets no answer and writes it again.
const BETWEEN_MS: u64 = 45_000;
/// The longest delay of the scans' webhooks.
const DELAY_MS: u64 = 5_000;
/// Delay of the first write, which ends after the second scan is written.
const LATE_MS: std::ops::Range<u64> = 90_000..120_000;

/// Adds two scans and the fault to three of four histories that have such a ticket.
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

/// Admission tickets that were not refunded, with their carts, if those are checked out and not cancelled.
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
