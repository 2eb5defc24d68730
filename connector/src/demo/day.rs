//! So many customers' days: what they bought, paid, used and gave back, and that both sides agree on every cent.

use std::time::Instant;

use runtime::queue::State;
use serde_json::Value;

use super::stage::Stage;
use super::story::Told;
use crate::purchases::draw::{self, History};
use crate::purchases::heard::{Entries, Heard, Ledger};
use crate::purchases::memberships::{self, Terms};
use crate::purchases::{Books, books};

/// Webhooks of one request.
const A_REQUEST: usize = 500;
/// A museum's tenant delivers a little out of order: so many places, at most.
const DISORDER: usize = 40;
/// Customers whose days are under way at the same time.
const AT_ONCE: usize = 1_000;
/// Ticketure is not faster than this: so many items may wait when more are sent.
const WAITING_MAX: u64 = 20_000;

/// What is remembered of all days: what was bought, and the memberships.
#[derive(Default)]
struct Days {
    carts: Vec<(String, Books)>,
    terms: Terms,
    webhooks: usize,
    /// Megabytes that the process has beside what the simulator holds, after each thousand customers.
    memory: Vec<f64>,
}

pub(super) async fn tell(stage: &mut Stage, customers: usize) -> Told {
    let mut days = Days::default();
    let calls = stage.client.calls();
    let start = Instant::now();
    let mut number = 0;
    while number < customers {
        let some = AT_ONCE.min(customers - number);
        let histories: Vec<History> = (number..number + some)
            .map(|number| draw::customer(&mut stage.random, number))
            .collect();
        number += some;
        send(stage, &histories, &mut days).await?;
        let kept = histories.into_iter();
        for history in kept {
            days.carts.extend(history.carts);
            days.terms.extend(history.terms);
        }
        stage.until(|status| status.ready < WAITING_MAX).await?;
        days.memory.extend(crate::bench::rss_mb());
    }
    let rested = stage.at_rest().await?;
    let seconds = start.elapsed().as_secs_f64();
    let calls = stage.client.calls() - calls;
    if !rested {
        let status = stage.store.status().await?;
        stage.tell(
            "Everything comes to rest",
            &format!(
                "{} ready, {} running, {} delayed",
                status.ready, status.running, status.delayed
            ),
            false,
        );
    }
    let records = written(stage);
    stage.tell(
        &format!("{customers} customers' days: identities, carts, tickets, memberships, payments, refunds, a little out of order"),
        &format!(
            "{} webhooks in {seconds:.1} s: {:.0} a second, {calls} API calls, {:.2} a cart; one call a record would be {}{}",
            days.webhooks,
            days.webhooks as f64 / seconds,
            calls as f64 / customers.max(1) as f64,
            records,
            memory(&days.memory)
        ),
        rested,
    );
    compare(stage, &days);
    money(stage, &days).await?;
    Ok(())
}

async fn send(
    stage: &mut Stage,
    histories: &[History],
    days: &mut Days,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut webhooks: Vec<Value> = interleaved(histories);
    disorder(&mut webhooks, &mut stage.random);
    days.webhooks += webhooks.len();
    for request in webhooks.chunks(A_REQUEST) {
        stage.send(request).await?;
    }
    Ok(())
}

/// The simulated org is in this process, and grows with what it is given: so does the number.
fn memory(megabytes: &[f64]) -> String {
    match (megabytes.first(), megabytes.last()) {
        (Some(first), Some(last)) if megabytes.len() > 1 => format!(
            "; the process, with the org in it, had {first:.0} MB after the first thousand and {last:.0} MB at the end"
        ),
        _ => String::new(),
    }
}

fn compare(stage: &mut Stage, days: &Days) {
    let settings = crate::settings::defaults();
    let customers = days.carts.len();
    let wrong = books::disagreeing(
        &stage.simulator,
        days.carts
            .iter()
            .map(|(cart, books)| (cart.as_str(), books)),
        &settings,
        stage.npsp,
    );
    stage.tell(
        "Both sides agree: lines, payments and allocations, to the cent",
        &match wrong.first() {
            None => format!("{customers} of {customers} opportunities say what was bought"),
            Some((cart, expected, found)) => format!(
                "{} do not; {cart}: {found:?} and not {expected:?}",
                wrong.len()
            ),
        },
        wrong.is_empty(),
    );
    let count = days.terms.len();
    let wrong = memberships::disagreeing(&stage.simulator, &days.terms);
    stage.tell(
        "... and so do their memberships: dates, levels, what became of them, and which cart's they are",
        &match wrong.first() {
            None => format!("{count} of {count} terms are on one opportunity each"),
            Some((term, expected, found)) => format!(
                "{} are not; {term}: {found:?} and not {expected:?}",
                wrong.len()
            ),
        },
        wrong.is_empty(),
    );
}

/// Checks that waiting items and the error log name exactly the unbooked amounts and the unknown words.
async fn money(stage: &mut Stage, days: &Days) -> Told {
    let settings = crate::settings::defaults();
    let ledger = Ledger::of(days.carts.iter().map(|(cart, books)| Heard {
        cart,
        books,
        is_judged: books.is_opportunity(&settings),
    }));
    let carts = days.carts.iter().map(|(cart, _)| cart.clone()).collect();
    let mut parked = stage.store.open_items(carts).await?;
    parked.retain(|item| item.state == State::Parked);
    let mut errors = stage.store.errors(u32::MAX).await?;
    // The entry of a paused direction has the id 0 and is no item.
    errors.retain(|error| error.id != 0);
    let entries = Entries::of(&parked, &errors);
    let all = entries.waiting.iter().chain(&entries.errors);
    let unexplained = all.filter(|text| !ledger.explains(text));
    let mut faults: Vec<String> = unexplained
        .map(|text| format!("nothing explains {text}"))
        .collect();
    faults.extend(ledger.faults(&entries, stage.npsp));
    let status = stage.store.status().await?;
    let others = status.parked.saturating_sub(parked.len() as u64);
    if others > 0 {
        let first = status.parked_by_key.first();
        let first = first.map_or("", |(key, _)| key.as_str());
        faults.push(format!(
            "{others} items that are about no cart wait, one for {first}"
        ));
    }
    stage.tell(
        "No money in silence: what is not booked waits for a charge or is in the error log",
        &match faults.first() {
            None => format!(
                "{} amounts wait, {} entries are in the error log",
                entries.waiting.len(),
                entries.errors.len()
            ),
            Some(first) => format!("{} faults; {first}", faults.len()),
        },
        faults.is_empty(),
    );
    Ok(())
}

/// Writes of ours to records of the org.
fn written(stage: &Stage) -> u64 {
    stage.simulator.writes()
}

/// As they happen: each customer's in order, all customers at once.
fn interleaved(histories: &[History]) -> Vec<Value> {
    let each: Vec<Vec<Value>> = histories.iter().map(History::webhooks).collect();
    let longest = each.iter().map(Vec::len).max().unwrap_or_default();
    let step = |step: usize| each.iter().filter_map(move |webhooks| webhooks.get(step));
    (0..longest).flat_map(step).cloned().collect()
}

fn disorder(webhooks: &mut [Value], random: &mut fastrand::Rng) {
    for place in 0..webhooks.len() {
        let other = (place + random.usize(..DISORDER)).min(webhooks.len() - 1);
        webhooks.swap(place, other);
    }
}
