//! The end of a run beside what the scenario says of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::file::{Expected, ExpectedObject, ExpectedRecord, Log};
use super::state::{Record, Shown, State, households};
use super::tree::{Entry, Kind, Mistake, Node};

/// Everything that is otherwise, with the line that says how it is to be.
pub fn check(state: &State, all: &[&Expected]) -> Vec<Mistake> {
    let mut checking = Checking {
        state,
        of_ticketure: false,
        found: Vec::new(),
    };
    for expected in all {
        checking.of_ticketure = false;
        checking.objects(&expected.salesforce);
        checking.absent(&expected.absent);
        checking.of_ticketure = true;
        checking.objects(&expected.ticketure);
    }
    let one = |of: fn(&Expected) -> &Option<Log>| {
        all.iter().filter_map(move |it| of(it).as_ref()).flatten()
    };
    let logs = [
        (
            "the error log",
            &state.errors,
            one(|it| &it.errors).collect(),
        ),
        (
            "the review list",
            &state.review,
            one(|it| &it.review).collect(),
        ),
        ("what waits", &state.parked, one(|it| &it.parked).collect()),
    ];
    for (name, lines, expected) in logs {
        checking.log(name, lines, expected);
    }
    checking.found
}

struct Checking<'s> {
    state: &'s State,
    of_ticketure: bool,
    found: Vec<Mistake>,
}

impl Checking<'_> {
    fn say(&mut self, line: usize, message: String) {
        self.found.push(Mistake::new(line, message));
    }

    fn objects(&mut self, objects: &[ExpectedObject]) {
        for object in objects {
            let there = self.state.records(self.of_ticketure, &object.object);
            let there = there
                .map(|there| there.iter().collect())
                .unwrap_or_default();
            self.exactly(object, there);
        }
    }

    /// These records and no others.
    fn exactly(&mut self, object: &ExpectedObject, mut there: BTreeMap<&String, &Record>) {
        let name = &object.object;
        for expected in &object.records {
            match found(&there, &expected.key) {
                Some((key, record)) => {
                    there.remove(key);
                    self.record(name, key, record, expected);
                }
                None => {
                    let others: Vec<&str> = there.keys().map(|key| key.as_str()).collect();
                    let message = format!(
                        "there is no {name} {}; there are: {}",
                        expected.key,
                        others.join(", ")
                    );
                    self.say(expected.line, message);
                }
            }
        }
        for key in there.keys() {
            self.say(object.line, format!("there is one {name} more: {key}"));
        }
    }

    fn record(&mut self, object: &str, key: &str, record: &Record, expected: &ExpectedRecord) {
        for entry in &expected.fields {
            self.field(
                &format!("{object} {key}"),
                record.fields.get(&entry.key),
                entry,
            );
        }
        for children in &expected.children {
            let refers = |child: &Record| {
                child.fields.values().any(|shown| {
                    matches!(shown, Shown::Record { object: parent, key: other } if parent == object && other == key)
                })
            };
            let there = self.state.records(false, &children.object);
            let there = there
                .into_iter()
                .flatten()
                .filter(|(_, child)| refers(child));
            self.exactly(children, there.collect());
        }
    }

    fn field(&mut self, of: &str, found: Option<&Shown>, entry: &Entry) {
        if self.is(found, &entry.value) {
            return;
        }
        let found = found.map_or_else(|| "blank".to_owned(), Shown::text);
        let expected = entry.value.json();
        let message = format!("{} of {of} is {found}, expected {expected}", entry.key);
        self.say(entry.line, message);
    }

    fn is(&self, found: Option<&Shown>, expected: &Node) -> bool {
        if let Some(given) = expected.get("given") {
            return Value::Bool(found.is_some()) == given.json();
        }
        if let Some(name) = expected.get("ref").and_then(Node::text) {
            return self.refers(found, &name);
        }
        match (found, &expected.kind) {
            (None, Kind::Plain(Value::Null)) => true,
            (Some(Shown::Record { .. }), _) => expected
                .text()
                .is_some_and(|name| self.refers(found, &name)),
            (Some(Shown::Value(Value::Object(members))), Kind::Map(entries)) => {
                entries.iter().all(|entry| {
                    let member = members.get(&entry.key).filter(|value| !value.is_null());
                    let member = member.map(|value| Shown::Value(value.clone()));
                    self.is(member.as_ref(), &entry.value)
                })
            }
            (Some(Shown::Value(value)), _) => same(value, &expected.json()),
            (None, _) => false,
        }
    }

    /// By any of the names of the record.
    fn refers(&self, found: Option<&Shown>, name: &str) -> bool {
        let Some(Shown::Record { object, key }) = found else {
            return false;
        };
        let record = self
            .state
            .records(false, object)
            .and_then(|all| all.get(key));
        key == name || record.is_some_and(|record| record.goes_by(name))
    }

    fn absent(&mut self, absent: &[(usize, String, String)]) {
        for (line, object, key) in absent {
            let there = [false, true].into_iter().any(|of_ticketure| {
                let records = self
                    .state
                    .records(of_ticketure, object)
                    .into_iter()
                    .flatten();
                let mut found =
                    records.filter(|(known, record)| *known == key || record.goes_by(key));
                found.next().is_some()
            });
            if there {
                self.say(*line, format!("there is a {object} {key}"));
            }
        }
    }

    /// Each entry is expected by one line, and each line is an entry.
    fn log(&mut self, name: &str, lines: &[String], expected: Vec<&(usize, Vec<String>)>) {
        let mut left: BTreeSet<&String> = lines.iter().collect();
        for (line, texts) in expected {
            let has = |found: &&&String| texts.iter().all(|text| found.contains(text.as_str()));
            match left.iter().find(has).copied() {
                Some(found) => _ = left.remove(found),
                None => {
                    let message = format!("{name} has nothing about {}", texts.join(", "));
                    self.say(*line, message);
                }
            }
        }
        for entry in left {
            self.say(1, format!("{name} has: {entry}"));
        }
    }
}

/// Finds a record by its key, another name, or a name without its cart that only one record has.
fn found<'s>(
    there: &BTreeMap<&'s String, &'s Record>,
    name: &str,
) -> Option<(&'s String, &'s Record)> {
    let all = || there.iter().map(|(key, record)| (*key, *record));
    let by_key = all().find(|(key, _)| *key == name);
    let named = by_key.or_else(|| all().find(|(_, record)| record.goes_by(name)));
    named.or_else(|| {
        let mut brief = all().filter(|(_, record)| record.brief.iter().any(|brief| brief == name));
        brief.next().filter(|_| brief.next().is_none())
    })
}

/// Numbers are compared as decimals, times as moments, households by who belongs to them, all else as it is.
fn same(found: &Value, expected: &Value) -> bool {
    let household = |value: &Value| value.as_str().and_then(households::in_order);
    if found == expected || (household(found).is_some() && household(found) == household(expected))
    {
        return true;
    }
    let number = |value: &Value| match value {
        Value::Number(number) => decimal(&number.to_string()),
        Value::String(text) => decimal(text),
        _ => None,
    };
    if found.is_number() || expected.is_number() {
        return number(found).is_some() && number(found) == number(expected);
    }
    let moment = |value: &Value| value.as_str().and_then(runtime::clock::parse_ms);
    moment(found).is_some() && moment(found) == moment(expected)
}

/// `-25.50` and `-25.5` are the same: the sign, the digits before the point, and those behind it.
fn decimal(text: &str) -> Option<(bool, String, String)> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(part) {
        return None;
    }
    let whole = whole.trim_start_matches('0').to_owned();
    let part = part.trim_end_matches('0').to_owned();
    let is_zero = whole.is_empty() && part.is_empty();
    Some((negative && !is_zero, whole, part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn money_is_compared_to_the_cent() {
        for (found, expected) in [
            (json!(25.5), json!("25.50")),
            (json!(25), json!(25.0)),
            (json!("0.10"), json!(0.1)),
            (json!(-0.0), json!(0)),
        ] {
            assert!(same(&found, &expected), "{found} {expected}");
        }
        for (found, expected) in [
            (json!(25.51), json!(25.5)),
            (json!("1"), json!("1.0")),
            (json!(2.5), json!(-2.5)),
        ] {
            assert!(!same(&found, &expected), "{found} {expected}");
        }
    }

    #[test]
    fn times_are_moments() {
        let salesforce = json!("2026-03-01T18:04:05.000+0000");
        assert!(same(&salesforce, &json!("2026-03-01T18:04:05Z")));
        assert!(!same(&salesforce, &json!("2026-03-01T18:04:06Z")));
    }
}
