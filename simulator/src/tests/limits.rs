//! Limits of the org: API calls of a day, and the range of dates.

use std::sync::atomic::{AtomicI64, Ordering};

use super::*;

const DAY_MS: i64 = 24 * 3_600_000;

#[tokio::test]
async fn the_daily_limit_rolls() {
    let now = Arc::new(AtomicI64::new(1_790_000_000_000));
    let clock = now.clone();
    let org = client_with(|options| {
        options.daily_limit = 2;
        options.clock = Clock(Arc::new(move || clock.load(Ordering::Relaxed)));
    })
    .await;
    let status = async || org.call(Method::GET, "/limits", Value::Null).await.0;
    assert_eq!(status().await, StatusCode::OK);
    now.fetch_add(DAY_MS / 2, Ordering::Relaxed);
    assert_eq!(status().await, StatusCode::OK);
    assert_eq!(status().await, StatusCode::FORBIDDEN);
    // Now the first call is older than a day, and the second is not.
    now.fetch_add(DAY_MS / 2 + 120_000, Ordering::Relaxed);
    assert_eq!(status().await, StatusCode::OK);
    assert_eq!(status().await, StatusCode::FORBIDDEN);
    assert_eq!(org.simulator.calls(), 2);
}

#[tokio::test]
async fn dates_are_of_the_years_from_1700_to_4000() {
    let org = client(true).await;
    for (date, code) in [
        ("0001-01-01", "FIELD_INTEGRITY_EXCEPTION"),
        ("1699-12-31", "FIELD_INTEGRITY_EXCEPTION"),
        ("1700-01-01", "none"),
        ("4000-12-31", "none"),
        ("4001-01-01", "FIELD_INTEGRITY_EXCEPTION"),
        ("2026-02-30", "JSON_PARSER_ERROR"),
    ] {
        let fields = json!({ "LastName": "L", "Birthdate": date });
        assert_eq!(org.refusal(fields).await, code, "{date}");
    }
    for (time, code) in [
        ("1699-12-31T23:59:59Z", "FIELD_INTEGRITY_EXCEPTION"),
        ("4000-01-01T00:00:00.000+0000", "none"),
    ] {
        let fields = json!({ "LastName": "L", "EmailBouncedDate": time });
        assert_eq!(org.refusal(fields).await, code, "{time}");
    }
    let (_, body) = org
        .create(json!({ "LastName": "L", "Birthdate": "0001-01-01" }))
        .await;
    assert_eq!(body[0]["fields"], json!(["Birthdate"]));
}
