//! Questions about queries, pages and what the org has.

use std::error::Error;

use http::Method;
use serde_json::{Value, json};

use super::{Prober, Question, all, contact};
use crate::record::redact::encoded;

/// Count of people that takes two of the smallest pages.
const PEOPLE: usize = 201;
/// The smallest page that a client may ask for.
const SMALL_PAGES: [(&str, &str); 1] = [("sforce-query-options", "batchSize=200")];

impl Prober {
    pub(super) async fn about_reading(&mut self) -> Result<(), Box<dyn Error>> {
        self.get("which versions are there?", "/services/data")
            .await?;
        self.get("which limits are there?", "/limits").await?;
        self.get("which objects are there?", "/sobjects").await?;
        self.get("which fields has a contact?", "/sobjects/Contact/describe")
            .await?;
        let about = "an object that is not there is described";
        self.get(about, "/sobjects/Cntact/describe").await?;
        for (about, soql) in [
            (
                "is NPSP there?",
                "SELECT Id FROM npe01__OppPayment__c LIMIT 1",
            ),
            ("a query is not SOQL", "SELECT FROM Contact"),
            (
                "a query names a field that is not there",
                "SELECT Nmae FROM Contact",
            ),
            (
                "a query names an object that is not there",
                "SELECT Id FROM Cntact",
            ),
            (
                "a query compares a date with a text",
                "SELECT Id FROM Contact WHERE SystemModstamp > 'x'",
            ),
        ] {
            self.select(about, soql).await?;
        }
        let about = "a locator is none";
        self.get(about, "/query/01gUsherProbe0001-2000").await?;
        self.pages().await
    }

    async fn pages(&mut self) -> Result<(), Box<dyn Error>> {
        let name = self.name("page");
        let people: Vec<Value> = (0..PEOPLE)
            .map(|_| contact(json!({ "LastName": name })))
            .collect();
        for some in people.chunks(200) {
            let about = "people for more than one page are created";
            let path = "/composite/sobjects";
            self.write(about, Method::POST, path, all(some.to_vec()))
                .await?;
        }
        let soql =
            format!("SELECT Id, LastName FROM Contact WHERE LastName = '{name}' ORDER BY Id");
        let mut page = self
            .first_page("the first page of a query", "/query", &soql)
            .await?;
        while let Some(next) = page.get("nextRecordsUrl").and_then(Value::as_str) {
            let next = next.to_owned();
            page = self.get("the next page of a query", &next).await?;
        }
        self.deleted(&name, &soql).await
    }

    async fn first_page(
        &mut self,
        about: &str,
        start: &str,
        soql: &str,
    ) -> Result<Value, Box<dyn Error>> {
        self.ask(Question {
            about,
            method: Method::GET,
            path: format!("{start}?q={}", encoded(soql)),
            headers: &SMALL_PAGES,
            body: Value::Null,
        })
        .await
    }

    /// Two people are deleted: what a query and a query of all say of them.
    async fn deleted(&mut self, name: &str, soql: &str) -> Result<(), Box<dyn Error>> {
        let last = self.made.iter().rev().take(2).cloned();
        let ids = last.collect::<Vec<String>>().join(",");
        let path = format!("/composite/sobjects?ids={ids}&allOrNone=false");
        for about in ["two are deleted", "two are deleted that are deleted"] {
            self.write(about, Method::DELETE, &path, Value::Null)
                .await?;
        }
        let gone = format!(
            "SELECT Id, IsDeleted, MasterRecordId FROM Contact WHERE LastName = '{name}' AND IsDeleted = true ORDER BY Id"
        );
        let about = "a query of all has deleted records";
        self.get(about, &format!("/queryAll?q={}", encoded(&gone)))
            .await?;
        let about = "a query has none";
        self.select(about, &gone).await?;
        let about = "the first page of a query of all";
        let page = self.first_page(about, "/queryAll", soql).await?;
        if let Some(next) = page.get("nextRecordsUrl").and_then(Value::as_str) {
            let next = next.to_owned();
            self.get("the next page of a query of all", &next).await?;
        }
        Ok(())
    }
}
