//! Composite Graph, by Salesforce's documentation.

use super::*;

fn node(method: &str, path: &str, reference: &str, body: Value) -> Value {
    let url = format!("/services/data/v67.0/sobjects/{path}");
    json!({ "method": method, "url": url, "referenceId": reference, "body": body })
}

fn payload(graphs: &[Vec<Value>]) -> Value {
    let graphs = graphs.iter().enumerate();
    let graphs = graphs
        .map(|(number, nodes)| json!({ "graphId": number.to_string(), "compositeRequest": nodes }));
    json!({ "graphs": graphs.collect::<Vec<_>>() })
}

async fn write(org: &Client, graphs: &[Vec<Value>]) -> (StatusCode, Value) {
    org.call(Method::POST, "/composite/graph", payload(graphs))
        .await
}

/// An account with one person; without a last name Salesforce does not take the person.
fn family(name: &str, last_name: Option<&str>) -> Vec<Value> {
    vec![
        node("POST", "Account", "account", json!({ "Name": name })),
        node(
            "POST",
            "Contact",
            "person",
            json!({ "LastName": last_name, "AccountId": "@{account.id}" }),
        ),
    ]
}

/// Status and code of each node of a graph.
fn told(answer: &Value, graph: usize) -> Vec<(u64, String)> {
    let nodes = &answer["graphs"][graph]["graphResponse"]["compositeResponse"];
    let nodes = nodes.as_array().unwrap().iter();
    nodes
        .map(|node| {
            let code = node["body"][0]["errorCode"].as_str().unwrap_or_default();
            (node["httpStatusCode"].as_u64().unwrap(), code.to_owned())
        })
        .collect()
}

#[tokio::test]
async fn a_graph_is_written_with_its_references_and_another_not_at_all() {
    let org = client(true).await;
    let calls = org.simulator.calls();
    let orphan = vec![
        node("POST", "Contact", "person", json!({ "LastName": "Byron" })),
        node("POST", "Contact", "other", json!({})),
        node("POST", "Contact", "third", json!({ "LastName": "King" })),
    ];
    let (status, answer) = write(&org, &[family("Lovelace", Some("Ada")), orphan]).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(org.simulator.calls(), calls + 1);

    assert_eq!(answer["graphs"][0]["isSuccessful"], true);
    let account = org.simulator.find("Account", "Name", "Lovelace").remove(0);
    let person = org.simulator.find("Contact", "LastName", "Ada").remove(0);
    assert_eq!(person["AccountId"], account["Id"]);
    let first = &answer["graphs"][0]["graphResponse"]["compositeResponse"][0];
    assert_eq!(first["body"]["id"], account["Id"]);
    let id = account["Id"].as_str().unwrap();
    assert_eq!(
        first["httpHeaders"]["Location"],
        format!("/services/data/v67.0/sobjects/Account/{id}")
    );

    assert_eq!(answer["graphs"][1]["isSuccessful"], false);
    let halted = || (400, "PROCESSING_HALTED".to_owned());
    let culprit = (400, "REQUIRED_FIELD_MISSING".to_owned());
    assert_eq!(told(&answer, 1), [halted(), culprit, halted()]);
    assert_eq!(org.simulator.records("Contact").len(), 1);
    assert_eq!(
        org.simulator.records("Account").len(),
        1,
        "Byron's household went too"
    );
    let log = org.simulator.write_log();
    let objects: Vec<&str> = log.iter().map(|write| write.object.as_str()).collect();
    let expected = ["Account", "Contact", "npe5__Affiliation__c"];
    assert_eq!(objects, expected, "NPSP notes whose the person is");
}

#[tokio::test]
async fn what_was_changed_or_deleted_is_as_it_was() {
    let org = client(true).await;
    let (_, made) = org
        .create(json!({ "LastName": "Before", "Ticketure_Identity_Id__c": "i-1" }))
        .await;
    let id = made["id"].as_str().unwrap();
    let log = org.simulator.write_log();
    let (_, answer) = write(
        &org,
        &[vec![
            node(
                "PATCH",
                &format!("Contact/{id}"),
                "a",
                json!({ "LastName": "After", "Ticketure_Identity_Id__c": "i-2" }),
            ),
            node("DELETE", &format!("Contact/{id}"), "b", Value::Null),
            node("POST", "Contact", "c", json!({})),
        ]],
    )
    .await;
    assert_eq!(told(&answer, 0)[2].1, "REQUIRED_FIELD_MISSING", "{answer}");
    assert_eq!(org.simulator.records("Contact")[0]["LastName"], "Before");
    assert_eq!(org.simulator.write_log(), log);
    // The index is as it was, too.
    let (_, found) = org
        .query("SELECT Id FROM Contact WHERE Ticketure_Identity_Id__c = 'i-1'")
        .await;
    assert_eq!(found["totalSize"], 1);
    let (_, found) = org
        .query("SELECT Id FROM Contact WHERE Ticketure_Identity_Id__c = 'i-2'")
        .await;
    assert_eq!(found["totalSize"], 0);
}

#[tokio::test]
async fn records_are_found_by_external_id_by_id_and_by_reference() {
    let org = client(true).await;
    let by_key = |last_name: &str| {
        vec![
            node(
                "PATCH",
                "Contact/Ticketure_Identity_Id__c/i-1",
                "a",
                json!({ "LastName": last_name }),
            ),
            node("GET", "Contact/@{a.id}", "b", Value::Null),
            node(
                "PATCH",
                "Contact/@{a.id}",
                "c",
                json!({ "FirstName": "of @{b.LastName}" }),
            ),
        ]
    };
    let (_, answer) = write(&org, &[by_key("Byron")]).await;
    assert_eq!(
        told(&answer, 0)
            .iter()
            .map(|node| node.0)
            .collect::<Vec<_>>(),
        [201, 200, 204],
        "{answer}"
    );
    let (_, answer) = write(&org, &[by_key("King")]).await;
    assert_eq!(told(&answer, 0)[0].0, 200, "{answer}");
    let contacts = org.simulator.records("Contact");
    assert_eq!(
        (contacts.len(), &contacts[0]["FirstName"]),
        (1, &json!("of King"))
    );
}

#[tokio::test]
async fn a_reference_to_nothing_fails_its_graph() {
    let org = client(true).await;
    let lost = vec![node(
        "POST",
        "Contact",
        "a",
        json!({ "LastName": "@{b.id}" }),
    )];
    let (_, answer) = write(&org, &[lost]).await;
    let error = &answer["graphs"][0]["graphResponse"]["compositeResponse"][0]["body"][0];
    assert_eq!(error["errorCode"], "PROCESSING_HALTED");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .starts_with("Invalid reference specified")
    );
}

#[tokio::test]
async fn payloads_beyond_a_limit_are_refused_as_a_whole() {
    let org = client(true).await;
    let one = |path: &str, reference: usize, parent: Option<usize>| {
        let parent = parent.map(|parent| format!("@{{r{parent}.id}}"));
        node(
            "POST",
            path,
            &format!("r{reference}"),
            json!({ "Name": "x", "ParentId": parent }),
        )
    };
    let chain = |length: usize| -> Vec<Value> {
        (0..length)
            .map(|number| one("Account", number, number.checked_sub(1)))
            .collect()
    };
    let flat = |length: usize| -> Vec<Value> {
        (0..length)
            .map(|number| one("Account", number, None))
            .collect()
    };
    let kinds = |count: usize| -> Vec<Value> {
        (0..count)
            .map(|number| one(&format!("Object{number}"), number, None))
            .collect()
    };
    for (graphs, fits) in [
        (vec![flat(1); 75], true),
        (vec![flat(1); 76], false),
        (vec![flat(500)], true),
        (vec![flat(501)], false),
        (vec![flat(250), flat(251)], false),
        (vec![chain(15)], true),
        (vec![chain(16)], false),
        (vec![kinds(15)], true),
        (vec![kinds(16)], false),
        (
            vec![
                kinds(15),
                vec![node("PATCH", "Object1/001", "a", json!({}))],
            ],
            false,
        ),
    ] {
        let before = org.simulator.records("Account").len();
        let (status, answer) = write(&org, &graphs).await;
        assert_eq!(status == StatusCode::OK, fits, "{answer}");
        if !fits {
            assert_eq!(answer[0]["errorCode"], "LIMIT_EXCEEDED");
            assert_eq!(org.simulator.records("Account").len(), before);
        }
    }
}

#[tokio::test]
async fn after_fifteen_failures_the_rest_is_not_tried() {
    let org = client(true).await;
    let mut graphs: Vec<Vec<Value>> = vec![family("x", None); 14];
    graphs.push(family("fifteenth", Some("y")));
    graphs.push(family("z", None));
    graphs.push(family("last", Some("z")));
    let (_, answer) = write(&org, &graphs).await;
    assert_eq!(answer["graphs"][14]["isSuccessful"], true, "14 may fail");
    assert_eq!(told(&answer, 15)[1].1, "REQUIRED_FIELD_MISSING");
    let halted = (400, "PROCESSING_HALTED".to_owned());
    assert_eq!(told(&answer, 16), [halted.clone(), halted]);
    assert!(org.simulator.find("Account", "Name", "last").is_empty());
}

#[tokio::test]
async fn only_records_are_nodes_and_names_are_plain() {
    let org = client(true).await;
    for path in ["Contact/describe", "../query?q=SELECT", "Contact/a/b/c"] {
        let (_, answer) = write(&org, &[vec![node("GET", path, "a", Value::Null)]]).await;
        assert_eq!(told(&answer, 0), [(404, "NOT_FOUND".to_owned())], "{path}");
    }
    for nodes in [
        vec![node("POST", "Account", "a-b", json!({}))],
        vec![
            node("POST", "Account", "a", json!({})),
            node("POST", "Account", "a", json!({})),
        ],
    ] {
        assert_eq!(write(&org, &[nodes]).await.0, StatusCode::BAD_REQUEST);
    }
    let path = "/services/data/v49.0/composite/graph";
    let (status, _) = send(&org.simulator, Method::POST, path, &org.token, "{}").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
