//! Charges, voids, refunds and chargebacks of one cart.

use super::Case;

const CASES: &[(&str, &[&str], &str)] = &[
    ("nothing", &[], ""),
    ("a charge", &["g-1 charge ch_1 25.00 1"], "charged g-1 2500"),
    (
        "capital letters",
        &["g-1 Charge ch_1 25 1", "g-2 Refund ch_1 5 2"],
        "charged g-1 2500; back g-2 500",
    ),
    (
        "a charge of nothing by the gateway free",
        &["g-1 charge - 0.00 1 gateway_id=free"],
        "",
    ),
    (
        "a charge without an amount",
        &["g-1 charge ch_1 - 1"],
        "waits g-1 1",
    ),
    (
        "a charge below nothing",
        &["g-1 charge ch_1 -5.00 1"],
        "waits g-1 500",
    ),
    (
        "authorize and decline",
        &["g-1 authorize ch_1 9 1", "g-2 decline ch_1 9 1"],
        "",
    ),
    (
        "an action that nobody knows",
        &["g-1 capture ch_1 9 1"],
        "unknown capture",
    ),
    // Repeated charges.
    (
        "a charge told twice has the smallest id",
        &["g-2 charge ch_1 25 1", "g-1 charge ch_1 25.0 1"],
        "charged g-1 2500",
    ),
    (
        "another time makes another charge",
        &["g-1 charge ch_1 25 1", "g-2 charge ch_1 25 2"],
        "charged g-1 2500 g-2 2500",
    ),
    (
        "another amount makes another charge",
        &["g-1 charge ch_1 25 1", "g-2 charge ch_1 26 1"],
        "charged g-1 2500 g-2 2600",
    ),
    (
        "without a reference nobody knows that two are one",
        &["g-1 charge - 25 1", "g-2 charge - 25 1"],
        "charged g-1 2500 g-2 2500",
    ),
    (
        "another cart has a charge of its own",
        &["g-1 charge ch_1 25 1", "g-2 charge ch_1 25 1 cart_id=c-2"],
        "charged g-1 2500",
    ),
    (
        "the same id again, corrected later",
        &["g-1 charge ch_1 25 1", "g-1 charge ch_1 20 2"],
        "charged g-1 2000",
    ),
    (
        "the correction is heard first",
        &["g-1 charge ch_1 20 2", "g-1 charge ch_1 25 1"],
        "charged g-1 2000",
    ),
    (
        "a correction leaves out the amount",
        &["g-1 charge ch_1 25 1", "g-1 charge ch_1 - 2 method=card"],
        "charged g-1 2500",
    ),
    // Voids.
    (
        "all of a charge is voided",
        &["g-1 charge ch_1 25 1", "g-2 void ch_1 25 2"],
        "voided g-1 2500 g-2 2500",
    ),
    (
        "a part of a charge is voided",
        &["g-1 charge ch_1 100 1", "g-3 void ch_1 40 2"],
        "charged g-1 6000; voided g-1 4000 g-3 4000",
    ),
    (
        "more is voided than is left",
        &[
            "g-1 charge ch_1 100 1",
            "g-2 void ch_1 40 2",
            "g-3 void ch_1 70 3",
        ],
        "voided g-1 10000 g-2 4000 g-3 6000; waits g-3 1000",
    ),
    (
        "a void without an amount takes what is left",
        &["g-1 charge ch_1 25 1", "g-2 void ch_1 - 2"],
        "voided g-1 2500 g-2 2500",
    ),
    (
        "a void that fits no charge",
        &["g-1 charge ch_1 25 1", "g-2 void ch_2 25 2"],
        "charged g-1 2500; waits g-2 2500",
    ),
    (
        "a void of another cart's charge",
        &["g-1 charge ch_1 25 1 cart_id=c-2", "g-2 void ch_1 25 2"],
        "waits g-2 2500",
    ),
    (
        "of one reference twice the charge of equal amount is meant",
        &[
            "g-1 charge GC 25 1",
            "g-2 charge GC 30 2",
            "g-3 void GC 25 3",
        ],
        "charged g-2 3000; voided g-1 2500 g-3 2500",
    ),
    (
        "else the latest",
        &[
            "g-1 charge GC 25 1",
            "g-2 charge GC 30 2",
            "g-3 void GC 10 3",
        ],
        "charged g-1 2500 g-2 2000; voided g-2 1000 g-3 1000",
    ),
    (
        "two equal charges are voided by two voids",
        &[
            "g-1 charge GC 25 1",
            "g-2 charge GC 25 2",
            "g-3 void GC 25 3",
            "g-4 void GC 25 4",
        ],
        "voided g-1 2500 g-2 2500 g-3 2500 g-4 2500",
    ),
    (
        "a check bounces",
        &[
            "g-1 charge - 80 1 method=check",
            "g-2 void - 80 2 method=check",
        ],
        "voided g-1 8000 g-2 8000",
    ),
    (
        "a void without a reference means one charge, not two",
        &[
            "g-1 charge - 80 1 method=check",
            "g-2 charge - 80 2 method=check",
            "g-3 void - 80 3 method=check",
        ],
        "charged g-1 8000 g-2 8000; waits g-3 8000",
    ),
    (
        "nor one of another method or amount",
        &[
            "g-1 charge - 80 1 method=cash",
            "g-2 charge - 70 2 method=check",
            "g-3 void - 80 3 method=check",
        ],
        "charged g-1 8000 g-2 7000; waits g-3 8000",
    ),
    (
        "a charge told twice is voided once",
        &[
            "g-1 charge ch_1 25 1",
            "g-2 charge ch_1 25 1",
            "g-3 void ch_1 25 2",
        ],
        "voided g-1 2500 g-3 2500",
    ),
    // Refunds.
    (
        "a refund of a part",
        &["g-1 charge ch_1 100 1", "g-2 refund ch_1 40 2"],
        "charged g-1 10000; back g-2 4000",
    ),
    (
        "a chargeback of all after a refund",
        &[
            "g-1 charge ch_1 100 1",
            "g-2 refund ch_1 40 2",
            "g-3 chargeback ch_1 100 3",
        ],
        "charged g-1 10000; back g-2 4000 g-3 6000; waits g-3 4000",
    ),
    (
        "of several the earlier is booked, whichever is heard first",
        &[
            "g-1 charge ch_1 100 1",
            "g-3 refund ch_1 90 3",
            "g-2 refund ch_1 40 2",
        ],
        "charged g-1 10000; back g-2 4000 g-3 6000; waits g-3 3000",
    ),
    (
        "goodwill beyond the charge",
        &["g-1 charge ch_1 25 1", "g-2 refund ch_1 30 2"],
        "charged g-1 2500; back g-2 2500; waits g-2 500",
    ),
    (
        "a refund of more than its charge takes from the others",
        &[
            "g-1 charge ch_1 25 1",
            "g-2 charge ch_2 25 2",
            "g-3 refund ch_1 40 3",
        ],
        "charged g-1 2500 g-2 2500; back g-3 4000",
    ),
    (
        "a refund of an unknown reference takes from what there is",
        &[
            "g-1 charge ch_1 25 1",
            "g-2 charge ch_2 25 2",
            "g-3 refund re_9 40 3",
        ],
        "charged g-1 2500 g-2 2500; back g-3 4000",
    ),
    (
        "a refund before any charge",
        &["g-1 refund ch_1 25 1"],
        "waits g-1 2500",
    ),
    (
        "a refund is earlier than its charge by the clock",
        &["g-1 refund ch_1 25 1", "g-2 charge ch_1 25 2"],
        "charged g-2 2500; back g-1 2500",
    ),
    (
        "another cart's money is not touched",
        &["g-1 charge ch_1 25 1 cart_id=c-2", "g-2 refund ch_1 25 2"],
        "waits g-2 2500",
    ),
    (
        "refunds come as negative amounts",
        &["g-1 charge ch_1 25 1", "g-2 refund ch_1 -25.00 2"],
        "charged g-1 2500; back g-2 2500",
    ),
    (
        "rows of one reference and action have both signs",
        &[
            "g-1 charge ch_1 99 1",
            "g-2 refund ch_1 -25 2",
            "g-3 refund ch_1 5 3",
        ],
        "charged g-1 9900; waits g-2 2500 g-3 500",
    ),
    (
        "a refund below and a chargeback above nothing are two actions",
        &[
            "g-1 charge ch_1 99 1",
            "g-2 refund ch_1 -25 2",
            "g-3 chargeback ch_1 5 3",
        ],
        "charged g-1 9900; back g-2 2500 g-3 500",
    ),
    (
        "two references have signs of their own",
        &[
            "g-1 charge ch_1 99 1",
            "g-2 refund re_1 -25 2",
            "g-3 refund re_2 5 3",
        ],
        "charged g-1 9900; back g-2 2500 g-3 500",
    ),
    (
        "a refund of nothing",
        &["g-1 charge ch_1 25 1", "g-2 refund ch_1 0.00 2"],
        "charged g-1 2500",
    ),
    // Refunds of charges that are voided.
    (
        "a refund of a charge that is voided afterwards waits",
        &[
            "g-1 charge ch_1 25 1",
            "g-2 refund ch_1 20 2",
            "g-3 void ch_1 25 3",
        ],
        "voided g-1 2500 g-3 2500; waits g-2 2000",
    ),
    (
        "and is not taken from another charge",
        &[
            "g-1 charge ch_1 25 1",
            "g-2 refund ch_1 20 2",
            "g-3 void ch_1 25 3",
            "g-4 charge ch_2 90 4",
        ],
        "charged g-4 9000; voided g-1 2500 g-3 2500; waits g-2 2000",
    ),
    (
        "of a charge that is voided in part what is left goes back",
        &[
            "g-1 charge ch_1 100 1",
            "g-2 void ch_1 40 2",
            "g-3 refund ch_1 80 3",
            "g-4 charge ch_2 90 4",
        ],
        "charged g-1 6000 g-4 9000; voided g-1 4000 g-2 4000; back g-3 6000; waits g-3 2000",
    ),
    (
        "a refund of another charge goes back as ever",
        &[
            "g-1 charge ch_1 25 1",
            "g-2 void ch_1 25 2",
            "g-3 charge ch_2 90 3",
            "g-4 refund ch_2 90 4",
        ],
        "charged g-3 9000; voided g-1 2500 g-2 2500; back g-4 9000",
    ),
];

#[test]
fn payments_are_what_was_reckoned_by_hand() {
    for (what, payments, expected) in CASES {
        let mut payments: Vec<&str> = payments.to_vec();
        for _ in 0..2 {
            let case = Case {
                payments: &payments,
                ..Case::default()
            };
            assert_eq!(case.says("c-1"), *expected, "{what}");
            // The order of the rows must not change the result.
            payments.reverse();
        }
    }
}
