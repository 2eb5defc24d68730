//! Two bodies compared by their shape: members, types, codes, order. What a value is does not count.

use serde_json::{Map, Value};

/// Members whose very values are part of the shape.
const EXACT: [&str; 11] = [
    "success",
    "created",
    "done",
    "isSuccessful",
    "totalSize",
    "httpStatusCode",
    "errorCode",
    "statusCode",
    "error",
    "referenceId",
    "fields",
];

/// Strictness of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// Both have the same members.
    Same,
    /// The simulator may know less than the org: what the org has, such as fields and limits.
    Within,
}

/// A place and what differs there.
pub type Found = (String, String);

/// Compares what was recorded with what the simulator answers. `pointer` is the place in the fixture.
pub fn compare(recorded: &Value, live: &Value, pointer: &str, strict: Strictness) -> Vec<Found> {
    let mut found = Vec::new();
    walk(recorded, live, pointer, strict, &mut found);
    found
}

fn walk(recorded: &Value, live: &Value, pointer: &str, strict: Strictness, found: &mut Vec<Found>) {
    match (recorded, live) {
        (Value::Object(recorded), Value::Object(live)) => {
            members(recorded, live, pointer, strict, found);
        }
        (Value::Array(recorded), Value::Array(live)) if strict == Strictness::Within => {
            within(recorded, live, pointer, found);
        }
        (Value::Array(recorded), Value::Array(live)) => {
            if recorded.len() != live.len() {
                let text = format!(
                    "has {} items, and {} of the simulator",
                    recorded.len(),
                    live.len()
                );
                found.push((pointer.to_owned(), text));
            }
            for (place, (recorded, live)) in recorded.iter().zip(live).enumerate() {
                walk(recorded, live, &format!("{pointer}/{place}"), strict, found);
            }
        }
        // Values of the questions are kept in fixtures: they show what the org makes of them.
        (Value::String(recorded), Value::String(live))
            if recorded != live
                && !pointer.ends_with("/message")
                && (is_probed(recorded) || is_probed(live)) =>
        {
            let text = format!("is {recorded:?}, and {live:?} of the simulator");
            found.push((pointer.to_owned(), text));
        }
        (Value::Null, Value::String(text)) | (Value::String(text), Value::Null)
            if text.is_empty() =>
        {
            let text = "is null, or an empty text, and the other of the simulator".to_owned();
            found.push((pointer.to_owned(), text));
        }
        // A field may be blank in one org and not in the other.
        (Value::Null, live) if !is_nested(live) => {}
        (recorded, Value::Null) if !is_nested(recorded) => {}
        (recorded, live) if kind(recorded) != kind(live) => {
            let text = format!("is {}, and {} of the simulator", kind(recorded), kind(live));
            found.push((pointer.to_owned(), text));
        }
        _ => {}
    }
}

fn members(
    recorded: &Map<String, Value>,
    live: &Map<String, Value>,
    pointer: &str,
    strict: Strictness,
    found: &mut Vec<Found>,
) {
    for (name, value) in recorded {
        let at = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
        match live.get(name) {
            Some(live) if is_exact(name) && strict == Strictness::Same && value != live => {
                let text = format!("{name} is {value}, and {live} of the simulator");
                found.push((at, text));
            }
            Some(_) if is_exact(name) && strict == Strictness::Same => {}
            Some(live) => walk(value, live, &at, strict, found),
            None if strict == Strictness::Same => {
                found.push((at, format!("the simulator has no member {name}")));
            }
            None => {}
        }
    }
    let more = live.keys().filter(|name| !recorded.contains_key(*name));
    for name in more {
        let text = format!("the simulator has a member {name} more");
        found.push((pointer.to_owned(), text));
    }
}

/// Items of a catalogue are compared by their names; those without a name by the first of them.
fn within(recorded: &[Value], live: &[Value], pointer: &str, found: &mut Vec<Found>) {
    let name = |item: &Value| item.get("name").and_then(Value::as_str).map(str::to_owned);
    for (place, item) in recorded.iter().enumerate() {
        let other = match name(item) {
            Some(own) => live.iter().find(|other| name(other).as_ref() == Some(&own)),
            None => live.first().filter(|_| place == 0),
        };
        if let Some(other) = other {
            let at = format!("{pointer}/{place}");
            walk(item, other, &at, Strictness::Within, found);
        }
    }
}

/// Returns whether the text is a name or an address that a question wrote.
fn is_probed(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("usher probe") || text.contains("usher.probe")
}

fn is_exact(name: &str) -> bool {
    EXACT.contains(&name)
}

fn is_nested(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(recorded: Value, live: Value) -> Vec<String> {
        let found = compare(&recorded, &live, "", Strictness::Same).into_iter();
        found.map(|(at, what)| format!("{at}: {what}")).collect()
    }

    #[test]
    fn values_do_not_count_and_shapes_do() {
        let recorded = json!([{ "id": "003", "success": true, "errors": [] }]);
        let same = json!([{ "id": "004", "success": true, "errors": [] }]);
        assert!(found(recorded.clone(), same).is_empty());
        let refused = json!([{ "success": false, "errors": [{ "statusCode": "X" }] }]);
        assert_eq!(
            found(recorded, refused),
            [
                "/0/errors: has 0 items, and 1 of the simulator",
                "/0/id: the simulator has no member id",
                "/0/success: success is true, and false of the simulator",
            ]
        );
    }

    #[test]
    fn a_blank_field_fits_every_field() {
        assert!(found(json!({ "a": null, "b": 1 }), json!({ "a": "x", "b": null })).is_empty());
        assert_eq!(
            found(json!({ "a": null }), json!({ "a": {} })),
            ["/a: is null, and an object of the simulator"]
        );
    }

    #[test]
    fn what_the_questions_wrote_counts() {
        let recorded = json!({ "Email": "Usher.Probe@example.org", "LastName": "Ada", "x": null });
        let live = json!({ "Email": "usher.probe@example.org", "LastName": "Eva", "x": "" });
        let found = found(recorded, live);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("/Email: is") && found[1].starts_with("/x: is null"));
    }

    #[test]
    fn of_what_an_org_has_the_simulator_may_know_a_part() {
        let recorded =
            json!({ "fields": [{ "name": "A", "label": "a" }, { "name": "B" }], "x": 1 });
        let live = json!({ "fields": [{ "name": "A", "label": 1 }] });
        let found = compare(&recorded, &live, "", Strictness::Within);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, "/fields/0/label");
    }
}
