//! Graphs refused before they are sent, packed within the limits, and answers in all their shapes.

use proptest::prelude::*;

use super::*;
use crate::retry::Verdict;
use crate::salesforce::tests::{TOKEN, client, org};

fn node(reference: &str, object: &str, parents: &[&str]) -> Node {
    Node {
        reference: reference.to_owned(),
        object: object.to_owned(),
        write: Write::Create,
        fields: Map::new(),
        parents: parents
            .iter()
            .map(|parent| ("ParentId".to_owned(), (*parent).to_owned()))
            .collect(),
    }
}

/// A chain: each hangs on the one before.
fn chain(length: usize) -> Vec<Node> {
    let name = |number: usize| format!("n{number}");
    let above = |number: usize| (number > 0).then(|| name(number - 1));
    (0..length)
        .map(|number| {
            let parents: Vec<String> = above(number).into_iter().collect();
            let parents: Vec<&str> = parents.iter().map(String::as_str).collect();
            node(&name(number), "Account", &parents)
        })
        .collect()
}

/// So many nodes side by side, of so many objects.
fn flat(nodes: usize, objects: usize) -> Vec<Node> {
    (0..nodes)
        .map(|number| {
            let object = format!("Object{}__c", number % objects);
            node(&format!("n{number}"), &object, &[])
        })
        .collect()
}

#[test]
fn a_graph_at_the_limits_is_taken_and_one_beyond_is_refused() {
    assert!(Graph::new(chain(DEPTH_MAX)).is_ok());
    let deep = Graph::new(chain(DEPTH_MAX + 1)).unwrap_err();
    assert_eq!(
        deep.to_string().split(':').next(),
        Some("node `n15` is 16 deep, Salesforce takes 15")
    );
    assert!(Graph::new(flat(NODES_MAX, KINDS_MAX)).is_ok());
    let large = Graph::new(flat(NODES_MAX + 1, 1)).unwrap_err();
    assert!(
        matches!(large, GraphError::TooManyNodes { nodes: 501, .. }),
        "{large}"
    );
    let wide = Graph::new(flat(16, 16)).unwrap_err();
    assert!(
        matches!(wide, GraphError::TooManyKinds { kinds: 16, .. }),
        "{wide}"
    );
    assert_eq!(Graph::new(Vec::new()), Err(GraphError::Empty));
}

#[test]
fn the_method_and_not_the_spelling_of_an_object_makes_nodes_different() {
    let mut nodes = flat(8, 8);
    nodes.extend(flat(8, 8).into_iter().map(|node| Node {
        reference: format!("{}_again", node.reference),
        object: node.object.to_uppercase(),
        ..node
    }));
    assert!(Graph::new(nodes.clone()).is_ok());
    for node in &mut nodes[8..] {
        node.write = Write::Update(Target::Id("001".to_owned()));
    }
    let wide = Graph::new(nodes).unwrap_err();
    assert!(
        matches!(wide, GraphError::TooManyKinds { kinds: 16, .. }),
        "{wide}"
    );
}

#[test]
fn names_and_references_have_to_make_sense() {
    for (nodes, expected) in [
        (
            vec![node("a b", "Account", &[])],
            "`a b` cannot name a node",
        ),
        (vec![node("", "Account", &[])], "`` cannot name a node"),
        (
            vec![node("a", "Account", &[]), node("a", "Contact", &[])],
            "two nodes are named `a`",
        ),
        (vec![node("a", "Account", &["a"])], "node `a` hangs on `a`"),
        (
            vec![node("a", "Account", &["b"]), node("b", "Account", &[])],
            "node `a` hangs on `b`",
        ),
    ] {
        let error = Graph::new(nodes).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

/// Whoever types `@{account.id}` for a name does not get the account's id written there.
#[test]
fn a_typed_text_is_never_taken_for_a_reference() {
    for value in [
        json!("@{a.id}"),
        json!("Mr. @{a.Name}"),
        json!({ "Key__c": "@{a.id}" }),
    ] {
        let mut child = node("b", "Contact", &["a"]);
        child.fields.insert("LastName".to_owned(), value);
        let error = Graph::new(vec![node("a", "Account", &[]), child]).unwrap_err();
        assert!(
            error.to_string().contains("LastName in node `b`"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn each_kind_of_write_has_its_address() {
    let mut family = vec![node("a", "Account", &[]), node("c", "Contact", &["a"])];
    family[1].write = Write::Upsert {
        field: "Key__c".to_owned(),
        value: "x/ä".to_owned(),
    };
    family[1]
        .fields
        .insert("LastName".to_owned(), json!("Lovelace"));
    for (reference, target) in [
        ("again", Target::Node("a".to_owned())),
        ("old", Target::Id("001".to_owned())),
    ] {
        let mut changed = node(reference, "Account", &[]);
        changed.write = Write::Update(target);
        family.push(changed);
    }
    let client = client(|_, request| {
        if request.uri().path() == "/services/oauth2/token" {
            return (200, TOKEN.into());
        }
        assert_eq!(request.uri().path(), "/services/data/v67.0/composite/graph");
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let base = "/services/data/v67.0/sobjects";
        assert_eq!(
            body,
            json!({ "graphs": [{ "graphId": "0", "compositeRequest": [
            { "method": "POST", "url": format!("{base}/Account"), "referenceId": "a", "body": {} },
            { "method": "PATCH", "url": format!("{base}/Contact/Key__c/x%2F%C3%A4"), "referenceId": "c",
              "body": { "LastName": "Lovelace", "ParentId": "@{a.id}" } },
            { "method": "PATCH", "url": format!("{base}/Account/@{{a.id}}"), "referenceId": "again", "body": {} },
            { "method": "PATCH", "url": format!("{base}/Account/001"), "referenceId": "old", "body": {} },
        ] }] })
        );
        let node = |reference: &str, status: u16, body: Value| json!({ "referenceId": reference, "httpStatusCode": status, "httpHeaders": {}, "body": body });
        let nodes = json!([
            node(
                "a",
                201,
                json!({ "id": "0015e00000AAAAA", "success": true, "errors": [] })
            ),
            node(
                "c",
                200,
                json!({ "id": "003000000000001AAA", "success": true, "errors": [], "created": false })
            ),
            node("again", 204, Value::Null),
            node("old", 204, Value::Null),
        ]);
        (200, json!({ "graphs": [{ "graphId": "0", "isSuccessful": true, "graphResponse": { "compositeResponse": nodes } }] }).to_string())
    });
    let graphs = [Graph::new(family).unwrap()];
    let results = client.write_graphs(&packed(&graphs)[0]).await.unwrap();
    let ids = results[0].clone().unwrap();
    assert_eq!(
        ids,
        [
            "0015e00000AAAAAAA5",
            "003000000000001AAA",
            "0015e00000AAAAAAA5",
            "001"
        ]
    );
}

/// What becomes of a parent and a child when this is all that comes back.
async fn answered(status: u16, answer: &'static str) -> Result<GraphResult, CallError> {
    let graphs = [Graph::new(vec![
        node("a", "Account", &[]),
        node("b", "Contact", &["a"]),
    ])
    .unwrap()];
    let mut results = org(status, answer)
        .write_graphs(&packed(&graphs)[0])
        .await?;
    Ok(results.remove(0))
}

#[tokio::test]
async fn the_culprit_is_told_from_the_innocent() {
    let failure = answered(200, r#"{"graphs":[{"graphId":"0","isSuccessful":false,"graphResponse":{"compositeResponse":[
        {"referenceId":"b","httpStatusCode":400,"httpHeaders":{},"body":[{"errorCode":"STRING_TOO_LONG","message":"First Name: data value too large","fields":["FirstName"]}]},
        {"referenceId":"a","httpStatusCode":400,"httpHeaders":{},"body":[{"errorCode":"PROCESSING_HALTED","message":"The transaction was rolled back since another operation in the same transaction failed."}]}
        ]}}]}"#).await.unwrap().unwrap_err();
    assert_eq!(failure.culprits().collect::<Vec<_>>(), [1]);
    assert_eq!(failure.errors(1)[0].fields, ["FirstName"]);
    assert_eq!(failure.verdict(1), Verdict::Permanent);
    assert_eq!(failure.verdict(0), Verdict::Innocent);
}

#[tokio::test]
async fn a_graph_that_was_not_tried_blames_nobody() {
    let failure = answered(200, r#"{"graphs":[{"graphId":"0","isSuccessful":false,"graphResponse":{"compositeResponse":[
        {"referenceId":"a","httpStatusCode":400,"body":[{"errorCode":"PROCESSING_HALTED","message":"Too many graphs failed."}]}
        ]}}]}"#).await.unwrap().unwrap_err();
    assert_eq!(failure.culprits().count(), 0);
    assert_eq!(
        (failure.verdict(0), failure.verdict(1)),
        (Verdict::Innocent, Verdict::Innocent)
    );
}

/// Its code is that of the innocent; taken for one it would be sent for ever.
#[tokio::test]
async fn a_reference_to_what_is_not_there_is_a_culprit() {
    let failure = answered(200, r#"{"graphs":[{"graphId":"0","isSuccessful":false,"graphResponse":{"compositeResponse":[
        {"referenceId":"b","httpStatusCode":400,"body":[{"errorCode":"PROCESSING_HALTED","message":"Invalid reference specified. No value for a.id found in a"}]}
        ]}}]}"#).await.unwrap().unwrap_err();
    assert_eq!(failure.culprits().collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn a_node_may_fail_in_any_shape() {
    for (body, status, code) in [
        (
            r#"[{"errorCode":"DUPLICATE_VALUE","message":"x"}]"#,
            400,
            "DUPLICATE_VALUE",
        ),
        (
            r#"{"errorCode":"NOT_FOUND","message":"x"}"#,
            404,
            "NOT_FOUND",
        ),
        (
            r#"{"id":null,"success":false,"errors":[{"statusCode":"UNABLE_TO_LOCK_ROW","message":"x"}]}"#,
            400,
            "UNABLE_TO_LOCK_ROW",
        ),
        (
            r#"["/services/data/v67.0/sobjects/Contact/003a"]"#,
            300,
            "UNKNOWN_EXCEPTION",
        ),
        ("[]", 400, "HTTP_400"),
        ("null", 503, "SERVER_UNAVAILABLE"),
        (r#""<html>Down</html>""#, 500, "SERVER_UNAVAILABLE"),
    ] {
        let answer = format!(
            r#"{{"graphs":[{{"graphId":"0","isSuccessful":false,"graphResponse":{{"compositeResponse":[
            {{"referenceId":"a","httpStatusCode":{status},"body":{body}}}]}}}}]}}"#
        );
        let failure = answered(200, answer.leak()).await.unwrap().unwrap_err();
        assert_eq!(failure.errors(0)[0].code, code, "{body}");
        assert_ne!(failure.verdict(0), Verdict::Innocent, "{body}");
    }
}

/// The call may have written all of it: it is read back, not taken for done or for failed.
#[tokio::test]
async fn an_answer_that_contradicts_itself_is_none() {
    for answer in [
        "",
        "<html>Down for maintenance</html>",
        "[]",
        r#"{"graphs":[]}"#,
        r#"{"graphs":[{"graphId":"7","isSuccessful":true,"graphResponse":{"compositeResponse":[]}}]}"#,
        r#"{"graphs":[{"graphId":"0","isSuccessful":true,"graphResponse":{"compositeResponse":[]}}]}"#,
        r#"{"graphs":[{"graphId":"0","isSuccessful":false,"graphResponse":{"compositeResponse":[]}}]}"#,
        r#"{"graphs":[{"graphId":"0","isSuccessful":false}]}"#,
        r#"{"graphs":[{"graphId":"0","isSuccessful":true,"graphResponse":{"compositeResponse":[
            {"referenceId":"a","httpStatusCode":201,"body":{"success":true}},{"referenceId":"b","httpStatusCode":201,"body":{"id":"003","success":true}}]}}]}"#,
        r#"{"graphs":[{"graphId":"0","isSuccessful":true,"graphResponse":{"compositeResponse":[
            {"referenceId":"a","httpStatusCode":201,"body":{"id":"001","success":true}},{"referenceId":"b","httpStatusCode":400,"body":[]}]}}]}"#,
    ] {
        let error = answered(200, answer).await.unwrap_err();
        assert!(error.may_have_committed(), "{answer}: {error}");
    }
}

#[tokio::test]
async fn a_call_that_is_refused_wrote_nothing() {
    let error = answered(
        400,
        r#"[{"errorCode":"LIMIT_EXCEEDED","message":"too many graphs"}]"#,
    )
    .await
    .unwrap_err();
    assert_eq!(error.code(), "LIMIT_EXCEEDED");
    assert!(!error.may_have_committed());
}

/// How many objects there are, how large graphs may be, how many there may be: each draw meets another limit.
const SIZES: [(usize, usize, usize); 3] = [(1, 2, 300), (2, 40, 150), (40, 20, 100)];

fn graphs() -> impl Strategy<Value = Vec<Graph>> {
    prop::sample::select(&SIZES[..]).prop_flat_map(|(objects, nodes, graphs)| {
        let node = (0..objects, any::<prop::sample::Index>(), any::<bool>());
        let graph = prop::collection::vec(node, 1..=nodes).prop_map(|drawn| {
            let nodes = drawn.into_iter().enumerate();
            let nodes = nodes.map(|(number, (object, parent, changes))| {
                // Never deeper than the limit: parents are among the first few.
                let parent = match number.min(DEPTH_MAX - 1) {
                    0 => None,
                    above => Some(format!("n{}", parent.index(above))),
                };
                let parents: Vec<&str> = parent.iter().map(String::as_str).collect();
                // Never of more kinds than the limit.
                let object = format!("O{}__c", if number < 14 { object } else { 0 });
                let mut node = super::tests::node(&format!("n{number}"), &object, &parents);
                if changes && number % 2 == 0 && number < 14 {
                    node.write = Write::Update(Target::Id("001".to_owned()));
                }
                node
            });
            Graph::new(nodes.collect()).unwrap()
        });
        prop::collection::vec(graph, graphs / 2..=graphs)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]
    #[test]
    fn no_call_breaks_a_limit_and_none_loses_a_node(graphs in graphs()) {
        let calls = packed(&graphs);
        let mut places: Vec<usize> = Vec::new();
        for call in &calls {
            // Judged by what is sent, not by what the packer counted.
            let body = call.body("/services/data/v67.0");
            let sent = body["graphs"].as_array().unwrap();
            prop_assert!(sent.len() <= 75);
            let mut nodes = 0;
            let mut kinds = BTreeSet::new();
            for (sent, place) in sent.iter().zip(call.places()) {
                let sent = sent["compositeRequest"].as_array().unwrap();
                prop_assert_eq!(sent.len(), graphs[*place].nodes().len());
                nodes += sent.len();
                let mut before: HashMap<String, usize> = HashMap::new();
                for (node, own) in sent.iter().zip(graphs[*place].nodes()) {
                    prop_assert_eq!(node["referenceId"].as_str(), Some(own.reference.as_str()));
                    let object = node["url"].as_str().unwrap().split('/').nth(5).unwrap();
                    kinds.insert(format!("{} {object}", node["method"]));
                    let parent = node["body"]["ParentId"].as_str();
                    let parent = parent.map(|text| text.trim_start_matches("@{").trim_end_matches(".id}"));
                    let above = parent.map_or(0, |parent| before.get(parent).copied().unwrap_or(usize::MAX - 1));
                    prop_assert!(above < 15, "{node} hangs on what is not before it, or too deep");
                    before.insert(own.reference.clone(), above + 1);
                }
            }
            prop_assert!(nodes <= 500, "{nodes} nodes");
            prop_assert!(kinds.len() <= 15, "{kinds:?}");
            places.extend(call.places());
        }
        places.sort_unstable();
        prop_assert_eq!(places, (0..graphs.len()).collect::<Vec<_>>());
        // No two calls could have been one.
        for (index, call) in calls.iter().enumerate().skip(1) {
            let first = call.graphs()[0];
            for earlier in &calls[..index] {
                let over = earlier.graphs().len() >= 75
                    || earlier.graphs().iter().map(|graph| graph.nodes().len()).sum::<usize>() + first.nodes().len() > 500
                    || earlier.graphs().iter().flat_map(|graph| &graph.kinds).chain(&first.kinds).collect::<BTreeSet<_>>().len() > 15;
                prop_assert!(over, "a call more than it takes");
            }
        }
    }
}
