//! Two workers, an operator and a crash, in every order that a scheduler can give them: nobody is left waiting for what
//! is there.

use std::panic::{AssertUnwindSafe, catch_unwind};

use shuttle::thread;

use super::*;

/// What the explored threads do beside the worker whose item parks.
#[derive(Clone, Copy, Debug)]
enum Other {
    /// Another worker makes the record that is waited for.
    Worker,
    /// A person links it by hand.
    Operator,
    /// Another worker makes it, and the process dies and starts again somewhere between.
    Crash,
    /// The net runs at any time, and must not wake what has to wait.
    Sweep,
}

const OTHERS: [Other; 4] = [Other::Worker, Other::Operator, Other::Crash, Other::Sweep];

/// Schedules of each kind; each sets up a database of its own.
fn schedules() -> usize {
    match std::env::var_os("USHER_LONG") {
        Some(_) => 3_000,
        None => 100,
    }
}

#[test]
fn no_wake_up_is_lost() {
    for other in OTHERS {
        shuttle::check_random(move || explore(other, false), schedules());
        shuttle::check_pct(move || explore(other, false), schedules(), 3);
    }
}

/// The negative control: parking without a look in the same transaction.
#[test]
fn a_store_that_parks_blindly_is_noticed() {
    for other in [Other::Worker, Other::Operator] {
        let explored = catch_unwind(AssertUnwindSafe(|| {
            shuttle::check_random(move || explore(other, true), 100);
        }));
        assert!(explored.is_err(), "{other:?}");
    }
}

fn explore(other: Other, parks_blindly: bool) {
    let options = StoreOptions {
        breaks: parks_blindly.then_some(Breaks::Parking),
        ..StoreOptions::default()
    };
    let store = Store::in_memory(options, Arc::new(|| 1_000)).unwrap();
    let account = NewItem {
        mapping: Some("account".into()),
        key: "i-9".into(),
        ..new_item("account")
    };
    let items = vec![new_item("child"), account, new_item("child")];
    now(store.enqueue(items));
    let mut threads = vec![worker(&store), worker(&store)];
    let beside = store.clone();
    threads.push(thread::spawn(move || match other {
        Other::Worker => {}
        Other::Operator => {
            thread::yield_now();
            now(beside.put_links(vec![link("i-9", "009")]));
        }
        Other::Crash => {
            thread::yield_now();
            beside.released().unwrap();
        }
        Other::Sweep => {
            thread::yield_now();
            now(beside.sweep());
        }
    }));
    for thread in threads {
        thread.join().unwrap();
    }
    // Whoever was killed starts again.
    store.released().unwrap();
    work(&store);
    let status = now(store.status());
    assert_eq!((status.parked, status.ready, status.done), (0, 0, 3));
}

fn worker(store: &Store) -> thread::JoinHandle<()> {
    let store = store.clone();
    thread::spawn(move || work(&store))
}

/// Claims one item at a time; a child looks for its account first, and between any two steps another may run.
fn work(store: &Store) {
    for _ in 0..6 {
        thread::yield_now();
        let Some(item) = now(store.claim(1, 1_000)).pop() else {
            continue;
        };
        thread::yield_now();
        let found = now(store.links("account", vec!["i-9".into()]));
        thread::yield_now();
        let is_account = item.mapping.as_deref() == Some("account");
        let outcome = match is_account || !found.is_empty() {
            true => Outcome::Done,
            false => park("account:i-9"),
        };
        let mut settlement = settlement(&item, outcome);
        settlement.link = is_account.then(|| link("i-9", "009"));
        now(store.settle(vec![settlement]));
    }
}

/// A store in memory answers at once.
fn now<T>(answer: impl Future<Output = Result<T, StoreError>>) -> T {
    let mut answer = std::pin::pin!(answer);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    // It lets others go first, and waits for nobody.
    loop {
        if let std::task::Poll::Ready(answer) = answer.as_mut().poll(&mut context) {
            return answer.unwrap();
        }
    }
}
