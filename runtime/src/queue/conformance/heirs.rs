//! Who was merged into whom, and what waits for them.

use super::*;

fn contact(source_id: &str, destination_id: &str) -> Link {
    Link {
        mapping: "contact".into(),
        ..link(source_id, destination_id)
    }
}

fn merged(source_id: &str, side: Side, into: &str) -> Tombstone {
    Tombstone {
        mapping: "contact".into(),
        source_id: source_id.into(),
        destination_id: format!("003-{source_id}"),
        side,
        deleted_at_ms: 1,
        merged_into: Some(into.into()),
    }
}

impl Bench {
    /// An item of some other lane says that the record is no more.
    async fn bury(&self, tombstone: Tombstone) -> usize {
        let lane = format!("buries {}", tombstone.source_id);
        self.enqueue(new_items(&[lane.as_str()])).await;
        let item = self.claim().await.remove(0);
        let mut settlement = settlement(&item, Outcome::Done);
        settlement.tombstone = Some(tombstone);
        self.store.settle(vec![settlement]).await.unwrap().woken
    }

    async fn heir(&self, id: &str) -> Option<Heir> {
        let found = self.store.heirs("contact", vec![id.to_owned()]).await;
        found.unwrap().remove(id)
    }
}

fn heir(source_id: Option<&str>, destination_id: Option<&str>) -> Option<Heir> {
    Some(Heir {
        source_id: source_id.map(str::to_owned),
        destination_id: destination_id.map(str::to_owned),
    })
}

#[tokio::test]
async fn the_heir_is_at_the_end_of_the_chain_on_either_side() {
    let bench = Bench::new();
    assert_eq!(bench.heir("i-1").await, None);
    bench.bury(merged("i-1", Side::Source, "i-2")).await;
    bench.bury(merged("i-2", Side::Source, "i-3")).await;
    assert_eq!(bench.heir("i-1").await, heir(Some("i-3"), None));
    bench
        .store
        .put_links(vec![contact("i-3", "003C")])
        .await
        .unwrap();
    assert_eq!(bench.heir("i-1").await, heir(Some("i-3"), Some("003C")));
    // In Salesforce into a record of another identity's, or of nobody's.
    bench.bury(merged("i-4", Side::Destination, "003C")).await;
    assert_eq!(bench.heir("i-4").await, heir(Some("i-3"), Some("003C")));
    bench.bury(merged("i-5", Side::Destination, "003D")).await;
    assert_eq!(bench.heir("i-5").await, heir(None, Some("003D")));
    // A circle has no end.
    bench.bury(merged("i-6", Side::Source, "i-7")).await;
    bench.bury(merged("i-7", Side::Source, "i-6")).await;
    assert_eq!(bench.heir("i-6").await, None);
}

#[tokio::test]
async fn what_waits_for_one_that_was_merged_goes_on_with_the_heir() {
    let bench = Bench::new();
    let child = bench.enqueue(new_items(&["child"])).await[0];
    let item = bench.claim().await.remove(0);
    bench.settle(&item, park("contact:i-1")).await;
    assert_eq!(bench.bury(merged("i-1", Side::Source, "i-2")).await, 0);
    let put = bench.store.put_links(vec![contact("i-2", "003B")]).await;
    assert_eq!(put.unwrap(), 1);
    let item = bench.claim().await.remove(0);
    assert_eq!(item.id, child);
    // Who is about to wait finds the heir there.
    bench.settle(&item, park("contact:i-1")).await;
    assert_eq!(bench.view(child).await.state, State::Ready);
}

#[tokio::test]
async fn a_merge_into_a_known_record_wakes_at_once() {
    let bench = Bench::new();
    bench
        .store
        .put_links(vec![contact("i-2", "003B")])
        .await
        .unwrap();
    bench.enqueue(new_items(&["child"])).await;
    let item = bench.claim().await.remove(0);
    bench.settle(&item, park("contact:i-1")).await;
    assert_eq!(bench.bury(merged("i-1", Side::Source, "i-2")).await, 1);
}

#[tokio::test]
async fn the_question_whether_to_merge_two_records_is_answered_by_the_merge() {
    let bench = Bench::new();
    bench
        .store
        .put_links(vec![contact("i-2", "003B")])
        .await
        .unwrap();
    bench.bury(merged("i-1", Side::Source, "i-2")).await;
    let review = Review {
        mapping: "contact".into(),
        source_id: "i-1".into(),
        ..Review::default()
    };
    bench.store.add_review(review).await.unwrap();
    bench
        .store
        .put_links(vec![contact("i-2", "003X")])
        .await
        .unwrap();
    assert_eq!(bench.store.reviews().await.unwrap().len(), 1);
    // The heir has the record of the one that was merged into it.
    bench
        .store
        .put_links(vec![contact("i-2", "003-i-1")])
        .await
        .unwrap();
    assert!(bench.store.reviews().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_referred_to_the_record_of_one_that_was_merged_is_looked_for() {
    let bench = Bench::new();
    bench.bury(merged("i-1", Side::Source, "i-2")).await;
    let item = bench.claim().await.remove(0);
    assert_eq!(item.payload_type, MERGED);
    assert_eq!(
        (item.key.as_str(), item.mapping.as_deref()),
        ("i-1", Some("contact"))
    );
    assert_eq!(item.payload, r#"{"record":"003-i-1"}"#);
    // Salesforce moves what refers to its own records; who had no record leaves nothing.
    bench.bury(merged("i-3", Side::Destination, "003D")).await;
    let nothing = Tombstone {
        destination_id: String::new(),
        ..merged("i-4", Side::Source, "i-2")
    };
    bench.bury(nothing).await;
    assert!(bench.claim().await.is_empty());
}

#[tokio::test]
async fn a_chain_over_both_sides_ends_at_one_pair_which_is_read_again() {
    let bench = Bench::new();
    let survivor = contact("i-3", "003-i-3");
    let pairs = vec![contact("i-2", "003-i-2"), survivor];
    bench.store.put_links(pairs).await.unwrap();
    bench.bury(merged("i-1", Side::Source, "i-2")).await;
    bench
        .bury(merged("i-2", Side::Destination, "003-i-3"))
        .await;
    assert_eq!(
        bench.heir("i-1").await,
        heir(Some("i-3"), Some("003-i-3")),
        "a customer whose survivor's record was merged"
    );
    let ends = vec![("i-3".to_owned(), "003-i-3".to_owned())];
    let found = bench.store.merged_pairs("contact", ends).await.unwrap();
    let ids = found["i-3"].iter().map(|one| one.source_id.as_str());
    assert_eq!(ids.collect::<Vec<_>>(), ["i-2", "i-1"]);
    let items = bench.claim().await;
    let read = |item: &&Item| item.payload_type == SALESFORCE_CHANGED && item.key == "003-i-3";
    assert!(items.iter().any(|item| read(&item)));
}

#[tokio::test]
async fn records_merged_in_a_chain_in_salesforce_are_the_last_ones() {
    let bench = Bench::new();
    bench
        .store
        .put_links(vec![contact("i-3", "003-i-3")])
        .await
        .unwrap();
    bench
        .bury(merged("i-1", Side::Destination, "003-i-2"))
        .await;
    bench
        .bury(merged("i-2", Side::Destination, "003-i-3"))
        .await;
    assert_eq!(bench.heir("i-1").await, heir(Some("i-3"), Some("003-i-3")));
}
