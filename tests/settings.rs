//! The compiler and the service know the same settings, and an operator finds each in the example.

use crate::world::root;

#[test]
fn what_a_mapping_may_read_an_operator_can_set() {
    let service = std::fs::read_to_string(root().join("connector/src/settings.rs")).unwrap();
    let example = std::fs::read_to_string(root().join("usher.example.toml")).unwrap();
    // The list alone: the rest of the file speaks of settings, too.
    let start = service.find("const SETTINGS").unwrap();
    let list = &service[start..start + service[start..].find("];\n").unwrap()];
    for setting in codegen::settings::SETTINGS {
        let own = list
            .lines()
            .find(|line| line.contains(&format!("(\"{}\"", setting.name)));
        let Some(own) = own else {
            panic!("connector/src/settings.rs does not know {}", setting.name);
        };
        if let Some(default) = setting.default {
            assert!(
                own.contains(&format!("\"{default}\"")),
                "{}: {own}",
                setting.name
            );
        }
        for word in setting.words {
            assert!(
                own.contains(&format!("\"{word}\"")),
                "{}: {own}",
                setting.name
            );
        }
        assert!(
            example.contains(&format!("{} = ", setting.name)),
            "usher.example.toml does not show {}",
            setting.name
        );
    }
    let known = list.matches("    text(\"").count() + list.matches("    word(\"").count();
    assert_eq!(known, codegen::settings::SETTINGS.len(), "{list}");
}
