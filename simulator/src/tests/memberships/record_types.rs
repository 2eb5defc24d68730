//! Opportunities told apart by their record types, in what is read of changes.

use super::*;

/// A query by a path of its own: changes are asked for with what was deleted.
async fn all(org: &Client, condition: &str) -> Vec<Value> {
    let soql = format!(
        "SELECT Id,Name,RecordType.DeveloperName,SystemModstamp,IsDeleted FROM Opportunity WHERE {condition} ORDER BY SystemModstamp, Id"
    );
    let encoded: String = soql.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let path = format!("/queryAll?q={encoded}");
    let (status, body) = org.call(Method::GET, &path, Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{condition}: {body}");
    body["records"].as_array().unwrap().clone()
}

async fn opportunity(org: &Client, name: &str, record_type: Option<&str>) -> String {
    let types = org.simulator.records("RecordType");
    let of_type = |one: &&Map<String, Value>| {
        one["SobjectType"] == "Opportunity"
            && Some(text(one, "DeveloperName").as_str()) == record_type
    };
    let id = types.iter().find(of_type).map(|one| text(one, "Id"));
    let fields = json!({
        "Name": name, "StageName": "Closed Won", "CloseDate": "2026-03-01", "RecordTypeId": id,
    });
    org.make("Opportunity", fields).await
}

#[tokio::test]
async fn changes_are_found_by_record_type_the_deleted_ones_too() {
    for npsp in [true, false] {
        let org = client(npsp).await;
        opportunity(&org, "a term", Some("Membership")).await;
        opportunity(&org, "a gift", Some("Donation")).await;
        opportunity(&org, "neither", None).await;
        let gone = opportunity(&org, "another term", Some("Membership")).await;
        org.simulator.delete_by_user("Opportunity", &gone).unwrap();
        let since = "SystemModstamp >= 2020-01-01T00:00:00Z";
        let by_type = "RecordType.DeveloperName";
        for (more, expected) in [
            ("", vec!["a term", "a gift", "neither", "another term"]),
            (" AND {} = 'Membership'", vec!["a term", "another term"]),
            (
                " AND {} = 'membership' AND IsDeleted = false",
                vec!["a term"],
            ),
            (
                " AND {} IN ('Membership','Donation')",
                vec!["a term", "a gift", "another term"],
            ),
            (" AND {} = null", vec!["neither"]),
        ] {
            let condition = format!("{since}{}", more.replace("{}", by_type));
            let found = all(&org, &condition).await;
            let names: Vec<_> = found
                .iter()
                .map(|one| one["Name"].as_str().unwrap())
                .collect();
            assert_eq!(names, expected, "{condition}");
        }
        let found = all(&org, since).await;
        assert_eq!(found[0]["RecordType"]["DeveloperName"], "Membership");
        assert_eq!(found[2]["RecordType"], Value::Null);
        assert_eq!(found[3]["RecordType"]["DeveloperName"], "Membership");
        assert_eq!(found[3]["IsDeleted"], true);
    }
}
