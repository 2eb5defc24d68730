//! Each code has a page, whose failing example fails with that code and whose passing one passes.

use codegen::diagnostic::CODES;

use super::{found, with};

/// What the examples leave out.
const FRAME: &str = "mapping: example
source: ticketure.identity
destination: salesforce.Contact
direction: forward
on: identity_changed
key: { source: id, destination: Ticketure_Identity_Id__c }
lane: id
fields:
  - { source: last_name, destination: LastName }
";

/// An object with a field that only a create may set, which the shipped ones do not have.
const TICKET: &str = r#"{ "object": "Ticket", "keyPrefix": "a00", "fields": [
  { "name": "Ticketure_Id__c", "type": "string", "length": 36, "createable": true, "updateable": true, "nillable": true, "externalId": true, "unique": true },
  { "name": "Holder__c", "type": "string", "length": 80, "createable": true, "nillable": true } ] }"#;

/// The example, and of the frame what the example does not say.
fn framed(example: &str) -> String {
    let key = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
    let given: Vec<String> = example
        .lines()
        .filter(|line| !line.starts_with(' '))
        .map(key)
        .collect();
    let mut keep = true;
    let mut text = String::new();
    for line in FRAME.lines() {
        if !line.starts_with(' ') {
            keep = !given.contains(&key(line));
        }
        if keep {
            text += line;
            text.push('\n');
        }
    }
    text + example
}

fn examples(page: &str) -> Vec<String> {
    page.split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.split_once('\n'))
        .map(|(_, text)| text.to_owned())
        .collect()
}

#[test]
fn every_page_tells_the_truth() {
    for (code, page) in CODES {
        let examples = examples(page);
        let [fails, passes] = examples.as_slice() else {
            panic!(
                "{} wants one example that fails and one that passes",
                code.0
            );
        };
        let run = |example: &str| {
            let sources = if code.0 == "M0402" {
                with("schemas/salesforce/_org.json", example)
            } else if code.0 == "M0401" {
                with("schemas/salesforce/Campaign.json", example)
            } else {
                let mut files = with("example.yaml", &framed(example)).to_files();
                files.push((
                    "schemas/salesforce/Ticket.json".to_owned(),
                    TICKET.to_owned(),
                ));
                codegen::source::Sources::from_files(files)
            };
            found(&sources)
                .into_iter()
                .map(|(code, _)| code)
                .collect::<Vec<_>>()
        };
        assert_eq!(run(fails), [code.0], "the failing example of {}", code.0);
        assert_eq!(
            run(passes),
            Vec::<String>::new(),
            "the passing example of {}",
            code.0
        );
        assert!(page.starts_with(&format!("# {}: ", code.0)));
    }
}
