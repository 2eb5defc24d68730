//! Each case lists gateway rows, one a line, and then the result. The rows are read forwards and backwards.

use serde_json::{Value, json};

use super::*;

/// Parses a row such as `g-1 charge ch_1 card 100.00 day 1`; `-` leaves the member out.
fn row(line: &str) -> Value {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [id, action, reference, method, amount, day] = words[..] else {
        panic!("{line}");
    };
    let mut row = json!({ "id": id, "action": action, "occurred_at": format!("2026-03-{day:0>2}T18:00:00Z") });
    for (member, word) in [
        ("gateway_reference", reference),
        ("method", method),
        ("amount", amount),
    ] {
        if word != "-" {
            row[member] = json!(word);
        }
    }
    row
}

fn settled(rows: &[Value]) -> Vec<String> {
    let told: Vec<Entry> = told(rows).into_iter().map(|(entry, _)| entry).collect();
    let money = settle(&told);
    let mut lines: Vec<String> = Vec::new();
    for charge in &money.charges {
        let also = match charge.also.is_empty() {
            true => String::new(),
            false => format!(", told as {} too", charge.also.join(" ")),
        };
        lines.push(format!("{} pays {}{also}", charge.id, charge.paid()));
    }
    for part in &money.parts {
        lines.push(format!(
            "{} gives back {} of {}",
            part.id, part.amount, part.charge
        ));
    }
    for fault in &money.faults {
        lines.push(match fault {
            Fault::NoAmount { id, .. } => format!("{id} has no amount"),
            Fault::FitsNoCharge { id } => format!("{id} fits no charge"),
            Fault::BothSigns { ids } => format!("{} have both signs", ids.join(" ")),
            Fault::Waits { id, rest, .. } => format!("{rest} of {id} wait"),
        });
    }
    lines.sort();
    lines
}

fn check(what: &str, rows: &[&str], expected: &[&str]) {
    let mut rows: Vec<Value> = rows.iter().map(|line| row(line)).collect();
    assert_eq!(settled(&rows), expected, "{what}");
    rows.reverse();
    assert_eq!(settled(&rows), expected, "{what}, backwards");
}

#[test]
fn charges_and_voids() {
    check(
        "a charge is paid",
        &["g-1 charge ch_1 card 100.00 1"],
        &["g-1 pays 100.00"],
    );
    check(
        "a charge of nothing is none",
        &["g-1 charge - free 0.00 1"],
        &[],
    );
    check(
        "without an amount, below 0, or no number",
        &[
            "g-1 charge ch_1 card - 1",
            "g-2 charge ch_2 card -5.00 1",
            "g-3 charge ch_3 card much 1",
        ],
        &[
            "g-1 has no amount",
            "g-2 has no amount",
            "g-3 has no amount",
        ],
    );
    check(
        "told twice under two ids",
        &[
            "g-2 charge ch_1 card 25.00 1",
            "g-1 charge ch_1 card 25.00 1",
        ],
        &["g-1 pays 25.00, told as g-2 too"],
    );
    check(
        "one reference twice, at two times",
        &["g-1 charge GC gift 25.00 1", "g-2 charge GC gift 25.00 2"],
        &["g-1 pays 25.00", "g-2 pays 25.00"],
    );
    check(
        "a part is voided",
        &[
            "g-1 charge ch_1 card 100.00 1",
            "g-2 void ch_1 card 40.00 1",
        ],
        &["g-1 pays 60.00"],
    );
    check(
        "a void without an amount is of all",
        &["g-1 charge ch_1 card 100.00 1", "g-2 void ch_1 card - 1"],
        &["g-1 pays 0.00"],
    );
    check(
        "a void of more than is left waits with the rest",
        &["g-1 charge ch_1 card 30.00 1", "g-2 void ch_1 card 40.00 1"],
        &["10.00 of g-2 wait", "g-1 pays 0.00"],
    );
    check(
        "of one reference the charge of the void's amount is meant",
        &[
            "g-1 charge ch_1 card 30.00 1",
            "g-2 charge ch_1 card 50.00 2",
            "g-3 void ch_1 card 30.00 3",
        ],
        &["g-1 pays 0.00", "g-2 pays 50.00"],
    );
    check(
        "a bounced check names no reference",
        &[
            "g-1 charge - check 80.00 1",
            "g-2 charge - cash 80.00 1",
            "g-3 void - check 80.00 9",
        ],
        &["g-1 pays 0.00", "g-2 pays 80.00"],
    );
    check(
        "nobody knows which of two is meant",
        &[
            "g-1 charge - cash 80.00 1",
            "g-2 charge - cash 80.00 1",
            "g-3 void - cash 80.00 9",
        ],
        &["g-1 pays 80.00", "g-2 pays 80.00", "g-3 fits no charge"],
    );
    check(
        "a void of nothing that is known",
        &["g-1 charge ch_1 card 80.00 1", "g-3 void ch_9 card 80.00 9"],
        &["g-1 pays 80.00", "g-3 fits no charge"],
    );
}

#[test]
fn refunds() {
    check(
        "of the charge that it names",
        &[
            "g-1 charge ch_1 card 30.00 1",
            "g-2 charge ch_2 card 50.00 1",
            "g-3 refund ch_2 card 20.00 2",
        ],
        &[
            "g-1 pays 30.00",
            "g-2 pays 50.00",
            "g-3 gives back 20.00 of g-2",
        ],
    );
    check(
        "one that names none is of the charge of its amount, else of the latest that has enough",
        &[
            "g-1 charge ch_1 card 30.00 1",
            "g-2 charge ch_2 card 50.00 1",
            "g-3 refund - card 30.00 2",
            "g-4 refund re_1 card 40.00 3",
        ],
        &[
            "g-1 pays 30.00",
            "g-2 pays 50.00",
            "g-3 gives back 30.00 of g-1",
            "g-4 gives back 40.00 of g-2",
        ],
    );
    check(
        "what is more than its charge is taken from the others",
        &[
            "g-1 charge ch_1 card 30.00 1",
            "g-2 charge ch_2 card 50.00 1",
            "g-3 refund ch_1 card 60.00 2",
        ],
        &[
            "g-1 pays 30.00",
            "g-2 pays 50.00",
            "g-3 gives back 30.00 of g-1",
            "g-3:2 gives back 30.00 of g-2",
        ],
    );
    check(
        "what is more than all waits, of two the later one",
        &[
            "g-1 charge ch_1 card 100.00 1",
            "g-2 refund ch_1 card 40.00 2",
            "g-3 chargeback ch_1 card 100.00 9",
        ],
        &[
            "40.00 of g-3 wait",
            "g-1 pays 100.00",
            "g-2 gives back 40.00 of g-1",
            "g-3 gives back 60.00 of g-1",
        ],
    );
    check(
        "a minus says nothing",
        &[
            "g-1 charge ch_1 card 25.00 1",
            "g-2 refund ch_1 card -25.00 2",
        ],
        &["g-1 pays 25.00", "g-2 gives back 25.00 of g-1"],
    );
    check(
        "both signs of one reference are booked neither way",
        &[
            "g-1 charge ch_1 card 25.00 1",
            "g-2 refund ch_1 card -25.00 2",
            "g-3 refund ch_1 card 25.00 3",
            "g-4 chargeback ch_1 card 5.00 4",
        ],
        &[
            "g-1 pays 25.00",
            "g-2 g-3 have both signs",
            "g-4 gives back 5.00 of g-1",
        ],
    );
    check(
        "a charge that is voided gives nothing back, and no other stands in",
        &[
            "g-1 charge ch_1 card 25.00 1",
            "g-2 charge ch_2 card 50.00 1",
            "g-3 refund ch_1 card 25.00 2",
            "g-4 void ch_1 card 25.00 3",
        ],
        &["25.00 of g-3 wait", "g-1 pays 0.00", "g-2 pays 50.00"],
    );
}

#[test]
fn the_later_delivery_of_a_row_counts_and_keeps_what_it_leaves_out() {
    let first = row("g-1 charge ch_1 card - 1");
    let mut again = json!({ "id": "g-1", "amount": "25.00", "occurred_at": first["occurred_at"] });
    again["$at"] = json!("2026-03-02T18:00:00Z");
    assert_eq!(settled(&[first.clone(), again.clone()]), ["g-1 pays 25.00"]);
    assert_eq!(settled(&[again, first]), ["g-1 pays 25.00"]);
}
