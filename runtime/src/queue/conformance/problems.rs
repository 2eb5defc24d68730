//! Problems of trees: opened, changed, failed after their time, and closed when they are put right.

use super::*;

fn problem(cause: &str, stage: ProblemStage, message: &str) -> Problem {
    Problem {
        cause: cause.to_owned(),
        stage,
        error: ErrorRecord {
            code: "refund_waits".to_owned(),
            message: message.to_owned(),
            mapping_line: None,
            help: "wait".to_owned(),
            group: None,
        },
    }
}

impl Bench {
    /// A worker looks at the tree, and reports these.
    async fn report(&self, all: Vec<Problem>) {
        self.enqueue(new_items(&["c-1"])).await;
        let items = self.store.claim(100, 1_000).await.unwrap();
        let mut settlements: Vec<Settlement> = items
            .iter()
            .map(|item| settlement(item, Outcome::Done))
            .collect();
        settlements.last_mut().unwrap().problems = Some(Problems {
            mapping: "contact".to_owned(),
            key: "c-1".to_owned(),
            all,
        });
        self.store.settle(settlements).await.unwrap();
    }

    async fn told(&self) -> Vec<String> {
        let errors = self.store.errors(10).await.unwrap();
        errors.into_iter().map(|one| one.error.message).collect()
    }

    async fn parked(&self) -> (u64, u64) {
        let status = self.store.status().await.unwrap();
        (status.parked, status.dead)
    }
}

#[tokio::test]
async fn a_cause_is_one_line_until_it_is_put_right() {
    let bench = Bench::new();
    let failed = |message| vec![problem("g-1", ProblemStage::Failed, message)];
    bench.report(failed("no amount")).await;
    bench.report(failed("below 0")).await;
    assert_eq!(bench.told().await, ["below 0"]);
    bench.report(Vec::new()).await;
    assert_eq!(bench.told().await, Vec::<String>::new());
    let bench = bench.reopen();
    assert_eq!(bench.parked().await, (0, 0));
}

#[tokio::test]
async fn what_waits_is_in_the_error_log_after_its_time_and_holds_up_nothing() {
    let keep = Keep {
        parked_ms: 500,
        ..Keep::default()
    };
    let bench = Bench::with(StoreOptions {
        keep,
        ..StoreOptions::default()
    });
    let waits = || vec![problem("g-2", ProblemStage::Waits, "40.00 wait")];
    bench.report(waits()).await;
    assert_eq!(bench.parked().await, (1, 0));
    let status = bench.store.status().await.unwrap();
    assert_eq!((status.problems, status.parked_by_key), (1, Vec::new()));
    assert_eq!(status.problem_notes, ["40.00 wait"]);
    let waiting = bench.store.waiting_problems(10).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert!(waiting[0].waits_until_ms > Some(waiting[0].received_at_ms));
    // Its lane goes on.
    bench.report(waits()).await;
    assert_eq!(bench.parked().await, (1, 0));
    bench.store.claim(10, 1_500).await.unwrap();
    assert_eq!(bench.parked().await, (0, 1));
    assert_eq!(bench.told().await, ["40.00 wait"]);
    assert_eq!(bench.store.status().await.unwrap().problems, 0);
    // It stays there, though the worker still says that it waits.
    bench.report(waits()).await;
    assert_eq!(bench.parked().await, (0, 1));
    bench.report(Vec::new()).await;
    assert_eq!(bench.parked().await, (0, 0));
}

#[tokio::test]
async fn one_that_an_operator_retries_is_looked_at_again() {
    let bench = Bench::new();
    let failed = || vec![problem("g-1", ProblemStage::Failed, "no amount")];
    bench.report(failed()).await;
    assert_eq!(bench.store.retry(Which::All).await.unwrap(), 1);
    // The worker has it in hand, and finds the problem there still.
    bench.report(failed()).await;
    assert_eq!(bench.told().await, ["no amount"]);
    assert_eq!(bench.store.retry(Which::All).await.unwrap(), 1);
    bench.report(Vec::new()).await;
    assert_eq!(bench.parked().await, (0, 0));
    assert_eq!(bench.store.status().await.unwrap().ready, 0);
}

fn row(root: &str, id: &str, subject: Option<&str>) -> TreeRow {
    TreeRow {
        tree: "cart".to_owned(),
        root: root.to_owned(),
        payload_type: "ticket_audit".to_owned(),
        id: id.to_owned(),
        arrived: 0,
        row: "{}".to_owned(),
        subject: subject.map(str::to_owned),
    }
}

#[tokio::test]
async fn a_new_row_of_a_subject_has_its_other_trees_looked_at_again() {
    let bench = Bench::new();
    let keep = |row| bench.store.keep_rows(vec![row]);
    keep(row("c-1", "1", Some("t-1"))).await.unwrap();
    keep(row("c-1", "2", None)).await.unwrap();
    assert_eq!(bench.claim_ids().await.len(), 0);
    keep(row("c-2", "3", Some("t-1"))).await.unwrap();
    keep(row("c-2", "3", Some("t-1"))).await.unwrap();
    let items = bench.claim().await;
    let said: Vec<_> = items
        .iter()
        .map(|item| (item.payload_type.as_str(), item.key.as_str()))
        .collect();
    assert_eq!(said, [(TREE_AGAIN, "c-1")]);
    let of = |subject: &str| {
        bench
            .store
            .rows_of_subjects("cart", vec![subject.to_owned()])
    };
    assert_eq!(of("t-1").await.unwrap().len(), 3);
    keep(row("c-3", "4", Some("t-9"))).await.unwrap();
    assert_eq!(of("t-9").await.unwrap().len(), 0);
}
