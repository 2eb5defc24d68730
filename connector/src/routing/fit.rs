//! Rows that no system may see: ids that are none, members that are there twice, and what no reader can read.
//!
//! A single pass over the text checks the whole row, since lists of it name other records, too.

use std::borrow::Cow;
use std::fmt;

use runtime::json::Name;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Why a row does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misfit {
    /// Its path, such as `members.identity_id`.
    pub(super) member: String,
    pub(super) what: String,
}

/// The first misfit of a row. Values that are no ids are left to the mappings, which know the fields.
pub(super) fn misfit(row: &str) -> Option<Misfit> {
    let mut found = None;
    let scan = Scan {
        trail: None,
        is_id: false,
        found: &mut found,
    };
    let mut deserializer = serde_json::Deserializer::from_str(row);
    let read = scan.deserialize(&mut deserializer);
    // The parser's message may quote a value, so that only the place is told.
    let unreadable = |error: serde_json::Error| Misfit {
        member: "a value".to_owned(),
        what: format!(
            "it cannot be read (line {}, column {}), such as a number out of range or half a character",
            error.line(),
            error.column()
        ),
    };
    found.or(read.err().map(unreadable))
}

/// True if members of this name hold ids.
fn is_id(name: &str) -> bool {
    name == "id" || name.ends_with("_id") || name.ends_with("_ids")
}

/// The names on the way to a member.
#[derive(Clone, Copy)]
struct Trail<'t> {
    name: &'t str,
    parent: Option<&'t Trail<'t>>,
}

impl Trail<'_> {
    fn path(&self) -> String {
        let own = self.name.escape_debug().to_string();
        match self.parent {
            Some(parent) => format!("{}.{own}", parent.path()),
            None => own,
        }
    }
}

/// Checks one value, and all that is in it.
struct Scan<'s> {
    trail: Option<&'s Trail<'s>>,
    is_id: bool,
    found: &'s mut Option<Misfit>,
}

impl Scan<'_> {
    fn note(self, what: String) {
        if self.found.is_none() {
            let member = self.trail.map(Trail::path).unwrap_or_default();
            *self.found = Some(Misfit { member, what });
        }
    }

    fn no_id<E>(self, what: &str) -> Result<(), E> {
        if self.is_id {
            self.note(format!("it is {what}, and not an id"));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Scan<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scan<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names: Vec<Cow<'de, str>> = Vec::new();
        while let Some(Name(name)) = members.next_key::<Name<'de>>()? {
            let trail = Trail {
                name: &name,
                parent: self.trail,
            };
            let is_twice = names.contains(&name);
            let scan = Scan {
                trail: Some(&trail),
                is_id: is_id(&name),
                found: &mut *self.found,
            };
            if is_twice {
                // Readers take one of the two values, each another one.
                scan.note("the row has the member twice".to_owned());
                members.next_value::<serde::de::IgnoredAny>()?;
            } else {
                members.next_value_seed(scan)?;
            }
            names.push(name);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        loop {
            let scan = Scan {
                trail: self.trail,
                is_id: self.is_id,
                found: &mut *self.found,
            };
            if list.next_element_seed(scan)?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        // A blank id is none, which is no misfit.
        let unfit = runtime::ticketure::unfit_id(text);
        if let Some(what) = unfit.filter(|_| self.is_id && !text.trim().is_empty()) {
            self.note(what);
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.no_id("true or false")
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.no_id("a number with a fraction, or a very large one")
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_fits_has_no_misfit() {
        for row in [
            r#"{"id":"i-1","organization_id":null,"cart_id":"","n":1e3,"members":[{"identity_id":"i-2"}],"a":{"id":7}}"#,
            r#"{"name":".","notes":"..","odd":"\u001b","action":true}"#,
            "5",
            "null",
        ] {
            assert_eq!(misfit(row), None, "{row}");
        }
    }

    #[test]
    fn a_misfit_is_named_by_its_path() {
        let long = format!(r#"{{"organization_id":"{}"}}"#, "o".repeat(20_000));
        for (row, member, told) in [
            (r#"{"identity_id":"."}"#, "identity_id", "`.` is no id"),
            (
                r#"{"members":[{"identity_id":"i"},{"identity_id":".."}]}"#,
                "members.identity_id",
                "`..`",
            ),
            (r#"{"ticket_ids":["t-1","."]}"#, "ticket_ids", "`.`"),
            (r#"{"id":"i\u0000"}"#, "id", "control character"),
            (r#"{"id":" i-1"}"#, "id", "begins or ends with a blank"),
            (r#"{"id":true}"#, "id", "true or false"),
            (r#"{"id":12345678901234567890123}"#, "id", "very large"),
            (r#"{"a":{"b":1,"b":2}}"#, "a.b", "twice"),
            (
                r#"{"last_name":"\ud800"}"#,
                "a value",
                "cannot be read (line 1, column",
            ),
            (r#"{"price":1e999}"#, "a value", "cannot be read"),
            (long.as_str(), "organization_id", "20000 characters"),
        ] {
            let found = misfit(row).unwrap();
            assert_eq!(found.member, member, "{row:.60}");
            assert!(found.what.contains(told), "{found:?}");
        }
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(500), "]".repeat(500));
        assert!(misfit(&deep).unwrap().what.contains("cannot be read"));
    }
}
