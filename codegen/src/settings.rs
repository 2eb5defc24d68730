//! The settings that a mapping may read as `$name`: what an operator sets in usher.toml, under `[settings]`.

use crate::schema::{SourceSchemaField, SourceType};
use crate::span::Span;

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Without the `$`.
    pub name: &'static str,
    /// The words that it can be; any text where there are none.
    pub words: &'static [&'static str],
    /// What it is where nobody set it; nothing where it is not given then.
    pub default: Option<&'static str>,
    /// As editors show it.
    pub about: &'static str,
}

const fn setting(
    name: &'static str,
    words: &'static [&'static str],
    default: Option<&'static str>,
    about: &'static str,
) -> Setting {
    Setting {
        name,
        words,
        default,
        about,
    }
}

/// All of them, sorted by name.
pub const SETTINGS: &[Setting] = &[
    setting(
        "anonymous_sales",
        &["alone", "skip", "account"],
        Some("alone"),
        "What becomes of a sale without a buyer: an opportunity alone, none, or one of the house account.",
    ),
    setting(
        "cart_source",
        &["webhook", "derived"],
        Some("webhook"),
        "Carts have a webhook of their own, or follow from their tickets.",
    ),
    setting(
        "contact_account",
        &[],
        None,
        "The Salesforce id of the account that people belong to where NPSP is not installed; else they have none.",
    ),
    setting(
        "currency",
        &[],
        None,
        "The org's currency, such as USD: a cart in another goes to the error log.",
    ),
    setting(
        "house_account",
        &[],
        None,
        "The Salesforce id of the account that anonymous sales belong to.",
    ),
    setting(
        "households",
        &["name_or_address", "members", "never"],
        Some("name_or_address"),
        "With NPSP: who joins another's household. People who share the last name or the postal address; all members of one membership; or nobody.",
    ),
    setting(
        "membership_opportunity",
        &["shared", "separate"],
        Some("shared"),
        "A membership is on the opportunity of the cart that it was bought with, or on one of its own.",
    ),
    setting(
        "membership_record_type",
        &[],
        Some("Membership"),
        "The developer name of the record type of opportunities for memberships.",
    ),
    setting(
        "payments",
        &["ticketure", "npsp"],
        Some("ticketure"),
        "Payments are those of Ticketure, or the one that NPSP makes by itself.",
    ),
    setting(
        "price_book",
        &[],
        None,
        "The Salesforce id of the price book; else the standard one.",
    ),
    setting(
        "refund",
        &["reduce_lines", "negative_payment"],
        Some("reduce_lines"),
        "A refund is a negative payment, or takes its lines away.",
    ),
    setting(
        "role_holder",
        &[],
        Some("Ticket Holder"),
        "The role of a ticket holder in the opportunity.",
    ),
    setting(
        "role_member",
        &[],
        Some("Member"),
        "The role of a member in the opportunity of the membership.",
    ),
    setting(
        "stage_lost",
        &[],
        Some("Closed Lost"),
        "The stage of a cart that was cancelled.",
    ),
    setting(
        "stage_open",
        &[],
        Some("Pledged"),
        "The stage of a cart that is not paid for in full.",
    ),
    setting(
        "stage_won",
        &[],
        Some("Closed Won"),
        "The stage of a cart that is paid for.",
    ),
    setting(
        "ticket_record_type",
        &[],
        None,
        "The developer name of the record type of opportunities for carts.",
    ),
    setting(
        "venue_zone",
        &[],
        Some("UTC"),
        "The venue's IANA zone: America/Los_Angeles.",
    ),
];

/// The setting of this name, without the `$`.
pub fn setting_of(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// Settings as properties of a row, each with its `$`.
pub fn properties(span: Span) -> impl Iterator<Item = (String, SourceSchemaField)> {
    SETTINGS.iter().map(move |setting| {
        let words = setting.words.iter().map(|word| (*word).to_owned());
        let kind = SourceType::Text {
            max_length: None,
            min_length: None,
            pattern: None,
            format: None,
            values: words.collect(),
        };
        let schema = SourceSchemaField {
            span,
            kind,
            nullable: setting.default.is_none(),
            required: false,
            read_only: true,
        };
        (format!("${}", setting.name), schema)
    })
}
