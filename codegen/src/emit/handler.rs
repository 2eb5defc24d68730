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
    let two_way: Vec<&&Mapping> = fed.iter().filter(|mapping| mapping.both).collect();
    let back = two_way.iter().map(|mapping| back_arm(mapping));
    let record = if two_way.is_empty() {
        quote! { _record }
    } else {
        quote! { record }
    };
    let of_type = (!two_way.is_empty()).then(|| quote! { of_type });
    let field_error = (!two_way.is_empty()).then(|| quote! { FieldError, });
    let modules = fed.iter().map(|mapping| ident(&mapping.module));
    let doc = format!(" `{payload_type}`: one method a mapping that it feeds.");
    let trait_doc = format!(
        " What a `{payload_type}` webhook does. Each default body is the compiled mapping."
    );
    let adapter_doc = format!(" Calls a [`{name}`] by mapping name.");
    quote! {
        #![doc = #doc]
        use runtime::entity::Entity;
        use runtime::handler::{Back, #field_error Handler, RecordError, #of_type};
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
            fn back(&self, mapping: &str, #record: &dyn Entity) -> Result<Back, RecordError> {
                match mapping {
                    #(#back)*
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
    let back = mapping.both.then(|| {
        let back = ident(&format!("{}_back", mapping.module));
        let doc = format!(
            " `{}`, the way back: what fits, and what does not.",
            mapping.file
        );
        quote! {
            #[doc = #doc]
            fn #back(&self, record: &#module::#record) -> (#module::#payload, Vec<FieldError>) {
                record.to_payload()
            }
        }
    });
    quote! {
        #[doc = #doc]
        #[doc = ""]
        #[doc = " # Errors"]
        #[doc = " When a value cannot become its field."]
        fn #method(&self, payload: &#module::#payload) -> Result<#module::#record, RecordError> {
            #module::#record::from_payload(payload)
        }
        #back
    }
}

fn back_arm(mapping: &Mapping) -> TokenStream {
    let name = &mapping.name;
    let module = ident(&mapping.module);
    let method = ident(&format!("{}_back", mapping.module));
    let record = ident(&mapping.record_struct);
    quote! {
        #name => {
            let record: &#module::#record = of_type(mapping, record)?;
            let (payload, errors) = self.0.#method(record);
            let again = self.0.#module(&payload);
            Ok(Back::new(&#module::MAPPING, record, payload, errors, again))
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
