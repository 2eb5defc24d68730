//! Limits of the org: calls of a day, and dates that it has room for.

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
    // The first call is older than a day, the second is not.
    now.fetch_add(DAY_MS / 2 + 120_000, Ordering::Relaxed);
    assert_eq!(status().await, StatusCode::OK);
    assert_eq!(status().await, StatusCode::FORBIDDEN);
    assert_eq!(org.simulator.calls(), 2);
}
