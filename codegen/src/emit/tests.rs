//! A mapping's `tests:` as Rust tests.

use std::str::FromStr;

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::ident;
use crate::ir::{Mapping, Test};

/// `#[cfg(test)] mod tests`, or nothing.
pub fn tests(mapping: &Mapping) -> TokenStream {
    if mapping.tests.is_empty() {
        return TokenStream::new();
    }
    let payload = ident(&mapping.payload_struct);
    let record = ident(&mapping.record_struct);
    let tests = mapping.tests.iter().map(test);
    quote! {
        #[cfg(test)]
        mod tests {
            use super::*;

            fn record(row: &str) -> Result<Box<dyn Entity>, RecordError> {
                let payload = #payload::from_row(row.as_bytes())?;
                Ok(Box::new(#record::from_payload(&payload)?))
            }

            #(#tests)*
        }
    }
}

fn test(test: &Test) -> TokenStream {
    let function = ident(&test.function);
    let doc = format!(" {}", test.name);
    let given = raw(&test.given);
    let expect = raw(&test.expect);
    let compare = ident(if test.exact { "exactly" } else { "at_least" });
    quote! {
        #[doc = #doc]
        #[test]
        fn #function() -> Result<(), String> {
            runtime::expect::#compare(record(#given), #expect)
        }
    }
}

/// A raw string where that reads better than escapes.
fn raw(text: &str) -> Literal {
    let raw = format!("r#\"{text}\"#");
    let readable = !text.contains("\"#");
    match Literal::from_str(&raw) {
        Ok(literal) if readable => literal,
        _ => Literal::string(text),
    }
}
