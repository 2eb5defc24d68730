//! What a museum decides about its mappings, in usher.toml's `settings`: a mapping reads one as `$name`.

use std::sync::Arc;

use serde_json::{Map, Value};

/// Every setting, by name without its `$`; null where it has no value.
pub type Settings = Arc<Map<String, Value>>;

/// One setting.
struct Setting {
    name: &'static str,
    default: Option<&'static str>,
    /// It is one of these; any text where there are none.
    words: &'static [&'static str],
}

const fn text(name: &'static str, default: Option<&'static str>) -> Setting {
    Setting {
        name,
        default,
        words: &[],
    }
}

/// A word; the first is the default.
const fn word(name: &'static str, words: &'static [&'static str]) -> Setting {
    Setting {
        name,
        default: words.first().copied(),
        words,
    }
}

/// The same as the compiler's list, `codegen/src/settings.rs`.
const SETTINGS: &[Setting] = &[
    // Where the museum is: what day it is follows from this.
    text("venue_zone", Some("UTC")),
    // Does Ticketure announce carts, or do its tickets say what their cart is?
    word("cart_source", &["webhook", "derived"]),
    // Who makes payments: we, one for each of Ticketure's, or NPSP, one for each opportunity.
    word("payments", &["ticketure", "npsp"]),
    word("refund", &["reduce_lines", "negative_payment"]),
    // A sale without a buyer: an opportunity alone, none, or one of the house account.
    word("anonymous_sales", &["alone", "skip", "account"]),
    text("house_account", None),
    // Without NPSP: the account that people belong to. With it they have their households.
    text("contact_account", None),
    text("price_book", None),
    text("ticket_record_type", None),
    // Is a membership on its cart's opportunity, or on one of its own?
    word("membership_opportunity", &["shared", "separate"]),
    text("membership_record_type", Some("Membership")),
    // Who joins another's household, with NPSP?
    word("households", &["name_or_address", "members", "never"]),
    // The roles of contacts in opportunities.
    text("role_member", Some("Member")),
    text("role_holder", Some("Ticket Holder")),
    text("stage_open", Some("Pledged")),
    text("stage_won", Some("Closed Won")),
    text("stage_lost", Some("Closed Lost")),
    text("currency", None),
];

/// Roles whose contacts NPSP soft-credits with the donation (reference: NPSP, "Contact Roles for Soft Credits").
const SOFT_CREDITED: &[&str] = &["household member", "soft credit", "matched donor"];

/// Every setting as it is when nobody says otherwise.
pub fn defaults() -> Settings {
    Arc::new(with(&Map::new()).unwrap_or_default())
}

/// The defaults with what is written over them.
///
/// # Errors
/// The name that is at fault, and what is wrong with it.
pub fn with(written: &Map<String, Value>) -> Result<Map<String, Value>, (String, String)> {
    for (name, value) in written {
        let fault = |message: String| Err((name.clone(), message));
        let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) else {
            let known: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
            return fault(format!(
                "there is no setting {name}; there are {}",
                known.join(", ")
            ));
        };
        match value.as_str() {
            None => return fault(format!("{name} is a text")),
            Some(word) if !setting.words.is_empty() && !setting.words.contains(&word) => {
                return fault(format!(
                    "{name} is `{word}`; it is one of {}",
                    setting.words.join(", ")
                ));
            }
            Some(zone) if name == "venue_zone" && jiff::tz::TimeZone::get(zone).is_err() => {
                return fault(format!(
                    "venue_zone is `{zone}`, which the IANA database does not have; write one such as America/New_York"
                ));
            }
            Some(role)
                if name.starts_with("role_")
                    && SOFT_CREDITED.contains(&role.trim().to_lowercase().as_str()) =>
            {
                return fault(format!(
                    "{name} is `{role}`, and NPSP soft-credits whoever has that role; choose a role of your own, such as `{}`",
                    setting.default.unwrap_or_default()
                ));
            }
            Some(_) => {}
        }
    }
    Ok(SETTINGS
        .iter()
        .map(|setting| {
            let default = setting.default.map_or(Value::Null, Value::from);
            let value = written.get(setting.name).cloned().unwrap_or(default);
            (setting.name.to_owned(), value)
        })
        .collect())
}

/// What a row is made of beside its own members.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'t> {
    pub npsp: bool,
    /// The settings as members of a row: `$name`.
    pub settings: &'t Map<String, Value>,
}

/// The settings as members of a row. People have households where NPSP is.
pub fn as_members(settings: &Map<String, Value>, npsp: bool) -> Map<String, Value> {
    let mut members: Map<String, Value> = settings
        .iter()
        .map(|(name, value)| (format!("${name}"), value.clone()))
        .collect();
    if npsp {
        members.insert("$contact_account".to_owned(), Value::Null);
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(value: Value) -> Result<Map<String, Value>, (String, String)> {
        with(value.as_object().unwrap())
    }

    #[test]
    fn what_is_written_is_over_the_defaults() {
        let settings = written(json!({ "refund": "negative_payment" })).unwrap();
        assert_eq!(settings["refund"], "negative_payment");
        assert_eq!(settings["cart_source"], "webhook");
        assert_eq!(settings["house_account"], Value::Null);
    }

    #[test]
    fn a_mistake_says_what_there_is() {
        for (wrong, says) in [
            (json!({ "refunds": "x" }), "there is no setting refunds"),
            (json!({ "refund": "x" }), "reduce_lines, negative_payment"),
            (json!({ "refund": 1 }), "refund is a text"),
            (json!({ "venue_zone": "Mars/Base" }), "IANA"),
            (json!({ "role_member": "household member" }), "soft-credits"),
            (json!({ "households": "always" }), "name_or_address"),
        ] {
            let (_, message) = written(wrong).unwrap_err();
            assert!(message.contains(says), "{message}");
        }
    }
}
