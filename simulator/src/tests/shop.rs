//! An org with things to sell, and short ways to write its records.

use super::*;

pub(super) struct Shop {
    pub(super) org: Client,
    pub(super) book: String,
    pub(super) entry: String,
}

/// One product with its price in the standard price book.
pub(super) async fn shop(npsp: bool) -> Shop {
    let org = client(npsp).await;
    let book = text(&org.simulator.records("Pricebook2")[0], "Id");
    let product = org
        .make("Product2", json!({ "Name": "Adult", "IsActive": true }))
        .await;
    let price =
        json!({ "Pricebook2Id": book, "Product2Id": product, "UnitPrice": 25, "IsActive": true });
    let entry = org.make("PricebookEntry", price).await;
    Shop { org, book, entry }
}

pub(super) fn text(record: &Map<String, Value>, field: &str) -> String {
    let text = record.get(field).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

impl Client {
    /// Creates a record and gives its id.
    pub(super) async fn make(&self, object: &str, fields: Value) -> String {
        let path = format!("/sobjects/{object}");
        let (status, body) = self.call(Method::POST, &path, fields).await;
        assert_eq!(status, StatusCode::CREATED, "{object}: {body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// Why a new record is refused: code and sentence.
    pub(super) async fn refused(&self, object: &str, fields: Value) -> (String, String) {
        let path = format!("/sobjects/{object}");
        let (_, body) = self.call(Method::POST, &path, fields).await;
        said(&body)
    }

    pub(super) async fn change(&self, object: &str, id: &str, fields: Value) {
        let path = format!("/sobjects/{object}/{id}");
        let (status, body) = self.call(Method::PATCH, &path, fields).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
    }

    pub(super) async fn change_refused(
        &self,
        object: &str,
        id: &str,
        fields: Value,
    ) -> (String, String) {
        let path = format!("/sobjects/{object}/{id}");
        said(&self.call(Method::PATCH, &path, fields).await.1)
    }

    pub(super) async fn delete(&self, object: &str, id: &str) -> (StatusCode, Value) {
        let path = format!("/sobjects/{object}/{id}");
        self.call(Method::DELETE, &path, Value::Null).await
    }

    pub(super) fn record(&self, object: &str, id: &str) -> Map<String, Value> {
        let mut found = self.simulator.find(object, "Id", id);
        assert_eq!(found.len(), 1, "{object} {id}");
        found.remove(0)
    }
}

pub(super) fn said(body: &Value) -> (String, String) {
    let text = |name: &str| body[0][name].as_str().unwrap_or_default().to_owned();
    (text("errorCode"), text("message"))
}

impl Shop {
    pub(super) async fn donation(&self, more: Value) -> String {
        let mut fields =
            json!({ "Name": "Cart", "StageName": "Pledged", "CloseDate": "2026-03-01" });
        let more = more.as_object().unwrap().clone();
        fields.as_object_mut().unwrap().extend(more);
        self.org.make("Opportunity", fields).await
    }

    pub(super) fn line_of(&self, opportunity: &str, unit_price: f64) -> Value {
        json!({
            "OpportunityId": opportunity, "PricebookEntryId": self.entry,
            "Quantity": 1, "UnitPrice": unit_price,
        })
    }

    pub(super) async fn line(&self, opportunity: &str, unit_price: f64) -> String {
        let line = self.line_of(opportunity, unit_price);
        self.org.make("OpportunityLineItem", line).await
    }

    pub(super) fn amount(&self, opportunity: &str) -> Value {
        self.org.record("Opportunity", opportunity)["Amount"].clone()
    }
}
