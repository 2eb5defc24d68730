//! Odd webhooks of senders, and what becomes of each.

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;
use tower::ServiceExt;

use super::*;

pub(super) fn receiver(ignored: &[&str]) -> Receiver {
    let now = runtime::clock::wall();
    Receiver {
        store: Store::in_memory(runtime::queue::StoreOptions::default(), now).unwrap(),
        handlers: Arc::new(crate::handlers::all()),
        secret: Secret::new("secret"),
        size_limit_bytes: 100_000,
        ignored: Arc::new(ignored.iter().map(|name| (*name).to_owned()).collect()),
        arrivals: Arc::new(Arrivals::default()),
    }
}

pub(super) async fn posted(
    receiver: &Receiver,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> (StatusCode, Value) {
    let mut request = Request::post("/webhooks").header("x-webhook-secret", "secret");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let router = crate::service::webhooks(receiver.clone());
    let answer = router
        .oneshot(request.body(body.into()).unwrap())
        .await
        .unwrap();
    let status = answer.status();
    let body = axum::body::to_bytes(answer.into_body(), 100_000)
        .await
        .unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

const UNKNOWN: &str = r#"{"event_type":"session_changed","event_id":"s0-0","data":{"x":"y"}}"#;

#[tokio::test]
async fn an_ignored_type_is_acknowledged_counted_and_not_kept() {
    let receiver = receiver(&["session_changed"]);
    let body = format!(r#"[{UNKNOWN},{{"event_type":"gate_opened"}}]"#);
    let (status, answer) = posted(&receiver, &[], body).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(
        answer,
        json!({ "accepted": 1, "duplicates": 0, "ignored": 1 })
    );
    let status = receiver.store.status().await.unwrap();
    assert_eq!((status.dead, status.ignored), (1, 1));
    let errors = receiver.store.errors(10).await.unwrap();
    assert_eq!(errors[0].payload_type, "gate_opened");
}

#[tokio::test]
async fn what_is_no_json_is_refused_and_counted() {
    let receiver = receiver(&[]);
    for body in ["payload=%7B%7D", "", "<xml/>", "{\"a\":", "{} {}"] {
        let (status, answer) = posted(&receiver, &[], body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert!(answer["error"].as_str().unwrap().contains("not JSON"));
    }
    let status = receiver.store.status().await.unwrap();
    assert_eq!((status.refused, status.dead), (5, 0));
    assert!(crate::show::status(&status).contains("5 webhooks were refused"));
}

#[tokio::test]
async fn a_compressed_body_is_read_and_its_size_counts_after_that() {
    use std::io::Write;
    let compressed = |text: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let receiver = receiver(&[]);
    let gzip = [("content-encoding", "gzip"), ("content-type", "text/plain")];
    let (status, _) = posted(&receiver, &gzip, compressed(UNKNOWN.as_bytes())).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let bomb = compressed(&vec![b' '; 10_000_000]);
    assert!(bomb.len() < 20_000);
    let (status, _) = posted(&receiver, &gzip, bomb).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let (status, _) = posted(&receiver, &gzip, UNKNOWN).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_body_is_not_read_without_the_secret() {
    let receiver = receiver(&[]);
    let router = crate::service::webhooks(receiver.clone());
    let request = Request::post("/webhooks").header("x-webhook-secret", "other");
    let answer = router
        .oneshot(request.body(Body::from(UNKNOWN)).unwrap())
        .await;
    assert_eq!(answer.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(receiver.store.status().await.unwrap().dead, 0);
}
