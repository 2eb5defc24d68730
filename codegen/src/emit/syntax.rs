//! Syntax trees as text: prettyplease prints them, and items are set apart as a person does.

use proc_macro2::TokenStream;

/// A module's tokens, laid out.
pub fn print(tokens: TokenStream) -> String {
    match syn::parse2(tokens.clone()) {
        Ok(file) => set_apart(&prettyplease::unparse(&file)),
        // Only a defect of the emitter leads here: rustc will say what is wrong with it.
        Err(_) => tokens.to_string(),
    }
}

/// An empty line between items, and behind a module's own words. Imports stay together.
fn set_apart(text: &str) -> String {
    let mut apart = String::with_capacity(text.len() + text.len() / 16);
    let mut before = "";
    for line in text.lines() {
        if parts(before.trim(), line.trim()) {
            apart.push('\n');
        }
        apart.push_str(line);
        apart.push('\n');
        before = line;
    }
    apart
}

fn parts(before: &str, line: &str) -> bool {
    let starts = ["///", "#[", "pub ", "fn ", "impl", "static ", "use "];
    let is_item = starts.iter().any(|start| line.starts_with(start));
    let is_import = |line: &str| line.starts_with("use ");
    let ended = before.ends_with('}') || before.ends_with(';') || before.starts_with("//!");
    let groups = is_import(before) && is_import(line) && own(before) == own(line);
    is_item && ended && !groups
}

/// Is it an import of this crate's?
fn own(import: &str) -> bool {
    import.starts_with("use super::")
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::print;

    #[test]
    fn items_are_set_apart_and_imports_are_not() {
        let text = print(quote! {
            #![doc = " About."]
            use a::b;
            use a::c;
            use super::d;
            #[doc = " One."]
            pub struct One(u8);
            impl One { fn first(&self) {} fn second(&self) { match self.0 { 0 => {} _ => {} } } }
        });
        let expected = "//! About.\n\nuse a::b;\nuse a::c;\n\nuse super::d;\n\n/// One.\npub struct One(u8);\n\nimpl One {\n    fn first(&self) {}\n\n    fn second(&self) {\n        match self.0 {\n            0 => {}\n            _ => {}\n        }\n    }\n}\n";
        assert_eq!(text, expected);
    }
}
