//! Rows that a mapping takes: every value fits its schema and can be converted.

use serde_json::{Map, Value, json};

use super::entity::{Entity, Property, Shape};
use super::{chance, one_of};

/// A row for which the conditions hold; rows of different numbers have different ids.
pub fn draw(
    random: &mut fastrand::Rng,
    entity: &Entity,
    when: &[(String, Value)],
    number: usize,
) -> Value {
    let mut row = Map::new();
    for property in &entity.properties {
        let wanted = when.iter().find(|(path, _)| *path == property.dotted());
        let value = match wanted {
            Some((_, value)) => Some(value.clone()),
            None if property.path == ["id"] => Some(json!(format!("{}-{number}", entity.name))),
            None => value(random, property),
        };
        let Some(value) = value else { continue };
        match property.path.as_slice() {
            [name] => {
                row.insert(name.clone(), value);
            }
            [object, name] => {
                let object = row.entry(object.clone()).or_insert_with(|| json!({}));
                if !object.is_null() {
                    object[name] = value;
                }
            }
            _ => unreachable!(),
        }
    }
    Value::Object(row)
}

/// Nothing where the property is left out.
fn value(random: &mut fastrand::Rng, property: &Property) -> Option<Value> {
    if !property.required && chance(random, 20) {
        return None;
    }
    if property.nullable && chance(random, 20) {
        return Some(Value::Null);
    }
    Some(match &property.shape {
        Shape::Text { max } => json!(text(random, max.unwrap_or(300))),
        Shape::Email => json!(format!("{}@example.org", word(random, 12))),
        Shape::Uri => json!(format!(
            "https://{}.example/{}",
            word(random, 12),
            word(random, 9)
        )),
        Shape::Date => json!(date(random)),
        Shape::DateTime => json!(format!("{}T{:02}:30:00Z", date(random), random.u32(0..24))),
        Shape::Boolean => json!(random.bool()),
        Shape::Choice(values) => json!(one_of(random, values)),
        Shape::Id => json!(format!("{}-{}", word(random, 8), random.u32(0..50))),
        Shape::Integer => json!(random.u32(0..1000)),
        Shape::Money => json!(format!("{}.{:02}", random.u32(0..1000), random.u32(0..100))),
        Shape::List => json!([word(random, 5)]),
    })
}

pub fn date(random: &mut fastrand::Rng) -> String {
    let (year, month, day) = (random.u32(1900..2100), random.u32(1..13), random.u32(1..29));
    format!("{year}-{month:02}-{day:02}")
}

pub fn word(random: &mut fastrand::Rng, max: usize) -> String {
    (0..1 + random.usize(0..max))
        .map(|_| random.lowercase())
        .collect()
}

/// Up to so many characters, not bytes; never blank alone.
pub fn text(random: &mut fastrand::Rng, max: u32) -> String {
    const LETTERS: &[char] = &[
        'a', 'B', 'z', '0', ' ', '-', '.', 'é', 'ß', '日', '😀', '\'', '"', ':', '#',
    ];
    let length = 1 + random.u32(0..max.min(60));
    let length = if chance(random, 5) { max } else { length };
    let mut letters: Vec<char> = (0..length).map(|_| *one_of(random, LETTERS)).collect();
    letters[0] = 'T';
    if let Some(last) = letters.last_mut() {
        *last = 'x';
    }
    letters.into_iter().collect()
}
