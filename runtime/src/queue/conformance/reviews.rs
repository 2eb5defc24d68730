//! The review list: questions, answers, and what waits for them.

use super::*;

fn asked(source_id: &str, reason: &str) -> Review {
    Review {
        mapping: "contact".into(),
        source_id: source_id.into(),
        candidates: vec!["003A".into(), "003B".into()],
        reason: reason.into(),
    }
}

fn decision(source_id: &str, choice: Choice) -> ReviewDecision {
    ReviewDecision {
        mapping: "contact".into(),
        source_id: source_id.into(),
        choice,
        because: "she rang".into(),
    }
}

fn to(destination_id: &str) -> Choice {
    Choice::Link {
        destination_id: destination_id.into(),
    }
}

/// An item that waits for a person's answer about itself.
async fn waiting(bench: &Bench, source_id: &str) -> i64 {
    let id = bench.enqueue(new_items(&[source_id])).await[0];
    let item = bench.claim().await.remove(0);
    let review = asked(source_id, "several records have the same Email");
    bench.store.add_review(review).await.unwrap();
    bench
        .settle(&item, park(&format!("contact:{source_id}")))
        .await;
    id
}

#[tokio::test]
async fn each_answer_lets_what_waits_go_on_and_is_kept_with_its_question() {
    for choice in [to("003A"), Choice::Create, Choice::Ignore] {
        let bench = Bench::new();
        let id = waiting(&bench, "i-1").await;
        let answer = decision("i-1", choice.clone());
        assert_eq!(bench.store.decide(answer.clone()).await.unwrap(), 1);
        assert_eq!(bench.claim_ids().await, [id], "{choice:?}");
        assert!(bench.store.reviews().await.unwrap().is_empty());
        let decided = bench.store.decided(None).await.unwrap();
        assert_eq!(decided[0].decision, answer);
        assert_eq!(decided[0].question, "several records have the same Email");
        assert_eq!(decided[0].candidates, ["003A", "003B"]);
        let links = bench.store.links("contact", vec!["i-1".into()]).await;
        assert_eq!(links.unwrap().is_empty(), choice != to("003A"));
    }
}

#[tokio::test]
async fn where_nothing_waits_the_row_is_asked_for() {
    for choice in [to("003A"), Choice::Create] {
        let bench = Bench::new();
        assert_eq!(
            bench.store.decide(decision("i-1", choice)).await.unwrap(),
            1
        );
        let item = bench.claim().await.remove(0);
        assert_eq!(
            (item.payload_type.as_str(), item.key.as_str()),
            (LOOK_AGAIN, "i-1")
        );
    }
    let bench = Bench::new();
    let ignored = decision("i-1", Choice::Ignore);
    assert_eq!(bench.store.decide(ignored).await.unwrap(), 0);
    assert!(bench.claim().await.is_empty());
}

#[tokio::test]
async fn the_latest_answer_counts() {
    let bench = Bench::new();
    for choice in [Choice::Ignore, Choice::Create] {
        let answer = decision("i-1", choice.clone());
        bench.store.decide(answer).await.unwrap();
        let choices = bench
            .store
            .choices("contact", vec!["i-1".into(), "i-2".into()]);
        let choices = choices.await.unwrap();
        assert_eq!(choices.get("i-1"), Some(&choice));
        assert_eq!(choices.get("i-2"), None);
    }
    assert_eq!(bench.store.decided(None).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_answer_that_takes_anothers_record_is_refused_whole() {
    let bench = Bench::new();
    waiting(&bench, "i-1").await;
    let others = Link {
        mapping: "contact".into(),
        ..link("i-2", "003A")
    };
    bench.store.put_links(vec![others]).await.unwrap();
    let refused = bench.store.decide(decision("i-1", to("003A"))).await;
    assert!(matches!(refused, Err(StoreError::LinkConflict { .. })));
    assert_eq!(bench.store.reviews().await.unwrap().len(), 1);
    assert!(bench.store.decided(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_was_ignored_is_not_asked_again_in_the_same_words() {
    let bench = Bench::new();
    let store = &bench.store;
    store
        .add_review(asked("i-1", "both changed Phone"))
        .await
        .unwrap();
    store.decide(decision("i-1", Choice::Ignore)).await.unwrap();
    store
        .add_review(asked("i-1", "both changed Phone"))
        .await
        .unwrap();
    assert!(store.reviews().await.unwrap().is_empty());
    store
        .add_review(asked("i-1", "both changed Email"))
        .await
        .unwrap();
    assert_eq!(store.reviews().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_question_is_as_old_as_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(std::sync::atomic::AtomicI64::new(1_000));
    let clock = now.clone();
    let time: Now = Arc::new(move || clock.load(std::sync::atomic::Ordering::SeqCst));
    let store = Store::open_with_time(path(&folder), StoreOptions::default(), time).unwrap();
    for (at, reason, since) in [
        (1_000, "a", 1_000),
        (2_000, "a", 1_000),
        (3_000, "b", 3_000),
    ] {
        now.store(at, std::sync::atomic::Ordering::SeqCst);
        store.add_review(asked("i-1", reason)).await.unwrap();
        assert_eq!(store.reviews().await.unwrap()[0].since_ms, since);
    }
}

#[tokio::test]
async fn what_failed_of_the_record_goes_through_again_with_the_answer() {
    let bench = Bench::new();
    let id = bench.enqueue(new_items(&["i-1"])).await[0];
    let item = bench.claim().await.remove(0);
    bench.settle(&item, dead()).await;
    bench
        .store
        .decide(decision("i-1", Choice::Create))
        .await
        .unwrap();
    assert_eq!(bench.view(id).await.state, State::Ready);
}

#[tokio::test]
async fn an_item_that_does_nothing_since_a_person_said_so_says_so() {
    let bench = Bench::new();
    let id = bench.enqueue(new_items(&["i-1"])).await[0];
    let item = bench.claim().await.remove(0);
    let reason = "a person decided: she rang".to_owned();
    bench.settle(&item, Outcome::Ignored { reason }).await;
    let view = bench.view(id).await;
    assert_eq!(view.state, State::Done);
    assert_eq!(
        (
            view.history[0].what.as_str(),
            view.history[0].detail.as_str()
        ),
        ("ignored", "a person decided: she rang")
    );
}
