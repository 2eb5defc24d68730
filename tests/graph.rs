//! A parent and its children by Composite Graph, from rows through mappings to the org and back: carts with their
//! lines, whose mappings and objects are made up in `graph/mappings`.

use codegen::interpret::Mapping;
use codegen::lower;
use codegen::source::Sources;
use runtime::change::present;
use runtime::entity::{Entity, Kind};
use runtime::http::HttpTransport;
use runtime::json;
use runtime::retry::Verdict;
use runtime::salesforce::SalesforceClient;
use runtime::salesforce::graph::{Graph, GraphFailure, GraphResult, Node, Target, Write, packed};
use serde_json::{Map, Value, json};
use simulator::{Fault, FaultKind, Simulator};

use crate::calls::{on_loopback, salesforce};
use crate::world::root;

const KEYS: [&str; 2] = ["Cart_Id__c", "Line_Id__c"];

/// An org that knows carts, a client of it, and the mappings.
struct Shop {
    simulator: Simulator,
    org: SalesforceClient,
    cart: Mapping,
    line: Mapping,
}

impl Shop {
    async fn new() -> Shop {
        let folder = root().join("tests/graph/mappings");
        let sources = Sources::load(&folder).unwrap();
        let checked = codegen::check(&sources);
        assert!(checked.is_clean(), "{:?}", checked.diagnostics);
        let program = lower::lower(&checked.model, &sources);
        let mapping = |name: &str| {
            let mut all = program.mappings.iter();
            Mapping::new(all.find(|mapping| mapping.name == name).unwrap())
        };
        let (simulator, address) = on_loopback(folder.join("schemas/salesforce")).await;
        Shop {
            org: salesforce(&HttpTransport::new().unwrap(), &address),
            simulator,
            cart: mapping("cart"),
            line: mapping("line"),
        }
    }

    /// The nodes of a cart with lines of these titles; what a line refers to is the cart's node.
    fn nodes(&self, id: &str, titles: &[&str]) -> Vec<Node> {
        let row = json!({ "id": id, "title": format!("Cart {id}"), "stage": "Open" });
        let mut nodes = vec![node("cart", &self.cart, &row)];
        nodes.extend(titles.iter().enumerate().map(|(number, title)| {
            let line_id = format!("{id}-{number}");
            let row = json!({ "id": line_id, "cart_id": id, "title": title });
            node(&format!("line_{number}"), &self.line, &row)
        }));
        nodes
    }

    fn graph(&self, id: &str, titles: &[&str]) -> Graph {
        Graph::new(self.nodes(id, titles)).unwrap()
    }

    /// All calls that these graphs take; what became of each, in their order.
    async fn write(&self, graphs: &[Graph]) -> Vec<GraphResult> {
        let mut results: Vec<Option<GraphResult>> = vec![None; graphs.len()];
        for call in packed(graphs) {
            let answered = self.org.write_graphs(&call).await.unwrap();
            for (place, result) in call.places().iter().zip(answered) {
                results[*place] = Some(result);
            }
        }
        results.into_iter().map(Option::unwrap).collect()
    }

    /// From now on the org refuses lines with this title.
    fn refuse(&self, title: &str) {
        self.simulator.add_fault(Fault::always(FaultKind::Reject {
            field: "Title__c".to_owned(),
            equals: Value::from(title),
            code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
            message: "Not sold any more".to_owned(),
        }));
    }

    fn count(&self, object: &str) -> usize {
        self.simulator.records(object).len()
    }
}

/// The node that creates the record of a row.
fn node(reference: &str, mapping: &Mapping, row: &Value) -> Node {
    let record = mapping.to_record(row.to_string().as_bytes()).unwrap();
    let fields = json::write(&record, &present(&record), &|_, _| None).unwrap();
    let described = record.descriptor().fields.iter();
    let parents = described.filter_map(|field| match field.kind {
        Kind::Reference { mapping } => Some(((*field.path.last()?).to_owned(), mapping.to_owned())),
        _ => None,
    });
    Node {
        reference: reference.to_owned(),
        object: mapping.descriptor().object.to_owned(),
        write: Write::Create,
        fields: serde_json::from_str(&fields).unwrap(),
        parents: parents.collect(),
    }
}

/// The same node, found by its external id.
fn by_key(node: &Node) -> Node {
    let mut node = node.clone();
    let field = KEYS
        .iter()
        .find(|key| node.fields.contains_key(**key))
        .unwrap();
    let value = node.fields.remove(*field).unwrap();
    node.write = Write::Upsert {
        field: (*field).to_owned(),
        value: value.as_str().unwrap().to_owned(),
    };
    node.parents.clear();
    node
}

fn verdicts(failure: &GraphFailure, nodes: usize) -> Vec<Verdict> {
    (0..nodes).map(|node| failure.verdict(node)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_is_there_with_all_of_its_lines_or_not_at_all() {
    let shop = Shop::new().await;
    shop.refuse("Sold out");
    let titles = |number: usize| match number % 10 {
        7 => ["Adult", "Sold out", "Child"],
        _ => ["Adult", "Senior", "Child"],
    };
    let graphs: Vec<Graph> = (0..100)
        .map(|number| shop.graph(&format!("c-{number}"), &titles(number)))
        .collect();
    let results = shop.write(&graphs).await;
    assert_eq!(shop.org.calls(), 2, "75 graphs a call");
    assert_eq!(
        (shop.count("Cart__c"), shop.count("Cart_Line__c")),
        (90, 270)
    );
    for (number, result) in results.iter().enumerate() {
        let key = format!("c-{number}");
        let carts = shop.simulator.find("Cart__c", "Cart_Id__c", &key);
        match result {
            Ok(ids) => {
                assert_eq!(carts[0]["Id"], ids[0]);
                let lines = shop.simulator.find("Cart_Line__c", "Cart__c", &ids[0]);
                let mut found: Vec<&Value> = lines.iter().map(|line| &line["Id"]).collect();
                found.sort_by_key(|id| id.as_str());
                assert_eq!(found, ids[1..].iter().collect::<Vec<_>>());
            }
            Err(failure) => {
                assert_eq!(number % 10, 7);
                assert!(carts.is_empty());
                use Verdict::{Innocent, Permanent};
                assert_eq!(failure.culprits().collect::<Vec<_>>(), [2]);
                assert_eq!(
                    verdicts(failure, 4),
                    [Innocent, Innocent, Permanent, Innocent]
                );
            }
        }
    }
    let log = shop.simulator.write_log();
    assert_eq!(log.len(), 360, "what was taken back is in no log");
    let calls: std::collections::BTreeSet<_> = log.iter().map(|write| &write.request_id).collect();
    assert_eq!(calls.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_is_closed_when_its_lines_are_there_and_changed_by_its_key() {
    let shop = Shop::new().await;
    let mut nodes = shop.nodes("c-1", &["Adult"]);
    let closed = |target| Node {
        reference: "closed".to_owned(),
        object: "Cart__c".to_owned(),
        write: Write::Update(target),
        fields: Map::from_iter([("Stage__c".to_owned(), json!("Closed"))]),
        parents: Vec::new(),
    };
    nodes.push(closed(Target::Node("cart".to_owned())));
    let made = shop
        .write(&[Graph::new(nodes).unwrap()])
        .await
        .remove(0)
        .unwrap();
    assert_eq!(made[0], made[2]);
    let stage = || shop.simulator.records("Cart__c")[0]["Stage__c"].clone();
    assert_eq!(stage(), "Closed");

    // The first line was there, the second is new; the cart's own id is known by now.
    let mut again: Vec<Node> = shop
        .nodes("c-1", &["Junior", "Child"])
        .iter()
        .map(by_key)
        .collect();
    again[2].fields.insert("Cart__c".to_owned(), json!(made[0]));
    again.push(closed(Target::Id(made[0].clone())));
    let changed = shop
        .write(&[Graph::new(again).unwrap()])
        .await
        .remove(0)
        .unwrap();
    assert_eq!(changed[..2], made[..2]);
    assert_eq!((shop.count("Cart__c"), shop.count("Cart_Line__c")), (1, 2));
    assert_eq!(stage(), "Closed");
    let line = shop.simulator.find("Cart_Line__c", "Line_Id__c", "c-1-0");
    assert_eq!(line[0]["Title__c"], "Junior");
}

/// More than 14 bad carts halt the rest of a call; the rest is told from them, and goes again.
#[tokio::test(flavor = "multi_thread")]
async fn bad_carts_do_not_keep_good_ones_from_being_written() {
    let shop = Shop::new().await;
    shop.refuse("Sold out");
    let titles = |number: usize| [if number < 40 { "Sold out" } else { "Adult" }];
    let mut waiting: Vec<Graph> = (0..60)
        .map(|number| shop.graph(&format!("c-{number}"), &titles(number)))
        .collect();
    let mut refused = 0;
    let mut rounds = 0;
    while !waiting.is_empty() {
        rounds += 1;
        assert!(rounds <= 3, "15 of 40 fail in each round");
        let results = shop.write(&waiting).await;
        let again = waiting.into_iter().zip(results).filter(|(_, result)| {
            let Err(failure) = result else {
                return false;
            };
            let blamed = failure.culprits().count() > 0;
            refused += usize::from(blamed);
            !blamed
        });
        waiting = again.map(|(graph, _)| graph).collect();
    }
    assert_eq!((refused, rounds), (40, 3));
    assert_eq!(shop.count("Cart__c"), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_got_lost_doubles_nothing() {
    let shop = Shop::new().await;
    let graphs = [shop.graph("c-1", &["Adult", "Child"])];
    let lost = Fault::on("/composite/graph", 1, FaultKind::LostAfterCommit);
    shop.simulator.add_fault(lost);
    let error = shop
        .org
        .write_graphs(&packed(&graphs)[0])
        .await
        .unwrap_err();
    assert!(error.may_have_committed(), "{error}");
    let failure = shop.write(&graphs).await.remove(0).unwrap_err();
    assert_eq!(failure.errors(0)[0].code, "DUPLICATE_VALUE");
    assert_eq!((shop.count("Cart__c"), shop.count("Cart_Line__c")), (1, 2));
}

/// Whatever is packed, an org that counts for itself takes each call.
#[tokio::test(flavor = "multi_thread")]
async fn no_call_is_too_large_for_the_org() {
    let shop = Shop::new().await;
    let mut random = fastrand::Rng::with_seed(7);
    // Many small carts meet the limit on graphs, few large ones that on nodes.
    for (round, (carts, most)) in [(200, 2), (60, 20), (8, 499)]
        .into_iter()
        .cycle()
        .take(9)
        .enumerate()
    {
        let before = (
            shop.count("Cart__c"),
            shop.count("Cart_Line__c"),
            shop.org.calls(),
        );
        let sizes: Vec<usize> = (0..random.usize(1..=carts))
            .map(|_| random.usize(0..=most))
            .collect();
        let graphs = sizes.iter().enumerate().map(|(number, size)| {
            shop.graph(&format!("c-{round}-{number}"), &vec!["Adult"; *size])
        });
        let graphs: Vec<Graph> = graphs.collect();
        let results = shop.write(&graphs).await;
        assert!(results.iter().all(Result::is_ok));
        let total = sizes.iter().sum::<usize>();
        assert_eq!(shop.count("Cart__c") - before.0, sizes.len());
        assert_eq!(shop.count("Cart_Line__c") - before.1, total);
        let least = (total + sizes.len())
            .div_ceil(500)
            .max(sizes.len().div_ceil(75));
        let made = (shop.org.calls() - before.2) as usize;
        assert!(made <= 2 * least, "{made} calls where {least} might do");
    }
}
