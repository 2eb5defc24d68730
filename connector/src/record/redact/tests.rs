//! Redaction of values, and the structure that stays.

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use super::*;

fn redactor() -> Redactor {
    Redactor::new(Fields::read(&crate::cli::snapshots()))
}

fn redacted(redactor: &mut Redactor, path: &str, body: Value) -> Value {
    let answer = Response::new(Bytes::from(body.to_string()));
    redactor.answer(path, &answer).body
}

const CONTACTS: &str = "/services/data/v67.0/sobjects/Contact";

#[test]
fn equal_values_have_equal_replacements_of_the_same_kind() {
    let mut redactor = redactor();
    let row = json!({
        "attributes": { "type": "Contact", "url": format!("{CONTACTS}/0035500001H9kZuAAJ") },
        "Id": "0035500001H9kZuAAJ",
        "LastName": "Lovelace",
        "FirstName": "lovelace",
        "Email": "Ada@Museum.org",
        "npe01__HomeEmail__c": "ada@museum.org",
        "HomePhone": "+1 (212) 555-0199",
        "Birthdate": "1990-05-17",
        "SystemModstamp": "2026-11-24T15:41:49.000+0000",
        "LeadSource": "Web",
        "HasOptedOutOfEmail": true,
    });
    let kept = redacted(&mut redactor, CONTACTS, row.clone());
    let text = kept.to_string();
    for value in [
        "0035500001H9kZu",
        "ovelace",
        "museum.org",
        "212",
        "1990-05-17",
        "2026-11-24",
    ] {
        assert!(!text.contains(value), "{value}: {text}");
    }
    let id = kept["Id"].as_str().unwrap();
    assert!(id.starts_with("003") && id.len() == 18);
    assert_eq!(runtime::salesforce::normalise(&id[..15]), id);
    assert_eq!(kept["attributes"]["url"], format!("{CONTACTS}/{id}"));
    assert_eq!(kept["attributes"]["type"], "Contact");
    let (last, first) = (
        kept["LastName"].as_str().unwrap(),
        kept["FirstName"].as_str().unwrap(),
    );
    assert_eq!((last.to_lowercase(), last.len()), (first.to_owned(), 8));
    let email = kept["Email"].as_str().unwrap();
    assert!(email.contains('@') && email != email.to_lowercase());
    assert_eq!(email.to_lowercase(), kept["npe01__HomeEmail__c"]);
    assert!(
        kept["SystemModstamp"]
            .as_str()
            .unwrap()
            .ends_with("T15:41:49.000+0000")
    );
    assert_eq!(kept["LeadSource"], "Web");
    assert_eq!(kept["HasOptedOutOfEmail"], true);
    assert_eq!(redacted(&mut redactor, CONTACTS, row), kept);
}

#[test]
fn sums_and_the_order_of_dates_hold() {
    let mut redactor = redactor();
    let rows = json!({ "totalSize": 3, "done": true, "records": [
        { "attributes": { "type": "Opportunity" }, "Amount": 162.5, "CloseDate": "2026-01-31" },
        { "attributes": { "type": "Opportunity" }, "Amount": 100, "CloseDate": "2026-02-01" },
        { "attributes": { "type": "Opportunity" }, "Amount": 62.5, "CloseDate": "0001-01-01" },
    ] });
    let kept = redacted(&mut redactor, "/services/data/v67.0/query", rows);
    let amount = |place: usize| kept["records"][place]["Amount"].as_f64().unwrap();
    assert_eq!(amount(0), amount(1) + amount(2));
    assert_ne!(amount(0), 162.5);
    let day = |place: usize| -> jiff::civil::Date {
        kept["records"][place]["CloseDate"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    };
    assert_eq!(day(0).tomorrow().unwrap(), day(1));
    assert_eq!(kept["records"][2]["CloseDate"], "0001-01-01");
    assert_eq!(kept["totalSize"], 3);
}

#[test]
fn messages_keep_their_words_and_lose_their_values() {
    let mut redactor = redactor();
    redacted(&mut redactor, CONTACTS, json!({ "LastName": "Lovelace" }));
    for (code, message, gone, stays) in [
        (
            "STRING_TOO_LONG",
            "Last Name: data value too large: Ada King (max length=80)",
            "Ada King",
            "data value too large",
        ),
        (
            "DUPLICATE_VALUE",
            "duplicate value found: Key__c duplicates value on record with id: 0035500001H9kZu",
            "0035500001H9kZu",
            "on record with id",
        ),
        (
            "INVALID_EMAIL_ADDRESS",
            "Email: invalid email address: ada at museum",
            "ada at museum",
            "invalid email address",
        ),
        (
            "INVALID_FIELD",
            "No such column 'Email' on sobject of type Contact",
            "nothing",
            "'Email' on sobject of type Contact",
        ),
        (
            "INVALID_FIELD",
            "Foreign key external ID: c-17 not found for field Key__c in entity Contact",
            "c-17",
            "not found for field Key__c",
        ),
        (
            "MALFORMED_QUERY",
            "unexpected token: 'Ada King'",
            "Ada King",
            "unexpected token",
        ),
        (
            "UNKNOWN_EXCEPTION",
            "the trigger said Lovelace is here, write ada@museum.org",
            "Lovelace",
            "the trigger said",
        ),
        (
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "We know Ada King",
            "Ada",
            "",
        ),
    ] {
        let error = json!([{ "errorCode": code, "message": message, "fields": ["Email"] }]);
        let kept = redacted(&mut redactor, CONTACTS, error);
        let said = kept[0]["message"].as_str().unwrap();
        assert!(
            !said.contains(gone) && !said.contains("museum.org"),
            "{said}"
        );
        assert!(said.contains(stays), "{said}");
        assert_eq!(kept[0]["errorCode"], code);
        assert_eq!(kept[0]["fields"], json!(["Email"]));
    }
}

#[test]
fn nothing_of_a_log_in_is_left() {
    let mut redactor = redactor();
    let path = "/services/oauth2/token";
    let form = "grant_type=client_credentials&client_id=3MVG9secret&client_secret=very%20secret&assertion=eyJ.a.b";
    let request = Request::post(format!("https://museum.my.salesforce.com{path}"))
        .header("cookie", "sid=secret")
        .header("authorization", "Bearer secret")
        .body(Bytes::from(form))
        .unwrap();
    let answer = json!({
        "access_token": "00Dsecret!AQ", "signature": "secret", "instance_url": "https://museum.my.salesforce.com",
        "id": "https://login.salesforce.com/id/00D5e0000008kNNEAY/0055e000003E8ooAAC", "token_type": "Bearer",
        "issued_at": "1790000000000", "scope": "api",
    });
    let asked = redactor.request(&request);
    let answered = redactor.answer(path, &Response::new(Bytes::from(answer.to_string())));
    assert_eq!(asked.body["grant_type"], "client_credentials");
    let text = serde_json::to_string(&(asked, answered)).unwrap();
    for secret in ["secret", "museum", "eyJ", "3MVG", "0055e", "1790000000000"] {
        assert!(
            !text.contains(&format!("\"{secret}")) && !text.contains(&format!("={secret}")),
            "{text}"
        );
    }
    assert!(
        !text.contains("museum") && !text.contains("very") && !text.contains("sid="),
        "{text}"
    );
}

#[test]
fn addresses_and_queries_keep_their_names() {
    let mut redactor = redactor();
    let soql = "SELECT Id, Email FROM Contact WHERE Email IN ('ada@museum.org','o\\'neil@museum.org') AND SystemModstamp >= 2026-11-24T15:41:49Z AND Id = '0035500001H9kZuAAJ'";
    let path = format!("/services/data/v67.0/query?q={}", encoded(soql));
    let request = Request::get(format!("https://org{path}"))
        .body(Bytes::new())
        .unwrap();
    let asked = redactor.request(&request);
    let kept = &asked.query[0].1;
    assert!(
        kept.starts_with("SELECT Id, Email FROM Contact WHERE Email IN ('p1"),
        "{kept}"
    );
    for value in ["museum", "2026-11-24", "0035500001H9kZu"] {
        assert!(!kept.contains(value), "{kept}");
    }
    assert!(kept.contains("T15:41:49Z"), "{kept}");
    let path = format!("https://org{CONTACTS}/Ticketure_Identity_Id__c/c%2D17%20x");
    let asked = redactor.request(&Request::get(path).body(Bytes::new()).unwrap());
    let (start, key) = asked.path.rsplit_once('/').unwrap();
    assert_eq!(start, format!("{CONTACTS}/Ticketure_Identity_Id__c"));
    assert!(key.starts_with('t') && !key.contains("17"), "{key}");
    let path = "https://org/services/data/v67.0/query/01gRO0000016PIAYA2-2000";
    let asked = redactor.request(&Request::get(path).body(Bytes::new()).unwrap());
    assert!(
        asked.path.ends_with("-2000") && !asked.path.contains("PIAYA"),
        "{}",
        asked.path
    );
}

#[test]
fn parts_of_other_paths_are_values() {
    let mut redactor = redactor();
    for (path, gone) in [
        ("/services/apexrest/people/Lovelace", "Lovelace"),
        (
            "/services/data/v67.0/jobs/ingest/7505e0000008kNNEAY",
            "7505e0000008kNN",
        ),
        ("/services/data/v67.0/sobjects/Contact/Lovelace", "Lovelace"),
    ] {
        let request = Request::get(format!("https://org{path}"));
        let asked = redactor.request(&request.body(Bytes::new()).unwrap());
        assert!(!asked.path.contains(gone), "{}", asked.path);
        assert!(asked.path.starts_with("/services/"), "{}", asked.path);
    }
}

#[test]
fn values_that_are_nobodys_stay() {
    let mut redactor = redactor();
    redactor.keep([
        "Usher Probe 1".to_owned(),
        "Usher.Probe@Example.ORG".to_owned(),
    ]);
    let row = json!({ "LastName": "  Usher Probe 1 ", "Email": "usher.probe@example.org" });
    assert_eq!(redacted(&mut redactor, CONTACTS, row.clone()), row);
}
