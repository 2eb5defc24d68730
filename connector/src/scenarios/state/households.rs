//! Households, which NPSP names after its members and whose primary contact it picks, both by who came first.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

const KIND: &str = "npe01__SYSTEM_AccountType__c";
const ENDS: &str = " Household";
/// Of households, what only tells who came first.
const BY_ORDER: &[&str] = &["npe01__One2OneContact__c"];

pub(super) fn is_one(record: &Map<String, Value>) -> bool {
    record.get(KIND).and_then(Value::as_str) == Some("Household Account")
}

pub(super) fn is_by_order(object: &str, field: &str) -> bool {
    object == "Account" && BY_ORDER.contains(&field)
}

/// `Lovelace and King Household` as `King and Lovelace Household`: the same whoever came first.
pub(crate) fn in_order(name: &str) -> Option<String> {
    let names = name.strip_suffix(ENDS)?;
    let names: BTreeSet<&str> = names
        .split(" and ")
        .flat_map(|some| some.split(", "))
        .collect();
    let names: Vec<&str> = names.into_iter().collect();
    let whole = match names.split_last()? {
        (only, []) => (*only).to_owned(),
        (last, others) => format!("{} and {last}", others.join(", ")),
    };
    Some(format!("{whole}{ENDS}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_household_is_the_same_whoever_came_first() {
        let ordered = |name: &str| in_order(name).unwrap_or_default();
        assert_eq!(ordered("Lovelace Household"), "Lovelace Household");
        for name in [
            "Lovelace, Byron and King Household",
            "King, Lovelace, Byron and King Household",
        ] {
            assert_eq!(ordered(name), "Byron, King and Lovelace Household");
        }
        assert_eq!(in_order("Hill School"), None);
    }
}
