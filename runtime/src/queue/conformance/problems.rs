//! Problems of trees: opened, changed, moved to the error log after their waiting time, and closed.

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
    /// Settles an item of the tree with this report of its problems.
    async fn report(&self, all: Vec<Problem>, extent: Extent) {
        self.report_in(None, all, extent).await;
    }

    /// Settles an item of a pair with this report of its problems.
    async fn report_of_pair(&self, all: Vec<Problem>, extent: Extent) {
        self.report_in(Some("c-1".to_owned()), all, extent).await;
    }

    async fn report_in(&self, lane: Option<String>, all: Vec<Problem>, extent: Extent) {
        self.enqueue(new_items(&["c-1"])).await;
        let items = self.store.claim(100, 1_000).await.unwrap();
        let mut settlements: Vec<Settlement> = items
            .iter()
            .map(|item| settlement(item, Outcome::Done))
            .collect();
        settlements.last_mut().unwrap().problems = Some(Problems {
            mapping: "contact".to_owned(),
            key: "c-1".to_owned(),
            lane,
            all,
            extent,
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
    bench.report(failed("no amount"), Extent::Whole).await;
    bench.report(failed("below 0"), Extent::Whole).await;
    assert_eq!(bench.told().await, ["below 0"]);
    bench.report(Vec::new(), Extent::Whole).await;
    assert_eq!(bench.told().await, Vec::<String>::new());
    let bench = bench.reopen();
    assert_eq!(bench.parked().await, (0, 0));
}

#[tokio::test]
async fn a_report_that_is_not_complete_closes_what_was_checked() {
    let bench = Bench::new();
    let failed = |cause| problem(cause, ProblemStage::Failed, cause);
    let waits = problem("payment g-2 waits", ProblemStage::Waits, "40.00 wait");
    let all = vec![failed("payment g-1"), failed("refused line t-1"), waits];
    bench.report(all, Extent::Whole).await;
    assert_eq!(bench.parked().await, (1, 2));
    let nothing_checked = Extent::Partial(Vec::new());
    bench.report(vec![failed("failure")], nothing_checked).await;
    assert_eq!(bench.parked().await, (1, 3));
    let payments = Extent::Partial(vec!["payment ".to_owned()]);
    bench.report(vec![failed("failure")], payments).await;
    assert_eq!(bench.told().await, ["failure", "refused line t-1"]);
    assert_eq!(bench.parked().await, (0, 2));
}

#[tokio::test]
async fn a_tree_that_waits_opens_nothing_and_closes_what_was_checked() {
    let bench = Bench::new();
    let failed = |cause| problem(cause, ProblemStage::Failed, cause);
    let waits = || problem("payment g-2 waits", ProblemStage::Waits, "40.00 wait");
    let all = vec![failed("payment g-1"), failed("refused line t-1"), waits()];
    bench.report(all, Extent::Whole).await;
    let payments = || Extent::Waiting(vec!["payment ".to_owned()]);
    let still = vec![waits(), failed("payment g-3")];
    bench.report(still, payments()).await;
    assert_eq!(bench.told().await, ["refused line t-1"]);
    assert_eq!(bench.parked().await, (1, 1));
    bench.report(Vec::new(), payments()).await;
    assert_eq!(bench.parked().await, (0, 1));
    // A retried problem brings the tree to the worker, so it stays.
    bench
        .report(vec![failed("payment g-1")], Extent::Whole)
        .await;
    assert_eq!(bench.store.retry(Which::All).await.unwrap(), 1);
    let claimed = bench.store.claim(10, 1_000).await.unwrap();
    let park = Outcome::Park {
        key: "contact:i-1".to_owned(),
        reason: "it is not there".to_owned(),
    };
    let mut settled = settlement(&claimed[0], park);
    settled.problems = Some(Problems {
        mapping: "contact".to_owned(),
        key: "c-1".to_owned(),
        lane: None,
        all: Vec::new(),
        extent: payments(),
    });
    bench.store.settle(vec![settled]).await.unwrap();
    assert_eq!(bench.parked().await, (1, 0));
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
    bench.report(waits(), Extent::Whole).await;
    assert_eq!(bench.parked().await, (1, 0));
    let status = bench.store.status().await.unwrap();
    assert_eq!((status.problems, status.parked_by_key), (1, Vec::new()));
    assert_eq!(status.problem_notes, ["40.00 wait"]);
    let waiting = bench.store.waiting_problems(10).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert!(waiting[0].waits_until_ms > Some(waiting[0].received_at_ms));
    // A problem holds up no other item of the tree.
    bench.report(waits(), Extent::Whole).await;
    assert_eq!(bench.parked().await, (1, 0));
    bench.store.claim(10, 1_500).await.unwrap();
    assert_eq!(bench.parked().await, (0, 1));
    assert_eq!(bench.told().await, ["40.00 wait"]);
    assert_eq!(bench.store.status().await.unwrap().problems, 0);
    // A problem in the error log stays there, even if the worker reports it as waiting again.
    bench.report(waits(), Extent::Whole).await;
    assert_eq!(bench.parked().await, (0, 1));
    bench.report(Vec::new(), Extent::Whole).await;
    assert_eq!(bench.parked().await, (0, 0));
}

#[tokio::test]
async fn one_that_an_operator_retries_is_looked_at_again() {
    let bench = Bench::new();
    let failed = || vec![problem("g-1", ProblemStage::Failed, "no amount")];
    bench.report(failed(), Extent::Whole).await;
    assert_eq!(bench.store.retry(Which::All).await.unwrap(), 1);
    // The worker has claimed the problem's item, and reports the problem once more.
    bench.report(failed(), Extent::Whole).await;
    assert_eq!(bench.told().await, ["no amount"]);
    assert_eq!(bench.store.retry(Which::All).await.unwrap(), 1);
    bench.report(Vec::new(), Extent::Whole).await;
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

#[tokio::test]
async fn a_row_closes_the_causes_that_it_puts_right_and_a_retry_looks_at_the_record_again() {
    let bench = Bench::new();
    let both = vec![
        problem("field born", ProblemStage::Failed, "born"),
        problem("field email", ProblemStage::Failed, "email"),
    ];
    bench
        .report_of_pair(both, Extent::PutRight(Vec::new()))
        .await;
    let right = Extent::PutRight(vec!["field born".to_owned()]);
    bench.report_of_pair(Vec::new(), right).await;
    assert_eq!(bench.told().await, ["email"]);
    assert_eq!(bench.store.retry(Which::All).await.unwrap(), 1);
    let items = bench.claim().await;
    assert_eq!(
        (items[0].payload_type.as_str(), items[0].lane.as_str()),
        (LOOK_AGAIN, "c-1")
    );
}

#[tokio::test]
async fn what_an_item_puts_right_leaves_the_error_log_and_nothing_else_does() {
    let bench = Bench::new();
    let ids = bench.enqueue(new_items(&["c-1", "c-2", "c-3"])).await;
    for item in bench.claim().await {
        bench.settle(&item, dead()).await;
    }
    // The operator has retried one of them meanwhile.
    bench.store.retry(Which::One(ids[1])).await.unwrap();
    bench.enqueue(new_items(&["c-9"])).await;
    let items = bench.claim().await;
    let (last, others) = items.split_last().unwrap();
    let mut done = settlement(last, Outcome::Done);
    done.puts_right = vec![ids[0], ids[1]];
    bench.store.settle(vec![done]).await.unwrap();
    assert_eq!(bench.view(ids[0]).await.state, State::Done);
    let closed = bench.view(ids[0]).await.history;
    assert_eq!(closed.last().unwrap().what, "closed");
    assert_eq!(others[0].id, ids[1]);
    assert_eq!(bench.view(ids[1]).await.state, State::Running);
    assert_eq!(bench.view(ids[2]).await.state, State::Dead);
}

#[tokio::test]
async fn of_a_tree_that_waits_in_vain_one_line_is_in_the_error_log() {
    let keep = Keep {
        parked_ms: 500,
        ..Keep::default()
    };
    let bench = Bench::with(StoreOptions {
        keep,
        ..StoreOptions::default()
    });
    let tree = TreeRow {
        tree: "contact".to_owned(),
        ..row("c-1", "1", None)
    };
    bench.store.keep_rows(vec![tree]).await.unwrap();
    for key in ["c-1", "c-2", "c-1", "c-2"] {
        bench.enqueue(new_items(&[key])).await;
        let items = bench.store.claim(10, 1_000).await.unwrap();
        bench.settle(&items[0], park("account:o-1")).await;
        bench.store.claim(10, 5_000).await.unwrap();
    }
    let failed = bench.store.errors(10).await.unwrap();
    let keys: Vec<&str> = failed.iter().map(|failed| failed.key.as_str()).collect();
    // Both items of c-2 stay dead, since c-2 has no stored rows.
    assert_eq!(keys, ["c-2", "c-1", "c-2"]);
    // A report without problems means that the tree waits for nothing any more.
    bench.report(Vec::new(), Extent::Whole).await;
    let failed = bench.store.errors(10).await.unwrap();
    assert!(failed.iter().all(|failed| failed.key == "c-2"));
}
