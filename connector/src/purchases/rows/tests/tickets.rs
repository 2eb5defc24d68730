//! Lines, gifts and moves of tickets.

use super::Case;

/// Name, rows, and the expected books of c-1 and of c-2.
const CASES: &[(&str, &[&str], &str, &str)] = &[
    (
        "a ticket",
        &["a-1 purchased t-1 c-1 25.00 1"],
        "kept t-1 2500",
        "",
    ),
    (
        "a free ticket",
        &["a-1 purchased t-1 c-1 0.00 1"],
        "kept t-1 0",
        "",
    ),
    (
        "a scan alone says nothing",
        &["a-1 redeemed t-1 c-1 25.00 1"],
        "",
        "",
    ),
    (
        "nor does a refund",
        &["a-1 refunded t-1 c-1 25.00 1"],
        "",
        "",
    ),
    (
        "an action that nobody knows",
        &["a-1 upgraded t-1 c-1 25.00 1"],
        "unknown upgraded",
        "",
    ),
    (
        "capital letters",
        &[
            "a-1 Purchased t-1 c-1 25 1",
            "a-2 Force_redeemed t-1 c-1 - 2",
            "a-3 Refunded t-1 c-1 - 3",
        ],
        "gone t-1 2500",
        "",
    ),
    // Prices.
    (
        "a second purchase corrects the price",
        &["a-1 purchased t-1 c-1 25 1", "a-2 purchased t-1 c-1 20 2"],
        "kept t-1 2000",
        "",
    ),
    (
        "to nothing",
        &["a-1 purchased t-1 c-1 25 1", "a-2 purchased t-1 c-1 0 2"],
        "kept t-1 0",
        "",
    ),
    (
        "a row without a price keeps the older one",
        &["a-1 purchased t-1 c-1 25 1", "a-2 purchased t-1 c-1 - 2"],
        "kept t-1 2500",
        "",
    ),
    (
        "the same id later corrects it too",
        &["a-1 purchased t-1 c-1 25 1", "a-1 purchased t-1 c-1 20 2"],
        "kept t-1 2000",
        "",
    ),
    (
        "a transfer to a dearer session",
        &[
            "a-1 purchased t-1 c-1 25 1",
            "a-2 transfer_from t-1 c-1 25 2",
            "a-3 transfer_to t-1 c-1 35 2",
        ],
        "kept t-1 3500",
        "",
    ),
    (
        "a scan and a refund say no price",
        &[
            "a-1 purchased t-1 c-1 25 1",
            "a-2 redeemed t-1 c-1 99 2",
            "a-3 refunded t-1 c-1 20 3",
        ],
        "gone t-1 2500",
        "",
    ),
    // Refunds.
    (
        "bought, refunded and bought again",
        &[
            "a-1 purchased t-1 c-1 25 1",
            "a-2 refunded t-1 c-1 - 2",
            "a-3 purchased t-1 c-1 30 3",
        ],
        "kept t-1 3000",
        "",
    ),
    (
        "transferred and refunded",
        &[
            "a-1 purchased t-1 c-1 25 1",
            "a-2 transfer_to t-1 c-1 35 2",
            "a-3 refunded t-1 c-1 - 3",
        ],
        "gone t-1 3500",
        "",
    ),
    (
        "refunded and transferred after that",
        &[
            "a-1 purchased t-1 c-1 25 1",
            "a-2 refunded t-1 c-1 - 2",
            "a-3 transfer_to t-1 c-1 - 3",
        ],
        "kept t-1 2500",
        "",
    ),
    (
        "bought and refunded within a second",
        &["a-2 purchased t-1 c-1 25 1", "a-1 refunded t-1 c-1 - 1"],
        "gone t-1 2500",
        "",
    ),
    (
        "one of two",
        &[
            "a-1 purchased t-1 c-1 25 1",
            "a-2 purchased t-2 c-1 30 1",
            "a-3 refunded t-1 c-1 - 2",
        ],
        "kept t-2 3000; gone t-1 2500",
        "",
    ),
    // Moves into another cart.
    (
        "refunded in one cart and bought in another",
        &[
            "a-1 purchased t-1 c-1 25 1",
            "a-2 refunded t-1 c-1 - 2",
            "a-3 purchased t-1 c-2 25 2",
        ],
        "",
        "kept t-1 2500",
    ),
    (
        "transferred, with a new price",
        &[
            "a-1 purchased t-1 c-1 25 1",
            "a-2 transfer_from t-1 c-1 25 2",
            "a-3 transfer_to t-1 c-2 40 2",
        ],
        "",
        "kept t-1 4000",
    ),
    (
        "transferred, and the price is left out",
        &["a-1 purchased t-1 c-1 25 1", "a-3 transfer_to t-1 c-2 - 2"],
        "",
        "kept t-1 2500",
    ),
    (
        "a scan moves nothing",
        &["a-1 purchased t-1 c-1 25 1", "a-2 redeemed t-1 c-2 40 2"],
        "kept t-1 2500",
        "",
    ),
    (
        "nor does a transfer away, nor a refund elsewhere",
        &[
            "a-1 purchased t-1 c-1 25 1",
            "a-2 transfer_from t-1 c-2 - 2",
            "a-3 refunded t-1 c-2 - 3",
        ],
        "kept t-1 2500",
        "",
    ),
    (
        "refunded in the old cart long after it went",
        &[
            "a-1 purchased t-1 c-1 25 1",
            "a-2 purchased t-1 c-2 25 2",
            "a-3 refunded t-1 c-1 - 3",
        ],
        "",
        "kept t-1 2500",
    ),
    (
        "refunded in the new cart",
        &[
            "a-1 purchased t-1 c-1 25 1",
            "a-2 purchased t-1 c-2 30 2",
            "a-3 refunded t-1 c-2 - 3",
        ],
        "",
        "gone t-1 3000",
    ),
    (
        "into another cart and back",
        &[
            "a-1 purchased t-1 c-1 25 1",
            "a-2 purchased t-1 c-2 30 2",
            "a-3 transfer_to t-1 c-1 35 3",
        ],
        "kept t-1 3500",
        "",
    ),
    // Gifts.
    (
        "a gift to a fund, in small letters",
        &["a-1 purchased d-1 c-1 25 1 item_kind=donation fund_code=Roof"],
        "kept d-1 2500; gifts d-1:roof 2500",
        "",
    ),
    (
        "a fund of a ticket is none",
        &["a-1 purchased d-1 c-1 25 1 item_kind=admission fund_code=Roof"],
        "kept d-1 2500",
        "",
    ),
    (
        "a gift without a fund",
        &["a-1 purchased d-1 c-1 25 1 item_kind=donation"],
        "kept d-1 2500",
        "",
    ),
    (
        "a gift that is refunded, and the row does not say what it is",
        &[
            "a-1 purchased d-1 c-1 25 1 item_kind=donation fund_code=Roof",
            "a-2 refunded d-1 c-1 - 2",
        ],
        "gone d-1 2500",
        "",
    ),
    (
        "the fund is put right",
        &[
            "a-1 purchased d-1 c-1 25 1 item_kind=donation fund_code=Roof",
            "a-2 purchased d-1 c-1 25 2 item_kind=donation fund_code=Bees",
        ],
        "kept d-1 2500; gifts d-1:bees 2500",
        "",
    ),
    (
        "a list replaces a fund",
        &[
            "a-1 purchased d-1 c-1 25 1 item_kind=donation fund_code=Roof",
            "a-2 purchased d-1 c-1 - 2 funds=[{\"code\":\"Bees\",\"amount\":\"5\"},{\"code\":\"Whale\"}]",
        ],
        "kept d-1 2500; gifts d-1:bees 500 d-1:whale 2000",
        "",
    ),
    (
        "a fund replaces a list, by the same id too",
        &[
            "a-1 purchased d-1 c-1 25 1 item_kind=donation funds=[{\"code\":\"Bees\"}]",
            "a-1 purchased d-1 c-1 - 2 fund_code=Roof",
        ],
        "kept d-1 2500; gifts d-1:roof 2500",
        "",
    ),
    (
        "a corrected price is the fund's",
        &[
            "a-1 purchased d-1 c-1 25 1 item_kind=donation fund_code=Roof",
            "a-2 purchased d-1 c-1 20 2",
        ],
        "kept d-1 2000; gifts d-1:roof 2000",
        "",
    ),
    (
        "a fund named twice has both parts",
        &[
            "a-1 purchased d-1 c-1 10 1 item_kind=donation funds=[{\"code\":\"Roof\",\"amount\":\"5\"},{\"code\":\"roof\",\"amount\":\"5\"}]",
        ],
        "kept d-1 1000; gifts d-1:roof 1000",
        "",
    ),
    (
        "percentages, an amount and the rest",
        &[
            "a-1 purchased d-1 c-1 50 1 item_kind=donation funds=[{\"code\":\"Roof\",\"percent\":\"33.333333\"},{\"code\":\"Whale\",\"amount\":\"12.34\"},{\"code\":\"Bees\"}]",
        ],
        "kept d-1 5000; gifts d-1:bees 2099 d-1:roof 1667 d-1:whale 1234",
        "",
    ),
    (
        "percentages of everything, to the cent",
        &[
            "a-1 purchased d-1 c-1 10 1 item_kind=donation funds=[{\"code\":\"A\",\"percent\":\"33.333333\"},{\"code\":\"B\",\"percent\":\"33.333333\"},{\"code\":\"C\",\"percent\":\"33.333334\"}]",
        ],
        "kept d-1 1000; gifts d-1:a 333 d-1:b 333 d-1:c 334",
        "",
    ),
    (
        "a gift goes on in another cart with what its row leaves out",
        &[
            "a-1 purchased d-1 c-1 25 1 item_kind=donation fund_code=Roof",
            "a-2 transfer_to d-1 c-2 - 2",
        ],
        "",
        "kept d-1 2500; gifts d-1:roof 2500",
    ),
];

#[test]
fn lines_are_what_was_reckoned_by_hand() {
    for (what, tickets, first, second) in CASES {
        let mut tickets: Vec<&str> = tickets.to_vec();
        for _ in 0..2 {
            let case = Case {
                tickets: &tickets,
                ..Case::default()
            };
            assert_eq!(case.says("c-1"), *first, "{what}");
            assert_eq!(case.says("c-2"), *second, "{what}, c-2");
            // The order of the rows must not change the result.
            tickets.reverse();
        }
    }
}

#[test]
fn a_cart_without_rows_of_its_own_follows_from_tickets_that_came_into_it() {
    for (tickets, expected) in [
        (&["a-1 purchased t-1 c-1 25 1"][..], [true, false]),
        (&["a-1 redeemed t-1 c-1 25 1"], [false, false]),
        (
            &["a-1 purchased t-1 c-1 25 1", "a-2 transfer_to t-1 c-2 - 2"],
            [true, true],
        ),
        (
            &["a-1 purchased t-1 c-1 25 1", "a-2 redeemed t-1 c-2 - 2"],
            [true, false],
        ),
    ] {
        let case = Case {
            tickets,
            ..Case::default()
        };
        let rows = case.rows();
        let bought = ["c-1", "c-2"].map(|cart| rows.books(cart).bought);
        assert_eq!(bought, expected, "{tickets:?}");
    }
}
