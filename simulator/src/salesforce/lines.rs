//! Lines of opportunities: each has a price book entry, a quantity and a price, and their sum is the opportunity's amount.

use serde_json::Value;

use super::Org;
use super::automation::Outcome;
use super::error::ApiError;
use super::table::Record;
use super::values::{cents, differs, holds, money, number, owned, text};

impl Org {
    pub(super) fn price_new_line(&mut self, line: &mut Record) -> Outcome {
        let Some(entry) = text(line, "PricebookEntryId").map(str::to_owned) else {
            let text = "field integrity exception: PricebookEntryId, unknown (versions 3.0 and higher must specify pricebook entry id; others must specify product id)";
            let error = ApiError::new("FIELD_INTEGRITY_EXCEPTION", text);
            return Err(vec![error.on("PricebookEntryId").on("unknown")]);
        };
        let entry = self.found("PricebookEntry", &entry).cloned();
        let entry = entry.unwrap_or_default();
        self.same_price_book(line, &entry)?;
        let has = |field: &str| line.get(field).is_some_and(|value| !value.is_null());
        match (has("UnitPrice"), has("TotalPrice")) {
            (false, false) => return Err(vec![lacks_price()]),
            (true, true) => return Err(vec![both_prices("specify", "insert")]),
            (of_unit, _) => compute(line, of_unit)?,
        }
        self.of_product(line, &entry);
        Ok(())
    }

    /// The entry is of the opportunity's price book; the first line brings its own.
    fn same_price_book(&mut self, line: &Record, entry: &Record) -> Outcome {
        if !holds(entry, "IsActive") {
            return Err(vec![wrong_entry("pricebook entry has been inactivated")]);
        }
        let id = owned(line, "OpportunityId");
        let opportunity = self.found("Opportunity", &id);
        let book = opportunity.and_then(|opportunity| text(opportunity, "Pricebook2Id"));
        let its_book = owned(entry, "Pricebook2Id");
        match book {
            Some(book) if book == its_book => Ok(()),
            Some(_) => Err(vec![wrong_entry(
                "pricebook entry is in a different pricebook than the one assigned to the opportunity",
            )]),
            None => self.automate(
                "Opportunity",
                &id,
                &[("Pricebook2Id", Value::from(its_book))],
            ),
        }
    }

    /// What a line has of its entry and its product.
    fn of_product(&self, line: &mut Record, entry: &Record) {
        let product_id = owned(entry, "Product2Id");
        let product = self.found("Product2", &product_id);
        let of_product = |field: &str| product.and_then(|product| product.get(field)).cloned();
        let opportunity = self.found("Opportunity", &owned(line, "OpportunityId"));
        let name =
            |record: Option<&Record>| record.map_or_else(String::new, |of| owned(of, "Name"));
        let whole = format!("{} {}", name(opportunity), name(product));
        for (field, value) in [
            ("Product2Id", Some(Value::from(product_id.as_str()))),
            ("ProductCode", of_product("ProductCode")),
            ("ListPrice", entry.get("UnitPrice").cloned()),
            ("Name", Some(Value::from(whole))),
        ] {
            line.insert(field.to_owned(), value.unwrap_or(Value::Null));
        }
    }

    /// A change of the unit price or the quantity changes the total, a change of the total the unit price.
    pub(super) fn price_line(&mut self, old: &Record, line: &mut Record) -> Outcome {
        let moved = |field: &str| differs(old, line, field);
        match (moved("UnitPrice"), moved("TotalPrice")) {
            (true, true) => Err(vec![both_prices("change", "update")]),
            (_, of_total) => compute(line, !of_total),
        }
    }

    pub(super) fn add_up_lines_of(&mut self, line: &str) -> Outcome {
        let line = self.found("OpportunityLineItem", line);
        let opportunity = line.map(|line| owned(line, "OpportunityId"));
        self.add_up_lines(&opportunity.unwrap_or_default())
    }

    /// The opportunity's amount is the sum of its lines; without any left it is nothing.
    pub(super) fn add_up_lines(&mut self, opportunity: &str) -> Outcome {
        if let Some(carts) = &mut self.bulk.carts {
            carts.insert(opportunity.to_owned());
            return Ok(());
        }
        let lines = self.child_records("OpportunityLineItem", "OpportunityId", opportunity);
        let sum = lines.iter().filter_map(|line| cents(line, "TotalPrice"));
        let quantity: f64 = lines
            .iter()
            .filter_map(|line| number(line, "Quantity"))
            .sum();
        let fields = [
            ("Amount", money(sum.sum())),
            ("HasOpportunityLineItem", Value::Bool(!lines.is_empty())),
            ("TotalOpportunityQuantity", Value::from(quantity)),
        ];
        self.automate("Opportunity", opportunity, &fields)
    }
}

/// Fills in what follows from the rest, from the unit price or from the total.
fn compute(line: &mut Record, of_unit: bool) -> Outcome {
    let quantity = number(line, "Quantity").unwrap_or_default();
    if quantity == 0.0 {
        let text = "field integrity exception: Quantity (quantity must be nonzero)";
        return Err(vec![
            ApiError::new("FIELD_INTEGRITY_EXCEPTION", text).on("Quantity"),
        ]);
    }
    let kept = 1.0 - number(line, "Discount").unwrap_or_default() / 100.0;
    if of_unit {
        let unit = cents(line, "UnitPrice").ok_or_else(|| vec![lacks_price()])?;
        let total = (unit as f64 * quantity * kept).round() as i64;
        line.insert("TotalPrice".to_owned(), money(total));
    } else {
        let total = cents(line, "TotalPrice").ok_or_else(|| vec![lacks_price()])?;
        let divisor = if kept == 0.0 {
            quantity
        } else {
            quantity * kept
        };
        let unit = (total as f64 / divisor).round() as i64;
        line.insert("UnitPrice".to_owned(), money(unit));
    }
    let unit = cents(line, "UnitPrice").unwrap_or_default();
    let before_discount = (unit as f64 * quantity).round() as i64;
    line.insert("Subtotal".to_owned(), money(before_discount));
    Ok(())
}

fn wrong_entry(why: &str) -> ApiError {
    let text = format!("field integrity exception: PricebookEntryId ({why})");
    ApiError::new("FIELD_INTEGRITY_EXCEPTION", text).on("PricebookEntryId")
}

fn lacks_price() -> ApiError {
    let text = "Required fields are missing: [UnitPrice]";
    ApiError::new("REQUIRED_FIELD_MISSING", text).on("UnitPrice")
}

fn both_prices(verb: &str, call: &str) -> ApiError {
    let text = format!("Cannot {verb} both 'UnitPrice' and 'TotalPrice' in {call} call");
    ApiError::new("INVALID_FIELD", text).on("UnitPrice")
}
