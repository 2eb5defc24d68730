//! Rows of a cart as Ticketure sends them, and the cart's records in Salesforce.

use std::error::Error;

use serde_json::{Value, json};

use super::Record;
use crate::demo::stage::Stage;
use crate::demo::story::text;

/// The row of a cart that is checked out.
pub(super) fn cart(id: &str, buyer: Value, organization: Value, total: &str, owed: &str) -> Value {
    json!({
        "id": id, "cart_number": id.to_uppercase(), "status": "checked_out", "channel_id": "web", "identity_id": buyer,
        "organization_id": organization, "currency": "USD", "created_at": "2026-03-01T18:00:00Z",
        "checked_out_at": "2026-03-01T18:05:00Z", "total_after_fees_price": total, "total_outstanding": owed,
    })
}

pub(super) fn ticket(
    cart: &str,
    id: &str,
    buyer: &str,
    action: &str,
    at: &str,
    more: Value,
) -> Value {
    let mut row = json!({
        "id": format!("{id}-{action}-{at}"), "ticket_id": id, "cart_id": cart, "cart_number": cart.to_uppercase(),
        "action": action, "occurred_at": format!("2026-03-0{at}Z"), "identity_id": buyer, "channel_id": "web",
        "item_kind": "admission", "ticket_type": "Adult", "ticket_type_id": "tt-adult", "price_paid": "25.00", "currency": "USD",
        "event_name": "Whales", "session_start_datetime": "2026-03-07T18:00:00Z", "session_timezone": "America/New_York",
    });
    if let (Value::Object(row), Value::Object(more)) = (&mut row, more) {
        row.extend(more);
    }
    row
}

pub(super) fn paid(cart: &str, id: &str, action: &str, reference: &str, amount: &str) -> Value {
    json!({
        "id": id, "cart_id": cart, "action": action, "gateway_id": "stripe", "gateway_reference": reference,
        "amount": amount, "currency": "USD", "method": "card", "occurred_at": "2026-03-01T18:06:00Z",
    })
}

/// Sends each row in a webhook of its own.
pub(super) async fn send(
    stage: &mut Stage,
    kind: &str,
    entity: &str,
    rows: Vec<Value>,
) -> Result<(), Box<dyn Error>> {
    let webhooks: Vec<Value> = rows
        .into_iter()
        .map(|row| {
            let id = stage.random.u64(..);
            json!({
                "event_type": kind, "event_id": format!("{kind}-{id:x}"), "occurred_at": "2026-03-01T18:06:00Z",
                "data": { entity: { "_data": [row] } },
            })
        })
        .collect();
    stage.send(&webhooks).await.map(|_| ())
}

pub(super) fn opportunity(stage: &Stage, cart: &str) -> Record {
    let mut found = stage
        .simulator
        .find("Opportunity", "Ticketure_Cart_Id__c", cart);
    found.pop().unwrap_or_default()
}

/// Amounts of the opportunity's children as text, sorted as text.
pub(super) fn amounts(
    stage: &Stage,
    object: &str,
    parent: &str,
    opportunity: &Record,
    field: &str,
) -> Vec<String> {
    let children = stage
        .simulator
        .find(object, parent, text(opportunity, "Id"));
    let mut amounts: Vec<String> = children
        .iter()
        .filter_map(|child| amount(child, field))
        .collect();
    amounts.sort();
    amounts
}

/// Reads an amount, with two decimals.
pub(super) fn amount(record: &Record, field: &str) -> Option<String> {
    let value = record.get(field).filter(|value| !value.is_null())?;
    let text = runtime::json::text_at(value, &[])?;
    let mut amount: rust_decimal::Decimal = text.parse().ok()?;
    amount.rescale(2);
    Some(amount.to_string())
}

/// Adds a list to the text, if there is one: without NPSP there are no payments.
pub(super) fn said(what: &str, list: &str) -> String {
    match list {
        "" => String::new(),
        list => format!("{what}{list}"),
    }
}

pub(super) fn line(stage: &Stage, cart: &str, ticket: &str) -> Record {
    let key = format!("{cart}:{ticket}");
    let mut found = stage
        .simulator
        .find("OpportunityLineItem", "Ticketure_Ticket_Id__c", &key);
    found.pop().unwrap_or_default()
}
