//! Rows and records to ask about: valid ones, and the same with what should not be in them.

use runtime::entity::{FieldDescriptor, Kind};
use runtime::mapping::MappingDescriptor;
use serde_json::{Map, Value, json};

/// A question about the mapping, from rows that fit it.
pub fn draw(random: &mut fastrand::Rng, mapping: &MappingDescriptor, rows: &[Value]) -> Value {
    let valid = || Value::Object(Map::new());
    let row = random.choice(rows).cloned().unwrap_or_else(valid);
    let other = random.choice(rows).cloned().unwrap_or_else(valid);
    let base = record(random, mapping.record.fields);
    let now = changed(random, &base, mapping.record.fields);
    let several = several(random, mapping, rows);
    json!({
        "mapping": mapping.name,
        "rows": several,
        "settings": settings(random),
        "row": spoilt(random, row, mapping.payload.fields),
        "other": spoilt(random, other, mapping.payload.fields),
        "base": spoilt(random, base, mapping.record.fields),
        "now": spoilt(random, now, mapping.record.fields),
        "at": [time(random), time(random)],
    })
}

/// Rows of two records or one, in any order; some came twice, some have in them what should not be there.
fn several(random: &mut fastrand::Rng, mapping: &MappingDescriptor, rows: &[Value]) -> Vec<Value> {
    let mut several = Vec::new();
    for _ in 0..random.usize(0..6) {
        let Some(mut row) = random.choice(rows).cloned() else {
            break;
        };
        for name in ["id", "group_id", "cart_id", "ticket_id"] {
            let id = format!("{name}-{}", random.u8(0..2));
            if row.get(name).is_some() {
                put(&mut row, &[name], Some(json!(id)));
            }
        }
        put(&mut row, &["$at"], Some(json!(pick(random, TIMES))));
        if let Some(field) = random.choice(mapping.payload.fields)
            && random.u8(0..5) == 0
        {
            let value = nasty(random, field);
            put(&mut row, field.path, value);
        }
        several.push(row);
    }
    several
}

const TIMES: &[&str] = &[
    "2026-03-01T18:00:00Z",
    "2026-03-01T19:00:00+02:00",
    "2026-03-02T00:00:00Z",
    "",
];

/// Some that every mapping may read.
fn settings(random: &mut fastrand::Rng) -> Value {
    let zones = ["UTC", "America/Los_Angeles", "nowhere", ""];
    json!({
        "venue_zone": pick(random, &zones),
        "payments": pick(random, &["npsp", "ticketure"]),
        "refund": pick(random, &["reduce_lines", "negative_payment"]),
        "cart_source": pick(random, &["webhook", "derived"]),
        "anonymous_sales": pick(random, &["alone", "skip", "account"]),
        "house_account": pick(random, &["001000000000001AAA", ""]),
        "price_book": "01s000000000001AAA",
        "stage_open": "Pledged",
        "stage_won": "Closed Won",
        "stage_lost": "Closed Lost",
    })
}

/// Times that are a tie, and times that are none.
fn time(random: &mut fastrand::Rng) -> i64 {
    *pick(random, &[0, 1_000, 4_000, 60_000, 61_000])
}

fn pick<'a, T>(random: &mut fastrand::Rng, choices: &'a [T]) -> &'a T {
    &choices[random.usize(0..choices.len())]
}

/// Most fields, with values of their kinds.
fn record(random: &mut fastrand::Rng, fields: &[FieldDescriptor]) -> Value {
    let mut record = Map::new();
    for field in fields {
        if random.u8(0..10) < 7 {
            record.insert(field.dotted(), fitting(random, field));
        }
    }
    Value::Object(record)
}

/// Some fields say something else, some are gone.
fn changed(random: &mut fastrand::Rng, base: &Value, fields: &[FieldDescriptor]) -> Value {
    let mut now = base.as_object().cloned().unwrap_or_default();
    for field in fields {
        match random.u8(0..10) {
            0 => drop(now.remove(&field.dotted())),
            1..4 => drop(now.insert(field.dotted(), fitting(random, field))),
            _ => {}
        }
    }
    Value::Object(now)
}

/// A value that the field takes.
fn fitting(random: &mut fastrand::Rng, field: &FieldDescriptor) -> Value {
    match field.kind {
        _ if random.u8(0..10) == 0 => Value::Null,
        Kind::Boolean => json!(random.bool()),
        Kind::Date => json!(pick(random, DATES)),
        Kind::Decimal { .. } if random.bool() => json!(pick(random, NUMBERS)),
        Kind::DateTime if random.bool() => json!(pick(random, TIMES)),
        Kind::Text
        | Kind::Decimal { .. }
        | Kind::DateTime
        | Kind::Lookup(_)
        | Kind::Reference { .. } => match field.max_length {
            Some(limit) if random.bool() => json!(near(random, limit)),
            _ => json!(pick(random, TEXTS)),
        },
    }
}

const NUMBERS: &[&str] = &["25", "25.00", "-0", "0.001", "1e3", "much"];

const DATES: &[&str] = &["2001-02-03", "1999-12-31", "2024-02-29"];

const TEXTS: &[&str] = &[
    "",
    " ",
    "Ada",
    " Ada ",
    "ADA@Example.org",
    "ada@example.org",
    "+1 (555)  0100",
    "2001-02-03",
    "2001-02-03T23:30:00Z",
    "kind 0",
    "Ünï çödé 日本 😀",
    "a\u{301}",
];

/// Text that is as long as the field takes, or one character more or less; characters of several bytes.
fn near(random: &mut fastrand::Rng, limit: u32) -> String {
    let length = (limit + random.u32(0..3)).saturating_sub(1);
    let letter = *pick(random, &['x', 'é', '日', '😀']);
    std::iter::repeat_n(letter, length.min(40_000) as usize).collect()
}

/// The object as a text; more often than not with something in it that should not be there.
fn spoilt(random: &mut fastrand::Rng, object: Value, fields: &[FieldDescriptor]) -> String {
    let mut object = object;
    for _ in 0..*pick(random, &[0, 0, 0, 1, 1, 2, 5]) {
        if let Some(field) = random.choice(fields) {
            let value = nasty(random, field);
            put(&mut object, field.path, value);
        }
    }
    if random.u8(0..8) == 0 {
        put(
            &mut object,
            &["nobody", "reads", "this"],
            Some(json!([{"id": 1}, null])),
        );
    }
    let text = object.to_string();
    match random.u8(0..60) {
        0 => pick(random, BROKEN).to_string(),
        1 => text.chars().take(random.usize(0..text.len())).collect(),
        2 => format!("{text} {text}"),
        // The same member twice, and a name that is written with escapes.
        3 => text.replacen('{', "{\"id\": \"first\", \"\\u0069d\": \"second\", ", 1),
        _ => text,
    }
}

const BROKEN: &[&str] = &[
    "",
    "null",
    "3",
    "\"row\"",
    "[]",
    "{",
    "{\"id\":}",
    "{'id': 1}",
];

/// Nothing where the field is to be left out.
fn nasty(random: &mut fastrand::Rng, field: &FieldDescriptor) -> Option<Value> {
    let limit = field.max_length.unwrap_or(300);
    Some(match random.u8(0..14) {
        0 => return None,
        1 => Value::Null,
        2 => json!(random.bool()),
        3 => json!(random.i32(-5..5)),
        4 => json!(1.5e300),
        5 => json!(u64::MAX),
        6 => json!([{}, [], "text"]),
        7 => json!({"city": {"name": {"deep": null}}}),
        8 => json!(near(random, limit)),
        9 => json!("y".repeat(limit.min(40_000) as usize + 300)),
        10 => json!(pick(random, &["", "   ", "\u{a0}", "\t\n", "\u{200b}"])),
        11 => json!(pick(random, EMAILS)),
        12 => json!(pick(random, NO_DATES)),
        _ => json!(pick(random, TEXTS)),
    })
}

const EMAILS: &[&str] = &[
    "ada",
    "ada@",
    "@example.org",
    "a@b@c.org",
    "a b@c.org",
    "ada@home",
    " Ada@EXAMPLE.org\n",
    "İ@example.org",
];

const NO_DATES: &[&str] = &[
    "soon",
    "2001-02-30",
    "2001-2-3",
    "20010203",
    "-000001-01-01",
    "+010000-01-01",
    "2001-02-03T23:30:00+02:00[Europe/Berlin]",
    " 2001-02-03 ",
    "２００１-02-03",
];

/// Puts the value at the path, or takes away what is there. What is above it may become something else than an object.
fn put(object: &mut Value, path: &[&str], value: Option<Value>) {
    let Some(members) = object.as_object_mut() else {
        return;
    };
    match (path, value) {
        ([], _) => {}
        ([name], None) => drop(members.remove(*name)),
        ([name], Some(value)) => drop(members.insert((*name).to_owned(), value)),
        ([name, rest @ ..], value) => {
            let whole = value.as_ref().is_some_and(|value| !value.is_string());
            match value {
                // An object that is null, a number or a list.
                Some(value) if whole && rest.len() == 1 && members.len() % 2 == 0 => {
                    members.insert((*name).to_owned(), value);
                }
                value => {
                    let inner = members
                        .entry((*name).to_owned())
                        .or_insert_with(|| json!({}));
                    put(inner, rest, value);
                }
            }
        }
    }
}
