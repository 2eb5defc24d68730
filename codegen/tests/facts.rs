//! `docs/checks.md`: every fact that a schema states, and the rule that guards it.

use std::fmt::Write;
use std::path::Path;

use codegen::ast::language::ALLOW;
use codegen::diagnostic::{ALLOWABLE, CODES, Code, page};
use codegen::schema::facts::{
    EntityMember, EnvelopeMember, FieldMember, Guard, Member, ObjectMember, OrgMember,
    PicklistMember, RecordTypeMember,
};

const HEAD: &str = "# What guards each fact

Every member that the compiler reads of a schema, and the rules that report a mapping which contradicts it; or why nothing can.
Made from the readers' own lists (`codegen/src/schema/facts.rs`) by `UPDATE=1 cargo test -p codegen facts`; not edited by hand.
`mapc explain CODE` tells more of a rule. Rules marked with a star are judgements: `allow: { CODE: the reason in words }` overrules them.
What a describe or a JSON Schema says beside these members is not read, and nothing follows from it.
";

/// The title of a code's page.
fn title(code: &Code) -> &'static str {
    let first = page(code.0).and_then(|page| page.lines().next());
    first.and_then(|line| line.split_once(": ")).unwrap().1
}

fn table<M: Member>(name: &str, members: &[M]) -> String {
    let mut text = format!("\n## {name}\n\n| fact | guarded by |\n|---|---|\n");
    for member in members {
        let guard = match member.guard() {
            Guard::Nothing(why) => {
                assert!(
                    why.split(' ').count() > 4,
                    "{} has no reason",
                    member.name()
                );
                format!("nothing: {why}")
            }
            Guard::Rules(codes) => {
                assert!(!codes.is_empty(), "no rule guards `{}`", member.name());
                let star = |code: &Code| if ALLOWABLE.contains(code) { "\\*" } else { "" };
                let rules: Vec<String> = codes
                    .iter()
                    .map(|code| format!("{}{} {}", code.0, star(code), title(code)))
                    .collect();
                rules.join("; ")
            }
        };
        writeln!(text, "| `{}` | {guard} |", member.name()).unwrap();
    }
    text
}

fn document() -> String {
    [
        HEAD.to_owned(),
        table(
            "A Salesforce object: its snapshot or its describe",
            ObjectMember::ALL,
        ),
        table("A field of it", FieldMember::ALL),
        table("A value of a picklist", PicklistMember::ALL),
        table("A record type", RecordTypeMember::ALL),
        table("The org: `_org.json`", OrgMember::ALL),
        table(
            "An entity's JSON Schema, and each property",
            EntityMember::ALL,
        ),
        table("A webhook's envelope", EnvelopeMember::ALL),
    ]
    .concat()
}

#[test]
fn each_fact_has_its_rule_and_the_page_says_so() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/checks.md");
    let expected = document();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == expected,
        "docs/checks.md is stale: UPDATE=1 cargo test -p codegen facts"
    );
}

/// What is read by a bare name would have no row.
#[test]
fn readers_read_only_listed_members() {
    for name in ["org", "salesforce", "source"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/schema/{name}.rs"));
        let text = std::fs::read_to_string(path).unwrap();
        for (number, line) in text.lines().enumerate() {
            assert!(
                !line.contains(".get(\"") && !line.contains("said(node, \""),
                "src/schema/{name}.rs:{} reads a member by name; list it in schema/facts.rs",
                number + 1
            );
        }
    }
}

#[test]
fn what_can_be_allowed_is_a_word_of_the_language() {
    let mut words: Vec<&str> = ALLOW.keys.iter().map(|key| key.name).collect();
    let mut codes: Vec<&str> = ALLOWABLE.iter().map(|code| code.0).collect();
    words.sort_unstable();
    codes.sort_unstable();
    assert_eq!(words, codes);
    for code in ALLOWABLE {
        let page = page(code.0).unwrap();
        assert!(
            page.contains(&format!("allow: {{ {}:", code.0)),
            "{} does not say that it can be allowed",
            code.0
        );
    }
    assert!(CODES.len() > ALLOWABLE.len());
}
