//! What happens by itself when a record is written: first what Salesforce does, then what NPSP does.
//!
//! What is refused here is refused to whoever wrote the record that set it off.

use serde_json::Value;

use super::Org;
use super::error::ApiError;
use super::npsp;
use super::table::Record;
use super::values::{holds, text};
use crate::schema::Object;
use crate::write_log::{Actor, Operation};

pub(super) type Outcome = Result<(), Vec<ApiError>>;

impl Org {
    /// A validated record that is not stored yet.
    pub(super) fn before_insert(&mut self, schema: &Object, record: &mut Record) -> Outcome {
        match schema.name.as_str() {
            "Opportunity" => {
                if self.npsp {
                    self.whose_donation(record)?;
                }
                self.stage(None, record);
                Ok(())
            }
            "OpportunityLineItem" => self.price_new_line(record),
            "PricebookEntry" => self.check_price(record),
            "Contact" if self.npsp => {
                self.give_household(record)?;
                npsp::mark_do_not_contact(schema, None, record);
                Ok(())
            }
            "npe01__OppPayment__c" => self.check_payment(record, None),
            "npsp__Allocation__c" => self.check_allocation(record),
            _ => Ok(()),
        }
    }

    pub(super) fn after_insert(&mut self, schema: &Object, id: &str) -> Outcome {
        match schema.name.as_str() {
            "OpportunityLineItem" => self.add_up_lines_of(id),
            "OpportunityContactRole" => self.only_primary(id),
            "Opportunity" => {
                self.made_for(id)?;
                if self.npsp {
                    self.name_primary_contact(None, id)?;
                    self.first_payment(id)?;
                }
                Ok(())
            }
            "Contact" if self.npsp => {
                self.joined_household(id)?;
                self.affiliate(None, id)
            }
            "npe01__OppPayment__c" => self.payment_written(None, id),
            "npe5__Affiliation__c" => self.primary_affiliation(None, id),
            _ => Ok(()),
        }
    }

    pub(super) fn before_update(
        &mut self,
        schema: &Object,
        old: &Record,
        record: &mut Record,
    ) -> Outcome {
        match schema.name.as_str() {
            "Opportunity" => {
                self.keep_price_book(old, record)?;
                self.stage(Some(old), record);
                Ok(())
            }
            "OpportunityLineItem" => self.price_line(old, record),
            "Contact" if self.npsp => {
                self.give_household(record)?;
                npsp::mark_do_not_contact(schema, Some(old), record);
                Ok(())
            }
            "npe01__OppPayment__c" => self.check_payment(record, Some(old)),
            "npsp__Allocation__c" => self.check_allocation(record),
            _ => Ok(()),
        }
    }

    pub(super) fn after_update(&mut self, schema: &Object, old: &Record, id: &str) -> Outcome {
        match schema.name.as_str() {
            "OpportunityLineItem" => self.add_up_lines_of(id),
            "OpportunityContactRole" => self.only_primary(id),
            "Opportunity" if self.npsp => {
                self.name_primary_contact(Some(old), id)?;
                self.payments_follow(old, id)?;
                self.allocations_follow(old, id)
            }
            "Contact" if self.npsp => {
                self.changed_household(old, id)?;
                self.affiliate(Some(old), id)
            }
            "npe01__OppPayment__c" => self.payment_written(Some(old), id),
            "npe5__Affiliation__c" => self.primary_affiliation(Some(old), id),
            _ => Ok(()),
        }
    }

    /// Children that cannot be without the record go first.
    pub(super) fn before_delete(&mut self, schema: &Object, record: &Record) -> Outcome {
        let id = text(record, "Id").unwrap_or_default();
        self.may_go(schema, id)?;
        for (child, field) in children_that_go(&schema.name) {
            for child_id in self.children(child, field, id) {
                if let Ok(schema) = self.schema(child)
                    && let Ok(record) = self.current(&schema, &child_id)
                {
                    self.before_delete(&schema, &record)?;
                    self.take_out(&schema, &child_id, None, Actor::Automation);
                }
            }
        }
        for (child, field) in lookups_that_are_cleared(&schema.name) {
            for child_id in self.children(child, field, id) {
                self.put_plainly(child, &child_id, &[(field, Value::Null)]);
            }
        }
        Ok(())
    }

    /// What was sold stays: no won opportunity goes with its account, and no product that a line has.
    fn may_go(&self, schema: &Object, id: &str) -> Outcome {
        let why = match schema.name.as_str() {
            "Account" => {
                let sold = self.child_records("Opportunity", "AccountId", id);
                let won = sold.iter().any(|sold| holds(sold, "IsWon"));
                won.then_some("some opportunities in that account were closed won")
            }
            "Product2" | "PricebookEntry" => {
                let field = format!("{}Id", schema.name);
                let lines = self.children("OpportunityLineItem", &field, id);
                let has_lines = !lines.is_empty();
                has_lines.then_some("it is associated with opportunity products")
            }
            _ => None,
        };
        match why {
            None => Ok(()),
            Some(why) => {
                let text = format!(
                    "Your attempt to delete the record could not be completed because {why}."
                );
                Err(vec![ApiError::new("DELETE_FAILED", text)])
            }
        }
    }

    pub(super) fn after_delete(&mut self, schema: &Object, record: &Record) -> Outcome {
        match schema.name.as_str() {
            "OpportunityLineItem" => {
                self.add_up_lines(text(record, "OpportunityId").unwrap_or_default())
            }
            "Contact" if self.npsp => self.left_household(record),
            "npe01__OppPayment__c" => {
                self.count_payments(text(record, "npe01__Opportunity__c").unwrap_or_default());
                Ok(())
            }
            "npe5__Affiliation__c" => self.no_affiliation(record),
            _ => Ok(()),
        }
    }
}

/// How automation writes.
impl Org {
    /// The org's own automation changes a record: other automation sees it. What is so already is not written.
    pub(super) fn automate(
        &mut self,
        object: &str,
        id: &str,
        fields: &[(&str, Value)],
    ) -> Result<(), Vec<ApiError>> {
        let schema = self.schema(object)?;
        let old = self.current(&schema, id)?;
        let change = changed(&schema, &old, fields);
        if change.is_empty() {
            return Ok(());
        }
        let mut record = old.clone();
        record.extend(change.clone());
        self.before_update(&schema, &old, &mut record)?;
        self.store(&schema, id, record);
        self.note(
            Operation::Update,
            Actor::Automation,
            &schema.name,
            id,
            change,
        );
        self.after_update(&schema, &old, id)
    }

    /// The org changes a record and no automation sees it.
    pub(super) fn put_plainly(&mut self, object: &str, id: &str, fields: &[(&str, Value)]) {
        let Ok(schema) = self.schema(object) else {
            return;
        };
        let Ok(mut record) = self.current(&schema, id) else {
            return;
        };
        let change = changed(&schema, &record, fields);
        if change.is_empty() {
            return;
        }
        record.extend(change.clone());
        self.store(&schema, id, record);
        self.note(
            Operation::Update,
            Actor::Automation,
            &schema.name,
            id,
            change,
        );
    }

    /// What is computed when it is read: the record is the same as before, and so is its time stamp.
    pub(super) fn compute(&mut self, object: &str, id: &str, fields: &[(&str, Value)]) {
        let Some(table) = self.table_mut(object) else {
            return;
        };
        let Some(mut record) = table.get(id).cloned() else {
            return;
        };
        let values = fields.iter().cloned();
        record.extend(values.map(|(name, value)| (name.to_owned(), value)));
        table.put(id, record);
    }
}

/// The fields that are the object's and say something else now.
fn changed(schema: &Object, old: &Record, fields: &[(&str, Value)]) -> Record {
    let changed = fields.iter().filter(|(name, value)| {
        schema.field(name).is_some() && old.get(*name).unwrap_or(&Value::Null) != value
    });
    changed
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

/// What is deleted with a record: object and field of the children.
fn children_that_go(object: &str) -> &'static [(&'static str, &'static str)] {
    match object {
        "Account" => &[
            ("Opportunity", "AccountId"),
            ("Contact", "AccountId"),
            ("npe5__Affiliation__c", "npe5__Organization__c"),
        ],
        "Contact" => &[
            ("OpportunityContactRole", "ContactId"),
            ("npe5__Affiliation__c", "npe5__Contact__c"),
        ],
        "Opportunity" => &[
            ("OpportunityLineItem", "OpportunityId"),
            ("OpportunityContactRole", "OpportunityId"),
            ("npe01__OppPayment__c", "npe01__Opportunity__c"),
            // A look-up, but NPSP deletes them too.
            ("npsp__Allocation__c", "npsp__Opportunity__c"),
        ],
        "npe01__OppPayment__c" => &[("npsp__Allocation__c", "npsp__Payment__c")],
        "Product2" => &[("PricebookEntry", "Product2Id")],
        "Pricebook2" => &[("PricebookEntry", "Pricebook2Id")],
        _ => &[],
    }
}

/// What merely referred to a record.
fn lookups_that_are_cleared(object: &str) -> &'static [(&'static str, &'static str)] {
    match object {
        "Contact" => &[
            ("Opportunity", "npsp__Primary_Contact__c"),
            ("OpportunityLineItem", "Ticketure_Ticket_Holder__c"),
        ],
        "npe01__OppPayment__c" => &[("npe01__OppPayment__c", "npsp__OriginalPayment__c")],
        _ => &[],
    }
}
