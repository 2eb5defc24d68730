//! A payload of 1.5 KB to a record, and the difference of two records of forty fields.
//!
//! `run/mapped` is what the compiler makes of the first synthetic mapping; a test keeps it current.

mod by_hand;
mod derived;
// Of a whole crate, the benches use two structs.
#[allow(dead_code, unused_imports)]
mod mapped {
    include!("run/mapped/root.rs");
}

use divan::{Bencher, black_box};
use mapped::entity_0000::{Entity0000Payload as Payload, Entity0000Record as Record};
use runtime::entity::{Entity, Slot};
use serde_json::Value;

use super::synthetic;

fn record(row: &str) -> Record {
    Record::from_payload(Payload::from_row(row.as_bytes()).unwrap()).unwrap()
}

/// Two records that differ in one field in the middle.
fn pair() -> (Record, Record) {
    let (now, mut before) = (record(&synthetic::row()), record(&synthetic::row()));
    before.field_number_20 = Slot::text("something else");
    (now, before)
}

/// From bytes to the record that is sent: every value converted, every length checked.
#[divan::bench(name = "payload_to_record", sample_count = 200, sample_size = 100)]
fn payload_to_record(bencher: Bencher) {
    let row = synthetic::row();
    assert!((1_400..1_600).contains(&row.len()), "{}", row.len());
    bencher.bench_local(|| {
        Payload::from_row(black_box(row.as_bytes())).and_then(Record::from_payload)
    });
}

#[divan::bench(
    name = "payload_to_record_serde_derive",
    sample_count = 200,
    sample_size = 100
)]
fn serde_derive(bencher: Bencher) {
    let row = synthetic::row();
    bencher.bench_local(|| serde_json::from_slice::<derived::Row>(black_box(row.as_bytes())));
}

#[divan::bench(
    name = "payload_to_record_value",
    sample_count = 200,
    sample_size = 100
)]
fn value(bencher: Bencher) {
    let row = synthetic::row();
    bencher.bench_local(|| serde_json::from_slice::<Value>(black_box(row.as_bytes())));
}

#[divan::bench(name = "diff", sample_count = 200, sample_size = 100)]
fn diff(bencher: Bencher) {
    let (now, before) = pair();
    assert_eq!(now.changed_since(&before).len(), 1);
    bencher.bench_local(|| black_box(&now).changed_since(black_box(&before)));
}

#[divan::bench(name = "diff_by_hand", sample_count = 200, sample_size = 100)]
fn diff_by_hand(bencher: Bencher) {
    let (now, before) = pair();
    assert_eq!(by_hand::difference(&now, &before).count_ones(), 1);
    bencher.bench_local(|| by_hand::difference(black_box(&now), black_box(&before)));
}

#[divan::bench(name = "diff_two_values", sample_count = 200, sample_size = 100)]
fn diff_two_values(bencher: Bencher) {
    let now: Value = serde_json::from_str(&synthetic::row()).unwrap();
    let mut before = now.clone();
    before["field_number_20"] = Value::from("something else");
    bencher.bench_local(|| {
        let (Some(now), Some(before)) =
            (black_box(&now).as_object(), black_box(&before).as_object())
        else {
            return 0;
        };
        now.iter()
            .filter(|(name, value)| before.get(*name) != Some(value))
            .count()
    });
}
