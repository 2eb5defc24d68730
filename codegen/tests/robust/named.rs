//! Inputs with a name, each as hostile as its kind can be. Run with `--nocapture` to see how long each takes.

use codegen::source::Sources;

use super::{answer, contact, found, watched, with};

/// The answer to a mapping of this text beside the shipped ones.
fn mapping(what: &str, text: impl Into<String>) -> Vec<String> {
    let text = text.into();
    let what = format!("{what}, {} bytes", text.len());
    watched(&what, move || {
        let found = answer(&with("odd.yaml", &text));
        found
            .into_iter()
            .map(|found| found.code.to_owned())
            .collect()
    })
}

fn framed(fields: &str) -> String {
    format!(
        "mapping: odd\nsource: ticketure.identity\ndestination: salesforce.Contact\non: identity_changed\nkey: {{ source: id, destination: Ticketure_Identity_Id__c }}\nlane: id\nfields:\n  - {{ source: last_name, destination: LastName }}\n{fields}"
    )
}

const MEGABYTE: usize = 1024 * 1024;

#[test]
fn odd_files_are_answered() {
    for text in [
        "",
        "\u{feff}",
        "# only a comment\n",
        "---\n---\n",
        "a",
        "[]",
        "{}",
        "- a\n",
        "\t",
        "a: b: c",
        "mapping:\n",
        "fields: 3\n",
        "? [a]\n: b\n",
        "? {a: b}\n: {c: d}\n",
        ": a\n",
        "? a\n",
        "!!map\n",
        "%YAML 1.2\n---\na: b\n",
        "...\n",
        "&a *a\n",
        "\0",
        "a: \0\n",
        "\u{2028}",
        "a:\u{2028}b\n",
        "\u{85}",
        "\r",
        "a: b\rc: d\r",
        "|\n",
        ">-\n a\n",
        "\"",
        "'",
        "{",
        "}",
        "[",
        "]",
        "a: \"\\x\"\n",
        "a: \"\\ud800\"\n",
        "\u{202e}a: b\n",
        "<<: {a: b}\n",
        "a: &x 1\n<<: *x\n",
        "*a : b\n",
        "- - - a\n",
        "a: !t b\n",
    ] {
        let codes = mapping(&format!("{text:?}"), text);
        assert!(!codes.is_empty(), "{text:?}");
    }
}

#[test]
fn what_is_large_is_refused_once() {
    for (what, text) in [
        ("more than the limit", "a".repeat(MEGABYTE + 1)),
        (
            "keys",
            (0..100_000).map(|index| format!("k{index}: 1\n")).collect(),
        ),
        ("keys of one name", "key: 1\n".repeat(100_000)),
        ("list items", "- a\n".repeat(100_000)),
        ("fields", framed(&"  - {}\n".repeat(100_000))),
        ("flow items", format!("ignore: [{}]", "a,".repeat(100_000))),
    ] {
        let codes = mapping(what, text);
        assert_eq!(codes, ["M0003"], "{what}");
    }
}

#[test]
fn long_lines_are_answered() {
    let long = "x".repeat(MEGABYTE - 1000);
    for (what, text) in [
        ("one word", long.clone()),
        ("one key", format!("{long}: 1")),
        ("one value", framed(&format!("lock: {long}"))),
        ("one quoted value", framed(&format!("lock: \"{long}\""))),
        ("one open quote", framed(&format!("lock: \"{long}"))),
        ("one comment", framed(&format!("lock: Nowhere # {long}"))),
        (
            "one wide value",
            framed(&format!("lock: {}", "界".repeat(MEGABYTE / 3 - 400))),
        ),
        ("one block", framed(&format!("lock: |\n  {long}\n"))),
        (
            "one test",
            framed(&format!(
                "tests:\n  - name: {long}\n    given: {{ id: {long:.10} }}\n"
            )),
        ),
        (
            "one flow map",
            framed(&format!(
                "  - {{ {} }}\n",
                (0..9_000)
                    .map(|index| format!("key{index}: {index}, "))
                    .collect::<String>()
            )),
        ),
        ("spaces", " ".repeat(MEGABYTE - 1000)),
        ("tabs", format!("{}a: b", "\t".repeat(MEGABYTE - 1000))),
        ("colons", ": ".repeat(MEGABYTE / 2 - 1)),
        ("ends of lines", "\n".repeat(MEGABYTE - 1)),
        ("carriage returns", "\r".repeat(MEGABYTE - 1)),
    ] {
        assert!(!mapping(what, text).is_empty(), "{what}");
    }
}

#[test]
fn depth_is_answered() {
    let many = 100_000;
    for (what, text) in [
        ("brackets", "[".repeat(many)),
        ("closed brackets", "[".repeat(many) + &"]".repeat(many)),
        ("braces", "{a: ".repeat(many)),
        ("items in items", "- ".repeat(many)),
        ("keys of keys", "? ".repeat(many)),
        (
            "indented keys",
            (0..1300)
                .map(|depth| format!("{}a:\n", " ".repeat(depth)))
                .collect(),
        ),
        ("quotes", "\"".repeat(many)),
        ("closing", "]".repeat(many)),
        (
            "40 levels",
            framed(&format!(
                "ignore: {}Fax{}\n",
                "[".repeat(40),
                "]".repeat(40)
            )),
        ),
        (
            "40 levels in a test",
            framed(&format!(
                "tests:\n  - name: a\n    given: {}1{}\n",
                "{ id: ".repeat(40),
                " }".repeat(40)
            )),
        ),
    ] {
        assert!(!mapping(what, text).is_empty(), "{what}");
    }
}

#[test]
fn syntax_errors_without_end_are_answered() {
    let many = 50_000;
    for (what, text) in [
        ("open quotes", "a: \"b\n".repeat(many)),
        ("open brackets", "a: [b\n".repeat(many)),
        ("closing brackets", "a: [b]]\n".repeat(many)),
        (
            "flows that close twice",
            format!("[\n{}", "a: [b]]\n".repeat(many)),
        ),
        ("no colons", "- a: b\n c\n".repeat(many)),
        ("tabs", "a:\n\tb: c\n".repeat(many)),
        ("indentation", "  a: b\n c: d\n".repeat(many)),
        ("percent signs", "%\n".repeat(many)),
    ] {
        let codes = mapping(what, text);
        assert!(
            codes.iter().any(|code| code == "M0001"),
            "{what}: {codes:?}"
        );
        assert!(codes.len() <= 60, "{what}: {}", codes.len());
    }
}

#[test]
fn aliases_and_merge_keys_are_refused() {
    let bomb: String = (0..20)
        .map(|level: usize| {
            let before = format!("*a{},", level.saturating_sub(1)).repeat(9);
            format!("k{level}: &a{level} [{before}]\n")
        })
        .collect();
    let codes = mapping("an alias bomb", bomb);
    assert!(codes.contains(&"M0003".to_owned()));
    let merge = contact().replacen(
        "fields:\n",
        "fields:\n  - { <<: { pii: true }, source: language, destination: Description, direction: forward }\n",
        1,
    );
    assert_eq!(
        found(&with("contact.yaml", &merge))
            .iter()
            .map(|(code, _)| code.as_str())
            .collect::<Vec<_>>(),
        ["M0003"]
    );
}

#[test]
fn hostile_schemas_are_answered() {
    let deep = |open: &str, close: &str, many: usize| open.repeat(many) + "1" + &close.repeat(many);
    for text in [
        String::new(), "[]".into(), "1".into(), "\"\"".into(), "null".into(), "\0".into(), "{".into(), "{}".into(),
        r#"{ "properties": [] }"#.into(),
        r#"{ "properties": { "a": { "$ref": "\#" }, "b": 1, "c": null, "d": { "type": 3 }, "e": { "type": [] }, "": {} } }"#.into(),
        r##"{ "properties": { "a": { "type": "object", "properties": { "a": { "$ref": "#/properties/a" } } } } }"##.into(),
        r#"{ "properties": { "a": { "type": "array", "items": [] }, "b": { "type": "array", "items": { "type": "array" } }, "c.d": { "enum": 3, "maxLength": -1 } }, "required": {} }"#.into(),
        r#"{ "object": 3, "fields": {} }"#.into(), r#"{ "object": "Contact", "fields": [1, null, [], { "name": null }] }"#.into(),
        r#"{ "object": "Contact", "fields": [ { "name": "A", "type": "string", "length": 1e400, "picklistValues": [[]] }, { "name": "A", "type": "string" } ] }"#.into(),
        r#"{ "objectDescribe": {}, "name": [], "fields": 3, "recordTypeInfos": [1] }"#.into(),
        deep("[", "]", 100), deep("[", "]", 20_000), deep("{\"properties\":", "}", 50), deep("{\"a\":", "}", 20_000),
        deep("{\"properties\":{\"a\":{\"type\":\"object\",", "}}}", 19).replace(",1}", "}"),
        format!("{{ \"object\": \"{}\" }}", "x".repeat(MEGABYTE)),
    ] {
        for name in ["schemas/ticketure/identity.schema.json", "schemas/webhooks/identity_changed.schema.json", "schemas/salesforce/Contact.json", "schemas/salesforce/_org.json"] {
            let (name, text) = (name.to_owned(), text.clone());
            watched(&format!("{name}: {text:.60}"), move || answer(&with(&name, &text)));
        }
    }
}

#[test]
fn an_empty_folder_is_answered() {
    assert_eq!(answer(&Sources::from_files([])), []);
    let folder = tempfile::tempdir().unwrap();
    let said = || Sources::load(folder.path()).unwrap_err().to_string();
    assert!(said().contains("schemas/salesforce"), "{}", said());
    std::fs::create_dir(folder.path().join("schemas")).unwrap();
    assert!(said().contains("there is no mapping in"), "{}", said());
    // A folder of that name is none.
    std::fs::create_dir(folder.path().join("odd.yaml")).unwrap();
    assert!(said().contains("there is no mapping in"), "{}", said());
    std::fs::write(folder.path().join("one.yaml"), b"\xff").unwrap();
    let found = answer(&Sources::load(folder.path()).unwrap());
    assert!(found.iter().any(|found| found.code == "M0009"), "{found:?}");
}

#[test]
fn odd_values_are_answered() {
    for value in [
        ".inf",
        "-.inf",
        ".nan",
        "1e400",
        "1e3",
        "0x1F",
        "0o17",
        "007",
        "+1",
        "99999999999999999999999999999999",
        "-0",
        "0.1",
        "1_000",
        "True",
        "NULL",
        "yes",
        "2024-02-30",
        "12:30:45",
        "=",
        "!!float 1",
        "[]",
        "{}",
        "null",
        "~",
        "\"\"",
        "\"\\0\"",
        "'a\n\n b'",
        "|-\n a",
    ] {
        let text = framed(&format!(
            "  - {{ value: {value}, destination: Department }}\ntests:\n  - name: {value}\n    given: {{ id: {value}, address: {value} }}\n    expect: {{ LastName: {value} }}\n"
        ));
        mapping(value, text);
    }
}

/// The shipped files with the contact mapping in these bytes.
fn encoded(bytes: Vec<u8>) -> Vec<String> {
    let files = super::shipped().to_files().into_iter();
    let mut files: Vec<(String, Vec<u8>)> = files
        .map(|(name, text)| (name, text.into_bytes()))
        .filter(|(name, _)| name != "contact.yaml")
        .collect();
    files.push(("contact.yaml".to_owned(), bytes));
    let found = watched("encoding", move || answer(&Sources::from_bytes(files)));
    // Bytes of what was made out of it are not those of the file.
    let recoded = found.iter().any(|found| found.code == "M0009");
    assert!(!recoded || found.iter().all(|found| found.fixes.is_empty()));
    found
        .into_iter()
        .map(|found| found.code.to_owned())
        .collect()
}

#[test]
fn encodings_are_said_once_and_the_rest_is_checked() {
    let text = contact().replacen("name: a new person", "name: Renée, a new person", 1);
    assert_ne!(text, contact());
    let wide: Vec<u16> = text.encode_utf16().collect();
    let little: Vec<u8> = wide.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = wide.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    let marked = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
    let latin_1: Vec<u8> = text.chars().map(|letter| letter as u8).collect();
    let cut: Vec<u8> = text
        .replacen('é', "\u{1}", 1)
        .bytes()
        .map(|byte| if byte == 1 { 0xC3 } else { byte })
        .collect();
    for bytes in [
        latin_1,
        cut,
        marked(b"\xff\xfe", &little),
        marked(b"\xfe\xff", &big),
        little,
        big,
    ] {
        assert_eq!(encoded(bytes), ["M0009"]);
    }
    let wrong = text.replace("FirstName,", "FristName,");
    let latin_1: Vec<u8> = wrong.chars().map(|letter| letter as u8).collect();
    assert_eq!(encoded(latin_1), ["M0102", "M0009"]);
    for bytes in [
        text.as_bytes().to_vec(),
        marked(b"\xef\xbb\xbf", text.as_bytes()),
        text.replace('\n', "\r\n").into_bytes(),
        text.replace('\n', "\r").into_bytes(),
    ] {
        assert_eq!(encoded(bytes), [""; 0]);
    }
}
