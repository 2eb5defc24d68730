//! When no call is made.

use super::*;

/// A client on a time in the hand.
fn timed(
    now: &Arc<AtomicU64>,
    answer: impl Fn(usize, &Request<Bytes>) -> (u16, String) + Send + Sync + 'static,
) -> SalesforceClient {
    let config = client(|_, _| (200, TOKEN.into())).shared.config.clone();
    let transport = Script {
        calls: AtomicUsize::new(0),
        answer,
    };
    let now = now.clone();
    let time: Now = Arc::new(move || now.load(Ordering::SeqCst) as i64);
    SalesforceClient::with_time(Arc::new(transport), config, time)
}

#[tokio::test]
async fn while_the_org_is_away_one_call_at_a_time_finds_out() {
    let (now, made) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(0)));
    let (count, time) = (made.clone(), now.clone());
    let client = timed(&now, move |_, request| {
        if request.uri().path() == "/services/oauth2/token" {
            return (200, TOKEN.into());
        }
        count.fetch_add(1, Ordering::SeqCst);
        match time.load(Ordering::SeqCst) < 60_000 {
            true => (503, String::new()),
            false => (200, "{}".into()),
        }
    });
    let all = || futures_util::future::join_all((0..50).map(|_| client.limits()));
    assert!(all().await.iter().all(Result::is_err));
    let first = made.swap(0, Ordering::SeqCst);
    assert!(client.standstill().is_some());
    let refused = client.limits().await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.verdict()),
        ("STANDS_STILL", Verdict::Innocent)
    );
    assert!(!refused.may_have_committed());
    assert_eq!(made.load(Ordering::SeqCst), 0);
    now.store(30_000, Ordering::SeqCst);
    assert!(all().await.iter().all(Result::is_err));
    assert_eq!(made.swap(0, Ordering::SeqCst), 1, "after {first} at first");
    now.store(120_000, Ordering::SeqCst);
    assert_eq!(
        all().await.iter().filter(|answer| answer.is_ok()).count(),
        1
    );
    assert!(all().await.iter().all(Result::is_ok));
    assert_eq!(client.standstill(), None);
}

#[tokio::test]
async fn what_makes_every_call_fail_is_told_from_what_does_not() {
    let stands = |status: u16, body: &'static str| async move {
        let client = org(status, body);
        let error = client.limits().await.unwrap_err();
        let stands = client.standstill();
        assert_eq!(stands.is_some(), error.trouble().is_some());
        stands.map(|stands| stands.until_ms - stands.since_ms)
    };
    let refused = |code: &str, message: &str| {
        let text = format!("[{{\"errorCode\":\"{code}\",\"message\":\"{message}\"}}]");
        &*Box::leak(text.into_boxed_str())
    };
    let daily = refused("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.");
    assert_eq!(stands(403, daily).await, Some(300_000));
    let long = refused(
        "REQUEST_LIMIT_EXCEEDED",
        "ConcurrentRequests Limit exceeded.",
    );
    assert_eq!(stands(403, long).await, Some(5_000));
    assert_eq!(
        stands(403, refused("API_DISABLED_FOR_ORG", "")).await,
        Some(5_000)
    );
    assert_eq!(
        stands(401, refused("INVALID_SESSION_ID", "")).await,
        Some(5_000)
    );
    assert!(stands(502, "<html>").await.is_some());
    assert_eq!(stands(400, refused("INVALID_FIELD", "")).await, None);
    assert!(
        stands(500, refused("UNKNOWN_EXCEPTION", ""))
            .await
            .is_some()
    );
    assert_eq!(
        stands(500, refused("REQUEST_RUNNING_TOO_LONG", "")).await,
        None
    );
    assert_eq!(stands(404, refused("NOT_FOUND", "")).await, None);
}

#[tokio::test]
async fn a_log_in_that_is_refused_is_not_tried_again_at_once() {
    let client = client(|number, _| {
        assert_eq!(number, 0, "asked again");
        (
            400,
            r#"{"error":"invalid_grant","error_description":"user is locked"}"#.into(),
        )
    });
    assert_eq!(client.limits().await.unwrap_err().code(), "LOG_IN");
    assert_eq!(client.limits().await.unwrap_err().code(), "STANDS_STILL");
}
