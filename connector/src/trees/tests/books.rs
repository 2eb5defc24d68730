//! The books, after any history in any order.

use fastrand::Rng;
use runtime::queue::{FailedItem, ItemView, State};
use serde_json::{Map, Value, json};
use simulator::FaultKind;

use crate::purchases::books;
use crate::purchases::draw::{self, History};
use crate::purchases::heard::{Entries, Heard, Ledger};
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
    rested(&museum).await;
    let wrong = wrong(&museum, &histories, &settings, npsp).await;
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

/// Waits at most an hour until no item is ready, running or delayed. Parked problems stay.
async fn rested(museum: &Museum) {
    for _ in 0..3_600 {
        pass(1).await;
        let status = museum.store.status().await.unwrap();
        if status.ready + status.running + status.delayed == 0 {
            return;
        }
    }
    panic!("not at rest: {:?}", museum.store.status().await.unwrap());
}

/// Lists opportunities that differ from the books, amounts that no entry names, and entries without a reason.
async fn wrong(
    museum: &Museum,
    histories: &[History],
    settings: &Map<String, Value>,
    npsp: bool,
) -> Vec<String> {
    let carts: Vec<_> = histories.iter().flat_map(History::entries).collect();
    let wrong = books::disagreeing(&museum.simulator, carts.iter().copied(), settings, npsp);
    let wrong = wrong
        .into_iter()
        .map(|(cart, expected, found)| format!("{cart} is {found:#?}\nand not {expected:#?}"));
    let ledger = Ledger::of(carts.iter().map(|(cart, books)| Heard {
        cart,
        books,
        is_judged: books.is_opportunity(settings),
    }));
    let entries = Entries::of(&parked(museum).await, &failed(museum).await);
    let all = entries.waiting.iter().chain(&entries.errors);
    let unexplained = all.filter(|text| !ledger.explains(text));
    let unexplained = unexplained.map(|text| format!("nothing explains {text}"));
    let faults = ledger.faults(&entries, npsp && books::are_ours(settings));
    wrong.chain(unexplained).chain(faults).collect()
}

async fn parked(museum: &Museum) -> Vec<ItemView> {
    let mut parked = Vec::new();
    for id in 1.. {
        match museum.store.item(id).await.unwrap() {
            Some(item) if item.state == State::Parked => parked.push(item),
            Some(_) => {}
            None => break,
        }
    }
    parked
}

async fn failed(museum: &Museum) -> Vec<FailedItem> {
    let errors = museum.store.errors(5_000).await.unwrap();
    errors.into_iter().filter(|error| error.id != 0).collect()
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
    let negative = json!({ "refund": "negative_payment" });
    play(7, 100, negative, true, true).await;
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
async fn lines_that_stay() {
    histories_end_in_their_books(9, 150, json!({ "refund": "negative_payment" }), true).await;
    let derived = json!({ "cart_source": "derived", "refund": "negative_payment" });
    histories_end_in_their_books(10, 100, derived, true).await;
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
    rested(&museum).await;
    let wrong = wrong(&museum, &histories, &settings, true).await;
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
