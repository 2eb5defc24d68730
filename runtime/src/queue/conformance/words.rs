//! Words that no mapping knows: each is one line of the error log, which later rows of the record close.

use super::*;

/// A row of a cart with a status that no mapping knows.
fn unknown(cart: &str, word: &str, at_ms: i64) -> NewItem {
    NewItem {
        mapping: None,
        payload_type: "cart_changed".into(),
        lane: cart.into(),
        key: cart.into(),
        payload: format!("{{\"status\":\"{word}\"}}"),
        word: Word::Unknown {
            error: ErrorRecord {
                code: "unknown_word".into(),
                message: format!("{cart} {word}"),
                group: Some(unknown_word(Some("cart"), word)),
                ..ErrorRecord::default()
            },
            asked: false,
        },
        at_ms: Some(at_ms),
        ..NewItem::default()
    }
}

/// The item of such a row that usher has asked Ticketure for.
fn asked(cart: &str, word: &str, at_ms: i64) -> NewItem {
    let item = unknown(cart, word, at_ms);
    let Word::Unknown { error, .. } = item.word else {
        unreachable!()
    };
    NewItem {
        word: Word::Unknown { error, asked: true },
        ..item
    }
}

fn known(cart: &str, at_ms: i64) -> NewItem {
    NewItem {
        mapping: Some("cart".into()),
        payload_type: "cart_changed".into(),
        lane: cart.into(),
        key: cart.into(),
        payload: "{\"status\":\"checked_out\"}".into(),
        word: Word::Known,
        at_ms: Some(at_ms),
        ..NewItem::default()
    }
}

impl Bench {
    async fn lines(&self) -> Vec<(String, u64)> {
        let errors = self.store.errors(10).await.unwrap();
        let line = |line: FailedItem| (line.error.message, line.count);
        errors.into_iter().map(line).collect()
    }

    /// Settles the ready items as the worker of trees does: it stores their rows first.
    async fn work(&self) {
        for item in self.claim().await {
            if item.mapping.is_some() {
                let row = TreeRow {
                    tree: "cart".into(),
                    root: item.key.clone(),
                    payload_type: item.payload_type.clone(),
                    id: item.id.to_string(),
                    arrived: item.id,
                    row: item.payload.clone(),
                    subject: None,
                };
                self.store.keep_rows(vec![row]).await.unwrap();
            }
            self.settle(&item, Outcome::Done).await;
        }
    }
}

fn line(message: &str, count: u64) -> (String, u64) {
    (message.to_owned(), count)
}

#[tokio::test]
async fn a_word_is_one_line_and_goes_back_as_one() {
    let bench = Bench::new();
    let items = vec![
        unknown("c-1", "voided", 1),
        unknown("c-2", "voided", 9),
        unknown("c-3", "voided", 5),
        unknown("c-4", "lost", 3),
    ];
    let ids = bench.enqueue(items).await;
    assert_eq!(
        bench.lines().await,
        [line("c-4 lost", 1), line("c-2 voided", 3)]
    );
    assert_eq!(
        bench.store.status().await.unwrap().dead,
        4,
        "rows, not lines"
    );
    assert_eq!(bench.store.retry(Which::One(ids[0])).await.unwrap(), 3);
    assert_eq!(bench.claim_ids().await, ids[..3]);
    assert_eq!(bench.lines().await, [line("c-4 lost", 1)]);
}

#[tokio::test]
async fn a_later_word_that_is_known_closes_the_error_in_either_order() {
    for (first, second) in [
        (unknown("c-1", "voided", 1), known("c-1", 2)),
        (known("c-1", 2), unknown("c-1", "voided", 1)),
        (unknown("c-1", "voided", 2), known("c-1", 2)),
    ] {
        let bench = Bench::new();
        for item in [first, second] {
            bench.enqueue(vec![item]).await;
            bench.work().await;
        }
        let bench = bench.reopen();
        assert_eq!(bench.lines().await, []);
        let status = bench.store.status().await.unwrap();
        assert_eq!((status.dead, status.ready, status.done), (0, 0, 2));
        assert_eq!(status.oldest_age_ms, None);
    }
}

#[tokio::test]
async fn an_earlier_word_that_is_known_closes_nothing() {
    for (first, second) in [
        (known("c-1", 1), unknown("c-1", "voided", 2)),
        (unknown("c-1", "voided", 2), known("c-1", 1)),
        (known("c-1", 2), unknown("c-1", "voided", 2)),
        (unknown("c-1", "voided", 1), known("c-2", 2)),
    ] {
        let bench = Bench::new();
        for item in [first, second] {
            bench.enqueue(vec![item]).await;
            bench.work().await;
        }
        assert_eq!(bench.lines().await, [line("c-1 voided", 1)]);
    }
}

#[tokio::test]
async fn a_row_with_a_known_word_closes_errors_when_it_arrives() {
    let bench = Bench::new();
    let ids = bench.enqueue(vec![unknown("i-1", "robot", 1)]).await;
    assert_eq!(bench.lines().await, [line("i-1 robot", 1)]);
    // The error is closed when the later row arrives, since that may wait long in its lane.
    bench.enqueue(vec![known("i-1", 2)]).await;
    assert_eq!(bench.lines().await, []);
    let view = bench.view(ids[0]).await;
    assert_eq!(view.state, State::Done);
    assert_eq!(view.history.last().unwrap().what, "closed");
}

#[tokio::test]
async fn what_comes_back_unknown_is_closed_where_it_was_put_right_meanwhile() {
    let bench = Bench::new();
    bench.enqueue(vec![unknown("c-1", "voided", 1)]).await;
    bench.store.retry(Which::All).await.unwrap();
    let again = bench.claim().await.remove(0);
    bench.enqueue(vec![known("c-1", 2)]).await;
    // The retried item is claimed, so its lane is occupied.
    assert!(bench.claim().await.is_empty());
    let Word::Unknown { error, .. } = unknown("c-1", "voided", 1).word else {
        unreachable!()
    };
    bench
        .settle(
            &again,
            Outcome::Dead {
                error: error.clone(),
            },
        )
        .await;
    assert_eq!(bench.lines().await, [line("c-1 voided", 1)]);
    bench.store.retry(Which::All).await.unwrap();
    bench.work().await;
    assert_eq!(bench.lines().await, []);
}

#[tokio::test]
async fn an_item_that_is_done_and_was_unknown_closes_nothing() {
    let bench = Bench::new();
    bench.enqueue(vec![unknown("c-1", "voided", 1)]).await;
    let ids = bench.enqueue(vec![unknown("c-1", "lost", 2)]).await;
    bench.store.retry(Which::One(ids[0])).await.unwrap();
    bench.work().await;
    assert_eq!(bench.lines().await, [line("c-1 voided", 1)]);
}

#[tokio::test]
async fn what_usher_was_told_when_it_asked_is_no_second_row() {
    let bench = Bench::new();
    bench.enqueue(vec![asked("c-1", "voided", 50)]).await;
    bench.enqueue(vec![asked("c-1", "voided", 60)]).await;
    assert_eq!(bench.lines().await, [line("c-1 voided", 1)]);
    bench.enqueue(vec![unknown("c-2", "voided", 1)]).await;
    assert_eq!(
        bench.lines().await,
        [line("c-2 voided", 2)],
        "what was sent is shown"
    );
    bench.enqueue(vec![unknown("c-1", "voided", 2)]).await;
    bench.enqueue(vec![asked("c-1", "voided", 70)]).await;
    assert_eq!(bench.lines().await, [line("c-1 voided", 2)]);
}

#[tokio::test]
async fn a_row_that_is_delivered_once_more_is_no_second_row() {
    let bench = Bench::new();
    bench.enqueue(vec![unknown("c-1", "voided", 1)]).await;
    let again = bench
        .store
        .enqueue(vec![unknown("c-1", "voided", 1)])
        .await
        .unwrap();
    assert_eq!((again.accepted.len(), again.duplicates), (0, 1));
    let other = NewItem {
        payload: "{\"status\":\"voided\",\"more\":1}".into(),
        ..unknown("c-1", "voided", 1)
    };
    bench.enqueue(vec![other]).await;
    assert_eq!(bench.lines().await, [line("c-1 voided", 2)]);
}

#[tokio::test]
async fn a_word_that_is_nothing_is_done_as_soon_as_it_is_kept() {
    let bench = Bench::new();
    let item = NewItem {
        word: Word::Nothing,
        ..known("c-1", 1)
    };
    let ids = bench.enqueue(vec![item]).await;
    assert!(bench.claim().await.is_empty());
    let view = bench.view(ids[0]).await;
    assert_eq!(
        (view.state, view.history[0].what.as_str()),
        (State::Done, "ignored")
    );
    let status = bench.store.status().await.unwrap();
    assert_eq!(
        (status.done, status.dead, status.oldest_age_ms),
        (1, 0, None)
    );
}
