//! Entries checked against hand-written books.

use super::*;
use crate::purchases::Part;

/// Two carts: c-1 is judged, c-2 has no opportunity. The row g-1 is booked, g-12 and g-3 wait, and g-9 belongs to c-2.
fn carts() -> [(&'static str, Books, bool); 2] {
    let part = |booked, waits| Part {
        booked,
        waits,
        ..Part::default()
    };
    let books = |parts: &[(&str, Part)], word: &str| Books {
        parts: parts
            .iter()
            .map(|(id, part)| ((*id).to_owned(), *part))
            .collect(),
        words: [word.to_owned()].into(),
        ..Books::default()
    };
    let first = [
        ("g-1", part(5, 0)),
        ("g-12", part(0, 700)),
        ("g-3", part(60, 4_000)),
    ];
    [
        ("c-1", books(&first, "voided"), true),
        ("c-2", books(&[("g-9", part(0, 5))], "capture"), false),
    ]
}

fn faults(waiting: &[&str], errors: &[&str], are_ours: bool) -> Vec<String> {
    let carts = carts();
    let heard = carts.iter().map(|(cart, books, is_judged)| Heard {
        cart,
        books,
        is_judged: *is_judged,
    });
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let entries = Entries {
        waiting: owned(waiting),
        errors: owned(errors),
    };
    Ledger::of(heard).faults(&entries, are_ours)
}

const RIGHT: &str = "refund g-3 of cart c-1: 60.00 of 100.00 are booked, 40.00 wait";
const WORDS: &[&str] = &[
    "c-1 has the status `Voided`, which no mapping knows",
    "action capture (3 rows, the last is g-77)",
];

#[test]
fn every_amount_that_is_not_booked_has_its_entry() {
    let refused = "charge g-12: no amount";
    let mut errors = WORDS.to_vec();
    errors.push(refused);
    assert_eq!(faults(&[RIGHT], &errors, true), Vec::<String>::new());
    // A single entry may name several rows.
    let both = "refunds g-3, g-12.";
    assert_eq!(faults(&[both], WORDS, true), Vec::<String>::new());
    assert_eq!(
        faults(&[], &errors, true),
        ["40.00 of g-3 of c-1 are not booked, and no entry says so"]
    );
    // Longer ids that contain the row's id do not name it.
    assert_eq!(
        faults(&["g-34 and g-123 and xg-12"], WORDS, true),
        [
            "7.00 of g-12 of c-1 are not booked, and no entry says so",
            "40.00 of g-3 of c-1 are not booked, and no entry says so",
        ]
    );
}

#[test]
fn no_entry_is_about_money_that_is_booked() {
    let mut errors = WORDS.to_vec();
    errors.extend(["g-12: wrong", "c-1:g-1 was refused"]);
    assert_eq!(
        faults(&[RIGHT], &errors, true),
        ["an entry names money that is booked: c-1:g-1 was refused"]
    );
    // The entry of a waiting row may name its charge, and entries of unjudged carts may name any row.
    let charge = "g-3 waits: of charge g-1 nothing is left; g-12 too";
    assert_eq!(
        faults(&[charge, "g-9 waits"], WORDS, true),
        Vec::<String>::new()
    );
}

#[test]
fn nothing_waits_where_no_payments_are_made() {
    assert_eq!(faults(&[], WORDS, false), Vec::<String>::new());
    let mut errors = WORDS.to_vec();
    errors.push("charge g-12: no amount");
    assert_eq!(faults(&[], &errors, false), Vec::<String>::new());
    assert_eq!(
        faults(&[RIGHT], WORDS, false),
        [format!("a payment waits where none is made: {RIGHT}")]
    );
}

#[test]
fn every_word_that_nobody_understands_is_in_the_error_log() {
    let both = [RIGHT, "g-12 waits"];
    assert_eq!(
        faults(&both, &WORDS[..1], true),
        ["nobody understands capture, and the error log does not say so"]
    );
    let waiting = [RIGHT, "g-12 waits", WORDS[0]];
    assert_eq!(
        faults(&waiting, &WORDS[1..], true),
        ["nobody understands voided, and the error log does not say so"]
    );
}

#[test]
fn an_entry_is_explained_by_a_row_that_waits_or_a_word() {
    let carts = carts();
    let ledger = Ledger::of(carts.iter().map(|(cart, books, is_judged)| Heard {
        cart,
        books,
        is_judged: *is_judged,
    }));
    for (text, expected) in [
        (RIGHT, true),
        ("c-2:g-9 waits", true),
        ("status VOIDED", true),
        ("c-1 waits for i-1", false),
        ("g-1 was refused", false),
        ("", false),
    ] {
        assert_eq!(ledger.explains(text), expected, "{text}");
    }
}
