//! Every name in the mappings of a cart, misspelt where it stands: a path, a fold, a setting, a field, an object, a mapping.

use std::collections::BTreeSet;

use codegen::resolve;
use codegen::settings::SETTINGS;
use codegen::source::Sources;

use crate::everything;

/// Words that a row has as values: where they stand, nothing is looked up.
const VALUES: &[&str] = &[
    "Family",
    "fees",
    "taxes",
    "Family",
    "Opportunity",
    "purchased",
    "redeemed",
    "refunded",
    "invalidated",
    "refund",
    "charge",
    "status",
    "name",
];

/// All names that something can be looked up by.
fn names(sources: &Sources) -> BTreeSet<String> {
    let schemas = resolve::schemas(sources, &mut Vec::new());
    let mut names: BTreeSet<String> = SETTINGS
        .iter()
        .map(|setting| format!("${}", setting.name))
        .collect();
    names.extend(schemas.objects.keys().cloned());
    for object in schemas.objects.values() {
        names.extend(object.fields.iter().map(|field| field.name.clone()));
    }
    for properties in schemas.entities.values() {
        names.extend(properties.iter().map(|(name, _)| name.clone()));
    }
    let checked = codegen::check(sources);
    for mapping in &checked.model.mappings {
        names.insert(mapping.name.value.clone());
        let reduce = mapping.tree.as_ref().and_then(|tree| tree.reduce.as_ref());
        let folds = reduce.iter().flat_map(|reduce| &reduce.folds);
        names.extend(folds.map(|fold| fold.name.value.clone()));
    }
    names
}

/// Where words begin and end, in the part of the text that comes before its tests.
fn words(text: &str) -> Vec<(usize, usize)> {
    let end = text.find("\ntests:").unwrap_or(text.len());
    let is_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$');
    let mut words = Vec::new();
    let mut start = None;
    for (at, letter) in text.char_indices().take_while(|(at, _)| *at <= end) {
        match (is_word(letter), start) {
            (true, None) => start = Some(at),
            (false, Some(begin)) => {
                words.push((begin, at));
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// The line, unless it is a comment, says how the mapping is called, or makes a name.
fn line_of(text: &str, at: usize, end: usize) -> Option<&str> {
    let start = text[..at].rfind('\n').map_or(0, |found| found + 1);
    let line = text[start..].lines().next()?;
    let trimmed = line.trim_start();
    let comment = text[start..at].contains('#');
    // A fold's own name may be any.
    let is_made =
        text[end..].starts_with(": { ") && line.starts_with("    ") && !line.contains("- ");
    let skipped = ["mapping:", "on:", "when:", "action:", "- action:"];
    let is_skipped = skipped.iter().any(|word| trimmed.starts_with(word));
    (!comment && !is_made && !is_skipped).then_some(line)
}

#[test]
fn a_misspelt_name_of_a_tree_is_reported_at_its_line() {
    let sources = everything();
    let files = sources.to_files();
    let names = names(&sources);
    let mut tried = 0;
    let mut silent = Vec::new();
    for (file, text) in files.iter().filter(|(_, text)| text.contains("\npart_of:")) {
        for (start, end) in words(text) {
            let word = &text[start..end];
            let is_key = text[end..].starts_with(':');
            let is_word = codegen::ast::language::MAPPING.keys.iter();
            let is_word = is_key && is_word.into_iter().any(|key| key.name == word);
            if !names.contains(word) || VALUES.contains(&word) || is_word {
                continue;
            }
            let Some(line) = line_of(text, start, end) else {
                continue;
            };
            let mutated = format!("{}{word}zz{}", &text[..start], &text[end..]);
            let mut all = files.clone();
            all.retain(|(name, _)| name != file);
            all.push((file.clone(), mutated));
            let sources = Sources::from_files(all);
            let number = text[..start].matches('\n').count() as u32 + 1;
            let found = codegen::check(&sources).diagnostics;
            let told = found.iter().any(|found| {
                let place = sources.file(found.span.file).map(|file| file.name.as_str());
                let at = sources.position(found.span.file, found.span.start).0;
                place == Some(file) && at == number
            });
            tried += 1;
            if !told {
                silent.push(format!("{file}:{number}: `{word}` in {line}"));
            }
        }
    }
    println!("{tried} names misspelt");
    assert!(tried > 300, "only {tried} names");
    assert!(
        silent.is_empty(),
        "{} of {tried}:\n{}",
        silent.len(),
        silent.join("\n")
    );
}
