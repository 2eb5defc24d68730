//! Sums with hand-computed lines, and allocations with hand-computed shares.

use serde_json::json;

use super::*;
use crate::purchases::Part;

/// Name, `[L, T, C, R]` in cents, the line `CART:kept` under either setting, and G.
type Case = (
    &'static str,
    [i64; 4],
    Option<(&'static str, i64)>,
    Option<(&'static str, i64)>,
    i64,
);

const CASES: &[Case] = &[
    ("bought and paid", [7_500, 0, 7_500, 0], None, None, 0),
    ("nothing at all", [0, 0, 0, 0], None, None, 0),
    (
        "one of three is given back whole",
        [5_000, 2_500, 7_500, 2_500],
        None,
        None,
        0,
    ),
    (
        "one of three is given back less a fee of 5",
        [5_000, 2_500, 7_500, 2_000],
        Some(("Refund fee", 500)),
        None,
        0,
    ),
    (
        "all is given back less a fee",
        [0, 2_500, 2_500, 2_000],
        Some(("Refund fee", 500)),
        None,
        0,
    ),
    ("all is given back", [0, 2_500, 2_500, 2_500], None, None, 0),
    (
        "goodwill: 40 of 100 and the line stays",
        [10_000, 0, 10_000, 4_000],
        Some(("Given back", -4_000)),
        None,
        4_000,
    ),
    (
        "all money went back and the line stays",
        [10_000, 0, 10_000, 10_000],
        Some(("Given back", -10_000)),
        None,
        10_000,
    ),
    (
        "a line is refunded with 5 more than it cost",
        [5_000, 2_500, 7_500, 3_000],
        Some(("Given back", -500)),
        None,
        500,
    ),
    (
        "an overpayment goes back",
        [2_500, 0, 3_000, 500],
        None,
        None,
        0,
    ),
    (
        "more than the overpayment goes back",
        [2_500, 0, 3_000, 700],
        Some(("Given back", -200)),
        None,
        200,
    ),
    (
        "a dearer seat is changed for a cheaper one in place",
        [2_000, 0, 3_500, 1_500],
        None,
        None,
        0,
    ),
    (
        "bought twice, one ticket told, the excess went back",
        [2_500, 0, 5_000, 2_500],
        None,
        None,
        0,
    ),
    (
        "refunded and bought anew for 10 more, only the difference is charged",
        [3_500, 2_500, 3_500, 0],
        None,
        Some(("Exchanged", -2_500)),
        0,
    ),
    (
        "refunded and bought anew for 10 less, the difference is kept",
        [1_500, 2_500, 2_500, 0],
        Some(("Refund fee", 1_000)),
        Some(("Exchanged", -1_500)),
        0,
    ),
    (
        "refunded and bought anew for 10 less, the difference went back",
        [1_500, 2_500, 2_500, 1_000],
        None,
        Some(("Exchanged", -1_500)),
        0,
    ),
    (
        "the money of a refund is not heard of yet",
        [5_000, 2_500, 7_500, 0],
        Some(("Refund fee", 2_500)),
        None,
        0,
    ),
    ("nothing is paid", [2_500, 0, 0, 0], None, None, 0),
    (
        "nothing is paid and a line is gone",
        [5_000, 2_500, 0, 0],
        None,
        Some(("Exchanged", -2_500)),
        0,
    ),
    (
        "half is paid and given back",
        [10_000, 0, 5_000, 5_000],
        Some(("Given back", -5_000)),
        None,
        5_000,
    ),
    (
        "an overpayment makes no line",
        [2_500, 0, 4_000, 0],
        None,
        None,
        0,
    ),
    (
        "an overpayment, and a line is gone: never more than that line",
        [2_500, 1_000, 9_000, 0],
        Some(("Refund fee", 1_000)),
        None,
        0,
    ),
    (
        "charges are heard before any ticket",
        [0, 0, 4_000, 0],
        None,
        None,
        0,
    ),
    (
        "charge and refund are heard before any ticket",
        [0, 0, 4_000, 1_000],
        None,
        None,
        0,
    ),
];

#[test]
fn the_kept_line_is_what_was_reckoned_by_hand() {
    for (what, [kept, gone, charged, back], reduced, negative, given_back) in CASES {
        let sums = Sums {
            kept: *kept,
            gone: *gone,
            charged: *charged,
            back: *back,
        };
        assert_eq!(sums.adjustment(true), *reduced, "{what}, reduce_lines");
        assert_eq!(
            sums.adjustment(false),
            *negative,
            "{what}, negative_payment"
        );
        assert_eq!(sums.given_back(), *given_back, "{what}");
    }
}

/// Checks the equation of the issue for every small combination of the four sums.
#[test]
fn the_amount_is_the_money_wherever_lines_and_charges_allow_it() {
    let upto = 0..7;
    for kept in upto.clone() {
        for gone in upto.clone() {
            for charged in upto.clone() {
                for back in 0..=charged {
                    let sums = Sums {
                        kept,
                        gone,
                        charged,
                        back,
                    };
                    let line = |reduces| sums.adjustment(reduces).map_or(0, |(_, cents)| cents);
                    if kept + gone.min(back) <= charged && charged <= kept + gone {
                        assert_eq!(kept + line(true), charged - back, "{sums:?}");
                        assert_eq!(kept + gone + line(false), charged, "{sums:?}");
                    }
                    assert!(kept + line(true) >= 0, "{sums:?}");
                    assert!(kept + gone + line(false) >= kept, "{sums:?}");
                }
            }
        }
    }
}

#[test]
fn a_sum_is_divided_to_the_cent() {
    for (shares, sum, expected) in [
        (vec![10_000], 6_000, vec![6_000]),
        (vec![3_000, 7_000], 5_000, vec![1_500, 3_500]),
        (vec![1, 1, 1], 2, vec![1, 1, 0]),
        (vec![500, 250, 250], 333, vec![167, 83, 83]),
        (vec![500, 300, 200], 0, vec![0, 0, 0]),
        (vec![], 0, vec![]),
        (vec![0, 5], 5, vec![0, 5]),
    ] {
        assert_eq!(proportional(&shares, sum), expected, "{shares:?} {sum}");
    }
}

fn share(cents: i64) -> Share {
    Share { cents, slack: 0 }
}

/// Books of a ticket, a gift to two funds, a charge and a refund.
fn gift(ticket: i64, roof: i64, bees: i64, charged: i64, back: i64) -> Books {
    let part = |is_refund, booked| Part {
        is_refund,
        booked,
        ..Part::default()
    };
    let funds = [("roof", roof), ("bees", bees)];
    let funds = funds.map(|(name, cents)| (name.to_owned(), share(cents)));
    Books {
        lines: [("t", ticket), ("d", roof + bees)]
            .map(|(id, cents)| (id.to_owned(), cents))
            .into(),
        gifts: [("d".to_owned(), funds.into())].into(),
        parts: [
            ("g-1".to_owned(), part(false, charged)),
            ("g-2".to_owned(), part(true, back)),
        ]
        .into(),
        status: "checked_out".to_owned(),
        checked_out: true,
        bought: true,
        ..Books::default()
    }
}

#[test]
fn what_went_back_is_taken_from_lines_that_are_no_gifts_first() {
    for (what, books, expected) in [
        (
            "nothing went back",
            gift(2_500, 6_000, 4_000, 12_500, 0),
            vec![("bees", 4_000, 0), ("roof", 6_000, 0)],
        ),
        (
            "the ticket holds it",
            gift(2_500, 6_000, 4_000, 12_500, 2_500),
            vec![("bees", 4_000, 0), ("roof", 6_000, 0)],
        ),
        (
            "10 more than the ticket holds",
            gift(2_500, 6_000, 4_000, 12_500, 3_500),
            vec![("bees", 3_600, 1), ("roof", 5_400, 1)],
        ),
        (
            "everything went back",
            gift(2_500, 6_000, 4_000, 12_500, 12_500),
            vec![],
        ),
        (
            "to the cent",
            gift(0, 1, 2, 3, 1),
            vec![("bees", 1, 1), ("roof", 1, 1)],
        ),
    ] {
        for refund in ["reduce_lines", "negative_payment"] {
            let settings = json!({ "refund": refund });
            let found = books.allocations(settings.as_object().unwrap());
            let found: Vec<(&str, i64, i64)> = found
                .iter()
                .map(|(fund, share)| (fund.as_str(), share.cents, share.slack))
                .collect();
            assert_eq!(found, expected, "{what}, {refund}");
        }
    }
}

#[test]
fn the_setting_says_which_lines_stay() {
    let mut books = gift(2_500, 6_000, 4_000, 12_500, 0);
    books.refunded = [("r".to_owned(), 700)].into();
    (books.fees, books.taxes) = (150, 0);
    let lines = |books: &Books, settings: Value| {
        let lines = books.own_lines("c", settings.as_object().unwrap());
        lines
            .into_iter()
            .map(|(key, cents)| format!("{key} {cents}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    assert_eq!(lines(&books, json!({})), "c:d 10000, c:fees 150, c:t 2500");
    let negative = json!({ "refund": "negative_payment" });
    assert_eq!(
        lines(&books, negative.clone()),
        "c:d 10000, c:fees 150, c:r 700, c:t 2500"
    );
    let derived = json!({ "cart_source": "derived" });
    assert_eq!(lines(&books, derived.clone()), "c:d 10000, c:t 2500");
    let sums = |books: &Books, settings: &Value| {
        let sums = books.sums(settings.as_object().unwrap());
        [sums.kept, sums.gone, sums.charged, sums.back]
    };
    assert_eq!(sums(&books, &negative), [12_650, 700, 12_500, 0]);
    assert_eq!(sums(&books, &derived), [12_500, 700, 12_500, 0]);
    books.status = "refunded".to_owned();
    assert_eq!(lines(&books, json!({})), "c:d 10000, c:t 2500");
    assert_eq!(
        lines(&books, negative.clone()),
        "c:d 10000, c:fees 150, c:r 700, c:t 2500"
    );
    assert_eq!(sums(&books, &negative), [12_500, 850, 12_500, 0]);
    assert_eq!(sums(&books, &derived), [12_500, 700, 12_500, 0]);
}
