//! Questions about calls of one record.

use std::error::Error;

use http::Method;
use serde_json::{Value, json};

use super::{KEY, Prober, Question};

const CONTACTS: &str = "/sobjects/Contact";
/// An id of a contact that no org has.
const NOBODY: &str = "003000000000001AAA";

impl Prober {
    pub(super) async fn about_one_record(&mut self) -> Result<(), Box<dyn Error>> {
        self.values().await?;
        self.refusals().await?;
        self.upserts().await?;
        self.sessions_and_times().await
    }

    /// Creates a contact and gives its path.
    async fn created(&mut self, about: &str, fields: Value) -> Result<String, Box<dyn Error>> {
        let made = self.write(about, Method::POST, CONTACTS, fields).await?;
        let id = made.get("id").and_then(Value::as_str);
        Ok(format!("{CONTACTS}/{}", id.unwrap_or(NOBODY)))
    }

    async fn values(&mut self) -> Result<(), Box<dyn Error>> {
        let email = format!("Usher.Probe.{}@Example.ORG", self.run);
        let fields = json!({ "LastName": format!("  {} ", self.name("values")), "FirstName": "", "Email": email });
        let path = self.created("a contact is created", fields).await?;
        let about = "are texts trimmed, blanks null, and addresses in lower case?";
        let fields = "?fields=LastName,FirstName,Email,SystemModstamp";
        self.get(about, &format!("{path}{fields}")).await?;
        let about = "a contact is updated";
        let change = json!({ "FirstName": "Ada" });
        self.write(about, Method::PATCH, &path, change).await?;
        let about = "a field that is not there is asked for";
        self.get(about, &format!("{path}?fields=Nmae")).await?;
        let about = "a contact is deleted";
        self.write(about, Method::DELETE, &path, Value::Null)
            .await?;
        for (about, method) in [
            ("a deleted contact is read", Method::GET),
            ("a deleted contact is updated", Method::PATCH),
            ("a deleted contact is deleted", Method::DELETE),
        ] {
            let body = match method {
                Method::PATCH => json!({ "FirstName": "Ada" }),
                _ => Value::Null,
            };
            self.write(about, method, &path, body).await?;
        }
        let about = "a contact that never was is updated";
        let path = format!("{CONTACTS}/{NOBODY}");
        let change = json!({ "FirstName": "Ada" });
        self.write(about, Method::PATCH, &path, change).await?;
        Ok(())
    }

    async fn refusals(&mut self) -> Result<(), Box<dyn Error>> {
        let name = self.name("refused");
        for (about, fields) in [
            ("a required field is missing", json!({ "FirstName": "Ada" })),
            ("a text is too long", json!({ "LastName": "x".repeat(81) })),
            (
                "an address is none",
                json!({ "LastName": name, "Email": "nobody" }),
            ),
            (
                "a date is before 1700",
                json!({ "LastName": name, "Birthdate": "1699-12-31" }),
            ),
            (
                "a date is none",
                json!({ "LastName": name, "Birthdate": "soon" }),
            ),
            (
                "a field is not there",
                json!({ "LastName": name, "Nmae": "x" }),
            ),
            (
                "a field is read-only",
                json!({ "LastName": name, "CreatedDate": "2020-01-01T00:00:00Z" }),
            ),
            (
                "a reference is no id",
                json!({ "LastName": name, "AccountId": "nonsense" }),
            ),
            (
                "a reference leads nowhere",
                json!({ "LastName": name, "AccountId": "001000000000001AAA" }),
            ),
            (
                "a parent's external id leads nowhere",
                json!({ "LastName": name, "Account": { KEY: self.key("nobody") } }),
            ),
        ] {
            self.write(about, Method::POST, CONTACTS, fields).await?;
        }
        let about = "an object is not there";
        let fields = json!({ "Name": "x" });
        self.write(about, Method::POST, "/sobjects/Cntact", fields)
            .await?;
        Ok(())
    }

    async fn upserts(&mut self) -> Result<(), Box<dyn Error>> {
        let path = format!("{CONTACTS}/{KEY}/{}", self.key("one"));
        let fields = json!({ "LastName": self.name("upserted") });
        let about = "an upsert creates";
        self.write(about, Method::PATCH, &path, fields.clone())
            .await?;
        let about = "an upsert updates";
        self.write(about, Method::PATCH, &path, fields.clone())
            .await?;
        let about = "an upsert repeats the external id in its body";
        let mut twice = fields.clone();
        twice[KEY] = json!(self.key("one"));
        self.write(about, Method::PATCH, &path, twice.clone())
            .await?;
        let about = "a create has an external id that is taken";
        self.write(about, Method::POST, CONTACTS, twice).await?;
        let about = "an upsert goes by a field that is no key";
        let wrong = format!("{CONTACTS}/Department/x");
        self.write(about, Method::PATCH, &wrong, fields).await?;
        self.get("a record is read by its external id", &path)
            .await?;
        Ok(())
    }

    async fn sessions_and_times(&mut self) -> Result<(), Box<dyn Error>> {
        let fields = json!({ "LastName": self.name("times") });
        let path = self.created("another contact is created", fields).await?;
        for (about, date) in [
            (
                "a record was changed since the date of a condition",
                "Thu, 01 Jan 2004 00:00:00 GMT",
            ),
            (
                "a record was not changed since the date of a condition",
                "Fri, 01 Jan 2100 00:00:00 GMT",
            ),
        ] {
            self.ask(Question {
                about,
                method: Method::PATCH,
                path: path.clone(),
                headers: &[("if-unmodified-since", date)],
                body: json!({ "FirstName": "Ada" }),
            })
            .await?;
        }
        self.ask(Question {
            about: "a session is not valid",
            method: Method::GET,
            path: path.clone(),
            headers: &[("authorization", "Bearer none")],
            body: Value::Null,
        })
        .await?;
        Ok(())
    }
}
