//! Questions about calls of many records.

use std::error::Error;

use http::Method;
use serde_json::{Value, json};

use super::{KEY, Prober, Question, all, contact};

const COLLECTIONS: &str = "/composite/sobjects";

impl Prober {
    pub(super) async fn about_many_records(&mut self) -> Result<(), Box<dyn Error>> {
        self.whole_calls().await?;
        self.single_refusals().await?;
        self.duplicates().await?;
        self.graphs().await
    }

    /// Mistakes for which the org may refuse all records of a call.
    async fn whole_calls(&mut self) -> Result<(), Box<dyn Error>> {
        let right = contact(json!({ "LastName": self.name("right") }));
        let unknown = contact(json!({ "LastName": self.name("wrong"), "Nmae": "x" }));
        let typed = contact(json!({ "LastName": self.name("wrong"), "Birthdate": "soon" }));
        let untyped = json!({ "LastName": self.name("wrong") });
        // Their names are missing, so that nothing is created by an org that takes so many chunks.
        let types = ["Contact", "Account"].into_iter().cycle().take(11);
        let chunks = types.map(|kind| json!({ "attributes": { "type": kind }, "Phone": "1" }));
        for (about, records) in [
            (
                "one record of a call names a field that is not there",
                vec![right.clone(), unknown],
            ),
            (
                "one record of a call has a date that is none",
                vec![right.clone(), typed],
            ),
            (
                "one record of a call has no type",
                vec![right.clone(), untyped],
            ),
            ("a call has eleven chunks of types", chunks.collect()),
            ("a call has 201 records", vec![right; 201]),
        ] {
            self.write(about, Method::POST, COLLECTIONS, all(records))
                .await?;
        }
        Ok(())
    }

    /// Records that fail alone, and the order of the results.
    async fn single_refusals(&mut self) -> Result<(), Box<dyn Error>> {
        let right = |name: String| contact(json!({ "LastName": name }));
        let nameless = contact(json!({ "FirstName": "Ada" }));
        let orphan =
            json!({ "LastName": self.name("orphan"), "Account": { KEY: self.key("nobody") } });
        let records = vec![
            right(self.name("a")),
            nameless.clone(),
            contact(orphan),
            right(self.name("b")),
        ];
        let about = "two of four records are refused";
        let made = self
            .write(about, Method::POST, COLLECTIONS, all(records))
            .await?;
        let about = "one of two records is refused, and both or none are wanted";
        let strict = json!({ "allOrNone": true, "records": [right(self.name("c")), nameless] });
        self.write(about, Method::POST, COLLECTIONS, strict).await?;
        let id = made.pointer("/0/id").cloned().unwrap_or(Value::Null);
        let records = vec![
            contact(json!({ "id": id, "FirstName": "Ada" })),
            contact(json!({ "id": "003000000000001AAA", "FirstName": "Ada" })),
            contact(json!({ "FirstName": "Ada" })),
        ];
        let about = "two of three updates lead nowhere";
        self.write(about, Method::PATCH, COLLECTIONS, all(records))
            .await?;
        let keyed = |what: &str| {
            let mut record = right(self.name(what));
            record[KEY] = json!(self.key(what));
            record
        };
        let once = vec![keyed("two"), keyed("three")];
        let twice = vec![keyed("two"), keyed("three"), keyed("two")];
        let path = format!("{COLLECTIONS}/Contact/{KEY}");
        for (about, records) in [
            ("an upsert of two creates", once.clone()),
            ("an upsert of two updates", once),
            ("an upsert names one external id twice", twice),
            (
                "an upsert names no external id",
                vec![right(self.name("four"))],
            ),
        ] {
            self.write(about, Method::PATCH, &path, all(records))
                .await?;
        }
        let about = "an upsert of many goes by a field that is no key";
        let path = format!("{COLLECTIONS}/Contact/Department");
        let records = all(vec![right(self.name("five"))]);
        self.write(about, Method::PATCH, &path, records).await?;
        Ok(())
    }

    /// Doubles of a person: alone, and in a call of many.
    async fn duplicates(&mut self) -> Result<(), Box<dyn Error>> {
        let person = json!({ "FirstName": "Ada", "LastName": self.name("twin"), "Email": format!("usher.probe.twin.{}@example.org", self.run) });
        let about = "a person who will have a double is created";
        let path = "/sobjects/Contact";
        self.write(about, Method::POST, path, person.clone())
            .await?;
        for (about, path, body) in [
            (
                "a double is created by a call of its own",
                path,
                person.clone(),
            ),
            (
                "a double is created by a call of many",
                COLLECTIONS,
                all(vec![contact(person)]),
            ),
        ] {
            self.ask(Question {
                about,
                method: Method::POST,
                path: path.to_owned(),
                headers: &[],
                body,
            })
            .await?;
        }
        Ok(())
    }

    async fn graphs(&mut self) -> Result<(), Box<dyn Error>> {
        let base = format!("/services/data/{}/sobjects/Contact", self.version);
        let node = |reference: &str, method: &str, url: String, body: Value| json!({ "referenceId": reference, "method": method, "url": url, "body": body });
        let first = node(
            "one",
            "POST",
            base.clone(),
            json!({ "LastName": self.name("graph") }),
        );
        let second = node(
            "two",
            "PATCH",
            format!("{base}/@{{one.id}}"),
            json!({ "FirstName": "Ada" }),
        );
        let wrong = node("two", "POST", base.clone(), json!({ "FirstName": "Ada" }));
        let graphs = json!({ "graphs": [
            { "graphId": "right", "compositeRequest": [first.clone(), second] },
            { "graphId": "wrong", "compositeRequest": [first, wrong] },
        ] });
        let about = "one of two graphs fails";
        self.write(about, Method::POST, "/composite/graph", graphs)
            .await?;
        Ok(())
    }
}
