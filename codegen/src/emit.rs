//! ir -> Rust. It decides nothing: what is written was settled in `lower`.

mod descriptor;
mod entity;
mod handler;
mod record;
mod tests;

use std::collections::BTreeMap;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote;

use crate::ir::{Mapping, Program};

/// Why generated code could not be printed; a defect of the generator, with the module at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmitError {
    pub file: String,
    pub message: String,
}

impl std::fmt::Display for EmitError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "the code generated for {} is not Rust: {}; this is a defect of mapc, please report it with the mapping",
            self.file, self.message
        )
    }
}

impl std::error::Error for EmitError {}

/// The generated crate's sources: path below `generated/src/mappings/` to text.
///
/// # Errors
/// Only when this module has a defect.
pub fn emit(program: &Program) -> Result<BTreeMap<String, String>, EmitError> {
    let mut files = BTreeMap::new();
    let mut add = |path: String, from: &str, tokens: TokenStream| {
        let text = print(&path, from, tokens)?;
        files.insert(path, text);
        Ok::<_, EmitError>(())
    };
    for mapping in &program.mappings {
        add(
            format!("{}.rs", mapping.module),
            &mapping.file,
            module(mapping),
        )?;
    }
    for handler in &program.handlers {
        let tokens = handler::handler(handler, &program.mappings);
        add(format!("{}.rs", handler.module), "mappings/", tokens)?;
    }
    add("lines.rs".to_owned(), "mappings/", lines(&program.mappings))?;
    add("root.rs".to_owned(), "mappings/", root(program))?;
    Ok(files)
}

/// One mapping's module, from its contract to its tests.
fn module(mapping: &Mapping) -> TokenStream {
    let doc = format!(
        " `{}`: {} in Ticketure becomes {} in Salesforce.",
        mapping.file, mapping.source_entity, mapping.object
    );
    let imports = imports(mapping);
    let payload = entity::payload(mapping);
    let record = entity::record(mapping);
    let conversion = record::from_payload(mapping);
    let back = record::to_payload(mapping);
    let descriptor = descriptor::mapping(mapping);
    let tests = tests::tests(mapping);
    quote! {
        #![doc = #doc]
        #imports
        #payload
        #record
        #conversion
        #back
        #descriptor
        #tests
    }
}

fn imports(mapping: &Mapping) -> TokenStream {
    let conflict = mapping.both.then(|| quote! { Conflict, });
    let record_condition = (!mapping.when_record.is_empty()).then(|| quote! { RecordCondition, });
    let merge = mapping.both.then(|| quote! { use runtime::merge; });
    let field_error = mapping.both.then(|| quote! { FieldError, });
    let date = entity::has_dates(mapping).then(|| quote! { use jiff::civil::Date; });
    quote! {
        use std::any::Any;
        #date
        use runtime::change::{Mask, note_change, present};
        use runtime::convert;
        use runtime::entity::{Entity, EntityDescriptor, FieldDescriptor, Kind, Slot, SlotMut, SlotRef};
        use runtime::handler::{Conversions, #field_error RecordError};
        use runtime::mapping::{
            AfterDelete, Condition, #conflict Constant, Direction, FieldSync, MappingDescriptor, MatchPolicy, OnLink,
            OnRewrite, Origin, Policies, #record_condition Rung, Side,
        };
        #merge
    }
}

/// The one file that moves when lines of a mapping move.
fn lines(mappings: &[Mapping]) -> TokenStream {
    let tables = mappings.iter().map(|mapping| {
        let doc = format!(" `{}`, by the record's fields.", mapping.file);
        let name = ident(&mapping.lines_name);
        let lines = mapping
            .lines
            .iter()
            .map(|line| Literal::u32_unsuffixed(*line));
        quote! {
            #[doc = #doc]
            pub static #name: &[u32] = &[#(#lines),*];
        }
    });
    quote! {
        #![doc = " The line of each mapped field, so that errors at run time cite the mapping."]
        #(#tables)*
    }
}

fn root(program: &Program) -> TokenStream {
    let modules = program
        .mappings
        .iter()
        .map(|mapping| &mapping.module)
        .chain(program.handlers.iter().map(|handler| &handler.module))
        .map(|name| ident(name));
    let mappings = program.mappings.iter().map(|mapping| {
        let module = ident(&mapping.module);
        quote! { &#module::MAPPING }
    });
    quote! {
        #(pub mod #modules;)*
        pub mod lines;
        #[doc = " Every mapping, sorted by name."]
        pub static MAPPINGS: &[&runtime::mapping::MappingDescriptor] = &[#(#mappings),*];
    }
}

/// A name settled by `lower`.
fn ident(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}

fn path(names: &[String]) -> TokenStream {
    quote! { &[#(#names),*] }
}

fn print(path: &str, from: &str, tokens: TokenStream) -> Result<String, EmitError> {
    let file = syn::parse2(tokens).map_err(|error| EmitError {
        file: path.to_owned(),
        message: error.to_string(),
    })?;
    Ok(format!(
        "// Generated by `cargo gen` from {from}; edit the mapping instead.\n\n{}",
        prettyplease::unparse(&file)
    ))
}
