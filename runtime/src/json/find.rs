//! A few members of a JSON text, by their paths: one pass over the text, and no tree of it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The members that were looked for.
#[derive(Debug, Default)]
pub struct Found<'j> {
    /// Their texts, in the order of the paths; `None` where there is none. The last of two members counts.
    pub raw: Vec<Option<&'j RawValue>>,
    /// Indexes of the paths with a member that is there twice.
    pub twice: Vec<usize>,
}

/// The texts of the members at these paths, in their order; `None` where there is none. Of a member that is there
/// twice, the last counts. What is not asked for is skipped, but has to be JSON.
///
/// # Errors
/// When the text is not JSON.
pub fn find<'j>(
    text: &'j str,
    paths: &[&[&str]],
) -> Result<Vec<Option<&'j RawValue>>, serde_json::Error> {
    find_all(text, paths).map(|found| found.raw)
}

/// As [`find`], with the members that are there twice.
///
/// # Errors
/// When the text is not JSON.
pub fn find_all<'j>(text: &'j str, paths: &[&[&str]]) -> Result<Found<'j>, serde_json::Error> {
    let mut found = Found {
        raw: vec![None; paths.len()],
        twice: Vec::new(),
    };
    into(text, paths, &mut found)?;
    Ok(found)
}

/// The same members as an object of their own; a text that is not JSON has none.
pub fn members(text: &str, names: &[&str]) -> serde_json::Value {
    let paths: Vec<[&str; 1]> = names.iter().map(|name| [*name]).collect();
    let paths: Vec<&[&str]> = paths.iter().map(<[&str; 1]>::as_slice).collect();
    let found = find(text, &paths).unwrap_or_default();
    let members = names.iter().zip(found).filter_map(|(name, raw)| {
        let value = serde_json::from_str(raw?.get()).ok()?;
        Some(((*name).to_owned(), value))
    });
    serde_json::Value::Object(members.collect())
}

fn into<'j>(
    text: &'j str,
    paths: &[&[&str]],
    found: &mut Found<'j>,
) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let wanted = (0..paths.len()).collect();
    let level = Level {
        paths,
        wanted,
        depth: 0,
        found,
    };
    level.deserialize(&mut deserializer)?;
    deserializer.end()
}

/// One object on the way.
struct Level<'a, 'j> {
    paths: &'a [&'a [&'a str]],
    /// The paths that lead through here.
    wanted: Vec<usize>,
    /// How many of their names were met.
    depth: usize,
    found: &'a mut Found<'j>,
}

impl Level<'_, '_> {
    fn segment(&self, path: usize) -> Option<&str> {
        self.paths.get(path)?.get(self.depth).copied()
    }

    fn ends(&self, path: usize) -> bool {
        self.paths
            .get(path)
            .is_some_and(|path| path.len() == self.depth + 1)
    }
}

impl<'j> DeserializeSeed<'j> for Level<'_, 'j> {
    type Value = ();

    fn deserialize<D: Deserializer<'j>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'j> Visitor<'j> for Level<'_, 'j> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'j>>(self, mut map: A) -> Result<(), A::Error> {
        let mut met: Vec<usize> = Vec::new();
        while let Some(matches) = map.next_key_seed(Name(&self))? {
            for path in &matches {
                match met.contains(path) {
                    true if !self.found.twice.contains(path) => self.found.twice.push(*path),
                    true => {}
                    false => met.push(*path),
                }
            }
            if matches.is_empty() {
                map.next_value::<IgnoredAny>()?;
            } else if matches.iter().any(|path| self.ends(*path)) {
                let raw: &'j RawValue = map.next_value()?;
                for path in matches {
                    let place = match self.ends(path) {
                        true => Some(raw),
                        // Something inside is asked for as well.
                        false => inside(raw, self.paths, path, self.depth + 1),
                    };
                    if let Some(found) = self.found.raw.get_mut(path) {
                        *found = place;
                    }
                }
            } else {
                for path in &matches {
                    if let Some(found) = self.found.raw.get_mut(*path) {
                        *found = None;
                    }
                }
                map.next_value_seed(Level {
                    paths: self.paths,
                    wanted: matches,
                    depth: self.depth + 1,
                    found: &mut *self.found,
                })?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'j>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// The rest of a path, inside the text of one of its members.
fn inside<'j>(
    raw: &'j RawValue,
    paths: &[&[&str]],
    path: usize,
    depth: usize,
) -> Option<&'j RawValue> {
    let rest = paths.get(path)?.get(depth..)?;
    find(raw.get(), &[rest]).ok()?.into_iter().next()?
}

/// A member's name: which paths go on with it.
struct Name<'a, 'b, 'j>(&'a Level<'b, 'j>);

impl<'j> DeserializeSeed<'j> for Name<'_, '_, '_> {
    type Value = Vec<usize>;

    fn deserialize<D: Deserializer<'j>>(self, deserializer: D) -> Result<Vec<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_, '_, '_> {
    type Value = Vec<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Vec<usize>, E> {
        let goes_on = |path: &&usize| self.0.segment(**path) == Some(name);
        Ok(self.0.wanted.iter().filter(goes_on).copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn at(value: &Value, path: &[&str]) -> Option<Value> {
        path.iter()
            .try_fold(value, |value, name| value.get(name))
            .cloned()
    }

    #[test]
    fn what_is_found_is_what_a_tree_has_there() {
        let text = r#" {"a": {"b": [1, {"c": "x"}], "\u0063": "\"d\""}, "b": null, "e": 1e3, "a.b": true, "f": {"a": {}}} "#;
        let tree: Value = serde_json::from_str(text).unwrap();
        let paths: [&[&str]; 9] = [
            &["a"],
            &["a", "b"],
            &["a", "c"],
            &["a", "b", "c"],
            &["b"],
            &["b", "x"],
            &["f", "a"],
            &["f", "a", "z"],
            &["e", "z"],
        ];
        let found = find(text, &paths).unwrap();
        for (path, raw) in paths.iter().zip(found) {
            let value = raw.map(|raw| serde_json::from_str(raw.get()).unwrap());
            assert_eq!(value, at(&tree, path), "{path:?}");
        }
    }

    #[test]
    fn the_last_of_two_members_counts() {
        let text = r#"{"a": {"b": 1}, "a": {"c": 2}, "d": 1, "d": 2}"#;
        let found = find(text, &[&["a", "b"], &["a", "c"], &["d"]]).unwrap();
        let texts: Vec<Option<&str>> = found.iter().map(|raw| raw.map(RawValue::get)).collect();
        assert_eq!(texts, [None, Some("2"), Some("2")]);
        let paths: [&[&str]; 4] = [&["a", "b"], &["d"], &["e"], &["f", "g"]];
        let found = find_all(
            r#"{"a": {}, "a": {}, "d": 1, "e": 1, "f": {"g": 1, "g": 2}}"#,
            &paths,
        );
        assert_eq!(found.unwrap().twice, [0, 3]);
    }

    #[test]
    fn what_is_no_object_has_no_members_and_what_is_no_json_is_said() {
        for text in [
            "1",
            "-1",
            "1.5",
            "\"a\"",
            "null",
            "true",
            "[{\"a\":1}]",
            "{}",
        ] {
            assert_eq!(find(text, &[&["a"]]).unwrap().len(), 1);
            assert!(find(text, &[&["a"]]).unwrap()[0].is_none(), "{text}");
        }
        for text in ["", "{", "{\"a\":1}}", "{\"a\" 1}", "{\"b\":tru}"] {
            assert!(find(text, &[&["a"]]).is_err(), "{text}");
        }
    }

    #[test]
    fn members_are_an_object_of_their_own() {
        let text = r#"{"a": 1, "b": {"c": null}, "d": false}"#;
        assert_eq!(
            members(text, &["d", "b", "z"]),
            json!({ "d": false, "b": { "c": null } })
        );
        assert_eq!(members("no", &["a"]), json!({}));
    }
}
