//! Values that cannot be read, in rows that come after readable ones. The earlier value stays, and the error log names
//! both: one wrong member takes no line, amount or stage away.

use runtime::json::text_at;
use rust_decimal::Decimal;
use serde_json::Value;

use super::exchanges::{is_given, move_of};
use super::{CARTS, Refunds, Rows, TICKETS};

/// A value that is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misread {
    /// The ticket. `None` for a member of the cart itself.
    pub(crate) ticket: Option<String>,
    pub(crate) member: &'static str,
    pub(crate) value: String,
    /// The earlier value that stays.
    pub(crate) stays: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Amount,
    Moment,
}

/// A member of a cart's rows, and whether the sale is written without any value of it.
type Member = (&'static str, Kind, bool);

const OF_CARTS: [Member; 4] = [
    ("total_fee_fixed_outside", Kind::Amount, false),
    ("total_fee_percent_outside", Kind::Amount, false),
    ("total_outstanding", Kind::Amount, true),
    ("checked_out_at", Kind::Moment, false),
];
/// The members that become lines of the cart.
const FEES: [&str; 2] = ["total_fee_fixed_outside", "total_fee_percent_outside"];
const PRICE: Member = ("price_paid", Kind::Amount, false);

/// The status of a cart that went back whole.
const REFUNDED: &str = "refunded";
/// The status of a cart whose amounts are not read.
const OPEN: &str = "open";

/// Removes values that cannot be read where an earlier row has one that can. Returns those that would count.
///
/// The fees of a cart that is `refunded` are not wanted where refunds reduce the lines.
pub(super) fn settle(rows: &mut Rows, refunds: Refunds) -> Vec<Misread> {
    let mut misread = Vec::new();
    if let Some(tickets) = rows.get_mut(TICKETS) {
        let mut ids: Vec<String> = tickets
            .iter()
            .filter_map(|row| text_at(row, &["ticket_id"]))
            .collect();
        ids.sort();
        ids.dedup();
        for id in ids {
            let own = tickets.iter_mut();
            let own = own.filter(|row| text_at(row, &["ticket_id"]).as_ref() == Some(&id));
            let mut own: Vec<&mut Value> = own.filter(|row| move_of(row).is_some()).collect();
            own.sort_by_key(|row| move_of(row));
            misread.extend(settle_member(own, PRICE, Some(id)));
        }
    }
    for member in OF_CARTS {
        let carts = rows.get_mut(CARTS).into_iter().flatten();
        let mut read: Vec<&mut Value> = carts.filter(|row| !is_open(row)).collect();
        read.sort_by_key(|row| time(row, "$at"));
        let status = read.last().and_then(|row| text_at(row, &["status"]));
        let is_refunded = status.is_some_and(|status| status.trim().eq_ignore_ascii_case(REFUNDED));
        let is_wanted =
            !is_refunded || !FEES.contains(&member.0) || refunds != Refunds::ReduceLines;
        let found = settle_member(read, member, None);
        misread.extend(found.filter(|_| is_wanted));
    }
    misread
}

/// Settles one member of rows in their order.
fn settle_member(
    rows: Vec<&mut Value>,
    (member, kind, may_lack): Member,
    ticket: Option<String>,
) -> Option<Misread> {
    let mut given: Vec<&mut Value> = rows
        .into_iter()
        .filter(|row| is_given(row, member))
        .collect();
    let reads = |row: &Value| is_readable(row, member, kind);
    let last = given.iter().rposition(|row| reads(row));
    let unread = given.split_off(last.map_or(0, |place| place + 1));
    if last.is_none() && !may_lack {
        return None;
    }
    let stays = given.last().and_then(|row| text_at(row, &[member]));
    let mut value = None;
    for row in unread {
        value = text_at(row, &[member]).or_else(|| row.get(member).map(Value::to_string));
        if let Value::Object(members) = row {
            members.remove(member);
        }
    }
    value.map(|value| Misread {
        ticket,
        member,
        value,
        stays,
    })
}

fn is_readable(row: &Value, member: &'static str, kind: Kind) -> bool {
    let text = text_at(row, &[member]);
    let text = text.as_deref().map(str::trim).unwrap_or_default();
    match kind {
        Kind::Amount => text.parse::<Decimal>().is_ok(),
        Kind::Moment => runtime::json::moment(text).is_some(),
    }
}

fn is_open(row: &Value) -> bool {
    text_at(row, &["status"]).is_some_and(|status| status.trim().eq_ignore_ascii_case(OPEN))
}

fn time(row: &Value, member: &'static str) -> Option<i64> {
    runtime::clock::parse_ms(&text_at(row, &[member])?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn prices(said: &[(&str, Value)]) -> (Vec<Misread>, Vec<Value>) {
        let tickets = said.iter().map(|(at, price)| {
            json!({ "id": at, "ticket_id": "t-1", "action": "purchased", "price_paid": price,
                "occurred_at": format!("2026-03-0{at}T18:00:00Z") })
        });
        let mut rows = Rows::from([(TICKETS.to_owned(), tickets.collect())]);
        let misread = settle(&mut rows, Refunds::ReduceLines);
        let left = rows[TICKETS].iter().map(|row| row["price_paid"].clone());
        (misread, left.collect())
    }

    #[test]
    fn an_earlier_price_stays_in_any_order_of_arrival() {
        let misread = Misread {
            ticket: Some("t-1".to_owned()),
            member: "price_paid",
            value: "abc".to_owned(),
            stays: Some("25.00".to_owned()),
        };
        for said in [
            [("1", json!("25.00")), ("2", json!("abc"))],
            [("2", json!("abc")), ("1", json!("25.00"))],
        ] {
            let (found, left) = prices(&said);
            assert_eq!(found.as_slice(), std::slice::from_ref(&misread));
            assert!(
                left.contains(&json!("25.00")) && left.contains(&Value::Null),
                "{left:?}"
            );
        }
    }

    #[test]
    fn a_later_price_makes_up_for_it_and_the_only_one_is_left_to_its_mapping() {
        let (found, _) = prices(&[("1", json!("abc")), ("2", json!("25.00"))]);
        assert_eq!(found, []);
        let (found, left) = prices(&[("1", json!("abc"))]);
        assert_eq!((found, left), (vec![], vec![json!("abc")]));
    }

    #[test]
    fn a_cart_goes_on_without_what_is_owed() {
        let cart = json!({ "id": "c-1", "status": "checked_out", "total_outstanding": "n/a", "$at": "2026-03-01T18:00:00Z" });
        let mut rows = Rows::from([(CARTS.to_owned(), vec![cart])]);
        let misread = settle(&mut rows, Refunds::ReduceLines);
        assert_eq!(misread.len(), 1);
        assert_eq!(misread[0].stays, None);
        assert_eq!(rows[CARTS][0].get("total_outstanding"), None);
    }
}
