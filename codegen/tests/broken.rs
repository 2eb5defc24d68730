//! The shipped contact mapping, broken in the ways that people break it: each at its line, once.

mod cases;
mod memberships;
mod rules;
mod trees;

use codegen::source::Sources;

use super::{everything, found, shipped, with};

fn contact() -> String {
    shipped()
        .to_files()
        .into_iter()
        .find(|(name, _)| name == "contact.yaml")
        .unwrap()
        .1
}

/// The line that holds the text; with `!second ` in front, the second such line.
fn line_of(text: &str, part: &str) -> u32 {
    let (part, skip) = part
        .strip_prefix("!second ")
        .map_or((part, 0), |part| (part, 1));
    let line = text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains(part))
        .nth(skip);
    line.unwrap_or_else(|| panic!("no line holds {part:?}")).0 as u32 + 1
}

#[test]
fn each_mistake_is_found_at_its_line_and_once() {
    let whole = contact();
    let mut wrong = Vec::new();
    for case in cases::CASES.iter().chain(rules::CASES) {
        assert!(
            whole.contains(case.from),
            "{:?} is not in the mapping",
            case.from
        );
        let text = whole.replacen(case.from, case.to, 1);
        let mut expected: Vec<(String, u32)> = case
            .expected
            .iter()
            .map(|(code, part)| ((*code).to_owned(), line_of(&text, part)))
            .collect();
        let mut got = found(&with("contact.yaml", &text));
        expected.sort();
        got.sort();
        if got != expected {
            wrong.push(format!(
                "{:?} -> {:?}: expected {expected:?}, got {got:?}",
                case.from, case.to
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_shipped_mappings_are_clean() {
    assert_eq!(found(&shipped()), []);
}

/// What speaks of another mapping's records is judged by that mapping.
#[test]
fn rows_of_another_mapping_say_nothing_that_it_does_not_know() {
    let is_it = |(name, _): &(String, String)| name == "organization.yaml";
    let mut files = everything().to_files();
    let place = files.iter().position(is_it).unwrap();
    let whole = files[place].1.clone();
    for (from, to, part) in [
        ("destination: Website", "destination: Site", "Site"),
        ("direction: forward", "direction: both", "direction: both"),
        ("of: account", "of: cart", "of: cart"),
        (
            "destination: salesforce.Account",
            "destination: salesforce.Contact",
            "destination: salesforce.Contact",
        ),
    ] {
        let text = whole.replacen(from, to, 1);
        files[place].1.clone_from(&text);
        let found = found(&Sources::from_files(files.clone()));
        let expected = ("M0330".to_owned(), line_of(&text, part));
        assert!(found.contains(&expected), "{to}: {found:?}");
    }
}

#[test]
fn three_mistakes_in_one_file_are_three_reports() {
    let text = contact()
        .replace("FirstName,", "FristName,")
        .replace("convert: date", "convert: dat")
        .replace("lock: AccountId", "lock: AcountId");
    let codes: Vec<String> = found(&with("contact.yaml", &text))
        .into_iter()
        .map(|(code, _)| code)
        .collect();
    assert_eq!(codes, ["M0102", "M0102", "M0105"]);
}

#[test]
fn a_mistake_after_a_syntax_error_is_found_too() {
    let text = contact()
        .replace("[email]]", "[email]")
        .replace("convert: date", "convert: dat");
    let codes: Vec<String> = found(&with("contact.yaml", &text))
        .into_iter()
        .map(|(code, _)| code)
        .collect();
    assert_eq!(codes, ["M0001", "M0105"]);
}

#[test]
fn a_required_field_that_is_not_mapped_is_missed() {
    let text: String = contact()
        .lines()
        .filter(|line| !line.contains("destination: LastName"))
        .map(|line| format!("{line}\n"))
        .collect();
    let codes: Vec<String> = found(&with("contact.yaml", &text))
        .into_iter()
        .map(|(code, _)| code)
        .collect();
    assert_eq!(codes, ["M0204", "M0305"]);
}

#[test]
fn renderings_carry_the_same_facts() {
    let sources = with(
        "contact.yaml",
        &contact().replace("FirstName,", "FristName,"),
    );
    let checked = codegen::check(&sources);
    let found = &checked.diagnostics[0];
    let text = codegen::diagnostic::text(found, &sources, false);
    for part in [
        "error[M0102]",
        "mappings/contact.yaml:",
        "FristName",
        "^^^^^^^^^",
        "did you mean `FirstName`?",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&codegen::diagnostic::json_line(found, &sources)).unwrap();
    assert_eq!(
        (json["code"].as_str(), json["fixes"][0]["text"].as_str()),
        (Some("M0102"), Some("FirstName"))
    );
    let github = codegen::diagnostic::github(found, &sources);
    assert!(
        github.starts_with("::error file=mappings/contact.yaml,line="),
        "{github}"
    );
}

#[test]
fn a_broken_schema_is_one_mistake() {
    for (file, text) in [
        (
            "schemas/salesforce/Contact.json",
            r#"{ "object": "Contact", "fields": [ { "name": "Id" } ] }"#,
        ),
        ("schemas/salesforce/Contact.json", "{ \"object\": "),
        (
            "schemas/salesforce/Contact.json",
            r#"{ "object": "Contact", "fields": [ { "name": "Id", "type": "id" }, { "name": "Id", "type": "id" } ] }"#,
        ),
        (
            "schemas/salesforce/Contact.json",
            r#"{ "object": "Contact", "fields": [ { "name": "Title", "type": "string", "length": "forty" } ] }"#,
        ),
        (
            "schemas/salesforce/Contact.json",
            r#"{ "object": "Contact", "fields": [ { "name": "Title", "type": "string", "nillable": "yes" } ] }"#,
        ),
        ("schemas/ticketure/identity.schema.json", "{ \"type\": "),
        (
            "schemas/webhooks/identity_changed.schema.json",
            "{ \"type\": ",
        ),
        ("schemas/ticketure/identity.schema.json", "[]"),
        (
            "schemas/ticketure/identity.schema.json",
            r#"{ "properties": [] }"#,
        ),
        ("schemas/webhooks/identity_changed.schema.json", "{}"),
        ("schemas/webhooks/identity_changed.schema.json", "1"),
        (
            "schemas/salesforce/Contact.json",
            r#"{ "object": "Contact", "fields": {} }"#,
        ),
        ("schemas/salesforce/Contact.json", "[]"),
        ("schemas/salesforce/_org.json", "[]"),
    ] {
        let codes: Vec<String> = found(&with(file, text))
            .into_iter()
            .map(|(code, _)| code)
            .collect();
        assert_eq!(codes, ["M0401"], "{file}: {text}");
    }
}

/// What follows from a mistake is not said beside it.
#[test]
fn one_mistake_is_one_report() {
    let whole = contact();
    let without = |part: &str| -> String {
        let kept = whole.lines().filter(|line| !line.starts_with(part));
        kept.map(|line| format!("{line}\n")).collect()
    };
    for (text, code) in [
        (whole.replacen("mapping: contact", ": contact", 1), "M0004"),
        (
            whole.replacen("direction: both", "directon: both", 1),
            "M0004",
        ),
        (
            whole.replacen("direction: both", "direction both", 1),
            "M0001",
        ),
        (
            whole.replacen("{ source: mobile,", "{ source mobile,", 1),
            "M0004",
        ),
        (
            whole.replacen("{ source: mobile,", "{ : mobile,", 1),
            "M0004",
        ),
        (
            whole.replacen("source: email,", "source: emial,", 1),
            "M0101",
        ),
        (whole.replacen("convert: date,", "convert: ,", 1), "M0006"),
        (
            whole.replacen("reference: account,", "refrence: account,", 1),
            "M0004",
        ),
        (whole.replacen("fields:", "feilds:", 1), "M0004"),
        (whole.replacen("when:\n", "when:\nwhen:\n", 1), "M0002"),
        (
            whole.replacen(
                "  source: { identity_type: person }",
                "  source: identity_type: person }",
                1,
            ),
            "M0001",
        ),
        (
            whole.replacen("destination: FirstName", "destination: *x", 1),
            "M0001",
        ),
        (
            whole.replacen("destination: FirstName", "destination: !x FirstNam", 1),
            "M0003",
        ),
        (
            whole.replacen("lane: id", "? [lane]\n: id\nlane: id", 1),
            "M0006",
        ),
        (whole.replacen("lane: id", "lane:", 1), "M0006"),
        (without("match:"), "M0001"),
        (without("fields:"), "M0001"),
        (without("tests:"), "M0001"),
        (
            whole.replacen("ignore: [Fax, Salutation]\ntests:\n", "", 1),
            "M0006",
        ),
        (whole.replacen("    after: {", "    aftre: {", 1), "M0004"),
        (
            whole.replacen(
                "id: \"i-1\", identity_type: person",
                "id: \"i-1\", identity_type: persn",
                1,
            ),
            "M0315",
        ),
        (
            whole.replacen("  - name: a new person becomes a contact\n", "", 1),
            "M0001",
        ),
    ] {
        let found = found(&with("contact.yaml", &text));
        let codes: Vec<&str> = found.iter().map(|(code, _)| code.as_str()).collect();
        assert_ne!(text, whole);
        let changed = text
            .lines()
            .zip(whole.lines())
            .find(|(new, old)| new != old);
        assert_eq!(codes, [code], "{changed:?}");
    }
}

/// What each diagnostic of these files would have edited, and what is found then.
fn mended(files: &[(String, String)]) -> Vec<(String, Vec<String>, Vec<String>)> {
    let sources = codegen::source::Sources::from_files(files.to_vec());
    let before = codegen::check(&sources).diagnostics;
    let said = |found: &[codegen::diagnostic::Diagnostic]| -> Vec<String> {
        let said = found.iter();
        said.map(|found| format!("{}: {}", found.code, found.message))
            .collect()
    };
    let mut all = Vec::new();
    for fault in before.iter().filter(|fault| !fault.fixes.is_empty()) {
        let mut files = files.to_vec();
        let mut edits = fault.fixes.clone();
        edits.sort_by_key(|edit| std::cmp::Reverse(edit.span.start));
        for edit in edits {
            let name = &sources.file(edit.span.file).unwrap().name;
            let (_, text) = files.iter_mut().find(|(known, _)| known == name).unwrap();
            text.replace_range(edit.span.start as usize..edit.span.end as usize, &edit.text);
        }
        let after = codegen::check(&codegen::source::Sources::from_files(files)).diagnostics;
        let mut rest = said(&before);
        let own = format!("{}: {}", fault.code, fault.message);
        rest.retain(|said| *said != own);
        all.push((own, rest, said(&after)));
    }
    all
}

#[test]
fn each_fix_mends_its_mistake_and_makes_no_other() {
    let whole = contact();
    let mut texts: Vec<String> = cases::CASES
        .iter()
        .chain(rules::CASES)
        .map(|case| whole.replacen(case.from, case.to, 1))
        .collect();
    for (from, to) in [
        ("ignore: [Fax, Salutation]", "ignore: [Email]"),
        ("ignore: [Fax, Salutation]", "ignore: [Email, Fax]"),
        ("ignore: [Fax, Salutation]", "ignore:\n  - Fax\n  - Email\n"),
        (
            "  - { source: date_of_birth, destination: Birthdate, monitored: true, convert: date, pii: true }",
            "  - source: date_of_birth # as it is\n    destination: Birthdate",
        ),
        (
            "monitored: true, convert: date, pii: true }",
            "monitored: true,\n      pii: true, }",
        ),
        (
            "reference: account, needs: npsp }",
            "reference: account, direction: forward }",
        ),
        (
            "monitored: true, pii: true }",
            "monitored: Yes, pii: true }",
        ),
        ("{ source: mobile,", "{ source:mobile,"),
        ("lane: id", "lane:id"),
    ] {
        assert!(whole.contains(from), "{from}");
        texts.push(whole.replacen(from, to, 1));
    }
    let mut tried = 0;
    for text in texts {
        for (own, rest, after) in mended(&with("contact.yaml", &text).to_files()) {
            tried += 1;
            assert!(!after.contains(&own), "{own} is not mended");
            let new: Vec<&String> = after.iter().filter(|said| !rest.contains(said)).collect();
            assert!(new.is_empty(), "the mend of {own} makes {new:#?}");
        }
    }
    assert!(tried > 40, "{tried}");
}

/// The mapping that another refers to, without its name.
#[test]
fn a_mapping_without_a_name_is_one_mistake() {
    let files = shipped().to_files();
    let account = files.iter().find(|(name, _)| name == "account.yaml");
    let text = account.unwrap().1.replacen("mapping: account\n", "", 1);
    let found = found(&with("account.yaml", &text));
    let codes: Vec<&str> = found.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes, ["M0005"]);
}
