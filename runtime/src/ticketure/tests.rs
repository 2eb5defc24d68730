//! The client against scripted answers: every shape is understood, and nothing waits for ever.

use async_trait::async_trait;

use super::*;
use crate::breaker::Trouble;
use crate::clock;
use crate::http::TransportError;
use crate::retry::Verdict;

/// Answers all calls alike; or none, ever.
struct Script(Option<(u16, &'static str)>);

#[async_trait]
impl Transport for Script {
    async fn send(&self, _: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let Some((status, body)) = self.0 else {
            return std::future::pending().await;
        };
        let answer = Response::builder().status(status);
        let answer = answer.header("retry-after", "2").body(Bytes::from(body));
        Ok(answer.unwrap())
    }
}

fn tenant(answer: Option<(u16, &'static str)>) -> TicketureClient {
    let config = TicketureConfig {
        url: "http://tenant".into(),
        api_key: Secret::new("k"),
    };
    TicketureClient::new(Arc::new(Script(answer)), config, clock::wall())
}

#[tokio::test]
async fn every_shape_of_refusal_is_understood() {
    let described = r#"{"_data":[{"_code":"invalid","_description":"first_name is too long"}]}"#;
    for (status, body, code, may_have_committed) in [
        (400, described, "TICKETURE_REFUSED", false),
        (422, "", "TICKETURE_REFUSED", false),
        (302, "<html>Moved</html>", "TICKETURE_REFUSED", false),
        (401, "", "TICKETURE_LOG_IN", false),
        (403, "<html>Forbidden</html>", "TICKETURE_LOG_IN", false),
        (429, "", "TICKETURE_BUSY", false),
        (500, "{}", "TICKETURE_UNAVAILABLE", true),
        (503, "<html>Down</html>", "TICKETURE_UNAVAILABLE", true),
        (200, "<html>Log in here</html>", "TICKETURE_ANSWER", true),
        (200, "", "TICKETURE_ANSWER", true),
        (200, r#"{"identity":{}}"#, "TICKETURE_ANSWER", true),
    ] {
        let tenant = tenant(Some((status, body)));
        let error = tenant.change("identity", "i-1", &Row::new()).await;
        let error = error.unwrap_err();
        assert_eq!(error.code(), code, "{status} {body}");
        assert_eq!(error.may_have_committed(), may_have_committed, "{error}");
        assert!(!error.to_string().contains("<html>"), "{error}");
    }
}

#[tokio::test]
async fn what_ticketure_says_is_said_on() {
    let described = r#"{"_data":[{"_code":"invalid","_description":"first_name is too long"}]}"#;
    let tenant = tenant(Some((429, described)));
    let error = tenant.all("identity").await.unwrap_err();
    assert!(
        error.to_string().contains("first_name is too long"),
        "{error}"
    );
    assert_eq!(error.trouble(), Some(Trouble::Wait { ms: 2_000 }));
}

#[tokio::test]
async fn what_makes_every_call_fail_is_followed_by_none() {
    for (status, stands) in [
        (503, true),
        (401, true),
        (429, true),
        (422, false),
        (404, false),
    ] {
        let tenant = tenant(Some((status, "")));
        let first = tenant.all("identity").await.unwrap_err();
        assert_eq!(tenant.standstill().is_some(), stands, "{first}");
        let second = tenant.all("identity").await.unwrap_err();
        assert_eq!(second.code() == "STANDS_STILL", stands, "{second}");
        assert!(!stands || !second.may_have_committed());
    }
}

#[tokio::test(start_paused = true)]
async fn no_call_waits_for_ever() {
    let error = tenant(None).all("identity").await.unwrap_err();
    assert_eq!(error.verdict(), Verdict::Innocent);
    assert!(error.may_have_committed(), "{error}");
    assert!(error.to_string().contains("after 30 s"), "{error}");
}

#[tokio::test]
async fn an_answer_is_about_what_was_asked_for() {
    let own = r#"{"identity":{"_data":[{"id":"i-1","email":"a@example.org"}]}}"#;
    let numbered = r#"{"identity":{"_data":[{"id":1}]}}"#;
    let empty = r#"{"identity":{"_data":[]}}"#;
    for (id, status, body) in [("i-1", 200, own), ("1", 200, numbered)] {
        let row = tenant(Some((status, body))).read("identity", id).await;
        assert!(row.unwrap().is_some(), "{body}");
    }
    for (status, body) in [(200, empty), (404, "{}"), (404, "")] {
        let row = tenant(Some((status, body))).read("identity", "i-1").await;
        assert_eq!(row.unwrap(), None, "{body}");
    }
    for (status, body, told) in [
        (
            200,
            r#"{"identity":{"_data":[{"id":"i-2"}]}}"#,
            "about identity i-2, and identity i-1 was",
        ),
        (
            200,
            r#"{"identity":{"_data":[{"id":"i-1"},{"id":"i-2"}]}}"#,
            "it holds 2 records",
        ),
        (
            200,
            r#"{"identity":{"_data":[{"email":"a@example.org"}]}}"#,
            "without an id",
        ),
        (200, r#"{"identity":{"_data":[5]}}"#, "no record"),
        (404, " <html>Nothing here</html>", "page instead of JSON"),
    ] {
        let tenant = tenant(Some((status, body)));
        let read = tenant.read("identity", "i-1").await.unwrap_err();
        let changed = tenant.change("identity", "i-1", &Row::new()).await;
        let acted = tenant.act("identity", "i-1", "extend", &Row::new()).await;
        for error in [read, changed.unwrap_err(), acted.unwrap_err()] {
            assert_eq!(error.code(), "TICKETURE_ANSWER", "{body}");
            let error = error.to_string();
            assert!(error.contains(told) && !error.contains('@'), "{error}");
        }
    }
    let tenant = tenant(Some((200, own)));
    let found = tenant.find("identity", "email", "A@example.org").await;
    assert_eq!(found.unwrap().len(), 1);
    let found = tenant.find("identity", "email", "b@example.org").await;
    assert!(
        found
            .unwrap_err()
            .to_string()
            .contains("whose email is not")
    );
}

#[tokio::test]
async fn a_created_record_has_an_id() {
    for (body, is_created) in [
        (r#"{"identity":{"_data":[{"id":"i-1"}]}}"#, true),
        (r#"{"identity":{"_data":[{"id":".."}]}}"#, false),
        (r#"{"identity":{"_data":[{"last_name":"L"}]}}"#, false),
        (
            r#"{"identity":{"_data":[{"id":"i-1"},{"id":"i-2"}]}}"#,
            false,
        ),
        (r#"{"identity":{"_data":[]}}"#, false),
    ] {
        let tenant = tenant(Some((201, body)));
        let made = tenant
            .create("identity", "identity", &Row::new(), "k")
            .await;
        assert_eq!(made.is_ok(), is_created, "{made:?}");
    }
}

#[tokio::test]
async fn an_id_that_would_change_the_address_is_not_sent() {
    let long = "i".repeat(256);
    for id in [".", "..", "", " ", " i-1", "i\n", "i\u{1}b", long.as_str()] {
        // No answer would ever come.
        let tenant = tenant(None);
        let read = tenant.read("identity", id).await.unwrap_err();
        let changed = tenant.change("identity", id, &Row::new()).await;
        let acted = tenant.act("identity", id, "extend", &Row::new()).await;
        for error in [read, changed.unwrap_err(), acted.unwrap_err()] {
            assert_eq!(error.code(), "TICKETURE_ID", "{id:?}");
            assert_eq!(error.verdict(), Verdict::Permanent);
            assert!(!error.may_have_committed());
        }
        assert_eq!(tenant.standstill(), None);
    }
    assert_eq!(
        path_of("identity", "a/../b?c#d%2e").unwrap(),
        "/api/identity/a%2F..%2Fb%3Fc%23d%252e"
    );
}
