//! Hand-written rows with hand-computed books, and random rows with the books of their drawing.

mod payments;
mod tickets;

use serde_json::json;

use super::*;
use crate::purchases::draw::{self, Buyer};
use crate::purchases::{Part, amount};

/// Rows of a case. A ticket's row is `id action ticket cart price minute`. A payment's is `id action reference amount
/// minute` in cart c-1, and a cart's is `id status`. `-` leaves a member out; further members follow as `name=value`.
#[derive(Default)]
struct Case<'c> {
    carts: &'c [&'c str],
    tickets: &'c [&'c str],
    payments: &'c [&'c str],
}

impl Case<'_> {
    fn rows(&self) -> Rows {
        let carts = rows(self.carts, &["id", "status"]);
        let tickets = rows(
            self.tickets,
            &[
                "id",
                "action",
                "ticket_id",
                "cart_id",
                "price_paid",
                "minute",
            ],
        );
        let payments = rows(
            self.payments,
            &["id", "action", "gateway_reference", "amount", "minute"],
        );
        let in_cart = payments.into_iter().map(|mut row| {
            row.entry("cart_id").or_insert(json!("c-1"));
            row
        });
        Rows::new(carts, tickets, in_cart.collect())
    }

    /// The members of a cart's books that are not empty, as text.
    fn says(&self, cart: &str) -> String {
        let books = self.rows().books(cart);
        let parts = |of: &dyn Fn(&Part) -> i64| {
            let parts = books.parts.iter().map(|(id, part)| (id.clone(), of(part)));
            parts.filter(|(_, cents)| *cents != 0).collect()
        };
        let funds = books.gifts.iter().flat_map(|(ticket, funds)| {
            let each = funds.iter();
            each.map(move |(fund, share)| (format!("{ticket}:{fund}"), share.cents))
        });
        let sections: [(&str, BTreeMap<String, i64>); 7] = [
            ("kept", books.lines.clone()),
            ("gone", books.refunded.clone()),
            ("gifts", funds.collect()),
            (
                "charged",
                parts(&|part| if part.is_refund { 0 } else { part.booked }),
            ),
            ("voided", parts(&|part| part.voided)),
            (
                "back",
                parts(&|part| if part.is_refund { part.booked } else { 0 }),
            ),
            ("waits", parts(&|part| part.waits)),
        ];
        let mut said: Vec<String> = Vec::new();
        for (name, amounts) in sections.iter().filter(|(_, amounts)| !amounts.is_empty()) {
            let each = amounts.iter().map(|(id, cents)| format!(" {id} {cents}"));
            said.push(format!("{name}{}", each.collect::<String>()));
        }
        let words: Vec<String> = books
            .words
            .iter()
            .map(|word| format!("unknown {word}"))
            .collect();
        said.extend(words);
        said.join("; ")
    }
}

fn rows(lines: &[&str], names: &[&str]) -> Vec<Record> {
    lines.iter().map(|line| row(line, names)).collect()
}

fn row(line: &str, names: &[&str]) -> Record {
    let mut row = Record::new();
    let mut names = names.iter();
    for word in line.split_whitespace() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, value),
            None => (*names.next().unwrap(), word),
        };
        match (name, value) {
            (_, "-") => {}
            ("minute", minute) => {
                let at = format!("2026-03-01T18:{minute:0>2}:00Z");
                row.insert("occurred_at".to_owned(), json!(at));
            }
            (_, value) => {
                // A list is written as JSON without blanks, since blanks separate the members.
                let value = match value.starts_with('[') {
                    true => serde_json::from_str(value).unwrap(),
                    false => json!(value),
                };
                row.insert(name.to_owned(), value);
            }
        }
    }
    row
}

#[test]
fn a_cart_goes_by_what_its_rows_said_once_it_was_sold() {
    let sold = "c-1 checked_out checked_out_at=2026-03-01T18:00:00Z total_outstanding=0.00";
    let cases: &[(&str, &[&str], &str)] = &[
        ("no row", &[], " 0 0 0 false"),
        (
            "open",
            &["c-1 open total_fee_fixed_outside=1.50"],
            " 0 0 0 false",
        ),
        ("checked out", &["c-1 open", sold], "checked_out 0 0 0 true"),
        (
            "checked out, and nobody says when",
            &["c-1 checked_out"],
            "checked_out 0 0 0 false",
        ),
        (
            "cancelled before it was checked out",
            &["c-1 open", "c-1 cancelled"],
            "cancelled 0 0 0 false",
        ),
        (
            "fees and taxes of the latest row",
            &[
                "c-1 open total_fee_fixed_outside=9.00",
                "c-1 checked_out checked_out_at=x total_fee_fixed_outside=1.50 total_fee_percent_outside=0.37",
                "c-1 part_refunded total_fee_fixed_outside=2.00",
            ],
            "part_refunded 0 200 37 true",
        ),
        (
            "opened again and left",
            &[
                "c-1 checked_out checked_out_at=x total_fee_fixed_outside=1.50 total_outstanding=0.00",
                "c-1 open total_fee_fixed_outside=9.00 total_outstanding=30.00",
            ],
            "checked_out 0 150 0 true",
        ),
        (
            "opened again and checked out again",
            &[
                "c-1 checked_out checked_out_at=x total_fee_fixed_outside=1.50",
                "c-1 open total_fee_fixed_outside=9.00 total_outstanding=30.00",
                "c-1 checked_out checked_out_at=y total_fee_fixed_outside=3.00 total_outstanding=5.00",
            ],
            "checked_out 500 300 0 true",
        ),
        (
            "a row without a status in the middle of an opened cart",
            &[sold, "c-1 open", "c-1 - total_outstanding=7.00"],
            "checked_out 0 0 0 true",
        ),
        (
            "a status that nobody knows comes last",
            &[sold, "c-1 voided total_outstanding=5.00"],
            "checked_out 0 0 0 true",
        ),
        (
            "only a status that nobody knows",
            &["c-1 voided checked_out_at=x"],
            " 0 0 0 false",
        ),
        (
            "a known one after it",
            &[
                "c-1 voided checked_out_at=x",
                "c-1 refunded checked_out_at=x",
            ],
            "refunded 0 0 0 true",
        ),
        (
            "another cart's row",
            &["c-2 checked_out checked_out_at=x"],
            " 0 0 0 false",
        ),
    ];
    for (what, carts, expected) in cases {
        let case = Case {
            carts,
            ..Case::default()
        };
        let books = case.rows().books("c-1");
        let found = format!(
            "{} {} {} {} {}",
            books.status, books.owed, books.fees, books.taxes, books.checked_out
        );
        assert_eq!(found, *expected, "{what}");
        let words: Vec<&String> = books.words.iter().collect();
        let last = carts.iter().rfind(|row| !row.contains(" open"));
        let unknown = last.is_some_and(|row| row.contains("voided"));
        assert_eq!(words.is_empty(), !unknown, "{what}");
    }
}

/// The buyer of a reopened cart does not count either.
#[test]
fn a_cart_keeps_its_buyer_when_it_is_opened_again() {
    let carts = [
        "c-1 open identity_id=i-0",
        "c-1 checked_out checked_out_at=x identity_id=i-1",
        "c-1 open identity_id=i-2",
    ];
    let buyer = |carts: &[&str]| {
        let case = Case {
            carts,
            ..Case::default()
        };
        let row = case.rows().cart("c-1");
        row.map(|row| text(&row, "identity_id").to_owned())
    };
    assert_eq!(buyer(&carts).as_deref(), Some("i-1"));
    assert_eq!(buyer(&carts[..1]), None);
}

#[test]
fn what_rows_come_to_is_what_was_kept_while_they_were_drawn() {
    let mut random = fastrand::Rng::with_seed(1);
    let (mut carts, mut waiting, mut moved) = (0, 0, 0);
    for number in 0..5_000 {
        let history = draw::draw(&mut random, format!("c-{number}"), Buyer::default());
        let of = |entity: &str| {
            let told = history.told.iter().filter(|told| told.entity == entity);
            told.map(|told| told.row.clone()).collect::<Vec<_>>()
        };
        let rows = Rows::new(of("cart"), of("ticket_audit"), of("gateway_audit"));
        let drawn: BTreeSet<String> = history.carts.iter().map(|(id, _)| id.clone()).collect();
        assert_eq!(rows.ids(), drawn);
        moved += usize::from(history.carts.len() > 1);
        for (cart, books) in &history.carts {
            assert_eq!(&rows.books(cart), books, "{cart}");
            nothing_is_silent(&of("gateway_audit"), cart, books);
            carts += 1;
            waiting += usize::from(books.parts.values().any(|part| part.waits > 0));
        }
    }
    // Plain carts have to be the majority, and each oddity frequent enough to be met.
    assert!(
        waiting * 4 < carts && waiting * 50 > carts,
        "{waiting} of {carts}"
    );
    assert!(
        moved * 10 < carts && moved * 100 > carts,
        "{moved} of {carts}"
    );
}

/// Checks that booked, voided, waiting and refused amounts add up to the amounts of all rows.
fn nothing_is_silent(rows: &[Record], cart: &str, books: &Books) {
    let mine = rows.iter().filter(|row| text(row, "cart_id") == cart);
    let mine = mine.filter(|row| {
        let action = action(row);
        matches!(action.as_str(), "charge" | "void" | "refund" | "chargeback")
    });
    let size = |row: &Record| amount(row.get("amount")).map_or(1, i64::abs);
    let mut heard: BTreeMap<String, i64> = BTreeMap::new();
    for row in mine {
        // A repeated charge counts once.
        let told = ["action", "gateway_reference", "amount", "occurred_at"];
        let told: Vec<&str> = told.iter().map(|name| text(row, name)).collect();
        let key = match (told[0], told[1]) {
            ("charge", reference) if !reference.is_empty() => told.join("|"),
            _ => text(row, "id").to_owned(),
        };
        heard.insert(key, size(row));
    }
    let parts = books.parts.values();
    let parts: i64 = parts
        .map(|part| part.booked + part.voided + part.waits)
        .sum();
    assert_eq!(parts, heard.values().sum::<i64>(), "{cart}");
}
