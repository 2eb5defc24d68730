//! The shipped contact mapping, broken in the ways that people break it: each at its line, once.

use super::{found, shipped, with};

/// Replaces the first `from` by `to`; the diagnostics are expected at the lines that then hold the given texts.
struct Case {
    from: &'static str,
    to: &'static str,
    expected: &'static [(&'static str, &'static str)],
}

const fn case(
    from: &'static str,
    to: &'static str,
    expected: &'static [(&'static str, &'static str)],
) -> Case {
    Case { from, to, expected }
}

const CASES: &[Case] = &[
    case(
        "destination: FirstName",
        "destination: FristName",
        &[("M0102", "FristName")],
    ),
    case(
        "destination: FirstName",
        "destination: first_name",
        &[("M0102", "destination: first_name")],
    ),
    case(
        "source: mobile",
        "source: mobil",
        &[("M0101", "source: mobil,")],
    ),
    case("address.city", "address.cty", &[("M0101", "address.cty")]),
    case("address.city", "adress.city", &[("M0101", "adress.city")]),
    case("address.city", "city", &[("M0101", "source: city")]),
    case("convert: email", "convert: e-mail", &[("M0105", "e-mail,")]),
    case(
        "convert: date",
        "convert: dat",
        &[("M0105", "convert: dat,")],
    ),
    case(", convert: date", "", &[("M0201", "Birthdate")]),
    case(
        "convert: not",
        "convert: phone",
        &[("M0201", "convert: phone }")],
    ),
    case(
        "reference: account",
        "reference: acount",
        &[("M0104", "acount")],
    ),
    case(
        "reference: account",
        "reference: contact",
        &[
            ("M0201", "reference: contact"),
            ("M0307", "reference: contact"),
        ],
    ),
    case(
        ", reference: account",
        "",
        &[("M0201", "npsp__Primary_Affiliation__c, needs")],
    ),
    case(", needs: npsp", "", &[("M0208", "reference: account }")]),
    case("needs: npsp", "needs: nspp", &[("M0007", "nspp")]),
    case(
        "value: Ticketure",
        "value: Tiketure",
        &[("M0206", "Tiketure")],
    ),
    case(
        "monitored: true",
        "monitord: true",
        &[("M0004", "monitord")],
    ),
    case(
        "monitored: true",
        "monitored: yes",
        &[("M0006", "monitored: yes")],
    ),
    case(
        "monitored: true",
        "monitored: \"true\"",
        &[("M0006", "monitored: \"true\"")],
    ),
    case(
        "destination: HomePhone",
        "destination: MobilePhone",
        &[("M0302", "source: mobile")],
    ),
    case(
        "destination: HomePhone",
        "destination: CreatedDate",
        &[("M0203", "CreatedDate")],
    ),
    case(
        "destination: HomePhone",
        "destination: Ticketure_Identity_Id__c",
        &[("M0302", "source: phone"), ("M0202", "source: phone")],
    ),
    case(
        "destination: MailingCity",
        "destination: MailingPostalCode",
        &[("M0202", "address.city"), ("M0302", "address.postal_code")],
    ),
    case(
        "source: address.city",
        "source: address",
        &[("M0201", "source: address,")],
    ),
    case(
        "destination: Ticketure_Identity_Id__c",
        "destination: Email",
        &[("M0207", "key:"), ("M0302", "convert: email")],
    ),
    case(
        "destination: Ticketure_Identity_Id__c }",
        "destination: Ticketure_Id__c }",
        &[("M0102", "Ticketure_Id__c }")],
    ),
    case(
        "key: { source: id",
        "key: { source: email",
        &[("M0207", "key:")],
    ),
    case("lane: id", "lane: idd", &[("M0101", "idd")]),
    case("lane: id", "lane:id", &[("M0001", "lane:id")]),
    case("lane: id\n", "", &[("M0005", "mapping: contact")]),
    case("lane: id", "lane: address", &[("M0305", "lane: address")]),
    case(
        "lock: AccountId",
        "lock: AcountId",
        &[("M0102", "AcountId")],
    ),
    case(
        "lock: AccountId",
        "lock: LastName",
        &[("M0305", "lock: LastName")],
    ),
    case("lock: AccountId", "lcok: AccountId", &[("M0004", "lcok")]),
    case(
        "on: identity_changed",
        "on: identity_change",
        &[("M0103", "identity_change")],
    ),
    case(
        "source: ticketure.identity",
        "source: ticketure.identiy",
        &[("M0103", "identiy")],
    ),
    case(
        "destination: salesforce.Contact",
        "destination: salesforce.Contcat",
        &[("M0103", "Contcat")],
    ),
    case("direction: both", "direction: boht", &[("M0007", "boht")]),
    case(
        "direction: both",
        "direction: reverse",
        &[("M0008", "reverse")],
    ),
    case(
        "identity_type: person",
        "identity_type: persn",
        &[("M0306", "persn")],
    ),
    case(
        "identity_type: person",
        "identity_typ: person",
        &[("M0101", "identity_typ:")],
    ),
    case("conflict: newest", "conflict: newst", &[("M0007", "newst")]),
    case(
        "on_link: fill_blanks",
        "on_link: fill",
        &[("M0007", "on_link: fill")],
    ),
    case(
        "after_delete: detach",
        "after_delte: detach",
        &[("M0004", "after_delte")],
    ),
    case(
        "destination: LastName, monitored",
        "destination: LastName, conflict: restrictive, monitored",
        &[("M0211", "restrictive")],
    ),
    case(
        "when_creating: true",
        "when_creating: true, direction: both",
        &[("M0209", "LeadSource, when_creating: true")],
    ),
    case(
        "reference: account,",
        "reference: account, direction: both,",
        &[("M0209", "reference: account")],
    ),
    case(
        "reference: account,",
        "reference: account, monitored: true,",
        &[("M0210", "reference: account")],
    ),
    case(
        "source: language,",
        "source: id,",
        &[
            ("M0202", "source: id, destination: Ticketure_L"),
            ("M0209", "source: id, destination: Ticketure_L"),
        ],
    ),
    case(
        "source: mobile,",
        "source: phone,",
        &[("M0209", "!second source: phone,")],
    ),
    case(
        "push: { mobile: \"2\" }",
        "push: { moblie: \"2\" }",
        &[("M0101", "moblie")],
    ),
    case("    push: false", "    push: maybe", &[("M0006", "maybe")]),
    case(
        "before: { FirstName: Ada, LastName: Lovelace }",
        "before: { FristName: Ada, LastName: Lovelace }",
        &[("M0102", "FristName")],
    ),
    case(
        "direction: both",
        "direction: forward",
        &[
            ("M0210", "a changed phone number goes back"),
            ("M0210", "a changed fax number does not"),
            ("M0210", "without an e-mail address"),
            ("M0210", "edits on both sides"),
            ("M0210", "when two records meet"),
        ],
    ),
    case("policy: adopt", "policy: adpot", &[("M0007", "adpot")]),
    case(
        "[[email, first_name, last_name]",
        "[[email, first_name, lastname]",
        &[("M0101", "lastname")],
    ),
    case(
        "[[email, first_name, last_name]",
        "[[email, first_name, language2]",
        &[("M0101", "language2")],
    ),
    case(
        "ignore: [Fax, Salutation]",
        "ignore: [Fax, Salutatoin]",
        &[("M0301", "Salutatoin")],
    ),
    case(
        "ignore: [Fax, Salutation]",
        "ignore: [Fax, Email]",
        &[("M0301", "ignore:")],
    ),
    case(
        "ignore: [Fax, Salutation]",
        "ignore: [Fax, Salutation",
        &[("M0001", "ignore:")],
    ),
    case(
        "mapping: contact",
        "maping: contact",
        &[("M0004", "maping")],
    ),
    case("fields:\n", "fields\n", &[("M0001", "fields")]),
    case(
        "{ source: mobile,",
        "{ source: mobile",
        &[("M0001", "source: mobile")],
    ),
    case(
        "source: phone, destination: HomePhone",
        "source: phone, destination:HomePhone",
        &[("M0004", "destination:HomePhone")],
    ),
    case(
        "source: phone, destination: HomePhone",
        "source: \"phone, destination: HomePhone",
        &[("M0001", "\"phone")],
    ),
    case(
        "convert: date, pii: true }",
        "convert: date, pii: true",
        &[("M0001", "date_of_birth")],
    ),
    case(
        "  - { source: language",
        "\t- { source: language",
        &[("M0001", "source: language")],
    ),
    case(
        "  - { source: language",
        " - { source: language",
        &[("M0001", "source: language")],
    ),
    case(
        "  - { source: language",
        "   - { source: language",
        &[("M0001", "source: language")],
    ),
    case(
        "  - { source: language, destination: Ticketure_Language__c",
        "  - { source: language, value: x, destination: Ticketure_Language__c",
        &[("M0006", "value: x")],
    ),
    case(
        "lane: id",
        "lane: id\nlane: id",
        &[("M0002", "!second lane: id")],
    ),
    case(
        "    given: { id: \"i-1\"",
        "    givn: { id: \"i-1\"",
        &[("M0004", "givn")],
    ),
    case(
        "Email: ada@example.org",
        "Emial: ada@example.org",
        &[("M0102", "Emial: ada")],
    ),
];

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
    for case in CASES {
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
        ("schemas/ticketure/identity.schema.json", "{ \"type\": "),
        (
            "schemas/webhooks/identity_changed.schema.json",
            "{ \"type\": ",
        ),
    ] {
        let codes: Vec<String> = found(&with(file, text))
            .into_iter()
            .map(|(code, _)| code)
            .collect();
        assert_eq!(codes, ["M0401"], "{file}: {text}");
    }
}
