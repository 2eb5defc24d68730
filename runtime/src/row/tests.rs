//! Rows of a ticket become one row, whatever the order in which they come.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{compute, exists, reduced, with_settings};
use crate::dynamic::Record;
use crate::entity::{EntityDescriptor, FieldDescriptor, Kind};
use crate::mapping::{
    AfterDelete, Case, Computed, Condition, Constant, Direction, Fold, Gone, How, Is, Made,
    MappingDescriptor, MatchPolicy, OnLink, OnRewrite, Otherwise, Path, Piece, Policies, Rank,
    Reduce, Rule, Side, Tree,
};

static PAYLOAD: EntityDescriptor = EntityDescriptor {
    name: "ticket",
    fields: &[FieldDescriptor::new(&["channel"], Kind::Text).pii()],
    new: Record::boxed,
};

static EMPTY: EntityDescriptor = EntityDescriptor {
    name: "ticket",
    fields: &[],
    new: Record::boxed,
};

const fn is(path: Path, word: &'static str) -> Condition {
    Condition {
        path,
        is: Is::Equal(Constant::Text(word)),
    }
}

static PURCHASED: &[Condition] = &[is(&["action"], "purchased")];
static SCANNED: &[Condition] = &[Condition {
    path: &["action"],
    is: Is::OneOf(&[Constant::Text("redeemed"), Constant::Text("force_redeemed")]),
}];

static TREE: Tree = Tree {
    root: "cart",
    record_of: None,
    adopt: &[],
    reduce: Some(Reduce {
        by: &[&["ticket_id"]],
        distinct: Some(&["id"]),
        order: &[
            Rank {
                path: &["occurred_at"],
                words: &[],
            },
            Rank {
                path: &["action"],
                words: &["purchased", "redeemed", "unredeemed"],
            },
            Rank {
                path: &["id"],
                words: &[],
            },
        ],
        folds: &[
            Fold {
                name: "purchased",
                how: How::Count,
                of: PURCHASED,
                same: &[],
            },
            Fold {
                name: "price",
                how: How::First(&["price_paid"]),
                of: PURCHASED,
                same: &[],
            },
            Fold {
                name: "price_row",
                how: How::First(&["action"]),
                of: PURCHASED,
                same: &[],
            },
            Fold {
                name: "paid",
                how: How::Sum(&["price_paid"]),
                of: PURCHASED,
                same: &[],
            },
            Fold {
                name: "scans",
                how: How::Count,
                of: SCANNED,
                same: &[],
            },
            Fold {
                name: "last_scan",
                how: How::Max(&["occurred_at"]),
                of: SCANNED,
                same: &[],
            },
            Fold {
                name: "first_scan",
                how: How::Min(&["occurred_at"]),
                of: SCANNED,
                same: &[],
            },
            Fold {
                name: "last_action",
                how: How::Last(&["action"]),
                of: &[],
                same: &[],
            },
            Fold {
                name: "last_seat",
                how: How::Last(&["seat"]),
                of: &[],
                same: &[("unheard", &["action"]), ("price_row", &["action"])],
            },
        ],
    }),
    for_each: None,
    exists_when: &[Condition {
        path: &["purchased"],
        is: Is::Above("0"),
    }],
    unless: &[&[
        is(&["$refund"], "reduce_lines"),
        is(&["last_action"], "refunded"),
    ]],
    gone: Gone::Delete,
    needs_npsp: false,
    natural_key: &[],
    after: &[],
    written_last: None,
    or_first: &[],
};

static MAPPING: MappingDescriptor = MappingDescriptor {
    name: "ticket",
    file: "mappings/ticket.yaml",
    payload_type: "ticket_audit",
    rows: &[],
    envelope: crate::mapping::Envelope::USUAL,
    when: &[],
    nothing: &[],
    direction: Direction::Forward,
    when_record: &[],
    key: &["ticket_id"],
    lane: &["cart_id"],
    object: "OpportunityLineItem",
    external_id: "Ticketure_Ticket_Id__c",
    lock: None,
    policy: MatchPolicy::AlwaysCreate,
    rungs: &[],
    adopts_on_conflict: false,
    policies: Policies {
        tie: Side::Source,
        on_link: OnLink::FillBlanks,
        on_rewrite: OnRewrite::Accept,
        after_delete: AfterDelete::Review,
        duplicates: crate::mapping::Duplicates::Review,
    },
    payload: &PAYLOAD,
    record: &EMPTY,
    origins: &[],
    sync: &[],
    lines: &[],
    computed: &[
        Computed {
            name: "$Name",
            rule: Rule::Template(&[
                Piece::Text("Ticket "),
                Piece::Member(&["ticket_id"]),
                Piece::Text(" "),
                Piece::Member(&["more"]),
            ]),
        },
        Computed {
            name: "$Status",
            rule: Rule::Cases(&[
                Case {
                    when: &[is(&["last_action"], "redeemed")],
                    then: Made::Constant(Constant::Text("Redeemed")),
                },
                Case {
                    when: &[],
                    then: Made::Member(&["$open"]),
                },
            ]),
        },
        Computed {
            name: "$Day",
            rule: Rule::DateIn {
                time: &["occurred_at"],
                zones: &[&["zone"], &["$venue_zone"]],
            },
        },
        Computed {
            name: "$Channel",
            rule: Rule::Values {
                of: &["channel"],
                table: &[(Constant::Text("pos"), Constant::Text("Till"))],
                otherwise: Otherwise::Fail,
            },
        },
        Computed {
            name: "$Level",
            rule: Rule::Values {
                of: &["level"],
                table: &[(Constant::Text("Family"), Constant::Text("Gold"))],
                otherwise: Otherwise::Fail,
            },
        },
        Computed {
            name: "$Back",
            rule: Rule::Negative(&["price"]),
        },
    ],
    tree: Some(&TREE),
    rows_of: None,
    push_as: None,
    refuses_edits: false,
};

fn audit(id: u32, action: &str, second: u32) -> Value {
    json!({
        "id": id.to_string(), "ticket_id": "t-1", "cart_id": "c-1", "action": action, "price_paid": "12.50",
        "channel": "POS", "occurred_at": format!("2026-03-08T07:00:{second:02}Z"), "zone": "America/New_York",
    })
}

fn one(rows: &[Value]) -> Value {
    let mut reduced = reduced(&MAPPING, rows).unwrap();
    assert_eq!(reduced.len(), 1);
    reduced.pop().unwrap()
}

#[test]
fn a_row_that_is_delivered_again_keeps_what_it_leaves_out() {
    let mut again = json!({ "id": "1", "ticket_id": "t-1", "price_paid": "20.00" });
    again["occurred_at"] = audit(1, "purchased", 5)["occurred_at"].clone();
    let found = one(&[audit(1, "purchased", 0), again]);
    assert_eq!(found["price_paid"], "20.00");
    assert_eq!(
        (&found["action"], &found["cart_id"]),
        (&json!("purchased"), &json!("c-1"))
    );
}

#[test]
fn each_fold_says_what_it_means() {
    let rows = [
        audit(3, "redeemed", 9),
        audit(1, "purchased", 1),
        audit(2, "Redeemed", 5),
        audit(2, "redeemed", 5),
    ];
    let row = one(&rows);
    assert_eq!(row["purchased"], 1);
    assert_eq!(row["scans"], 2, "the same delivery twice is one");
    assert_eq!(row["price"], "12.50");
    assert_eq!(row["paid"], "12.50");
    assert_eq!(row["first_scan"], "2026-03-08T07:00:05Z");
    assert_eq!(row["last_scan"], "2026-03-08T07:00:09Z");
    assert_eq!(row["last_action"], "redeemed");
}

#[test]
fn what_a_later_row_does_not_say_stays_as_it_was() {
    let mut later = audit(2, "redeemed", 2);
    let members = later.as_object_mut().unwrap();
    members.remove("zone");
    members.insert("channel".to_owned(), Value::Null);
    let row = one(&[later, audit(1, "purchased", 1)]);
    assert_eq!(row["zone"], "America/New_York");
    assert_eq!(row["channel"], Value::Null, "null is a value");
}

#[test]
fn what_comes_in_one_second_goes_by_the_words() {
    let row = one(&[audit(1, "redeemed", 1), audit(9, "purchased", 1)]);
    assert_eq!(row["last_action"], "redeemed");
}

/// The mapping of gifts, which takes one kind of ticket, as allocations do.
static GIFTS: MappingDescriptor = MappingDescriptor {
    when: &[is(&["item_kind"], "donation")],
    ..MAPPING
};

fn of_kind(kind: Option<Value>, mut row: Value) -> Value {
    if let Some(kind) = kind {
        row["item_kind"] = kind;
    }
    row
}

#[test]
fn a_row_that_leaves_out_what_the_mapping_filters_by_is_of_the_kind_of_its_record() {
    let gift = of_kind(Some(json!("donation")), audit(1, "purchased", 1));
    let ticket = of_kind(Some(json!("admission")), audit(1, "purchased", 1));
    for silent in [None, Some(Value::Null), Some(json!(" "))] {
        let refund = of_kind(silent, audit(2, "refunded", 2));
        for rows in [
            [gift.clone(), refund.clone()],
            [refund.clone(), gift.clone()],
        ] {
            let found = reduced(&GIFTS, &rows).unwrap();
            assert_eq!(found[0]["last_action"], "refunded");
        }
        assert!(
            reduced(&GIFTS, &[ticket.clone(), refund])
                .unwrap()
                .is_empty()
        );
    }
}

#[test]
fn a_row_that_says_nothing_goes_by_the_nearest_that_does_and_by_an_earlier_one_first() {
    let kind = |kind: &str, id, second| of_kind(Some(json!(kind)), audit(id, "redeemed", second));
    let silent = audit(5, "refunded", 5);
    let last = |rows: &[Value]| {
        let found = reduced(&GIFTS, rows).unwrap();
        found.first().map(|row| row["last_action"].clone())
    };
    let rows = [
        kind("donation", 1, 1),
        kind("admission", 4, 4),
        silent.clone(),
    ];
    assert_eq!(
        last(&rows),
        Some(json!("redeemed")),
        "the nearest earlier one is a ticket's"
    );
    let rows = [silent.clone(), kind("donation", 6, 6)];
    let both = reduced(&GIFTS, &rows).unwrap();
    assert_eq!(both[0]["first_scan"], "2026-03-08T07:00:06Z");
    assert_eq!(both[0]["occurred_at"], "2026-03-08T07:00:06Z");
    let refunds = reduced(&GIFTS, &[silent.clone(), kind("admission", 6, 6)]);
    assert!(refunds.unwrap().is_empty(), "it is as a later one says");
    assert_eq!(last(&[silent]), None, "nobody says what it is");
}

#[test]
fn of_two_deliveries_of_one_row_the_later_one_counts() {
    let price = |price: &str, second| {
        let mut row = audit(1, "purchased", second);
        row["price_paid"] = json!(price);
        row
    };
    let paid = |rows: &[Value]| one(rows)["price"].clone();
    let (early, late) = (price("30.00", 1), price("20.00", 2));
    assert_eq!(paid(&[early.clone(), late.clone()]), "20.00");
    assert_eq!(
        paid(&[late, early]),
        "20.00",
        "by the order's ranks, however they arrive"
    );
    let (first, second) = (price("9.00", 1), price("10.00", 1));
    assert_eq!(paid(&[first.clone(), second.clone()]), "10.00");
    assert_eq!(
        paid(&[second, first]),
        "9.00",
        "by arrival where no rank tells"
    );
}

#[test]
fn rows_without_an_id_end_the_same_in_any_order() {
    let without_id = |price: &str| {
        let mut row = audit(1, "purchased", 1);
        row["price_paid"] = json!(price);
        row.as_object_mut().unwrap().remove("id");
        row
    };
    let (dear, cheap) = (without_id("9.00"), without_id("10.00"));
    let with_id = audit(7, "purchased", 1);
    let rows = [dear.clone(), with_id.clone(), cheap.clone()];
    let other = [cheap, dear, with_id];
    assert_eq!(one(&rows), one(&other));
    assert_eq!(one(&rows)["purchased"], 3);
}

#[test]
fn members_are_made_of_others() {
    let mut row = one(&[audit(1, "purchased", 0)]);
    with_settings(
        &mut row,
        json!({ "open": "Issued", "venue_zone": "UTC" })
            .as_object()
            .unwrap(),
    );
    compute(&MAPPING, &mut row).unwrap();
    assert_eq!(row["$Name"], "Ticket t-1");
    assert_eq!(row["$Status"], "Issued");
    // Seven in the morning in UTC is three at night, an hour after the clocks went forward.
    assert_eq!(row["$Day"], "2026-03-08");
    assert_eq!(row["$Channel"], "Till");
    assert_eq!(row["$Back"], "-12.50");
}

#[test]
fn what_cannot_be_made_is_named_and_personal_data_is_not_quoted() {
    let mut row = audit(1, "purchased", 0);
    row["channel"] = json!("secret");
    let error = compute(&MAPPING, &mut row).unwrap_err().to_string();
    assert!(
        error.contains("Channel") && error.contains("values") && !error.contains("secret"),
        "{error}"
    );
}

#[test]
fn a_fold_may_want_what_an_earlier_one_has_found_and_what_is_left_out_stays() {
    let mut bought = audit(1, "purchased", 0);
    bought["seat"] = json!("A1");
    let mut scanned = audit(2, "redeemed", 1);
    scanned["seat"] = json!("B2");
    let again = audit(3, "Purchased", 2);
    let seat = |rows: &[Value]| one(rows)["last_seat"].clone();
    assert_eq!(
        seat(&[again.clone(), scanned.clone(), bought.clone()]),
        "A1"
    );
    // A null counts as given.
    let mut none = again;
    none["seat"] = Value::Null;
    assert_eq!(seat(&[none, scanned.clone(), bought]), Value::Null);
    assert_eq!(seat(&[scanned]), Value::Null);
}

#[test]
fn a_word_that_is_not_in_the_mapping_is_said() {
    let mut row = audit(1, "purchased", 0);
    row["level"] = json!("Patron".repeat(30));
    let error = compute(&MAPPING, &mut row).unwrap_err().to_string();
    assert!(
        error.contains("Level: level is \"PatronPatron") && error.len() < 200,
        "{error}"
    );
}

#[test]
fn there_is_a_record_when_its_conditions_hold() {
    let mut row = one(&[audit(1, "purchased", 0), audit(2, "refunded", 1)]);
    assert!(exists(&MAPPING, &row));
    with_settings(
        &mut row,
        json!({ "refund": "reduce_lines" }).as_object().unwrap(),
    );
    assert!(!exists(&MAPPING, &row));
    assert!(!exists(&MAPPING, &one(&[audit(1, "redeemed", 0)])));
}

proptest! {
    #[test]
    fn any_order_with_any_repeats_ends_the_same(
        actions in proptest::collection::vec((0_usize..4, 0_u32..20), 1..12),
        order in proptest::collection::vec(any::<u64>(), 24),
    ) {
        let words = ["purchased", "redeemed", "unredeemed", "refunded"];
        let rows: Vec<Value> = actions
            .iter()
            .enumerate()
            .map(|(id, (action, second))| audit(id as u32, words[*action], *second))
            .collect();
        let mut shuffled: Vec<(u64, Value)> = rows
            .iter()
            .chain(&rows)
            .zip(order.iter().cycle())
            .map(|(row, place)| (place.wrapping_mul(row["id"].as_str().map_or(1, |id| id.len() as u64 + 7)), row.clone()))
            .collect();
        shuffled.sort_by_key(|(place, _)| *place);
        let shuffled: Vec<Value> = shuffled.into_iter().map(|(_, row)| row).collect();
        prop_assert_eq!(one(&rows), one(&shuffled));
    }
}
