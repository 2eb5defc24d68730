//! A struct with named fields, its table, and the small trait impl that joins them.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::{ident, path};
use crate::ir::{Field, Kind, Mapping};

/// What the mapping reads.
pub fn payload(mapping: &Mapping) -> TokenStream {
    let doc = format!(
        " What `{}` reads of a row of {}.",
        mapping.file, mapping.source_entity
    );
    entity(
        &mapping.payload_struct,
        "PAYLOAD",
        &mapping.source_entity,
        &doc,
        &mapping.payload,
    )
}

/// What the mapping writes.
pub fn record(mapping: &Mapping) -> TokenStream {
    let doc = format!(" What `{}` writes to {}.", mapping.file, mapping.object);
    entity(
        &mapping.record_struct,
        "RECORD",
        &mapping.object,
        &doc,
        &mapping.record,
    )
}

pub fn has_dates(mapping: &Mapping) -> bool {
    let fields = mapping.payload.iter().chain(&mapping.record);
    fields.into_iter().any(|field| field.kind == Kind::Date)
}

fn entity(name: &str, table: &str, object: &str, doc: &str, fields: &[Field]) -> TokenStream {
    let name = ident(name);
    let table = ident(table);
    let members = fields.iter().map(member);
    let rows = fields.iter().map(row);
    let slot = by_index(fields, &quote! { SlotRef }, &quote! { & });
    let slot_mut = by_index(fields, &quote! { SlotMut }, &quote! { &mut });
    let index = if fields.len() == 1 {
        quote! { _index }
    } else {
        quote! { index }
    };
    let notes = fields.iter().enumerate().map(|(number, field)| {
        let number = Literal::usize_unsuffixed(number);
        let field = ident(&field.ident);
        quote! { note_change(&mut mask, #number, &self.#field, &base.#field); }
    });
    let table_doc = format!(" The table of [`{name}`].");
    quote! {
        #[doc = #doc]
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct #name { #(#members),* }

        #[doc = #table_doc]
        pub static #table: EntityDescriptor = EntityDescriptor {
            name: #object,
            fields: &[#(#rows),*],
        };

        impl Entity for #name {
            fn descriptor(&self) -> &'static EntityDescriptor { &#table }
            fn slot(&self, #index: usize) -> SlotRef<'_> { #slot }
            fn slot_mut(&mut self, #index: usize) -> SlotMut<'_> { #slot_mut }
            fn changed_since(&self, base: &dyn Entity) -> Mask {
                let Some(base) = (base as &dyn Any).downcast_ref::<Self>() else {
                    return present(self);
                };
                let mut mask = Mask::default();
                #(#notes)*
                mask
            }
        }
    }
}

fn member(field: &Field) -> TokenStream {
    let doc = format!(" {}", field.doc);
    let name = ident(&field.ident);
    let kind = match field.kind {
        Kind::Text | Kind::Reference { .. } => quote! { String },
        Kind::Boolean => quote! { bool },
        Kind::Date => quote! { Date },
    };
    quote! { #[doc = #doc] pub #name: Slot<#kind> }
}

fn row(field: &Field) -> TokenStream {
    let path = path(&field.path);
    let kind = match &field.kind {
        Kind::Text => quote! { Kind::Text },
        Kind::Boolean => quote! { Kind::Boolean },
        Kind::Date => quote! { Kind::Date },
        Kind::Reference { mapping } => quote! { Kind::Reference { mapping: #mapping } },
    };
    let length = field.max_length.map(|length| {
        let length = Literal::u32_unsuffixed(length);
        quote! { .max_length(#length) }
    });
    let pii = field.pii.then(|| quote! { .pii() });
    let create_only = field.create_only.then(|| quote! { .create_only() });
    let needs_npsp = field.needs_npsp.then(|| quote! { .needs_npsp() });
    let required = field.required.then(|| quote! { .required() });
    quote! { FieldDescriptor::new(#path, #kind) #length #pii #create_only #needs_npsp #required }
}

/// `match index { 0 => SlotRef::Text(&self.city), ..., _ => the last }`.
fn by_index(fields: &[Field], slot: &TokenStream, borrow: &TokenStream) -> TokenStream {
    let value = |field: &Field| {
        let name = ident(&field.ident);
        let variant = ident(match field.kind {
            Kind::Text | Kind::Reference { .. } => "Text",
            Kind::Boolean => "Boolean",
            Kind::Date => "Date",
        });
        quote! { #slot::#variant(#borrow self.#name) }
    };
    let Some((last, rest)) = fields.split_last() else {
        return TokenStream::new();
    };
    let last = value(last);
    if rest.is_empty() {
        return last;
    }
    let arms = rest.iter().enumerate().map(|(number, field)| {
        let number = Literal::usize_unsuffixed(number);
        let value = value(field);
        quote! { #number => #value }
    });
    quote! { match index { #(#arms,)* _ => #last } }
}
