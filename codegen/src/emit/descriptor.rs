//! The mapping as data.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::{ident, path};
use crate::ir::{Conflict, FieldSync, Mapping, RecordCondition, Rung, Value};
use crate::model::{
    AfterDelete, Literal as Constant, MatchPolicy, OnLink, OnRewrite, Policies, Side,
};

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
    let payload = ident(&mapping.payload_struct);
    let direction = ident(if mapping.both { "Both" } else { "Forward" });
    let when_record = mapping.when_record.iter().map(record_condition);
    let adopts_on_conflict = mapping.adopts_on_conflict;
    let policies = policies(&mapping.policies);
    let sync = mapping.sync.iter().map(field_sync);
    let doc = format!(" `{file}` as data.");
    quote! {
        #[doc = #doc]
        pub static MAPPING: MappingDescriptor = MappingDescriptor {
            name: #name,
            file: #file,
            payload_type: #payload_type,
            rows: #rows,
            when: &[#(#when),*],
            direction: Direction::#direction,
            when_record: &[#(#when_record),*],
            key: #key,
            lane: #lane,
            object: #object,
            external_id: #external_id,
            lock: #lock,
            policy: MatchPolicy::#policy,
            rungs: &[#(#rungs),*],
            adopts_on_conflict: #adopts_on_conflict,
            policies: #policies,
            payload: &PAYLOAD,
            record: &RECORD,
            origins: &[#(#origins),*],
            sync: &[#(#sync),*],
            lines: super::lines::#lines,
            new_record: || Box::new(#record::default()),
            new_payload: || Box::new(#payload::default()),
        };
    }
}

fn condition(source: &[String], equals: &Constant) -> TokenStream {
    let source = path(source);
    let equals = constant(equals);
    quote! { Condition { path: #source, equals: #equals } }
}

fn record_condition(condition: &RecordCondition) -> TokenStream {
    let RecordCondition {
        field,
        negated,
        equals,
        needs_npsp,
    } = condition;
    let equals = constant(equals);
    quote! {
        RecordCondition { field: #field, negated: #negated, equals: #equals, needs_npsp: #needs_npsp }
    }
}

fn policies(policies: &Policies) -> TokenStream {
    let tie = ident(match policies.tie {
        Side::Source => "Source",
        Side::Destination => "Destination",
    });
    let on_link = ident(match policies.on_link {
        OnLink::FillBlanks => "FillBlanks",
        OnLink::Source => "Source",
        OnLink::Destination => "Destination",
        OnLink::Newest => "Newest",
        OnLink::Review => "Review",
    });
    let on_rewrite = ident(match policies.on_rewrite {
        OnRewrite::Accept => "Accept",
        OnRewrite::Keep => "Keep",
    });
    let after_delete = ident(match policies.after_delete {
        AfterDelete::Recreate => "Recreate",
        AfterDelete::Detach => "Detach",
        AfterDelete::Review => "Review",
    });
    quote! {
        Policies {
            tie: Side::#tie,
            on_link: OnLink::#on_link,
            on_rewrite: OnRewrite::#on_rewrite,
            after_delete: AfterDelete::#after_delete,
        }
    }
}

fn field_sync(field: &FieldSync) -> TokenStream {
    if !field.both {
        return quote! { FieldSync::FORWARD };
    }
    let monitored = field.monitored.then(|| quote! { .monitored() });
    let required = field.required.then(|| quote! { .required() });
    let conflict = match field.conflict {
        Conflict::Source => quote! { Source },
        Conflict::Destination => quote! { Destination },
        Conflict::Newest => quote! { Newest },
        Conflict::Restrictive(value) => quote! { Restrictive(#value) },
        Conflict::Review => quote! { Review },
    };
    quote! { FieldSync::both(Conflict::#conflict) #monitored #required }
}

fn constant(equals: &Constant) -> TokenStream {
    match equals {
        Constant::Boolean(truth) => quote! { Constant::Boolean(#truth) },
        Constant::Integer(number) => {
            let number = Literal::i64_unsuffixed(*number);
            quote! { Constant::Integer(#number) }
        }
        Constant::Text(text) | Constant::Decimal(text) => quote! { Constant::Text(#text) },
        Constant::Null | Constant::List(_) | Constant::Object(_) => quote! { Constant::Null },
    }
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
