//! So many customers' days: what they bought, paid, used and gave back, and that both sides agree on every cent.

use std::time::Instant;

use serde_json::Value;

use super::stage::Stage;
use super::story::Told;
use crate::purchases::books;
use crate::purchases::draw::{self, History};
use crate::purchases::memberships;

/// Webhooks of one request.
const A_REQUEST: usize = 500;
/// A museum's tenant delivers a little out of order: so many places, at most.
const DISORDER: usize = 40;

pub(super) async fn tell(stage: &mut Stage, customers: usize) -> Told {
    let histories: Vec<History> = (0..customers)
        .map(|number| draw::customer(&mut stage.random, number))
        .collect();
    let mut webhooks: Vec<Value> = interleaved(&histories);
    disorder(&mut webhooks, &mut stage.random);
    let calls = stage.client.calls();
    let start = Instant::now();
    for request in webhooks.chunks(A_REQUEST) {
        stage.send(request).await?;
    }
    let settled = stage.all_settled().await?;
    let seconds = start.elapsed().as_secs_f64();
    let calls = stage.client.calls() - calls;
    let settings = crate::settings::defaults();
    let wrong = books::disagreeing(
        &stage.simulator,
        histories.iter().map(History::entry),
        &settings,
        stage.npsp,
    );
    for failed in stage.store.errors(3).await? {
        stage.tell(
            &format!("{} is in the error log", failed.key),
            &failed.error.message,
            false,
        );
    }
    let records = written(stage);
    stage.tell(
        &format!("{customers} customers' days: identities, carts, tickets, payments, refunds, a little out of order"),
        &format!(
            "{} webhooks in {seconds:.1} s: {:.0} a second, {calls} API calls, {:.2} a cart; one call a record would be {}",
            webhooks.len(),
            webhooks.len() as f64 / seconds,
            calls as f64 / customers.max(1) as f64,
            records
        ),
        settled,
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
    let terms = histories.iter().flat_map(|history| &history.terms);
    let count = terms.clone().count();
    let wrong = memberships::disagreeing(&stage.simulator, terms);
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
