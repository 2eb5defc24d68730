//! Mutations of what the mappings' tests say.

use super::files::{Files, Mapping, inside_tests};
use super::{Expected, Mutation};

pub fn mutations(files: &Files) -> Vec<Mutation> {
    let mut all = Vec::new();
    for mapping in files.mappings() {
        for index in 0..mapping.lines.len() {
            if inside_tests(&mapping.lines, index) {
                line(&mapping, index, &mut all);
            }
        }
    }
    all
}

fn line(mapping: &Mapping, index: usize, all: &mut Vec<Mutation>) {
    let text = &mapping.lines[index];
    let mut put = |kind: &'static str, by: String| {
        if by != *text {
            all.push(Mutation {
                kind,
                about: format!("{}:{}: {by}", mapping.file, index + 1),
                file: mapping.file.clone(),
                text: mapping.replaced(index + 1, Some(&by)),
                expected: Expected::At(vec![index + 1]),
            });
        }
    };
    let word = text
        .trim_start()
        .trim_start_matches("- ")
        .split(':')
        .next()
        .unwrap_or_default()
        .to_owned();
    put(
        "misspelt word of a test",
        text.replacen(&word, &format!("{word}x"), 1),
    );
    // Names behind which a value stands, in a row or a record.
    for name in text
        .match_indices(": ")
        .filter_map(|(at, _)| text[..at].rsplit([' ', '{']).next())
        .filter(|name| *name != word)
    {
        put(
            "misspelt name in a test",
            text.replacen(&format!("{name}: "), &format!("{name}x: "), 1),
        );
    }
    for (from, to) in [
        ("identity_type: person", "identity_type: organization"),
        ("identity_type: person", "identity_type: persn"),
        ("identity_type: organization", "identity_type: person"),
        ("identity_type: person, ", ""),
        ("identity_type: organization, ", ""),
        ("id: \"i-1\", ", ""),
        ("id: \"o-1\", ", ""),
        ("id: \"i-1\"", "id: 1"),
        ("id: \"i-1\"", "id: null"),
        ("email_opt_in: true", "email_opt_in: yes"),
        ("email_opt_in: true", "email_opt_in: \"true\""),
        ("last_name: Lovelace", "last_name: 5"),
        ("last_name: Lovelace", "last_name: [Lovelace]"),
        ("address: { city: London }", "address: London"),
        (
            "city: London",
            "city: A city with a name of more than forty characters",
        ),
        ("city: London", "city: true"),
        ("LastName: Lovelace", "LastName: true"),
        ("LastName: Lovelace", "LastName: [Lovelace]"),
        (
            "FirstName: Ada",
            "FirstName: A first name that has more than forty characters",
        ),
        ("HasOptedOutOfEmail: true", "HasOptedOutOfEmail: \"true\""),
        ("HasOptedOutOfEmail: false", "HasOptedOutOfEmail: 0"),
        ("LeadSource: Ticketure", "LeadSource: Web"),
        ("MobilePhone: \"2\"", "MobilePhone: true"),
        (
            "push: { mobile: \"2\" }",
            "push: { organization_id: \"2\" }",
        ),
        ("push: { mobile: \"2\" }", "push: { id: \"2\" }"),
        ("push: { mobile: \"2\" }", "push: { mobile: true }"),
        ("push: { phone: \"2\" }", "push: { created_at: \"2\" }"),
        (
            "push: { address: { city: Ockham } }",
            "push: { address: { line2: Ockham } }",
        ),
        (
            "push: { address: { city: Ockham } }",
            "push: { city: Ockham }",
        ),
        ("push: false", "push: no"),
        ("expect: { Ticketure", "expect: { Fax: \"1\", Ticketure"),
        (
            "expect_some: { MobilePhone",
            "expect_some: { Title: x, MobilePhone",
        ),
    ] {
        if text.contains(from) {
            put("contradiction in a test", text.replacen(from, to, 1));
        }
    }
    if text.contains("- name: ") {
        let first = mapping
            .lines
            .iter()
            .find(|line| line.contains("- name: "))
            .unwrap();
        put("test of another's name", first.clone());
    }
}
