//! Edits of staff in Salesforce over values from Ticketure. An edit stays until Ticketure sends a new value of that
//! field. The amount and the stage of a sale, and a deleted line, belong to the museum's books. Their edits go to the
//! error log, and the next row of the cart or term restores them.

use runtime::entity::Entity;
use runtime::json::text_at;
use runtime::mapping::MappingDescriptor;
use runtime::queue::{DecisionRecord, ErrorRecord, Problem, ProblemStage, TreeRecord};
use rust_decimal::Decimal;
use serde_json::{Map, Value};

const OPPORTUNITY: &str = "Opportunity";
const LINE: &str = "OpportunityLineItem";
const ALLOCATION: &str = "npsp__Allocation__c";
const AMOUNT: &str = "Amount";
const STAGE: &str = "StageName";
const PRICE: &str = "UnitPrice";
const QUANTITY: &str = "Quantity";

/// Prefix of the causes of these problems.
const CAUSE: &str = "staff:";

/// Returns whether usher writes the field again after a user has changed it.
pub(crate) fn is_restored(object: &str, field: &str) -> bool {
    object == OPPORTUNITY && [AMOUNT, STAGE].contains(&field)
}

/// Returns whether the field is a price, which staff may have agreed with the visitor.
pub(crate) fn is_price(object: &str, field: &str) -> bool {
    object == LINE && field == PRICE
}

/// Returns whether the next row creates a deleted record of the object again.
pub(crate) fn is_made_again(object: &str) -> bool {
    object == LINE
}

/// Returns whether a deleted record of the object stays deleted until Ticketure sends a new value of it.
pub(crate) fn stays_deleted(object: &str) -> bool {
    object == ALLOCATION
}

/// Returns whether the cause is of a problem from this module.
pub(crate) fn is_cause(cause: &str) -> bool {
    cause.starts_with(CAUSE)
}

/// Returns whether the mapping writes the amount of its opportunities, beyond what a create says.
pub(crate) fn writes_amount(mapping: &MappingDescriptor) -> bool {
    let index = mapping.record.field(AMOUNT);
    let field = index.and_then(|index| mapping.record.fields.get(index));
    field.is_some_and(|field| !field.create_only)
}

/// A value that a user has written over a value from usher.
pub(crate) struct Typed<'t> {
    /// The tree's root: its mapping, and its id in Ticketure.
    pub(crate) root: (&'t MappingDescriptor, &'t str),
    pub(crate) mapping: &'t MappingDescriptor,
    /// The record's id in Ticketure.
    pub(crate) key: &'t str,
    /// The record's id in Salesforce.
    pub(crate) record: &'t str,
    pub(crate) field: &'static str,
    /// Ticketure's value as JSON. `theirs` is Salesforce's.
    pub(crate) ours: Value,
    pub(crate) theirs: Value,
}

impl Typed<'_> {
    /// Makes the entry of the error log.
    pub(crate) fn problem(&self) -> Problem {
        let (root, id) = self.root;
        let (object, field) = (self.mapping.object, self.field);
        let message = format!(
            "{} {id}: {field} of {object} {} was set to {} in Salesforce, and in Ticketure it is {}",
            root.name, self.record, self.theirs, self.ours
        );
        problem(
            format!("{CAUSE}{object}.{field}"),
            message,
            self.mapping.place(field),
            format!(
                "Put {field} back to {}, or change the sale in Ticketure. The next row about this {} writes it again.",
                self.ours, root.name
            ),
        )
    }

    /// Makes the entry of the conflict log: Salesforce's value stays.
    pub(crate) fn decision(&self) -> DecisionRecord {
        let (root, id) = self.root;
        DecisionRecord {
            at_ms: 0,
            mapping: root.name.to_owned(),
            source_id: id.to_owned(),
            field: format!(
                "{} of {} {}",
                self.field,
                self.mapping.name,
                short(id, self.key)
            ),
            winner: "salesforce".to_owned(),
            why: "typed_over".to_owned(),
            value: self.theirs.to_string(),
            winner_at_ms: 0,
            loser: Some(self.ours.to_string()),
            loser_at_ms: 0,
        }
    }
}

/// Makes the problem of a deleted line.
pub(crate) fn deleted(
    root: (&MappingDescriptor, &str),
    mapping: &MappingDescriptor,
    key: &str,
    line: &dyn Entity,
) -> Problem {
    let price = mapping.record.field(PRICE);
    let price = price.and_then(|index| line.slot(index).text().map(str::to_owned));
    let ticket = short(root.1, key);
    // Fees, taxes and the line `CART:kept` are no tickets: a cart has each once.
    let is_ticket = ticket != mapping.name;
    let (line, way) = match is_ticket {
        true => (
            format!("{} {ticket}", mapping.name),
            ", or refund it in Ticketure",
        ),
        false => (mapping.name.to_owned(), ""),
    };
    problem(
        format!("{CAUSE}{}:{key}", mapping.name),
        format!(
            "{} {}: the line of {line}, whose price is {}, was deleted in Salesforce, and the {} has it in Ticketure",
            root.0.name,
            root.1,
            price.unwrap_or_default(),
            root.0.name
        ),
        Some(mapping.file.to_owned()),
        format!(
            "Take the line out of the recycle bin{way}. The next row about this {} makes it again.",
            root.0.name
        ),
    )
}

fn problem(cause: String, message: String, line: Option<String>, help: String) -> Problem {
    Problem {
        cause,
        stage: ProblemStage::Failed,
        error: ErrorRecord {
            code: "changed_in_salesforce".to_owned(),
            message,
            mapping_line: line,
            help,
            group: None,
        },
    }
}

/// Removes the id of the tree's root from the front of a key.
fn short<'k>(root: &str, key: &'k str) -> &'k str {
    let inner = key
        .strip_prefix(root)
        .and_then(|rest| rest.strip_prefix(':'));
    inner.unwrap_or(key)
}

/// Returns whether the sale's amount or stage in Salesforce differs from the last written values. `root` and `lines`
/// are the tree's stored records, and `record` is the opportunity in Salesforce. `has_amount` is true where usher
/// writes the amount; elsewhere it is the sum of the lines, and 0 without any.
pub(crate) fn is_touched(
    root: &TreeRecord,
    has_amount: bool,
    lines: &[&TreeRecord],
    record: &Map<String, Value>,
) -> bool {
    let base: Map<String, Value> = serde_json::from_str(&root.base).unwrap_or_default();
    let stage = base.get(STAGE).filter(|stage| stage.is_string());
    let is_moved = stage.is_some_and(|stage| record.get(STAGE) != Some(stage));
    let expected = match has_amount {
        true => number(base.get(AMOUNT)),
        // A root that usher did not create may have an amount from elsewhere.
        false => stage.map(|_| sum(lines)),
    };
    let there = number(record.get(AMOUNT)).unwrap_or_default();
    is_moved || expected.is_some_and(|expected| expected != there)
}

fn sum(lines: &[&TreeRecord]) -> Decimal {
    let each = lines.iter().map(|line| {
        let base: Value = serde_json::from_str(&line.base).unwrap_or_default();
        let of = |field| number(base.get(field)).unwrap_or_default();
        of(PRICE) * of(QUANTITY)
    });
    each.sum()
}

fn number(value: Option<&Value>) -> Option<Decimal> {
    let value = value?;
    let text = text_at(value, &[])?;
    Decimal::from_scientific(&text)
        .ok()
        .or_else(|| text.parse().ok())
}

/// Returns whether the mapping writes lines.
pub(crate) fn is_line(mapping: &MappingDescriptor) -> bool {
    mapping.object == LINE
}
