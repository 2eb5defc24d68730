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
    let has_pairs = mapping
        .tests
        .iter()
        .any(|test| test.pair.is_some() || test.push.is_some());
    let back = has_pairs.then(|| {
        quote! {
            fn back(record: &dyn Entity) -> Result<runtime::handler::Back, RecordError> {
                let record: &#record = runtime::handler::of_type(MAPPING.name, record)?;
                let (payload, errors) = record.to_payload();
                let again = #record::from_payload(&payload);
                Ok(runtime::handler::Back::new(&MAPPING, record, payload, errors, again))
            }
        }
    });
    let tests = mapping.tests.iter().map(test);
    quote! {
        #[cfg(test)]
        mod tests {
            use super::*;

            fn record(row: &str) -> Result<Box<dyn Entity>, RecordError> {
                let payload = #payload::from_row(row.as_bytes())?;
                Ok(Box::new(#record::from_payload(&payload)?))
            }

            #back

            #(#tests)*
        }
    }
}

fn test(test: &Test) -> TokenStream {
    let function = ident(&test.function);
    let doc = format!(" {}", test.name);
    let body = match (&test.pair, &test.given, &test.expect) {
        (None, Some(given), Some(expect)) if test.push.is_none() => {
            let (given, expect) = (raw(given), raw(expect));
            let compare = ident(if test.exact { "exactly" } else { "at_least" });
            quote! { runtime::expect::#compare(record(#given), #expect) }
        }
        _ => pair(test),
    };
    quote! {
        #[doc = #doc]
        #[test]
        fn #function() -> Result<(), String> {
            #body
        }
    }
}

/// A test about both sides of a pair.
fn pair(test: &Test) -> TokenStream {
    let text = |text: Option<&String>| match text {
        Some(text) => {
            let text = raw(text);
            quote! { Some(#text) }
        }
        None => quote! { None },
    };
    let base = text(test.pair.as_ref().and_then(|pair| pair.base.as_ref()));
    let now = text(test.pair.as_ref().and_then(|pair| pair.now.as_ref()));
    let row = match &test.given {
        Some(given) => {
            let given = raw(given);
            quote! { Some(record(#given)) }
        }
        None => quote! { None },
    };
    let expect = text(test.expect.as_ref());
    let push = text(test.push.as_ref());
    let exact = test.exact;
    quote! {
        let pair = runtime::expect::Pair {
            base: #base,
            now: #now,
            row: #row,
            expect: #expect,
            exact: #exact,
            push: #push,
        };
        runtime::expect::pair(&MAPPING, pair, back)
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
