//! Price books: one of them is the standard one, and no product has a price elsewhere before it has one there.

use serde_json::Value;

use super::Org;
use super::automation::Outcome;
use super::error::ApiError;
use super::table::Record;
use super::values::{holds, owned, text};

impl Org {
    /// Every org has its standard price book from the beginning.
    pub(super) fn open_standard_price_book(&mut self) {
        let Ok(schema) = self.schema("Pricebook2") else {
            return;
        };
        let Some(id) = self.table_mut("Pricebook2").map(|table| table.next_id().0) else {
            return;
        };
        let now = self.tick();
        let mut book = Record::new();
        for (field, value) in [
            ("Id", Value::from(id.as_str())),
            ("Name", Value::from("Standard Price Book")),
            ("CreatedDate", Value::from(now)),
            ("IsActive", Value::Bool(true)),
            ("IsArchived", Value::Bool(false)),
            ("IsDeleted", Value::Bool(false)),
            ("IsStandard", Value::Bool(true)),
        ] {
            book.insert(field.to_owned(), value);
        }
        self.store(&schema, &id, book);
    }

    /// A product has one price a book, the standard one first.
    pub(super) fn check_price(&mut self, entry: &mut Record) -> Outcome {
        let (book, product) = (owned(entry, "Pricebook2Id"), owned(entry, "Product2Id"));
        let prices = self.child_records("PricebookEntry", "Product2Id", &product);
        let is_of = |price: &Record, book: &str| text(price, "Pricebook2Id") == Some(book);
        if prices.iter().any(|price| is_of(price, &book)) {
            let text = "This price definition already exists in this price book";
            return Err(vec![ApiError::new("DUPLICATE_VALUE", text)]);
        }
        let standard = |id: &str| {
            let book = self.found("Pricebook2", id);
            book.is_some_and(|book| holds(book, "IsStandard"))
        };
        let standard_price = prices
            .iter()
            .find(|price| standard(&owned(price, "Pricebook2Id")));
        match standard_price {
            None if !standard(&book) => {
                let text = "Before creating a custom price, create a standard price.";
                return Err(vec![ApiError::new("STANDARD_PRICE_NOT_DEFINED", text)]);
            }
            Some(price) if holds(entry, "UseStandardPrice") => {
                let price = price.get("UnitPrice").cloned().unwrap_or(Value::Null);
                entry.insert("UnitPrice".to_owned(), price);
            }
            _ => {}
        }
        let product = self.found("Product2", &product);
        for field in ["Name", "ProductCode"] {
            let value = product.and_then(|product| product.get(field)).cloned();
            entry.insert(field.to_owned(), value.unwrap_or(Value::Null));
        }
        Ok(())
    }
}
