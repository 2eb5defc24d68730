//! Queries of several pages, and locators that end between two of them.

use super::*;

const OVER: &str = r#"[{"errorCode":"INVALID_QUERY_LOCATOR","message":"invalid query locator"}]"#;

/// Two pages of one row each. The locator has ended so many times before the second is answered.
fn paged(ended: usize) -> SalesforceClient {
    let left = Mutex::new(ended);
    client(move |_, request| {
        let path = request.uri().path();
        let row = |id: &str| format!(r#"{{"Id":"{id}"}}"#);
        let next = r#""nextRecordsUrl":"/services/data/v67.0/query/01g-1""#;
        match path {
            "/services/oauth2/token" => (200, TOKEN.into()),
            "/services/data/v67.0/query/01g-1" => {
                let mut left = left.lock().unwrap();
                if *left > 0 {
                    *left -= 1;
                    return (400, OVER.into());
                }
                let body = format!(r#"{{"done":true,"records":[{}]}}"#, row("b"));
                (200, body)
            }
            _ => {
                let body = format!(r#"{{"done":false,{next},"records":[{}]}}"#, row("a"));
                (200, body)
            }
        }
    })
}

#[tokio::test]
async fn every_page_is_read_of_deleted_records_too() {
    let ids = ["a".to_owned(), "b".to_owned()];
    let found = paged(0).with_deleted("Contact", "Id", &ids).await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(paged(0).query("SELECT Id").await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_query_begins_anew_when_its_locator_has_ended() {
    let ids = ["a".to_owned(), "b".to_owned()];
    let org = paged(2);
    assert_eq!(org.query("SELECT Id").await.unwrap().len(), 2);
    assert_eq!(org.calls(), 6);
    let found = paged(2).with_deleted("Contact", "Id", &ids).await.unwrap();
    assert_eq!(found.len(), 2);
}

#[tokio::test]
async fn a_locator_that_always_ends_is_an_error_in_the_end() {
    let org = paged(usize::MAX);
    let error = org.query("SELECT Id").await.unwrap_err();
    assert!(error.is_locator_over());
    assert_eq!(error.verdict(), Verdict::Innocent);
    assert_eq!(org.calls(), 8);
}
