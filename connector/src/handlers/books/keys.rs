//! Keys that earlier versions gave to records. A record under such a key gets the new key in place and keeps its Id.

use runtime::json::text_at;
use serde_json::Value;

/// Member with the further ids of a charge that Ticketure reported under several.
pub(crate) const ALSO: &str = "$also";

/// The keys that earlier versions may have written for the record of this row, the likeliest first.
pub(crate) fn former(mapping: &str, row: &Value) -> Vec<String> {
    let text = |member: &str| text_at(row, &[member]).filter(|text| !text.trim().is_empty());
    match mapping {
        "ticket" => text("ticket_id").into_iter().collect(),
        "allocation" => {
            let code = text_at(row, &["each", "code"]);
            joined(text("ticket_id"), code).into_iter().collect()
        }
        "fund_allocation" => joined(text("ticket_id"), text("fund_code"))
            .into_iter()
            .collect(),
        "payment" => of_payment(text("cart_id"), text("gateway_reference"), text("id"), row),
        _ => Vec::new(),
    }
}

fn joined(one: Option<String>, other: Option<String>) -> Option<String> {
    Some(format!("{}:{}", one?, other?))
}

/// Keys of a charge. Its key was the gateway's reference, or the id without one; now it is the cart and the smallest
/// id.
fn of_payment(
    cart: Option<String>,
    reference: Option<String>,
    id: Option<String>,
    row: &Value,
) -> Vec<String> {
    let also = row.get(ALSO).and_then(Value::as_array);
    let also = also.into_iter().flatten().filter_map(Value::as_str);
    let also = also.filter_map(|id| joined(cart.clone(), Some(id.to_owned())));
    also.chain(reference.or(id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_record_of_a_cart_says_what_it_was_known_by() {
        let row = json!({
            "id": "g-1", "ticket_id": "t-1", "cart_id": "c-1", "gateway_reference": "ch_1",
            "fund_code": "Roof", "each": { "code": "Bees" }, ALSO: ["g-2"],
        });
        assert_eq!(former("ticket", &row), ["t-1"]);
        assert_eq!(former("allocation", &row), ["t-1:Bees"]);
        assert_eq!(former("fund_allocation", &row), ["t-1:Roof"]);
        assert_eq!(former("payment", &row), ["c-1:g-2", "ch_1"]);
        assert_eq!(former("refund", &row), Vec::<String>::new());
        let cash = json!({ "id": "g-1", "cart_id": "c-1" });
        assert_eq!(former("payment", &cash), ["g-1"]);
    }
}
