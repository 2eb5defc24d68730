//! The books, after any history in any order.

use fastrand::Rng;
use serde_json::{Value, json};
use simulator::FaultKind;

use crate::purchases::books;
use crate::purchases::draw::{self, History};
use crate::purchases::memberships;
use crate::sync::tests::museum::{Museum, Setup, pass};

/// What is told in one go, at most.
const AT_ONCE: usize = 400;

async fn histories_end_in_their_books(seed: u64, count: usize, settings: Value, npsp: bool) {
    play(seed, count, settings, npsp, false).await;
}

/// `rough`: calls fail, before and after they are carried out.
async fn play(seed: u64, count: usize, settings: Value, npsp: bool, rough: bool) {
    let settings = crate::settings::with(settings.as_object().unwrap()).unwrap();
    let museum = Museum::new(Setup {
        npsp,
        settings: settings.clone().into(),
        ..Setup::default()
    });
    let mut random = Rng::with_seed(seed);
    let histories: Vec<History> = (0..count)
        .map(|number| draw::customer(&mut random, number))
        .collect();
    let all = histories.iter().flat_map(History::webhooks);
    let mut webhooks: Vec<Value> = all.collect();
    let again: Vec<Value> = webhooks
        .iter()
        .filter(|_| random.u8(..10) == 0)
        .cloned()
        .collect();
    webhooks.extend(again);
    random.shuffle(&mut webhooks);
    while !webhooks.is_empty() {
        let some = 1 + random.usize(..AT_ONCE);
        if rough {
            trouble(&museum, &mut random);
        }
        let rest = webhooks.split_off(some.min(webhooks.len()));
        museum.send(std::mem::replace(&mut webhooks, rest)).await;
        pass(random.u64(..3)).await;
    }
    museum.settled().await;
    assert_eq!(museum.errors().await, [], "seed {seed}");
    let wrong = books::disagreeing(
        &museum.simulator,
        histories.iter().map(History::entry),
        &settings,
        npsp,
    );
    assert!(
        wrong.is_empty(),
        "seed {seed}, {settings:?}: {} wrong, the first: {:#?}",
        wrong.len(),
        wrong.first()
    );
    let terms = histories.iter().flat_map(|history| &history.terms);
    let wrong = memberships::disagreeing(&museum.simulator, terms);
    assert!(
        wrong.is_empty(),
        "seed {seed}, {settings:?}: {} terms wrong, the first: {:#?}",
        wrong.len(),
        wrong.first()
    );
}

fn trouble(museum: &Museum, random: &mut Rng) {
    let kind = match random.u8(..4) {
        0 => FaultKind::LostAfterCommit,
        1 => FaultKind::LostBeforeCommit,
        2 => FaultKind::Unavailable,
        _ => return,
    };
    let path = ["/composite/graph", "/composite/sobjects", "/query"][random.usize(..3)];
    museum.fault(path, Some(1 + random.u32(..3)), kind);
}

#[tokio::test(start_paused = true)]
async fn on_a_rough_day() {
    play(6, 100, json!({}), true, true).await;
    play(7, 100, json!({ "refund": "reduce_lines" }), true, true).await;
}

#[tokio::test(start_paused = true)]
async fn carts_of_webhooks() {
    histories_end_in_their_books(1, 150, json!({}), true).await;
}

#[tokio::test(start_paused = true)]
async fn carts_of_tickets() {
    histories_end_in_their_books(2, 150, json!({ "cart_source": "derived" }), true).await;
}

#[tokio::test(start_paused = true)]
async fn lines_that_are_taken_away() {
    histories_end_in_their_books(3, 150, json!({ "refund": "reduce_lines" }), true).await;
}

#[tokio::test(start_paused = true)]
async fn with_npsps_own_payments() {
    // NPSP pays what the opportunity says when it is won: what is sold later it does not hear of.
    let settings =
        crate::settings::with(json!({ "payments": "npsp" }).as_object().unwrap()).unwrap();
    let museum = Museum::new(Setup {
        settings: settings.clone().into(),
        ..Setup::default()
    });
    let mut random = Rng::with_seed(8);
    let histories: Vec<History> = (0..100)
        .map(|number| draw::customer(&mut random, number))
        .collect();
    for some in histories.chunks(20) {
        let mut webhooks: Vec<Value> = some.iter().flat_map(History::webhooks).collect();
        random.shuffle(&mut webhooks);
        museum.send(webhooks).await;
    }
    museum.settled().await;
    assert_eq!(museum.errors().await, []);
    let wrong = books::disagreeing(
        &museum.simulator,
        histories.iter().map(History::entry),
        &settings,
        true,
    );
    assert!(
        wrong.is_empty(),
        "{} wrong, the first: {:#?}",
        wrong.len(),
        wrong.first()
    );
}

#[tokio::test(start_paused = true)]
async fn without_npsp() {
    histories_end_in_their_books(4, 150, json!({}), false).await;
    histories_end_in_their_books(
        5,
        100,
        json!({ "cart_source": "derived", "refund": "reduce_lines" }),
        false,
    )
    .await;
}
