//! How a payload becomes a record: one line a field.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::ident;
use crate::ir::{Mapping, Value};

/// `ContactRecord::from_payload` and `from_row`.
pub fn from_payload(mapping: &Mapping) -> TokenStream {
    let record = ident(&mapping.record_struct);
    let payload = ident(&mapping.payload_struct);
    let assignments =
        mapping
            .record
            .iter()
            .zip(&mapping.values)
            .enumerate()
            .map(|(number, (field, value))| {
                let name = ident(&field.ident);
                let value = assigned(number, value);
                quote! { #name: #value }
            });
    let reads_nothing = !mapping
        .values
        .iter()
        .any(|value| matches!(value, Value::Payload { .. }));
    let parameter = if reads_nothing {
        quote! { _payload }
    } else {
        quote! { payload }
    };
    quote! {
        impl #record {
            #[doc = " Converts every mapped field."]
            #[doc = ""]
            #[doc = " # Errors"]
            #[doc = " Names each field whose value cannot be converted or is too long."]
            pub fn from_payload(#parameter: &#payload) -> Result<Self, RecordError> {
                let mut conversions = Conversions::new(&MAPPING);
                let record = #record { #(#assignments),* };
                conversions.finish(record)
            }
        }

        impl #payload {
            #[doc = " Reads a row as Ticketure sends it."]
            #[doc = ""]
            #[doc = " # Errors"]
            #[doc = " Names each member that does not fit the schema."]
            pub fn from_row(row: &[u8]) -> Result<Self, RecordError> {
                let mut payload = Self::default();
                runtime::json::read(&mut payload, row)?;
                Ok(payload)
            }
        }
    }
}

/// `ContactRecord::to_payload`, the way back, for a mapping that has one.
pub fn to_payload(mapping: &Mapping) -> Option<TokenStream> {
    if !mapping.both {
        return None;
    }
    let record = ident(&mapping.record_struct);
    let payload = ident(&mapping.payload_struct);
    let assignments = mapping
        .record
        .iter()
        .zip(&mapping.values)
        .zip(&mapping.sync)
        .enumerate()
        .filter(|(_, (_, sync))| sync.both)
        .filter_map(|(number, ((field, value), _))| {
            let Value::Payload {
                ident: target,
                function,
                ..
            } = value
            else {
                return None;
            };
            let (target, source) = (ident(target), ident(&field.ident));
            let function = ident(function);
            let number = Literal::usize_unsuffixed(number);
            Some(quote! { #target: conversions.field(#number, convert::back::#function(&self.#source)) })
        });
    Some(quote! {
        impl #record {
            #[doc = " Converts every field that goes back; the others stay absent."]
            pub fn to_payload(&self) -> (#payload, Vec<FieldError>) {
                let mut conversions = Conversions::new(&MAPPING);
                let payload = #payload { #(#assignments,)* ..#payload::default() };
                conversions.finish_back(payload)
            }

            #[doc = " The monitored fields that differ from `base`: their change lets the record go back."]
            pub fn monitored_changed(&self, base: &Self) -> Mask {
                merge::monitored_changed(&MAPPING, self, base)
            }

            #[doc = " The required fields that are blank, by index: with one of them the record does not go back."]
            pub fn missing_required(&self) -> Vec<usize> {
                merge::missing_required(&MAPPING, self)
            }

            #[doc = " What is to be written to either side, given what both agreed on and what each has now."]
            pub fn merge(base: &Self, source: &Self, destination: &Self) -> merge::Plan {
                merge::merge(&MAPPING, base, source, destination, &merge::Clocks::default())
            }
        }
    })
}

fn assigned(number: usize, value: &Value) -> TokenStream {
    let number = Literal::usize_unsuffixed(number);
    match value {
        Value::Payload {
            ident: field,
            function,
            ..
        } => {
            let field = ident(field);
            let function = ident(function);
            quote! { conversions.field(#number, convert::#function(&payload.#field)) }
        }
        Value::Text(text) => quote! { Slot::Value(#text.to_owned()) },
        Value::Boolean(truth) => quote! { Slot::Value(#truth) },
        Value::Date(year, month, day) => {
            let year = Literal::i16_unsuffixed(*year);
            let month = Literal::i8_unsuffixed(*month);
            let day = Literal::i8_unsuffixed(*day);
            quote! { Slot::Value(jiff::civil::date(#year, #month, #day)) }
        }
    }
}
