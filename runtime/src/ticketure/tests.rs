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
