//! The mapping as data.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::{ident, path};
use crate::ir::{Mapping, Rung, Value};
use crate::model::{Literal as Constant, MatchPolicy};

/// `pub static MAPPING: MappingDescriptor`.
pub fn mapping(mapping: &Mapping) -> TokenStream {
    let Mapping {
        name,
        file,
        payload_type,
        object,
        external_id,
        ..
    } = mapping;
    let rows = path(&mapping.rows);
    let when = mapping
        .when
        .iter()
        .map(|(source, equals)| condition(source, equals));
    let key = path(&mapping.key);
    let lane = path(&mapping.lane);
    let lock = match &mapping.lock {
        Some(field) => quote! { Some(#field) },
        None => quote! { None },
    };
    let policy = ident(match mapping.policy {
        MatchPolicy::Adopt => "Adopt",
        MatchPolicy::Review => "Review",
        MatchPolicy::AlwaysCreate => "AlwaysCreate",
    });
    let rungs = mapping.rungs.iter().map(rung);
    let origins = mapping.values.iter().map(origin);
    let lines = ident(&mapping.lines_name);
    let record = ident(&mapping.record_struct);
    let doc = format!(" `{file}` as data.");
    quote! {
        #[doc = #doc]
        pub static MAPPING: MappingDescriptor = MappingDescriptor {
            name: #name,
            file: #file,
            payload_type: #payload_type,
            rows: #rows,
            when: &[#(#when),*],
            key: #key,
            lane: #lane,
            object: #object,
            external_id: #external_id,
            lock: #lock,
            policy: MatchPolicy::#policy,
            rungs: &[#(#rungs),*],
            payload: &PAYLOAD,
            record: &RECORD,
            origins: &[#(#origins),*],
            lines: super::lines::#lines,
            new_record: || Box::new(#record::default()),
        };
    }
}

fn condition(source: &[String], equals: &Constant) -> TokenStream {
    let source = path(source);
    let equals = match equals {
        Constant::Boolean(truth) => quote! { Constant::Boolean(#truth) },
        Constant::Integer(number) => {
            let number = Literal::i64_unsuffixed(*number);
            quote! { Constant::Integer(#number) }
        }
        Constant::Text(text) | Constant::Decimal(text) => quote! { Constant::Text(#text) },
        Constant::Null | Constant::List(_) | Constant::Object(_) => quote! { Constant::Null },
    };
    quote! { Condition { path: #source, equals: #equals } }
}

fn rung(rung: &Rung) -> TokenStream {
    let fields = rung
        .fields
        .iter()
        .map(|index| Literal::usize_unsuffixed(*index));
    let proposes_only = rung.proposes_only;
    quote! { Rung { fields: &[#(#fields),*], proposes_only: #proposes_only } }
}

fn origin(value: &Value) -> TokenStream {
    match value {
        Value::Payload { index, .. } => {
            let index = Literal::usize_unsuffixed(*index);
            quote! { Origin::Payload(#index) }
        }
        Value::Text(_) | Value::Boolean(_) | Value::Date(..) => quote! { Origin::Constant },
    }
}
