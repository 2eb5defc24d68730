//! What two contacts share: the last name, or the postal address.
//!
//! Case, punctuation and spaces do not count. Abbreviations are not expanded, and accents count. Both sides are compared
//! in NFC, since one letter may be written as two code points.

use icu_normalizer::ComposingNormalizerBorrowed;
use serde_json::{Map, Value};

const LAST_NAME: &str = "LastName";
const STREET: &str = "MailingStreet";

/// The fields of a contact's postal address; without a street there is no address.
const ADDRESS: &[&str] = &[
    STREET,
    "MailingCity",
    "MailingState",
    "MailingPostalCode",
    "MailingCountry",
];

/// The fields that are compared.
pub(super) fn fields() -> impl Iterator<Item = &'static str> {
    ADDRESS.iter().copied().chain([LAST_NAME])
}

/// What can be shared with another contact, in the form in which it is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shared {
    /// Blank: the contact has none.
    last_name: String,
    /// Empty: the contact has none.
    address: Vec<String>,
}

impl Shared {
    pub(super) fn of(contact: &Map<String, Value>) -> Self {
        let part = |field: &str| plain(contact.get(field).and_then(Value::as_str).unwrap_or(""));
        let has_street = !part(STREET).is_empty();
        let address = ADDRESS.iter().filter(|_| has_street);
        Shared {
            last_name: part(LAST_NAME),
            address: address.map(|field| part(field)).collect(),
        }
    }

    /// Is the last name or the address that of the other one?
    pub(super) fn is_shared_with(&self, other: &Shared) -> bool {
        let name = !self.last_name.is_empty() && self.last_name == other.last_name;
        let address = !self.address.is_empty() && self.address == other.address;
        name || address
    }
}

/// Letters and digits alone, in small letters. Normalised before and after, since small letters may decompose.
fn plain(text: &str) -> String {
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    let small = nfc.normalize(text).to_lowercase();
    let composed = nfc.normalize(&small);
    composed
        .chars()
        .filter(|one| one.is_alphanumeric())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn contact(value: Value) -> Shared {
        Shared::of(value.as_object().unwrap())
    }

    #[test]
    fn case_punctuation_and_spaces_do_not_count_in_names() {
        let name = |name: &str| contact(json!({ "LastName": name }));
        for (one, other, is_shared) in [
            ("O'Neill", "o neill", true),
            ("Lovelace-King", "LOVELACE KING", true),
            ("Müller", "Mu\u{308}ller", true),
            ("Müller", "Muller", false),
            ("Noether", "Hopper", false),
            ("-", "-", false),
        ] {
            let found = name(one).is_shared_with(&name(other));
            assert_eq!(found, is_shared, "{one} and {other}");
        }
    }

    #[test]
    fn an_address_is_shared_as_a_whole_and_only_with_a_street() {
        let at = |street: &str, city: &str| {
            contact(json!({ "MailingStreet": street, "MailingCity": city }))
        };
        let home = at("12, High St.", "Ockham");
        assert!(home.is_shared_with(&at("12 high st", "OCKHAM")));
        assert!(!home.is_shared_with(&at("12 High Street", "Ockham")));
        assert!(!home.is_shared_with(&at("12 High St", "Fife")));
        assert!(!at("", "London").is_shared_with(&at("", "London")));
        assert!(!contact(json!({})).is_shared_with(&contact(json!({}))));
    }
}
