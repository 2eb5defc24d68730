//! What Salesforce itself does to an opportunity: the stage says whether it is closed and how likely it is, and while
//! there are lines the amount is theirs.

use serde_json::Value;

use super::Org;
use super::automation::Outcome;
use super::error::ApiError;
use super::table::Record;
use super::values::{cents, differs, money, number, owned};
use crate::schema::Object;

/// A stage: how likely, closed, won.
type Stage = (&'static str, f64, bool, bool);

const STAGES: &[Stage] = &[
    ("Prospecting", 10.0, false, false),
    ("Qualification", 10.0, false, false),
    ("Needs Analysis", 20.0, false, false),
    ("Value Proposition", 50.0, false, false),
    ("Id. Decision Makers", 60.0, false, false),
    ("Perception Analysis", 70.0, false, false),
    ("Proposal/Price Quote", 75.0, false, false),
    ("Negotiation/Review", 90.0, false, false),
    ("Pledged", 90.0, false, false),
    ("Posted", 100.0, true, true),
    ("Closed Won", 100.0, true, true),
    ("Withdrawn", 0.0, true, false),
    ("Closed Lost", 0.0, true, false),
];

impl Org {
    /// What follows from the stage and the amount.
    pub(super) fn stage(&mut self, old: Option<&Record>, record: &mut Record) {
        let (_, likely, closed, won) = stage_of(record);
        let moved = old.is_none_or(|old| differs(old, record, "StageName"));
        let nothing = Record::new();
        if moved && !differs(old.unwrap_or(&nothing), record, "Probability") {
            record.insert("Probability".to_owned(), Value::from(likely));
        }
        let category = match (closed, won) {
            (true, true) => "Closed",
            (true, false) => "Omitted",
            _ => "Pipeline",
        };
        for (field, value) in [
            ("IsClosed", Value::Bool(closed)),
            ("IsWon", Value::Bool(won)),
            ("ForecastCategory", Value::from(category)),
            ("ForecastCategoryName", Value::from(category)),
            ("ExpectedRevenue", expected(record)),
        ] {
            record.insert(field.to_owned(), value);
        }
        if moved && old.is_some() {
            let now = self.tick();
            record.insert("LastStageChangeDate".to_owned(), Value::from(now));
        }
    }

    /// With lines the amount cannot be written: Salesforce does not refuse it, and does not do it.
    pub(super) fn ignored(&self, schema: &Object, id: &str, change: &mut Record) {
        if schema.name == "Opportunity" && self.has_lines(id) {
            change.remove("Amount");
            change.remove("TotalOpportunityQuantity");
        }
    }

    pub(super) fn has_lines(&self, opportunity: &str) -> bool {
        !self
            .children("OpportunityLineItem", "OpportunityId", opportunity)
            .is_empty()
    }

    /// The price book of an opportunity with lines stays.
    pub(super) fn keep_price_book(&self, old: &Record, record: &Record) -> Outcome {
        let moved = differs(old, record, "Pricebook2Id");
        if !moved || !self.has_lines(&owned(old, "Id")) {
            return Ok(());
        }
        let text = "field integrity exception: Pricebook2Id (cannot change pricebook on opportunity with line items)";
        let error = ApiError::new("FIELD_INTEGRITY_EXCEPTION", text).on("Pricebook2Id");
        Err(vec![error])
    }
}

/// A stage that nobody knows is an open one.
fn stage_of(opportunity: &Record) -> Stage {
    let name = owned(opportunity, "StageName");
    let known = STAGES.iter().find(|(stage, ..)| *stage == name);
    *known.unwrap_or(&("", 0.0, false, false))
}

/// The amount, as likely as it is.
fn expected(opportunity: &Record) -> Value {
    let likely = number(opportunity, "Probability").unwrap_or_default();
    let amount = cents(opportunity, "Amount");
    amount.map_or(Value::Null, |cents| {
        money((cents as f64 * likely / 100.0).round() as i64)
    })
}
