//! The client against scripted answers.

mod pages;
mod standstill;

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use async_trait::async_trait;

use super::*;
use crate::http::TransportError;
use crate::retry::Verdict;

/// Answers with what a function makes of the number of the call and the request.
struct Script<F> {
    calls: AtomicUsize,
    answer: F,
}

#[async_trait]
impl<F: Fn(usize, &Request<Bytes>) -> (u16, String) + Send + Sync> Transport for Script<F> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        let (status, body) = (self.answer)(number, &request);
        Ok(Response::builder()
            .status(status)
            .header(
                "Sforce-Limit-Info",
                "api-usage=18/5000; per-app-api-usage=17/250(appName=x)",
            )
            .body(Bytes::from(body))
            .unwrap())
    }
}

pub(super) const TOKEN: &str =
    r#"{"access_token":"t","instance_url":"http://org/","token_type":"Bearer"}"#;

pub(super) fn client(
    answer: impl Fn(usize, &Request<Bytes>) -> (u16, String) + Send + Sync + 'static,
) -> SalesforceClient {
    let transport = Script {
        calls: AtomicUsize::new(0),
        answer,
    };
    SalesforceClient::new(
        Arc::new(transport),
        SalesforceConfig {
            login_url: "http://login".into(),
            api_version: "v67.0".into(),
            reserve_percent: RESERVE_PERCENT,
            auth: Auth::ClientCredentials {
                client_id: "c".into(),
                client_secret: Secret::new("s"),
            },
        },
    )
}

/// The token endpoint answers; everything else gets `answer`.
pub(super) fn org(status: u16, answer: &'static str) -> SalesforceClient {
    client(move |_, request| {
        if request.uri().path() == "/services/oauth2/token" {
            (200, TOKEN.into())
        } else {
            (status, answer.into())
        }
    })
}

#[tokio::test]
async fn many_callers_open_one_session() {
    let opened = Arc::new(AtomicUsize::new(0));
    let count = opened.clone();
    let client = client(move |_, request| {
        if request.uri().path() == "/services/oauth2/token" {
            count.fetch_add(1, Ordering::SeqCst);
            return (200, TOKEN.into());
        }
        (200, "{}".into())
    });
    let calls = (0..20).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.limits().await.map(|_| ()) })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    assert_eq!(opened.load(Ordering::SeqCst), 1);
    assert_eq!(client.calls(), 20);
    assert_eq!(
        client.usage(),
        Some(ApiUsage {
            used: 18,
            limit: 5000
        })
    );
}

#[tokio::test]
async fn an_expired_session_is_renewed_once_and_the_call_repeated() {
    let expired = r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#;
    let first = client(move |number, _| match number {
        0 | 2 => (200, TOKEN.into()),
        1 => (401, expired.into()),
        _ => (200, "{}".into()),
    });
    assert!(first.limits().await.is_ok());
    let always = client(move |_, request| {
        if request.uri().path() == "/services/oauth2/token" {
            (200, TOKEN.into())
        } else {
            (401, expired.into())
        }
    });
    let error = always.limits().await.unwrap_err();
    assert_eq!(error.code(), "INVALID_SESSION_ID");
}

#[tokio::test]
async fn a_refused_log_in_says_what_to_check() {
    let answer =
        r#"{"error":"invalid_grant","error_description":"user hasn't approved this consumer"}"#;
    let error = client(move |_, _| (400, answer.into()))
        .limits()
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("user hasn't approved this consumer"),
        "{error}"
    );
    assert!(!error.may_have_committed());
}

#[tokio::test]
async fn results_come_one_a_record() {
    let answer = r#"[
        {"id":"0035500001H9kZuAAJ","success":true,"errors":[],"created":true},
        {"success":false,"errors":[{"statusCode":"REQUIRED_FIELD_MISSING","message":"Required fields are missing: [LastName]","fields":["LastName"]}]},
        {"id":null,"success":false,"errors":[{"statusCode":"DUPLICATES_DETECTED","message":null,"fields":null,"extendedErrorDetails":[]}]}
    ]"#;
    let bodies = ["{\"LastName\":\"A\"}", "{}", "{\"LastName\":\"B\"}"].map(str::to_owned);
    let results = org(200, answer).create("Contact", &bodies).await.unwrap();
    assert_eq!(results[0], Ok("0035500001H9kZuAAJ".to_owned()));
    assert_eq!(results[1].as_ref().unwrap_err()[0].fields, ["LastName"]);
    assert_eq!(
        results[2].as_ref().unwrap_err()[0].verdict(),
        Verdict::Duplicate
    );
}

const DUPLICATE: &str = r#"{"allowSave":false,"duplicateRule":"Standard_Contact_Duplicate_Rule","duplicateRuleEntityType":"Contact","matchResults":[
    {"entityType":"Contact","matchRecords":[{"matchConfidence":100.0,"record":{"attributes":{"type":"Contact"},"Id":"0038M0000016Wv8QAE"}}],"size":1,"success":true},
    {"entityType":"Contact","matchRecords":[{"record":{"Id":"0038M0000016Wv9"}},{"record":{"Id":"0038M0000016Wv8QAE"}}]}]}"#;

#[test]
fn the_records_that_a_duplicate_rule_found_are_read_from_a_result_and_from_a_call() {
    let result = format!(
        r#"{{"statusCode":"DUPLICATES_DETECTED","message":"Use one of these records?","fields":[],"duplicateResult":{DUPLICATE}}}"#
    );
    let call = format!(
        r#"{{"duplicateResult":{DUPLICATE},"errorCode":"DUPLICATES_DETECTED","message":"Use one of these records?"}}"#
    );
    for text in [result, call] {
        let error = super::error::parse_one(&serde_json::from_str(&text).unwrap());
        assert_eq!(error.verdict(), Verdict::Duplicate);
        assert_eq!(error.matches, ["0038M0000016Wv8QAE", "0038M0000016Wv9QAE"]);
    }
}

#[tokio::test]
async fn duplicates_are_saved_only_by_who_is_asked_to() {
    let client = client(|_, request| {
        if request.uri().path() == "/services/oauth2/token" {
            return (200, TOKEN.into());
        }
        let allows = request.headers().get("sforce-duplicate-rule-header");
        let success = allows.is_some_and(|value| value == "allowSave=true");
        (
            200,
            format!(r#"[{{"id":"003","success":{success},"errors":[]}}]"#),
        )
    });
    let body = ["{}".to_owned()];
    let saving = client.saving_duplicates();
    assert!(saving.create("Contact", &body).await.unwrap()[0].is_ok());
    assert!(client.create("Contact", &body).await.unwrap()[0].is_err());
}

#[tokio::test]
async fn bodies_are_spliced_into_whole_records() {
    let client = client(|_, request| {
        if request.uri().path() == "/services/oauth2/token" {
            return (200, TOKEN.into());
        }
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let records = body["records"].as_array().unwrap();
        assert_eq!(records[0]["attributes"]["type"], "Contact");
        assert_eq!(records[0]["id"], "003");
        assert_eq!(records[0]["Phone"], "1");
        assert_eq!(records[1].get("Phone"), None);
        (
            200,
            r#"[{"id":"003","success":true,"errors":[]},{"id":"004","success":true,"errors":[]}]"#
                .into(),
        )
    });
    let records = [
        ("003".to_owned(), "{\"Phone\":\"1\"}".to_owned()),
        ("004".to_owned(), "{}".to_owned()),
    ];
    assert!(client.update("Contact", &records).await.is_ok());
}

#[tokio::test]
async fn a_page_for_people_is_an_outage() {
    for body in ["", "<html>Down for maintenance</html>"] {
        let error = org(503, body).limits().await.unwrap_err();
        assert_eq!(error.code(), "SERVER_UNAVAILABLE");
        assert!(error.may_have_committed());
    }
}

#[tokio::test]
async fn a_short_answer_is_not_taken_for_a_full_one() {
    let error = org(200, "[]")
        .create("Contact", &["{}".to_owned()])
        .await
        .unwrap_err();
    assert!(error.may_have_committed(), "{error}");
}

#[tokio::test]
async fn a_jwt_says_who_asks_and_for_how_long() {
    let seen = Arc::new(Mutex::new(String::new()));
    let form = seen.clone();
    let transport = Script {
        calls: AtomicUsize::new(0),
        answer: move |_: usize, request: &Request<Bytes>| {
            if request.uri().path() == "/services/oauth2/token" {
                *form.lock().unwrap() = String::from_utf8(request.body().to_vec()).unwrap();
                return (200, TOKEN.into());
            }
            (200, "{}".into())
        },
    };
    let auth = Auth::JwtBearer {
        client_id: "consumer".into(),
        username: "usher@example.org".into(),
        audience: "https://test.salesforce.com".into(),
        private_key_pem: Secret::new(include_str!("test_key.pem")),
    };
    let config = SalesforceConfig {
        login_url: "http://login".into(),
        api_version: "v67.0".into(),
        reserve_percent: RESERVE_PERCENT,
        auth,
    };
    assert!(
        !format!("{config:?}").contains("PRIVATE KEY"),
        "secrets are not shown"
    );
    SalesforceClient::new(Arc::new(transport), config)
        .limits()
        .await
        .unwrap();
    let form = seen.lock().unwrap().clone();
    let assertion = form.split("assertion=").nth(1).unwrap();
    let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(assertion)
        .unwrap()
        .claims;
    assert_eq!(claims["iss"], "consumer");
    assert_eq!(claims["sub"], "usher@example.org");
    assert_eq!(claims["aud"], "https://test.salesforce.com");
    let left = claims["exp"].as_i64().unwrap() - jiff::Timestamp::now().as_second();
    assert!((1..=180).contains(&left));
}

#[tokio::test]
async fn a_key_that_is_none_is_said() {
    let auth = Auth::JwtBearer {
        client_id: "c".into(),
        username: "u".into(),
        audience: "a".into(),
        private_key_pem: Secret::new("none"),
    };
    let transport = Script {
        calls: AtomicUsize::new(0),
        answer: |_: usize, _: &Request<Bytes>| (200, TOKEN.to_owned()),
    };
    let config = SalesforceConfig {
        login_url: "http://login".into(),
        api_version: "v67.0".into(),
        reserve_percent: RESERVE_PERCENT,
        auth,
    };
    let error = SalesforceClient::new(Arc::new(transport), config)
        .limits()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("private key"), "{error}");
}

/// Shapes that orgs answer with, as they are documented or were seen: all parse, none is taken for another.
#[tokio::test]
async fn every_shape_of_error_is_understood() {
    for (status, body, code, fields) in [
        (
            400,
            r#"[{"message":"Required fields are missing: [LastName]","errorCode":"REQUIRED_FIELD_MISSING","fields":["LastName"]}]"#,
            "REQUIRED_FIELD_MISSING",
            1,
        ),
        (
            400,
            r#"[{"message":null,"errorCode":"MALFORMED_QUERY"}]"#,
            "MALFORMED_QUERY",
            0,
        ),
        (
            404,
            r#"[{"errorCode":"NOT_FOUND","message":"x","fields":null,"extra":{"deep":[1]}}]"#,
            "NOT_FOUND",
            0,
        ),
        (
            403,
            r#"{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded.","error":"x"}"#,
            "REQUEST_LIMIT_EXCEEDED",
            0,
        ),
        (
            300,
            r#"["/services/data/v67.0/sobjects/Contact/003a","/services/data/v67.0/sobjects/Contact/003b"]"#,
            "HTTP_300",
            0,
        ),
        (414, "<html>URI Too Long</html>", "HTTP_414", 0),
        (
            500,
            r#"[{"message":"An unexpected error occurred.","errorCode":"UNKNOWN_EXCEPTION"}]"#,
            "UNKNOWN_EXCEPTION",
            0,
        ),
        (502, "", "SERVER_UNAVAILABLE", 0),
    ] {
        let error = org(status, body).limits().await.unwrap_err();
        assert_eq!(error.code(), code, "{body}");
        if let CallError::Refused { errors, .. } = &error {
            assert_eq!(errors[0].fields.len(), fields, "{body}");
        }
    }
}

#[tokio::test]
async fn the_records_that_a_duplicate_rule_found_are_kept() {
    let body = r#"[{"success":false,"errors":[{"statusCode":"DUPLICATES_DETECTED","message":"Use one of these records?","fields":[],
        "duplicateResult":{"allowSave":false,"matchResults":[{"matchRecords":[{"matchConfidence":100.0,"record":{"Id":"0038M0000016Wv8QAE"}}]}]}}]}]"#;
    let results = org(200, body)
        .create("Contact", &["{}".to_owned()])
        .await
        .unwrap();
    assert_eq!(
        results[0].as_ref().unwrap_err()[0].matches,
        ["0038M0000016Wv8QAE"]
    );
}

/// Answers the log-in as it is told, and nothing else at all.
struct Silent(Option<(u16, &'static str)>);

#[async_trait]
impl Transport for Silent {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let log_in = request.uri().path() == "/services/oauth2/token";
        let Some((status, body)) = self.0.filter(|_| log_in) else {
            return std::future::pending().await;
        };
        let answer = Response::builder().status(status).body(Bytes::from(body));
        Ok(answer.unwrap())
    }
}

fn silent(log_in: Option<(u16, &'static str)>) -> SalesforceClient {
    let config = SalesforceConfig {
        login_url: "http://login".into(),
        api_version: "v67.0".into(),
        reserve_percent: RESERVE_PERCENT,
        auth: Auth::ClientCredentials {
            client_id: "c".into(),
            client_secret: Secret::new("s"),
        },
    };
    SalesforceClient::new(Arc::new(Silent(log_in)), config)
}

#[tokio::test(start_paused = true)]
async fn no_call_waits_for_ever() {
    let error = silent(Some((200, TOKEN))).limits().await.unwrap_err();
    assert_eq!(error.code(), "TRANSPORT");
    assert!(error.may_have_committed(), "{error}");
    let error = silent(None).limits().await.unwrap_err();
    assert_eq!(error.code(), "TRANSPORT");
    assert!(
        !error.may_have_committed(),
        "the log-in was not got past: {error}"
    );
}

#[tokio::test(start_paused = true)]
async fn whatever_a_log_in_answers_no_record_is_charged_or_thought_written() {
    for (status, body, code) in [
        (200, "<html>Log in here</html>", "LOG_IN"),
        (200, "", "LOG_IN"),
        (302, "", "LOG_IN"),
        (400, "", "LOG_IN"),
        (
            400,
            r#"{"error":"invalid_grant","error_description":"user is locked"}"#,
            "LOG_IN",
        ),
        (404, "<html>Not Found</html>", "LOG_IN"),
        (503, "<html>Down for maintenance</html>", "TRANSPORT"),
        (
            500,
            r#"[{"errorCode":"UNKNOWN_EXCEPTION","message":"x"}]"#,
            "TRANSPORT",
        ),
    ] {
        let error = silent(Some((status, body))).limits().await.unwrap_err();
        assert_eq!(error.code(), code, "{status} {body}: {error}");
        assert!(error.is_everybodys(), "{error}");
        assert!(!error.may_have_committed(), "{error}");
    }
}

#[tokio::test]
async fn each_call_has_an_id_of_its_own() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let ids = seen.clone();
    let client = client(move |_, request| {
        let id = &request.headers()[crate::http::CALL_ID];
        ids.lock().unwrap().push(id.to_str().unwrap().to_owned());
        (200, TOKEN.into())
    });
    client.limits().await.unwrap();
    client.limits().await.unwrap();
    let mut ids = seen.lock().unwrap().clone();
    assert!(
        ids.iter().all(|id| id.starts_with("salesforce-")),
        "{ids:?}"
    );
    ids.dedup();
    assert_eq!(ids.len(), 3, "the log-in and two calls: {ids:?}");
}

#[tokio::test]
async fn a_record_that_was_changed_meanwhile_is_not_written() {
    let client = client(|number, request| {
        if request.uri().path() == "/services/oauth2/token" {
            return (200, TOKEN.to_owned());
        }
        assert_eq!(request.method(), Method::PATCH);
        assert_eq!(
            request.uri().path(),
            "/services/data/v67.0/sobjects/Opportunity/006"
        );
        let since = &request.headers()[header::IF_UNMODIFIED_SINCE];
        assert_eq!(since, "Tue, 24 Nov 2026 15:55:09 GMT");
        match number {
            1 => (204, String::new()),
            _ => (
                412,
                r#"[{"errorCode":"PRECONDITION_FAILED","message":"modified"}]"#.to_owned(),
            ),
        }
    });
    let write = || client.update_unmodified("Opportunity", "006", "{}", 1_795_535_709_000);
    assert!(write().await.unwrap());
    assert!(!write().await.unwrap());
}
