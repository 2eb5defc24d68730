//! `docs/FEATURES.md`: each row says where a feature is and what proves it, and all of that is there. `docs/org.md`: the
//! fields that the org needs for it, and the settings, are all named.

use std::path::PathBuf;

use crate::world::root;

struct Row {
    feature: String,
    places: Vec<String>,
    proofs: Vec<String>,
}

#[test]
fn every_row_says_where_it_is_and_what_proves_it() {
    let mut wrong = Vec::new();
    for row in rows() {
        let feature = &row.feature;
        if !row.places.iter().any(|place| is_path(place)) {
            wrong.push(format!("{feature}: no file says where it is"));
        }
        let places = row.places.iter().filter(|place| is_path(place));
        for place in places.filter(|place| !is_there(place)) {
            wrong.push(format!("{feature}: there is no {place}"));
        }
        if row.proofs.is_empty() {
            wrong.push(format!("{feature}: which scenario or test proves it?"));
        }
        wrong.extend(
            row.proofs
                .iter()
                .filter_map(|proof| unproved(feature, proof)),
        );
    }
    assert!(wrong.is_empty(), "docs/FEATURES.md\n{}", wrong.join("\n"));
}

/// The rows of all tables, without their heads.
fn rows() -> Vec<Row> {
    let text = std::fs::read_to_string(root().join("docs/FEATURES.md")).unwrap();
    let lines = text
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| feature |"));
    let rows: Vec<Row> = lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
            assert_eq!(cells.len(), 4, "docs/FEATURES.md: {line}");
            Row {
                feature: cells[0].trim().to_owned(),
                places: quoted(cells[2]),
                proofs: quoted(cells[3]),
            }
        })
        .collect();
    assert!(!rows.is_empty());
    rows
}

fn quoted(cell: &str) -> Vec<String> {
    let parts = cell.split('`').skip(1).step_by(2);
    parts.map(str::to_owned).collect()
}

/// Words of a mapping are quoted as well.
fn is_path(text: &str) -> bool {
    text.ends_with(".rs") || text.ends_with(".yaml") || text.ends_with(".md")
}

fn is_there(place: &str) -> bool {
    [root(), root().join("connector/src")]
        .iter()
        .any(|folder| folder.join(place).exists())
}

/// Why a scenario or a file with tests does not prove the feature.
fn unproved(feature: &str, proof: &str) -> Option<String> {
    if proof.ends_with(".rs") {
        let text = std::fs::read_to_string(root().join(proof)).unwrap_or_default();
        let has_tests = ["#[test]", "#[tokio::test"]
            .iter()
            .any(|mark| text.contains(mark));
        return (!has_tests).then(|| format!("{feature}: there are no tests in {proof}"));
    }
    let path: PathBuf = root().join(format!("tests/scenarios/{proof}.yaml"));
    let Ok(text) = std::fs::read_to_string(path) else {
        return Some(format!("{feature}: there is no scenario {proof}"));
    };
    let scenario: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
    let named = scenario["features"].as_sequence().into_iter().flatten();
    let is_named = named.into_iter().any(|name| name == feature);
    (!is_named).then(|| format!("{feature}: scenario {proof} does not name it"))
}

#[test]
fn each_field_of_ours_is_named_for_the_org() {
    let page = std::fs::read_to_string(root().join("docs/org.md")).unwrap();
    let mut missing = Vec::new();
    for file in std::fs::read_dir(root().join("mappings/schemas/salesforce")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
        let object = schema["object"].as_str().unwrap_or_default();
        for field in schema["fields"].as_array().into_iter().flatten() {
            let name = field["name"].as_str().unwrap();
            let row = format!("| {object} | `{name}` |");
            if name.starts_with("Ticketure_") && !page.contains(&row) {
                missing.push(row);
            }
        }
    }
    assert!(missing.is_empty(), "docs/org.md lacks {missing:?}");
}

#[test]
fn each_setting_is_told_of() {
    let page = std::fs::read_to_string(root().join("docs/org.md")).unwrap();
    for setting in codegen::settings::SETTINGS {
        let name = format!("`{}`", setting.name);
        assert!(page.contains(&name), "docs/org.md lacks the setting {name}");
        for word in setting.words {
            assert!(
                page.contains(&format!("`{word}`")),
                "docs/org.md does not say that {name} may be {word}"
            );
        }
    }
}
