//! One handler trait a payload type, and the adapter by which the runtime calls it without knowing its types.

use proc_macro2::TokenStream;
use quote::quote;

use super::ident;
use crate::ir::{Handler, Mapping};

/// The module `on_identity_changed`.
pub fn handler(handler: &Handler, mappings: &[Mapping]) -> TokenStream {
    let fed: Vec<&Mapping> = handler
        .mappings
        .iter()
        .filter_map(|index| mappings.get(*index))
        .collect();
    let payload_type = &handler.payload_type;
    let name = ident(&handler.trait_name);
    let adapter = ident(&handler.adapter_name);
    let methods = fed.iter().map(|mapping| method(mapping));
    let descriptors = fed.iter().map(|mapping| {
        let module = ident(&mapping.module);
        quote! { &#module::MAPPING }
    });
    let arms = fed.iter().map(|mapping| arm(mapping));
    let modules = fed.iter().map(|mapping| ident(&mapping.module));
    let doc = format!(" `{payload_type}`: one method a mapping that it feeds.");
    let trait_doc = format!(
        " What a `{payload_type}` webhook does. Each default body is the compiled mapping."
    );
    let adapter_doc = format!(" Calls a [`{name}`] by mapping name.");
    quote! {
        #![doc = #doc]
        use runtime::entity::Entity;
        use runtime::handler::{Handler, RecordError};
        use runtime::mapping::MappingDescriptor;

        use super::{#(#modules),*};

        #[doc = #trait_doc]
        pub trait #name: Send + Sync { #(#methods)* }

        #[doc = #adapter_doc]
        #[derive(Debug, Clone, Copy, Default)]
        pub struct #adapter<H>(pub H);

        static FED: &[&MappingDescriptor] = &[#(#descriptors),*];

        impl<H: #name> Handler for #adapter<H> {
            fn payload_type(&self) -> &'static str { #payload_type }
            fn mappings(&self) -> &'static [&'static MappingDescriptor] { FED }
            fn to_record(&self, mapping: &str, row: &[u8]) -> Result<Box<dyn Entity>, RecordError> {
                match mapping {
                    #(#arms)*
                    other => Err(RecordError::UnknownMapping(other.to_owned())),
                }
            }
        }
    }
}

fn method(mapping: &Mapping) -> TokenStream {
    let method = ident(&mapping.module);
    let module = ident(&mapping.module);
    let payload = ident(&mapping.payload_struct);
    let record = ident(&mapping.record_struct);
    let doc = format!(" `{}`.", mapping.file);
    quote! {
        #[doc = #doc]
        #[doc = ""]
        #[doc = " # Errors"]
        #[doc = " When a value cannot become its field."]
        fn #method(&self, payload: &#module::#payload) -> Result<#module::#record, RecordError> {
            #module::#record::from_payload(payload)
        }
    }
}

fn arm(mapping: &Mapping) -> TokenStream {
    let name = &mapping.name;
    let module = ident(&mapping.module);
    let payload = ident(&mapping.payload_struct);
    quote! {
        #name => {
            let payload = #module::#payload::from_row(row)?;
            Ok(Box::new(self.0.#module(&payload)?))
        }
    }
}
