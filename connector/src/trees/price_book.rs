//! A product's entry in a price book. Salesforce wants the product first, then its standard entry, then any other
//! (<https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_pricebookentry.htm>).

use runtime::salesforce::{CallError, RecordResult, soql_text};
use serde_json::{Map, Value, json};

use crate::sync::TwoWaySync;

pub(super) const ENTRY: &str = "PricebookEntry";
/// Fields of the entry's product begin with this.
const PRODUCT: &str = "Product2.";

impl TwoWaySync {
    /// Makes the entry, and before it whatever it needs that is not there.
    pub(super) async fn new_entry(
        &self,
        by: &Map<String, Value>,
        create: &Map<String, Value>,
    ) -> Result<RecordResult, CallError> {
        let product = match self.product(by, create).await? {
            Ok(id) => id,
            Err(errors) => return Ok(Err(errors)),
        };
        let price = create
            .get("UnitPrice")
            .cloned()
            .filter(|price| !price.is_null());
        let price = runtime::row::number_of(price.as_ref()).unwrap_or_else(|| json!(0));
        let book = by
            .get("Pricebook2Id")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let standard = self.standard_price_book().await?;
        if let Some(standard) = standard.filter(|standard| standard != book)
            && let Err(errors) = self.entry(&product, &standard, &price).await?
        {
            return Ok(Err(errors));
        }
        self.entry(&product, book, &price).await
    }

    async fn product(
        &self,
        by: &Map<String, Value>,
        create: &Map<String, Value>,
    ) -> Result<RecordResult, CallError> {
        let of_product = |members: &Map<String, Value>| -> Map<String, Value> {
            let members = members.iter();
            let found = members.filter_map(|(name, value)| {
                Some((name.strip_prefix(PRODUCT)?.to_owned(), value.clone()))
            });
            found.collect()
        };
        let known_by = of_product(by);
        if let Some((field, value)) = known_by.iter().next() {
            let value = runtime::json::text_at(value, &[]).unwrap_or_default();
            let soql = format!(
                "SELECT Id FROM Product2 WHERE {field} = {}",
                soql_text(&value)
            );
            if let Some(id) = self.first_id(&soql).await? {
                return Ok(Ok(id));
            }
        }
        let mut body = of_product(create);
        body.extend(known_by);
        body.insert("IsActive".to_owned(), Value::from(true));
        self.one("Product2", body).await
    }

    async fn entry(
        &self,
        product: &str,
        book: &str,
        price: &Value,
    ) -> Result<RecordResult, CallError> {
        let soql = format!(
            "SELECT Id FROM PricebookEntry WHERE Product2Id = {} AND Pricebook2Id = {}",
            soql_text(product),
            soql_text(book)
        );
        if let Some(id) = self.first_id(&soql).await? {
            return Ok(Ok(id));
        }
        let body = json!({
            "Product2Id": product, "Pricebook2Id": book, "UnitPrice": price, "IsActive": true,
        });
        match body {
            Value::Object(body) => self.one(ENTRY, body).await,
            _ => Ok(Err(Vec::new())),
        }
    }

    pub(super) async fn first_id(&self, soql: &str) -> Result<Option<String>, CallError> {
        let records = self.salesforce.query(soql).await?;
        let id = records.first().and_then(|record| record.get("Id"));
        Ok(id.and_then(Value::as_str).map(str::to_owned))
    }

    async fn one(&self, object: &str, body: Map<String, Value>) -> Result<RecordResult, CallError> {
        let body = Value::Object(body).to_string();
        let made = self.salesforce.create(object, &[body]).await?;
        Ok(made.into_iter().next().unwrap_or_else(|| Err(Vec::new())))
    }
}
