//! One handler trait a payload type, and the adapter by which the runtime calls it without knowing its types.
//!
//! This is what a person implements: syntax and not tables, so it is built as syntax, with `quote`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use super::syntax;
use crate::ir::{Handler, Mapping};

/// The module `on_identity_changed`.
pub fn handler(handler: &Handler, mappings: &[Mapping]) -> String {
    let fed: Vec<Fed<'_>> = handler
        .mappings
        .iter()
        .filter_map(|index| mappings.get(*index))
        .map(Fed::new)
        .collect();
    let imports = imports(&fed);
    let contract = contract(handler, &fed);
    let adapter = adapter(handler, &fed);
    let doc = format!(
        " `{}`: one method a mapping that it feeds.",
        handler.payload_type
    );
    syntax::print(quote! {
        #![doc = #doc]
        #imports
        #contract
        #adapter
    })
}

/// A mapping that the payload type feeds, and its names as Rust has them.
struct Fed<'m> {
    mapping: &'m Mapping,
    module: Ident,
    /// The method of the way back.
    back: Ident,
    payload: Ident,
    record: Ident,
}

impl<'m> Fed<'m> {
    fn new(mapping: &'m Mapping) -> Self {
        Fed {
            mapping,
            module: ident(&mapping.module),
            back: ident(&format!("{}_back", mapping.module)),
            payload: ident(&mapping.payload_struct),
            record: ident(&mapping.record_struct),
        }
    }
}

/// A name settled by `lower`.
fn ident(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}

fn imports(fed: &[Fed<'_>]) -> TokenStream {
    let modules = fed.iter().map(|fed| {
        let Fed {
            module,
            payload,
            record,
            ..
        } = fed;
        quote! { use super::#module::{self, #payload, #record}; }
    });
    let handler = match fed.iter().any(|fed| fed.mapping.both) {
        true => {
            quote! { use runtime::handler::{Back, FieldError, Handler, Mapped, RecordError, of_type}; }
        }
        false => quote! { use runtime::handler::{Back, Handler, Mapped, RecordError}; },
    };
    quote! {
        use runtime::entity::Entity;
        #handler
        use runtime::mapping::MappingDescriptor;
        #(#modules)*
    }
}

/// The trait that a person implements.
fn contract(handler: &Handler, fed: &[Fed<'_>]) -> TokenStream {
    let name = ident(&handler.trait_name);
    let doc = format!(
        " What the webhook `{}` does. Each default body is the compiled mapping.",
        handler.payload_type
    );
    let methods = fed.iter().map(method);
    quote! {
        #[doc = #doc]
        pub trait #name: Send + Sync { #(#methods)* }

        impl #name for Mapped {}
    }
}

fn method(fed: &Fed<'_>) -> TokenStream {
    let Fed {
        mapping,
        module,
        back,
        payload,
        record,
    } = fed;
    let doc = format!(" `{}`.", mapping.file);
    let way_back = mapping.both.then(|| {
        let doc = format!(
            " `{}`, the way back: what fits, and what does not.",
            mapping.file
        );
        quote! {
            #[doc = #doc]
            fn #back(&self, record: &#record) -> (#payload, Vec<FieldError>) {
                record.to_payload()
            }
        }
    });
    quote! {
        #[doc = #doc]
        #[doc = ""]
        #[doc = " # Errors"]
        #[doc = " When a value cannot become its field."]
        fn #module(&self, payload: #payload) -> Result<#record, RecordError> {
            #record::from_payload(payload)
        }
        #way_back
    }
}

fn adapter(handler: &Handler, fed: &[Fed<'_>]) -> TokenStream {
    let (name, adapter) = (ident(&handler.trait_name), ident(&handler.adapter_name));
    let payload_type = &handler.payload_type;
    let doc = format!(" Calls an implementation of [`{name}`] by mapping name.");
    let modules = fed.iter().map(|fed| &fed.module);
    let arms = fed.iter().map(arm);
    let two_way: Vec<&Fed<'_>> = fed.iter().filter(|fed| fed.mapping.both).collect();
    let back_arms = two_way.iter().map(|fed| back_arm(fed));
    let refused = quote! { RecordError::UnknownMapping(other.to_owned()) };
    let (other, record, back) = match two_way.is_empty() {
        true => (quote! { other }, quote! { _ }, quote! { Err(#refused) }),
        false => (
            quote! { mapping },
            quote! { record },
            quote! { match mapping { #(#back_arms)* other => Err(#refused), } },
        ),
    };
    quote! {
        #[doc = #doc]
        #[derive(Debug, Clone, Copy, Default)]
        pub struct #adapter<H>(pub H);

        static FED: &[&MappingDescriptor] = &[#(&#modules::MAPPING),*];

        impl<H: #name> Handler for #adapter<H> {
            fn payload_type(&self) -> &'static str { #payload_type }
            fn mappings(&self) -> &'static [&'static MappingDescriptor] { FED }
            fn to_record(&self, mapping: &str, row: &[u8]) -> Result<Box<dyn Entity>, RecordError> {
                match mapping {
                    #(#arms)*
                    other => Err(RecordError::UnknownMapping(other.to_owned())),
                }
            }
            fn back(&self, #other: &str, #record: &dyn Entity) -> Result<Back, RecordError> { #back }
        }
    }
}

fn arm(fed: &Fed<'_>) -> TokenStream {
    let (name, module, payload) = (&fed.mapping.name, &fed.module, &fed.payload);
    quote! { #name => Ok(Box::new(self.0.#module(#payload::from_row(row)?)?)), }
}

fn back_arm(fed: &Fed<'_>) -> TokenStream {
    let Fed {
        mapping,
        module,
        back,
        record,
        ..
    } = fed;
    let name = &mapping.name;
    quote! {
        #name => {
            let record: &#record = of_type(mapping, record)?;
            let (payload, errors) = self.0.#back(record);
            let again = self.0.#module(payload.clone());
            Ok(Back::new(&#module::MAPPING, record, payload, errors, again))
        }
    }
}
